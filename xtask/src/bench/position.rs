//! Finding where a database stands by replay alone: histories of several lengths, nothing recorded, beside the
//! same SQL sent by the engine's own shell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use raingauge_testkit::project::Example;
use raingauge_testkit::{Database, Failure, Postgres, Project, Result};

use super::contest::{self, Contender, Outcome};
use super::machine::{Machine, said};
use super::measure::Gauge;
use super::migrate::small;
use super::report::{Results, table, write};
use super::{BenchArgs, binary, empty_folder, program};
use crate::install;

/// Lengths of histories.
const LENGTHS: [usize; 4] = [10, 100, 300, 1000];

const LIMIT: &str = "the same SQL by the shell";

/// Runs the benchmark and writes its numbers.
pub(super) fn run(arguments: &BenchArgs) -> Result {
    install::run(false)?;
    let binary = binary(arguments)?;
    let server = Arc::new(Postgres::start()?);
    let mut machine = Machine::look(vec![
        said(Command::new(&binary).arg("--version")),
        said(Command::new(server.bin.join("postgres")).arg("--version")),
        format!("sqlite3 {}", said(Command::new("sqlite3").arg("--version"))),
    ]);
    let mut outcomes = Vec::new();
    for n in LENGTHS {
        outcomes.push(measure(n, &binary, Some(&server), arguments)?);
        outcomes.push(measure(n, &binary, None, arguments)?);
    }
    machine.end();
    let results = Results { machine, outcomes };
    let text = table(&results.outcomes, LIMIT);
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("position", &results, &text) }
}

fn measure(
    n: usize,
    binary: &Path,
    server: Option<&Arc<Postgres>>,
    arguments: &BenchArgs,
) -> Result<Outcome> {
    let (example, engine) = match server {
        Some(_) => (Example::BookstorePostgres, "PostgreSQL"),
        None => (Example::BookstoreSqlite, "SQLite"),
    };
    let project = Project::at(&empty_folder(&format!("position-{n}"))?, example, server)?;
    let script = history(&project, n)?;
    empty(&project)?;
    project.database.sql(&fs::read_to_string(&script)?)?;
    let mut status = program(binary, project.root.clone());
    status.args(["status", "--format", "json"]);
    is_found(status.output()?.stdout.as_slice(), n)?;
    let runs = arguments.runs.min(5);
    // It has something to tell, so it ends with 1.
    let mut status = program("sh", project.root.clone());
    status.args(["-c", "\"$0\" status; test $? -eq 1"]).arg(binary);
    let mut contenders = vec![Contender::new("raingauge status", status, runs).mute()];
    contenders.extend(limits(&project, &script, runs));
    let log = empty_folder("log")?.join("last.log");
    let gauge = Gauge { server: None, limit: arguments.limit, log };
    contest::run(&format!("{engine}, {n} migrations"), &contenders, &gauge)
}

/// The example's own tables are no part of this history.
fn empty(project: &Project) -> Result {
    match &project.database {
        Database::Postgres(database) => {
            let name = &database.name;
            database.server.sql("postgres", &format!("DROP DATABASE \"{name}\""))?;
            database.server.sql("postgres", &format!("CREATE DATABASE \"{name}\""))?;
            Ok(())
        }
        Database::Sqlite(database) => Ok(fs::remove_file(&database.path)?),
    }
}

/// The script in a new database, and the new database alone.
fn limits(project: &Project, script: &Path, runs: usize) -> Vec<Contender> {
    let shell = |text: String| {
        let mut shell = program("sh", project.root.clone());
        shell.args(["-c", &text]);
        shell
    };
    let script = script.display();
    match &project.database {
        Database::Postgres(database) => {
            let url = |name: &str| database.server.socket_url(name);
            let afresh = format!(
                "psql -qX '{}' -c 'DROP DATABASE IF EXISTS limit_only' -c 'CREATE DATABASE limit_only'",
                url("postgres")
            );
            let send = format!(
                "{afresh} && exec psql -qX -v ON_ERROR_STOP=1 '{}' -f {script}",
                url("limit_only")
            );
            vec![
                Contender::new(LIMIT, shell(send), runs),
                Contender::new("only a new database", shell(afresh), runs),
            ]
        }
        Database::Sqlite(_) => {
            let send = format!("rm -f limit.db && exec sqlite3 -bail limit.db < {script}");
            vec![Contender::new(LIMIT, shell(send), runs)]
        }
    }
}

/// Nothing is measured that does not find the place.
fn is_found(report: &[u8], n: usize) -> Result {
    let text = String::from_utf8_lossy(report);
    let place = format!("proven: {:04}_small", n - 1);
    let is_there = text.contains(&place);
    if is_there { Ok(()) } else { Err(Failure::new(format!("not found: {place}\n{text}"))) }
}

/// Writes a history of `n` small migrations, and the same SQL as a script, a transaction for each; gives the
/// script's path.
fn history(project: &Project, n: usize) -> Result<PathBuf> {
    for gone in ["src/db/schema.ts", "db/init.sql"] {
        fs::remove_file(project.path(gone))?;
    }
    let dialect = match project.database {
        Database::Postgres(_) => "postgresql",
        Database::Sqlite(_) => "sqlite",
    };
    let (mut entries, mut script) = (Vec::new(), String::new());
    for at in 0..n {
        let (tag, sql) = (format!("{at:04}_small"), small(at));
        project.write(&format!("drizzle/{tag}.sql"), &sql)?;
        script.extend(["BEGIN;\n", &sql, "\nCOMMIT;\n"]);
        entries.push(serde_json::json!({
            "idx": at, "version": "7", "when": 1_700_000_000_000_u64 + at as u64 * 1000, "tag": tag,
            "breakpoints": true
        }));
    }
    let journal = serde_json::json!({ "version": "7", "dialect": dialect, "entries": entries });
    project.write("drizzle/meta/_journal.json", &serde_json::to_string_pretty(&journal)?)?;
    project.write("all.sql", &script)?;
    Ok(project.path("all.sql"))
}
