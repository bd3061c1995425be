//! What it costs to load a configuration and a `schema.ts`, and to find that nothing has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use raingauge_testkit::large_schema::postgres_schema;
use raingauge_testkit::{Failure, Result};

use super::contest::{self, Contender, Outcome};
use super::machine::{Machine, said};
use super::measure::Gauge;
use super::report::{Results, table, write};
use super::{BenchArgs, binary, empty_folder, kit, program};
use crate::install;

const SIZES: [usize; 3] = [10, 100, 300];
const CONFIG: &str = "import { defineConfig } from 'drizzle-kit';\n\
    export default defineConfig({ dialect: 'postgresql', schema: './schema.ts', out: './drizzle' });\n";

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
            outcomes.push(unchanged(&binary, arguments, &project, generation, size)?);
        }
    }
    machine.end();
    let results = Results { machine, outcomes };
    let text = table(&results.outcomes, "raingauge validate --offline");
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("declared", &results, &text) }
}

/// A project whose history says what its schema says.
pub(super) fn project(packages: &Path, generation: &str, size: usize) -> Result<PathBuf> {
    let folder = empty_folder(&format!("declared-{generation}-{size}"))?;
    std::os::unix::fs::symlink(packages.join("node_modules"), folder.join("node_modules"))?;
    fs::write(folder.join("drizzle.config.ts"), CONFIG)?;
    fs::write(folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
    fs::write(folder.join("schema.ts"), postgres_schema(size))?;
    let made = drizzle_kit(&folder, "generate").output()?;
    match folder.join("drizzle").is_dir() {
        true => Ok(folder),
        false => Err(Failure::new(String::from_utf8_lossy(&made.stdout))),
    }
}

/// A command of the kit that is installed in a folder.
pub(super) fn drizzle_kit(folder: &Path, command: &str) -> Command {
    let mut kit = program("node", folder.to_owned());
    kit.args(["node_modules/drizzle-kit/bin.cjs", command]);
    kit
}

fn unchanged(
    binary: &Path,
    arguments: &BenchArgs,
    project: &Path,
    generation: &str,
    size: usize,
) -> Result<Outcome> {
    let mut ours = program(binary, project.to_owned());
    ours.args(["validate", "--offline"]);
    let mut contenders = vec![Contender::new("raingauge validate --offline", ours, arguments.runs)];
    if !arguments.no_kit {
        contenders.extend(["check", "generate"].map(|it| {
            let name = format!("drizzle-kit {it}");
            Contender::new(name, drizzle_kit(project, it), arguments.runs)
        }));
    }
    let log = empty_folder("log")?.join("last.log");
    let gauge = Gauge { server: None, limit: arguments.limit, log };
    contest::run(&format!("{size} tables, drizzle-kit {generation}"), &contenders, &gauge)
}
