//! Baseline statements out of the catalog of MySQL and MariaDB.
//!
//! A dump of theirs is for their own shell, with `DELIMITER` and conditional comments; the migrator sends a piece
//! at a time. The catalog has the texts that `SHOW CREATE` prints, which a dump is made of.

use raingauge_schema::mysql::catalog::{naming_their_database, rebuilding};
use raingauge_schema::{Catalog, Kind};

use super::Baseline;
use crate::report::Finding;

pub(super) fn statements(catalog: &Catalog, with_owners: bool) -> Baseline {
    let mut baseline =
        Baseline { statements: rebuilding(catalog, with_owners), ..Baseline::default() };
    for table in catalog.of_kind(Kind::Table).filter(|it| it.get("connection").is_some()) {
        baseline.findings.push(
            Finding::error(
                "secret-in-baseline",
                format!("option `CONNECTION` of {}", table.id),
                "cannot be carried: its statement may hold a password, and a baseline is committed to version control; nothing was written",
            )
            .next("keep it out of the database that is adopted, or create it where it is needed with a script outside of the history"),
        );
    }
    let named = naming_their_database(catalog);
    if !named.is_empty() {
        let finding = Finding::warning(
            "database-named",
            "baseline",
            "has programs that name live's database themselves; in a new database of another name they would still read and write that one",
        );
        let finding = named.iter().fold(finding, |it, id| it.evidence(id.to_string()));
        baseline.findings.push(finding.next("make them anew without the name in front of what they use; the database that they are in is meant then"));
    }
    baseline
}
