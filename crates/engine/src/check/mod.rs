//! Checks: facts in, findings out. Nothing here reads a database; only `target` reads compose files.

pub mod adoption;
pub mod declared;
mod enums;
pub mod ledger;
pub mod names;
pub mod rights;
pub mod surroundings;
pub mod target;
