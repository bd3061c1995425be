//! What it costs to write the next migration: one new column, beside both kits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use raingauge_testkit::{Failure, Result};

use super::contest::{self, Contender, Outcome};
use super::declared::{drizzle_kit, project};
use super::machine::{Machine, said};
use super::measure::Gauge;
use super::report::{Results, table, write};
use super::{BenchArgs, binary, empty_folder, kit, program};
use crate::install;

const SIZES: [usize; 2] = [10, 300];

/// Where a column is put in: the first of each table.
const COLUMN: &str = "  name: varchar(";

/// Runs the benchmark and writes its numbers.
pub(super) fn run(arguments: &BenchArgs) -> Result {
    install::run(false)?;
    let binary = binary(arguments)?;
    let mut machine = Machine::look(vec![
        said(Command::new(&binary).arg("--version")),
        format!("Node.js {}", said(Command::new("node").arg("--version"))),
    ]);
    let mut outcomes = Vec::new();
    for generation in ["0.31", "1.0"] {
        let packages = kit(&format!("kit-{generation}"))?;
        for size in SIZES {
            let project = project(&packages, generation, size)?;
            let before = changed(&project)?;
            let size = format!("{size} tables, drizzle-kit {generation}");
            outcomes.push(one_change(&binary, arguments, (&project, &before), &size)?);
        }
    }
    machine.end();
    let results = Results { machine, outcomes };
    let text = table(&results.outcomes, "raingauge generate");
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("generate", &results, &text) }
}

/// Declares one more column, and keeps the history as it is for every run to begin with.
fn changed(project: &Path) -> Result<PathBuf> {
    let schema = project.join("schema.ts");
    let text = fs::read_to_string(&schema)?;
    if !text.contains(COLUMN) {
        return Err(Failure::new("the made-up schema has no column to put another one before"));
    }
    fs::write(&schema, text.replacen(COLUMN, &format!("  more: text(\"more\"),\n{COLUMN}"), 1))?;
    let before = project.join("before");
    fs::rename(project.join("drizzle"), &before)?;
    Ok(before)
}

fn one_change(
    binary: &Path,
    arguments: &BenchArgs,
    (project, before): (&Path, &Path),
    size: &str,
) -> Result<Outcome> {
    let mut ours = program(binary, project.to_owned());
    ours.args(["generate", "--name", "more"]);
    let mut contenders = vec![Contender::new("raingauge generate", ours, arguments.runs)];
    if !arguments.no_kit {
        let mut theirs = drizzle_kit(project, "generate");
        theirs.args(["--name", "more"]);
        contenders.push(Contender::new("drizzle-kit generate", theirs, arguments.runs));
    }
    let history = project.join("drizzle");
    let contenders: Vec<_> =
        contenders.into_iter().map(|it| it.beginning_with(before, &history)).collect();
    let log = empty_folder("log")?.join("last.log");
    let gauge = Gauge { server: None, limit: arguments.limit, log };
    let outcome = contest::run(size, &contenders, &gauge)?;
    // Who wrote nothing has measured nothing.
    match n_files(&history)? > n_files(before)? {
        true => Ok(outcome),
        false => Err(Failure::new("the last run wrote no migration")),
    }
}

fn n_files(folder: &Path) -> Result<usize> {
    let mut n = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        n += if path.is_dir() { n_files(&path)? } else { 1 };
    }
    Ok(n)
}
