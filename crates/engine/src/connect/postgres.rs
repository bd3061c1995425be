//! A PostgreSQL connection that blocks.
//!
//! tokio-postgres on a runtime of its own, so that callers need not be asynchronous. Everything runs
//! over the simple protocol: values arrive as the text that the server prints.

use std::error::Error as StdError;
use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::net::lookup_host;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::dsn::PgTarget;
use super::tls;
use super::{Access, Identity, SqlError, TextRow};
use crate::{Error, Result};

/// How long to wait for a server that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait for the goodbye to leave this machine.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Everything that changes how the server prints what it knows. Schemas are then always written out,
/// because nothing but `pg_catalog` is on the search path.
const PINS: [(&str, &str); 12] = [
    ("search_path", "''"),
    ("client_encoding", "'UTF8'"),
    ("datestyle", "'ISO, YMD'"),
    ("intervalstyle", "'postgres'"),
    ("timezone", "'UTC'"),
    ("extra_float_digits", "3"),
    ("bytea_output", "'hex'"),
    ("standard_conforming_strings", "on"),
    ("quote_all_identifiers", "off"),
    ("lc_monetary", "'C'"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// Statements that pin these settings: `set` for the session, `set local` for the transaction.
pub(crate) fn pins(set: &str) -> String {
    PINS.iter().map(|(name, value)| format!("{set} {name} = {value};\n")).collect()
}

/// One connection to a PostgreSQL server.
#[derive(Debug)]
pub struct PgSession {
    /// Always there until the session is dropped.
    client: Option<Client>,
    /// Moves bytes while the runtime runs; ends when the client is gone.
    connection: Option<JoinHandle<()>>,
    runtime: Box<Runtime>,
    target: Box<PgTarget>,
}

impl PgSession {
    /// Connects and pins the settings that change what the catalog prints.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses the login; the code says which.
    pub fn open(target: &PgTarget, access: Access) -> Result<Self> {
        let mut session = Self::open_plain(target, access)?;
        session.prepare(&pins("set"))?;
        Ok(session)
    }

    /// Connects with the server's and the role's own settings, as Drizzle's drivers do: for the
    /// user's own scripts.
    ///
    /// # Errors
    /// As [`PgSession::open`].
    pub fn open_plain(target: &PgTarget, access: Access) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Error::new("connect-failed", "cannot start a runtime").caused_by(it))?;
        let (client, connection) = runtime.block_on(connect(target))?;
        let mut session = Self {
            client: Some(client),
            connection: Some(connection),
            runtime: Box::new(runtime),
            target: Box::new(target.clone()),
        };
        if access == Access::ReadOnly {
            session.prepare("set default_transaction_read_only = on")?;
        }
        Ok(session)
    }

    /// Where the session is connected to.
    pub fn target(&self) -> &PgTarget {
        &self.target
    }

    /// Who answered.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn identity(&mut self) -> Result<Identity> {
        let sql = "select pg_catalog.version(), pg_catalog.current_setting('server_version_num'), \
                   pg_catalog.current_database(), current_user, \
                   pg_catalog.pg_database_size(pg_catalog.current_database())";
        let rows = self.rows(sql).map_err(|it| {
            Error::new("connect-failed", format!("{} does not say who it is", self.target))
                .caused_by(it)
        })?;
        let mut values = rows.into_iter().next().unwrap_or_default().into_iter().flatten();
        let mut next = || values.next().unwrap_or_default();
        let engine = next().split(' ').take(2).collect::<Vec<_>>().join(" ");
        let major = next().parse().map_or(0, |it: u32| it / 10_000);
        let host = match &self.target {
            it if it.is_socket() => it.host.clone(),
            it => format!("{}:{}", it.host, it.port),
        };
        let (database, role) = (next(), next());
        let bytes = next().parse().unwrap_or(0);
        Ok(Identity { engine, major, host, database, role, bytes, local: self.target.is_local() })
    }

    /// Runs statements and returns the rows of all of them as text.
    ///
    /// # Errors
    /// If the server refuses one.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, SqlError> {
        let client = self.client.as_ref().expect("open until dropped");
        let messages = self.runtime.block_on(client.simple_query(sql)).map_err(sql_error)?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    /// Runs statements that return nothing.
    ///
    /// # Errors
    /// If the server refuses one; several statements in one text are one transaction unless they say
    /// otherwise.
    pub fn run(&mut self, sql: &str) -> Result<(), SqlError> {
        let client = self.client.as_ref().expect("open until dropped");
        self.runtime.block_on(client.batch_execute(sql)).map_err(sql_error)
    }

    /// Sends `data` to a `COPY … FROM stdin` and returns how many rows arrived.
    ///
    /// # Errors
    /// If the server refuses the statement or a row of the data.
    pub fn copy_in(&mut self, statement: &str, data: &[u8]) -> Result<u64, SqlError> {
        /// Large enough to be quick, small enough not to hold a dump in memory twice.
        const CHUNK: usize = 1 << 16;
        let client = self.client.as_ref().expect("open until dropped");
        self.runtime
            .block_on(async {
                let mut sink = pin!(client.copy_in::<_, io::Cursor<Vec<u8>>>(statement).await?);
                for chunk in data.chunks(CHUNK) {
                    sink.send(io::Cursor::new(chunk.to_vec())).await?;
                }
                sink.finish().await
            })
            .map_err(sql_error)
    }

    fn prepare(&mut self, sql: &str) -> Result<()> {
        self.run(sql).map_err(|it| {
            Error::new(
                "connect-failed",
                format!("{} does not accept the settings of a session", self.target),
            )
            .caused_by(it)
        })
    }
}

impl Drop for PgSession {
    /// Says goodbye, so that the server frees the connection now and not at its next write.
    fn drop(&mut self) {
        self.client = None;
        if let Some(connection) = self.connection.take() {
            let _ = self.runtime.block_on(async { timeout(CLOSE_TIMEOUT, connection).await });
        }
    }
}

async fn connect(target: &PgTarget) -> Result<(Client, JoinHandle<()>)> {
    match timeout(CONNECT_TIMEOUT, connect_within_time(target)).await {
        Ok(result) => result,
        Err(_) => Err(unreachable(target, "it did not answer within 10 seconds")),
    }
}

async fn connect_within_time(target: &PgTarget) -> Result<(Client, JoinHandle<()>)> {
    if !target.is_socket() {
        let found = lookup_host((target.host.as_str(), target.port)).await;
        found.map(drop).map_err(|it| host_unknown(target).caused_by(it))?;
    }
    let config = config(target);
    if config.get_ssl_mode() != SslMode::Disable {
        match config.connect(tls::connector(target)?).await {
            Ok((client, connection)) => {
                return Ok((client, tokio::spawn(async { drop(connection.await) })));
            }
            // As libpq does: who only prefers encryption goes on without it.
            Err(it) if is_tls(&it) && config.get_ssl_mode() == SslMode::Prefer => {}
            Err(it) => return Err(connect_error(target, it)),
        }
    }
    let mut config = config;
    let (client, connection) = config
        .ssl_mode(SslMode::Disable)
        .connect(NoTls)
        .await
        .map_err(|it| connect_error(target, it))?;
    Ok((client, tokio::spawn(async { drop(connection.await) })))
}

fn config(target: &PgTarget) -> Config {
    let mut config = Config::new();
    if target.is_socket() {
        config.host_path(&target.host);
    } else {
        config.host(&target.host);
    }
    config.port(target.port).application_name("raingauge").connect_timeout(CONNECT_TIMEOUT);
    if !target.user.is_empty() {
        config.user(&target.user);
    }
    if let Some(password) = &target.password {
        config.password(password);
    }
    if !target.database.is_empty() {
        config.dbname(&target.database);
    }
    if let Some(options) = target.parameter("options") {
        config.options(options);
    }
    config.ssl_mode(match target.sslmode.as_str() {
        _ if target.is_socket() => SslMode::Disable,
        "disable" => SslMode::Disable,
        "allow" | "prefer" => SslMode::Prefer,
        _ => SslMode::Require,
    });
    config
}

fn is_tls(error: &tokio_postgres::Error) -> bool {
    // The library keeps the kind of its errors to itself.
    error.as_db_error().is_none() && error.to_string().contains("TLS")
}

fn host_unknown(target: &PgTarget) -> Error {
    Error::new("postgres-host-unknown", format!("the host `{}` is not known", target.host))
        .next("check the host in the database URL; inside Docker, names of other containers differ from those on the host")
}

fn unreachable(target: &PgTarget, why: impl Into<String>) -> Error {
    let assumed = if target.port_assumed { " (no port was given, 5432 was assumed)" } else { "" };
    Error::new("postgres-unreachable", format!("no PostgreSQL server answers at {target}{assumed}"))
        .caused_by(why.into())
        .next("check that the server runs and that host and port are right, for example with `pg_isready`")
}

fn connect_error(target: &PgTarget, error: tokio_postgres::Error) -> Error {
    if let Some(refusal) = error.as_db_error() {
        return refused(target, refusal);
    }
    if is_tls(&error) {
        return Error::new(
            "postgres-tls",
            format!("no encrypted connection to {target} with sslmode `{}`", target.sslmode),
        )
        .caused_by(cause_chain(&error))
        .next("compare `sslmode` and `sslrootcert` with what the server's operator says");
    }
    let cause = cause_chain(&error);
    if cause.contains("password missing") {
        return login_failed(target, "the server asks for a password and the URL has none");
    }
    unreachable(target, cause)
}

fn login_failed(target: &PgTarget, why: impl Into<String>) -> Error {
    Error::new("postgres-login-failed", format!("the server does not let `{}` in", target.user))
        .caused_by(why.into())
        .next("check user and password in the database URL; special characters must be percent-encoded")
}

/// What a server that answered did not like.
fn refused(target: &PgTarget, error: &DbError) -> Error {
    let said = error.message().to_owned();
    match *error.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            login_failed(target, said)
        }
        SqlState::INVALID_CATALOG_NAME => Error::new(
            "postgres-database-missing",
            format!("the server at {target} has no database `{}`", target.database),
        )
        .caused_by(said)
        .next("list the databases with `psql -l` and correct the URL, in case another server answers here"),
        SqlState::TOO_MANY_CONNECTIONS => {
            Error::new("postgres-busy", format!("the server at {target} has no free connection"))
                .caused_by(said)
                .next("try again when other programs have closed theirs")
        }
        SqlState::CANNOT_CONNECT_NOW => {
            Error::new("postgres-unreachable", format!("the server at {target} is not ready"))
                .caused_by(said)
                .next("try again when it has started")
        }
        _ => Error::new("connect-failed", format!("cannot connect to {target}")).caused_by(said),
    }
}

/// The messages of an error and of all its causes, without repetition.
fn cause_chain(error: &dyn StdError) -> String {
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
        source = cause.source();
    }
    parts.join(": ")
}

fn sql_error(error: tokio_postgres::Error) -> SqlError {
    let Some(refusal) = error.as_db_error() else {
        let state = if error.is_closed() { "08006" } else { "08000" };
        return SqlError {
            message: cause_chain(&error),
            state: state.to_owned(),
            position: None,
            detail: None,
        };
    };
    let detail = [refusal.detail(), refusal.hint(), refusal.where_()];
    let detail: Vec<_> = detail.into_iter().flatten().collect();
    SqlError {
        message: refusal.message().to_owned(),
        state: refusal.code().code().to_owned(),
        position: match refusal.position() {
            Some(ErrorPosition::Original(position)) => usize::try_from(*position).ok(),
            _ => None,
        },
        detail: (!detail.is_empty()).then(|| detail.join("; ")),
    }
}
