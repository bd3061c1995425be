//! `cargo xtask bench <name>`: measures raingauge beside other programs, in the same run.
//!
//! A benchmark is one file here. It makes a list of [contenders](contest::Contender) per size, [`contest`] runs them in
//! turn, and [`report`] writes the table into `bench/README.md` and every single run into
//! `bench/results/`. A new benchmark is a file, a name in [`Name`] and a pair of markers in the README.

mod backup;
mod backup_mysql;
mod contest;
mod declared;
mod generate;
mod introspect;
mod introspect_mysql;
mod machine;
pub(crate) mod measure;
mod migrate;
mod migration;
mod position;
mod report;
mod startup;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use raingauge_testkit::Result;

use crate::install;
use crate::process::{cargo, root, show_and_run, target};

/// Measure raingauge beside other programs, and write the numbers to `bench/`
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// What to measure
    #[arg(value_enum)]
    name: Name,
    /// Numbers of tables
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1000, 5000])]
    tables: Vec<usize>,
    /// Megabytes of the database to back up, as an uncompressed dump
    #[arg(long, default_value_t = 1100)]
    size: u64,
    /// Measured runs of each quick program; one more goes before them
    #[arg(long, default_value_t = 9)]
    runs: usize,
    /// Seconds after which a run is stopped
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// Leave drizzle-kit out
    #[arg(long)]
    no_kit: bool,
    /// Print the numbers and write no file
    #[arg(long)]
    dry: bool,
    /// Measure this binary instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Name {
    /// Reading the structure of a database, beside psql, `pg_dump` and drizzle-kit pull
    Introspect,
    /// The same of MySQL and MariaDB, beside `mysqldump --no-data` and drizzle-kit pull
    IntrospectMysql,
    /// A verified backup, beside `pg_dump`, `COPY`, a restore by hand, `sqlite3 .backup`, and `mariadb-dump`
    Backup,
    /// Loading a `schema.ts` and finding nothing changed, beside drizzle-kit check and generate
    Declared,
    /// `migrate` with nothing pending, beside drizzle-kit, and with 1,000 small migrations, beside psql
    Migrate,
    /// Finding where a database stands by replay, beside the same SQL sent by psql and sqlite3
    Position,
    /// Writing the next migration, beside drizzle-kit generate
    Generate,
    /// Starting, and finding out that there is nothing to do
    Startup,
    /// Nothing; prints the SQL of a made-up schema with the first number of --tables
    Schema,
}

/// Runs one benchmark.
pub(crate) fn run(arguments: &BenchArgs) -> Result {
    match arguments.name {
        Name::Introspect => introspect::run(arguments),
        Name::IntrospectMysql => introspect_mysql::run(arguments),
        Name::Backup => backup::run(arguments),
        Name::Declared => declared::run(arguments),
        Name::Migrate => migrate::run(arguments),
        Name::Position => position::run(arguments),
        Name::Generate => migration::run(arguments),
        Name::Startup => startup::run(arguments),
        Name::Schema => {
            println!("{}", generate::schema(arguments.tables.first().copied().unwrap_or(10)));
            Ok(())
        }
    }
}

/// The binary to measure: the release build of this source.
fn binary(arguments: &BenchArgs) -> Result<PathBuf> {
    if let Some(binary) = &arguments.binary {
        return Ok(binary.canonicalize()?);
    }
    show_and_run(&mut cargo(&["build", "--release", "--package", "raingauge"]))?;
    Ok(target()?.join("release/raingauge"))
}

/// The folder of a generation of drizzle-kit, its packages installed by the lock file.
fn kit(name: &str) -> Result<PathBuf> {
    let folder = target()?.join("bench").join(name);
    install::locked(name, &root().join("bench").join(name), &folder)?;
    Ok(folder)
}

/// A new empty folder below the target folder.
fn empty_folder(name: &str) -> Result<PathBuf> {
    let folder = target()?.join("bench").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A program in a folder, with nothing from outside but the search path.
fn program(program: impl AsRef<std::ffi::OsStr>, folder: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&folder).env_clear().env("HOME", folder);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("NO_COLOR", "1");
    command
}
