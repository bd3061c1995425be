//! Throw-away databases of live's engine and major version, always removed.
//!
//! Reading order: this file (what callers see) → `postgres` (which server, and its databases) →
//! `cluster` (a server of our own) · `template` (a fresh one, kept) · `sqlite` (temporary files) →
//! `marker` (what a killed run leaves).

mod cluster;
mod marker;
mod postgres;
mod sqlite;
mod template;

use std::path::PathBuf;

use raingauge_schema::Dialect;
use raingauge_schema::postgres::grammar::quote_ident;

use crate::connect::{Dsn, Session, offline_only};
use crate::{Error, Result};

/// What is known about live, and what the user allows.
#[derive(Clone, Debug)]
pub struct ScratchOptions {
    pub dialect: Dialect,
    /// The database to imitate: version, encoding, collation, settings and role names. Without one, any
    /// version will do.
    pub live: Option<Dsn>,
    /// A server that the user gives for scratch databases.
    pub scratch_url: Option<Dsn>,
    /// Whether a database may be made on live's own server if that is on another machine.
    pub target_consent: bool,
    /// Further roles that scripts refer to.
    pub roles: Vec<String>,
    /// The folder of PostgreSQL's server programs; without one, the usual places are searched.
    pub pg_bin: Option<PathBuf>,
    /// A folder with PostgreSQL's client programs. If it has the server's too, those are taken.
    pub pg_client: Option<PathBuf>,
    /// Where a fresh server is kept for the next time; without one, each is made anew.
    pub cache: Option<PathBuf>,
}

impl ScratchOptions {
    /// Options that imitate nothing and allow nothing.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            live: None,
            scratch_url: None,
            target_consent: false,
            roles: Vec::new(),
            pg_bin: None,
            pg_client: None,
            cache: None,
        }
    }
}

/// Makes scratch databases on one provider: a temp folder (SQLite), a server given by the user, an
/// ephemeral local server, or live's own server with consent. Nothing starts before the first
/// database, and one server serves all.
#[derive(Debug)]
pub struct Scratch {
    options: ScratchOptions,
    server: Option<postgres::Server>,
}

/// One scratch database; dropping it removes it.
#[derive(Debug)]
pub struct ScratchDatabase {
    /// A session with ordinary settings that may write. Closed before the database is removed.
    pub session: Session,
    pub dsn: Dsn,
    successor: Option<String>,
    _guard: Guard,
}

/// What removes the database.
#[derive(Debug)]
enum Guard {
    Postgres { _database: postgres::Database },
    Sqlite { _folder: sqlite::Folder },
}

impl ScratchDatabase {
    /// Goes on as live's role, where others than it own things in live too. The first migration of a
    /// history makes what they own; what comes later gets this role's default privileges on live, so it
    /// has to get them here.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn pass_on(&mut self) -> Result<()> {
        let Some(role) = &self.successor else { return Ok(()) };
        let sql = format!("set session authorization {}", quote_ident(role));
        self.session.run(&sql).map_err(|cause| {
            let message = format!("cannot go on as `{role}` in a scratch database");
            Error::new("scratch-broken", message).caused_by(cause)
        })
    }
}

impl Scratch {
    /// Prepares to make databases; starts nothing.
    ///
    /// # Errors
    /// If the options contradict each other: `scratch-wrong-engine`.
    pub fn open(options: ScratchOptions) -> Result<Self> {
        let given = [options.live.as_ref(), options.scratch_url.as_ref()];
        if given.into_iter().flatten().any(|it| it.dialect() != options.dialect) {
            let message = format!("scratch databases have to be of {} like live", options.dialect);
            return Err(Error::new("scratch-wrong-engine", message)
                .next("give `--scratch` a server of the same engine"));
        }
        Ok(Self { options, server: None })
    }

    /// Makes an empty database. `purpose` is a short word for messages: `history`, `declared`.
    ///
    /// # Errors
    /// If the provider cannot make one: `scratch-unavailable` with what would help.
    pub fn create(&mut self, purpose: &str) -> Result<ScratchDatabase> {
        match self.options.dialect {
            Dialect::Sqlite => {
                let (session, dsn, folder) = sqlite::create(purpose)?;
                let guard = Guard::Sqlite { _folder: folder };
                Ok(ScratchDatabase { session, dsn, successor: None, _guard: guard })
            }
            Dialect::MySql => Err(offline_only(self.options.dialect)),
            Dialect::Postgres => {
                let server = match self.server.take() {
                    Some(server) => server,
                    None => postgres::Server::find(&self.options)?,
                };
                let server = self.server.insert(server);
                let (session, dsn, database) = server.create(purpose)?;
                let guard = Guard::Postgres { _database: database };
                Ok(ScratchDatabase { session, dsn, successor: server.successor(), _guard: guard })
            }
        }
    }

    /// The folder of this machine in which databases will be, as far as that is known by now.
    pub fn place(&self) -> Option<PathBuf> {
        self.options.scratch_url.is_none().then(std::env::temp_dir)
    }

    /// Whether scratch databases are on the server that also holds live, so that the user's scripts
    /// have to be kept away from everything else there. Known after the first database.
    pub fn shares_live_server(&self) -> bool {
        self.server.as_ref().is_some_and(postgres::Server::shares_live)
    }

    /// Where the databases are and what is not quite as on live, for reports. Empty before the first
    /// database.
    pub fn notes(&self) -> Vec<String> {
        self.server.as_ref().map(postgres::Server::notes).unwrap_or_default()
    }
}
