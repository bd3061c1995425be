//! Why the test environment could not do what a test asked of it.

use std::fmt;

/// The result of everything in this crate that may fail.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// A sentence about what went wrong. `Debug` prints it as plain text, because that is what `unwrap`
/// and a test that returns it show.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure with its whole text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// With this one conversion `?` works on every error type; `Failure` itself is no `Error` for that.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Adds what was being done to an error that does not say it.
pub trait Doing<T> {
    /// The same result, with `what` before the error's own text.
    ///
    /// # Errors
    /// If `self` is one.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure(format!("{}: {error}", what())))
    }
}
