//! Reads the catalog of a SQLite file: one query.

use raingauge_schema::Catalog;
use raingauge_schema::sqlite::catalog::{QUERY, SchemaRow, Series};

use crate::connect::{SqlError, SqliteSession};

/// The catalog without the tables that `is_ledger` names; what the series has seen is not parsed again.
pub(super) fn catalog(
    session: &mut SqliteSession,
    series: &mut Series,
    is_ledger: impl Fn(&str) -> bool,
) -> Result<Catalog, SqlError> {
    let rows = session.rows(QUERY)?.into_iter().map(|row| {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        SchemaRow {
            kind: next().unwrap_or_default(),
            name: next().unwrap_or_default(),
            table: next().unwrap_or_default(),
            sql: next(),
            table_type: next(),
        }
    });
    Ok(series.assemble(rows.collect(), is_ledger))
}
