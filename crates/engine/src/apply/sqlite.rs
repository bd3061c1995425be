//! The row tripwire of SQLite: what a migration must not change, read before and after it in its own
//! transaction.
//!
//! `BEGIN IMMEDIATE` keeps other writers out, so every difference is the migration's. The foreign keys
//! are off while it runs: a rebuild drops the old table, and with them on every child row would go, or
//! lose its parent, without a trace in `foreign_key_check` (T46, T47).

use std::collections::BTreeSet;

use raingauge_schema::sqlite::rebuild::Effects;
use raingauge_schema::sqlite::token::tokens;
use raingauge_schema::{Catalog, Kind, Pair};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::rebuild;
use super::tripwire::{Named, changed, lost, unreadable};
use crate::connect::{SqliteSession, TextRow};
use crate::digest::sqlite::digest_of;
use crate::digest::{Digest, TableName};
use crate::{Error, Result};

/// What was there before a migration.
#[derive(Debug)]
pub(super) struct Tripwire {
    named: Named,
    effects: Effects,
    tables: Vec<Watched>,
    /// Words of the triggers' bodies: the tables that they write to are among them.
    in_triggers: BTreeSet<String>,
    /// Rows whose parent is missing: table, rowid, parent, number of the key.
    orphans: BTreeSet<TextRow>,
    counters: Vec<(String, i64)>,
}

#[derive(Debug)]
struct Watched {
    name: String,
    /// The columns that are there before and after, as SQL.
    columns: Vec<String>,
    n_rows: u64,
    digest: Digest,
}

/// Prepares a connection for migrations; outside a transaction, where the pragma still works.
pub(super) fn prepare(session: &mut SqliteSession) -> rusqlite::Result<()> {
    session.connection().pragma_update(None, "foreign_keys", false)
}

/// Whether a statement may set something off.
pub(super) fn has_triggers(session: &mut SqliteSession) -> rusqlite::Result<bool> {
    let triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' LIMIT 1";
    Ok(!list::<String>(session.connection(), triggers)?.is_empty())
}

impl Tripwire {
    /// Reads what is there. `rehearsed` are the catalogs before and after the migration in scratch.
    pub(super) fn arm(
        session: &mut SqliteSession,
        named: Named,
        effects: Effects,
        rehearsed: Option<Pair<&Catalog>>,
    ) -> Result<Self> {
        let connection = session.connection();
        // A quoted name that no table knows is an error then, and no text.
        let strict = !effects.rebuilds.is_empty();
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, !strict).map_err(unreadable)?;
        let mut tables = Vec::new();
        for name in names(connection).map_err(unreadable)? {
            if name.eq_ignore_ascii_case(&named.ledger) {
                continue;
            }
            let columns = columns(connection, &name, &effects, rehearsed).map_err(unreadable)?;
            let (n_rows, digest) = read(connection, &name, &columns).map_err(unreadable)?;
            tables.push(Watched { name, columns, n_rows, digest });
        }
        let in_triggers = in_triggers(connection).map_err(unreadable)?;
        let counters = counters(connection).map_err(unreadable)?;
        let orphans = orphans(session)?;
        Ok(Self { named, effects, tables, in_triggers, orphans, counters })
    }

    /// Compares with what is there now.
    ///
    /// # Errors
    /// `rows-lost`, `rows-changed` or `rows-orphaned`.
    pub(super) fn check(&self, session: &mut SqliteSession) -> Result<()> {
        let connection = session.connection();
        let now = names(connection).map_err(unreadable)?;
        for table in &self.tables {
            self.check_table(connection, table, &now)?;
        }
        self.keep_counters(connection).map_err(unreadable)?;
        self.check_orphans(session)
    }

    fn check_table(&self, connection: &Connection, table: &Watched, now: &[String]) -> Result<()> {
        if self.named.deleted(&table.name) {
            return Ok(());
        }
        let name = renamed(&self.effects, &table.name);
        if !now.iter().any(|it| it.eq_ignore_ascii_case(&name)) {
            return if table.n_rows == 0 {
                Ok(())
            } else {
                Err(lost(&table.name, table.n_rows, 0))
            };
        }
        let (n_rows, digest) = read(connection, &name, &table.columns).map_err(unreadable)?;
        if n_rows < table.n_rows {
            return Err(lost(&table.name, table.n_rows, n_rows));
        }
        let may_change = self.named.updated(&table.name) || self.may_get_rows(&table.name);
        if may_change || (n_rows == table.n_rows && digest == table.digest) {
            return Ok(());
        }
        Err(changed(&table.name, table.n_rows, n_rows))
    }

    /// Whether the migration, or a trigger that it fires, may write to the table. A rebuild fires none.
    fn may_get_rows(&self, table: &str) -> bool {
        let inserted = self.effects.inserted.iter().any(|it| it.eq_ignore_ascii_case(table));
        let rebuilt = self.effects.rebuild(table).is_some();
        inserted || (!rebuilt && self.in_triggers.contains(&table.to_ascii_lowercase()))
    }

    /// A new table counts from its largest row on, and ids of deleted rows would be given again.
    fn keep_counters(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (name, counter) in &self.counters {
            if self.effects.rebuild(name).is_some() {
                let keep = "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1 AND seq < ?2";
                connection.execute(keep, (name, counter))?;
            }
        }
        Ok(())
    }

    fn check_orphans(&self, session: &mut SqliteSession) -> Result<()> {
        let now = orphans(session)?;
        let count = |rows: &BTreeSet<TextRow>, table: &Option<String>| {
            rows.iter().filter(|it| it.first() == Some(table)).count()
        };
        for row in now.difference(&self.orphans) {
            let (Some(table), Some(parent)) = (row.first(), row.get(2)) else { continue };
            let name = table.clone().unwrap_or_default();
            let (n_before, n_now) = (count(&self.orphans, table), count(&now, table));
            // The rows of a table without an id of its own have new numbers after a rebuild.
            if self.effects.rebuild(&name).is_some() && n_now <= n_before {
                continue;
            }
            let parent = parent.clone().unwrap_or_default();
            return Err(Error::refusal(
                "rows-orphaned",
                format!("rows of `{name}` would refer to rows of `{parent}` that are not there ({n_now} afterwards, {n_before} before); the migration was rolled back"),
            )
            .next(format!("let the migration delete or change the rows of `{name}` first; SQLite's foreign keys do not act inside a migration")));
        }
        Ok(())
    }
}

fn renamed(effects: &Effects, table: &str) -> String {
    let step = |name: String, (from, to): &(String, String)| {
        if from.eq_ignore_ascii_case(&name) { to.clone() } else { name }
    };
    effects.renamed.iter().fold(table.to_owned(), step)
}

fn list<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Tables of the user's. What a virtual table keeps in tables of its own follows from others.
fn names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    list(
        connection,
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
}

fn in_triggers(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let bodies: Vec<String> =
        list(connection, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'")?;
    let words = |sql: &String| -> Vec<String> {
        let tokens = tokens(sql).unwrap_or_default();
        tokens.iter().filter_map(|it| Some(it.identifier()?.to_ascii_lowercase())).collect()
    };
    Ok(bodies.iter().flat_map(words).collect())
}

fn counters(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let exists = "SELECT name FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if list::<String>(connection, exists)?.is_empty() {
        return Ok(Vec::new());
    }
    let all = "SELECT name, CAST(seq AS INTEGER) FROM sqlite_sequence WHERE seq IS NOT NULL";
    connection.prepare(all)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn orphans(session: &mut SqliteSession) -> Result<BTreeSet<TextRow>> {
    let rows = session.rows("PRAGMA foreign_key_check").map_err(unreadable)?;
    Ok(rows.into_iter().collect())
}

fn read(
    connection: &Connection,
    table: &str,
    columns: &[String],
) -> rusqlite::Result<(u64, Digest)> {
    let columns = if columns.is_empty() { "NULL".to_owned() } else { columns.join(", ") };
    let table = TableName::new("", table).quoted();
    digest_of(connection, &format!("SELECT {columns} FROM main.{table}"))
}

/// The columns whose values have to stay: those that the table has after the migration too, and that
/// a rebuild fills from themselves.
fn columns(
    connection: &Connection,
    table: &str,
    effects: &Effects,
    rehearsed: Option<Pair<&Catalog>>,
) -> rusqlite::Result<Vec<String>> {
    let names = "SELECT name FROM pragma_table_info(?1)";
    let names: Vec<String> = connection
        .prepare(names)?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let types = rehearsed.and_then(|it| Types::of(it, table, effects));
    let column = |name: &String| {
        let quoted = TableName::new("", name).quoted();
        let is_moved = effects.rebuild(table).is_some_and(|it| {
            let same = |it: &str| it.eq_ignore_ascii_case(name);
            !it.columns.iter().any(|it| same(&it.0) && it.1.as_deref().is_some_and(same))
        });
        match types.as_ref().map(|it| it.fate(name)) {
            _ if is_moved => None,
            None | Some(Fate::Same) => Some(quoted),
            Some(Fate::Retyped) => Some(in_any_type(&quoted)),
            Some(Fate::Gone) => None,
        }
    };
    Ok(names.iter().filter_map(column).collect())
}

/// A value as text that is the same in whatever type a column keeps it: `5` and `5.0` are one number.
fn in_any_type(column: &str) -> String {
    format!(
        "CASE WHEN typeof({column}) = 'real' AND {column} = CAST({column} AS INTEGER) \
         THEN CAST(CAST({column} AS INTEGER) AS TEXT) ELSE CAST({column} AS TEXT) END"
    )
}

enum Fate {
    Same,
    Retyped,
    Gone,
}

/// The columns of a table before and after, with their types.
struct Types<'a> {
    before: Vec<(&'a str, &'a str)>,
    after: Vec<(&'a str, &'a str)>,
}

impl<'a> Types<'a> {
    fn of(rehearsed: Pair<&'a Catalog>, table: &str, effects: &Effects) -> Option<Self> {
        let before = Self::columns(rehearsed.from, table)?;
        let after = Self::columns(rehearsed.to, &renamed(effects, table)).unwrap_or_default();
        Some(Self { before, after })
    }

    fn columns(catalog: &'a Catalog, table: &str) -> Option<Vec<(&'a str, &'a str)>> {
        let id = rebuild::table(catalog, table)?;
        let columns = catalog.objects().filter(|it| it.id.kind == Kind::Column);
        let columns = columns.filter(|it| it.id.is_inside(id));
        Some(columns.map(|it| (it.id.name(), it.get("type").unwrap_or_default())).collect())
    }

    fn fate(&self, column: &str) -> Fate {
        let find = |all: &[(&'a str, &'a str)]| {
            all.iter().find(|it| it.0.eq_ignore_ascii_case(column)).map(|it| it.1)
        };
        match (find(&self.before), find(&self.after)) {
            (_, None) => Fate::Gone,
            (Some(before), Some(after)) if before != after => Fate::Retyped,
            (_, Some(_)) => Fate::Same,
        }
    }
}
