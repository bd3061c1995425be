//! A small history by hand, with a ledger that says whatever a test wants it to say.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Project, Result};
use sha2::{Digest, Sha256};

/// The times of the migrations, long ago and far apart.
pub(crate) const WHENS: [i64; 3] = [1_700_000_000_000, 1_700_000_100_000, 1_700_000_200_000];

const NAMES: [&str; 3] = ["authors", "books", "orders"];

/// The migration that creates the `at`th table.
pub(crate) fn tag(at: usize) -> String {
    format!("{at:04}_{}", NAMES[at])
}

/// What the migration does.
fn statement(at: usize) -> String {
    format!("CREATE TABLE {} (id integer PRIMARY KEY NOT NULL, name text);\n", NAMES[at])
}

/// A project without `schema.ts` and init.sql, with `n` migrations of one table each and an empty
/// database.
pub(crate) fn project(example: Example, n: usize) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    project.forget_schema()?;
    for gone in ["db/init.sql", "lived.sql", "docker-compose.yml"] {
        std::fs::remove_file(project.path(gone))?;
    }
    for at in 0..n {
        project.write(&format!("drizzle/{}.sql", tag(at)), &statement(at))?;
    }
    write_journal(&project, &(0..n).map(|at| (at, WHENS[at])).collect::<Vec<_>>())?;
    Ok(project)
}

/// Writes a journal of these migrations with these times.
pub(crate) fn write_journal(project: &Project, entries: &[(usize, i64)]) -> Result {
    let (dialect, version) = match project.database {
        Database::Postgres(_) => ("postgresql", "7"),
        Database::Sqlite(_) => ("sqlite", "6"),
    };
    let entries: Vec<_> = (0..)
        .zip(entries)
        .map(|(idx, (at, when))| {
            serde_json::json!({
                "idx": idx, "version": version, "when": when, "tag": tag(*at), "breakpoints": true
            })
        })
        .collect();
    let journal = serde_json::json!({ "version": "7", "dialect": dialect, "entries": entries });
    project.write("drizzle/meta/_journal.json", &serde_json::to_string_pretty(&journal)?)
}

/// Creates the table of a migration in live, without recording anything.
pub(crate) fn apply(project: &Project, at: usize) -> Result {
    project.database.sql(&statement(at))?;
    Ok(())
}

/// Creates a ledger as drizzle-orm 0.45 does.
pub(crate) fn create_ledger(project: &Project, table: &str) -> Result {
    let columns = "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at";
    project.database.sql(&match project.database {
        Database::Postgres(_) => format!(
            "CREATE SCHEMA IF NOT EXISTS drizzle; CREATE TABLE drizzle.{table} ({columns} bigint)"
        ),
        Database::Sqlite(_) => format!("CREATE TABLE {table} ({columns} numeric)"),
    })?;
    Ok(())
}

/// Inserts a row for a migration; `created_at` is SQL.
pub(crate) fn record(project: &Project, at: usize, created_at: &str) -> Result {
    record_in(project, "__drizzle_migrations", at, created_at)
}

/// As [`record`], in a ledger with another name.
pub(crate) fn record_in(project: &Project, table: &str, at: usize, created_at: &str) -> Result {
    let bytes = Sha256::digest(project.read(&format!("drizzle/{}.sql", tag(at)))?);
    let hash: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    let schema = if matches!(project.database, Database::Postgres(_)) { "drizzle." } else { "" };
    project.database.sql(&format!(
        "INSERT INTO {schema}{table} (hash, created_at) VALUES ('{hash}', {created_at})"
    ))?;
    Ok(())
}

/// A project with `n` migrations, of which the first `applied` are in live and in the ledger.
pub(crate) fn applied(example: Example, n: usize, applied: usize) -> Result<Project> {
    let project = project(example, n)?;
    create_ledger(&project, "__drizzle_migrations")?;
    for (at, when) in WHENS.into_iter().enumerate().take(applied) {
        apply(&project, at)?;
        record(&project, at, &when.to_string())?;
    }
    Ok(project)
}

/// As [`record`], for a file of any name; `at` gives the time.
pub(crate) fn record_as(project: &Project, tag: &str, at: usize) -> Result {
    let bytes = Sha256::digest(project.read(&format!("drizzle/{tag}.sql"))?);
    let hash: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    project.database.sql(&format!(
        "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('{hash}', {})",
        WHENS[at]
    ))?;
    Ok(())
}
