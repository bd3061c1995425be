//! What `migrate` costs: with nothing pending, beside drizzle-kit, and with a thousand small migrations, beside
//! the same SQL sent by psql in as many transactions.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use raingauge_testkit::project::Example;
use raingauge_testkit::{Database, Failure, Postgres, Project, Result};

use super::contest::{self, Contender, Outcome};
use super::machine::{Machine, said};
use super::measure::Gauge;
use super::report::{Results, table, time, write};
use super::{BenchArgs, binary, empty_folder, program};
use crate::install;

const KIT: &str = "drizzle-kit migrate";

/// How many migrations are pending.
const MANY: usize = 1000;

/// Runs the benchmark and writes its numbers.
pub(super) fn run(arguments: &BenchArgs) -> Result {
    install::run(false)?;
    let binary = binary(arguments)?;
    let versions = vec![
        said(Command::new(&binary).arg("--version")),
        format!("Node.js {}", said(Command::new("node").arg("--version"))),
        "drizzle-kit 0.31.11".to_owned(),
    ];
    let mut machine = Machine::look(versions);
    let server = Arc::new(Postgres::start()?);
    let place = Place { binary, arguments };
    let mut outcomes = Vec::new();
    for server in [None, Some(&server)] {
        outcomes.push(place.nothing_pending(server)?);
    }
    let (pending, applying) = place.many_pending(&server)?;
    outcomes.push(pending);
    machine.end();
    let results = Results { machine, outcomes };
    let (quick, many) = results.outcomes.split_at(2);
    let text = format!(
        "{}\n{}\n\n{applying}\n",
        table(quick, KIT),
        table(many, "psql, a transaction each")
    );
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("migrate", &results, &text) }
}

struct Place<'a> {
    binary: PathBuf,
    arguments: &'a BenchArgs,
}

impl Place<'_> {
    fn gauge(&self) -> Result<Gauge> {
        let log = empty_folder("log")?.join("last.log");
        Ok(Gauge { server: None, limit: self.arguments.limit, log })
    }

    /// The bookstore after `execute`.
    fn nothing_pending(&self, server: Option<&Arc<Postgres>>) -> Result<Outcome> {
        let (example, what) = match server {
            Some(_) => (Example::BookstorePostgres, "PostgreSQL, nothing pending"),
            None => (Example::BookstoreSqlite, "SQLite, nothing pending"),
        };
        let project = Project::at(&empty_folder(example.name())?, example, server)?;
        let done = self.ours(&project, &["execute", "--confirm"]).output()?;
        if !done.status.success() {
            return Err(Failure::new(String::from_utf8_lossy(&done.stdout)));
        }
        let runs = self.arguments.runs;
        let ours = Contender::new("raingauge migrate", self.ours(&project, &["migrate"]), runs);
        let kit = Contender::new(KIT, kit(&project), runs);
        contest::run(what, &[ours, kit], &self.gauge()?)
    }

    fn ours(&self, project: &Project, arguments: &[&str]) -> Command {
        let mut ours = program(&self.binary, project.root.clone());
        ours.args(arguments);
        ours
    }

    /// Everything pending on an empty database, which is made anew before each run; how long that takes is
    /// measured too. Says how much of ours was the applying alone.
    fn many_pending(&self, server: &Arc<Postgres>) -> Result<(Outcome, String)> {
        let folder = empty_folder("many")?;
        let project = Project::at(&folder, Example::BookstorePostgres, Some(server))?;
        let script = history(&project, MANY)?;
        let Database::Postgres(database) = &project.database else {
            return Err(Failure::new("not PostgreSQL"));
        };
        let afresh = format!(
            "psql -qX '{}' -c 'DROP DATABASE IF EXISTS \"{name}\"' -c 'CREATE DATABASE \"{name}\"'",
            server.socket_url("postgres"),
            name = database.name
        );
        let shell = |then: &str| {
            let mut shell = program("sh", project.root.clone());
            shell.args(["-c", &format!("{afresh} {then}")]);
            shell
        };
        let runs = self.arguments.runs.min(5);
        let ours = format!("&& exec {} migrate --format json", self.binary.display());
        let psql = format!(
            "&& exec psql -qX -v ON_ERROR_STOP=1 '{}' -f {}",
            project.database.url(),
            script.display()
        );
        let mut contenders = vec![
            Contender::new("raingauge migrate", shell(&ours), runs),
            Contender::new("psql, a transaction each", shell(&psql), runs),
            Contender::new("only a new database", shell(""), runs),
        ];
        if !self.arguments.no_kit {
            let kit = shell("&& exec node node_modules/drizzle-kit/bin.cjs migrate");
            contenders.push(Contender::new(KIT, kit, runs));
        }
        let what = format!("{MANY} pending");
        let outcome = contest::run(&what, &contenders, &self.gauge()?)?;
        let report = shell(&ours).output()?;
        Ok((outcome, applying(&report.stdout)?))
    }
}

fn kit(project: &Project) -> Command {
    let mut kit = program("node", project.root.clone());
    kit.args(["node_modules/drizzle-kit/bin.cjs", "migrate"]);
    kit
}

/// The sum of what a report says of each applied migration: the rehearsal is not in it.
fn applying(report: &[u8]) -> Result<String> {
    let report: serde_json::Value = serde_json::from_slice(report)?;
    let millis =
        report["steps"].as_array().into_iter().flatten().filter_map(|it| it["millis"].as_f64());
    let (n, sum) = millis.fold((0, 0.0), |(n, sum), it| (n + 1, sum + it));
    Ok(format!(
        "Of one run of `raingauge migrate`, the {n} migrations took {}; the rest is loading, the rehearsal of all of them in scratch and the comparison afterwards.",
        time(sum)
    ))
}

/// Writes a history of `n` small migrations, and the same SQL as a script; gives the script's path.
fn history(project: &Project, n: usize) -> Result<PathBuf> {
    for gone in ["src/db/schema.ts", "db/init.sql"] {
        std::fs::remove_file(project.path(gone))?;
    }
    let mut entries = Vec::new();
    let mut script = "CREATE SCHEMA drizzle;\nCREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint);\n".to_owned();
    for at in 0..n {
        let (tag, when, sql) =
            (format!("{at:04}_small"), 1_700_000_000_000_u64 + at as u64 * 1000, small(at));
        project.write(&format!("drizzle/{tag}.sql"), &sql)?;
        entries.push(serde_json::json!({
            "idx": at, "version": "7", "when": when, "tag": tag, "breakpoints": true
        }));
        writeln!(
            script,
            "BEGIN;\n{sql}\nINSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('{tag}', {when});\nCOMMIT;"
        )
        .map_err(|it| Failure::new(it.to_string()))?;
    }
    let journal =
        serde_json::json!({ "version": "7", "dialect": "postgresql", "entries": entries });
    project.write("drizzle/meta/_journal.json", &serde_json::to_string_pretty(&journal)?)?;
    project.write("all.sql", &script)?;
    Ok(Path::new(&project.root).join("all.sql"))
}

/// A table, a column, an index, a key: what migrations mostly are.
pub(super) fn small(at: usize) -> String {
    let table = format!("t{}", at / 4);
    match at % 4 {
        0 => format!("CREATE TABLE {table} (id integer PRIMARY KEY, name text NOT NULL);"),
        1 => format!("ALTER TABLE {table} ADD COLUMN note text;"),
        2 => format!("CREATE INDEX {table}_name ON {table} (name);"),
        _ => format!("ALTER TABLE {table} ADD COLUMN parent integer REFERENCES {table} (id);"),
    }
}
