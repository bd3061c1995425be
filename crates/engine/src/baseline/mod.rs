//! The baseline: statements that rebuild live's structure from nothing.
//!
//! The text is the engine's own dump, cut into one statement per piece in the dump's order, carried
//! objects included: the engine knows its objects best. Whether it really rebuilds live is not
//! believed but tried: see `proof`.

mod postgres;
mod sqlite;

use raingauge_schema::drizzle::migration::BREAKPOINT;

use crate::connect::{Session, SqlError};
use crate::ledger::LedgerName;
use crate::report::Finding;

/// The statements of a baseline, in order, without closing semicolons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    pub statements: Vec<String>,
    /// What cannot be carried; with an error among them no baseline may be written.
    pub findings: Vec<Finding>,
}

/// Cuts a `pg_dump -s` text into the statements of a baseline.
pub fn from_pg_dump(dump: &str, ledgers: &[LedgerName]) -> Baseline {
    checked(postgres::statements(dump, ledgers))
}

/// Reads the statements of a baseline out of `sqlite_schema`.
///
/// # Errors
/// If the file cannot be read.
pub fn from_sqlite(session: &mut Session, ledgers: &[LedgerName]) -> Result<Baseline, SqlError> {
    Ok(checked(sqlite::statements(session, ledgers)?))
}

/// The migrator cuts a file at the marker wherever it stands, so no statement may contain it.
fn checked(mut baseline: Baseline) -> Baseline {
    for statement in baseline.statements.iter().filter(|it| it.contains(BREAKPOINT)) {
        let head: String = statement.chars().take(60).collect();
        baseline.findings.push(Finding::error(
            "breakpoint-in-statement",
            head,
            "contains the text `--> statement-breakpoint`, at which the migrator would cut it in two",
        ));
    }
    baseline
}
