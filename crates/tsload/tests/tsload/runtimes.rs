//! The project's own Node.js, tsx and bun give what the embedded engine gives, and run what it refuses.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use raingauge_tsload::{Config, Declared, LoadError, Runtime};

use crate::generations::SCHEMA as EVERYTHING;
use crate::project::{Fixture, LATEST, NEXT, installed};

/// Every program of the project's own.
const OUTSIDE: [Runtime; 3] = [Runtime::Node, Runtime::Tsx, Runtime::Bun];

/// With the `PATH` on which Node is.
fn with_path(fixture: Fixture) -> Fixture {
    fixture.with_env("PATH", &std::env::var("PATH").unwrap())
}

/// With tsx and bun as npm has installed them, beside the packages of the project and its drizzle-kit.
fn with_programs(fixture: Fixture, orm: &str) -> Fixture {
    let kit = installed(if orm == NEXT { "drizzle-1" } else { "bookstore-postgres" });
    symlink(kit.join("drizzle-kit"), fixture.path("node_modules/drizzle-kit")).unwrap();
    let modules = installed("runtimes");
    for package in ["tsx", "bun", "bcrypt", "node-gyp-build", "node-addon-api"] {
        symlink(modules.join(package), fixture.path("node_modules").join(package)).unwrap();
    }
    let _ = std::fs::remove_file(fixture.path("node_modules/.bin"));
    symlink(modules.join(".bin"), fixture.path("node_modules/.bin")).unwrap();
    with_path(fixture)
}

fn load(fixture: &Fixture, runtime: Runtime) -> Result<(Config, Declared), LoadError> {
    let project = fixture.project().with_runtime(runtime);
    let config = project.config(None)?;
    let declared = project.declared(&config)?.expect("schema files");
    Ok((config, declared))
}

const CONFIG: &str = "
import 'dotenv/config';
import path from 'node:path';
import { defineConfig } from 'drizzle-kit';
import { folder } from '~/settings';
export default defineConfig({ dialect: 'postgresql', schema: `./${folder}/*.ts`, out: path.posix.join('db', 'out'), dbCredentials: { url: process.env.DATABASE_URL! } });
";

const TABLES: &str = "
import { check, index, integer, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { createId } from '@paralleldrive/cuid2';
import { z } from 'zod';
import { words } from './legacy.cjs';
import names from '../names.json';
import { users } from './users.js';
const { twice } = require('./twice');
enum Level { Low = 'low', High = 'high' }
export const level = pgEnum('level', [Level.Low, Level.High]);
console.log('printed');
process.stdout.write('{\"result\":\"x\"}\\n');
export const posts = pgTable(z.string().parse(names.posts), {
  id: text('id').primaryKey().$defaultFn(() => createId()),
  by: integer('by').references(() => users.id), level: level('level').default(Level.Low),
  word: text('word').default(twice(words[0])), at: timestamp('at').defaultNow().notNull(),
}, (t) => [index('at_i').on(t.at.desc()), check('c', sql`${t.word} <> ''`)]);
";

fn project(orm: &str) -> Fixture {
    let users = "import { pgTable, serial } from 'drizzle-orm/pg-core';\nimport type { posts } from './posts';\nexport const users = pgTable('users', { id: serial('id').primaryKey() });\nexport type P = typeof posts;";
    with_path(Fixture::with_orm(
        orm,
        &[
            ("drizzle.config.ts", CONFIG),
            (".env", "DATABASE_URL=postgres://h/d\n"),
            ("tsconfig.json", r#"{ "compilerOptions": { "paths": { "~/*": ["./src/*"] } } }"#),
            ("src/settings.ts", "export const folder: string = 'schema';"),
            ("names.json", r#"{ "posts": "posts" }"#),
            ("schema/posts.ts", TABLES),
            ("schema/users.ts", users),
            ("schema/twice.ts", "export const twice = (it: string): string => it + it;"),
            ("schema/legacy.cjs", "exports.words = ['word'];"),
        ],
    ))
}

#[test]
fn every_runtime_declares_the_same() {
    for orm in [LATEST, NEXT] {
        let fixture = with_programs(project(orm), orm);
        let (config, embedded) = load(&fixture, Runtime::Embedded).unwrap();
        for runtime in OUTSIDE {
            let (other_config, other) =
                load(&fixture, runtime).unwrap_or_else(|it| panic!("{orm} {runtime:?}: {it}"));
            let which = format!("{orm} {runtime:?}");
            assert_eq!(other.runtime, runtime);
            assert_eq!(embedded.schema, other.schema, "{which}");
            assert_eq!(embedded.files, other.files, "{which}");
            assert_eq!(embedded.sources, other.sources, "{which}");
            assert_eq!((&config.out, &config.schema), (&other_config.out, &other_config.schema));
            assert_eq!(config.credentials, other_config.credentials, "{which}");
        }
    }
}

const SQLITE: &str = "
import { sql } from 'drizzle-orm';
import { blob, check, index, integer, real, sqliteTable, sqliteView, text } from 'drizzle-orm/sqlite-core';
export const t = sqliteTable('t', { id: integer().primaryKey({ autoIncrement: true }), at: integer({ mode: 'timestamp' }).notNull().default(sql`(unixepoch())`), b: blob().default(Buffer.from('x')), n: integer({ mode: 'boolean' }).default(true), r: real().default(1.5), j: text({ mode: 'json' }).default([1]) }, (t) => [index('i').on(t.at).where(sql`${t.n} = 1`), check('c', sql`${t.r} > 0`)]);
export const v = sqliteView('v').as((it) => it.select({ id: t.id }).from(t));
";

const MYSQL: &str = "
import { bigint, int, json, mysqlEnum, mysqlTable, timestamp, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
export const t = mysqlTable('t', { id: int().primaryKey().autoincrement(), e: mysqlEnum(['a', 'b']).default('a'), v: varchar({ length: 20 }), big: bigint({ mode: 'bigint' }).default(9007199254740993n), at: timestamp().onUpdateNow(), j: json().default({ a: 1 }) }, (t) => [uniqueIndex('u').on(t.v)]);
";

/// CommonJS through and through, as older projects are.
const LEGACY: &str = "
const { pgTable, text, serial } = require('drizzle-orm/pg-core');
const users = pgTable('users', { id: serial('id').primaryKey(), name: text('name').default(require('./name.json').name) });
module.exports = { users, posts: pgTable('posts', { by: serial('by').references(() => users.id) }) };
";

/// Barrels, a circle, the same export twice, a namespace, and `await` at the top.
const BARREL: [(&str, &str); 5] = [
    ("package.json", r#"{ "type": "module" }"#),
    ("drizzle.config.json", r#"{ "dialect": "postgresql", "schema": "./schema/index.ts" }"#),
    (
        "schema/index.ts",
        "export * from './b';\nexport * from './a';\nexport { a as again } from './a';\nexport * as all from './a';\nexport type { A } from './a';",
    ),
    (
        "schema/a.ts",
        "import { integer, pgTable } from 'drizzle-orm/pg-core';\nimport { b } from './b';\nexport const a = pgTable('a', { id: integer().primaryKey(), b: integer().references((): any => b.id) });\nexport type A = typeof a.$inferSelect;",
    ),
    (
        "schema/b.ts",
        "import { relations } from 'drizzle-orm';\nimport { integer, pgTable, pgView } from 'drizzle-orm/pg-core';\nimport { a } from './a';\nconst { name } = await Promise.resolve({ name: 'b' });\nexport const b = pgTable(name, { id: integer().primaryKey(), a: integer().references(() => a.id) });\nexport const v = pgView('v').as((it) => it.select().from(b));\nexport const r = relations(b, ({ one }) => ({ a: one(a, { fields: [b.a], references: [a.id] }) }));",
    ),
];

#[test]
fn schemas_of_all_kinds_are_declared_the_same_by_every_runtime() {
    let json = |dialect: &str, file: &str| {
        format!(r#"{{ "dialect": "{dialect}", "schema": "./{file}" }}"#)
    };
    let (sqlite, mysql) = (json("sqlite", "schema.ts"), json("mysql", "schema.ts"));
    let (legacy, everything) = (json("postgresql", "schema.cjs"), json("postgresql", "schema.ts"));
    let config = "drizzle.config.json";
    let projects: [&[(&str, &str)]; 5] = [
        &[(config, &sqlite), ("schema.ts", SQLITE)],
        &[(config, &mysql), ("schema.ts", MYSQL)],
        &[(config, &legacy), ("schema.cjs", LEGACY), ("name.json", r#"{ "name": "n" }"#)],
        &BARREL,
        &[(config, &everything), ("schema.ts", EVERYTHING)],
    ];
    for files in projects {
        let fixture = with_programs(Fixture::new(files), LATEST);
        let (_, embedded) = load(&fixture, Runtime::Embedded).unwrap_or_else(|it| panic!("{it}"));
        for runtime in OUTSIDE {
            let which = format!("{runtime:?}: {}", files[1].1);
            let other = load(&fixture, runtime);
            let (_, other) = other.unwrap_or_else(|it| panic!("{which}: {it}"));
            assert_eq!(embedded.schema, other.schema, "{which}");
            assert_eq!(embedded.sources, other.sources, "{which}");
        }
    }
}

#[test]
fn every_program_does_what_the_sandbox_refuses() {
    let schema = "import { execSync } from 'node:child_process';\nimport { pgTable, text } from 'drizzle-orm/pg-core';\nexport const t = pgTable(execSync('echo made').toString().trim(), { a: text('a').default(new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' }).format(1)) });";
    let fixture = with_programs(Fixture::postgres(schema, &[]), LATEST);
    assert_eq!(load(&fixture, Runtime::Embedded).unwrap_err().code(), "sandbox-refused");
    for runtime in OUTSIDE {
        let (_, declared) = load(&fixture, runtime).unwrap_or_else(|it| panic!("{it}"));
        let text = format!("{:?}", declared.schema);
        assert!(text.contains("\"made\"") && text.contains("$1.00"), "{runtime:?} {text}");
    }
}

/// A native addon, which hashes the same every time with the salt given.
const NATIVE: &str = "
import bcrypt from 'bcrypt';
import { pgTable, text } from 'drizzle-orm/pg-core';
export const t = pgTable('t', { password: text('password').default(bcrypt.hashSync('geheim', '$2b$04$abcdefghijklmnopqrstuu')) });
";

/// Only what transpiles by itself knows decorators.
const DECORATED: &str = "
import { pgTable, text } from 'drizzle-orm/pg-core';
function named(it: Function, _: ClassDecoratorContext) { names.push(it.name); }
const names: string[] = [];

@named
class Service { constructor(private readonly repository?: string) {} }
export const t = pgTable(names.join() + new Service(), { a: text('a') });
";

const BUN: &str = "
import { pgTable, text } from 'drizzle-orm/pg-core';
export const t = pgTable((await Bun.file(import.meta.dir + '/name.txt').text()).trim(), { a: text('a') });
";

#[track_caller]
fn check_auto(schema: &str, runtime: Runtime, expected: &str) {
    let fixture = Fixture::postgres(schema, &[("name.txt", "from_bun\n")]);
    let fixture = with_programs(fixture, LATEST);
    let (_, declared) = load(&fixture, Runtime::Auto).unwrap_or_else(|it| panic!("{it}"));
    assert_eq!(declared.runtime, runtime);
    let text = format!("{:?}", declared.schema);
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_the_sandbox_refuses_runs_in_the_first_program_that_can() {
    check_auto(SIMPLE, Runtime::Embedded, "\"simple\"");
    check_auto(NATIVE, Runtime::Node, "$2b$04$abcdefghijklmnopqrstuu");
    check_auto(DECORATED, Runtime::Tsx, "Service[object Object]");
    check_auto(BUN, Runtime::Bun, "\"from_bun\"");
}

const SIMPLE: &str =
    "import { pgTable } from 'drizzle-orm/pg-core';\nexport const t = pgTable('simple', {});";

#[test]
fn what_no_engine_runs_by_itself_is_refused_at_its_line() {
    for (schema, line, what) in [(DECORATED, 6, "a decorator"), (BUN, 3, "`Bun`")] {
        let fixture = with_path(Fixture::postgres(schema, &[]));
        let error = load(&fixture, Runtime::Embedded).unwrap_err();
        let place = error.place().map(|it| it.line);
        assert_eq!((error.code(), place), ("sandbox-refused", Some(line)), "{error}");
        assert!(error.to_string().starts_with(what), "{error}");
        // `--runtime auto` does not help without tsx and bun, and says what it says of Node.js.
        let error = load(&fixture, Runtime::Auto).unwrap_err();
        assert!(["sandbox-refused", "schema-failed"].contains(&error.code()), "{error}");
    }
}

/// An error of the schema's own is no reason to run it without bounds.
#[test]
fn only_a_refusal_leaves_the_sandbox() {
    let schema = "import fs from 'node:fs';\ntry { fs.writeFileSync('written', 'x'); } catch {}\nthrow new Error('mine');";
    let fixture = with_programs(Fixture::postgres(schema, &[]), LATEST);
    let error = load(&fixture, Runtime::Auto).unwrap_err();
    assert_eq!(error.code(), "schema-failed");
    assert!(!fixture.path("written").exists());
    load(&fixture, Runtime::Node).unwrap_err();
    assert!(fixture.path("written").exists(), "in Node it would have been");
}

/// bun reads more files than Drizzle does: what it would find there, the others would not.
#[test]
fn every_program_sees_the_same_environment() {
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';\nexport const t = pgTable([process.env.ONE, process.env.TWO, process.env.THREE].map(String).join(), {});";
    let files = [(".env", "ONE=one\nTWO=two\n"), (".env.local", "TWO=local\nTHREE=three\n")];
    let fixture = with_programs(Fixture::postgres(schema, &files), LATEST).with_env("ONE", "mine");
    for runtime in [Runtime::Embedded, Runtime::Node, Runtime::Tsx, Runtime::Bun] {
        let (_, declared) = load(&fixture, runtime).unwrap_or_else(|it| panic!("{it}"));
        let text = format!("{:?}", declared.schema);
        assert!(text.contains("\"mine,two,undefined\""), "{runtime:?} {text}");
        let asked =
            declared.environment.iter().filter(|it| ["ONE", "THREE"].contains(&it.as_str()));
        assert_eq!(asked.count(), 2, "{runtime:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let fixture = Fixture::postgres(SIMPLE, &[]).with_env("PATH", "/nowhere");
    let config = fixture.config().unwrap();
    for (runtime, name) in [(Runtime::Node, "node"), (Runtime::Tsx, "tsx"), (Runtime::Bun, "bun")] {
        let project = fixture.project().with_runtime(runtime);
        let error = project.declared(&config).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "runtime-missing");
        assert!(error.to_string().starts_with(&format!("`{name}` cannot be started")), "{error}");
    }
    // Nothing of it is needed.
    let project = fixture.project().with_runtime(Runtime::Auto);
    assert!(project.declared(&config).is_ok());
}

#[test]
fn errors_in_tsx_and_bun_point_into_the_typescript() {
    let schema = "interface A { a: 1 }\ntype B = A;\n\nconst value: any = JSON.parse('null');\nvalue.name;\nexport {};";
    let fixture = with_programs(Fixture::postgres(schema, &[]), LATEST);
    for runtime in [Runtime::Tsx, Runtime::Bun] {
        fixture.write("schema.ts", schema);
        let error = load(&fixture, runtime).unwrap_err();
        let place = error.place().map(|it| (it.path.clone(), it.line));
        assert_eq!((error.code(), place), ("schema-failed", Some(("schema.ts".into(), 5))));
        fixture.write("schema.ts", "\nimport 'not-installed';");
        let error = load(&fixture, runtime).unwrap_err();
        assert!(error.to_string().contains("not-installed"), "{runtime:?} {error}");
        fixture.write("schema.ts", "process.exit(0);");
        let error = load(&fixture, runtime).unwrap_err();
        assert!(error.to_string().contains("without an answer"), "{runtime:?} {error}");
    }
}

#[test]
fn errors_in_node_point_into_the_typescript() {
    let schema = "interface A { a: 1 }\ntype B = A;\n\nconst value: any = undefined;\nvalue.name;\nexport {};";
    let fixture = with_path(Fixture::postgres(schema, &[]));
    let error = load(&fixture, Runtime::Node).unwrap_err();
    assert_eq!((error.code(), error.place().unwrap().line), ("schema-failed", 5), "{error}");
    fixture.write("schema.ts", "\nimport 'not-installed';");
    let error = load(&fixture, Runtime::Node).unwrap_err();
    assert_eq!((error.code(), error.place().unwrap().line), ("import-missing", 2), "{error}");
    fixture.write("schema.ts", "\nconst a = ;");
    assert_eq!(load(&fixture, Runtime::Node).unwrap_err().code(), "schema-syntax");
    fixture.write("schema.ts", "process.exit(0);");
    assert!(load(&fixture, Runtime::Node).unwrap_err().to_string().contains("without an answer"));
}

#[test]
fn node_is_stopped_when_its_time_is_over() {
    let fixture = with_path(Fixture::postgres("for (;;) {}", &[]));
    let project = fixture.project();
    let config = project.config(None).unwrap();
    let start = Instant::now();
    let project = project.with_time_limit(Duration::from_secs(2)).with_runtime(Runtime::Node);
    assert_eq!(project.declared(&config).map(|_| ()).unwrap_err().code(), "sandbox-limit");
    assert!(start.elapsed() < Duration::from_secs(20));
}
