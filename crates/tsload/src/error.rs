//! Why a configuration or a schema could not be read, and where in the TypeScript it happened.

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use crate::redaction::redact;

/// A position in a file of the project, with the lines around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Relative to the project where it lies below it.
    pub path: PathBuf,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// The line and its neighbours with a marker below the column; passwords are masked.
    pub frame: String,
}

impl Place {
    pub(crate) fn new(path: &Path, source: &str, line: u32, column: u32) -> Self {
        Self { path: path.to_owned(), line, column, frame: code_frame(source, line, column) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// How much of a line is shown before and after the column.
const FRAME_REACH: usize = 100;

/// Two lines before, the line itself, a marker, and one line after.
fn code_frame(source: &str, line: u32, column: u32) -> String {
    let width = (line + 1).to_string().len();
    let mut frame = String::new();
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    // Of what a tool has put into one line, only the part around the column.
    let start = column.saturating_sub(FRAME_REACH);
    for (number, text) in (1u32..).zip(redact(source).lines()) {
        if number + 2 < line || line + 1 < number {
            continue;
        }
        let mark = if number == line { '>' } else { ' ' };
        let text: String = text.chars().skip(start).take(2 * FRAME_REACH).collect();
        let text = text.replace('\t', " ");
        let _ = writeln!(frame, "{mark} {number:>width$} | {text}");
        if number == line {
            let indent = column - start;
            let _ = writeln!(frame, "  {:>width$} | {:indent$}^", "", "");
        }
    }
    frame
}

/// Why a configuration or a schema could not be read. Nothing was written or connected to.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("no Drizzle configuration in `{}`", root.display())]
    ConfigMissing { root: PathBuf },
    #[error("`{}` is not a valid Drizzle configuration: {message}", path.display())]
    ConfigInvalid { path: PathBuf, message: String },
    #[error("syntax error at `{place}`: {message}")]
    Syntax { place: Place, message: String },
    #[error("{message}{}", at(place.as_ref()))]
    Failed { place: Option<Place>, message: String },
    #[error("{message}{}", at(place.as_ref()))]
    Refused { place: Option<Place>, message: String },
    #[error("Drizzle cannot use this schema: {message}")]
    Rejected { message: String },
    #[error("`drizzle-orm` is not installed: it is found neither in `{}` nor above it", root.display())]
    OrmMissing { root: PathBuf },
    #[error("`{specifier}` cannot be imported{}: {message}", at(place.as_ref()))]
    ImportMissing { specifier: String, place: Option<Place>, message: String },
    #[error("reading the TypeScript files was stopped: {message}{}", at(place.as_ref()))]
    Limit { place: Option<Place>, message: String },
    #[error("`{program}` cannot be started: {message}; nothing was evaluated")]
    RuntimeMissing { program: &'static str, message: String },
    #[error("`{}` lies outside of the project `{}` and is not read", path.display(), top.display())]
    Outside { path: PathBuf, top: PathBuf },
    #[error("`{}` is named by `schema` and is no code", path.display())]
    NotCode { path: PathBuf },
    #[error("the dialect `{dialect}` is not supported yet")]
    DialectUnsupported { dialect: String },
    #[error("`{}` cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

fn at(place: Option<&Place>) -> String {
    place.map(|it| format!(" (at `{it}`)")).unwrap_or_default()
}

impl LoadError {
    /// Stable name, for scripts and the manual.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ConfigMissing { .. } => "config-missing",
            Self::ConfigInvalid { .. } => "config-invalid",
            Self::Syntax { .. } => "schema-syntax",
            Self::Failed { .. } => "schema-failed",
            Self::Refused { .. } => "sandbox-refused",
            Self::Rejected { .. } => "schema-rejected",
            Self::OrmMissing { .. } => "drizzle-orm-missing",
            Self::ImportMissing { .. } => "import-missing",
            Self::Limit { .. } => "sandbox-limit",
            Self::RuntimeMissing { .. } => "runtime-missing",
            Self::NotCode { .. } => "schema-not-code",
            Self::Outside { .. } => "file-outside",
            Self::DialectUnsupported { .. } => "dialect-unsupported",
            Self::Unreadable { .. } => "file-unreadable",
        }
    }

    /// Where in the project's files it happened, if that is known.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Syntax { place, .. } => Some(place),
            Self::Failed { place, .. }
            | Self::Refused { place, .. }
            | Self::ImportMissing { place, .. }
            | Self::Limit { place, .. } => place.as_ref(),
            Self::ConfigMissing { .. }
            | Self::ConfigInvalid { .. }
            | Self::Rejected { .. }
            | Self::OrmMissing { .. }
            | Self::RuntimeMissing { .. }
            | Self::NotCode { .. }
            | Self::Outside { .. }
            | Self::DialectUnsupported { .. }
            | Self::Unreadable { .. } => None,
        }
    }

    /// What is safe to try next.
    pub fn next(&self) -> &'static str {
        match self {
            Self::ConfigMissing { .. } => {
                "run it in the folder of `drizzle.config.ts`, or name the file with `--config`"
            }
            Self::ConfigInvalid { .. } => "correct the configuration file",
            Self::Syntax { .. } => "correct the file",
            Self::Failed { .. } => {
                "make the file load without a database, a network and other processes"
            }
            Self::Refused { .. } => {
                "the files are read without network, processes and writing; `--runtime node` runs them with your own Node.js, which has no such bounds, and `--runtime auto` with the first of Node.js, tsx and bun that can"
            }
            Self::Rejected { .. } => {
                "correct the schema; `drizzle-kit generate` refuses it as well"
            }
            Self::OrmMissing { .. } => "npm install",
            Self::ImportMissing { .. } => "correct the import, or run `npm install`",
            Self::RuntimeMissing { .. } => {
                "install it, put it on your `PATH`, or choose another one with `--runtime`"
            }
            Self::Limit { .. } => "look for an endless loop in the schema files",
            Self::Outside { .. } => {
                "run it in the folder that holds the file, or declare `workspaces` in the `package.json` above both"
            }
            Self::NotCode { .. } => {
                "let `schema` name code only, such as `./schema/*.ts`; drizzle-kit 0.x fails here as well"
            }
            Self::DialectUnsupported { .. } => "use a PostgreSQL, SQLite or MySQL project",
            Self::Unreadable { .. } => "check that the file exists and may be read",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_frame_of_a_long_line_shows_the_part_around_the_column() {
        let place = Place::new("a.js".as_ref(), &"ab".repeat(100_000), 1, 150_001);
        let lines: Vec<_> = place.frame.lines().collect();
        assert_eq!((lines[0].len(), lines[1].len()), (206, 107));
    }

    #[test]
    fn a_frame_points_at_the_column() {
        let place = Place::new("a.ts".as_ref(), "one\ntwo\nthree\nfour\nfive\n", 3, 2);
        assert_eq!(place.frame, "  1 | one\n  2 | two\n> 3 | three\n    |  ^\n  4 | four\n");
    }
}
