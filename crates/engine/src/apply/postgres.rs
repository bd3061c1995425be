//! The row tripwire of PostgreSQL: what a migration does to rows, also to those that no statement names.
//!
//! The server counts for each table how many rows the open transaction deleted and updated, whoever set
//! that off: a cascade, a trigger, a function. What others do meanwhile is not among it. Where statements
//! delete, rewrite or are not understood, the rows are counted too, in one snapshot: a `TRUNCATE` is in no
//! such number. What is named as a table to delete from is locked before that, so that no row comes in.

use std::collections::{BTreeMap, BTreeSet};

use super::tripwire::{Named, gone, lost, overwritten, unreadable};
use crate::Result;
use crate::connect::{Session, SqlError};
use crate::digest::{self, TableDigest, TableName};

/// Every table that this role can see, with the tables that it inherits from, those whose deletions
/// delete its rows, and those whose changes change them; then what the open transaction did to it.
const TABLES: &str = "SELECT c.oid::int8, n.nspname, c.relname, c.relkind = 'r', \
        (SELECT string_agg(inhparent::int8::text, ' ') FROM pg_inherits WHERE inhrelid = c.oid), \
        (SELECT string_agg(confrelid::int8::text, ' ') FROM pg_constraint \
         WHERE conrelid = c.oid AND contype = 'f' AND confdeltype = 'c'), \
        (SELECT string_agg(confrelid::int8::text, ' ') FROM pg_constraint \
         WHERE conrelid = c.oid AND contype = 'f' \
            AND (confdeltype IN ('n', 'd') OR confupdtype IN ('c', 'n', 'd'))), \
        has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), \
        pg_stat_get_xact_tuples_deleted(c.oid), pg_stat_get_xact_tuples_updated(c.oid), \
        pg_relation_filenode(c.oid), coalesce(pg_relation_size(c.oid), 0) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' \
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";

/// What was there before a migration. Tables are known by their number: they may be renamed.
#[derive(Debug)]
pub(super) struct Tripwire {
    named: Named,
    tables: BTreeMap<String, Table>,
    /// Those that may lose rows because a statement names them.
    deleted: BTreeSet<String>,
    /// Whether rows are counted, and not only what the server says of the transaction.
    counts: bool,
    n_rows: BTreeMap<String, u64>,
    /// Whether the server's numbers are in doubt: they have what a part of the transaction did that was taken
    /// back (an `EXCEPTION` of a function). Then every value is read before and after.
    doubts: bool,
    digests: BTreeMap<String, TableDigest>,
}

#[derive(Debug)]
struct Table {
    name: TableName,
    holds_rows: bool,
    inherits: Vec<String>,
    cascades: Vec<String>,
    follows: Vec<String>,
    is_readable: bool,
    n_deleted: u64,
    n_updated: u64,
    /// The file with its rows: another one after `TRUNCATE`, or when it is written anew.
    file: String,
    is_empty: bool,
}

impl Tripwire {
    /// Finds the tables; outside the transaction, whose snapshot has to come after its locks.
    pub(super) fn prepare(
        session: &mut Session,
        named: Named,
        doubts: bool,
    ) -> Result<Self, SqlError> {
        let is_told = session.rows("SELECT current_setting('track_counts')")?;
        let is_told = is_told.into_iter().flatten().flatten().any(|it| it == "on");
        let counts = doubts || !named.only_adds || !is_told;
        let tables = tables(session)?;
        let is_named = |it: &Table| may_go(&named, &it.name);
        let deleted = tables.iter().filter(|it| is_named(it.1)).map(|it| it.0.clone()).collect();
        let deleted = with_descendants(&tables, deleted, |it| &it.inherits);
        let (n_rows, digests) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { named, tables, deleted, counts, n_rows, doubts, digests })
    }

    /// Counting twice takes one snapshot.
    pub(super) fn isolation(&self) -> &'static str {
        if self.counts { "REPEATABLE READ" } else { "READ COMMITTED" }
    }

    /// The statement that keeps writers out of what is to be deleted, if there is any.
    pub(super) fn lock(&self) -> Option<String> {
        let names = self.deleted.iter().filter_map(|it| Some(self.tables.get(it)?.name.quoted()));
        let names: Vec<_> = names.map(|it| format!("ONLY {it}")).collect();
        let all = names.join(", ");
        (!names.is_empty()).then(|| format!("LOCK TABLE {all} IN SHARE ROW EXCLUSIVE MODE"))
    }

    /// Reads what the tables hold, in the transaction. What this session did just before may still be in
    /// the server's numbers.
    pub(super) fn arm(&mut self, session: &mut Session) -> Result<()> {
        self.tables = tables(session).map_err(unreadable)?;
        if !self.counts {
            return Ok(());
        }
        for (oid, table) in self.tables.iter().filter(|it| it.1.holds_rows && it.1.is_readable) {
            let n_rows = count(session, &table.name).map_err(unreadable)?;
            self.n_rows.insert(oid.clone(), n_rows);
            if self.doubts {
                self.digests.extend(digest(session, &table.name)?.map(|it| (oid.clone(), it)));
            }
        }
        Ok(())
    }

    /// Whether a table holds exactly what it held, whatever was tried in between.
    fn is_untouched(
        &self,
        session: &mut Session,
        oid: &str,
        after: Option<&Table>,
    ) -> Result<bool> {
        let (Some(before), Some(after)) = (self.digests.get(oid), after) else { return Ok(false) };
        let now = digest(session, &after.name)?;
        Ok(now.is_some_and(|it| (it.n_rows, it.digest) == (before.n_rows, before.digest)))
    }

    /// Looks again; gives a line for each table that lost or changed rows with those of another.
    ///
    /// # Errors
    /// `rows-lost` or `rows-changed`.
    pub(super) fn check(&self, session: &mut Session) -> Result<Vec<String>> {
        let now = tables(session).map_err(unreadable)?;
        let cascaded = with_descendants(&self.tables, self.deleted.clone(), |it| &it.cascades);
        let is_updated = |it: &Table| self.named.updated(&shown(&it.name));
        let updated = self.tables.iter().filter(|it| is_updated(it.1)).map(|it| it.0.clone());
        let updated: BTreeSet<_> = updated.collect();
        // A row that changes its partition is deleted in one and inserted in another.
        let partitions = with_descendants(&self.tables, updated.clone(), |it| &it.inherits);
        let may_move = |oid: &String| partitions.contains(oid) && !updated.contains(oid);
        let followed: BTreeSet<_> = cascaded.union(&updated).cloned().collect();
        let followed = with_descendants(&self.tables, followed, |it| &it.follows);
        let mut notes = Vec::new();
        for (oid, before) in self.tables.iter().filter(|it| it.1.holds_rows) {
            if self.deleted.contains(oid) || may_move(oid) {
                continue;
            }
            let after = now.get(oid);
            if self.is_untouched(session, oid, after)? {
                continue;
            }
            notes.extend(self.losses(session, (oid, before), after, cascaded.contains(oid))?);
            notes.extend(self.changes(before, after, followed.contains(oid))?);
        }
        Ok(notes)
    }

    fn losses(
        &self,
        session: &mut Session,
        (oid, before): (&String, &Table),
        after: Option<&Table>,
        is_explained: bool,
    ) -> Result<Option<String>> {
        let name = shown(&before.name);
        let mut n_lost = after.map_or(0, |it| it.n_deleted.saturating_sub(before.n_deleted));
        if let Some(n_before) = self.n_rows.get(oid) {
            let n_after = match after {
                Some(it) => count(session, &it.name).map_err(unreadable)?,
                None => 0,
            };
            if n_after < *n_before && !is_explained {
                return Err(lost(&name, *n_before, n_after));
            }
            n_lost = n_lost.max(n_before.saturating_sub(n_after));
        } else if !before.is_empty && after.is_none_or(|it| it.file != before.file) {
            // No statement could, so something was set off that emptied it, or wrote it anew.
            return Err(gone(&name, "all rows"));
        }
        match (n_lost, is_explained) {
            (0, _) => Ok(None),
            (_, true) => Ok(Some(format!("`{name}` lost {n_lost} rows by ON DELETE CASCADE"))),
            (_, false) => Err(gone(&name, &format!("{n_lost} rows"))),
        }
    }

    /// T47: a key that follows its parent loses the reference and keeps the row. What a trigger changes
    /// beside a known statement is told; what nobody can explain is not kept.
    fn changes(
        &self,
        before: &Table,
        after: Option<&Table>,
        is_explained: bool,
    ) -> Result<Option<String>> {
        let name = shown(&before.name);
        let n_rows = after.map_or(0, |it| it.n_updated.saturating_sub(before.n_updated));
        if n_rows == 0 || self.named.updated(&name) {
            return Ok(None);
        }
        match (is_explained, self.named.is_understood) {
            (true, _) => {
                Ok(Some(format!("`{name}` changed in {n_rows} rows with those of another")))
            }
            (false, true) => Ok(Some(format!(
                "`{name}` changed in {n_rows} rows, set off by a trigger or a function"
            ))),
            (false, false) => Err(overwritten(&name, n_rows)),
        }
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
        let (inherits, cascades, follows) = (oids(next()), oids(next()), oids(next()));
        let is_readable = next().is_some_and(|it| it.starts_with('t'));
        let mut number = || next().and_then(|it| it.parse().ok()).unwrap_or(0);
        let (n_deleted, n_updated) = (number(), number());
        let file = next().unwrap_or_default();
        let is_empty = next().is_none_or(|it| it == "0");
        let table = Table {
            name,
            holds_rows,
            inherits,
            cascades,
            follows,
            is_readable,
            n_deleted,
            n_updated,
            file,
            is_empty,
        };
        (oid, table)
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

fn digest(session: &mut Session, name: &TableName) -> Result<Option<TableDigest>> {
    Ok(digest::digests(session, std::slice::from_ref(name))?.pop())
}

fn count(session: &mut Session, name: &TableName) -> Result<u64, SqlError> {
    let rows = session.rows(&format!("SELECT count(*) FROM ONLY {}", name.quoted()))?;
    Ok(rows.first().and_then(|it| it.first()?.as_deref()?.parse().ok()).unwrap_or(0))
}
