//! Where a database is, printed without its password.
//!
//! Takes the URLs that drizzle-orm's drivers take, and the objects that `dbCredentials` may hold.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use raingauge_schema::Dialect;
use serde_json::Value;

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
    /// Everything else that stood behind `?`, in its order: `sslrootcert`, `schema`, `pgbouncer` …
    pub parameters: Vec<(String, String)>,
}

/// Where a SQLite database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteTarget {
    pub path: PathBuf,
}

impl Dsn {
    /// Reads a URL or, for SQLite, a path.
    ///
    /// # Errors
    /// If the text is not an address of the given engine: `url-invalid`, `url-wrong-engine`,
    /// `url-in-memory`, `url-remote-sqlite`. The text itself is not repeated, since it may hold a
    /// password.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(invalid("the database URL is empty"));
        }
        match dialect {
            Dialect::Postgres => parse_postgres(text).map(Self::Postgres),
            Dialect::Sqlite => parse_sqlite(text).map(Self::Sqlite),
        }
    }

    /// Reads `dbCredentials` of a Drizzle config: `{ url }` or `{ host, port, user, … }`.
    ///
    /// # Errors
    /// As [`Dsn::parse`], and if the object has neither form.
    pub fn from_credentials(credentials: &Value, dialect: Dialect) -> Result<Self> {
        if let Some(url) = credentials.get("url").and_then(Value::as_str) {
            return Self::parse(url, dialect);
        }
        match dialect {
            Dialect::Postgres => postgres_credentials(credentials).map(Self::Postgres),
            Dialect::Sqlite => Err(invalid("`dbCredentials` has no `url`")),
        }
    }

    /// Which engine this is an address of.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Whether the database is on this machine, as far as the address tells. A tunnel to another
    /// machine looks local.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Postgres(target) => target.is_local(),
            Self::Sqlite(_) => true,
        }
    }

    /// The password, for those who have to keep it out of what they pass on.
    pub fn password(&self) -> Option<&str> {
        match self {
            Self::Postgres(target) => target.password.as_deref(),
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
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("postgresql://{user}{host}:{}/{database}", self.port)
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
            Self::Sqlite(target) => target.fmt(f),
        }
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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

fn parse_postgres(text: &str) -> Result<PgTarget> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    match scheme {
        "postgres" | "postgresql" => {}
        "" => return Err(invalid("the database URL has no `postgresql://` in front")),
        other if other.chars().all(|it| it.is_ascii_alphanumeric() || it == '+') => {
            return Err(Error::new(
                "url-wrong-engine",
                format!("the config says PostgreSQL but the database URL begins with `{other}://`"),
            )
            .next("correct `dialect` in drizzle.config, or the URL"));
        }
        _ => return Err(invalid("the database URL has no `postgresql://` in front")),
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = before.split_once('/').unwrap_or((before, ""));
    let mut target = PgTarget { database: decode(database)?, ..PgTarget::default() };
    // The last `@` ends the login: passwords with an unescaped `@` are common and unambiguous.
    let place = match authority.rsplit_once('@') {
        Some((login, place)) => {
            set_login(&mut target, login)?;
            place
        }
        None => authority,
    };
    set_place(&mut target, place)?;
    for pair in query.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        set_parameter(&mut target, &decode(name)?, decode(value)?)?;
    }
    Ok(target)
}

fn set_login(target: &mut PgTarget, login: &str) -> Result<()> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    target.user = decode(user)?;
    target.password = password.map(decode).transpose()?;
    Ok(())
}

fn set_place(target: &mut PgTarget, place: &str) -> Result<()> {
    if place.contains(',') {
        return Err(invalid("the database URL names several hosts")
            .next("name the one server that accepts writes"));
    }
    let (host, port) = match place.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    if !host.is_empty() {
        target.host = decode(host)?;
    }
    match port {
        Some(port) if !port.is_empty() => set_port(target, port),
        _ => Ok(()),
    }
}

fn set_port(target: &mut PgTarget, port: &str) -> Result<()> {
    // The text is not repeated: an unescaped password may have ended up here.
    target.port =
        port.parse().ok().filter(|it| *it != 0).ok_or_else(|| {
            invalid("the port in the database URL is not a number from 1 to 65535")
        })?;
    target.port_assumed = false;
    Ok(())
}

fn set_parameter(target: &mut PgTarget, name: &str, value: String) -> Result<()> {
    match name {
        "host" if !value.is_empty() => target.host = value,
        "port" if !value.is_empty() => return set_port(target, &value),
        "user" => target.user = value,
        "password" => target.password = Some(value),
        "dbname" => target.database = value,
        "sslmode" => target.sslmode = sslmode(&value)?,
        // node-postgres reads `ssl=true` as "verify", see pg-connection-string.
        "ssl" => target.sslmode = ssl_flag(value == "true" || value == "1"),
        _ => target.parameters.push((name.to_owned(), value)),
    }
    Ok(())
}

fn ssl_flag(on: bool) -> String {
    if on { "verify-full" } else { "disable" }.to_owned()
}

fn sslmode(value: &str) -> Result<String> {
    match value {
        "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full" => {
            Ok(value.to_owned())
        }
        // The word of node-postgres for an encrypted but unverified connection.
        "no-verify" => Ok("require".to_owned()),
        _ => Err(invalid(
            "`sslmode` is not one of disable, allow, prefer, require, verify-ca, verify-full, no-verify",
        )),
    }
}

fn postgres_credentials(credentials: &Value) -> Result<PgTarget> {
    let text = |name: &str| credentials.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut target = PgTarget {
        host: text("host")
            .ok_or_else(|| invalid("`dbCredentials` has neither `url` nor `host`"))?,
        user: text("user").unwrap_or_default(),
        password: text("password"),
        database: text("database")
            .ok_or_else(|| invalid("`dbCredentials` has neither `url` nor `database`"))?,
        ..PgTarget::default()
    };
    match credentials.get("port") {
        Some(Value::Number(port)) => set_port(&mut target, &port.to_string())?,
        Some(Value::String(port)) => set_port(&mut target, port)?,
        _ => {}
    }
    match credentials.get("ssl") {
        Some(Value::Bool(on)) => target.sslmode = ssl_flag(*on),
        Some(Value::String(mode)) => target.sslmode = sslmode(mode)?,
        Some(Value::Object(options)) => {
            let verify = options.get("rejectUnauthorized").and_then(Value::as_bool) != Some(false);
            target.sslmode = if verify { "verify-full" } else { "require" }.to_owned();
            if let Some(pem) = options.get("ca").and_then(Value::as_str) {
                target.parameters.push(("sslrootcert-pem".to_owned(), pem.to_owned()));
            }
        }
        _ => {}
    }
    Ok(target)
}

fn parse_sqlite(text: &str) -> Result<SqliteTarget> {
    let (path, is_url) = match text.split_once(':') {
        Some(("file", rest)) => (sqlite_url_path(rest)?, true),
        Some(("sqlite" | "sqlite3", rest)) => (sqlite_url_path(rest)?, true),
        Some(("libsql" | "http" | "https" | "ws" | "wss", _)) => {
            return Err(Error::new(
                "url-remote-sqlite",
                "the database URL names a remote SQLite server, which raingauge cannot read yet",
            )
            .next("name the database's file with `--url file:path`"));
        }
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(Error::new(
                "url-wrong-engine",
                format!("the config says SQLite but the database URL begins with `{scheme}://`"),
            )
            .next("correct `dialect` in drizzle.config, or the URL"));
        }
        _ => (text.to_owned(), false),
    };
    let bare = if is_url { path.split('?').next().unwrap_or_default() } else { path.as_str() };
    if bare.is_empty() || bare == ":memory:" || path.contains("mode=memory") {
        return Err(Error::new(
            "url-in-memory",
            "the database URL names a database in memory, which nobody else can see",
        )
        .next("name the database's file with `--url file:path`"));
    }
    let path = if is_url { decode(bare)? } else { bare.to_owned() };
    Ok(SqliteTarget { path: PathBuf::from(path) })
}

/// The path behind `file:` or `sqlite:`: `a.db`, `/a.db`, `//localhost/a.db`, `///a.db`, `//a.db`.
fn sqlite_url_path(rest: &str) -> Result<String> {
    let Some(after) = rest.strip_prefix("//") else { return Ok(rest.to_owned()) };
    match after.split_once('/') {
        Some(("" | "localhost", path)) => Ok(format!("/{path}")),
        // `sqlite://./a.db` and `file://a.db` are common although no standard has them.
        Some((first, _)) if !first.starts_with('.') => {
            Err(invalid(format!("the database URL names the host `{first}`, but SQLite is a file")))
        }
        _ => Ok(after.to_owned()),
    }
}

#[cfg(test)]
mod tests;
