//! A program in a pseudo-terminal: wait for a text, type an answer, look at the end.

use std::process::Command;

use nix::sys::wait::WaitStatus;
use rexpect::session::PtySession;

use crate::failure::{Doing, Result};
use crate::run::Run;

const PATIENCE_MILLIS: u64 = 60_000;

/// A running program and all that it has shown so far.
pub struct Terminal {
    session: PtySession,
    what: String,
    shown: String,
}

impl Terminal {
    pub(crate) fn start(command: &Command) -> Result<Self> {
        let mut shell = Command::new("/bin/sh");
        // A new pseudo-terminal has no size, and programs that draw need one.
        shell.args(["-c", "stty rows 50 cols 100; exec \"$@\"", "terminal"]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.env_clear().envs(command.get_envs().filter_map(|(name, it)| Some((name, it?))));
        shell.env("TERM", "xterm-256color").env("NO_COLOR", "1");
        if let Some(folder) = command.get_current_dir() {
            shell.current_dir(folder);
        }
        let what = command.get_program().to_string_lossy().into_owned();
        let session = rexpect::session::spawn_command(shell, Some(PATIENCE_MILLIS))?;
        Ok(Self { session, what, shown: String::new() })
    }

    /// Waits until a text is shown. It has to stand on the screen in one piece and one style.
    ///
    /// # Errors
    /// If the program ends or a minute passes before that; the text has all that was shown.
    pub fn expect(&mut self, text: &str) -> Result {
        let before = self.session.exp_string(text);
        let before = before.doing(|| format!("`{text}` is not shown after:\n{}", self.screen()))?;
        self.shown.push_str(&before);
        self.shown.push_str(text);
        Ok(())
    }

    /// Types a line and the return key.
    ///
    /// # Errors
    /// If the program has ended.
    pub fn answer(&mut self, line: &str) -> Result {
        // Programs in raw mode wait for a carriage return.
        self.press(&format!("{line}\r"))
    }

    /// Types keys as the terminal sends them: `"y"`, `"\x1b[B"` for down, `"\x03"` for Ctrl-C.
    ///
    /// # Errors
    /// If the program has ended.
    pub fn press(&mut self, keys: &str) -> Result {
        self.session.send(keys)?;
        self.session.flush()?;
        Ok(())
    }

    /// Waits for the end. Everything that was shown is in `stdout` of the run, as plain text.
    ///
    /// # Errors
    /// If a minute passes before that.
    pub fn finish(mut self) -> Result<Run> {
        let rest = self.session.exp_eof().doing(|| format!("no end after:\n{}", self.screen()))?;
        self.shown.push_str(&rest);
        let code = match self.session.process().wait()? {
            WaitStatus::Exited(_, code) => code,
            WaitStatus::Signaled(_, signal, _) => -(signal as i32),
            other => {
                return Err(crate::Failure::new(format!("the program did not end: {other:?}")));
            }
        };
        Ok(Run { stdout: self.screen(), what: self.what, code, stderr: String::new() })
    }

    /// What was shown so far, without control sequences.
    pub fn screen(&self) -> String {
        plain(&self.shown)
    }
}

/// A text without control sequences (`ESC [ … letter`) and carriage returns.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\x1b' if letters.as_str().starts_with('[') => {
                letters.next();
                letters.by_ref().find(|it| ('@'..='~').contains(it));
            }
            '\x1b' => drop(letters.next()),
            '\r' => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_disappear_and_text_stays() {
        assert_eq!(plain("\x1b[2K\x1b[1;32mmain\x1b[0m ok\r\n\x1b7é"), "main ok\né");
    }

    #[test]
    fn a_program_asks_and_gets_its_answer() -> Result {
        let mut script = Command::new("/bin/sh");
        script.args(["-c", "printf 'name? '; read name; echo \"hello $name\"; exit 3"]);
        let mut terminal = Terminal::start(&script)?;
        terminal.expect("name? ")?;
        terminal.answer("ada")?;
        terminal.expect("hello ada")?;
        assert_eq!(terminal.finish()?.code, 3);
        Ok(())
    }
}
