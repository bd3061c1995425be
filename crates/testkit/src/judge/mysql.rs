//! What the real drizzle-kit and drizzle-orm make of a project whose database is MySQL or MariaDB.
//!
//! Structure and rows are told by the server's own dump program, not by raingauge's readers.

use std::process::Command;

use super::{Migrator, Verdict, generate, kit_of};
use crate::database::text_differences;
use crate::failure::Result;
use crate::mysql::MySqlDatabase;
use crate::node;
use crate::project::Project;
use crate::run::Run;

/// Asks the real drizzle-kit and drizzle-orm about a project, whose configuration reads `DATABASE_URL`, and its
/// database: as [`super::verdict()`] does. `tables` are those whose rows a database built from nothing has to have.
///
/// # Errors
/// If a question cannot be asked: Node.js, packages or server missing. Bad answers are no errors.
pub fn verdict(project: &Project, database: &MySqlDatabase, tables: &[&str]) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let generated = generate(project)?;
    let mut problems = generated.files;
    if !generated.says_no_changes {
        problems.push(generated.run.to_string());
    }
    verdict.add("drizzle-kit generate finds no changes and writes nothing", problems);
    history_verdict(project, database, tables, &mut verdict)?;
    Ok(verdict)
}

/// As [`verdict`], for a project without `schema.ts`: adds its answers.
///
/// # Errors
/// As [`verdict`].
pub fn history_verdict(
    project: &Project,
    database: &MySqlDatabase,
    tables: &[&str],
    verdict: &mut Verdict,
) -> Result {
    for migrator in Migrator::ALL {
        let before = database.dump(&["--skip-extended-insert"])?;
        let run = migrate(project, migrator, database)?;
        let mut problems = text_differences(&before, &database.dump(&["--skip-extended-insert"])?);
        if run.code != 0 {
            problems.push(run.to_string());
        }
        verdict.add(format!("{} applies nothing to the database", migrator.name()), problems);
    }
    for migrator in Migrator::ALL {
        let name = migrator.name();
        let fresh = database.server.database("fresh")?;
        let run = migrate(project, migrator, &fresh)?;
        let failed = if run.code == 0 { vec![] } else { vec![run.to_string()] };
        verdict.add(format!("{name} builds an empty database"), failed);
        let problems = text_differences(&database.structure()?, &fresh.structure()?);
        verdict.add(format!("the database built by {name} has the same structure"), problems);
        let ledger = "select hash, created_at from __drizzle_migrations order by id";
        let problems = text_differences(&database.sql(ledger)?, &fresh.sql(ledger)?);
        verdict.add(format!("the database built by {name} has the same ledger"), problems);
        for table in tables {
            let n = fresh.sql(&format!("select count(*) from `{table}`"))?;
            let problems = if n.trim() == "0" { vec![(*table).to_owned()] } else { vec![] };
            verdict.add(format!("the database built by {name} has rows in {table}"), problems);
        }
    }
    Ok(())
}

/// Lets `drizzle-kit up` of 1.0 upgrade a migrations folder of 0.x, which lies in the project.
///
/// # Errors
/// If Node.js or the packages are missing.
pub fn up(project: &Project, folder: &str, database: &MySqlDatabase) -> Result<Run> {
    let url = database.server.url(&database.name);
    kit_of(project, &["up", "--dialect=mysql", &format!("--out={folder}")], &url)
}

/// Lets a migrator apply the project's migrations to a database.
///
/// # Errors
/// If Node.js or the packages are missing.
pub fn migrate(project: &Project, migrator: Migrator, database: &MySqlDatabase) -> Result<Run> {
    let url = database.server.url(&database.name);
    if migrator == Migrator::Kit {
        return kit_of(project, &["migrate"], &url);
    }
    let mut node: Command = node::command(&project.root);
    // As text and not as a file, so that its imports resolve from the project's folder.
    node.args(["--input-type=module", "--eval", include_str!("migrate-mysql.mjs"), "./drizzle"]);
    Run::of(node.env("DATABASE_URL", url))
}
