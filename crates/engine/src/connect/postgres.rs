//! A PostgreSQL connection that blocks.
//!
//! tokio-postgres on a runtime of its own, so that callers need not be asynchronous. Everything runs
//! over the simple protocol: values arrive as the text that the server prints.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::{SinkExt, TryStreamExt};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::attempt::{self, Opened};
use super::dsn::PgTarget;
use super::pooler::{self, Link};
use super::{Access, Identity, SqlError, TextRow};
use crate::{Error, Result};

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
    link: Link,
    /// Sent in front of every text while the link is shared: what a session would remember.
    settings: String,
}

impl PgSession {
    /// Connects and pins the settings that change what the catalog prints.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses the login; the code says which.
    pub fn open(target: &PgTarget, access: Access) -> Result<Self> {
        let mut session = Self::open_plain(target, access)?;
        if session.is_shared() {
            session.settings.push_str(&pins("set local"));
        } else {
            session.prepare(&pins("set"))?;
        }
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
        let opened = runtime.block_on(async {
            let opened = attempt::connect(target).await?;
            let link = pooler::examine(&opened).await?;
            Ok((opened, link))
        });
        let (opened, link) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // A look-up of a name cannot be called off, and nobody is to wait for it.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let Opened { client, connection, target } = opened;
        let mut session = Self {
            client: Some(client),
            connection: Some(connection),
            runtime: Box::new(runtime),
            target: Box::new(target),
            link,
            settings: String::new(),
        };
        session.restrict(access)?;
        Ok(session)
    }

    /// A shared link has no session that could remember that it only reads.
    fn restrict(&mut self, access: Access) -> Result<()> {
        match (self.is_shared(), access) {
            (false, Access::ReadOnly) => self.prepare("set default_transaction_read_only = on"),
            (false, Access::ReadWrite | Access::Create) => Ok(()),
            (true, Access::ReadOnly) => {
                self.settings = "set local transaction_read_only = on;\n".to_owned();
                Ok(())
            }
            (true, Access::ReadWrite | Access::Create) => {
                Err(pooler::refusal(&self.target, &self.link))
            }
        }
    }

    /// Whether each transaction may end up in another session of the server.
    pub fn is_shared(&self) -> bool {
        self.link.is_shared()
    }

    /// Refuses what needs a session of its own: locks, dumps, exported snapshots.
    ///
    /// # Errors
    /// A refusal `pooler` that names the address that would work.
    pub fn refuse_shared(&self) -> Result<()> {
        if self.is_shared() { Err(pooler::refusal(&self.target, &self.link)) } else { Ok(()) }
    }

    /// What stands between here and the server.
    pub fn link(&self) -> &Link {
        &self.link
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
        let mut rows = Vec::new();
        self.each_row(sql, |row| rows.push(row))?;
        Ok(rows)
    }

    /// Runs statements and hands on each row as it arrives, while the server works on the next ones.
    ///
    /// # Errors
    /// If the server refuses one, or sends what is no text; rows before that have been handed on.
    pub fn each_row(&mut self, sql: &str, mut take: impl FnMut(TextRow)) -> Result<(), SqlError> {
        let client = self.client.as_ref().expect("open until dropped");
        let sent = self.with_settings(sql);
        let mut outcome = Ok(());
        self.runtime
            .block_on(async {
                let mut messages = pin!(client.simple_query_raw(&sent).await?);
                while let Some(message) = messages.try_next().await? {
                    match message {
                        SimpleQueryMessage::Row(row) if outcome.is_ok() => {
                            outcome = text_row(&row).map(&mut take);
                        }
                        _ => {}
                    }
                }
                Ok(())
            })
            .map_err(|it| self.sql_error(it))?;
        outcome
    }

    /// Runs statements that return nothing.
    ///
    /// # Errors
    /// If the server refuses one; several statements in one text are one transaction unless they say
    /// otherwise.
    pub fn run(&mut self, sql: &str) -> Result<(), SqlError> {
        let client = self.client.as_ref().expect("open until dropped");
        let sent = self.with_settings(sql);
        self.runtime.block_on(client.batch_execute(&sent)).map_err(|it| self.sql_error(it))
    }

    /// The text with the settings in front, which then hold for the transaction that it runs in: its
    /// own, or the one that is open. What ends a transaction has to work in one that failed.
    fn with_settings<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        let first: String = sql.trim_start().chars().take(8).collect();
        let is_end = ["rollback", "commit"].iter().any(|it| first.to_lowercase().starts_with(it));
        match self.settings.is_empty() || is_end {
            true => Cow::Borrowed(sql),
            false => Cow::Owned(format!("{}{sql}", self.settings)),
        }
    }

    /// The error, with its place in what the caller sent.
    fn sql_error(&self, error: tokio_postgres::Error) -> SqlError {
        let n_chars = self.settings.chars().count();
        let mut error = sql_error(error);
        error.position = error.position.map(|it| it.checked_sub(n_chars).unwrap_or(it));
        error
    }

    /// Sends `data` to a `COPY … FROM stdin` and returns how many rows arrived.
    ///
    /// # Errors
    /// If the server refuses the statement or a row of the data.
    pub fn copy_in(&mut self, statement: &str, data: &[u8]) -> Result<u64, SqlError> {
        /// Large enough to be quick, small enough not to hold a dump in memory twice.
        const CHUNK: usize = 1 << 16;
        let mut chunks = data.chunks(CHUNK);
        self.copy_from(statement, || chunks.next().map(<[u8]>::to_vec))
    }

    /// Sends what `next` gives, piece by piece, to a `COPY … FROM stdin`.
    ///
    /// # Errors
    /// If the server refuses the statement or a row of the data.
    pub fn copy_from(
        &mut self,
        statement: &str,
        mut next: impl FnMut() -> Option<Vec<u8>>,
    ) -> Result<u64, SqlError> {
        let client = self.client.as_ref().expect("open until dropped");
        self.runtime
            .block_on(async {
                let mut sink = pin!(client.copy_in::<_, io::Cursor<Vec<u8>>>(statement).await?);
                while let Some(chunk) = next() {
                    sink.send(io::Cursor::new(chunk)).await?;
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

/// The messages of an error and of all its causes, without repetition.
pub(super) fn cause_chain(error: &dyn StdError) -> String {
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

/// The server itself can break a letter in two: the name that it gives a multirange type is cut after a
/// number of bytes (`makeMultirangeTypeName` of PostgreSQL 14 to 18).
fn text_row(row: &SimpleQueryRow) -> Result<TextRow, SqlError> {
    let value = |n| match row.try_get(n) {
        Ok(value) => Ok(value.map(str::to_owned)),
        Err(cause) => Err(SqlError {
            message: format!(
                "the server sent a value that is not UTF-8: {}",
                row.columns().get(n).map_or("?", tokio_postgres::SimpleColumn::name)
            ),
            state: "22021".to_owned(),
            position: None,
            detail: Some(cause_chain(&cause)),
        }),
    };
    (0..row.len()).map(value).collect()
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
