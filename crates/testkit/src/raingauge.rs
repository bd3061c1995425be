//! The binary under test, run without anything from the outside world.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::failure::Result;
use crate::postgres;
use crate::run::Run;
use crate::terminal::Terminal;

/// How to run the binary: where it is and what its environment has.
#[derive(Clone, Debug)]
pub struct Raingauge {
    binary: PathBuf,
    variables: Vec<(String, String)>,
}

impl Raingauge {
    /// The binary at a path; in the tests of the binary's crate `env!("CARGO_BIN_EXE_raingauge")`.
    pub fn at(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), variables: Vec::new() }
    }

    /// The same with one more environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a command in a folder, without a terminal, to its end.
    ///
    /// # Errors
    /// If the binary cannot be started. A bad exit code is not an error here.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Result<Run> {
        Run::of(&mut self.command(folder, arguments))
    }

    /// Runs a command in a folder with `input` as its standard input.
    ///
    /// # Errors
    /// If the binary cannot be started.
    pub fn run_fed(&self, folder: &Path, arguments: &[&str], input: &str) -> Result<Run> {
        Run::fed(&mut self.command(folder, arguments), input)
    }

    /// Starts a command in a pseudo-terminal.
    ///
    /// # Errors
    /// If the binary or the terminal cannot be started.
    pub fn terminal(&self, folder: &Path, arguments: &[&str]) -> Result<Terminal> {
        Terminal::start(&self.command(folder, arguments))
    }

    /// The command itself, for tests that need the child process (to kill it, or two at once).
    pub fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(folder).env_clear();
        command.env("PATH", search_path()).env("HOME", folder).env("LC_ALL", "C.UTF-8");
        command.env("TMPDIR", std::env::temp_dir()).env("TERM", "dumb");
        // Not below its home, which is the project here.
        command.envs(cache::folder().map(|it| ("XDG_CACHE_HOME", it)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The system's programs and the newest PostgreSQL clients, but nothing of the developer's.
fn search_path() -> String {
    let clients = postgres::installed().into_iter().next().map(|it| it.1.display().to_string());
    let system = "/usr/local/bin:/usr/bin:/bin".to_owned();
    clients.into_iter().chain([system]).collect::<Vec<_>>().join(":")
}
