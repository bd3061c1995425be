//! The seed rows as a migration of their own.

use std::collections::BTreeMap;

use raingauge_schema::catalog::{Catalog, Kind, Object, ObjectId};
use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};

use super::switches::Switches;
use super::{SeedTable, literal_rows, mysql, order, postgres, sqlite};
use crate::connect::{Session, SqlError};

/// How many rows go into one statement.
const ROWS_PER_STATEMENT: usize = 500;

/// The statements of the seed migration: each may run again without harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedFile {
    pub statements: Vec<String>,
    pub n_rows: usize,
}

/// Writes the seed rows as statements, sequences last. `built` is a build of init.sql, `catalog` is
/// live's, and the tables are [fitted](super::fit) to it.
///
/// # Errors
/// If a query fails.
pub fn seed_file(
    built: &mut Session,
    live: &mut Session,
    catalog: &Catalog,
    tables: &[SeedTable],
) -> Result<SeedFile, SqlError> {
    let mut file = SeedFile::default();
    let switches = Switches::of(live, catalog, tables)?;
    file.statements.extend(switches.before);
    for table in tables {
        let columns = table.written_columns();
        let rows: Vec<&Vec<String>> = table.rows.iter().collect();
        // Rows without a key go in at once: the first batch would make the table look filled.
        let at_once = table.key.is_empty() || order::refers_to_itself(table, catalog);
        let size = if at_once { rows.len() } else { ROWS_PER_STATEMENT };
        for batch in rows.chunks(size.max(1)) {
            file.statements.push(match built {
                Session::Postgres(_) => postgres::insert(table, &columns, batch),
                Session::MySql(_) => mysql::insert(table, &columns, batch),
                Session::Sqlite(_) => sqlite::insert(table, &columns, batch),
            });
        }
        file.n_rows += rows.len();
    }
    file.statements.extend(switches.after);
    if let Session::Postgres(_) = built {
        file.statements.extend(sequence_statements(built, catalog)?);
        file.statements.extend(refreshes(live, tables)?);
    }
    if let Session::MySql(_) = built {
        file.statements.extend(mariadb_sequences(built, catalog));
    }
    Ok(file)
}

/// The baseline filled materialized views before there were rows to show.
fn refreshes(live: &mut Session, tables: &[SeedTable]) -> Result<Vec<String>, SqlError> {
    let names: Vec<_> =
        tables.iter().map(|it| quote_literal(&postgres::table_name(&it.id))).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let views = live.rows(&postgres::select_readers(&names.join(", ")))?.into_iter();
    let quoted = views.map(|it| it.into_iter().flatten().map(|it| quote_ident(&it)).collect());
    Ok(quoted.map(|it: Vec<_>| format!("REFRESH MATERIALIZED VIEW {}", it.join("."))).collect())
}

/// T31 for the sequences of MariaDB. One that init.sql does not make was not moved by it.
fn mariadb_sequences(built: &mut Session, live: &Catalog) -> Vec<String> {
    let mut statements = Vec::new();
    for sequence in live.of_kind(Kind::Sequence) {
        let rows = built.rows(&mysql::select_sequence(&sequence.id)).unwrap_or_default();
        let values = rows.into_iter().flatten().map(|it| it?.parse::<i64>().ok());
        if let [Some(next), Some(start), Some(step)] = values.collect::<Vec<_>>().as_slice()
            && next != start
            && 0 < *step
        {
            statements.push(mysql::advance(&sequence.id, next - step));
        }
    }
    statements
}

/// T31: explicit ids leave a sequence behind; it has to end up past the seeds.
fn sequence_statements(built: &mut Session, live: &Catalog) -> Result<Vec<String>, SqlError> {
    let mut states: BTreeMap<ObjectId, i64> = BTreeMap::new();
    for row in built.rows(postgres::SEQUENCES)? {
        let [Some(schema), Some(name), last, owner @ ..] = row.as_slice() else { continue };
        let mut value: Option<i64> = last.as_deref().and_then(|it| it.parse().ok());
        let owner: Option<Vec<&str>> = owner.iter().map(Option::as_deref).collect();
        if let Some(owner) = &owner {
            let greatest = literal_rows(built, &postgres::select_greatest(owner))?;
            let greatest = greatest.first().and_then(|it| it.first());
            let greatest = greatest.and_then(|it| it.trim_matches('\'').parse().ok());
            value = value.max(greatest);
        }
        let id = ObjectId::new(Kind::Sequence, [schema, name]);
        if let (Some(value), Some(id)) = (value, live_sequence(live, id, owner.as_deref())) {
            let state = states.entry(id).or_insert(value);
            *state = value.max(*state);
        }
    }
    Ok(states.iter().map(|(id, value)| postgres::advance(id, *value)).collect())
}

/// The same sequence in live: the one of this name, or the one that the same column owns.
fn live_sequence(live: &Catalog, id: ObjectId, owner: Option<&[&str]>) -> Option<ObjectId> {
    if live.get(&id).is_some() {
        return Some(id);
    }
    let column = ObjectId::new(Kind::Column, owner?.iter().copied()).dotted();
    let is_owned = |it: &&Object| it.get("owned by") == Some(column.as_str());
    live.of_kind(Kind::Sequence).find(is_owned).map(|it| it.id.clone())
}
