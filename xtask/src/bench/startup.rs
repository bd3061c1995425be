//! What it costs to start, and to find out that there is nothing to do.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use raingauge_testkit::project::Example;
use raingauge_testkit::{Failure, Postgres, Project, Result};

use super::contest::{self, Contender, Outcome};
use super::machine::{Machine, said};
use super::measure::Gauge;
use super::report::{Results, table, write};
use super::{BenchArgs, binary, empty_folder, program};
use crate::install;

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
    let mut outcomes = vec![bare(&binary, arguments)?];
    outcomes.push(adopted("SQLite, adopted", &binary, arguments, None)?);
    let server = Arc::new(Postgres::start()?);
    outcomes.push(adopted("PostgreSQL, adopted", &binary, arguments, Some(&server))?);
    machine.end();
    let results = Results { machine, outcomes };
    let text = table(&results.outcomes, "node -e 0");
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("startup", &results, &text) }
}

fn gauge(arguments: &BenchArgs) -> Result<Gauge> {
    let log = empty_folder("log")?.join("last.log");
    Ok(Gauge { server: None, limit: arguments.limit, log })
}

fn node() -> Result<Command> {
    let mut node = program("node", empty_folder("nowhere")?);
    node.args(["-e", "0"]);
    Ok(node)
}

fn bare(binary: &Path, arguments: &BenchArgs) -> Result<Outcome> {
    let mut version = program(binary, empty_folder("nowhere")?);
    version.arg("--version");
    let contenders = [
        Contender::new("raingauge --version", version, arguments.runs),
        Contender::new("node -e 0", node()?, arguments.runs),
    ];
    contest::run("nothing", &contenders, &gauge(arguments)?)
}

/// The bookstore after `execute`: nothing differs, nothing is pending.
fn adopted(
    what: &str,
    binary: &Path,
    arguments: &BenchArgs,
    server: Option<&Arc<Postgres>>,
) -> Result<Outcome> {
    let example =
        if server.is_some() { Example::BookstorePostgres } else { Example::BookstoreSqlite };
    let project = Project::at(&empty_folder(example.name())?, example, server)?;
    let mut execute = program(binary, project.root.clone());
    let done = execute.args(["execute", "--confirm"]).output()?;
    if !done.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&done.stdout)));
    }
    let ours = |command: &str| {
        let mut ours = program(binary, project.root.clone());
        ours.arg(command);
        Contender::new(format!("raingauge {command}"), ours, arguments.runs)
    };
    let kit = |command: &str| {
        let mut kit = program("node", project.root.clone());
        kit.args(["node_modules/drizzle-kit/bin.cjs", command]);
        Contender::new(format!("drizzle-kit {command}"), kit, arguments.runs)
    };
    let mut contenders = vec![ours("status"), ours("migrate")];
    if !arguments.no_kit {
        contenders.extend([kit("check"), kit("migrate")]);
    }
    contenders.push(Contender::new("node -e 0", node()?, arguments.runs));
    contest::run(what, &contenders, &gauge(arguments)?)
}
