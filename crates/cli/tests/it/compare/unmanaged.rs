//! T28: what is none of Drizzle's business is listed, kept, and in no migration.

use std::fs;
use std::process::{Command, Stdio};

use raingauge_testkit::{Project, Result, Run};
use serde_json::Value;

use super::{adopt, declare, project, said};

/// An extension with views in `public`, other applications' tables in this and another schema, and one
/// of each kind that Drizzle could manage.
const LIVE: &str = "
    create extension pg_stat_statements;
    create table books (id serial primary key, title text);
    create table _prisma_migrations (id text primary key);
    insert into _prisma_migrations values ('x');
    create table legacy_orders (id integer primary key, note text);
    insert into legacy_orders values (1, 'kept');
    create schema billing;
    create table billing.invoices (id integer primary key, order_id integer references public.legacy_orders (id));
    create view recent as select id from books;
    create materialized view totals as select count(*) as n from books;
    create type color as enum ('red');
    create sequence tickets;
";

const BOOKS: &str = r#"
export const books = p.pgTable("books", { id: p.serial().primaryKey(), title: p.text() });
"#;

const SHELVES: &str = r#"
export const shelves = p.pgTable("shelves", { id: p.serial().primaryKey() });
"#;

const FOREIGN: [&str; 9] = [
    "schema billing",
    "enum public.color",
    "sequence public.tickets",
    "table billing.invoices",
    "table public._prisma_migrations",
    "table public.legacy_orders",
    "view public.recent",
    "materialized view public.totals",
    "extension pg_stat_statements",
];

/// What `drizzle-kit push` would run, as it shows before it asks.
fn push(project: &Project) -> Result<Run> {
    let mut node = Command::new("node");
    node.current_dir(&project.root).env_clear().env("HOME", &project.root);
    node.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_COLOR", "1");
    node.arg("node_modules/drizzle-kit/bin.cjs").args(["push", "--verbose", "--strict"]);
    Run::of(node.env("DATABASE_URL", project.database.url()).stdin(Stdio::null()))
}

#[test]
fn t28_what_schema_ts_does_not_declare_is_listed_and_kept_where_push_would_drop_it() -> Result {
    let project = project(LIVE, BOOKS)?;
    let before = project.database.state()?;
    let pushed = push(&project)?;
    for drop in [
        "DROP TABLE \"_prisma_migrations\" CASCADE",
        "DROP TABLE \"legacy_orders\" CASCADE",
        "DROP VIEW \"public\".\"pg_stat_statements\"",
        "DROP VIEW \"public\".\"recent\"",
        "DROP TYPE \"public\".\"color\"",
        "DROP SEQUENCE \"public\".\"tickets\"",
    ] {
        assert!(pushed.stdout.contains(drop), "`{drop}` is not in {pushed}");
    }
    assert_eq!(before.differences(&project.database.state()?), [""; 0]);

    declare(&project, &format!("{BOOKS}{SHELVES}"))?;
    let said = said(&project, &["reconcile"], 1)?;
    for object in &FOREIGN[..8] {
        said.says("unmanaged", "schema.ts", &[object]);
    }
    said.says("carried", "live", &[FOREIGN[8]]);
    adopt(&project)?;
    let follow_up = project.read("drizzle/0001_follow_up.sql")?;
    assert!(follow_up.contains("CREATE TABLE \"shelves\""), "{follow_up}");
    let words = |it: &str| it.to_uppercase().contains("DROP") || it.contains("legacy_orders");
    assert!(!words(&follow_up), "{follow_up}");
    let after = project.database.state()?;
    for (table, rows) in &before.rows {
        assert_eq!(after.rows.get(table), Some(rows), "{table} is not what it was");
    }
    Ok(())
}

/// The tables of the newest snapshot.
fn snapshot_tables(project: &Project) -> Result<Vec<String>> {
    let snapshot: Value = serde_json::from_str(&project.read("drizzle/meta/0000_snapshot.json")?)?;
    let tables = snapshot["tables"].as_object().into_iter().flatten();
    Ok(tables.map(|it| it.0.clone()).collect())
}

#[test]
fn t28_without_schema_ts_the_filters_of_the_configuration_say_what_drizzle_manages() -> Result {
    let project = project(LIVE, BOOKS)?;
    fs::remove_file(project.path("src/db/schema.ts"))?;
    project.edit("drizzle.config.ts", "out:", "tablesFilter: [\"!legacy_*\"],\n  out:")?;
    let said = said(&project, &["reconcile"], 1)?;
    for object in [
        "schema billing",
        "table billing.invoices",
        "table public._prisma_migrations",
        "table public.legacy_orders",
    ] {
        said.says("unmanaged", "drizzle.config.ts", &[object]);
    }
    super::said(&project, &["execute", "--confirm"], 0)?;
    assert_eq!(snapshot_tables(&project)?, ["public.books"]);
    // They are in the baseline all the same.
    let baseline = project.read("drizzle/0000_baseline.sql")?;
    assert!(baseline.contains("billing.invoices") && baseline.contains("legacy_orders"));
    // A schema.ts that speaks of `books` alone now drops nothing.
    let schema = "import * as p from \"drizzle-orm/pg-core\";
        export const color = p.pgEnum(\"color\", [\"red\"]);
        export const tickets = p.pgSequence(\"tickets\", { startWith: 1, increment: 1, minValue: 1, maxValue: 9223372036854775807, cache: 1, cycle: false });
        export const books = p.pgTable(\"books\", { id: p.serial().primaryKey(), title: p.text() });";
    project.write("src/db/schema.ts", schema)?;
    let generated = raingauge_testkit::judge::generate(&project)?;
    for file in generated.files.iter().filter_map(|it| it.strip_prefix("new ")) {
        let sql = project.read(file)?;
        assert!(!sql.contains("DROP TABLE"), "{sql}");
    }
    Ok(())
}
