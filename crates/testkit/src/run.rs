//! A finished process: its exit code and what it printed.

use std::fmt;
use std::io::{Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::{Doing, Failure, Result};

/// What a process printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The command line, for messages.
    pub what: String,
    /// The exit code; the negative signal number if a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Runs a command to its end, without a terminal and with nothing to read.
    ///
    /// # Errors
    /// If it cannot be started. A bad exit code is not an error here.
    pub fn of(command: &mut Command) -> Result<Self> {
        Self::with_stdin(command, Stdio::null())
    }

    /// Runs a command to its end with `input` as its standard input.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn fed(command: &mut Command, input: &str) -> Result<Self> {
        // A file instead of a pipe: nothing can wait for anything.
        let mut file = tempfile::tempfile()?;
        file.write_all(input.as_bytes())?;
        file.rewind()?;
        Self::with_stdin(command, Stdio::from(file))
    }

    fn with_stdin(command: &mut Command, stdin: Stdio) -> Result<Self> {
        let what = command_line(command);
        let output = command.stdin(stdin).output().doing(|| format!("cannot start `{what}`"))?;
        let code = output.status.code().or_else(|| output.status.signal().map(|it| -it));
        Ok(Self {
            what,
            code: code.expect("a process ends by exit or by signal"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The run, if its exit code is 0.
    ///
    /// # Errors
    /// If it is not; the text has everything that was printed.
    pub fn success(self) -> Result<Self> {
        if self.code == 0 { Ok(self) } else { Err(Failure::new(self.to_string())) }
    }

    /// Standard output as one JSON value.
    ///
    /// # Errors
    /// If it is not exactly that.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).doing(|| format!("stdout is not JSON in {self}"))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "`{}` ended with {}", self.what, self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.trim().is_empty() {
                writeln!(f, "--- {name} ---\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
