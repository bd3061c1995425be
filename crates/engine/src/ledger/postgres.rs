//! Ledgers in PostgreSQL.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::LedgerRow;
use raingauge_schema::postgres::grammar::quote_literal;

use super::{LedgerName, generation, ledger_row};
use crate::connect::{PgSession, SqlError};

pub(super) fn find(
    session: &mut PgSession,
    configured: &LedgerName,
) -> Result<Vec<LedgerName>, SqlError> {
    // A table of the user's may have the columns, so the name has to speak of migrations too.
    let sql = format!(
        "SELECT n.nspname, c.relname \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r' AND ((n.nspname = {schema} AND c.relname = {table}) \
            OR (c.relname LIKE '%migration%' AND ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a \
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                AND a.attname NOT IN ('name', 'applied_at') ORDER BY 1) = ARRAY['created_at', 'hash', 'id'])) \
         ORDER BY 1, 2",
        schema = quote_literal(&configured.schema),
        table = quote_literal(&configured.table),
    );
    let rows = session.rows(&sql)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let mut values = row.into_iter().flatten();
            Some(LedgerName { schema: values.next()?, table: values.next()? })
        })
        .collect())
}

pub(super) fn read(
    session: &mut PgSession,
    ledger: &LedgerName,
) -> Result<(Generation, Vec<LedgerRow>), SqlError> {
    let columns = format!(
        "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = {}::pg_catalog.regclass \
         AND attnum > 0 AND NOT attisdropped",
        quote_literal(&ledger.quoted())
    );
    let columns: Vec<_> = session.rows(&columns)?.into_iter().flatten().flatten().collect();
    let generation = generation(&columns);
    let name = match generation {
        Generation::V0 => "",
        Generation::V1 => ", name",
    };
    let sql = format!(
        "SELECT id, hash, created_at, CASE WHEN pg_catalog.pg_typeof(created_at)::text \
         IN ('bigint', 'integer', 'numeric') THEN 'integer' ELSE 'text' END{name} \
         FROM {} ORDER BY id",
        ledger.quoted()
    );
    Ok((generation, session.rows(&sql)?.into_iter().map(ledger_row).collect()))
}
