//! Checks: facts in, findings out. Nothing here reads a database; only `target` reads compose files,
//! `history::systems` looks for other tools' files, and `judge` runs the project's drizzle-kit.

pub mod adoption;
pub mod declared;
mod enums;
pub mod history;
pub mod judge;
pub mod ledger;
pub mod names;
pub mod rights;
pub mod spelling;
pub mod surroundings;
pub mod target;
