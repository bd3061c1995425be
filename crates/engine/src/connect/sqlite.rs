//! A SQLite connection.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::dsn::SqliteTarget;
use super::{Access, Identity, SqlError, TextRow};
use crate::{Error, Result};

/// How long to wait for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection to a SQLite file.
#[derive(Debug)]
pub struct SqliteSession {
    connection: Connection,
    target: SqliteTarget,
}

impl SqliteSession {
    /// Opens the file. Only [`Access::Create`] makes a missing one.
    ///
    /// # Errors
    /// If there is no such file, or if it is not a SQLite database.
    pub fn open(target: &SqliteTarget, access: Access) -> Result<Self> {
        if access != Access::Create && !target.path.exists() {
            return Err(missing(target));
        }
        let mode = match access {
            Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let connection =
            Connection::open_with_flags(&target.path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(|cause| cannot_open(target, cause))?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|cause| cannot_open(target, cause))?;
        let mut session = Self { connection, target: target.clone() };
        if access == Access::ReadOnly {
            session.run("PRAGMA query_only = ON").map_err(|cause| cannot_open(target, cause))?;
        }
        // The first read is what notices that a file is no database.
        session
            .rows("SELECT count(*) FROM sqlite_schema")
            .map_err(|cause| cannot_open(target, cause))?;
        Ok(session)
    }

    /// Where the file is.
    pub fn target(&self) -> &SqliteTarget {
        &self.target
    }

    /// The driver's connection, for what only the driver can do (online backup, functions, hooks).
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Who answered: the library's version and the file.
    ///
    /// # Errors
    /// If the file cannot be read any more.
    pub fn identity(&mut self) -> Result<Identity> {
        let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let rows = self.rows(size).map_err(|cause| cannot_open(&self.target, cause))?;
        let bytes = rows.first().and_then(|it| it.first()?.as_deref()?.parse().ok()).unwrap_or(0);
        let path = &self.target.path;
        Ok(Identity {
            engine: format!("SQLite {}", rusqlite::version()),
            major: 3,
            host: path.display().to_string(),
            database: file_stem(path),
            role: String::new(),
            bytes,
            local: true,
        })
    }

    /// Runs one query and returns its rows as text; blobs are in hexadecimal.
    ///
    /// # Errors
    /// If SQLite refuses it.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, SqlError> {
        let mut statement = self.connection.prepare(sql)?;
        let n_columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut result = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..n_columns).map(|at| row.get_ref(at).map(text));
            result.push(values.collect::<Result<TextRow, _>>()?);
        }
        Ok(result)
    }

    /// Runs statements that return nothing.
    ///
    /// # Errors
    /// If SQLite refuses one; the earlier ones stay in effect unless a transaction is open.
    pub fn run(&mut self, sql: &str) -> Result<(), SqlError> {
        Ok(self.connection.execute_batch(sql)?)
    }
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(it) => Some(it.to_string()),
        ValueRef::Real(it) => Some(format!("{it:?}")),
        ValueRef::Text(it) => Some(String::from_utf8_lossy(it).into_owned()),
        ValueRef::Blob(it) => Some(raingauge_schema::fingerprint::hex(it)),
    }
}

fn file_stem(path: &Path) -> String {
    path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

fn missing(target: &SqliteTarget) -> Error {
    Error::new("sqlite-missing", format!("there is no database file `{}`", target.path.display()))
        .next("check the path in `drizzle.config.ts`, or name the file with `--url file:PATH`")
}

fn cannot_open(
    target: &SqliteTarget,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::new(
        "sqlite-unreadable",
        format!("cannot open `{}` as a database", target.path.display()),
    )
    .caused_by(cause)
    .next("check that the path names a SQLite file that this user may read")
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        let position = match &error {
            rusqlite::Error::SqlInputError { offset, .. } => {
                usize::try_from(*offset).ok().map(|it| it + 1)
            }
            _ => None,
        };
        let state = error.sqlite_error().map(|it| it.extended_code.to_string()).unwrap_or_default();
        let message = match &error {
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            _ => error.to_string(),
        };
        Self { message, state, position, detail: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(folder: &tempfile::TempDir) -> SqliteTarget {
        SqliteTarget { path: folder.path().join("shop.sqlite") }
    }

    #[test]
    fn a_missing_file_is_an_error_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let error = SqliteSession::open(&target(&folder), Access::ReadWrite).unwrap_err();
        assert_eq!(error.code, "sqlite-missing");
        assert!(!target(&folder).path.exists());
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            target(&folder).path,
            "not a database, but long enough to be read as a page",
        )
        .unwrap();
        let error = SqliteSession::open(&target(&folder), Access::ReadOnly).unwrap_err();
        assert_eq!(error.code, "sqlite-unreadable");
    }

    #[test]
    fn a_read_only_session_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = SqliteSession::open(&target(&folder), Access::Create).unwrap();
        session.run("create table t (a)").unwrap();
        let mut session = SqliteSession::open(&target(&folder), Access::ReadOnly).unwrap();
        assert!(session.run("insert into t values (1)").is_err());
        assert!(session.run("create table u (a)").is_err());
    }

    #[test]
    fn a_syntax_error_has_its_position() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = SqliteSession::open(&target(&folder), Access::Create).unwrap();
        let error = session.rows("select 1 frm t").unwrap_err();
        assert_eq!(error.position, Some(14), "{error:?}");
    }
}
