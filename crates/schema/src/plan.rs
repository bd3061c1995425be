//! Plans: ordered statements, each with its hazards.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A risk of a statement that someone has to know, and for some of them accept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "hazard", content = "object")]
pub enum Hazard {
    /// Deletes rows or values; the text names what, as `--allow` takes it: `drop:orders.note`.
    DeletesData(String),
    /// Rewrites the whole table while it is locked.
    RewritesTable(String),
    /// Cannot run inside a transaction.
    NotTransactional,
    /// Is not understood, so it may do anything.
    NotUnderstood,
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeletesData(name) if name.starts_with("retype:") => {
                write!(f, "may cut or round values ({name})")
            }
            Self::DeletesData(name) => write!(f, "deletes data ({name})"),
            Self::RewritesTable(name) => write!(f, "rewrites `{name}` while it is locked"),
            Self::NotTransactional => f.write_str("cannot run inside a transaction"),
            Self::NotUnderstood => f.write_str("has a statement that is not understood"),
        }
    }
}

/// How much a statement that holds a table is in the way of others, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// Others read and write.
    RowExclusive,
    /// Others read and write, and no other change of the structure runs.
    ShareUpdateExclusive,
    /// Others read.
    Share,
    /// Others read.
    ShareRowExclusive,
    /// Others wait.
    AccessExclusive,
}

impl LockMode {
    /// What it means for those who use the table.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::RowExclusive | Self::ShareUpdateExclusive => "others read and write",
            Self::Share | Self::ShareRowExclusive => "others read, writers wait",
            Self::AccessExclusive => "readers and writers wait",
        }
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

/// A lock that a statement takes on a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLock {
    /// As hazards name it: without `public`.
    pub table: String,
    pub mode: LockMode,
}

/// One SQL statement with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub sql: String,
    pub hazards: Vec<Hazard>,
}

impl Statement {
    /// A statement that only adds.
    pub fn harmless(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), hazards: Vec::new() }
    }
}
