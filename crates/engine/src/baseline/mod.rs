//! The baseline: statements that rebuild live's structure from nothing.
//!
//! The text is the engine's own dump, cut into one statement per piece in the dump's order, carried
//! objects included: the engine knows its objects best. Whether it really rebuilds live is not
//! believed but tried: see `proof`.

mod children;
mod not_null;
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

/// What has to follow the statements of `pg_dump`, because it does not say it.
///
/// # Errors
/// If the catalog cannot be read.
pub fn unsaid_by_pg_dump(session: &mut Session) -> Result<Vec<String>, SqlError> {
    match session {
        Session::Postgres(session) => {
            Ok([children::unsaid(session)?, not_null::unsaid(session)?].concat())
        }
        Session::Sqlite(_) => Ok(Vec::new()),
    }
}

/// Reads the statements of a baseline out of `sqlite_schema`.
///
/// # Errors
/// If the file cannot be read.
pub fn from_sqlite(session: &mut Session, ledgers: &[LedgerName]) -> Result<Baseline, SqlError> {
    Ok(checked(sqlite::statements(session, ledgers)?))
}

/// What a file of the history must not contain: the marker at which the migrator cuts, wherever it
/// stands, and secrets, which `pg_dump` prints for those who may read them.
fn checked(mut baseline: Baseline) -> Baseline {
    let secretive = ["CREATE SUBSCRIPTION", "CREATE USER MAPPING"];
    for statement in &baseline.statements {
        if let Some(kind) = secretive.iter().find(|it| statement.starts_with(**it)) {
            let subject = kind.trim_start_matches("CREATE ").to_lowercase();
            let message = "cannot be carried: its statement holds a password, and a baseline is committed to version control";
            baseline.findings.push(Finding::error("secret-in-baseline", subject, message));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_must_not_contain_blocks_the_baseline() {
        let dump = "CREATE SUBSCRIPTION s CONNECTION 'host=h password=geheim' PUBLICATION p;\n\
                    COMMENT ON TABLE public.t IS 'a --> statement-breakpoint';";
        let findings = from_pg_dump(dump, &[]).findings;
        let codes: Vec<_> = findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, ["secret-in-baseline", "breakpoint-in-statement"]);
        assert!(!format!("{findings:?}").contains("geheim"));
    }
}
