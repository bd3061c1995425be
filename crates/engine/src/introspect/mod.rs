//! Live → catalog, one file per engine.

pub mod mysql;
mod postgres;
mod series;
pub(crate) mod sqlite;

pub use series::Series;

use std::collections::BTreeSet;

use raingauge_schema::{Catalog, Kind, ObjectId};

use crate::Result;
use crate::connect::Session;
use crate::ledger::LedgerName;
use crate::midway::store::STEPS;

/// Reads the catalog of the database that the session is connected to.
///
/// One read-only, repeatable-read transaction; a fixed number of statements whatever the number of
/// tables. The named ledgers are left out, with the schema that holds nothing else. The session must
/// not be inside a transaction.
///
/// # Errors
/// If the connection breaks. What the role may not see is in [`Catalog::unseen`], not an error.
pub fn catalog(session: &mut Session, ledgers: &[LedgerName]) -> Result<Catalog> {
    read(session, ledgers, Transaction::Own)
}

/// The catalog as the transaction sees it in which the session is: with its own changes. Afterwards the
/// transaction's settings are what they were.
///
/// # Errors
/// As [`catalog`].
pub fn catalog_within(session: &mut Session, ledgers: &[LedgerName]) -> Result<Catalog> {
    read(session, ledgers, Transaction::Open)
}

/// The tables of the database alone, by name; the named ledgers and those of extensions are left out. For
/// PostgreSQL that is a fraction of what the whole catalog takes.
///
/// # Errors
/// If the connection breaks.
pub fn tables(session: &mut Session, ledgers: &[LedgerName]) -> Result<BTreeSet<ObjectId>> {
    match session {
        Session::Postgres(session) => {
            postgres::tables(session, ledgers).map_err(|it| unreadable().caused_by(it))
        }
        Session::MySql(_) | Session::Sqlite(_) => {
            let catalog = catalog(session, ledgers)?;
            Ok(catalog.of_kind(Kind::Table).map(|it| it.id.clone()).collect())
        }
    }
}

/// Which transaction the catalog is read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    Own,
    Open,
}

fn read(
    session: &mut Session,
    ledgers: &[LedgerName],
    transaction: Transaction,
) -> Result<Catalog> {
    match session {
        Session::Postgres(session) => postgres::catalog(session, transaction, ledgers),
        Session::MySql(session) => {
            let ledgers = ledgers.iter().map(|it| it.table.as_str());
            let ledgers: Vec<_> = ledgers.chain([STEPS]).collect();
            mysql::catalog(session, &ledgers)
        }
        // SQLite has no settings to pin, and one query needs no transaction.
        Session::Sqlite(session) => {
            let is_ledger = |table: &str| ledgers.iter().any(|it| it.table == table);
            sqlite::catalog(session, &mut Default::default(), is_ledger)
                .map_err(|it| unreadable().caused_by(it))
        }
    }
}

fn unreadable() -> crate::Error {
    crate::Error::new("catalog-unreadable", "cannot read the catalog")
}
