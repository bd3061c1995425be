//! Checks: facts in, findings out. Nothing here reads a database; only `target` reads compose files.

pub mod adoption;
pub mod ledger;
pub mod rights;
pub mod target;
