//! Checks: facts in, findings out. Nothing here reads a database or a file.

pub mod adoption;
pub mod ledger;
