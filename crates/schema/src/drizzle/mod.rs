//! Drizzle's own files, as drizzle-kit 0.31 writes and drizzle-orm 0.45 reads them. Reading order:
//! `layout` (names in the migrations folder) · `journal` · `migration` (a file's statements) ·
//! `ledger` (the table of applied migrations) · `snapshot` (what the dialects' snapshots share) ·
//! `shape` (validation) · `javascript` (how JavaScript spells values).

pub mod javascript;
pub mod journal;
pub mod layout;
pub mod ledger;
pub mod migration;
pub mod shape;
pub mod snapshot;
