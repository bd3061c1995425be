//! `d1_migrations`: what wrangler has applied, by the names of files.

use raingauge_schema::sqlite::grammar::quote_literal;

use super::LedgerName;
use crate::connect::{Session, SqlError};

/// The table's usual name.
const TABLE: &str = "d1_migrations";

/// Where wrangler's ledger is, if the database has one.
///
/// # Errors
/// If the connection breaks.
pub fn find(session: &mut Session) -> Result<Option<LedgerName>, SqlError> {
    let Session::Sqlite(session) = session else { return Ok(None) };
    let sql = format!(
        "SELECT count(*) FROM pragma_table_info({}) WHERE name IN ('id', 'name', 'applied_at')",
        quote_literal(TABLE)
    );
    let n = session.rows(&sql)?.into_iter().flatten().flatten().next();
    let name = LedgerName { schema: String::new(), table: TABLE.to_owned() };
    Ok((n.as_deref() == Some("3")).then_some(name))
}

/// The names of the files that it has applied, in that order.
///
/// # Errors
/// If the connection breaks.
pub fn names(session: &mut Session, ledger: &LedgerName) -> Result<Vec<String>, SqlError> {
    let Session::Sqlite(session) = session else { return Ok(Vec::new()) };
    let sql = format!("SELECT name FROM {} ORDER BY id", ledger.quoted());
    Ok(session.rows(&sql)?.into_iter().flatten().flatten().collect())
}
