//! The seed rows as a migration of their own.

use std::collections::BTreeMap;

use super::{SeedTable, literal_rows, postgres, sqlite};
use crate::connect::{Session, SqlError};

/// How many rows go into one statement.
const ROWS_PER_STATEMENT: usize = 500;

/// The statements of the seed migration: each may run again without harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedFile {
    pub statements: Vec<String>,
    pub n_rows: usize,
}

/// Writes the seed rows as statements, sequences last. `built` is a build of init.sql.
///
/// # Errors
/// If a query fails in scratch.
pub fn seed_file(built: &mut Session, tables: &[SeedTable]) -> Result<SeedFile, SqlError> {
    let mut file = SeedFile::default();
    for table in tables {
        let columns = written_columns(table);
        let rows: Vec<&Vec<String>> = table.rows.iter().collect();
        // Rows without a key go in at once: the first batch would make the table look filled.
        let size = if table.key.is_empty() { rows.len() } else { ROWS_PER_STATEMENT };
        for batch in rows.chunks(size.max(1)) {
            file.statements.push(match built {
                Session::Postgres(_) => postgres::insert(table, &columns, batch),
                Session::Sqlite(_) => sqlite::insert(table, &columns, batch),
            });
        }
        file.n_rows += rows.len();
    }
    if let Session::Postgres(_) = built {
        file.statements.extend(sequence_statements(built)?);
    }
    Ok(file)
}

/// A volatile value belongs to the moment; where a default makes a new one, the file leaves it out.
fn written_columns(table: &SeedTable) -> Vec<usize> {
    let written = |at: &usize| {
        let column = &table.columns[*at];
        !(column.volatile && column.has_default)
    };
    (0..table.columns.len()).filter(written).collect()
}

/// T31: explicit ids leave a sequence behind; it has to end up past the seeds.
fn sequence_statements(built: &mut Session) -> Result<Vec<String>, SqlError> {
    let mut states: BTreeMap<String, i64> = BTreeMap::new();
    for row in built.rows(postgres::SEQUENCES)? {
        let [Some(name), last, table, column] = row.as_slice() else { continue };
        let mut value: Option<i64> = last.as_deref().and_then(|it| it.parse().ok());
        if let (Some(table), Some(column)) = (table, column) {
            let greatest = literal_rows(built, &format!("SELECT max({column}) FROM {table}"))?;
            let greatest = greatest.first().and_then(|it| it.first());
            let greatest = greatest.and_then(|it| it.trim_matches('\'').parse().ok());
            value = value.max(greatest);
        }
        if let Some(value) = value {
            states.insert(name.clone(), value);
        }
    }
    Ok(states.iter().map(|(name, value)| postgres::advance(name, *value)).collect())
}
