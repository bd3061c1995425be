//! `cargo xtask test`: everything that the tests need, then all tests.

use std::path::PathBuf;
use std::process::Command;

use raingauge_testkit::mysql::Vendor;
use raingauge_testkit::postgres::SHARED_SERVER;
use raingauge_testkit::{Failure, MySql, Postgres, Result};

use crate::install;
use crate::oracle;
use crate::process::{ALREADY_SAID, cargo, root, show_and_run, starts};

/// The variable that tells tests where real-world schemas are.
const CORPUS: &str = "RAINGAUGE_CORPUS";

/// Install what the tests need and run all of them
#[derive(Debug, Default, clap::Args)]
pub(crate) struct TestArgs {
    /// Run the full counts instead of sampled, seeded ones
    #[arg(long)]
    full: bool,
    /// Passed on to the test runner: names to filter by, its own options
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs all tests. The summary of the test runner is the last thing that is printed.
pub(crate) fn run(arguments: &TestArgs) -> Result {
    install::run(arguments.full)?;
    if arguments.full {
        oracle::check()?;
    }
    let server = Postgres::start()?;
    let others = mysql_servers();
    let mut variables = variables(arguments, &server);
    variables.extend(others.iter().map(|it| (it.vendor.variable(), it.address())));
    let has_nextest = starts("cargo", &["nextest", "--version"]);
    if has_nextest && arguments.rest.is_empty() {
        // nextest leaves the examples in the docs out; they go first, so that its summary is last.
        show_and_run(cargo(&["test", "--workspace", "--doc"]).envs(variables.clone()))?;
    }
    let mut tests = if has_nextest {
        cargo(&["nextest", "run", "--workspace"])
    } else {
        cargo(&["test", "--workspace", "--no-fail-fast"])
    };
    if has_nextest && arguments.full {
        // The full counts take longer than a test that hangs may.
        tests.args(["--profile", "full"]);
    }
    add_filters(&mut tests, has_nextest, &arguments.rest);
    // The runner has the last word, also when a test fails: some read only the end of the output.
    show_and_run(tests.envs(variables)).map_err(|_| Failure::new(ALREADY_SAID))
}

fn add_filters(tests: &mut Command, has_nextest: bool, rest: &[String]) {
    if !has_nextest && !rest.is_empty() {
        tests.arg("--");
    }
    tests.args(rest);
}

fn variables(arguments: &TestArgs, server: &Postgres) -> Vec<(&'static str, String)> {
    let mut variables = vec![(SHARED_SERVER, server.address())];
    if arguments.full {
        variables.push(("RAINGAUGE_FULL", "1".to_owned()));
    } else {
        println!("sampled sizes: `cargo xtask test --full` runs the full counts");
    }
    match corpus() {
        Some(corpus) => variables.push((CORPUS, corpus.display().to_string())),
        None => println!("skipped: tests on real-world schemas, because {CORPUS} is not set"),
    }
    variables
}

/// Each test is a process of its own, so one server for all of them is started here.
fn mysql_servers() -> Vec<MySql> {
    let start = |vendor| match MySql::start(vendor) {
        Ok(server) => Some(server),
        Err(failure) => {
            println!("skipped: tests with {vendor:?}: {failure}");
            None
        }
    };
    Vendor::ALL.into_iter().filter_map(start).collect()
}

fn corpus() -> Option<PathBuf> {
    let beside = root().join("../shared/corpus");
    std::env::var_os(CORPUS).map(PathBuf::from).or_else(|| beside.canonicalize().ok())
}
