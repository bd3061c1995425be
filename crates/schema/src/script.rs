//! SQL scripts as statements with their place in the file.
//!
//! The dialects' `split` modules make them; replaying and reporting use them.

use serde::{Deserialize, Serialize};

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The statement without its closing semicolon and without surrounding white space; comments
    /// before it are kept.
    pub sql: String,
    /// Where its first significant character stands, counted from 1.
    pub line: usize,
    /// Rows that follow a `COPY … FROM stdin`, as they stand in the file (without the `\.` line).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_data: Option<String>,
}

/// Why a script cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (opened on line {line})")]
pub struct SplitError {
    pub message: String,
    /// Where the unfinished thing begins, counted from 1.
    pub line: usize,
}
