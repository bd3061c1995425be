//! `cargo xtask oracle`: what the real drizzle-kit of both generations makes of all that is in `cases`,
//! recorded or compared with the recordings.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use raingauge_testkit::Result;

use crate::install::locked;
use crate::process::{root, show_and_run, target};

/// Both Drizzles, by the folder that locks their packages.
const GENERATIONS: [&str; 2] = ["0", "1"];

/// The scripts that ask, below `cases`, and the generations that they ask.
const RECORDERS: [(&str, &[&str]); 3] = [
    ("suite/record.mjs", &GENERATIONS),
    ("renames/record.mjs", &GENERATIONS),
    ("record.mjs", &["0"]),
];

/// Ask the real drizzle-kit about all that is in cases, and record what it answers
#[derive(Debug, Default, clap::Args)]
pub(crate) struct OracleArgs {
    /// Compare its answers with the recordings, and change nothing
    #[arg(long)]
    check: bool,
    /// Only files whose path contains this
    filter: Option<String>,
}

/// Installs the packages of both generations and asks them.
pub(crate) fn run(arguments: &OracleArgs) -> Result {
    for generation in GENERATIONS {
        let folder = packages(generation)?;
        for (recorder, _) in RECORDERS.iter().filter(|it| it.1.contains(&generation)) {
            let mut node = Command::new("node");
            node.arg(root().join("cases").join(recorder)).arg(&folder);
            node.args(arguments.check.then_some("--check")).args(&arguments.filter);
            show_and_run(node.stdin(Stdio::null()))?;
        }
    }
    Ok(())
}

/// Asks again and compares all answers with the recordings.
pub(crate) fn check() -> Result {
    run(&OracleArgs { check: true, filter: None })
}

fn packages(generation: &str) -> Result<PathBuf> {
    let source = root().join("cases/suite/packages").join(generation);
    let folder = target()?.join("testkit").join(format!("oracle-{generation}"));
    locked(&format!("the suite, Drizzle {generation}"), &source, &folder)?;
    Ok(folder)
}
