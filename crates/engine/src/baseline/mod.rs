//! The baseline: statements that rebuild live's structure from nothing.
//!
//! The text is the engine's own dump, cut into one statement per piece in the dump's order, carried
//! objects included: the engine knows its objects best. Whether it really rebuilds live is not
//! believed but tried: see `proof`.

mod breakpoint;
mod children;
mod extensions;
pub(crate) mod live;
mod mysql;
mod not_null;
mod postgres;
mod privilege;
pub(crate) mod refusal;
pub mod roles;
mod secret;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::Catalog;
use raingauge_schema::drizzle::migration::BREAKPOINT;

use crate::connect::{Session, SqlError};
use crate::dump::Dump;
use crate::ledger::LedgerName;
use crate::report::Finding;

/// The statements of a baseline, in order, without closing semicolons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    pub statements: Vec<String>,
    /// Roles without which it does not run.
    pub roles: BTreeSet<String>,
    /// Roles whose privileges are left out where they do not exist.
    pub grantees: BTreeSet<String>,
    /// Extensions that it creates, with live's version.
    pub extensions: BTreeMap<String, String>,
    /// Objects of other statements than its own that only a superuser may create.
    pub privileged: Vec<String>,
    /// What cannot be carried; with an error among them no baseline may be written.
    pub findings: Vec<Finding>,
}

/// Makes the statements of a baseline of what `pg_dump -s` printed.
pub fn from_pg_dump(dump: &Dump, ledgers: &[LedgerName]) -> Baseline {
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
        Session::MySql(_) | Session::Sqlite(_) => Ok(Vec::new()),
    }
}

/// Reads the statements of a baseline out of `sqlite_schema`.
///
/// # Errors
/// If the file cannot be read.
pub fn from_sqlite(session: &mut Session, ledgers: &[LedgerName]) -> Result<Baseline, SqlError> {
    Ok(checked(sqlite::statements(session, ledgers)?))
}

/// Makes the statements of a baseline of a catalog of MySQL or MariaDB, which has what the server prints.
pub fn from_mysql(catalog: &Catalog, with_owners: bool) -> Baseline {
    checked(mysql::statements(catalog, with_owners))
}

/// What a file of the history must not contain: the marker at which the migrator cuts, wherever it
/// stands. SQLite keeps the text of a statement as it was, so it cannot be spelled otherwise there.
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
