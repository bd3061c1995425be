//! Ledgers in MySQL and MariaDB: in the database that the session is connected to.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::LedgerRow;
use raingauge_schema::drizzle::named_ledger::UNFINISHED_COLUMNS;
use raingauge_schema::mysql::grammar::{quote_ident, quote_literal};

use super::{LedgerName, generation, ledger_row};
use crate::connect::{MySqlSession, SqlError};

pub(super) fn find(
    session: &mut MySqlSession,
    configured: &LedgerName,
) -> Result<Vec<LedgerName>, SqlError> {
    // A table of the user's may have the columns, so the name has to speak of migrations too.
    let sql = format!(
        "SELECT t.table_name FROM information_schema.tables t \
         WHERE t.table_schema = database() AND t.table_type <> 'VIEW' AND (t.table_name = {} \
            OR (lower(t.table_name) LIKE '%migration%' AND (SELECT count(*) = 3 AND \
                    sum(lower(c.column_name) IN ('created_at', 'hash', 'id')) = 3 \
                FROM information_schema.columns c WHERE c.table_schema = t.table_schema \
                AND c.table_name = t.table_name AND lower(c.column_name) NOT IN ('name', 'applied_at')))) \
         ORDER BY 1",
        quote_literal(&configured.table)
    );
    let rows = session.rows(&sql)?;
    let names = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
    Ok(names.map(|table| LedgerName { schema: String::new(), table }).collect())
}

pub(super) fn read(
    session: &mut MySqlSession,
    ledger: &LedgerName,
) -> Result<(Generation, Vec<LedgerRow>), SqlError> {
    let columns = format!(
        "SELECT lower(column_name), data_type FROM information_schema.columns \
         WHERE table_schema = database() AND table_name = {} ORDER BY ordinal_position",
        quote_literal(&ledger.table)
    );
    let (mut names, mut is_number) = (Vec::new(), false);
    for row in session.rows(&columns)? {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let (name, kind) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        is_number |= name == "created_at" && ["bigint", "int", "decimal"].contains(&kind.as_str());
        names.push(name);
    }
    let generation = generation(&names);
    let name = match generation {
        Generation::V0 => "",
        Generation::V1 => ", name",
    };
    let kind = if is_number { "integer" } else { "text" };
    let sql = format!(
        "SELECT id, hash, created_at, '{kind}'{name} FROM {} ORDER BY id",
        quote_ident(&ledger.table)
    );
    Ok((generation, session.rows(&sql)?.into_iter().map(ledger_row).collect()))
}

pub(super) fn discard_unfinished(
    session: &mut MySqlSession,
    ledger: &LedgerName,
) -> Result<(), SqlError> {
    let [name, stamp] = UNFINISHED_COLUMNS.map(quote_literal);
    let sql = format!(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = database() \
         AND table_name = {} AND column_name IN ({name}, {stamp})",
        quote_literal(&ledger.table)
    );
    let left = session.rows(&sql)?.into_iter().flatten().flatten();
    let drops: Vec<_> = left.map(|it| format!("DROP COLUMN {}", quote_ident(&it))).collect();
    if drops.is_empty() {
        return Ok(());
    }
    let table = quote_ident(&ledger.table);
    session.rows(&format!("ALTER TABLE {table} {}", drops.join(", "))).map(|_| ())
}
