//! The doctor of a history: what is wrong with its files, where, and for which databases.
//!
//! Reading order: `journal` (entries) · `statements` (what a file does to its migrator) · `orphans` (files
//! that never run) · `snapshots` (what drizzle-kit compares with) · `chain` (the
//! same in folders) · `names` (what the last snapshot has and
//! no file makes) · `built` (what the files build, beside the last snapshot) · `systems` (other migration tools in the project) · `bundle`
//! (what an application imports of it) · `conflict` (unfinished merges).

pub mod built;
mod bundle;
pub mod chain;
mod conflict;
pub mod journal;
mod names;
pub mod orphans;
mod snapshots;
pub mod statements;
pub mod systems;

pub use conflict::conflict;

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::Generation;

use crate::history::History;
use crate::meta::MetaFile;
use crate::report::Finding;

/// What is examined.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    pub history: &'a History,
    pub meta: &'a [MetaFile],
    pub dialect: Dialect,
    /// `driver` of the configuration; absent means one that opens a database itself.
    pub driver: Option<&'a str>,
}

impl Folder<'_> {
    /// What is wrong with journal and SQL files beyond what keeps every command from writing.
    pub fn files(&self) -> Vec<Finding> {
        let mut findings = journal::entries(self);
        findings.extend(statements::statements(self));
        findings.extend(bundle::bundle(self));
        findings
    }

    /// What is wrong with the snapshots.
    pub fn snapshots(&self) -> Vec<Finding> {
        if self.history.generation == Generation::V1 {
            return chain::snapshots(self.history, self.dialect);
        }
        let mut findings = snapshots::snapshots(self);
        findings.extend(names::names(self));
        findings
    }
}

/// The line on which a text first stands, counted from 1.
fn line_of(text: &str, needle: &str) -> Option<usize> {
    text.lines().position(|it| it.contains(needle)).map(|it| it + 1)
}

#[cfg(test)]
mod tests;
