//! What a caller may watch while something runs.

/// Receives the steps of a long operation as they happen.
///
/// The command line shows them; tests use [`Progress::boundary`] to stop a run between any two steps.
pub trait Progress {
    /// A step begins; `what` is a short phrase for people: `verifying the backup`.
    fn begin(&mut self, what: &str);

    /// The state on disk and in the database is about to change, or has just changed. `name` is
    /// stable: `reconcile/files-staged`.
    fn boundary(&mut self, name: &str);
}

/// Watches nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _what: &str) {}

    fn boundary(&mut self, _name: &str) {}
}
