//! Reads the catalog of a PostgreSQL database: one transaction, one round trip.

use std::collections::BTreeSet;

use raingauge_schema::postgres::catalog::{Assembly, OLDEST_MAJOR, Reader, Series, script};
use raingauge_schema::postgres::grammar::quote_ident;
use raingauge_schema::{Catalog, Kind, ObjectId};

use super::{Transaction, unreadable};
use crate::connect::postgres::pins;
use crate::connect::{PgSession, SqlError};
use crate::ledger::LedgerName;
use crate::{Error, Result};

/// The catalog without ledgers, whatever settings the session has.
pub(super) fn catalog(
    session: &mut PgSession,
    transaction: Transaction,
    ledgers: &[LedgerName],
) -> Result<Catalog> {
    let reader = reader(session)?;
    let major = reader.major;
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
    let sql = format!("{begin};\n{}{}{end}", pins("set local"), script(reader));
    let mut assembly = Assembly::default();
    let mut outcome = Ok(());
    let sent = session.each_row(&sql, |row| {
        if outcome.is_ok() {
            outcome = assembly.push(row);
        }
    });
    sent.map_err(|it| {
        let _ = session.run(end);
        let grant = grant_for(session, &it);
        grant.into_iter().fold(unreadable().caused_by(it), Error::next)
    })?;
    outcome.map_err(|it| unreadable().caused_by(it))?;
    let ledgers: Vec<_> =
        ledgers.iter().map(|it| [it.schema.as_str(), it.table.as_str()]).collect();
    Ok(assembly.finish(&ledgers))
}

/// Begins a series in a session; `number` is one that no other series in it has.
pub(super) fn series(session: &mut PgSession, number: usize) -> Result<Series> {
    Ok(Series::new(reader(session)?, number))
}

/// The next catalog of a series, without ledgers.
pub(super) fn next(
    session: &mut PgSession,
    series: &mut Series,
    ledgers: &[LedgerName],
) -> Result<Catalog> {
    let begin = "begin isolation level repeatable read, read only";
    let mut sql = format!("{begin};\n{}{}", pins("set local"), series.begin());
    let outcome = loop {
        let rows = match session.rows(&sql) {
            Ok(rows) => rows,
            Err(cause) => break Err(unreadable().caused_by(cause)),
        };
        match series.take(rows) {
            Ok(Some(next)) => sql = next,
            Ok(None) => break Ok(()),
            Err(cause) => break Err(unreadable().caused_by(cause)),
        }
    };
    // After an error there may be no connection any more, and the error says so.
    let ended = session.run("rollback");
    outcome?;
    ended.map_err(|it| unreadable().caused_by(it))?;
    let ledgers: Vec<_> =
        ledgers.iter().map(|it| [it.schema.as_str(), it.table.as_str()]).collect();
    Ok(series.catalog(&ledgers))
}

/// Tables, partitioned ones too, without ledgers and without what extensions brought.
pub(super) fn tables(
    session: &mut PgSession,
    ledgers: &[LedgerName],
) -> Result<BTreeSet<ObjectId>, SqlError> {
    let rows = session.rows(
        "SELECT n.nspname, c.relname \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid \
                AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e')",
    )?;
    let paths = rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>());
    let is_ledger =
        |path: &Vec<String>| ledgers.iter().any(|it| [&it.schema, &it.table].into_iter().eq(path));
    Ok(paths.filter(|it| !is_ledger(it)).map(|it| ObjectId::new(Kind::Table, it)).collect())
}

/// What would let the role read a table of the catalog that an administrator has closed.
fn grant_for(session: &mut PgSession, error: &SqlError) -> Option<String> {
    let is_denied = error.state == "42501";
    let table = error.message.rsplit(' ').next().filter(|it| is_denied && it.starts_with("pg_"))?;
    let role = session.rows("select current_user").ok()?.into_iter().flatten().flatten().next()?;
    let (table, role) = (quote_ident(table), quote_ident(&role));
    Some(format!("as an administrator: GRANT SELECT ON pg_catalog.{table} TO {role}"))
}

fn reader(session: &mut PgSession) -> Result<Reader> {
    let sql = "select pg_catalog.current_setting('server_version_num')::int / 10000, \
               pg_catalog.has_table_privilege('pg_catalog.pg_subscription', 'select')";
    let rows = session.rows(sql).map_err(|it| unreadable().caused_by(it))?;
    let mut values = rows.into_iter().flatten().flatten();
    let major = values.next().and_then(|it| it.parse().ok()).unwrap_or(0);
    Ok(Reader { major, sees_subscriptions: values.next().is_some_and(|it| it == "t") })
}
