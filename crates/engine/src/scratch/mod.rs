//! Throw-away databases of live's engine and major version, always removed.
//!
//! Reading order: this file (what callers see) → `postgres`, `mysql` (which server, and its databases) →
//! `cluster`, `daemon` (a server of our own) · `template` (a fresh one, kept) · `sqlite` (temporary
//! files) → `marker` (what a killed run leaves).

mod cluster;
mod daemon;
pub(crate) mod marker;
mod mysql;
mod postgres;
mod sqlite;
mod template;

use std::path::PathBuf;

use raingauge_schema::Dialect;
use raingauge_schema::postgres::grammar::quote_ident;

use crate::connect::{Dsn, Session, SqlError};
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
    /// Folders in which programs of MySQL and MariaDB may be, before the usual ones.
    pub programs: Vec<PathBuf>,
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
            programs: Vec::new(),
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
    server: Option<Server>,
}

#[derive(Debug)]
enum Server {
    Postgres(Box<postgres::Server>),
    MySql(Box<mysql::Server>),
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
    MySql { _database: mysql::Database },
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
            Dialect::MySql | Dialect::Postgres => {
                let server = match self.server.take() {
                    Some(server) => server,
                    None => Server::find(&self.options)?,
                };
                self.server.insert(server).create(purpose)
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
        match &self.server {
            Some(Server::Postgres(it)) => it.shares_live(),
            Some(Server::MySql(it)) => it.shares_live(),
            None => false,
        }
    }

    /// Where the databases are and what is not quite as on live, for reports. Empty before the first
    /// database.
    pub fn notes(&self) -> Vec<String> {
        match &self.server {
            Some(Server::Postgres(it)) => it.notes(),
            Some(Server::MySql(it)) => it.notes(),
            None => Vec::new(),
        }
    }
}

impl Server {
    fn find(options: &ScratchOptions) -> Result<Self> {
        if options.dialect == Dialect::MySql {
            return mysql::Server::find(options).map(|it| Self::MySql(Box::new(it)));
        }
        postgres::Server::find(options).map(|it| Self::Postgres(Box::new(it)))
    }

    fn create(&mut self, purpose: &str) -> Result<ScratchDatabase> {
        match self {
            Self::Postgres(server) => {
                let (session, dsn, database) = server.create(purpose)?;
                let guard = Guard::Postgres { _database: database };
                Ok(ScratchDatabase { session, dsn, successor: server.successor(), _guard: guard })
            }
            Self::MySql(server) => {
                let (session, dsn, database) = server.create(purpose)?;
                let guard = Guard::MySql { _database: database };
                Ok(ScratchDatabase { session, dsn, successor: None, _guard: guard })
            }
        }
    }
}

fn cannot(what: &str, error: SqlError) -> Error {
    Error::new("scratch-unavailable", format!("cannot {what}")).caused_by(error)
}

/// `right` is what the account lacks, if it lacks one.
fn no_database(purpose: &str, error: SqlError, right: &str) -> Error {
    Error::new("scratch-unavailable", format!("cannot make a scratch database for the {purpose}"))
        .caused_by(error)
        .next(format!("give the role {right}, or name another server with `--scratch <url>`"))
}

fn both_failed(own: &Error, live: &Error) -> Error {
    let causes = live.causes().into_iter().map(|it| format!(": {it}"));
    let message = format!(
        "{own}, and no temporary database on live's server either: {live}{}",
        causes.collect::<String>()
    );
    let mut error = Error::new("scratch-unavailable", message);
    error.next.extend(own.next.iter().chain(&live.next).cloned());
    if live.next.is_empty() {
        return error.next("name a server for scratch databases with `--scratch <url>`");
    }
    error
}
