//! Ledgers in SQLite.

use raingauge_schema::drizzle::ledger::LedgerRow;
use raingauge_schema::sqlite::grammar::quote_literal;

use super::{LedgerName, created_at};
use crate::connect::{SqlError, SqliteSession};

pub(super) fn find(
    session: &mut SqliteSession,
    configured: &LedgerName,
) -> Result<Vec<LedgerName>, SqlError> {
    // A table of the user's may have the columns, so the name has to speak of migrations too.
    let sql = format!(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND (name = {} \
            OR (name LIKE '%migration%' AND (SELECT group_concat(name) FROM \
                (SELECT x.name FROM pragma_table_xinfo(sqlite_schema.name) AS x \
                 WHERE x.name NOT IN ('name', 'applied_at') ORDER BY 1)) = 'created_at,hash,id')) \
         ORDER BY 1",
        quote_literal(&configured.table)
    );
    let rows = session.rows(&sql)?;
    let names = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
    Ok(names.map(|table| LedgerName { schema: String::new(), table }).collect())
}

pub(super) fn read(
    session: &mut SqliteSession,
    name: &LedgerName,
) -> Result<Vec<LedgerRow>, SqlError> {
    let sql = format!(
        "SELECT id, hash, created_at, typeof(created_at) FROM {} ORDER BY rowid",
        name.quoted()
    );
    let rows = session.rows(&sql)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let mut values = row.into_iter();
            let id = values.next().flatten().and_then(|it| it.parse().ok());
            let hash = values.next().flatten().unwrap_or_default();
            let time = values.next().flatten();
            let kind = values.next().flatten().unwrap_or_default();
            LedgerRow { id, hash, created_at: created_at(&kind, time) }
        })
        .collect())
}
