//! The row tripwire of MySQL and MariaDB, for statements that a transaction can take back: tables that no
//! statement names have to keep their rows, and the values in them.
//!
//! Before and after are read in the migration's own transaction, which sees other sessions' writes at neither
//! moment, so that every difference is its own. What a statement reaches without naming it: tables
//! whose keys follow others; those that a trigger or a routine speaks of; and any table, where a statement is not
//! understood. A table that gets rows is not compared value by value: what was there before cannot be told from
//! what came.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::mysql::grammar::quote_ident;

use super::tripwire::{Named, ROLLED_BACK, changed, lost, unreadable};
use crate::connect::{MySqlSession, SqlError};
use crate::digest::mysql as digest;
use crate::digest::mysql::row::Table;
use crate::digest::{Digest, TableDigest};
use crate::midway::store::STEPS;
use crate::{Error, Result};

/// A mark in the transaction: if it is gone, a statement has committed what came before.
const MARK: &str = "raingauge_rows";

const TRIGGERS: &str =
    "SELECT action_statement FROM information_schema.triggers WHERE trigger_schema = database()";

/// What triggers may call.
const ROUTINES: &str = "SELECT routine_definition FROM information_schema.routines \
    WHERE routine_schema = database()";

/// What was there before the statements of one transaction.
#[derive(Debug)]
pub(super) struct Tripwire {
    named: Named,
    tables: Vec<Watched>,
    /// Tables that change with others, by their foreign keys.
    followers: BTreeSet<String>,
}

#[derive(Debug)]
struct Watched {
    name: String,
    is_transactional: bool,
    n_rows: u64,
    /// Where values are compared, too.
    digest: Option<Digest>,
}

impl Watched {
    fn of(session: &mut MySqlSession, table: &Table, is_compared: bool) -> Result<Self> {
        let (n_rows, digest) = if is_compared {
            let TableDigest { n_rows, digest, .. } = digest::digest(session, table)?;
            (n_rows, Some(digest))
        } else {
            (counted(session, &table.name).map_err(unreadable)?, None)
        };
        let (name, is_transactional) = (table.name.clone(), table.is_transactional);
        Ok(Self { name, is_transactional, n_rows, digest })
    }
}

/// How a table is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    No,
    Count,
    Values,
}

impl Tripwire {
    pub(super) fn new(named: Named) -> Self {
        Self { named, tables: Vec::new(), followers: BTreeSet::new() }
    }

    /// Reads what is there; inside the transaction, whose snapshot begins with it.
    pub(super) fn arm(&mut self, session: &mut MySqlSession) -> Result<()> {
        session.run(&format!("SAVEPOINT {MARK}")).map_err(unreadable)?;
        digest::aside(session, |session| {
            let reach = Reach::of(session, &self.named).map_err(unreadable)?;
            for table in digest::tables(session)?.into_iter().filter(|it| !it.is_sequence) {
                let watch = reach.watch(&table.name, &self.named);
                if watch != Watch::No {
                    let is_compared = watch == Watch::Values;
                    self.tables.push(Watched::of(session, &table, is_compared)?);
                }
            }
            self.followers = reach.followers;
            Ok(())
        })
    }

    /// Compares with what the transaction has made of it; gives what is to be told.
    ///
    /// # Errors
    /// `rows-lost` or `rows-changed`; with what it is part of if it cannot be taken back as a whole.
    pub(super) fn check(&self, session: &mut MySqlSession) -> Result<Vec<String>> {
        let after: BTreeMap<_, _> = digest::aside(session, |session| {
            let tables = digest::tables(session)?;
            let find = |name: &String| tables.iter().find(|it| it.name == *name);
            let again = |it: &Watched| {
                let table = find(&it.name)?;
                let watched = Watched::of(session, table, it.digest.is_some());
                Some(watched.map(|watched| (it.name.clone(), watched)))
            };
            self.tables.iter().filter_map(again).collect::<Result<_>>()
        })?;
        let (mut told, mut wrong) = (Vec::new(), None);
        for before in &self.tables {
            match self.compare(before, after.get(&before.name)) {
                Ok(note) => told.extend(note),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        let Some(error) = wrong else { return Ok(told) };
        let is_marked = session.run(&format!("ROLLBACK TO SAVEPOINT {MARK}")).is_ok();
        Err(if is_marked { self.partly(error, &after) } else { committed(error) })
    }

    fn compare(&self, before: &Watched, after: Option<&Watched>) -> Result<Option<String>> {
        let name = &before.name;
        let n_after = after.map_or(0, |it| it.n_rows);
        if n_after < before.n_rows {
            return Err(lost(name, before.n_rows, n_after));
        }
        let is_same = after.is_none_or(|it| it.digest == before.digest);
        if is_same || before.n_rows < n_after || self.named.updated(name) {
            return Ok(None);
        }
        if self.followers.contains(name) {
            return Ok(Some(format!("values of `{name}` changed with those of another table")));
        }
        if self.named.is_understood {
            return Ok(Some(format!("values of `{name}` changed, set off by a trigger")));
        }
        Err(changed(name, before.n_rows, n_after))
    }

    /// The rows of a table without transactions stay as they are now.
    fn partly(&self, error: Error, after: &BTreeMap<String, Watched>) -> Error {
        let is_other = |it: &&Watched| {
            !it.is_transactional
                && after
                    .get(&it.name)
                    .is_none_or(|now| (now.n_rows, now.digest) != (it.n_rows, it.digest))
        };
        let names: Vec<_> = self.tables.iter().filter(is_other).map(|it| it.name.clone()).collect();
        if names.is_empty() {
            return error;
        }
        let names = names.join("`, `");
        let state = format!(
            "{ROLLED_BACK}, but not what it did to `{names}`, whose engine has no transactions"
        );
        stays(error, &state, "changes of tables without transactions")
    }
}

/// A statement, or what it called, has changed the structure, and MySQL commits before and after that.
fn committed(error: Error) -> Error {
    let state = "one of the statements has committed what came before it, as MySQL does with every change of the structure, so not all was rolled back";
    stays(error, state, "statements of a transaction that one of them committed")
}

/// The error where something stays.
fn stays(error: Error, state: &str, done: &str) -> Error {
    let message = error.message.replace(ROLLED_BACK, state).replace("would have", "has");
    let message = message.replace("would change", "have changed");
    error.next.iter().fold(Error::new(error.code, message), |it, step| it.next(step)).after(done)
}

/// What statements reach without naming it.
struct Reach {
    /// Tables whose rows go with those of a table that a statement deletes from, however far.
    cascades: BTreeSet<String>,
    followers: BTreeSet<String>,
    /// What triggers do, and routines that they may call; none where there are no triggers.
    programs: Vec<String>,
}

impl Reach {
    fn of(session: &mut MySqlSession, named: &Named) -> Result<Self, SqlError> {
        let mut programs = list(session, TRIGGERS)?;
        if !programs.is_empty() {
            programs.extend(list(session, ROUTINES)?);
        }
        programs.iter_mut().for_each(|it| *it = it.to_lowercase());
        let keys = Key::all(session)?;
        let cascades = reached(&keys, |key| key.cascades, |it| named.deleted(it));
        let is_touched = |it: &str| named.deleted(it) || named.updated(it) || cascades.contains(it);
        let followers = reached(&keys, |key| key.follows, is_touched);
        Ok(Self { cascades, followers, programs })
    }

    fn watch(&self, table: &str, named: &Named) -> Watch {
        if table == named.ledger || table == STEPS || named.deleted(table) {
            return Watch::No;
        }
        let in_programs = || {
            let name = table.to_lowercase();
            self.programs.iter().any(|it| it.contains(&name))
        };
        if !named.is_understood || self.followers.contains(table) || in_programs() {
            return if named.updated(table) { Watch::Count } else { Watch::Values };
        }
        let is_counted = !self.programs.is_empty() || self.cascades.contains(table);
        if is_counted { Watch::Count } else { Watch::No }
    }
}

/// A foreign key that does something to the rows of its table.
struct Key {
    table: String,
    parent: String,
    cascades: bool,
    follows: bool,
}

impl Key {
    fn all(session: &mut MySqlSession) -> Result<Vec<Self>, SqlError> {
        let rows = session.rows(
            "SELECT table_name, referenced_table_name, delete_rule, update_rule \
             FROM information_schema.referential_constraints WHERE constraint_schema = database()",
        )?;
        let key = |row: Vec<Option<String>>| {
            let mut values = row.into_iter().flatten();
            let (table, parent) = (values.next()?, values.next()?);
            let (deletes, updates) = (values.next()?, values.next()?);
            let sets = |rule: &str| ["SET NULL", "SET DEFAULT"].contains(&rule);
            let follows = sets(&deletes) || sets(&updates) || updates == "CASCADE";
            Some(Self { table, parent, cascades: deletes == "CASCADE", follows })
        };
        Ok(rows.into_iter().filter_map(key).collect())
    }
}

/// The tables that keys lead to from those with which it begins.
fn reached(
    keys: &[Key],
    leads: impl Fn(&Key) -> bool,
    begins: impl Fn(&str) -> bool,
) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    loop {
        let goes = |it: &&Key| {
            leads(it)
                && !reached.contains(&it.table)
                && (begins(&it.parent) || reached.contains(&it.parent))
        };
        let more: Vec<_> = keys.iter().filter(goes).map(|it| it.table.clone()).collect();
        if more.is_empty() {
            return reached;
        }
        reached.extend(more);
    }
}

fn list(session: &mut MySqlSession, sql: &str) -> Result<Vec<String>, SqlError> {
    Ok(session.rows(sql)?.into_iter().flatten().flatten().collect())
}

fn counted(session: &mut MySqlSession, table: &str) -> Result<u64, SqlError> {
    let rows = session.rows(&format!("SELECT count(*) FROM {}", quote_ident(table)))?;
    Ok(rows.into_iter().flatten().flatten().next().and_then(|it| it.parse().ok()).unwrap_or(0))
}
