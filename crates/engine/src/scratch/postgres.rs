//! Scratch databases on a PostgreSQL server: which server, and how a database becomes like live.
//!
//! In order: the server that the user gives, a server of our own, live's own server.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};

use super::cluster::Cluster;
use super::{ScratchOptions, both_failed, cannot, no_database};
use crate::client::server_folder;
use crate::connect::dsn::PgTarget;
use crate::connect::{Access, Dsn, PgSession, Session, SqlError, TextRow};
use crate::leftover::{self, Leftover, Registered};
use crate::{Error, Result};

/// The newest major version that may be found when there is no live to imitate, and the oldest.
const MAJORS: std::ops::RangeInclusive<u32> = 10..=30;

/// The names of scratch databases: a number behind the name of the session that makes them, which has its
/// server process and a microsecond in it. So a database is known for a leftover from the moment it is there.
const NAMES: &str = "^(raingauge_scratch_[0-9]+_[0-9]{16})_[0-9]+$";

/// What `CREATE DATABASE` says of a name that is taken, the second when that happens just now.
const TAKEN: [&str; 2] = ["42P04", "23505"];

/// What it says to a role without CREATEDB.
const DENIED: &str = "42501";

/// The connected role, and whether nobody else owns anything in the database. Scratch belongs to one
/// role, and a grant to the owner of a thing is none: where others grant to this role, it must not be
/// the one.
const ROLE: &str = "select current_user, (not exists (select from (\
        select relowner, relnamespace, oid, 'pg_catalog.pg_class'::regclass from pg_catalog.pg_class union all \
        select proowner, pronamespace, oid, 'pg_catalog.pg_proc'::regclass from pg_catalog.pg_proc union all \
        select typowner, typnamespace, oid, 'pg_catalog.pg_type'::regclass from pg_catalog.pg_type) \
        as o (owner, namespace, oid, class) \
    join pg_catalog.pg_namespace n on n.oid = o.namespace \
    where o.owner <> (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user) and n.nspname <> 'information_schema' \
        and n.nspname !~ '^pg_' and not exists (select from pg_catalog.pg_depend d \
            where d.classid = o.class and d.objid = o.oid and d.deptype = 'e')))::text";

/// The locale that every server knows.
const PLAIN_LOCALE: &str = " lc_collate 'C' lc_ctype 'C'";

/// When the server started; as a number, so that no setting changes how it is written.
const STARTED: &str =
    "select extract(epoch from pg_catalog.pg_postmaster_start_time())::numeric::text";

/// A server with the session that makes and drops databases.
#[derive(Debug)]
pub(super) struct Server {
    shared: Arc<Shared>,
    likeness: Likeness,
    shares_live: bool,
    /// Who works in the databases, if not who makes them: what a role gets by default privileges, it
    /// gets there too.
    user: Option<String>,
    /// Who goes on in a database after what others have made.
    successor: Option<String>,
    notes: Vec<String>,
    /// Why it is live's own server, and not one of our own.
    own_failed: Option<Error>,
}

#[derive(Debug)]
struct Shared {
    /// Closed before the server stops.
    admin: Mutex<PgSession>,
    /// Unless the server is somebody else's.
    cluster: Option<Cluster>,
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
    major: Option<u32>,
    /// When live's server started, to the microsecond: no two servers share that.
    started: Option<String>,
    /// The end of `CREATE DATABASE … TEMPLATE template0`.
    locale: String,
    encoding: String,
    roles: Vec<String>,
    /// Those of the roles that are superusers.
    superusers: Vec<String>,
    /// The role that is connected to live.
    role: Option<String>,
    /// Whether everything in live is that role's own.
    owns_all: bool,
    settings: Vec<(String, String)>,
}

impl Server {
    /// The first server that can be had.
    pub(super) fn find(options: &ScratchOptions) -> Result<Self> {
        let live = match &options.live {
            Some(Dsn::Postgres(target)) => Some(target),
            _ => None,
        };
        let mut likeness = live.map(Likeness::of).transpose()?.unwrap_or_default();
        likeness.roles.extend(options.roles.iter().cloned());
        likeness.roles.sort_unstable();
        likeness.roles.dedup();
        if let Some(Dsn::Postgres(target)) = &options.scratch_url {
            return Self::on_given(target, likeness);
        }
        let own = match Self::on_own(options, &likeness) {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        match live {
            Some(target) if target.is_local() || options.target_consent => {
                match Self::on_live(target, likeness) {
                    Ok(server) => Ok(Self { own_failed: Some(own), ..server }),
                    Err(error) => Err(both_failed(&own, &error)),
                }
            }
            _ => Err(own
                .next("or name a server for scratch databases with `--scratch <url>`")
                .next("or allow a temporary database on the target's own server with `--scratch target`")),
        }
    }

    fn on_given(target: &PgTarget, likeness: Likeness) -> Result<Self> {
        let mut admin = open_admin(target)?;
        let identity = admin.identity()?;
        if likeness.major.is_some_and(|it| it != identity.major) {
            let live = likeness.major.unwrap_or_default();
            return Err(Error::new(
                "scratch-wrong-version",
                format!("the scratch server is {}, but live is PostgreSQL {live}", identity.engine),
            )
            .next(format!("give `--scratch` a server of PostgreSQL {live}")));
        }
        drop_stale(&mut admin);
        // Whatever address it was given by, it may be the server that holds live.
        let shares_live = likeness.started.is_some() && likeness.started == started(&mut admin)?;
        let notes = vec![format!("scratch databases on {target}")];
        Ok(Self { shares_live, ..Self::with(admin, None, likeness, notes)? })
    }

    fn on_own(options: &ScratchOptions, likeness: &Likeness) -> Result<Self> {
        let superuser = free_name("raingauge", &likeness.roles);
        let start = |major| {
            let has_server = |it: &&Path| server_folder(major, Some(it)).is_some();
            let client = options.pg_client.as_deref().filter(has_server);
            let bin = options.pg_bin.as_deref().or(client);
            Cluster::start(major, bin, &superuser, options.cache.as_deref())
        };
        let cluster = match likeness.major {
            Some(major) => start(major)?,
            None => {
                let any = MAJORS.rev().find_map(|major| start(major).ok());
                any.ok_or_else(|| {
                    Error::new("scratch-unavailable", "found no PostgreSQL server on this machine")
                        .next("install PostgreSQL's server package, or name a server with `--scratch <url>`")
                })?
            }
        };
        let mut admin = open_admin(cluster.target())?;
        let identity = admin.identity()?;
        let stubs: Vec<_> = likeness
            .roles
            .iter()
            .filter(|it| !it.starts_with("pg_"))
            .map(|it| stub(likeness, it))
            .collect();
        admin.run(&stubs.concat()).map_err(|it| cannot("make roles like live's", it))?;
        let notes = vec![format!("scratch databases on an own {} server", identity.engine)];
        let server = Self::with(admin, Some(cluster), likeness.clone(), notes)?;
        let role = likeness.role.clone();
        Ok(match likeness.owns_all {
            true => Self { user: role, ..server },
            false => Self { successor: role, ..server },
        })
    }

    fn on_live(target: &PgTarget, likeness: Likeness) -> Result<Self> {
        let mut admin = open_admin(target)?;
        drop_stale(&mut admin);
        let notes = vec![format!("scratch databases on live's own server, {target}")];
        let server = Self::with(admin, None, likeness, notes)?;
        Ok(Self { shares_live: true, ..server })
    }

    fn with(
        mut admin: PgSession,
        cluster: Option<Cluster>,
        likeness: Likeness,
        notes: Vec<String>,
    ) -> Result<Self> {
        let sql = "select 'raingauge_scratch_' || pg_catalog.pg_backend_pid() || '_' \
                   || (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::bigint";
        let token = value(admin.rows(sql).map_err(|it| cannot("name itself", it))?);
        admin
            .run(&format!("set application_name = {}", quote_literal(&token)))
            .map_err(|it| cannot("name itself", it))?;
        let shared = Arc::new(Shared { admin: Mutex::new(admin), cluster, token });
        let (user, successor, own_failed) = (None, None, None);
        Ok(Self { shared, likeness, shares_live: false, user, successor, notes, own_failed })
    }

    pub(super) fn shares_live(&self) -> bool {
        self.shares_live
    }

    pub(super) fn successor(&self) -> Option<String> {
        self.successor.clone()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Makes a database and opens it.
    pub(super) fn create(&mut self, purpose: &str) -> Result<(Session, Dsn, Database)> {
        let database = self.create_database(purpose)?;
        let target = {
            let mut admin = self.shared.lock();
            adapt(&mut admin, &database.name, &self.likeness.settings)?;
            let mut target = admin.target().with_database(&database.name);
            if let Some(user) = &self.user {
                target.user.clone_from(user);
            }
            target
        };
        let session = PgSession::open_plain(&target, Access::ReadWrite)?;
        Ok((Session::Postgres(session), Dsn::Postgres(target), database))
    }

    fn create_database(&mut self, purpose: &str) -> Result<Database> {
        loop {
            let name = self.shared.next_name();
            let like = format!("{}{}", self.likeness.encoding, self.likeness.locale);
            match self.shared.make(name, &like) {
                Ok(made) => return Ok(made),
                Err(error) if TAKEN.contains(&error.state.as_str()) => {}
                // This machine may not know live's locale. It decides how text sorts, not what the
                // catalog says.
                Err(error)
                    if !["", PLAIN_LOCALE].contains(&self.likeness.locale.as_str())
                        && error.state != DENIED =>
                {
                    self.notes.push(format!("scratch databases sort unlike live: {error}"));
                    self.likeness.locale = PLAIN_LOCALE.to_owned();
                }
                Err(error) => {
                    let error = no_database(purpose, error, "CREATEDB");
                    return Err(match &self.own_failed {
                        Some(own) => both_failed(own, &error),
                        None => error,
                    });
                }
            }
        }
    }
}

impl Shared {
    /// A name that this session has not used yet.
    fn next_name(&self) -> String {
        static N_MADE: AtomicU32 = AtomicU32::new(0);
        let n = N_MADE.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}_{n}", self.token)
    }

    /// Makes a database. A server of our own goes with all of its databases.
    fn make(self: &Arc<Self>, name: String, like: &str) -> Result<Database, SqlError> {
        let mut admin = self.lock();
        let dsn = Dsn::Postgres(admin.target().clone());
        let sql = format!("create database {} template template0{like}", quote_ident(&name));
        let mut make = || admin.run(&sql);
        let leftover = if self.cluster.is_some() {
            make()?;
            None
        } else {
            let known = |(): &()| Leftover::Database { admin: Box::new(dsn), name: name.clone() };
            Some(leftover::make(make, known)?.1)
        };
        drop(admin);
        Ok(Database { name, shared: Arc::clone(self), _leftover: leftover })
    }

    fn lock(&self) -> MutexGuard<'_, PgSession> {
        self.admin.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut admin = self.shared.lock();
        let name = quote_ident(&self.name);
        if admin.run(&format!("drop database if exists {name} with (force)")).is_err() {
            // Before version 13 there is no FORCE. What stays is found by its name later.
            let _ = admin.run(&format!("drop database if exists {name}"));
        }
    }
}

impl Likeness {
    /// Reads what matters from live, in a session with live's own settings.
    fn of(live: &PgTarget) -> Result<Self> {
        let mut session = PgSession::open_plain(live, Access::ReadOnly)?;
        let mut rows = |sql: &str| {
            session.rows(sql).map_err(|it| cannot("read how live's database was made", it))
        };
        let facts = rows(
            "select pg_catalog.current_setting('server_version_num')::int / 10000, \
                    pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype, \
                    pg_catalog.to_jsonb(d) ->> 'datlocprovider', \
                    coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') \
             from pg_catalog.pg_database d where datname = pg_catalog.current_database()",
        )?;
        let mut facts = facts.into_iter().next().unwrap_or_default().into_iter();
        let mut next = || facts.next().flatten();
        let major = next().and_then(|it| it.parse().ok());
        let encoding = next().map(|it| format!(" encoding {}", quote_literal(&it)));
        let (collate, ctype) = (next().unwrap_or_default(), next().unwrap_or_default());
        let mut locale =
            format!(" lc_collate {} lc_ctype {}", quote_literal(&collate), quote_literal(&ctype));
        match (next().as_deref(), next()) {
            (Some("i"), Some(name)) => {
                locale.push_str(" locale_provider icu icu_locale ");
                locale.push_str(&quote_literal(&name));
            }
            (Some("b"), Some(name)) => {
                locale.push_str(" locale_provider builtin builtin_locale ");
                locale.push_str(&quote_literal(&name));
            }
            _ => {}
        }
        let roles = rows("select rolname from pg_catalog.pg_roles order by 1")?;
        let superusers = rows("select rolname from pg_catalog.pg_roles where rolsuper")?;
        let role = rows(ROLE)?.into_iter().next().and_then(pair);
        let started = rows(STARTED)?.into_iter().flatten().flatten().next();
        let settings = rows(
            "select name, setting from pg_catalog.pg_settings where name in \
             ('search_path', 'TimeZone', 'DateStyle', 'IntervalStyle', 'default_text_search_config', \
              'standard_conforming_strings', 'default_table_access_method', \
              'default_toast_compression', 'xmloption', 'array_nulls', 'check_function_bodies')",
        )?;
        Ok(Self {
            major,
            started,
            locale,
            encoding: encoding.unwrap_or_default(),
            roles: roles.into_iter().flatten().flatten().collect(),
            superusers: superusers.into_iter().flatten().flatten().collect(),
            owns_all: role.as_ref().is_some_and(|it| it.1 == "true"),
            role: role.map(|it| it.0),
            settings: settings.into_iter().filter_map(pair).collect(),
        })
    }
}

/// A role like live's. The one that is connected to live may do everything here.
fn stub(likeness: &Likeness, role: &str) -> String {
    let may_log_in = likeness.role.as_deref() == Some(role);
    let login = if may_log_in { "login" } else { "nologin" };
    let is_super = may_log_in || likeness.superusers.iter().any(|it| it == role);
    let superuser = if is_super { " superuser" } else { "" };
    format!("create role {} {login}{superuser};", quote_ident(role))
}

fn pair(row: TextRow) -> Option<(String, String)> {
    let mut values = row.into_iter().flatten();
    Some((values.next()?, values.next()?))
}

fn value(rows: Vec<TextRow>) -> String {
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}

fn started(admin: &mut PgSession) -> Result<Option<String>> {
    let rows = admin.rows(STARTED).map_err(|it| cannot("tell one server from another", it))?;
    Ok(rows.into_iter().flatten().flatten().next())
}

fn open_admin(target: &PgTarget) -> Result<PgSession> {
    PgSession::open(target, Access::ReadWrite)
}

/// Gives the database the settings that live's sessions start with.
fn adapt(admin: &mut PgSession, name: &str, settings: &[(String, String)]) -> Result<()> {
    let name = quote_ident(name);
    // FROM CURRENT takes the value as it is, so that nothing in it is ever read as SQL.
    let alter = settings.iter().map(|(setting, value)| {
        format!(
            "select pg_catalog.set_config({}, {}, true); alter database {name} set {} from current;",
            quote_literal(setting),
            quote_literal(value),
            quote_ident(setting)
        )
    });
    let sql = format!("begin; {} commit", alter.collect::<String>());
    admin.run(&sql).map_err(|it| {
        let _ = admin.run("rollback");
        cannot("give a scratch database live's settings", it)
    })
}

/// Drops databases whose makers are gone. Nothing that fails here matters.
fn drop_stale(admin: &mut PgSession) {
    let sql = format!(
        "select d.datname from pg_catalog.pg_database d where d.datname ~ {0} \
         and not exists (select from pg_catalog.pg_stat_activity a \
                         where a.application_name = pg_catalog.substring(d.datname::text, {0}))",
        quote_literal(NAMES)
    );
    for name in admin.rows(&sql).unwrap_or_default().into_iter().flatten().flatten() {
        let _ = admin.run(&format!("drop database if exists {}", quote_ident(&name)));
    }
}

fn free_name(wanted: &str, taken: &[String]) -> String {
    let mut name = wanted.to_owned();
    while taken.contains(&name) {
        name.push('_');
    }
    name
}
