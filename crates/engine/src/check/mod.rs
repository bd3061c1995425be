//! Checks: facts in, findings out. Nothing here reads a database; only `target` reads compose files,
//! and `history::systems` looks for other tools' files.

pub mod adoption;
pub mod declared;
mod enums;
pub mod history;
pub mod ledger;
pub mod names;
pub mod rights;
pub mod surroundings;
pub mod target;
