//! `migrate()` of both generations of drizzle-orm, over both usual drivers, on bare folders.
//!
//! A project has one generation installed; these stand beside it, so that the same migrations can be
//! tried with every migrator that will ever run them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::failure::{Failure, Result};
use crate::node;
use crate::run::Run;

/// The name of the packages below the target folder.
pub const PACKAGES: &str = "migrators";

/// Which drizzle-orm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// 0.45: one file per migration, and a journal.
    Zero,
    /// 1.0: one folder per migration.
    One,
}

/// A generation over a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orm {
    pub generation: Generation,
    /// `node-postgres` or `postgres-js`.
    pub driver: &'static str,
}

/// One migration: its name and its file.
pub type NamedSql<'a> = (&'a str, &'a str);

impl Orm {
    pub const ALL: [Self; 4] = [
        Self { generation: Generation::Zero, driver: "node-postgres" },
        Self { generation: Generation::Zero, driver: "postgres-js" },
        Self { generation: Generation::One, driver: "node-postgres" },
        Self { generation: Generation::One, driver: "postgres-js" },
    ];

    /// Where `cargo xtask install` finds the packages' lock file.
    pub fn packages() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("npm").join(PACKAGES)
    }

    /// Applies each folder to its database; for each the error, if there was one.
    ///
    /// # Errors
    /// If Node.js or the packages are missing.
    pub fn migrate(self, jobs: &[(PathBuf, String)]) -> Result<Vec<Option<String>>> {
        let script = include_str!("migrate-any.mjs");
        let generation = match self.generation {
            Generation::Zero => "0",
            Generation::One => "1",
        };
        let jobs: Vec<_> =
            jobs.iter().map(|(folder, url)| json!({ "folder": folder, "url": url })).collect();
        let modules = node::modules(PACKAGES)?;
        let mut command = node::command(modules.parent().unwrap_or(&modules));
        command.args(["--input-type=module", "--eval", script]);
        command.args([generation, self.driver, &json!(jobs).to_string()]);
        let run = Run::of(&mut command)?.success()?;
        let line = |it: &str| serde_json::from_str(it).map_err(|_| Failure::new(it.to_owned()));
        run.stdout.lines().map(line).collect()
    }
}

impl Generation {
    /// Writes migrations as this generation keeps them.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(self, folder: &Path, migrations: &[NamedSql<'_>]) -> Result {
        match self {
            Self::Zero => write_journal(folder, migrations),
            Self::One => migrations.iter().enumerate().try_for_each(|(index, (name, sql))| {
                let folder = folder.join(format!("2026010100000{index}_{name}"));
                fs::create_dir_all(&folder)?;
                Ok(fs::write(folder.join("migration.sql"), sql)?)
            }),
        }
    }
}

fn write_journal(folder: &Path, migrations: &[NamedSql<'_>]) -> Result {
    fs::create_dir_all(folder.join("meta"))?;
    let mut entries = Vec::new();
    for (index, (name, sql)) in migrations.iter().enumerate() {
        let tag = format!("000{index}_{name}");
        fs::write(folder.join(format!("{tag}.sql")), sql)?;
        let when = 1_767_225_600_000_u64 + index as u64 * 1000;
        entries.push(
            json!({ "idx": index, "version": "7", "when": when, "tag": tag, "breakpoints": true }),
        );
    }
    let journal = json!({ "version": "7", "dialect": "postgresql", "entries": entries });
    Ok(fs::write(folder.join("meta/_journal.json"), journal.to_string())?)
}
