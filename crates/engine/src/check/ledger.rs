//! Whether the ledger and the history say the same.

use jiff::Timestamp;
use raingauge_schema::Dialect;
use raingauge_schema::drizzle::ledger::{CreatedAt, LedgerRow, Record, pending, records};

use crate::history::History;
use crate::ledger::{Ledger, LedgerName};
use crate::report::Finding;

/// What the ledger says about the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Positions of migrations that have a row.
    pub recorded: Vec<usize>,
    /// Positions of migrations that the installed Drizzle would run.
    pub pending: Vec<usize>,
    pub findings: Vec<Finding>,
}

/// Compares the ledger with the history. `now` is the time beyond which a `when` lies in the future.
pub fn standing(
    dialect: Dialect,
    history: &History,
    ledger: Option<&Ledger>,
    now: Timestamp,
) -> Standing {
    let no_rows = Vec::new();
    let rows = ledger.map_or(&no_rows, |it| &it.rows);
    let applicable = history.applicable();
    let records = records(&applicable, rows);
    let mut standing =
        Standing { pending: pending(dialect, &applicable, rows), ..Standing::default() };
    for (row, record) in rows.iter().zip(&records) {
        standing.findings.extend(row_finding(row, *record, history));
        if let Record::Exact(at) | Record::Edited(at) | Record::Retimed(at) = record {
            standing.recorded.push(*at);
        }
    }
    standing.recorded.sort_unstable();
    standing.find_repeated(history);
    standing.find_disagreement(history);
    standing.findings.extend(future_entries(history, now));
    standing
}

/// T13: rows in a ledger that the configuration does not name belong to another runner.
pub fn other_ledgers(configured: &LedgerName, ledgers: &[Ledger]) -> Vec<Finding> {
    let others = ledgers.iter().filter(|it| it.name != *configured && !it.rows.is_empty());
    others
        .map(|it| {
            Finding::error(
                "ledger-second",
                format!("table {}", it.name),
                format!(
                    "is a second ledger with {} rows, besides the configured `{configured}`; whichever runner reads the other one would run everything again",
                    it.rows.len()
                ),
            )
            .next("find out which of the two the application migrates with (`migrationsTable`, `migrationsSchema`), and name that one in `drizzle.config.ts` under `migrations`")
        })
        .collect()
}

impl Standing {
    fn find_repeated(&mut self, history: &History) {
        for pair in self.recorded.windows(2).filter(|it| it[0] == it[1]) {
            self.findings.push(Finding::error(
                "ledger-repeated",
                tag(history, pair[0]),
                "is recorded more than once: two runners applied it, or someone repaired the ledger by hand",
            ));
        }
        self.recorded.dedup();
    }

    /// T05, T70: a migration without a row that Drizzle would not run either never runs; one with a
    /// row that Drizzle would run again would run twice.
    fn find_disagreement(&mut self, history: &History) {
        for at in 0..history.migrations.len() {
            let (recorded, pending) = (self.recorded.contains(&at), self.pending.contains(&at));
            if !recorded && !pending {
                self.findings.push(
                    Finding::error(
                        "migration-skipped",
                        tag(history, at),
                        "has no ledger row, and Drizzle will never run it: a newer row is in the ledger; it would answer `migrate` with success",
                    )
                    .evidence(format!("`when` in the journal: {}", history.migrations[at].entry.when))
                    .next("raingauge analyze"),
                );
            }
            if recorded && pending {
                self.findings.push(Finding::error(
                    "migration-would-repeat",
                    tag(history, at),
                    "is recorded as applied, but Drizzle would run it again",
                ));
            }
        }
    }
}

fn row_finding(row: &LedgerRow, record: Record, history: &History) -> Option<Finding> {
    let subject = || format!("ledger row {}", shown(row));
    match (&row.created_at, record) {
        (CreatedAt::Null, _) => Some(Finding::error(
            "ledger-null-time",
            subject(),
            "has no `created_at`; PostgreSQL sorts it first, so Drizzle would run every migration again",
        )),
        (CreatedAt::Text(_) | CreatedAt::Real(_) | CreatedAt::Blob, _) => Some(Finding::error(
            "ledger-time-type",
            subject(),
            "has a `created_at` that is no whole number; Drizzle compares it as not-a-number and skips every later migration",
        )),
        (CreatedAt::Millis(when), Record::Retimed(at)) => Some(
            Finding::error(
                "ledger-retimed",
                subject(),
                format!("records {} with a time that the journal does not have, so Drizzle skips or repeats others", tag(history, at)),
            )
            .evidence(format!("`created_at` {when}, `when` {}", history.migrations[at].entry.when)),
        ),
        (CreatedAt::Millis(when), Record::Unknown) => Some(
            Finding::error(
                "ledger-unknown-row",
                subject(),
                "records a migration that is not in the history: another folder, a deleted file, or a row stamped by hand",
            )
            .evidence(format!("`created_at` {when} is no `when` of the journal, and no file has this hash")),
        ),
        (CreatedAt::Millis(_), Record::Edited(at)) => Some(Finding::info(
            "migration-edited",
            tag(history, at),
            "was edited after it had been applied here; a new database is built by other statements than this one was",
        )),
        (CreatedAt::Millis(_), Record::Exact(_)) => None,
    }
}

/// T04: an entry ahead of the clock blocks every migration that is generated before that time.
pub fn future_entries(history: &History, now: Timestamp) -> Vec<Finding> {
    let late = history.migrations.iter().filter(|it| now.as_millisecond() < it.entry.when);
    late.map(|it| {
        Finding::error(
            "when-future",
            it.entry.tag.clone(),
            "is stamped ahead of the clock; once it is recorded, migrations generated until then are skipped in silence",
        )
        .evidence(format!("`when` {}, now {}", it.entry.when, now.as_millisecond()))
    })
    .collect()
}

fn tag(history: &History, at: usize) -> String {
    history.migrations.get(at).map(|it| it.entry.tag.clone()).unwrap_or_default()
}

fn shown(row: &LedgerRow) -> String {
    let hash: String = row.hash.chars().take(12).collect();
    match row.id {
        Some(id) => format!("{id} ({hash}…)"),
        None => format!("{hash}…"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use raingauge_schema::drizzle::journal::Journal;
    use raingauge_schema::drizzle::layout::Layout;
    use raingauge_schema::drizzle::migration::hash;

    use super::*;
    use crate::history::Migration;

    fn history(whens: &[i64]) -> History {
        let mut journal = Journal::new(Dialect::Postgres);
        let mut migrations = Vec::new();
        for (index, when) in whens.iter().enumerate() {
            let entry = journal.append(Dialect::Postgres, &format!("{index:04}_m"), *when).clone();
            let sql = format!("select {index}");
            let hash = hash(sql.as_bytes());
            migrations.push(Migration { entry, path: PathBuf::new(), sql, hash, snapshot: None });
        }
        History {
            folder: PathBuf::new(),
            layout: Layout::Journal,
            journal: Some(journal),
            migrations,
            findings: Vec::new(),
        }
    }

    /// A row for migration `at`, as `<when>` says; `None` is NULL.
    fn row(history: &History, at: usize, when: Option<i64>) -> LedgerRow {
        let created_at = when.map_or(CreatedAt::Null, CreatedAt::Millis);
        LedgerRow { id: Some(1), hash: history.migrations[at].hash.as_str().to_owned(), created_at }
    }

    #[track_caller]
    fn check(whens: &[i64], rows: &[(usize, Option<i64>)], expected: &[&str]) {
        let history = history(whens);
        let rows = rows.iter().map(|(at, when)| row(&history, *at, *when)).collect();
        let name = LedgerName { schema: "drizzle".into(), table: "__drizzle_migrations".into() };
        let ledger = Ledger { name, rows };
        let now = Timestamp::from_millisecond(1_000_000).unwrap();
        let found = standing(Dialect::Postgres, &history, Some(&ledger), now);
        let codes: Vec<_> = found.findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, expected);
    }

    #[test]
    fn a_ledger_that_agrees_is_silent() {
        check(&[1000, 2000], &[(0, Some(1000)), (1, Some(2000))], &[]);
        check(&[1000, 2000], &[(0, Some(1000))], &[]);
        check(&[1000, 2000], &[], &[]);
    }

    #[test]
    fn t01_a_wall_clock_stamp_is_found_with_what_it_hides() {
        check(&[1000, 2000], &[(0, Some(999_999))], &["ledger-retimed", "migration-skipped"]);
    }

    #[test]
    fn t02_a_null_time_is_corruption() {
        check(
            &[1000, 2000],
            &[(0, Some(1000)), (1, None)],
            &["ledger-null-time", "migration-would-repeat", "migration-would-repeat"],
        );
    }

    #[test]
    fn t04_an_entry_ahead_of_the_clock_is_found() {
        check(&[1000, 2_000_000], &[(0, Some(1000))], &["when-future"]);
    }

    #[test]
    fn t05_a_migration_merged_out_of_order_is_found() {
        check(&[1000, 1500, 2000], &[(0, Some(1000)), (2, Some(2000))], &["migration-skipped"]);
    }

    #[test]
    fn t35_a_migration_recorded_twice_is_found() {
        check(&[1000], &[(0, Some(1000)), (0, Some(1000))], &["ledger-repeated"]);
    }

    #[test]
    fn t13_a_second_ledger_with_rows_is_found() {
        let history = history(&[1000]);
        let ledger = |table: &str| Ledger {
            name: LedgerName { schema: "drizzle".into(), table: table.into() },
            rows: vec![row(&history, 0, Some(1000))],
        };
        let configured = LedgerName { schema: "drizzle".into(), table: "a".into() };
        let found = other_ledgers(&configured, &[ledger("a"), ledger("b")]);
        assert_eq!(
            found.iter().map(|it| it.subject.as_str()).collect::<Vec<_>>(),
            ["table drizzle.b"]
        );
    }
}
