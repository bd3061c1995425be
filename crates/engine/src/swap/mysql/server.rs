//! What a swap does on the server, one kind of change at a time; each can be done again after it was cut off.

use std::collections::BTreeSet;

use raingauge_schema::mysql::catalog::{programs_again, without_database};
use raingauge_schema::mysql::grammar::{quote_ident, quote_literal};
use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId};

use super::record::{PROGRAMS, Record, Whose, programs, quoted};
use crate::backup::COUNT_MYSQL_OBJECTS;
use crate::connect::dsn::mysql::MySqlTarget;
use crate::connect::{Access, MySqlSession, SqlError};
use crate::lock::mysql::begin_work;
use crate::{Error, Result, introspect};

/// How long a new name waits for those who use the tables, in seconds. Others queue behind it.
const PATIENCE: u32 = 5;

/// A lock that nobody gave back in time.
const LOCKED: &str = "1205";

/// The session that changes, and what it knows.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) session: MySqlSession,
    pub(super) record: Record,
    /// Whether tables may have left live. Until then those of the database that keeps it are a rehearsal's.
    pub(super) moves: bool,
    /// Whether anything was changed.
    pub(super) has_changed: bool,
}

/// Which tables there are: database and name.
#[derive(Debug)]
pub(super) struct Places(BTreeSet<(String, String)>);

impl Places {
    pub(super) fn has(&self, database: &str, table: &str) -> bool {
        self.0.contains(&(database.to_owned(), table.to_owned()))
    }

    /// The tables of one database.
    pub(super) fn within<'a>(&'a self, database: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |it| it.0 == database).map(|it| it.1.as_str())
    }
}

/// What gets another name, as SQL.
pub(super) type Move = (String, String);

impl Server {
    /// Opens the session and waits until nobody else changes live, a run that was killed included.
    pub(super) fn open(live: &MySqlTarget, record: Record, moves: bool) -> Result<Self> {
        let mut session = MySqlSession::open(live, Access::ReadWrite)?;
        begin_work(&mut session, std::time::Duration::from_secs(30))?;
        let wait = format!("set session lock_wait_timeout = {PATIENCE}");
        session.run(&wait).map_err(|it| refused(&wait, it))?;
        Ok(Self { session, record, moves, has_changed: false })
    }

    pub(super) fn places(&mut self) -> Result<Places> {
        let Record { live, kept, copy, .. } = &self.record;
        let sql = format!(
            "select table_schema, table_name from information_schema.tables \
             where table_type <> 'VIEW' and table_schema in ({}, {}, {})",
            quote_literal(live),
            quote_literal(kept),
            quote_literal(copy)
        );
        let rows = self.session.rows(&sql).map_err(|it| refused(&sql, it))?;
        let pair = |row: Vec<Option<String>>| {
            let mut values = row.into_iter().flatten();
            values.next().zip(values.next())
        };
        Ok(Places(rows.into_iter().filter_map(pair).collect()))
    }

    pub(super) fn exists(&mut self, database: &str) -> Result<bool> {
        let sql = "select schema_name from information_schema.schemata";
        let rows = self.session.rows(sql).map_err(|it| refused(sql, it))?;
        Ok(rows.into_iter().flatten().flatten().any(|it| it == database))
    }

    /// Makes the database that keeps live, as live was made.
    pub(super) fn make_kept(&mut self) -> Result<()> {
        let mut surroundings = self.record.of_live.surroundings.iter();
        let database = surroundings.find(|it| it.id.kind == Kind::Database);
        let get = |name| database.and_then(|it| it.get(name)).unwrap_or_default().to_owned();
        let sql = format!(
            "create database {} character set {} collate {}",
            quote_ident(&self.record.kept),
            get("charset"),
            get("collation")
        );
        self.run(&sql)
    }

    /// Gives tables other names: all of them at one instant.
    pub(super) fn rename(&mut self, moves: &[Move]) -> Result<()> {
        if moves.is_empty() {
            return Ok(());
        }
        self.run(&format!("set session lock_wait_timeout = {PATIENCE}"))?;
        let moves: Vec<_> = moves.iter().map(|it| format!("{} to {}", it.0, it.1)).collect();
        self.run(&format!("rename table {}", moves.join(", ")))
    }

    /// Makes the programs of some kinds in a database those of `wanted`. What nobody has written down stays: it is dropped
    /// nowhere.
    pub(super) fn settle(
        &mut self,
        database: &str,
        wanted: &Catalog,
        kinds: &[Kind],
    ) -> Result<()> {
        let now = self.catalog(database)?;
        for object in kinds.iter().flat_map(|it| now.of_kind(*it)) {
            let is_wanted = is_same(&now, wanted, &object.id);
            if !is_wanted && self.record.knows(object) {
                self.run_all(Dialect::MySql.removal(object))?;
            }
        }
        let missing = |it: &Object| kinds.contains(&it.id.kind) && !is_same(&now, wanted, &it.id);
        let events = |it: &Object| it.id.kind == Kind::Comment;
        let made = programs(wanted, kinds).filtered(|it| missing(it) || events(it));
        self.run_all(programs_again(&made, &now))
    }

    /// What a database holds; statements that name none are about it from now on.
    pub(super) fn catalog(&mut self, database: &str) -> Result<Catalog> {
        self.enter(database)?;
        introspect::mysql::catalog(&mut self.session, &[])
    }

    /// Statements that name no database are about this one from now on.
    pub(super) fn enter(&mut self, database: &str) -> Result<()> {
        let sql = format!("use {}", quote_ident(database));
        self.session.run(&sql).map_err(|it| refused(&sql, it))
    }

    /// The triggers of one side whose tables stand in live now, on the names that these have there.
    pub(super) fn placed_triggers(&mut self, whose: Whose) -> Result<Catalog> {
        let places = self.places()?;
        let mut placed = programs(self.record.catalog(whose), &[]);
        for (name, hidden) in self.record.tables(whose) {
            let Record { live, kept, .. } = &self.record;
            let has_left = self.moves && places.has(kept, &name);
            let is_home = whose == Whose::Live && places.has(live, &name) && !has_left;
            let now = match places.has(live, &hidden) {
                true => hidden,
                false if is_home => name.clone(),
                false => continue,
            };
            for trigger in self.record.catalog(whose).of_kind(Kind::Trigger) {
                if trigger.id.path.first() == Some(&name) {
                    let id = ObjectId::new(Kind::Trigger, [now.as_str(), trigger.id.name()]);
                    placed.insert(Object { id, ..trigger.clone() });
                }
            }
        }
        Ok(placed)
    }

    /// Makes columns of a database whose values come from a sequence of `from` take them from its own.
    pub(super) fn repoint(&mut self, database: &str, from: &str) -> Result<()> {
        self.enter(database)?;
        let sql = "select table_name, column_name, column_default from information_schema.columns \
                   where table_schema = database() and column_default like '%val(%'";
        for row in self.session.rows(sql).map_err(|it| refused(sql, it))? {
            let [Some(table), Some(column), Some(default)] = row.as_slice() else { continue };
            let here = without_database(default, from);
            if here != *default {
                let (table, column) = (quote_ident(table), quote_ident(column));
                self.run(&format!("alter table {table} alter {column} set default ({here})"))?;
            }
        }
        Ok(())
    }

    /// Makes every program of a side, on empty tables of the form of its own, in the database that keeps live: whether all
    /// of them come out the same, before anything is touched.
    pub(super) fn rehearse(&mut self, whose: Whose, wanted: &Catalog) -> Result<()> {
        let kept = self.record.kept.clone();
        let has_views = wanted.of_kind(Kind::View).next().is_some();
        for (name, _) in self.record.tables(whose) {
            if has_views || self.record.has_triggers(whose, &name) {
                let (to, like) = (quoted(&kept, &name), quoted(self.record.home(whose), &name));
                self.run(&format!("create table {to} like {like}"))?;
            }
        }
        self.settle(&kept, wanted, &PROGRAMS)?;
        self.prove(&kept, wanted)
    }

    /// Drops the empty tables of a rehearsal: those whose own are where they were.
    pub(super) fn drop_stubs(&mut self) -> Result<()> {
        if self.moves {
            return Ok(());
        }
        let (places, kept) = (self.places()?, self.record.kept.clone());
        let mut stubs = Vec::new();
        for name in places.within(&kept) {
            let sides = [Whose::Live, Whose::Copy];
            let is_home = sides.into_iter().any(|it| places.has(self.record.home(it), name));
            let is_sequence = sides.into_iter().any(|it| self.record.is_sequence(it, name));
            let table = quoted(&kept, name);
            if is_home && (is_sequence || self.is_empty(&table)?) {
                stubs.push(table);
            }
        }
        match stubs.is_empty() {
            true => Ok(()),
            false => self.run(&format!("drop table {}", stubs.join(", "))),
        }
    }

    fn is_empty(&mut self, table: &str) -> Result<bool> {
        let sql = format!("select 1 from {table} limit 1");
        self.session.rows(&sql).map(|it| it.is_empty()).map_err(|it| refused(&sql, it))
    }

    /// Drops the programs of a database that stand in the record, and the database if it is empty then.
    pub(super) fn dissolve(&mut self, database: &str) -> Result<()> {
        if !self.exists(database)? {
            return Ok(());
        }
        self.settle(database, &Catalog::default(), &PROGRAMS)?;
        self.drop_stubs()?;
        let live = self.record.live.clone();
        self.enter(database)?;
        let sql = COUNT_MYSQL_OBJECTS;
        let n = self.session.rows(sql).map_err(|it| refused(sql, it))?;
        self.enter(&live)?;
        match n.first().and_then(|it| it.first()?.as_deref()) {
            Some("0") => self.run(&format!("drop database {}", quote_ident(database))),
            _ => Ok(()),
        }
    }

    /// Refuses unless a database has all that `wanted` has.
    pub(super) fn prove(&mut self, database: &str, wanted: &Catalog) -> Result<()> {
        let now = self.catalog(database)?;
        let differs = wanted.objects().filter(|it| !is_same(&now, wanted, &it.id));
        let differs: Vec<_> = differs.map(|it| it.id.to_string()).collect();
        if differs.is_empty() {
            return Ok(());
        }
        let message = format!("{} would not be the same in `{database}`", differs.join(", "));
        Err(Error::new("swap-failed", message))
    }

    pub(super) fn run(&mut self, sql: &str) -> Result<()> {
        self.has_changed = true;
        let blocked = |session: &mut MySqlSession, cause| {
            let who = holders(session);
            Error::refusal("target-in-use", format!("tables stayed locked for {PATIENCE} s{who}"))
                .caused_by(cause)
                .next("stop the application, then run it again")
        };
        match self.session.run(sql) {
            Ok(()) => Ok(()),
            Err(cause) if cause.state == LOCKED => Err(blocked(&mut self.session, cause)),
            Err(cause) => Err(refused(sql, cause)),
        }
    }

    fn run_all(&mut self, statements: impl IntoIterator<Item = String>) -> Result<()> {
        statements.into_iter().try_for_each(|it| self.run(it.trim_end_matches(';')))
    }
}

/// Whether an object is in both with all that is said of it.
fn is_same(a: &Catalog, b: &Catalog, id: &ObjectId) -> bool {
    let comment = ObjectId::new(Kind::Comment, [id.kind.word(), id.name()]);
    let is_equal = a.get(id).is_some() && a.get(id) == b.get(id);
    is_equal && (id.kind != Kind::Event || a.get(&comment) == b.get(&comment))
}

/// Who has a transaction open: its locks last as long.
fn holders(session: &mut MySqlSession) -> String {
    let sql = "select trx_mysql_thread_id from information_schema.innodb_trx \
               where trx_mysql_thread_id not in (0, connection_id()) order by trx_started limit 3";
    let rows = session.rows(sql).unwrap_or_default();
    let ids: Vec<_> = rows.into_iter().flatten().flatten().collect();
    match ids.is_empty() {
        true => String::new(),
        false => format!("; open transactions: connection {}", ids.join(", ")),
    }
}

pub(super) fn refused(sql: &str, cause: SqlError) -> Error {
    const MAX: usize = 120;
    let words = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = words.chars().take(MAX).collect();
    let more = if cut.len() < words.len() { " …" } else { "" };
    Error::new("swap-failed", format!("the server refused: {cut}{more}")).caused_by(cause)
}
