//! What the real drizzle-kit and drizzle-orm make of a project.
//!
//! drizzle-kit 0.31 ends with 0 when `generate` fails and says nothing when `migrate` does, so
//! nothing here trusts an exit code: [`generate`] is judged by the files that it leaves, and
//! [`migrate()`] by what is in the database before and after. [`verdict()`] asks everything at once.

pub mod mysql;
pub mod orm;
pub mod verdict;

use std::path::Path;

use serde_json::Value;

use crate::database::Database;
use crate::failure::{Failure, Result};
use crate::node;
use crate::project::{Project, file_differences};
use crate::run::Run;

pub use verdict::{Verdict, history_verdict, verdict};

/// Who applies migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrator {
    /// `drizzle-kit migrate`.
    Kit,
    /// `migrate()` of drizzle-orm, as an application calls it when it starts.
    Programmatic,
}

impl Migrator {
    pub const ALL: [Self; 2] = [Self::Kit, Self::Programmatic];

    /// How a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kit => "drizzle-kit migrate",
            Self::Programmatic => "migrate() of drizzle-orm",
        }
    }
}

/// What `drizzle-kit generate` did.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What happened to the project's files: `new …`, `changed …`, `gone …`.
    pub files: Vec<String>,
    /// Whether it said that there are no changes.
    pub says_no_changes: bool,
    pub run: Run,
}

/// What a migrator did.
#[derive(Clone, Debug)]
pub struct Migrated {
    /// Whether it ended as if all were well.
    pub succeeded: bool,
    /// The database's own words where the migrator passes them on: `42P07 relation … exists`.
    pub error: Option<String>,
    /// The ledger's rows afterwards that were not there before.
    pub recorded: Vec<String>,
    /// Whatever is different in structure, rows or sequences; the ledger included.
    pub changes: Vec<String>,
    pub run: Run,
}

/// A database that a migrator built from nothing.
#[derive(Debug)]
pub struct Fresh {
    pub database: Database,
    pub migrated: Migrated,
}

impl Generated {
    /// Whether the kit sees nothing to do: it says so, and it touched no file.
    pub fn found_nothing(&self) -> bool {
        self.says_no_changes && self.files.is_empty()
    }
}

impl Migrated {
    /// Whether it ended well and nothing at all is different afterwards.
    pub fn did_nothing(&self) -> bool {
        self.succeeded && self.changes.is_empty()
    }
}

/// Runs `drizzle-kit generate` in the project.
///
/// # Errors
/// If Node.js or the packages are missing.
pub fn generate(project: &Project) -> Result<Generated> {
    let before = project.files()?;
    let run = kit(project, &["generate", "--name", "judge"], &project.database)?;
    let files = file_differences(&before, &project.files()?);
    let says_no_changes = run.stdout.contains("No schema changes, nothing to migrate");
    Ok(Generated { files, says_no_changes, run })
}

/// Runs `drizzle-kit generate` of 1.0 with a file of hints, which lies in the project.
///
/// # Errors
/// If Node.js or the packages are missing, or nothing was written.
pub fn generate_hinted(project: &Project, hints: &str) -> Result<Run> {
    let before = project.files()?;
    let arguments = ["generate", "--name", "judge", "--hints-file", hints];
    let run = kit(project, &arguments, &project.database)?;
    match file_differences(&before, &project.files()?).is_empty() {
        true => Err(Failure::new(format!("drizzle-kit wrote nothing: {run}"))),
        false => Ok(run),
    }
}

/// Lets `drizzle-kit up` of 1.0 upgrade a migrations folder of 0.x, which lies in the project.
///
/// # Errors
/// If Node.js or the packages are missing.
pub fn up(project: &Project, folder: &str) -> Result<Run> {
    let dialect = match project.database {
        Database::Postgres(_) => "--dialect=postgresql",
        Database::Sqlite(_) => "--dialect=sqlite",
    };
    kit(project, &["up", dialect, &format!("--out={folder}")], &project.database)
}

/// Runs `drizzle-kit generate --custom` in the project.
///
/// # Errors
/// If Node.js or the packages are missing, or nothing was written.
pub fn generate_custom(project: &Project, name: &str) -> Result<Run> {
    let before = project.files()?;
    let run = kit(project, &["generate", "--custom", "--name", name], &project.database)?;
    match file_differences(&before, &project.files()?).is_empty() {
        true => Err(Failure::new(format!("drizzle-kit wrote nothing: {run}"))),
        false => Ok(run),
    }
}

/// Runs `drizzle-kit check` in the project; it ends with 0 where the snapshots belong together.
///
/// # Errors
/// If Node.js or the packages are missing.
pub fn check(project: &Project) -> Result<Run> {
    kit(project, &["check"], &project.database)
}

/// Lets a migrator apply the project's migrations to a database: its own or another.
///
/// # Errors
/// If Node.js or the packages are missing, or the database cannot be read.
pub fn migrate(project: &Project, migrator: Migrator, database: &Database) -> Result<Migrated> {
    let (ledger, state) = (database.ledger()?.unwrap_or_default(), database.state()?);
    let run = match migrator {
        Migrator::Kit => kit(project, &["migrate"], database)?,
        Migrator::Programmatic => programmatic(project, database)?,
    };
    let mut recorded = database.ledger()?.unwrap_or_default();
    recorded.retain(|it| !ledger.contains(it));
    Ok(Migrated {
        succeeded: run.code == 0,
        error: run.json().ok().as_ref().and_then(error_text),
        recorded,
        changes: state.differences(&database.state()?),
        run,
    })
}

/// Lets a migrator build an empty database from the project's migrations.
///
/// # Errors
/// As [`migrate`].
pub fn fresh_build(project: &Project, migrator: Migrator) -> Result<Fresh> {
    let database = project.database.sibling("fresh")?;
    let migrated = migrate(project, migrator, &database)?;
    Ok(Fresh { database, migrated })
}

fn kit(project: &Project, arguments: &[&str], database: &Database) -> Result<Run> {
    kit_of(project, arguments, &database.url())
}

fn kit_of(project: &Project, arguments: &[&str], url: &str) -> Result<Run> {
    let kit = Path::new("node_modules/drizzle-kit/bin.cjs");
    if !project.root.join(kit).exists() {
        return Err(Failure::new("drizzle-kit is not installed in the project"));
    }
    let mut node = node::command(&project.root);
    // dotenv leaves variables alone that are set already, so this wins over `.env`.
    node.arg(kit).args(arguments).env("DATABASE_URL", url);
    Run::of(&mut node)
}

fn programmatic(project: &Project, database: &Database) -> Result<Run> {
    let script = match database {
        Database::Postgres(_) => include_str!("migrate-postgres.mjs"),
        Database::Sqlite(_) => include_str!("migrate-sqlite.mjs"),
    };
    let mut node = node::command(&project.root);
    // As text and not as a file, so that its imports resolve from the project's folder.
    node.args(["--input-type=module", "--eval", script, "./drizzle"]);
    Run::of(node.env("DATABASE_URL", database.url()))
}

fn error_text(report: &Value) -> Option<String> {
    let field = |name: &str| report.get(name).and_then(Value::as_str);
    let message = field("message")?;
    Some(field("code").map_or(message.to_owned(), |code| format!("{code} {message}")))
}
