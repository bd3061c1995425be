//! Where a database is, printed without its password.
//!
//! `text` (URLs, key-value strings) and `credentials` (`dbCredentials`) → `settings` by libpq's names,
//! completed by `surroundings` (variables, service and password files) → [`PgTarget`].

mod credentials;
pub mod mysql;
mod settings;
mod sqlite;
mod surroundings;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use raingauge_schema::Dialect;
use serde_json::Value;

use self::mysql::MySqlTarget;
use self::settings::Settings;
use self::surroundings::Surroundings;
use crate::{Error, Result};

/// The port of a PostgreSQL server that does not name one.
const DEFAULT_PORT: u16 = 5432;

/// What may stand unescaped in a part of a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same for a path, which stays readable.
const ESCAPED_PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// A database address. `Debug` and `Display` never show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Dsn {
    Postgres(PgTarget),
    MySql(Box<MySqlTarget>),
    Sqlite(SqliteTarget),
}

/// Where a PostgreSQL database is.
#[derive(Clone, PartialEq, Eq)]
pub struct PgTarget {
    /// Host name, address, or the folder of a Unix socket (begins with `/`).
    pub host: String,
    pub port: u16,
    /// Whether nobody named the port, so that it was taken to be 5432.
    pub port_assumed: bool,
    /// Empty where the address names none; then it is the account on this machine, as for `psql`.
    pub user: String,
    pub password: Option<String>,
    /// Empty where the address names none; then the server takes the user's name.
    pub database: String,
    /// `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`.
    pub sslmode: String,
    /// Everything else that was said, by libpq's names: `sslrootcert`, `schema`, `pgbouncer` …
    pub parameters: Vec<(String, String)>,
    /// Where to try next if nobody answers: an address may name several servers.
    pub others: Vec<Place>,
    /// What to tell of how the address was read.
    pub remarks: Box<Remarks>,
    /// Certificates that the configuration holds as text, for programs that only read files.
    pub files: Option<PrivateFiles>,
}

/// What to tell of how an address was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Names of parameters that nobody here knows, so that they were not used.
    pub ignored: Vec<String>,
    /// Why a password file was not used, if one was not.
    pub password: Option<String>,
}

/// One of several servers that an address names.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub password: Option<String>,
}

/// A folder that only this account may read; it goes with the last address that names it.
#[derive(Clone, Debug)]
pub struct PrivateFiles(Arc<tempfile::TempDir>);

impl PrivateFiles {
    fn new() -> Result<Self> {
        let made = tempfile::Builder::new().prefix("raingauge-tls-").tempdir();
        made.map(|it| Self(Arc::new(it))).map_err(cannot_keep)
    }

    /// Writes a file that nobody else may read.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.0.path().join(name);
        let mut options = std::fs::File::options();
        let file = options.create(true).truncate(true).write(true).mode(0o600).open(&path);
        let written = file.and_then(|mut it| std::io::Write::write_all(&mut it, text.as_bytes()));
        written.map(|()| path).map_err(cannot_keep)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn cannot_keep(cause: std::io::Error) -> Error {
    Error::new("file-unwritable", "cannot keep the certificates of `dbCredentials` in a file")
        .caused_by(cause)
        .next("make the folder for temporary files writable; nothing was asked")
}

impl PartialEq for PrivateFiles {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path()
    }
}

impl Eq for PrivateFiles {}

/// Where a SQLite database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteTarget {
    pub path: PathBuf,
}

impl Dsn {
    /// The engine that an address names by how it begins; `None` for a path, and for `name=value` pairs.
    pub fn engine_of(text: &str) -> Option<Dialect> {
        match text.trim().split_once(':')?.0 {
            "postgres" | "postgresql" => Some(Dialect::Postgres),
            "mysql" | "mysql2" | "mariadb" => Some(Dialect::MySql),
            "file" | "libsql" => Some(Dialect::Sqlite),
            _ => None,
        }
    }

    /// Reads a URL or, for SQLite, a path.
    ///
    /// # Errors
    /// If the text is not an address of the given engine: `url-invalid`, `url-wrong-engine`,
    /// `url-in-memory`, `url-remote-sqlite`. The text itself is not repeated, since it may hold a
    /// password.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self> {
        Self::parse_in(text, dialect, &BTreeMap::new())
    }

    /// Reads an address as [`Dsn::parse`] does. What it leaves open is taken from where `psql` takes
    /// it: the variables of `env`, the service file and the password file that they name.
    ///
    /// # Errors
    /// As [`Dsn::parse`]; `service-unknown` if a service is named that no file describes.
    pub fn parse_in(text: &str, dialect: Dialect, env: &BTreeMap<String, String>) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(invalid("the database URL is empty"));
        }
        match dialect {
            Dialect::Postgres => complete(text::settings(text)?, env),
            Dialect::MySql => MySqlTarget::parse(text).map(|it| Self::MySql(Box::new(it))),
            Dialect::Sqlite => sqlite::parse(text).map(Self::Sqlite),
        }
    }

    /// The address that the variables alone give: `PGHOST`, `PGSERVICE` and their like. `None` if none
    /// of them says where the database is.
    ///
    /// # Errors
    /// As [`Dsn::parse_in`].
    pub fn from_variables(env: &BTreeMap<String, String>) -> Result<Option<Self>> {
        let names = ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"];
        let is_set = |it: &&str| env.get(*it).is_some_and(|value| !value.is_empty());
        if !names.iter().any(is_set) {
            return Ok(None);
        }
        complete(Settings::default(), env).map(Some)
    }

    /// Reads `dbCredentials` of a Drizzle config: `{ url }` or `{ host, port, user, … }`.
    ///
    /// # Errors
    /// As [`Dsn::parse_in`], and if the object has neither form.
    pub fn from_credentials(
        credentials: &Value,
        dialect: Dialect,
        env: &BTreeMap<String, String>,
    ) -> Result<Self> {
        match (dialect, credentials.get("url").and_then(Value::as_str)) {
            (Dialect::Sqlite, Some(url)) => Self::parse_in(url, dialect, env),
            (Dialect::Sqlite, None) => Err(invalid("`dbCredentials` has no `url`")),
            (Dialect::MySql, _) => {
                MySqlTarget::from_credentials(credentials).map(|it| Self::MySql(Box::new(it)))
            }
            (Dialect::Postgres, _) => complete(credentials::settings(credentials)?, env),
        }
    }

    /// Which engine this is an address of.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::MySql(_) => Dialect::MySql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// The same address; a relative path is relative to `folder`, as for drizzle-kit.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(mut target) => {
                // Its parts anew, so that `./` does not end up in the middle.
                target.path = folder.join(target.path).components().collect();
                Self::Sqlite(target)
            }
            Self::Postgres(_) | Self::MySql(_) => self,
        }
    }

    /// Whether the database is on this machine, as far as the address tells. A tunnel to another
    /// machine looks local.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Postgres(target) => target.is_local(),
            Self::MySql(target) => target.is_local(),
            Self::Sqlite(_) => true,
        }
    }

    /// The name of the database; empty for a file.
    pub(crate) fn database(&self) -> &str {
        match self {
            Self::Postgres(target) => &target.database,
            Self::MySql(target) => &target.database,
            Self::Sqlite(_) => "",
        }
    }

    /// Where databases of the same server are made and dropped.
    #[must_use]
    pub(crate) fn administration(&self) -> Self {
        match self {
            Self::Postgres(target) => Self::Postgres(target.with_database("postgres")),
            Self::MySql(target) => Self::MySql(Box::new(target.with_database(""))),
            Self::Sqlite(_) => self.clone(),
        }
    }

    /// The password, for those who have to keep it out of what they pass on.
    pub fn password(&self) -> Option<&str> {
        match self {
            Self::Postgres(target) => target.password.as_deref(),
            Self::MySql(target) => target.password.as_deref(),
            Self::Sqlite(_) => None,
        }
    }
}

impl PgTarget {
    /// The same server and login with another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// Whether it is reached through a Unix socket.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Whether the address is one of this machine.
    pub fn is_local(&self) -> bool {
        self.is_socket()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback())
    }

    /// One of the servers that an address names.
    #[must_use]
    pub fn at(&self, place: &Place) -> Self {
        Self {
            host: place.host.clone(),
            port: place.port,
            password: place.password.clone(),
            others: Vec::new(),
            ..self.clone()
        }
    }

    /// All servers that the address names, in the order in which they are tried.
    pub fn places(&self) -> Vec<Place> {
        let first =
            Place { host: self.host.clone(), port: self.port, password: self.password.clone() };
        [first].into_iter().chain(self.others.iter().cloned()).collect()
    }

    /// The value of a parameter behind `?`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    /// The whole address with its password, to be handed to another program in its environment.
    /// Never print it.
    pub fn expose(&self) -> String {
        self.url(self.password.as_deref())
    }

    fn url(&self, password: Option<&str>) -> String {
        let escape = |it: &str| utf8_percent_encode(it, ESCAPED).to_string();
        let user = match (self.user.as_str(), password) {
            ("", _) => String::new(),
            (user, Some(password)) => format!("{}:{}@", escape(user), escape(password)),
            (user, None) => format!("{}@", escape(user)),
        };
        let database = escape(&self.database);
        if self.is_socket() {
            let host = utf8_percent_encode(&self.host, ESCAPED_PATH).to_string();
            return format!("postgresql://{user}/{database}?host={host}&port={}", self.port);
        }
        let host = |it: &Place| match it.host.contains(':') {
            true => format!("[{}]:{}", it.host, it.port),
            false => format!("{}:{}", it.host, it.port),
        };
        let hosts: Vec<_> = self.places().iter().map(host).collect();
        format!("postgresql://{user}{}/{database}", hosts.join(","))
    }
}

impl Default for PgTarget {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: DEFAULT_PORT,
            port_assumed: true,
            user: String::new(),
            password: None,
            database: String::new(),
            sslmode: "prefer".to_owned(),
            parameters: Vec::new(),
            others: Vec::new(),
            remarks: Box::default(),
            files: None,
        }
    }
}

impl fmt::Display for PgTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(None))
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
            Self::MySql(target) => target.fmt(f),
            Self::Sqlite(target) => target.fmt(f),
        }
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn complete(mut settings: Settings, env: &BTreeMap<String, String>) -> Result<Dsn> {
    let surroundings = Surroundings::new(env);
    surroundings.complete(&mut settings)?;
    settings.target(&surroundings).map(Dsn::Postgres)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new("url-invalid", message)
        .next("write it as `postgresql://user:password@host:5432/database`, special characters percent-encoded, or as `file:path` for SQLite")
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(|it| it.into_owned())
        .map_err(|_| invalid("a percent-encoded part of the database URL is not UTF-8"))
}

#[cfg(test)]
mod tests;
