//! How the tests call the binary, and what they expect of every call.

use raingauge_testkit::{Project, Raingauge, Result, Run};

/// The binary under test: the one that Cargo has just built, or the release that
/// `RAINGAUGE_TEST_BINARY` names.
pub(crate) fn binary() -> Raingauge {
    let named = std::env::var_os("RAINGAUGE_TEST_BINARY");
    Raingauge::at(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_raingauge").into()))
}

/// Runs a command in a project's folder and expects its exit code.
#[track_caller]
pub(crate) fn run(project: &Project, arguments: &[&str], code: i32) -> Result<Run> {
    let run = binary().run(&project.root, arguments)?;
    assert_eq!(run.code, code, "{run}");
    Ok(run)
}

/// The first line of a run's text: command and verdict.
pub(crate) fn verdict(run: &Run) -> &str {
    run.stdout.lines().next().unwrap_or_default()
}
