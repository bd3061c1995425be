//! What schema files import: TypeScript of all kinds, packages, Node's modules, drivers.

use crate::project::{Fixture, table_names};

#[track_caller]
fn check_tables(schema: &str, others: &[(&str, &str)], expected: &[&str]) {
    let fixture = Fixture::postgres(schema, others);
    assert_eq!(table_names(&fixture.postgres_schema()), expected);
}

#[test]
fn typescript_only_syntax_is_stripped() {
    let types = "export type Id = number;\nexport interface Named { name: string }\nexport enum Kind { A = 'kind_a' }\nexport type Kinds = `${Kind}`;\n";
    let barrel = "export { Id, Named, Kind } from './types';\n";
    let schema = "
import { integer, pgTable } from 'drizzle-orm/pg-core';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { Id, Kind, type Named } from './barrel.js';
import Unused, { AlsoUnused } from './types';

namespace Names { export const second = 'second' as const }
const columns = { id: integer().notNull() } satisfies Record<string, unknown>;
abstract class Base<T> { constructor(protected readonly name: T) {} get it(): T { return this.name!; } }
class Name extends Base<string> {}
declare const nothing: Named;
export const a = pgTable(Kind.A, columns);
export const b = pgTable<string, typeof columns>(Names.second, columns);
export const c = pgTable(<string>new Name('third').it, { ...columns, id2: integer().$type<Id>() });
export { Id };
export type { Named, PgColumn };
";
    check_tables(
        schema,
        &[("types.ts", types), ("barrel.ts", barrel)],
        &["kind_a", "second", "third"],
    );
}

#[test]
fn files_may_import_each_other_in_circles() {
    let users = "import { integer, pgTable } from 'drizzle-orm/pg-core';\nimport { posts } from './schema';\nexport const users = pgTable('users', { id: integer().primaryKey(), pinned: integer().references(() => posts.id) });\n";
    let schema = "import { integer, pgTable } from 'drizzle-orm/pg-core';\nimport { relations } from 'drizzle-orm';\nimport { users } from './users';\nexport * from './users';\nexport const posts = pgTable('posts', { id: integer().primaryKey(), author: integer().references(() => users.id) });\nexport const postsRelations = relations(posts, ({ one }) => ({ author: one(users, { fields: [posts.author], references: [users.id] }) }));\n";
    let fixture = Fixture::postgres(schema, &[("users.ts", users)]);
    let schema = fixture.postgres_schema();
    assert_eq!(table_names(&schema), ["posts", "users"]);
    assert_eq!(schema.tables[0].foreign_keys[0].name, "posts_author_users_id_fk");
    assert_eq!(schema.tables[1].foreign_keys[0].table_to, "posts");
}

#[test]
fn paths_of_the_tsconfig_are_followed() {
    let base = r#"{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["./src/*"], "~env": ["./src/env.ts"] } } }"#;
    let others = [
        ("tsconfig.base.json", base),
        ("tsconfig.json", "{ // comments are allowed\n \"extends\": \"./tsconfig.base.json\", }"),
        ("src/env.ts", "export const env = { prefix: 'app_' };"),
        (
            "src/names/index.ts",
            "import { env } from '~env';\nexport const name = (it: string) => env.prefix + it;",
        ),
    ];
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';\nimport { name } from '@/names';\nexport const a = pgTable(name('a'), {});";
    check_tables(schema, &others, &["app_a"]);
}

#[test]
fn a_broken_tsconfig_is_passed_over() {
    let broken = ("tsconfig.json", r#"{ "extends": "@missing/base" }"#);
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';\nimport { name } from './name';\nexport const a = pgTable(name, {});";
    check_tables(schema, &[broken, ("name.ts", "export const name = 'a';")], &["a"]);
}

/// `include` says what the compiler checks, not where the paths hold.
#[test]
fn paths_hold_for_files_that_the_tsconfig_does_not_include() {
    let tsconfig =
        r#"{ "include": ["src"], "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }"#;
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';\nimport { name } from '@/name';\nexport const a = pgTable(name, {});";
    check_tables(
        schema,
        &[("tsconfig.json", tsconfig), ("src/name.ts", "export const name = 'a';")],
        &["a"],
    );
}

#[test]
fn json_and_commonjs_and_packages_are_imported() {
    let others = [
        ("names.json", r#"{ "first": "from_json", "list": ["x"] }"#),
        (
            "legacy.cjs",
            "const path = require('path');\nexports.second = path.basename(__filename, '.cjs');\nexports.deep = require('./names.json').list[0];",
        ),
        (
            "lib/pkg/package.json",
            r##"{ "name": "pkg", "exports": { ".": { "import": "./esm.mjs", "require": "./cjs.cjs" }, "./sub/*": "./sub/*.js" }, "imports": { "#own": "./own.js" } }"##,
        ),
        ("lib/pkg/esm.mjs", "import { own } from '#own';\nexport default own + '_esm';"),
        ("lib/pkg/own.js", "module.exports = { own: 'pkg' };"),
        (
            "lib/pkg/sub/deep.js",
            "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = 'sub_default';\nexports.named = 'sub_named';",
        ),
        (
            "tsconfig.json",
            r#"{ "compilerOptions": { "paths": { "pkg": ["./lib/pkg"], "pkg/*": ["./lib/pkg/sub/*.js"] } } }"#,
        ),
    ];
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';
import names, { list } from './names.json';
import * as everything from './names.json';
import { second, deep } from './legacy.cjs';
import legacy from './legacy.cjs';
import * as all from './legacy.cjs';
import sub, { named } from 'pkg/deep';
export const a = pgTable([names.first, list[0], everything.list[0]].join('_'), {});
export const b = pgTable([second, deep, legacy.second, all.deep].join('_'), {});
export const c = pgTable([sub, named].join('_'), {});
";
    check_tables(schema, &others, &["from_json_x_x", "legacy_x_legacy_x", "sub_default_sub_named"]);
}

#[test]
fn a_commonjs_schema_is_read_in_its_own_order() {
    let schema = "const { pgTable } = require('drizzle-orm/pg-core');\nconst { name } = require('./name');\nmodule.exports = { z: pgTable('z', {}), a: pgTable(name, {}) };\n";
    check_tables(schema, &[("name.ts", "export const name: string = 'a';")], &["z", "a"]);
}

#[test]
fn modules_of_node_answer_what_loading_needs() {
    let schema = "
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path, { dirname, join, relative } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';
import { createHash, randomUUID } from 'node:crypto';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { promisify, inspect } from 'util';
import events, { EventEmitter } from 'events';
import http from 'node:http';
import { spawn } from 'child_process';
import { pgTable } from 'drizzle-orm/pg-core';

const here = dirname(fileURLToPath(import.meta.url));
if (here !== __dirname || pathToFileURL(__filename).href !== import.meta.url) throw new Error('dirname');
if (!/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/.test(randomUUID())) throw new Error('uuid');
if (typeof createHash !== 'function' || typeof spawn !== 'function' || !http) throw new Error('stubs');
class Bus extends EventEmitter {}
let heard = '';
new Bus().on('x', (it) => { heard = it; }).emit('x', 'heard');
await new Promise<void>((done) => setTimeout(done, 50));
const name = readFileSync(join(here, 'name.txt'), 'utf8').trim();
const again = Buffer.from(await readFile('name.txt')).toString('base64');
const list = readdirSync(here).filter((it) => it.endsWith('.txt')).join();
if (existsSync('missing.txt')) throw new Error('exists');
const store = new AsyncLocalStorage<string>();
export const a = pgTable([name, atob(again).trim(), list, heard, store.run('s', () => store.getStore())].join('-'), {});
export const b = pgTable(path.extname('x/y.tar.gz') + relative('/a/b', '/a/c/d') + path.resolve('/x', '../y'), {});
export const c = pgTable(createRequire(import.meta.url)('./name.json').name, {});
";
    let others = [("name.txt", "file\n"), ("name.json", r#"{ "name": "required" }"#)];
    check_tables(schema, &others, &["file-file-name.txt-heard-s", ".gz../c/d/y", "required"]);
}

#[test]
fn database_clients_do_nothing() {
    let schema = "
import { Pool, types } from 'pg';
import pg from 'pg';
import * as everything from 'pg';
import postgres from 'postgres';
import { createClient } from '@libsql/client';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js';
import { drizzle as drizzleSql } from 'drizzle-orm/libsql';
import { pgTable } from 'drizzle-orm/pg-core';
export const a = pgTable('a', {});
types.setTypeParser(1, (it: string) => it);
const sql = postgres(process.env.DATABASE_URL ?? 'postgres://localhost/x');
await sql`select 1`;
export const db = drizzle(new Pool({ connectionString: 'postgres://localhost/x' }), { schema: { a } });
export const db2 = drizzle(new everything.Client());
export const db3 = drizzleJs(sql);
export const db4 = drizzleSql(createClient({ url: 'file:x.db' }));
export const file = new Database('x.db').prepare('select 1').get();
export default new pg.Pool();
";
    check_tables(schema, &[], &["a"]);
}

#[test]
fn a_namespace_among_the_exports_is_passed_over() {
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';\nexport * as other from './other';\nexport const a = pgTable('a', {});";
    let other =
        "import { pgTable } from 'drizzle-orm/pg-core';\nexport const b = pgTable('b', {});";
    check_tables(schema, &[("other.ts", other)], &["a"]);
}

#[test]
fn the_environment_is_the_callers_and_what_is_asked_for_is_reported() {
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';\nexport const a = pgTable(`${process.env.PREFIX}_${process.env.HOME ?? 'none'}`, {});";
    let fixture = Fixture::postgres(schema, &[]);
    let fixture = fixture.with_env("PREFIX", "app");
    assert_eq!(table_names(&fixture.postgres_schema()), ["app_none"]);
    let declared = fixture.declared().unwrap().unwrap();
    assert!(["HOME", "PREFIX"].iter().all(|it| declared.environment.iter().any(|name| name == it)));
}

#[test]
fn a_workspace_package_outside_of_the_folder_is_read() {
    let fixture = Fixture::new(&[
        ("pnpm-workspace.yaml", ""),
        ("shared/name.ts", "export const name = 'shared';"),
    ]);
    fixture.write(
        "app/drizzle.config.ts",
        "export default { dialect: 'postgresql', schema: './schema.ts' };",
    );
    fixture.write("app/schema.ts", "import { pgTable } from 'drizzle-orm/pg-core';\nimport { name } from '../shared/name';\nexport const a = pgTable(name, {});");
    let project = raingauge_tsload::Project::new(fixture.path("app"), Default::default());
    let declared = project.declared(&project.config(None).unwrap()).unwrap().unwrap();
    assert_eq!(declared.files.len(), 2);
}
