//! The project's own drizzle-kit says what it makes of a schema, in the embedded engine and outside.

use raingauge_tsload::{Judgement, LoadError, Runtime};

use crate::project::{Fixture, POSTGRES_CONFIG, SQLITE_CONFIG, installed};

const POSTGRES: &str = "
import { integer, pgEnum, pgTable, serial, text } from 'drizzle-orm/pg-core';
export const mood = pgEnum('mood', ['sad', 'happy']);
export const users = pgTable('users', { id: serial('id').primaryKey(), mood: mood('mood').default('sad') });
export const posts = pgTable('posts', { id: integer().primaryKey(), by: integer('by').references(() => users.id) });
";

const SQLITE: &str = "
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
export const users = sqliteTable('users', { id: integer('id').primaryKey({ autoIncrement: true }) });
";

/// A project with the packages that are installed under this name.
fn fixture(packages: &str, config: &str, schema: &str) -> Fixture {
    let files = [("drizzle.config.ts", config), ("schema.ts", schema)];
    let fixture = Fixture::without_packages(&files);
    let link = fixture.path("node_modules");
    std::os::unix::fs::symlink(installed(packages), link).unwrap();
    fixture.with_env("PATH", &std::env::var("PATH").unwrap())
}

fn judged(
    fixture: &Fixture,
    previous: Option<&str>,
    runtime: Runtime,
) -> Result<Judgement, LoadError> {
    let project = fixture.project().with_runtime(runtime);
    let config = project.config(None)?;
    Ok(project.judged(&config, previous)?.expect("schema files"))
}

#[test]
fn the_kit_says_what_it_would_write() {
    let fixture = fixture("bookstore-postgres", POSTGRES_CONFIG, POSTGRES);
    let first = judged(&fixture, None, Runtime::Embedded).unwrap();
    assert_eq!(first.snapshot["version"], "7");
    assert!(first.snapshot["tables"]["public.posts"].is_object(), "{}", first.snapshot);
    assert_eq!(first.statements.len(), 4, "{:?}", first.statements);
    assert_eq!(first.statements[0], "CREATE TYPE \"public\".\"mood\" AS ENUM('sad', 'happy');");
    let before = first.snapshot.to_string();
    let again = judged(&fixture, Some(&before), Runtime::Embedded).unwrap();
    assert_eq!(again.statements, [""; 0]);
    fixture.write("schema.ts", &POSTGRES.replace("'sad', 'happy'", "'sad', 'ok', 'happy'"));
    let changed = judged(&fixture, Some(&before), Runtime::Embedded).unwrap();
    let expected = "ALTER TYPE \"public\".\"mood\" ADD VALUE 'ok' BEFORE 'happy';";
    assert_eq!(changed.statements, [expected]);
}

#[test]
fn the_kit_says_the_same_in_every_program() {
    for (packages, config, schema) in [
        ("bookstore-postgres", POSTGRES_CONFIG, POSTGRES),
        ("bookstore-sqlite", SQLITE_CONFIG, SQLITE),
    ] {
        // This drizzle-kit brings its own tsx.
        let path = format!(
            "{}:{}",
            installed("runtimes").join(".bin").display(),
            std::env::var("PATH").unwrap()
        );
        let fixture = fixture(packages, config, schema).with_env("PATH", &path);
        let all = [Runtime::Embedded, Runtime::Node, Runtime::Tsx, Runtime::Bun];
        let said = all.map(|it| {
            let mut said =
                judged(&fixture, None, it).unwrap_or_else(|error| panic!("{it:?}: {error}"));
            for id in ["id", "prevId"] {
                said.snapshot[id].take();
            }
            said
        });
        assert!(!said[0].statements.is_empty());
        for (runtime, other) in all.iter().zip(&said) {
            assert_eq!(&said[0], other, "{packages} {runtime:?}");
        }
    }
}

#[test]
fn a_rename_that_the_kit_would_ask_about_is_an_error_and_no_guess() {
    let fixture = fixture("bookstore-postgres", POSTGRES_CONFIG, POSTGRES);
    let before = judged(&fixture, None, Runtime::Embedded).unwrap().snapshot.to_string();
    fixture.write("schema.ts", &POSTGRES.replace("pgTable('posts'", "pgTable('articles'"));
    let error = judged(&fixture, Some(&before), Runtime::Embedded).unwrap_err();
    assert!(error.to_string().contains("Interactive prompts require a TTY"), "{error}");
}
