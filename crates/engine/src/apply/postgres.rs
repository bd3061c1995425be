//! The row tripwire of PostgreSQL: how many rows each table has before and after a migration.
//!
//! The migration runs in one snapshot, so rows that others write meanwhile raise no false alarm; what
//! it names as tables to delete from is locked before the snapshot, so that no row comes in between.

use std::collections::{BTreeMap, BTreeSet};

use super::tripwire::{Named, lost, unreadable};
use crate::Result;
use crate::connect::{Session, SqlError};
use crate::digest::TableName;

/// Every table that this role can count, with the tables that it inherits from, and those whose
/// deletions delete its rows.
const TABLES: &str = "SELECT c.oid::int8, n.nspname, c.relname, c.relkind = 'r', \
        (SELECT string_agg(inhparent::int8::text, ' ') FROM pg_inherits WHERE inhrelid = c.oid), \
        (SELECT string_agg(confrelid::int8::text, ' ') FROM pg_constraint \
         WHERE conrelid = c.oid AND contype = 'f' AND confdeltype = 'c') \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' \
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
        AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')";

/// What was there before a migration. Tables are known by their number: they may be renamed.
#[derive(Debug)]
pub(super) struct Tripwire {
    tables: BTreeMap<String, Table>,
    /// Those that may lose rows because a statement names them.
    deleted: BTreeSet<String>,
    n_rows: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Table {
    name: TableName,
    holds_rows: bool,
    inherits: Vec<String>,
    cascades: Vec<String>,
}

impl Tripwire {
    /// Finds the tables; outside the transaction, whose snapshot has to come after its locks.
    pub(super) fn prepare(session: &mut Session, named: &Named) -> Result<Self, SqlError> {
        let tables = tables(session)?;
        let is_named = |it: &Table| may_go(named, &it.name);
        let deleted = tables.iter().filter(|it| is_named(it.1)).map(|it| it.0.clone()).collect();
        let deleted = with_descendants(&tables, deleted, |it| &it.inherits);
        Ok(Self { tables, deleted, n_rows: BTreeMap::new() })
    }

    /// The statement that keeps writers out of what is to be deleted, if there is any.
    pub(super) fn lock(&self) -> Option<String> {
        let names = self.deleted.iter().filter_map(|it| Some(self.tables.get(it)?.name.quoted()));
        let names: Vec<_> = names.map(|it| format!("ONLY {it}")).collect();
        let all = names.join(", ");
        (!names.is_empty()).then(|| format!("LOCK TABLE {all} IN SHARE ROW EXCLUSIVE MODE"))
    }

    /// Counts the rows, in the transaction.
    pub(super) fn arm(&mut self, session: &mut Session) -> Result<()> {
        for (oid, table) in self.tables.iter().filter(|it| it.1.holds_rows) {
            let n_rows = count(session, &table.name).map_err(unreadable)?;
            self.n_rows.insert(oid.clone(), n_rows);
        }
        Ok(())
    }

    /// Counts again; gives a line for each table that lost rows with those of another.
    ///
    /// # Errors
    /// `rows-lost`.
    pub(super) fn check(&self, session: &mut Session) -> Result<Vec<String>> {
        let now = tables(session).map_err(unreadable)?;
        let explained = with_descendants(&self.tables, self.deleted.clone(), |it| &it.cascades);
        let mut notes = Vec::new();
        for (oid, before) in &self.n_rows {
            let name = &self.tables[oid].name;
            if *before == 0 || self.deleted.contains(oid) {
                continue;
            }
            let after = match now.get(oid) {
                Some(it) => count(session, &it.name).map_err(unreadable)?,
                None => 0,
            };
            if after < *before && explained.contains(oid) {
                let n_lost = before - after;
                notes.push(format!("`{}` lost {n_lost} rows by ON DELETE CASCADE", shown(name)));
            } else if after < *before {
                return Err(lost(&shown(name), *before, after));
            }
        }
        Ok(notes)
    }
}

/// The name as hazards have it: without `public`.
fn shown(name: &TableName) -> String {
    if name.schema == "public" {
        name.table.clone()
    } else {
        format!("{}.{}", name.schema, name.table)
    }
}

fn may_go(named: &Named, name: &TableName) -> bool {
    let shown = shown(name);
    named.deleted(&shown) || named.deleted(&format!("{}.*", name.schema))
}

fn tables(session: &mut Session) -> Result<BTreeMap<String, Table>, SqlError> {
    let oids = |it: Option<String>| -> Vec<String> {
        it.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let table = |row: Vec<Option<String>>| {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        let oid = next().unwrap_or_default();
        let name = TableName::new(next().unwrap_or_default(), next().unwrap_or_default());
        let holds_rows = next().is_some_and(|it| it.starts_with('t'));
        let (inherits, cascades) = (oids(next()), oids(next()));
        (oid, Table { name, holds_rows, inherits, cascades })
    };
    Ok(session.rows(TABLES)?.into_iter().map(table).collect())
}

fn with_descendants(
    tables: &BTreeMap<String, Table>,
    mut found: BTreeSet<String>,
    parents: impl Fn(&Table) -> &Vec<String>,
) -> BTreeSet<String> {
    loop {
        let is_below = |it: &Table| parents(it).iter().any(|parent| found.contains(parent));
        let more: Vec<_> = tables
            .iter()
            .filter(|(oid, it)| !found.contains(*oid) && is_below(it))
            .map(|it| it.0.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn count(session: &mut Session, name: &TableName) -> Result<u64, SqlError> {
    let rows = session.rows(&format!("SELECT count(*) FROM ONLY {}", name.quoted()))?;
    Ok(rows.first().and_then(|it| it.first()?.as_deref()?.parse().ok()).unwrap_or(0))
}
