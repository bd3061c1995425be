//! Running other programs, and where things are in the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use raingauge_testkit::{Failure, Result};
use serde_json::Value;

/// The text of a failure that has been shown in full view.
pub(crate) const ALREADY_SAID: &str = "";

/// The root folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// `cargo`, as it was called, in the root folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root()).stdin(Stdio::null());
    cargo
}

/// Shows a command and runs it with its output in full view.
pub(crate) fn show_and_run(command: &mut Command) -> Result {
    let line = command_line(command);
    println!("$ {line}");
    let status =
        command.status().map_err(|it| Failure::new(format!("cannot start `{line}`: {it}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{line}` ended with {status}")))
    }
}

/// Whether a program is there and starts.
pub(crate) fn starts(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|it| it.success())
}

/// What `cargo metadata` knows about the workspace and its direct dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let output = cargo(&["metadata", "--no-deps", "--format-version=1"]).output()?;
    if !output.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&output.stderr)));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Where cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = metadata()?;
    let target = metadata["target_directory"].as_str();
    target.map(PathBuf::from).ok_or_else(|| Failure::new("cargo metadata has no target directory"))
}

fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
