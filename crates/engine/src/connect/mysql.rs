//! A MySQL or MariaDB connection that blocks.
//!
//! `mysql_async` on a runtime of its own, so that callers need not be asynchronous. Everything runs over the
//! text protocol: values arrive as the text that the server prints.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, DriverError, Opts, OptsBuilder, SslOpts, Value};
use raingauge_schema::mysql::catalog::{Flavour, Server};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::confined::{self, Leaving};
use super::dsn::mysql::{MySqlTarget, Pem};
use super::{Access, Identity, SqlError, TextRow, tls};
use crate::{Error, Result};

/// How long to wait for a server that does not answer, unless the address says.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for the goodbye to leave this machine.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Everything that changes how the server prints what it knows. A time is printed in the time zone of the
/// session even in a default, names are quoted as the mode says.
const PINS: [&str; 5] = [
    "set names utf8mb4",
    "set session sql_mode = ''",
    "set session time_zone = '+00:00'",
    "set session sql_quote_show_create = 1",
    "set session lc_messages = 'en_US'",
];

/// Settings that only some versions have.
const PINS_OF_MYSQL: [([u32; 3], &str); 4] = [
    ([8, 0, 0], "set session max_execution_time = 0"),
    // Otherwise sizes and counters are those of a day ago.
    ([8, 0, 3], "set session information_schema_stats_expiry = 0"),
    ([8, 0, 11], "set session show_create_table_verbosity = 0"),
    ([8, 0, 30], "set session show_gipk_in_create_table_and_information_schema = 1"),
];

/// One connection to a MySQL or MariaDB server.
pub struct MySqlSession {
    /// Always there until the session is dropped.
    conn: Option<Conn>,
    runtime: Runtime,
    target: MySqlTarget,
    server: Server,
    version: String,
    /// The databases that no statement may name; nothing if it may name any.
    confined: Option<Vec<String>>,
}

impl fmt::Debug for MySqlSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MySqlSession({})", self.target)
    }
}

impl MySqlSession {
    /// Connects and pins the settings that change what the catalog prints.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses the login; the code says which.
    pub fn open(target: &MySqlTarget, access: Access) -> Result<Self> {
        let mut session = Self::open_plain(target, access)?;
        let server = session.server;
        let of_mysql = PINS_OF_MYSQL.iter().filter(|it| it.0 <= server.version).map(|it| it.1);
        let more: Vec<_> = match server.flavour {
            Flavour::MySql => of_mysql.collect(),
            Flavour::MariaDb => vec!["set session max_statement_time = 0"],
        };
        let pins: Vec<_> = PINS.into_iter().chain(more).collect();
        session.prepare(&pins.join(";\n"))?;
        Ok(session)
    }

    /// Connects with the server's and the account's own settings, as Drizzle's drivers do: for the
    /// user's own scripts.
    ///
    /// # Errors
    /// As [`MySqlSession::open`].
    pub fn open_plain(target: &MySqlTarget, access: Access) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Error::new("connect-failed", "cannot start a runtime").caused_by(it))?;
        let conn = match runtime.block_on(connect(target)) {
            Ok(conn) => conn,
            Err(error) => {
                // A look-up of a name cannot be called off, and nobody is to wait for it.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let mut session = Self {
            conn: Some(conn),
            runtime,
            target: target.clone(),
            server: Server::of(""),
            version: String::new(),
            confined: None,
        };
        let version = session.rows("select version()").map_err(|it| session.unspoken(it))?;
        session.version = version.into_iter().flatten().flatten().next().unwrap_or_default();
        session.server = Server::of(&session.version);
        if access == Access::ReadOnly {
            session.prepare("set session transaction read only")?;
        }
        Ok(session)
    }

    /// Whose server it is, and which version.
    pub fn server(&self) -> Server {
        self.server
    }

    /// Where the session is connected to.
    pub fn target(&self) -> &MySqlTarget {
        &self.target
    }

    /// Whether what is said on this connection is encrypted.
    pub(crate) fn is_encrypted(&mut self) -> bool {
        let cipher = self.rows("show session status like 'Ssl_cipher'").unwrap_or_default();
        let value = cipher.into_iter().next().and_then(|it| it.into_iter().nth(1).flatten());
        value.is_some_and(|it| !it.is_empty())
    }

    /// Who answered.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn identity(&mut self) -> Result<Identity> {
        let sql = "select database(), current_user(), \
                   (select sum(data_length + index_length) from information_schema.tables \
                    where table_schema = database())";
        let rows = self.rows(sql).map_err(|it| self.unspoken(it))?;
        let mut values = rows.into_iter().next().unwrap_or_default().into_iter();
        let mut next = || values.next().flatten().unwrap_or_default();
        let Server { flavour, version: [major, minor, patch] } = self.server;
        let host = match &self.target.socket {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", self.target.host, self.target.port),
        };
        Ok(Identity {
            engine: format!("{} {major}.{minor}.{patch}", flavour.name()),
            major,
            host,
            database: next(),
            role: next(),
            bytes: next().parse().unwrap_or(0),
            local: self.target.is_local(),
        })
    }

    /// Runs statements and returns the rows of all of them as text.
    ///
    /// # Errors
    /// If the server refuses one.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, SqlError> {
        let mut rows = Vec::new();
        self.each_row(sql, |_, row| rows.push(row))?;
        Ok(rows)
    }

    /// Runs statements and hands on each row as it arrives, with the number of its statement, from 0.
    ///
    /// # Errors
    /// If the server refuses one, or sends what is no text; rows before that have been handed on, and
    /// the statements behind it did not run.
    pub fn each_row(
        &mut self,
        sql: &str,
        take: impl FnMut(usize, TextRow),
    ) -> Result<(), SqlError> {
        self.send(sql, take, |bytes| String::from_utf8(bytes).map_err(|_| not_text()))
    }

    /// As [`Self::each_row`], for what the server prints of its catalog: bytes that are no text become
    /// U+FFFD. A binary default of MariaDB is printed as it is.
    ///
    /// # Errors
    /// If the server refuses a statement.
    pub fn each_text(
        &mut self,
        sql: &str,
        take: impl FnMut(usize, TextRow),
    ) -> Result<(), SqlError> {
        self.send(sql, take, |bytes| Ok(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn send(
        &mut self,
        sql: &str,
        mut take: impl FnMut(usize, TextRow),
        text: fn(Vec<u8>) -> Result<String, SqlError>,
    ) -> Result<(), SqlError> {
        let conn = self.conn.as_mut().expect("open until dropped");
        let mut outcome = Ok(());
        let sent = self.runtime.block_on(async {
            let mut result = conn.query_iter(sql).await?;
            for n in 0.. {
                while let Some(row) = result.next().await? {
                    if outcome.is_ok() {
                        outcome = text_row(row.unwrap_raw(), text).map(|row| take(n, row));
                    }
                }
                if result.is_empty() {
                    break;
                }
            }
            // The error of a statement behind the first one counts as no result and is still to be taken.
            result.drop_result().await
        });
        sent.map_err(sql_error)?;
        outcome
    }

    /// Runs statements that return nothing. Each commits by itself unless a transaction is open, and the
    /// definition of anything does in any case.
    ///
    /// # Errors
    /// If the server refuses one; the earlier ones stay in effect.
    pub fn run(&mut self, sql: &str) -> Result<(), SqlError> {
        self.refuse_leaving(sql)?;
        self.each_row(sql, |_, _| {})
    }

    /// From now on [`Self::run`] refuses what would leave the session's database: it shares its server
    /// with one that nobody may touch.
    ///
    /// # Errors
    /// If the server does not say which databases it has, or reads statements in a way that nobody here
    /// does.
    pub(crate) fn confine(&mut self) -> Result<(), SqlError> {
        let mode = self.rows("select 1 where @@sql_mode like '%NO_BACKSLASH_ESCAPES%'")?;
        if !mode.is_empty() {
            return Err(not_sent("the account's sql_mode has NO_BACKSLASH_ESCAPES"));
        }
        let others = self.rows(
            "select schema_name from information_schema.schemata \
             where schema_name <> coalesce(database(), '')",
        )?;
        self.confined = Some(others.into_iter().flatten().flatten().collect());
        Ok(())
    }

    fn refuse_leaving(&self, sql: &str) -> Result<(), SqlError> {
        let Some(others) = &self.confined else { return Ok(()) };
        if let Some(name) = confined::named(sql, others) {
            return Err(not_sent(&format!("it names the database `{name}`")));
        }
        match confined::leaving(sql) {
            None => Ok(()),
            Some(Leaving::Server(why) | Leaving::Beyond(why)) => Err(not_sent(why)),
            Some(_) => Err(not_sent("it leaves its database")),
        }
    }

    /// Makes the session as it was when it was opened plainly: what it has left open or set is gone.
    ///
    /// # Errors
    /// If the connection breaks.
    pub(crate) fn reset(&mut self) -> Result<(), SqlError> {
        let conn = self.conn.as_mut().expect("open until dropped");
        self.runtime.block_on(conn.reset()).map_err(sql_error)?;
        // The server forgets what the connection was opened with, too.
        self.rows("set names utf8mb4").map(drop)
    }

    fn prepare(&mut self, sql: &str) -> Result<()> {
        self.run(sql).map_err(|it| self.unspoken(it))
    }

    fn unspoken(&self, error: SqlError) -> Error {
        let message = format!("{} does not accept the settings of a session", self.target);
        Error::new("connect-failed", message).caused_by(error)
    }
}

impl Drop for MySqlSession {
    /// Says goodbye, so that the server frees the connection now.
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            let _ =
                self.runtime.block_on(async { timeout(CLOSE_TIMEOUT, conn.disconnect()).await });
        }
    }
}

async fn connect(target: &MySqlTarget) -> Result<Conn> {
    let (first, second) = match target.sslmode.as_str() {
        _ if target.is_socket() => (false, None),
        "disable" => (false, None),
        "prefer" => (true, Some(false)),
        _ => (true, None),
    };
    let error = match try_once(target, first).await? {
        Ok(conn) => return Ok(conn),
        Err(error) => error,
    };
    let is_refused = matches!(error, mysql_async::Error::Server(_));
    match second.filter(|_| !is_refused) {
        Some(second) => try_once(target, second).await?.map_err(|it| refusal(target, it)),
        None => Err(refusal(target, error)),
    }
}

/// One attempt, encrypted or not. The outer error is final.
async fn try_once(
    target: &MySqlTarget,
    encrypts: bool,
) -> Result<Result<Conn, mysql_async::Error>> {
    let patience = target.patience.map_or(PATIENCE, Duration::from_millis);
    let options = options(target, encrypts)?;
    timeout(patience, Conn::new(options)).await.map_err(|_| {
        unreachable_at(target)
            .caused_by(format!("it did not answer within {} seconds", patience.as_secs()))
    })
}

fn options(target: &MySqlTarget, encrypts: bool) -> Result<Opts> {
    let mut options = OptsBuilder::default()
        .ip_or_hostname(target.host.clone())
        .tcp_port(target.port)
        .user(Some(target.user.clone()).filter(|it| !it.is_empty()))
        .pass(target.password.clone())
        .db_name(Some(target.database.clone()).filter(|it| !it.is_empty()))
        .prefer_socket(false)
        .stmt_cache_size(0);
    if let Some(socket) = &target.socket {
        let socket = socket.to_str().ok_or_else(|| {
            Error::new("url-invalid", "the path of the socket is not UTF-8; nothing was asked")
        })?;
        options = options.socket(Some(socket));
    }
    if encrypts {
        options = options.ssl_opts(encryption(target));
    }
    Ok(options.into())
}

/// What is checked of the server's certificate, as the modes of `mysql`'s own programs say.
fn encryption(target: &MySqlTarget) -> SslOpts {
    let is_checked = target.sslmode.starts_with("verify-");
    let system = tls::system_bundle().map(|it| Pem::File(it.into()));
    let authority = target.authority.clone().or(system);
    let identity = target.identity.clone();
    SslOpts::default()
        .with_root_certs(authority.into_iter().map(driver_pem).collect())
        .with_disable_built_in_roots(target.authority.is_some())
        .with_danger_accept_invalid_certs(!is_checked)
        .with_danger_skip_domain_validation(target.sslmode != "verify-full")
        .with_client_identity(
            identity.map(|it| ClientIdentity::new(driver_pem(it.0), driver_pem(it.1))),
        )
}

/// The driver has a type of its own for this, and keeps its name to itself.
fn driver_pem<T: From<PathBuf> + From<Vec<u8>>>(pem: Pem) -> T {
    match pem {
        Pem::File(path) => path.into(),
        Pem::Text(text) => text.into_bytes().into(),
    }
}

fn unreachable_at(target: &MySqlTarget) -> Error {
    Error::new("mysql-unreachable", format!("no MySQL or MariaDB server answers at {target}"))
        .next("check that the server runs and that host and port are right, for example with `mysqladmin ping`")
}

/// Why nobody let us in: network, encryption, login or database, each with a code of its own.
fn refusal(target: &MySqlTarget, error: mysql_async::Error) -> Error {
    let mysql_async::Error::Server(said) = &error else {
        let made = if is_tls(&error) { no_tls(target) } else { unreachable_at(target) };
        return made.caused_by(error);
    };
    let made = match said.code {
        // Wrong password, no such account, an account that other means let in.
        1045 | 1698 | 1251 | 1130 | 1524 => {
            Error::new("mysql-login-failed", format!("the server refuses the login to {target}"))
                .next("check user and password in the database URL; special characters are percent-encoded")
        }
        1049 => Error::new(
            "mysql-database-missing",
            format!("the server has no database `{}`", target.database),
        )
        .next("check the name behind the last `/` of the database URL; perhaps another server answers on this port"),
        1044 => Error::new(
            "mysql-database-denied",
            format!("`{}` may not use the database `{}`", target.user, target.database),
        )
        .next("ask an administrator for a grant on it"),
        _ => Error::new("mysql-unreachable", format!("the server at {target} lets nobody in")),
    };
    made.caused_by(error)
}

/// Whether encryption is what failed.
fn is_tls(error: &mysql_async::Error) -> bool {
    match error {
        mysql_async::Error::Io(mysql_async::IoError::Tls(_))
        | mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => true,
        mysql_async::Error::Io(mysql_async::IoError::Io(error)) => {
            error.get_ref().is_some_and(|it| it.is::<rustls::Error>())
        }
        _ => false,
    }
}

fn no_tls(target: &MySqlTarget) -> Error {
    let message = format!("no encrypted connection to {target} with mode `{}`", target.sslmode);
    Error::new("mysql-tls", message)
        .next("`ssl-ca=FILE` names the operator's authority; `ssl-mode=DISABLED` is for a private way to a server without encryption")
}

fn text_row(
    values: Vec<Option<Value>>,
    text: fn(Vec<u8>) -> Result<String, SqlError>,
) -> Result<TextRow, SqlError> {
    let value = |value: Option<Value>| match value {
        None | Some(Value::NULL) => Ok(None),
        Some(Value::Bytes(bytes)) => text(bytes).map(Some),
        Some(other) => Ok(Some(other.as_sql(true))),
    };
    values.into_iter().map(value).collect()
}

fn not_sent(why: &str) -> SqlError {
    SqlError {
        message: format!("not sent, because scratch is on the server that holds live: {why}"),
        state: "0A000".to_owned(),
        position: None,
        detail: Some("a server of its own for scratch takes it: `--scratch URL`".to_owned()),
    }
}

fn not_text() -> SqlError {
    SqlError {
        message: "the server sent a value that is not UTF-8".to_owned(),
        state: "22021".to_owned(),
        position: None,
        detail: None,
    }
}

/// The error; its state is the server's number, which tells more than the SQLSTATE that many share.
fn sql_error(error: mysql_async::Error) -> SqlError {
    match error {
        mysql_async::Error::Server(said) => SqlError {
            message: said.message,
            state: said.code.to_string(),
            position: None,
            detail: None,
        },
        other => SqlError {
            message: super::postgres::cause_chain(&other),
            state: "08006".to_owned(),
            position: None,
            detail: None,
        },
    }
}
