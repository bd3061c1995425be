//! Scratch databases on a MySQL or MariaDB server: which server, and how a database becomes like live.
//!
//! In order: the server that the user gives, a server of our own of live's flavour and release series, live's
//! own server. There the sessions are confined to their database.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raingauge_schema::mysql::catalog;
use raingauge_schema::mysql::grammar::{quote_ident, quote_literal};

use super::daemon::{Daemon, Programs};
use super::{ScratchOptions, both_failed, cannot, no_database};
use crate::connect::dsn::mysql::MySqlTarget;
use crate::connect::{Access, Dsn, MySqlSession, Session, SqlError};
use crate::leftover::{self, Leftover, Registered};
use crate::{Error, Result};

/// What the names of scratch databases begin with. A number follows the name of the session that makes
/// them, which has its connection and a microsecond in it and is the lock that it holds: where nobody holds
/// it, the database is a leftover.
const PREFIX: &str = "raingauge_scratch_";

/// What tells one server from another.
const PLACE: &str = "select concat_ws('|', @@hostname, @@port, @@socket, @@datadir, @@pid_file)";

/// What a server of our own takes over from live's, by the name of the variable.
const TAKEN_OVER: [&str; 8] = [
    "lower_case_table_names",
    "sql_mode",
    "character_set_server",
    "collation_server",
    "explicit_defaults_for_timestamp",
    "default_storage_engine",
    "innodb_default_row_format",
    "time_zone",
];

/// A server with the session that makes and drops databases.
#[derive(Debug)]
pub(super) struct Server {
    shared: Arc<Shared>,
    likeness: Likeness,
    shares_live: bool,
    notes: Vec<String>,
    /// Why it is live's own server, and not one of our own.
    own_failed: Option<Error>,
}

#[derive(Debug)]
struct Shared {
    /// Closed before the server stops.
    admin: Mutex<MySqlSession>,
    /// Unless the server is somebody else's.
    daemon: Option<Daemon>,
    token: String,
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub(super) struct Database {
    name: String,
    shared: Arc<Shared>,
    /// A server of our own goes with all its databases.
    _leftover: Option<Registered>,
}

/// What a scratch database takes over from live.
#[derive(Clone, Debug, Default)]
struct Likeness {
    server: Option<catalog::Server>,
    place: Option<String>,
    /// The end of `CREATE DATABASE`.
    charset: String,
    /// What the server starts with, by name.
    settings: Vec<(String, String)>,
}

impl Server {
    /// The first server that can be had.
    pub(super) fn find(options: &ScratchOptions) -> Result<Self> {
        let live = match &options.live {
            Some(Dsn::MySql(target)) => Some(target),
            _ => None,
        };
        let likeness = live.map(|it| Likeness::of(it)).transpose()?.unwrap_or_default();
        if let Some(Dsn::MySql(target)) = &options.scratch_url {
            return Self::on_given(target, likeness);
        }
        let own = match Self::on_own(options, &likeness) {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        match live {
            Some(target) if target.is_local() || options.target_consent => {
                match Self::on_live(target, likeness) {
                    Ok(mut server) => {
                        server.notes.push(format!("there because {own}"));
                        Ok(Self { own_failed: Some(own), ..server })
                    }
                    Err(error) => Err(both_failed(&own, &error)),
                }
            }
            _ => Err(own
                .next("or name a server for scratch databases with `--scratch <url>`")
                .next("or allow a temporary database on the target's own server with `--scratch target`")),
        }
    }

    fn on_given(target: &MySqlTarget, likeness: Likeness) -> Result<Self> {
        let mut admin = open_admin(target)?;
        if let Some(live) = likeness.server.filter(|it| series(*it) != series(admin.server())) {
            let (given, live) = (series(admin.server()), series(live));
            let message = format!("the scratch server is {given}, but live is {live}");
            return Err(Error::new("scratch-wrong-version", message)
                .next(format!("give `--scratch` a server of {live}")));
        }
        drop_stale(&mut admin);
        // Whatever address it was given by, it may be the server that holds live.
        let shares_live = likeness.place.is_some() && likeness.place == place(&mut admin)?;
        let notes = vec![format!("scratch databases on {target}")];
        Ok(Self { shares_live, ..Self::with(admin, None, likeness, notes)? })
    }

    fn on_own(options: &ScratchOptions, likeness: &Likeness) -> Result<Self> {
        let mut programs = Programs::all(&options.programs);
        programs.retain(|it| likeness.server.is_none_or(|live| series(live) == series(it.server)));
        let wanted = likeness.server.map_or("MySQL or MariaDB".to_owned(), series);
        let mut failure = Error::new(
            "scratch-unavailable",
            format!("found no server program of {wanted} on this machine"),
        )
        .next(format!("install the server of {wanted}; it need not run"));
        let settings: Vec<_> = likeness.settings.iter().map(option).collect();
        for it in programs.iter().filter(|it| it.server.is_supported()) {
            match Daemon::start(it, &settings, options.cache.as_deref()) {
                Ok(daemon) => {
                    let mut admin = open_admin(daemon.target())?;
                    let engine = admin.identity()?.engine;
                    let notes = vec![format!("scratch databases on an own {engine} server")];
                    return Self::with(admin, Some(daemon), likeness.clone(), notes);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn on_live(target: &MySqlTarget, likeness: Likeness) -> Result<Self> {
        let mut admin = open_admin(target)?;
        drop_stale(&mut admin);
        let notes = vec![format!("scratch databases on live's own server, {target}")];
        let server = Self::with(admin, None, likeness, notes)?;
        Ok(Self { shares_live: true, ..server })
    }

    fn with(
        mut admin: MySqlSession,
        daemon: Option<Daemon>,
        likeness: Likeness,
        mut notes: Vec<String>,
    ) -> Result<Self> {
        let unnamed = |it| cannot("name itself", it);
        let sql = format!(
            "select concat('{PREFIX}', connection_id(), '_', \
             cast(unix_timestamp(now(6)) * 1000000 as unsigned))"
        );
        let token = value(admin.rows(&sql).map_err(unnamed)?);
        // Whoever looks for leftovers asks whether the lock is held.
        let locked = value(
            admin
                .rows(&format!("select get_lock({}, 0)", quote_literal(&token)))
                .map_err(unnamed)?,
        );
        if locked != "1" {
            return Err(Error::new("scratch-unavailable", "cannot lock its own name"));
        }
        admin.run("set session wait_timeout = 604800").map_err(unnamed)?;
        if daemon.is_none() {
            notes.extend(differing(&mut admin, &likeness)?);
        }
        let shared = Arc::new(Shared { admin: Mutex::new(admin), daemon, token });
        Ok(Self { shared, likeness, shares_live: false, notes, own_failed: None })
    }

    pub(super) fn shares_live(&self) -> bool {
        self.shares_live
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Makes a database and opens it.
    pub(super) fn create(&mut self, purpose: &str) -> Result<(Session, Dsn, Database)> {
        let made = self.shared.make(&self.likeness.charset);
        let database = made.map_err(|it| {
            let error = no_database(purpose, it, "CREATE on `raingauge\\_scratch\\_%`.*");
            match &self.own_failed {
                Some(own) => both_failed(own, &error),
                None => error,
            }
        })?;
        let target = self.shared.lock().target().with_database(&database.name);
        let mut session = MySqlSession::open_plain(&target, Access::ReadWrite)?;
        if self.shares_live {
            session.confine().map_err(|it| cannot("keep scratch apart from live", it))?;
        }
        Ok((Session::MySql(session), Dsn::MySql(Box::new(target)), database))
    }
}

impl Shared {
    /// Makes a database. A server of our own goes with all of its databases.
    fn make(self: &Arc<Self>, like: &str) -> Result<Database, SqlError> {
        static N_MADE: AtomicU32 = AtomicU32::new(0);
        let n = N_MADE.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("{}_{n}", self.token);
        let mut admin = self.lock();
        let dsn = Dsn::MySql(Box::new(admin.target().clone()));
        let sql = format!("create database {}{like}", quote_ident(&name));
        let mut make = || admin.run(&sql);
        let leftover = if self.daemon.is_some() {
            make()?;
            None
        } else {
            let known = |(): &()| Leftover::Database { admin: Box::new(dsn), name: name.clone() };
            Some(leftover::make(make, known)?.1)
        };
        drop(admin);
        Ok(Database { name, shared: Arc::clone(self), _leftover: leftover })
    }

    fn lock(&self) -> MutexGuard<'_, MySqlSession> {
        self.admin.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What stays is found by its name later.
        let _ =
            self.shared.lock().run(&format!("drop database if exists {}", quote_ident(&self.name)));
    }
}

impl Likeness {
    /// Reads what matters from live, in a session with live's own settings.
    fn of(live: &MySqlTarget) -> Result<Self> {
        let mut session = MySqlSession::open_plain(live, Access::ReadOnly)?;
        let unread = |it| cannot("read how live's database was made", it);
        let charset = session
            .rows(
                "select default_character_set_name, default_collation_name \
                 from information_schema.schemata where schema_name = database()",
            )
            .map_err(unread)?;
        let charset = charset.into_iter().next().unwrap_or_default();
        let charset: Vec<_> = charset.into_iter().flatten().collect();
        let charset = match charset.as_slice() {
            [charset, collation] => format!(" character set {charset} collate {collation}"),
            _ => String::new(),
        };
        let settings = settings(&mut session)?;
        let place = place(&mut session)?;
        Ok(Self { server: Some(session.server()), place, charset, settings })
    }
}

/// What sessions of the server start with, by name; what this version does not know is left out.
fn settings(session: &mut MySqlSession) -> Result<Vec<(String, String)>> {
    let names: Vec<_> = TAKEN_OVER.iter().map(|it| quote_literal(it)).collect();
    let sql = format!("show global variables where variable_name in ({})", names.join(", "));
    let rows = session.rows(&sql).map_err(|it| cannot("read the server's settings", it))?;
    let pair = |row: Vec<Option<String>>| {
        let mut values = row.into_iter().flatten();
        Some((values.next()?, values.next()?))
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

fn option((name, value): &(String, String)) -> String {
    let name = if name == "time_zone" { "default-time-zone" } else { name };
    let value = match value.as_str() {
        "ON" => "1",
        "OFF" => "0",
        other => other,
    };
    format!("--{}={value}", name.replace('_', "-"))
}

/// The settings of somebody else's server that are not live's.
fn differing(admin: &mut MySqlSession, likeness: &Likeness) -> Result<Vec<String>> {
    let here = settings(admin)?;
    let is_other = |it: &&(String, String)| !here.contains(it);
    let other = likeness.settings.iter().filter(is_other);
    let note = |(name, value): &(String, String)| {
        format!("on the scratch server `{name}` is not `{value}` as on live's")
    };
    Ok(other.map(note).collect())
}

/// Flavour and release series: servers of one print their catalogs alike.
fn series(server: catalog::Server) -> String {
    let [major, minor, _] = server.version;
    format!("{} {major}.{minor}", server.flavour.name())
}

fn place(session: &mut MySqlSession) -> Result<Option<String>> {
    let rows = session.rows(PLACE).map_err(|it| cannot("tell one server from another", it))?;
    Ok(rows.into_iter().flatten().flatten().next())
}

fn value(rows: Vec<Vec<Option<String>>>) -> String {
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}

/// A session that is in no database, so that it need not be one that stays.
fn open_admin(target: &MySqlTarget) -> Result<MySqlSession> {
    MySqlSession::open(&target.with_database(""), Access::ReadWrite)
}

/// Drops databases whose makers are gone. Nothing that fails here matters.
fn drop_stale(admin: &mut MySqlSession) {
    let sql = "select schema_name from information_schema.schemata \
        where schema_name regexp '^raingauge_scratch_[0-9]+_[0-9]{16}_[0-9]+$' \
        and is_free_lock(substring_index(schema_name, '_', 4)) = 1";
    for name in admin.rows(sql).unwrap_or_default().into_iter().flatten().flatten() {
        let _ = admin.run(&format!("drop database if exists {}", quote_ident(&name)));
    }
}
