//! Seed rows: what init.sql inserts, what became of it in live, and the data migration it makes.
//!
//! init.sql is built twice in scratch. What differs between the two builds is volatile (`now()`,
//! random ids): such a column is left out of the match and, where the column has a default and no other
//! row relies on it, out of the file too. Rows are matched by key, whole rows where there is none; live's
//! own rows are counted and never copied anywhere.
//!
//! Reading order: this file (what the builds hold) → `shape` (what the catalogs say of it, and what live
//! takes) → `settle` (random ids) → `classify` (live) · `file` (the migration), which uses `order` and `switches` · `postgres`, `mysql`
//! and `sqlite` (the SQL).

mod classify;
mod file;
mod mysql;
mod order;
mod postgres;
mod settle;
mod shape;
mod sqlite;
mod switches;

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::catalog::{Catalog, ObjectId};

use crate::connect::{Session, SqlError};

pub use classify::{TableState, classify};
pub use file::{SeedFile, seed_file};
pub use shape::fit;

/// What cuts a migration into statements, wherever it stands: a value that holds it has to hide it.
const BREAKPOINT: &str = "--> statement-breakpoint";

/// One column of a table that init.sql fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedColumn {
    pub name: String,
    /// The type as the catalog spells it.
    pub sql_type: String,
    pub has_default: bool,
    /// Whether the value differs between two builds of init.sql.
    pub volatile: bool,
    /// Whether rows are found by it: part of the primary key, or of either end of a foreign key.
    pub linked: bool,
}

/// One table that init.sql fills, with its rows as literals of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedTable {
    pub id: ObjectId,
    pub columns: Vec<SeedColumn>,
    /// Positions in `columns` of the primary key; empty where rows can only be matched whole.
    pub key: Vec<usize>,
    /// One literal per column, as SQL takes it (`NULL`, `'x'`, `3`).
    pub rows: Vec<Vec<String>>,
    /// Whether other tables inherit from it, so that their rows would show as its own.
    pub(crate) has_heirs: bool,
    /// Whether live gives a column another type than init.sql.
    pub(crate) retyped: bool,
}

impl SeedTable {
    /// The key of a row; the whole row without its volatile values where there is no key.
    pub(crate) fn key_of(&self, row: &[String]) -> Vec<String> {
        self.key_columns().into_iter().map(|at| row[at].clone()).collect()
    }

    /// Positions of the columns that tell rows apart.
    pub(crate) fn key_columns(&self) -> Vec<usize> {
        if self.key.is_empty() { self.stable_columns() } else { self.key.clone() }
    }

    /// Positions of the columns that the file gives. A volatile value belongs to the moment: where a
    /// default makes a new one and no row relies on it, the file leaves it out.
    pub(crate) fn written_columns(&self) -> Vec<usize> {
        let is_written = |at: &usize| {
            let column = &self.columns[*at];
            !column.volatile || column.linked || !column.has_default
        };
        (0..self.columns.len()).filter(is_written).collect()
    }

    /// Positions of the columns whose values are the same in every build.
    pub(crate) fn stable_columns(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|at| !self.columns[*at].volatile).collect()
    }
}

/// Reads the seed rows from two builds of init.sql.
///
/// # Errors
/// If a query fails in scratch.
pub fn read(
    first: &mut Session,
    second: &mut Session,
    catalog: &Catalog,
) -> Result<Vec<SeedTable>, SqlError> {
    let mut tables = Vec::new();
    for mut table in shape::of_all(catalog) {
        table.rows = rows(first, &table)?;
        if table.rows.is_empty() {
            continue;
        }
        let again = rows(second, &table)?;
        mark_volatile(&mut table, &again);
        tables.push(table);
    }
    // Parents first, so that a random id belongs to the row that others refer to.
    let mut tables = order::parents_first(tables, catalog);
    settle::settle(&mut tables);
    Ok(tables)
}

/// Reads all rows of a seed table, as literals. The session has to be a pinned one, whose values print the
/// same everywhere.
///
/// # Errors
/// If the table has not these columns.
pub fn rows(session: &mut Session, table: &SeedTable) -> Result<Vec<Vec<String>>, SqlError> {
    let sql = match session {
        Session::Postgres(_) => postgres::select(table),
        Session::MySql(_) => mysql::select(table),
        Session::Sqlite(_) => sqlite::select(table),
    };
    literal_rows(session, &sql)
}

/// Spells the rows as live would, where live gives a column another type.
///
/// # Errors
/// If a value does not fit live's type.
pub fn respell(live: &mut Session, table: &mut SeedTable) -> Result<(), SqlError> {
    if let (Session::Postgres(_), true) = (&live, table.retyped) {
        table.rows = literal_rows(live, &postgres::respell(table))?;
    }
    Ok(())
}

/// What a database that the seed migration filled has instead of the seed rows: how many rows were
/// wanted, and how many are there. `None` if the rows are the same, what the file leaves out aside.
///
/// # Errors
/// If the table has not these columns.
pub fn difference(
    filled: &mut Session,
    table: &SeedTable,
) -> Result<Option<(usize, usize)>, SqlError> {
    let written = table.written_columns();
    let given = |row: &Vec<String>| written.iter().map(|at| row[*at].clone()).collect::<Vec<_>>();
    let mut wanted: Vec<_> = table.rows.iter().map(given).collect();
    let mut found: Vec<_> = rows(filled, table)?.iter().map(given).collect();
    wanted.sort();
    found.sort();
    Ok((wanted != found).then_some((wanted.len(), found.len())))
}

fn literal_rows(session: &mut Session, sql: &str) -> Result<Vec<Vec<String>>, SqlError> {
    let literal = match session {
        Session::Postgres(_) => postgres::literal,
        Session::MySql(_) => mysql::literal,
        Session::Sqlite(_) => sqlite::literal,
    };
    let rows = session.rows(sql)?;
    Ok(rows.into_iter().map(|row| row.into_iter().map(literal).collect()).collect())
}

/// A column is volatile when any row has another value in the second build.
fn mark_volatile(table: &mut SeedTable, again: &[Vec<String>]) {
    let by_key: BTreeMap<Vec<String>, &Vec<String>> = if table.key.is_empty() {
        BTreeMap::new()
    } else {
        again.iter().map(|row| (table.key_of(row), row)).collect()
    };
    let mut volatile = BTreeSet::new();
    for (at, row) in table.rows.iter().enumerate() {
        // A random key finds no partner: then rows are paired as they were inserted.
        let twin = by_key.get(&table.key_of(row)).copied().or_else(|| again.get(at));
        let Some(twin) = twin else { continue };
        volatile.extend((0..row.len()).filter(|column| row[*column] != twin[*column]));
    }
    for at in volatile {
        table.columns[at].volatile = true;
    }
    // A volatile key matches nothing: fall back to whole rows.
    if table.key.iter().any(|at| table.columns[*at].volatile) {
        table.key.clear();
    }
}
