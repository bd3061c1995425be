//! Live → catalog, one file per engine.

pub(crate) mod sqlite;

use raingauge_schema::Catalog;

use crate::connect::{Session, SqlError};
use crate::ledger::LedgerName;
use crate::{Error, Result};

/// Reads the catalog of the database that the session is connected to.
///
/// One read-only, repeatable-read transaction; a fixed number of statements whatever the number of
/// tables. The named ledgers are left out, with the schema that holds nothing else.
///
/// # Errors
/// If the connection breaks. What the role may not see is in [`Catalog::unseen`], not an error.
pub fn catalog(session: &mut Session, ledgers: &[LedgerName]) -> Result<Catalog> {
    match session {
        Session::Postgres(_) => Ok(Catalog::default()),
        Session::Sqlite(session) => {
            sqlite::catalog(session, |table| ledgers.iter().any(|it| it.table == table))
                .map_err(broken)
        }
    }
}

fn broken(cause: SqlError) -> Error {
    Error::new("catalog-unreadable", "cannot read the catalog").caused_by(cause)
}
