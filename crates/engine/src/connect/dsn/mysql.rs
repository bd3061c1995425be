//! Addresses of MySQL and MariaDB: URLs as mysql2, Prisma and the servers' own programs write them.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::{ESCAPED, ESCAPED_PATH, decode};
use crate::{Error, Result};

/// The port of a server that does not name one.
const DEFAULT_PORT: u16 = 3306;

/// What says nothing about how the catalog is read: settings of pools and of how rows become values.
const HARMLESS: [&str; 22] = [
    "bigNumberStrings",
    "charset",
    "connection_limit",
    "connectionLimit",
    "dateStrings",
    "debug",
    "decimalNumbers",
    "enableKeepAlive",
    "flags",
    "idleTimeout",
    "keepAliveInitialDelay",
    "maxIdle",
    "multipleStatements",
    "namedPlaceholders",
    "pool_timeout",
    "queueLimit",
    "rowsAsArray",
    "supportBigNumbers",
    "timezone",
    "trace",
    "typeCast",
    "waitForConnections",
];

/// Where a MySQL or MariaDB database is. `Debug` and `Display` never show a password.
#[derive(Clone, PartialEq, Eq)]
pub struct MySqlTarget {
    pub host: String,
    pub port: u16,
    /// The file of a Unix socket, which goes before host and port.
    pub socket: Option<PathBuf>,
    pub user: String,
    pub password: Option<String>,
    /// Empty where the address names none.
    pub database: String,
    /// `disable`, `prefer`, `require`, `verify-ca` or `verify-full`.
    pub sslmode: String,
    /// The authority that the server's certificate has to be signed by, as PEM.
    pub authority: Option<Pem>,
    /// Our certificate and its key.
    pub identity: Option<(Pem, Pem)>,
    /// How long to wait for the server, in milliseconds; `None` if nobody says.
    pub patience: Option<u64>,
    /// Names of parameters that nobody here knows, so that they were not used.
    pub ignored: Vec<String>,
}

/// A certificate or a key. Neither is ever printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    File(PathBuf),
    Text(String),
}

impl Default for MySqlTarget {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: DEFAULT_PORT,
            socket: None,
            user: String::new(),
            password: None,
            database: String::new(),
            sslmode: "prefer".to_owned(),
            authority: None,
            identity: None,
            patience: None,
            ignored: Vec::new(),
        }
    }
}

impl MySqlTarget {
    /// Reads a URL.
    ///
    /// # Errors
    /// If it is none: `url-invalid`, `url-wrong-engine`. The text is not repeated, since it may hold a
    /// password.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((scheme, rest)) = text.trim().split_once("://") else {
            return Err(invalid("the database URL has no `mysql://` in front"));
        };
        if !matches!(scheme, "mysql" | "mysql2" | "mariadb") {
            let is_word = scheme.chars().all(|it| it.is_ascii_alphanumeric() || it == '+');
            let scheme = if is_word { scheme } else { "…" };
            return Err(Error::new(
                "url-wrong-engine",
                format!("the config says MySQL but the database URL begins with `{scheme}://`"),
            )
            .next("correct `dialect` in drizzle.config, or the URL"));
        }
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        // The last `@` ends the login: passwords with an unescaped `@` or `/` are common.
        let (login, place) = match before.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, before),
        };
        let (place, database) = place.split_once('/').unwrap_or((place, ""));
        let mut target = Self { database: decode(database)?, ..Self::default() };
        if let Some((user, password)) = login.map(|it| it.split_once(':').unwrap_or((it, ""))) {
            target.user = decode(user)?;
            target.password = Some(decode(password)?).filter(|it| !it.is_empty());
        }
        target.set_place(place)?;
        for pair in query.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            target.set(&decode(name)?, &decode(value)?)?;
        }
        Ok(target)
    }

    /// Reads `dbCredentials` of a Drizzle config: `{ url }` or `{ host, port, user, … }`.
    ///
    /// # Errors
    /// As [`Self::parse`], and if the object has neither form.
    pub fn from_credentials(credentials: &Value) -> Result<Self> {
        let text = |name: &str| credentials.get(name).and_then(Value::as_str);
        if let Some(url) = text("url") {
            return Self::parse(url);
        }
        let (Some(host), Some(database)) = (text("host"), text("database")) else {
            return Err(invalid("`dbCredentials` has neither `url` nor `host` and `database`"));
        };
        let mut target = Self {
            host: host.to_owned(),
            database: database.to_owned(),
            user: text("user").unwrap_or_default().to_owned(),
            password: text("password").map(str::to_owned),
            socket: text("socketPath").map(PathBuf::from),
            ..Self::default()
        };
        match credentials.get("port") {
            None | Some(Value::Null) => {}
            Some(Value::Number(port)) => target.set_port(&port.to_string())?,
            Some(port) => target.set_port(port.as_str().unwrap_or_default())?,
        }
        if let Some(ssl) = credentials.get("ssl") {
            target.set_ssl(ssl)?;
        }
        Ok(target)
    }

    /// The same server and login with another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// Whether it is reached through a Unix socket.
    pub fn is_socket(&self) -> bool {
        self.socket.is_some()
    }

    /// Whether the address is one of this machine. A tunnel to another machine looks local.
    pub fn is_local(&self) -> bool {
        self.is_socket()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback())
    }

    fn set_place(&mut self, place: &str) -> Result<()> {
        let (host, port) = match place.strip_prefix('[').and_then(|it| it.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':').unwrap_or_default()),
            None => place.rsplit_once(':').unwrap_or((place, "")),
        };
        let host = decode(host)?;
        if !host.is_empty() {
            self.host = host;
        }
        if port.is_empty() { Ok(()) } else { self.set_port(port) }
    }

    fn set_port(&mut self, port: &str) -> Result<()> {
        self.port = port.parse().ok().filter(|it| 0 < *it).ok_or_else(|| {
            invalid("the port of the database URL is no number between 1 and 65535")
        })?;
        Ok(())
    }

    /// One parameter behind `?`.
    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "socketPath" | "socket" | "unix_socket" => self.socket = Some(PathBuf::from(value)),
            "ssl" => {
                let json = serde_json::from_str(value);
                self.set_ssl(&json.unwrap_or_else(|_| Value::String(value.to_owned())))?;
            }
            "ssl-mode" | "ssl_mode" | "sslmode" | "sslMode" => self.set_mode(value)?,
            "sslaccept" if value == "strict" => self.set_mode("verify-full")?,
            "sslaccept" => self.set_mode("require")?,
            "ssl-ca" | "sslca" | "sslcert" | "sslrootcert" => {
                self.authority = Some(Pem::File(PathBuf::from(value)));
            }
            "connectTimeout" => self.patience = value.parse().ok(),
            "connect_timeout" => {
                self.patience = value.parse().ok().map(|it: u64| it.saturating_mul(1000));
            }
            other if HARMLESS.contains(&other) => {}
            other => self.ignored.push(other.to_owned()),
        }
        Ok(())
    }

    /// By the names of `mysql`'s own programs, or of libpq.
    fn set_mode(&mut self, mode: &str) -> Result<()> {
        let mode = match mode.to_lowercase().replace('_', "-").as_str() {
            "disabled" | "disable" => "disable",
            "preferred" | "prefer" => "prefer",
            "required" | "require" => "require",
            "verify-ca" => "verify-ca",
            "verify-identity" | "verify-full" => "verify-full",
            _ => {
                return Err(invalid(
                    "the database URL names a mode of encryption that is not known",
                )
                .next("one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY"));
            }
        };
        mode.clone_into(&mut self.sslmode);
        Ok(())
    }

    /// mysql2's `ssl`: a profile's name, `true`, or an object. It verifies unless told not to.
    fn set_ssl(&mut self, ssl: &Value) -> Result<()> {
        let mode = match ssl {
            Value::Null | Value::Bool(false) => "disable",
            Value::String(it) if it == "false" => "disable",
            Value::Object(it) if it.get("rejectUnauthorized") == Some(&Value::Bool(false)) => {
                "require"
            }
            _ => "verify-full",
        };
        self.set_mode(mode)?;
        let text = |name: &str| match ssl.get(name)? {
            Value::Array(several) => {
                Some(several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
            }
            one => one.as_str().map(str::to_owned),
        };
        self.authority = text("ca").map(Pem::Text).or(self.authority.take());
        if let Some((certificate, key)) = text("cert").zip(text("key")) {
            self.identity = Some((Pem::Text(certificate), Pem::Text(key)));
        }
        Ok(())
    }
}

impl fmt::Display for MySqlTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escape = |it: &str| utf8_percent_encode(it, ESCAPED).to_string();
        let user = match self.user.as_str() {
            "" => String::new(),
            user => format!("{}@", escape(user)),
        };
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        write!(f, "mysql://{user}{host}:{}/{}", self.port, escape(&self.database))?;
        match &self.socket {
            Some(socket) => {
                let socket = socket.to_string_lossy();
                write!(f, "?socketPath={}", utf8_percent_encode(&socket, ESCAPED_PATH))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for MySqlTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn invalid(message: &str) -> Error {
    Error::new("url-invalid", message).next(
        "write it as `mysql://user:password@host:3306/database`, special characters percent-encoded",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn parse(text: &str) -> MySqlTarget {
        MySqlTarget::parse(text).unwrap()
    }

    #[test]
    fn a_url_is_read_and_printed_without_its_password() {
        let target =
            parse("mysql://app:p%40ss%2Fw@rd@db.example.com:3307/my%20shop?charset=utf8mb4");
        assert_eq!(target.password.as_deref(), Some("p@ss/w@rd"));
        assert_eq!((target.port, target.database.as_str()), (3307, "my shop"));
        let shown = "mysql://app@db.example.com:3307/my%20shop";
        assert_eq!(format!("{target} {target:?}"), format!("{shown} {shown}"));
        assert_eq!(target.ignored, Vec::<String>::new());
    }

    #[test]
    fn what_is_not_said_is_assumed() {
        let target = parse("mysql://localhost/app");
        assert_eq!((target.port, target.sslmode.as_str()), (3306, "prefer"));
        assert_eq!((target.user.as_str(), target.password), ("", None));
        let target = parse("mariadb://u@[::1]/app?frobnicate=1");
        assert_eq!((target.host.as_str(), target.ignored), ("::1", vec!["frobnicate".to_owned()]));
    }

    #[test]
    fn encryption_is_as_strict_as_whoever_wrote_the_url_meant() {
        for (query, mode) in [
            ("ssl-mode=REQUIRED", "require"),
            ("sslmode=verify-full", "verify-full"),
            ("ssl_mode=VERIFY_IDENTITY", "verify-full"),
            ("sslaccept=strict", "verify-full"),
            ("sslaccept=accept_invalid_certs", "require"),
            ("ssl=true", "verify-full"),
            ("ssl={%22rejectUnauthorized%22:true}", "verify-full"),
            ("ssl={\"rejectUnauthorized\":false}", "require"),
            ("ssl=false", "disable"),
            ("ssl=Amazon%20RDS", "verify-full"),
        ] {
            assert_eq!(parse(&format!("mysql://u@h/d?{query}")).sslmode, mode, "{query}");
        }
        let error = MySqlTarget::parse("mysql://u:geheim@h/d?sslmode=maybe").unwrap_err();
        assert_eq!(error.code, "url-invalid");
    }

    #[test]
    fn a_refusal_does_not_repeat_the_url() {
        for text in ["postgres://u:geheim@h/d", "u:geheim@h/d", "mysql://u:geheim@h:99999/d"] {
            let error = MySqlTarget::parse(text).unwrap_err();
            assert!(!format!("{error:?}{:?}", error.next).contains("geheim"), "{text}");
        }
    }

    #[test]
    fn credentials_of_a_config_are_read() {
        let target = MySqlTarget::from_credentials(&json!({
            "host": "h", "port": "3310", "user": "u", "password": "p", "database": "d",
            "ssl": { "rejectUnauthorized": true, "ca": ["A", "B"] },
        }));
        let target = target.unwrap();
        assert_eq!((target.port, target.sslmode.as_str()), (3310, "verify-full"));
        assert!(target.authority == Some(Pem::Text("A\nB".to_owned())));
        assert_eq!(
            MySqlTarget::from_credentials(&json!({ "host": "h" })).unwrap_err().code,
            "url-invalid"
        );
    }

    #[test]
    fn a_socket_is_local_and_shown() {
        let target = parse("mysql://root@localhost/app?socketPath=/run/mysqld/mysqld.sock");
        assert!(target.is_socket() && target.is_local());
        assert_eq!(
            target.to_string(),
            "mysql://root@localhost:3306/app?socketPath=/run/mysqld/mysqld.sock"
        );
        assert!(!parse("mysql://root@db/app").is_local());
    }
}
