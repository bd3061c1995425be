//! The ledger of Drizzle 1.0, and one that the other generation left.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::{LedgerRow, Record};

use super::{UNKNOWN_ROW, edited, shown, tag};
use crate::history::History;
use crate::ledger::Ledger;
use crate::report::Finding;

/// What it means that the other generation made the ledger.
pub(super) fn other(history: &History, ledger: &Ledger) -> Option<Finding> {
    let subject = format!("table {}", ledger.name);
    match (history.generation, ledger.generation) {
        (Generation::V0, Generation::V1) => Some(
            Finding::error(
                "ledger-generation",
                subject,
                "has the columns of Drizzle 1.0, and the project has 0.x: rows that 0.x writes have no name, so 1.0 would run their migrations again",
            )
            .next("find out which application runs with drizzle-orm 1.0, and let all of them have the same generation"),
        ),
        (Generation::V1, Generation::V0) => Some(Finding::info(
            "ledger-generation",
            subject,
            "has the columns of Drizzle 0.x; the next `migrate` of 1.0 takes it over and gives each row the name of its migration",
        )),
        (Generation::V0, Generation::V0) | (Generation::V1, Generation::V1) => None,
    }
}

/// What a row says that 1.0 goes by names for. Times count for nothing once a row has a name.
pub(super) fn row_finding(row: &LedgerRow, record: Record, history: &History) -> Option<Finding> {
    let subject = format!("ledger row {}", shown(row));
    let name = row.name.as_deref().unwrap_or_default();
    match record {
        Record::Exact(_) | Record::Retimed(_) => None,
        Record::Edited(at) => Some(edited(row, at, history)),
        Record::Renamed(at) => Some(
            Finding::error(
                "ledger-renamed",
                subject,
                format!("records {} under the name `{name}`, so Drizzle would run it again", tag(history, at)),
            )
            .next(format!("give the folder its name back: `{name}`")),
        ),
        Record::Unnamed(at) => Some(
            Finding::error(
                "ledger-unnamed",
                subject,
                format!("records {} without a name: drizzle-orm 0.x wrote it into a ledger of 1.0, which would run it again", tag(history, at)),
            )
            .next("let every application that migrates this database have drizzle-orm 1.0")
            .next("raingauge reconcile: gives the row its name, if a replay proves what live is"),
        ),
        Record::Unknown => Some(
            Finding::error("ledger-unknown-row", subject, UNKNOWN_ROW).evidence(match &row.name {
                Some(name) => format!("there is no folder `{name}`, and no file has this hash"),
                None => format!(
                    "`created_at` {:?} is of no folder's second, and no file has this hash; `migrate` of Drizzle 1.0 stops at such a row",
                    row.created_at
                ),
            }),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use jiff::Timestamp;
    use raingauge_schema::Dialect;
    use raingauge_schema::drizzle::folder::millis;
    use raingauge_schema::drizzle::journal::Entry;
    use raingauge_schema::drizzle::layout::Layout;
    use raingauge_schema::drizzle::ledger::CreatedAt;
    use raingauge_schema::drizzle::migration::hash;

    use super::super::standing;
    use super::*;
    use crate::history::Migration;
    use crate::ledger::LedgerName;

    const ONE: &str = "20260101000001_one";
    const TWO: &str = "20260101000002_two";

    fn history() -> History {
        let migration = |(idx, name): (u32, &&str)| {
            let (version, tag) = ("7".to_owned(), (*name).to_owned());
            let when = millis(name).unwrap();
            let entry = Entry { idx, version, when, tag, breakpoints: true };
            let (sql, hash) = ((*name).to_owned(), hash(name.as_bytes()));
            Migration { entry, path: PathBuf::new(), sql, hash, snapshot: None }
        };
        History {
            folder: PathBuf::new(),
            layout: Layout::Folders { folders: Vec::new() },
            generation: V1,
            journal: None,
            migrations: (0..).zip(&[ONE, TWO]).map(migration).collect(),
            findings: Vec::new(),
        }
    }

    /// A row for the file of a folder; `name` is what the ledger calls it.
    fn row(file: &str, millis: i64, name: Option<&str>) -> LedgerRow {
        LedgerRow {
            id: Some(1),
            hash: hash(file.as_bytes()).as_str().to_owned(),
            created_at: CreatedAt::Millis(millis),
            name: name.map(str::to_owned),
        }
    }

    #[track_caller]
    fn check(generation: Generation, rows: Vec<LedgerRow>, pending: &[usize], codes: &[&str]) {
        let name = LedgerName { schema: "drizzle".into(), table: "__drizzle_migrations".into() };
        let ledger = Ledger { name, generation, rows };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let found = standing(Dialect::Postgres, &history(), Some(&ledger), now);
        assert_eq!(found.pending, pending);
        assert_eq!(found.findings.iter().map(|it| it.code).collect::<Vec<_>>(), codes);
    }

    use Generation::{V0, V1};

    #[test]
    fn a_ledger_that_agrees_is_silent() {
        check(V1, vec![], &[0, 1], &[]);
        check(V1, vec![row(ONE, 1, Some(ONE))], &[1], &[]);
        check(V1, vec![row(TWO, 2, Some(TWO)), row(ONE, 1, Some(ONE))], &[], &[]);
    }

    #[test]
    fn t05_a_migration_that_was_merged_late_is_pending_and_nothing_is_wrong() {
        check(V1, vec![row(TWO, 9, Some(TWO))], &[0], &[]);
    }

    #[test]
    fn t11_an_edited_file_is_told() {
        check(V1, vec![row("other", 1, Some(ONE))], &[1], &["migration-edited"]);
    }

    #[test]
    fn t12_a_renamed_folder_would_run_again() {
        let rows = vec![row(ONE, 1, Some("20250101000000_one"))];
        check(V1, rows, &[0, 1], &["ledger-renamed", "migration-would-repeat"]);
    }

    #[test]
    fn a_row_without_a_name_in_a_ledger_of_1_0_would_run_again() {
        let rows = vec![row(ONE, 1, None)];
        check(V1, rows, &[0, 1], &["ledger-unnamed", "migration-would-repeat"]);
    }

    #[test]
    fn a_ledger_of_0_x_is_read_as_1_0_will_take_it_over() {
        let second = millis(ONE).unwrap() + 345;
        check(V0, vec![row(ONE, second, None)], &[1], &["ledger-generation"]);
        let rows = vec![row("nobody's", 77, None)];
        check(V0, rows, &[0, 1], &["ledger-generation", "ledger-unknown-row"]);
    }
}
