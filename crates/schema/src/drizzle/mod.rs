//! Drizzle's own files, as drizzle-kit writes and drizzle-orm reads them. Reading order:
//! `layout` (names in the migrations folder) · `journal` · `migration` (a file's statements) ·
//! `ledger` (the table of applied migrations) · `snapshot` (what the dialects' snapshots share) ·
//! `shape` (validation) · `entities`, `chain` (snapshots of 1.0) · `javascript` (how JavaScript spells
//! values).

pub mod chain;
pub mod entities;
pub mod javascript;
pub mod journal;
pub mod layout;
pub mod ledger;
pub mod migration;
pub mod shape;
pub mod snapshot;
