//! How the tests call the binary, and what they expect of every call.

use raingauge_testkit::{Project, Raingauge, Result, Run};

/// The binary under test.
pub(crate) fn binary() -> Raingauge {
    Raingauge::at(env!("CARGO_BIN_EXE_raingauge"))
}

/// Runs a command in a project's folder and expects its exit code.
#[track_caller]
pub(crate) fn run(project: &Project, arguments: &[&str], code: i32) -> Result<Run> {
    let run = binary().run(&project.root, arguments)?;
    assert_eq!(run.code, code, "{run}");
    Ok(run)
}
