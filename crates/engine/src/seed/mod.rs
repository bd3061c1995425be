//! Seed rows: what init.sql inserts, what became of it in live, and the data migration it makes.
//!
//! init.sql is built twice in scratch. What differs between the two builds is volatile (`now()`,
//! random ids): such a column is left out of the match and, where the column has a default, out of
//! the file too. Rows are matched by key, whole rows where there is none; live's own rows are counted
//! and never copied anywhere.

mod classify;
mod file;
mod postgres;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::catalog::{Catalog, Kind, Object, ObjectId};

use crate::connect::{Session, SqlError};

pub use classify::{TableState, classify};
pub use file::{SeedFile, seed_file};

/// One column of a table that init.sql fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedColumn {
    pub name: String,
    /// The type as the catalog spells it.
    pub sql_type: String,
    pub has_default: bool,
    /// Whether the value differs between two builds of init.sql.
    pub volatile: bool,
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
    for object in catalog.of_kind(Kind::Table).filter(|it| holds_rows(it)) {
        let mut table = shape(catalog, object);
        table.rows = rows(first, &table)?;
        if table.rows.is_empty() {
            continue;
        }
        let again = rows(second, &table)?;
        mark_volatile(&mut table, &again);
        tables.push(table);
    }
    Ok(in_dependency_order(tables, catalog))
}

/// Reads all rows of a seed table, in key order, as literals.
///
/// # Errors
/// If the table has not these columns.
pub fn rows(session: &mut Session, table: &SeedTable) -> Result<Vec<Vec<String>>, SqlError> {
    let columns: Vec<_> = table.columns.iter().map(|it| it.name.as_str()).collect();
    let sql = match session {
        Session::Postgres(_) => postgres::select(&table.id, &columns),
        Session::Sqlite(_) => sqlite::select(&table.id, &columns),
    };
    literal_rows(session, &sql)
}

fn literal_rows(session: &mut Session, sql: &str) -> Result<Vec<Vec<String>>, SqlError> {
    let literal = match session {
        Session::Postgres(_) => postgres::literal,
        Session::Sqlite(_) => sqlite::literal,
    };
    let rows = session.rows(sql)?;
    Ok(rows.into_iter().map(|row| row.into_iter().map(literal).collect()).collect())
}

fn holds_rows(table: &Object) -> bool {
    // A partitioned table shows its partitions' rows; the partitions themselves would repeat them.
    table.get("virtual").is_none() && table.get("partition of").is_none()
}

fn shape(catalog: &Catalog, table: &Object) -> SeedTable {
    let mut columns: Vec<&Object> =
        catalog.inside(&table.id).filter(|it| it.id.kind == Kind::Column).collect();
    columns.retain(|it| it.get("generated").is_none());
    columns.sort_by_key(|it| it.get("position").and_then(|it| it.parse::<u32>().ok()));
    let key = catalog
        .inside(&table.id)
        .find(|it| it.id.kind == Kind::PrimaryKey)
        .and_then(|it| it.get("columns"))
        .map(|it| it.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .unwrap_or_default();
    let position = |name: &String| {
        columns
            .iter()
            .position(|it| it.id.name() == name || it.id.dotted().ends_with(&format!(".{name}")))
    };
    let key = key.iter().map(position).collect::<Option<Vec<_>>>().unwrap_or_default();
    let column = |it: &&Object| SeedColumn {
        name: it.id.name().to_owned(),
        sql_type: it.get("type").unwrap_or_default().to_owned(),
        has_default: it.get("default").is_some()
            || it.get("identity").is_some()
            || it.get("rowid").is_some(),
        volatile: false,
    };
    SeedTable {
        id: table.id.clone(),
        columns: columns.iter().map(column).collect(),
        key,
        rows: Vec::new(),
    }
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

/// Parents before children; tables in a cycle keep the order of their names.
fn in_dependency_order(mut tables: Vec<SeedTable>, catalog: &Catalog) -> Vec<SeedTable> {
    let mut ordered: Vec<SeedTable> = Vec::new();
    while !tables.is_empty() {
        let waiting: BTreeSet<ObjectId> = tables.iter().map(|it| it.id.clone()).collect();
        let ready = |it: &SeedTable| {
            parents(catalog, &it.id).all(|parent| parent == it.id || !waiting.contains(&parent))
        };
        let at = tables.iter().position(ready).unwrap_or(0);
        ordered.push(tables.remove(at));
    }
    ordered
}

fn parents<'a>(catalog: &'a Catalog, table: &'a ObjectId) -> impl Iterator<Item = ObjectId> + 'a {
    let keys = catalog.inside(table).filter(|it| it.id.kind == Kind::ForeignKey);
    keys.filter_map(|it| it.get("references")).filter_map(|name| {
        catalog.of_kind(Kind::Table).find(|it| it.id.dotted() == name).map(|it| it.id.clone())
    })
}
