//! SQL scripts as statements with their place in the file.
//!
//! The dialects' `split` modules make them; replaying and reporting use them.

use serde::{Deserialize, Serialize};

/// What a piece of a script is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PieceKind {
    /// A whole statement, or the end of one whose beginning came in fragments.
    #[default]
    Statement,
    /// The beginning of a statement that a command of the shell interrupts; the next statement
    /// piece, or a command such as `\gexec`, ends it.
    Fragment,
    /// A command of the engine's own shell, which no server understands: `\connect app`, `.read f`.
    Command,
}

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    #[serde(default)]
    pub kind: PieceKind,
    /// The statement without its closing semicolon and without surrounding white space; comments
    /// before it are kept.
    pub sql: String,
    /// Where its first significant character stands, counted from 1.
    pub line: usize,
    /// Rows that follow a `COPY … FROM stdin`, as they stand in the file (without the `\.` line).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_data: Option<String>,
}

impl Piece {
    /// A whole statement.
    pub fn statement(sql: impl Into<String>, line: usize) -> Self {
        Self { kind: PieceKind::Statement, sql: sql.into(), line, copy_data: None }
    }
}

/// Why a script cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (opened on line {line})")]
pub struct SplitError {
    pub message: String,
    /// Where the unfinished thing begins, counted from 1.
    pub line: usize,
}
