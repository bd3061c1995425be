//! Ledgers in SQLite.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::LedgerRow;
use raingauge_schema::sqlite::grammar::quote_literal;

use super::{LedgerName, generation, ledger_row};
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
    ledger: &LedgerName,
) -> Result<(Generation, Vec<LedgerRow>), SqlError> {
    let columns = format!("SELECT name FROM pragma_table_info({})", quote_literal(&ledger.table));
    let columns: Vec<_> = session.rows(&columns)?.into_iter().flatten().flatten().collect();
    let generation = generation(&columns);
    let name = match generation {
        Generation::V0 => "",
        Generation::V1 => ", name",
    };
    let sql = format!(
        "SELECT id, hash, created_at, typeof(created_at){name} FROM {} ORDER BY rowid",
        ledger.quoted()
    );
    Ok((generation, session.rows(&sql)?.into_iter().map(ledger_row).collect()))
}
