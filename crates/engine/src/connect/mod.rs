//! Sessions: one open connection to one database, whichever engine.
//!
//! [`dsn`] says where a database is and prints itself redacted; `postgres` and `sqlite` open it: an
//! `attempt` at each server that is named, by way of `tls`, with a `refusal` that says what failed;
//! then [`pooler`] tells what stands in between. All calls block; what is asynchronous below stays
//! below.

mod attempt;
pub(crate) mod confined;
pub mod dsn;
pub mod mysql;
pub mod pooler;
pub mod postgres;
mod refusal;
pub mod sqlite;
pub(crate) mod tls;

use raingauge_schema::Dialect;

pub use dsn::Dsn;
pub use mysql::MySqlSession;
pub use postgres::PgSession;
pub use sqlite::SqliteSession;

use crate::{Error, Result};

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The engine itself refuses every write.
    ReadOnly,
    ReadWrite,
    /// As `ReadWrite`; a missing SQLite file is made.
    Create,
}

/// Who answered: shown before any write, so that a wrong server is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `PostgreSQL 15.18`.
    pub engine: String,
    /// Major version as the engine counts: `15` for PostgreSQL, `3` for SQLite.
    pub major: u32,
    /// Host and port, socket folder, or file path. Never a password.
    pub host: String,
    pub database: String,
    /// The role that is connected; empty for SQLite.
    pub role: String,
    /// Size on disk in bytes.
    pub bytes: u64,
    /// Whether the server runs on this machine, as far as its address tells.
    pub local: bool,
}

impl Identity {
    /// The identity of a file is its name: SQLite itself does not know it.
    #[must_use]
    pub(crate) fn of(mut self, dsn: &Dsn) -> Self {
        if let Dsn::Sqlite(target) = dsn {
            let name = target.path.file_stem().unwrap_or_default();
            self.host = target.path.display().to_string();
            self.database = name.to_string_lossy().into_owned();
        }
        self
    }
}

/// The refusal of what does not hold for MySQL yet.
pub(crate) fn offline_only() -> Error {
    let message = "this command does not hold for MySQL and MariaDB yet; nothing was connected to, and nothing was changed";
    Error::new("dialect-offline", message)
        .next("raingauge analyze: what is in the database, and what the project says")
        .next("raingauge validate --offline: what is wrong with the migrations and their snapshots")
        .next("raingauge generate: the next migration, as drizzle-kit writes it")
        .next("raingauge migrate: runs what is pending")
}

/// One row of text values as the engine prints them; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// Why the engine refused a statement.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// The engine's own sentence.
    pub message: String,
    /// SQLSTATE for PostgreSQL, the extended result code for SQLite.
    pub state: String,
    /// Character position of the error inside the statement, counted from 1.
    pub position: Option<usize>,
    /// The engine's detail and hint, if it gave any.
    pub detail: Option<String>,
}

impl SqlError {
    /// The engine's sentence with its code, where it has given one.
    pub fn told(&self) -> String {
        const SQLSTATE: usize = 5;
        let Self { message, state, .. } = self;
        match state.len() {
            0 => message.clone(),
            SQLSTATE => format!("{message} (SQLSTATE {state})"),
            _ => format!("{message} (error {state})"),
        }
    }
}

/// One open connection.
#[derive(Debug)]
pub enum Session {
    Postgres(PgSession),
    MySql(MySqlSession),
    Sqlite(SqliteSession),
}

impl Session {
    /// Opens the database that `dsn` names.
    ///
    /// # Errors
    /// If the server or file cannot be reached or opened; the code says which of name, network, login
    /// or database failed.
    pub fn open(dsn: &Dsn, access: Access) -> Result<Self> {
        Ok(match dsn {
            Dsn::Postgres(target) => Self::Postgres(PgSession::open(target, access)?),
            Dsn::MySql(target) => Self::MySql(MySqlSession::open(target, access)?),
            Dsn::Sqlite(target) => Self::Sqlite(SqliteSession::open(target, access)?),
        })
    }

    /// Opens the database with the settings that its own programs get, for the user's scripts.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_plain(dsn: &Dsn, access: Access) -> Result<Self> {
        Ok(match dsn {
            Dsn::Postgres(target) => Self::Postgres(PgSession::open_plain(target, access)?),
            Dsn::MySql(target) => Self::MySql(MySqlSession::open_plain(target, access)?),
            Dsn::Sqlite(target) => Self::Sqlite(SqliteSession::open(target, access)?),
        })
    }

    /// Refuses what needs a session of its own: locks, dumps, exported snapshots.
    ///
    /// # Errors
    /// A refusal `pooler` that names the address that would work.
    pub fn refuse_shared(&self) -> Result<()> {
        match self {
            Self::Postgres(session) => session.refuse_shared(),
            Self::MySql(_) | Self::Sqlite(_) => Ok(()),
        }
    }

    /// Which engine this is.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::MySql(_) => Dialect::MySql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Who answered.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn identity(&mut self) -> Result<Identity> {
        match self {
            Self::Postgres(session) => session.identity(),
            Self::MySql(session) => session.identity(),
            Self::Sqlite(session) => session.identity(),
        }
    }

    /// Runs one query and returns its rows as text.
    ///
    /// # Errors
    /// If the engine refuses it.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, SqlError> {
        match self {
            Self::Postgres(session) => session.rows(sql),
            Self::MySql(session) => session.rows(sql),
            Self::Sqlite(session) => session.rows(sql),
        }
    }

    /// Runs statements that return nothing.
    ///
    /// # Errors
    /// If the engine refuses one; the earlier ones stay in effect unless a transaction is open.
    pub fn run(&mut self, sql: &str) -> Result<(), SqlError> {
        match self {
            Self::Postgres(session) => session.run(sql),
            Self::MySql(session) => session.run(sql),
            Self::Sqlite(session) => session.run(sql),
        }
    }
}
