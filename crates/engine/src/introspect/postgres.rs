//! Reads the catalog of a PostgreSQL database: one transaction, one round trip.

use raingauge_schema::Catalog;
use raingauge_schema::postgres::catalog::{OLDEST_MAJOR, assemble, script};

use super::{Transaction, unreadable};
use crate::connect::PgSession;
use crate::connect::postgres::pins;
use crate::ledger::LedgerName;
use crate::{Error, Result};

/// The catalog without ledgers, whatever settings the session has.
pub(super) fn catalog(
    session: &mut PgSession,
    transaction: Transaction,
    ledgers: &[LedgerName],
) -> Result<Catalog> {
    let major = major(session)?;
    if major < OLDEST_MAJOR {
        return Err(Error::new(
            "postgres-too-old",
            format!("the server is PostgreSQL {major}; raingauge reads {OLDEST_MAJOR} and later"),
        )
        .next("move the database to a supported version of PostgreSQL first"));
    }
    // The pins of an open transaction go with a savepoint that is taken back.
    let (begin, end) = match transaction {
        Transaction::Own => ("begin isolation level repeatable read, read only", "rollback"),
        Transaction::Open => (
            "savepoint raingauge_catalog",
            "rollback to raingauge_catalog; release raingauge_catalog",
        ),
    };
    let sql = format!("{begin};\n{}{}{end}", pins("set local"), script(major));
    let rows = session.rows(&sql).map_err(|it| {
        let _ = session.run(end);
        unreadable().caused_by(it)
    })?;
    let ledgers: Vec<_> =
        ledgers.iter().map(|it| [it.schema.as_str(), it.table.as_str()]).collect();
    assemble(rows, &ledgers).map_err(|it| unreadable().caused_by(it))
}

fn major(session: &mut PgSession) -> Result<u32> {
    let rows = session
        .rows("select pg_catalog.current_setting('server_version_num')::int / 10000")
        .map_err(|it| unreadable().caused_by(it))?;
    let text = rows.into_iter().flatten().flatten().next();
    Ok(text.and_then(|it| it.parse().ok()).unwrap_or(0))
}
