//! The project's `init.sql`: found, read as its shell reads it, and fenced in.
//!
//! Reading order: [`find()`] (which files, in which order; `containers`, [`compose`] and
//! [`dockerfile`] say what a container sees) → [`expand()`] (the shell's commands carried out) →
//! [`fence()`] (what may be sent to scratch) → [`crate::replay`].

pub mod compose;
mod containers;
pub mod dockerfile;
pub mod expand;
pub mod fence;
pub mod find;
mod mysql_shell;
mod opaque;
mod prerequisite;
mod psql;
mod reach;
mod sqlite_shell;
mod substitute;

use std::path::{Path, PathBuf};

use raingauge_schema::script::Piece;

pub use containers::{Published, published};
pub use expand::{Expansion, Item, expand};
pub use fence::{Fence, Fenced, fence};
pub use find::{Found, Search, Source, find};
pub use prerequisite::only_prepares;

/// A piece of a script and the file that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced {
    /// The file as messages name it.
    pub file: String,
    /// Which of the files that were found it came from, counted from 0; others may include more. Each
    /// of them has a session of its own.
    pub entry: usize,
    pub piece: Piece,
}

impl Sourced {
    /// `db/init.sql:12`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.piece.line)
    }

    /// Its first words, on one line.
    pub fn excerpt(&self) -> String {
        excerpt(&self.piece.sql)
    }
}

/// The first words of a statement, on one line, without the comments before it.
pub fn excerpt(sql: &str) -> String {
    /// Enough to recognise a statement in a line of a report.
    const LENGTH: usize = 60;
    let mut sql = sql.trim();
    while let Some(rest) = sql.strip_prefix("--") {
        sql = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(LENGTH).collect();
    if short.len() < line.len() { format!("{}…", short.trim_end()) } else { short }
}

/// The first words of a PostgreSQL statement up to its first literal, which may be a secret.
pub fn opening(sql: &str) -> String {
    use raingauge_schema::postgres::token::tokens;
    use raingauge_schema::token::TokenKind;
    let tokens = tokens(sql).unwrap_or_default();
    let literal = tokens.iter().find(|it| it.kind == TokenKind::Text);
    excerpt(literal.map_or(Some(sql), |it| sql.get(..it.start)).unwrap_or_default())
}

/// A folder or file of the machine as a container sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub host: PathBuf,
    pub container: PathBuf,
}

/// Where a path inside the container is on the machine: under the longest mount that holds it.
pub fn on_host(mounts: &[Mount], container: &Path) -> Option<PathBuf> {
    let holds = |it: &&Mount| container.starts_with(&it.container);
    let mount = mounts.iter().filter(holds).max_by_key(|it| it.container.components().count())?;
    let inside = container.strip_prefix(&mount.container).ok()?;
    Some(if inside.as_os_str().is_empty() { mount.host.clone() } else { mount.host.join(inside) })
}
