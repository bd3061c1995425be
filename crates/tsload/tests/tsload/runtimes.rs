//! The project's own Node.js gives what the embedded engine gives.

use std::time::{Duration, Instant};

use raingauge_tsload::{Config, Declared, LoadError, Runtime};

use crate::project::{Fixture, LATEST, NEXT};

/// With the `PATH` on which Node is.
fn with_path(fixture: Fixture) -> Fixture {
    fixture.with_env("PATH", &std::env::var("PATH").unwrap())
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
fn both_runtimes_declare_the_same() {
    for orm in [LATEST, NEXT] {
        let fixture = project(orm);
        let (config, embedded) = load(&fixture, Runtime::Embedded).unwrap();
        let (node_config, node) = load(&fixture, Runtime::Node).unwrap();
        assert_eq!(embedded.schema, node.schema, "{orm}");
        assert_eq!((&embedded.files, &embedded.sources), (&node.files, &node.sources), "{orm}");
        assert_eq!((config.out, config.schema), (node_config.out, node_config.schema));
        assert_eq!(config.credentials, node_config.credentials);
    }
}

#[test]
fn node_does_what_the_sandbox_refuses() {
    let schema = "import { execSync } from 'node:child_process';\nimport { pgTable, text } from 'drizzle-orm/pg-core';\nexport const t = pgTable(execSync('echo made').toString().trim(), { a: text('a').default(new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' }).format(1)) });";
    let fixture = with_path(Fixture::postgres(schema, &[]));
    assert_eq!(load(&fixture, Runtime::Embedded).unwrap_err().code(), "sandbox-refused");
    let (_, declared) = load(&fixture, Runtime::Node).unwrap();
    let text = format!("{:?}", declared.schema);
    assert!(text.contains("\"made\"") && text.contains("$1.00"), "{text}");
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
