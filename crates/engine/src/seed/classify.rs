//! What became of the seed rows in live.

use std::collections::BTreeMap;

use super::{SeedTable, literal_rows, mysql, postgres, sqlite};
use crate::connect::{Session, SqlError};

/// How many keys go into one query.
const BATCH: usize = 500;

/// The state of one seed table in live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableState {
    pub n_unchanged: usize,
    /// The key of each edited row, with the columns that differ.
    pub edited: Vec<(String, Vec<String>)>,
    /// The key of each row that is gone.
    pub deleted: Vec<String>,
    /// Rows that init.sql did not insert.
    pub n_user_made: usize,
}

/// Compares the seed rows of a table with live's.
///
/// # Errors
/// If live's table has not the columns of init.sql's, or cannot be read.
pub fn classify(live: &mut Session, table: &SeedTable) -> Result<TableState, SqlError> {
    let mut state = TableState::default();
    if table.key.is_empty() {
        count_whole_rows(live, table, &mut state)?;
    } else {
        for batch in table.rows.chunks(BATCH) {
            match_by_key(live, table, batch, &mut state)?;
        }
    }
    let matched = state.n_unchanged + state.edited.len();
    state.n_user_made = count_all(live, table)?.saturating_sub(matched);
    Ok(state)
}

fn match_by_key(
    live: &mut Session,
    table: &SeedTable,
    seeds: &[Vec<String>],
    state: &mut TableState,
) -> Result<(), SqlError> {
    let keys: Vec<_> = seeds.iter().map(|it| table.key_of(it)).collect();
    let sql = match live {
        Session::Postgres(_) => postgres::select_by_key(table, &keys),
        Session::MySql(_) => mysql::select_by_key(table, &keys),
        Session::Sqlite(_) => sqlite::select_by_key(table, &keys),
    };
    let found: BTreeMap<_, _> =
        literal_rows(live, &sql)?.into_iter().map(|row| (table.key_of(&row), row)).collect();
    for seed in seeds {
        let key = table.key_of(seed);
        let Some(row) = found.get(&key) else {
            state.deleted.push(key.join(", "));
            continue;
        };
        let differing = table.stable_columns().into_iter().filter(|at| seed[*at] != row[*at]);
        let columns: Vec<_> = differing.map(|at| table.columns[at].name.clone()).collect();
        if columns.is_empty() {
            state.n_unchanged += 1;
        } else {
            state.edited.push((key.join(", "), columns));
        }
    }
    Ok(())
}

/// Without a key an edited row cannot be told from a deleted one and a user-made one.
fn count_whole_rows(
    live: &mut Session,
    table: &SeedTable,
    state: &mut TableState,
) -> Result<(), SqlError> {
    let mut wanted: BTreeMap<Vec<String>, (usize, &Vec<String>)> = BTreeMap::new();
    for row in &table.rows {
        wanted.entry(table.key_of(row)).or_insert((0, row)).0 += 1;
    }
    for (key, (n_seeds, row)) in wanted {
        let sql = match live {
            Session::Postgres(_) => postgres::count_equal(table, row),
            Session::MySql(_) => mysql::count_equal(table, row),
            Session::Sqlite(_) => sqlite::count_equal(table, row),
        };
        let n_live = count(live, &sql)?;
        state.n_unchanged += n_seeds.min(n_live);
        let missing = n_seeds.saturating_sub(n_live);
        state.deleted.extend(std::iter::repeat_n(key.join(", "), missing));
    }
    Ok(())
}

fn count_all(live: &mut Session, table: &SeedTable) -> Result<usize, SqlError> {
    let sql = match live {
        Session::Postgres(_) => postgres::count(table),
        Session::MySql(_) => mysql::count(table),
        Session::Sqlite(_) => sqlite::count(table),
    };
    count(live, &sql)
}

fn count(session: &mut Session, sql: &str) -> Result<usize, SqlError> {
    let rows = session.rows(sql)?;
    Ok(rows.first().and_then(|it| it.first()?.as_deref()?.parse().ok()).unwrap_or(0))
}
