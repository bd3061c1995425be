//! `cargo xtask demo`: adopts the bookstore in front of your eyes, and asks the judge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use raingauge_testkit::database::State;
use raingauge_testkit::judge::verdict;
use raingauge_testkit::project::Example;
use raingauge_testkit::{Failure, Postgres, Project, Result};

use crate::install;
use crate::process::{cargo, show_and_run, target};

/// The command that adopts a project without a question. The database is on this machine, so
/// `--confirm` alone is enough consent.
const EXECUTE: [&str; 2] = ["execute", "--confirm"];

/// Adopt the bookstore example and show what the real drizzle-kit makes of it
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Use the PostgreSQL variant, on a throw-away server
    #[arg(long)]
    postgres: bool,
    /// Use Drizzle 1.0, with a folder for each migration
    #[arg(long)]
    drizzle_1: bool,
}

/// Runs the demo; an unhappy judge is a failure.
pub(crate) fn run(arguments: &DemoArgs) -> Result {
    title("What is needed");
    if arguments.postgres {
        install::postgresql()?;
    }
    install::packages()?;
    show_and_run(&mut cargo(&["build", "--package", "raingauge"]))?;
    let binary = target()?.join("debug/raingauge");

    title("A bookstore whose database has lived, without migrations");
    let (_server, project) = set_up(arguments)?;
    let before = project.database.state()?;
    println!("project:  {}\ndatabase: {}", project.root.display(), kind(arguments));
    println!("{}", contents(&before));

    title("raingauge adopts it");
    raingauge(&binary, &project.root)?;

    title(match arguments.drizzle_1 {
        true => "The judge: the real drizzle-kit and drizzle-orm 1.0.0-rc.5",
        false => "The judge: the real drizzle-kit 0.31.11 and drizzle-orm 0.45.4",
    });
    let verdict = verdict(&project, Some("db/init.sql"))?;
    println!("{verdict}");
    let lost = lost_rows(&before, &project.database.state()?);
    println!(
        "{} every row that was there is still there",
        if lost.is_empty() { "ok " } else { "BAD" }
    );

    title("Once more: nothing is left to do");
    let before_again = (project.files()?, project.database.state()?);
    raingauge(&binary, &project.root)?;
    let same = before_again.1.differences(&project.database.state()?).is_empty();
    println!("\n{} the database did not change", if same { "ok " } else { "BAD" });
    if verdict.is_good() && lost.is_empty() && same {
        println!("\nThe judge agrees. Have a look: {}", project.root.display());
        return Ok(());
    }
    Err(Failure::new("the judge does not agree"))
}

fn set_up(arguments: &DemoArgs) -> Result<(Option<Arc<Postgres>>, Project)> {
    let (example, server) = if arguments.postgres {
        (Example::BookstorePostgres, Some(Arc::new(Postgres::start()?)))
    } else {
        (Example::BookstoreSqlite, None)
    };
    let root = demo_folder(example)?;
    let project = Project::at(&root, example, server.as_ref())?;
    if arguments.drizzle_1 {
        project.install_drizzle_1()?;
    }
    Ok((server, project))
}

/// The folder of the last demo, emptied.
fn demo_folder(example: Example) -> Result<PathBuf> {
    let root = target()?.join("demo").join(example.name());
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    Ok(root)
}

fn raingauge(binary: &Path, root: &Path) -> Result {
    let mut execute = Command::new(binary);
    execute.args(EXECUTE).current_dir(root).stdin(Stdio::null()).env_remove("DATABASE_URL");
    show_and_run(&mut execute)
}

fn kind(arguments: &DemoArgs) -> &'static str {
    if arguments.postgres { "PostgreSQL, on a server that ends with this demo" } else { "SQLite" }
}

fn contents(state: &State) -> String {
    let tables = state.rows.iter().filter(|(table, _)| !table.contains("sequence"));
    tables
        .map(|(table, rows)| format!("table:    {table}, {} rows", rows.len()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn lost_rows(before: &State, after: &State) -> Vec<String> {
    let tables = before.rows.iter().filter(|(table, _)| !table.contains("sequence"));
    tables
        .filter(|(table, rows)| after.rows.get(*table) != Some(rows))
        .map(|it| it.0.clone())
        .collect()
}

fn title(text: &str) {
    println!("\n== {text}\n");
}
