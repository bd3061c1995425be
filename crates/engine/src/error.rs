//! Why something could not run.
//!
//! An [`Error`] means *could not run* (exit code 2) or *stopped half way* (exit code 3). "The answer
//! is no" is not an error but a [`crate::report::Report`] whose verdict says so.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not run: a stable code, a sentence, the cause, and the next safe steps.
#[derive(Debug)]
pub struct Error {
    /// Stable kebab-case word, listed in `docs/errors.md`.
    pub code: &'static str,
    /// What happened, one line, lower case, no full stop; without the cause.
    pub message: String,
    /// Exact commands or actions that are safe to try next.
    pub next: Vec<String>,
    /// What had already been changed when it stopped; empty means that nothing was.
    pub done: Vec<String>,
    /// The lines of a file that it is about, with a mark; printed as they are.
    pub excerpt: Option<String>,
    /// Whether it could have run, but would not: the answer is no (exit code 1).
    pub refused: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a stable code and a message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            next: Vec::new(),
            done: Vec::new(),
            excerpt: None,
            refused: false,
            source: None,
        }
    }

    /// A refusal: it could have run, but the answer is no.
    pub fn refusal(code: &'static str, message: impl Into<String>) -> Self {
        Self { refused: true, ..Self::new(code, message) }
    }

    /// The error with its cause, which is printed below the message.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The causes below the message, outermost first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = StdError::source(self);
        while let Some(it) = cause {
            causes.push(it.to_string());
            cause = it.source();
        }
        causes
    }

    /// `1` refused · `2` could not run · `3` stopped half way, something had changed.
    pub fn exit_code(&self) -> u8 {
        match (self.done.is_empty(), self.refused) {
            (false, _) => 3,
            (true, true) => 1,
            (true, false) => 2,
        }
    }

    /// The error with the lines of a file that it is about.
    #[must_use]
    pub fn excerpt(mut self, lines: impl Into<String>) -> Self {
        self.excerpt = Some(lines.into());
        self
    }

    /// The error with one more safe step to try.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next.push(step.into());
        self
    }

    /// The error with one more thing that was already done when it happened.
    #[must_use]
    pub fn after(mut self, done: impl Into<String>) -> Self {
        self.done.push(done.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|it| it as &(dyn StdError + 'static))
    }
}
