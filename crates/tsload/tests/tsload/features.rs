//! What TypeScript allows, and what schemas import.

use crate::project::{Fixture, GENERATIONS, LATEST, NEXT, POSTGRES_CONFIG, table_names};

const TABLE: &str = "import { pgTable, text, integer } from 'drizzle-orm/pg-core';\n";

#[track_caller]
fn check(schema: &str, others: &[(&str, &str)], expected: &[&str]) {
    let fixture = Fixture::postgres(&format!("{TABLE}{schema}"), others);
    assert_eq!(table_names(&fixture.postgres_schema()), expected);
}

#[test]
fn everything_of_typescript_but_decorators_is_understood() {
    let schema = "
import type { Foo } from './types';
import { type Bar, value } from './types';
enum Role { Admin = 'admin' }
const enum Size { Small = 'small' }
namespace Names { export const users = 'users'; export namespace Inner { export const deep = 'deep'; } }
declare module './types' { interface Extra { a: 1 } }
declare global { var foo: string }
abstract class Box<T> { constructor(private readonly kept: T, public other?: string) {} get it() { return this.kept } static #hidden = 1; declare gone: string; }
const options = { a: 'satisfied' } satisfies Record<string, string>;
function same<const T extends readonly string[]>(it: T): T { return it }
function loaded(it: string): string; function loaded(it: any) { return it }
class Held implements Disposable { [Symbol.dispose]() {} }
function use() { using held = new Held(); return 'used' }
let late!: string;
const cast = <string>'cast';
export const a = pgTable(Names.users + '_' + Names.Inner.deep, {});
export const b = pgTable([Role.Admin, Size.Small, new Box('boxed').it, options.a, same(['same'] as const)[0], loaded('loaded'), use(), cast!, value].join('_'), {});
export type User = typeof a.$inferSelect;
export type { Foo };
";
    let types = (
        "types.ts",
        "export type Foo = string;\nexport interface Bar { x: 1 }\nexport const value = 'value';",
    );
    let joined = "admin_small_boxed_satisfied_same_loaded_used_cast_value";
    check(schema, &[types], &["users_deep", joined]);
}

#[test]
fn elements_need_no_react() {
    let mail = (
        "mail.tsx",
        "import React from 'react';\nexport const name: string = 'mail';\nexport const Mail = ({ to }: { to: string }) => <><p className='x' {...{}}>{to}</p></>;",
    );
    let plain = ("plain.jsx", "export const plain = (<a href='x'/>).type;");
    let schema = "import { name } from './mail';\nimport { plain } from './plain';\nexport const t = pgTable(name + plain, {});";
    check(schema, &[mail, plain], &["maila"]);
}

#[test]
fn a_file_may_name_the_code_that_another_extension_will_be() {
    let others = [
        ("a.ts", "export const a = 'a';"),
        ("b.mts", "export const b = 'b';"),
        ("c.cts", "exports.c = 'c';"),
        ("d.tsx", "export const d = 'd';"),
    ];
    let schema = "import { a } from './a.js';\nimport { b } from './b.mjs';\nimport { c } from './c.cjs';\nimport { d } from './d.js';\nexport const t = pgTable(a + b + c + d, {});";
    check(schema, &others, &["abcd"]);
}

#[test]
fn barrels_and_circles_of_imports_load() {
    let users = "import { pgTable, integer } from 'drizzle-orm/pg-core';\nimport { posts } from './posts';\nexport const users = pgTable('users', { id: integer().primaryKey(), first: integer().references(() => posts.id) });";
    let posts = "import { pgTable, integer, type AnyPgColumn } from 'drizzle-orm/pg-core';\nimport { users } from './index';\nexport const posts = pgTable('posts', { id: integer().primaryKey(), by: integer().references((): AnyPgColumn => users.id) });";
    let files = [
        ("src/index.ts", "export * from './users';\nexport * from './posts';"),
        ("src/users.ts", users),
        ("src/posts.ts", posts),
        ("drizzle.config.ts", POSTGRES_CONFIG),
        ("schema.ts", "export * from './src';"),
    ];
    for orm in [LATEST, NEXT] {
        let schema = Fixture::with_orm(orm, &files).postgres_schema();
        assert_eq!(table_names(&schema), ["users", "posts"], "{orm}");
        assert_eq!(schema.tables[1].foreign_keys[0].table_to, "users");
    }
}

#[test]
fn packages_offer_what_their_conditions_say() {
    let others = [
        (
            "package.json",
            r##"{ "name": "app", "imports": { "#lib/*": "./lib/*.ts" }, "exports": { "./own": "./own.ts" } }"##,
        ),
        ("lib/n.ts", "export const n = 'n';"),
        ("own.ts", "export const own = 'own';"),
        (
            "node_modules/pkg/package.json",
            r#"{ "name": "pkg", "type": "module", "exports": { ".": { "types": "./t.d.ts", "browser": "./no.js", "import": "./src/index.ts", "default": "./no.cjs" }, "./*": { "import": "./src/*.ts" }, "./json": "./data.json" } }"#,
        ),
        ("node_modules/pkg/src/index.ts", "export const k: string = 'k';"),
        ("node_modules/pkg/src/sub.ts", "export const m = 'm';"),
        ("node_modules/pkg/data.json", r#"{ "j": "j" }"#),
    ];
    let schema = "import { n } from '#lib/n';\nimport { own } from 'app/own';\nimport { k } from 'pkg';\nimport { m } from 'pkg/sub';\nimport data from 'pkg/json' with { type: 'json' };\nexport const t = pgTable([n, own, k, m, data.j].join('_'), {});";
    check(schema, &others, &["n_own_k_m_j"]);
}

#[test]
fn libraries_of_ids_and_validation_load_in_both_generations() {
    let schema = "
import { createId } from '@paralleldrive/cuid2';
import { customAlphabet, nanoid } from 'nanoid';
import { v4, v7 } from 'uuid';
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { pgTable, text } from 'drizzle-orm/pg-core';
const short = customAlphabet('abc', 5);
const level = z.enum(['low', 'high']).parse('low');
export const t = pgTable('t', {
  id: text('id').$defaultFn(() => createId()), at: text('at').$onUpdate(() => randomUUID()),
  lengths: text('lengths').default([short(), nanoid(), createId(), v4(), v7(), randomBytes(4).toString('hex')].map((it) => it.length).join('-')),
  sha: text('sha').default(createHash('sha256').update('a').digest('hex').slice(0, 8)),
  md5: text('md5').default(createHash('md5').update('a').digest('base64')),
  mac: text('mac').default(createHmac('sha1', 'key').update('The quick brown fox jumps over the lazy dog').digest('hex').slice(0, 8)),
  level: text('level').default(level),
});
";
    for orm in GENERATIONS {
        let files = [("drizzle.config.ts", POSTGRES_CONFIG), ("schema.ts", schema)];
        let schema = Fixture::with_orm(orm, &files).postgres_schema();
        let defaults: Vec<_> = schema.tables[0].columns[2..]
            .iter()
            .map(|it| serde_json::to_value(&it.default).unwrap()["value"].clone())
            .collect();
        // As Node computes them.
        let expected =
            ["5-21-24-36-36-8", "ca978112", "DMF1ucDxtqgxw5niaXcmYQ==", "de7c9b85", "low"];
        assert_eq!(defaults, expected, "{orm}");
    }
}

#[test]
fn schemas_of_validation_are_made_from_tables() {
    let schema = "import { createInsertSchema, createSelectSchema } from 'drizzle-zod';\nexport const t = pgTable('t', { a: text('a').notNull(), n: integer('n') });\nexport const insert = createInsertSchema(t, { a: (it) => it.min(1) });\nexport const select = createSelectSchema(t);\nexport const u = pgTable(insert.omit({ n: true }).parse({ a: 'parsed' }).a, {});";
    check(schema, &[], &["t", "parsed"]);
    let schema = format!("{TABLE}{}", schema.replace("'drizzle-zod'", "'drizzle-orm/zod'"));
    let files = [("drizzle.config.ts", POSTGRES_CONFIG), ("schema.ts", schema.as_str())];
    assert_eq!(table_names(&Fixture::with_orm(NEXT, &files).postgres_schema()), ["t", "parsed"]);
}

#[test]
fn the_environment_is_checked_and_expanded_by_the_usual_libraries() {
    let config = "
import { config } from 'dotenv';
import { expand } from 'dotenv-expand';
import { defineConfig } from 'drizzle-kit';
import { env } from '~/env';
expand(config({ quiet: true }));
config({ path: '.env.local', quiet: true });
export default defineConfig({ dialect: 'postgresql', schema: './schema.ts', out: process.env.OUT, dbCredentials: { url: env.DATABASE_URL + process.env.SUFFIX } });
";
    let env = "import { createEnv } from '@t3-oss/env-core';\nimport { z } from 'zod';\nexport const env = createEnv({ server: { DATABASE_URL: z.string().url() }, runtimeEnv: process.env, emptyStringAsUndefined: true });";
    let fixture = Fixture::new(&[
        ("drizzle.config.ts", config),
        ("src/env.ts", env),
        (".env", "NAME=shop\nDATABASE_URL=postgres://h/shop\nSUFFIX=?name=${NAME}\n"),
        (".env.local", "OUT=db/${NAME}\n"),
        ("tsconfig.json", r#"{ "compilerOptions": { "paths": { "~/*": ["./src/*"] } } }"#),
    ]);
    let config = fixture.config().unwrap();
    assert_eq!(config.credentials["url"], "postgres://h/shop?name=shop");
    assert_eq!(config.out, "db/${NAME}");
    fixture.write(".env", "DATABASE_URL=nowhere\n");
    assert_eq!(fixture.config().unwrap_err().code(), "schema-failed");
}

#[test]
fn texts_in_the_form_of_a_language_are_refused_rather_than_guessed() {
    for call in [
        "(1234.5).toLocaleString()",
        "new Date(0).toLocaleDateString('en')",
        "new Intl.NumberFormat('en').format(1)",
    ] {
        let schema =
            format!("{TABLE}export const t = pgTable('t', {{ a: text('a').default({call}) }});");
        let error = Fixture::postgres(&schema, &[]).error();
        assert_eq!(error.code(), "sandbox-refused", "{error}");
        assert_eq!(error.place().unwrap().line, 2);
    }
}
