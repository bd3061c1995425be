//! Drizzle's own files, as drizzle-kit 0.31 and 1.0 write and drizzle-orm 0.45 and 1.0 read them.
//! Reading order: `generation` (which of the two) · `layout` (names in the migrations folder) · `journal`
//! (0.x) · `folder` (1.0) · `migration` (a file's statements) · `ledger` (the table of applied
//! migrations) · `named_ledger` (that of 1.0) · `snapshot` (what the dialects' snapshots share),
//! `remembered` (those of SQLite and MySQL), `declared` (what their declarations share) · `shape`
//! (validation) · `entities`, `chain`, `branches` (snapshots of 1.0) · `bundle` (what applications import) · `javascript` (how JavaScript spells values).

mod generation;

pub mod branches;
pub mod bundle;
pub mod chain;
pub mod declared;
pub mod entities;
pub mod folder;
pub mod javascript;
pub mod journal;
pub mod layout;
pub mod ledger;
pub mod migration;
pub mod named_ledger;
mod names;
pub mod remembered;
pub mod shape;
pub mod snapshot;

pub use generation::Generation;
