//! Where a database is, printed without its password.

use std::fmt;
use std::path::PathBuf;

/// A database address. `Debug` and `Display` never show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Dsn {
    Postgres(PgTarget),
    Sqlite(SqliteTarget),
}

/// Where a PostgreSQL database is.
#[derive(Clone, PartialEq, Eq)]
pub struct PgTarget {
    /// Host name, address, or the folder of a Unix socket (begins with `/`).
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
    /// `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`.
    pub sslmode: String,
}

/// Where a SQLite database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteTarget {
    pub path: PathBuf,
}

impl fmt::Display for PgTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgresql://{}@{}:{}/{}", self.user, self.host, self.port, self.database)
    }
}

impl fmt::Debug for PgTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SqliteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file:{}", self.path.display())
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(target) => target.fmt(f),
            Self::Sqlite(target) => target.fmt(f),
        }
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
