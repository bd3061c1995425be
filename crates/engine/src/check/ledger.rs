//! Whether the ledger and the history say the same.

mod generations;
pub mod wrangler;

use jiff::Timestamp;
use raingauge_schema::Dialect;
use raingauge_schema::drizzle::ledger::{CreatedAt, LedgerRow, Record, pending, records};
use raingauge_schema::drizzle::{Generation, named_ledger};

use crate::check::spelling::{self, Spelling};
use crate::history::{History, Migration};
use crate::ledger::{Ledger, LedgerName};
use crate::mend::{is_explained, retimed};
use crate::report::{Affected, Finding};

/// What helps where a replay equals live.
const MENDING: &str = "raingauge reconcile: if a replay of the history equals live at some point, it shows what the ledger has to say there";

/// What the ledger says about the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Positions of migrations that have a row.
    pub recorded: Vec<usize>,
    /// The same in the order of the rows: that in which they ran here.
    pub ran: Vec<usize>,
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
    let read = read(dialect, history, ledger, rows);
    let mut standing = Standing { pending: read.pending, ..Standing::default() };
    standing.findings.extend(ledger.and_then(|it| generations::other(history, it)));
    for (row, record) in rows.iter().zip(&read.records) {
        // What the time does not tell, the hash may, in whatever way it is written.
        let record = match record {
            Record::Unknown if history.generation == Generation::V0 => {
                &spelling::named(row, history).map_or(Record::Unknown, |it| Record::Retimed(it.0))
            }
            known => known,
        };
        standing.findings.extend(match history.generation {
            Generation::V0 => row_finding(row, *record, history),
            Generation::V1 => generations::row_finding(row, *record, history),
        });
        if let Record::Exact(at)
        | Record::Edited(at)
        | Record::Retimed(at)
        | Record::Renamed(at)
        | Record::Unnamed(at) = record
        {
            standing.recorded.push(*at);
        }
    }
    standing.ran.clone_from(&standing.recorded);
    standing.recorded.sort_unstable();
    standing.find_repeated(history);
    standing.find_disagreement(history);
    standing.findings.extend(future_entries(history, now));
    standing
}

/// What the migrator of the history's generation makes of the ledger.
struct Reading {
    records: Vec<Record>,
    pending: Vec<usize>,
}

fn read(
    dialect: Dialect,
    history: &History,
    ledger: Option<&Ledger>,
    rows: &[LedgerRow],
) -> Reading {
    let applicable = history.applicable();
    match (history.generation, ledger.map_or(history.generation, |it| it.generation)) {
        (Generation::V0, _) => Reading {
            records: records(&applicable, rows),
            pending: pending(dialect, &applicable, rows),
        },
        (Generation::V1, Generation::V1) => Reading {
            records: named_ledger::records(&applicable, rows),
            pending: named_ledger::pending(&applicable, rows),
        },
        (Generation::V1, Generation::V0) => {
            let records = named_ledger::records_taken_over(&applicable, rows);
            let is_named = |at: &usize| {
                records.iter().any(|it| *it == Record::Exact(*at) || *it == Record::Edited(*at))
            };
            let pending = (0..applicable.len()).filter(|at| !is_named(at)).collect();
            Reading { records, pending }
        }
    }
}

/// The ledgers of a database, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Ledgers<'a> {
    pub configured: &'a LedgerName,
    pub all: &'a [Ledger],
    pub history: &'a History,
    pub standing: &'a Standing,
    /// The number of migrations up to which a replay equals live.
    pub proven: Option<usize>,
    /// Whether a person said that nobody reads the other ones.
    pub vouched: bool,
}

/// T13: rows in a ledger that the configuration does not name belong to another runner.
pub fn other_ledgers(ledgers: Ledgers<'_>) -> Vec<Finding> {
    let Ledgers { configured, history, standing, proven, .. } = ledgers;
    let is_other = |it: &&Ledger| it.name != *configured && !it.rows.is_empty();
    let told = |it: &Ledger| {
        let subject = format!("table {}", it.name);
        let n = it.rows.len();
        let is_ours = it.generation == history.generation
            && proven.is_some_and(|at| is_explained(history, &it.rows, at));
        let is_complete = proven == Some(standing.recorded.len());
        let which = "find out which of the two the application migrates with (`migrationsTable`, `migrationsSchema`), and name that one in `drizzle.config.ts` under `migrations`";
        if is_ours && is_complete && (standing.pending.is_empty() || ledgers.vouched) {
            let message = format!(
                "is a second ledger with {n} rows of the same history, besides the configured `{configured}`, which has all that live is; the next migration is written into one of them only, and whoever reads the other one runs it again"
            );
            return Finding::warning("ledger-second", subject, message).next(which);
        }
        let message = format!(
            "is a second ledger with {n} rows, besides the configured `{configured}`; whichever runner reads the other one would run everything again"
        );
        let finding = Finding::error("ledger-second", subject, message).next(which);
        match (is_ours, is_complete) {
            (true, false) => finding.next(format!("if it is `{configured}`: raingauge reconcile records there what live is, and takes nothing away here")),
            (true, true) => finding.next("if nobody reads this one any more: the same command with `--allow ledger-second`"),
            (false, _) => finding,
        }
    };
    ledgers.all.iter().filter(is_other).map(told).collect()
}

impl Standing {
    /// Why Drizzle passed a migration by: it compares with the newest row alone, which at that time was one of
    /// those before it where the database was upgraded step by step.
    fn passed_by(&self, history: &History, at: usize) -> String {
        let when = |at: &usize| history.migrations[*at].entry.when;
        let newest = |recorded: &dyn Fn(&&usize) -> bool| {
            self.recorded.iter().filter(recorded).max_by_key(|it| when(it))
        };
        let at_that_time = newest(&|it| **it < at).filter(|it| when(&at) <= when(it));
        let Some(other) = at_that_time.or_else(|| newest(&|_| true)) else {
            return "a row with a newer time is in the ledger".to_owned();
        };
        let (days, hours) = apart(when(other) - when(&at));
        let earlier = if 0 < days { format!("{days} days") } else { format!("{hours} hours") };
        let upgraded = if at_that_time.is_some() {
            "; this database was upgraded step by step, and the entry came when that one was applied already"
        } else {
            ""
        };
        format!(
            "its `when` is {earlier} earlier than that of `{}`, which is recorded; a new database, built in one go, has it{upgraded}",
            tag(history, *other)
        )
    }

    fn find_repeated(&mut self, history: &History) {
        for pair in self.recorded.windows(2).filter(|it| it[0] == it[1]) {
            self.findings.push(Finding::error(
                "ledger-repeated",
                tag(history, pair[0]),
                "is recorded more than once: two runners applied it, or someone repaired the ledger by hand",
            ).next(MENDING));
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
                    .evidence(self.passed_by(history, at))
                    .next("raingauge analyze: shows what of it live has, object by object")
                    .next(MENDING),
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

const UNKNOWN_ROW: &str = "records a migration that is not in the history: another folder, a deleted file, or a row stamped by hand";

fn row_finding(row: &LedgerRow, record: Record, history: &History) -> Option<Finding> {
    let subject = || format!("ledger row {}", shown(row));
    match (&row.created_at, record) {
        (CreatedAt::Null, _) => Some(Finding::error(
            "ledger-null-time",
            subject(),
            "has no `created_at`; PostgreSQL sorts such a row first, so Drizzle would run every migration again, and the others last, so it counts for nothing",
        ).next(MENDING)),
        (CreatedAt::Text(_) | CreatedAt::Real(_) | CreatedAt::Blob, _) => Some(Finding::error(
            "ledger-time-type",
            subject(),
            "has a `created_at` that is no whole number; Drizzle compares it as not-a-number and skips every later migration",
        ).next(MENDING)),
        (CreatedAt::Millis(when), Record::Retimed(at)) => Some(
            Finding::error(
                "ledger-retimed",
                subject(),
                format!("records {} with a time that the journal does not have, so Drizzle skips or repeats others", tag(history, at)),
            )
            .evidence(format!("`created_at` {when}, `when` {}", history.migrations[at].entry.when))
            .next(MENDING),
        ),
        // Those two are of 1.0 alone, which has its own rules.
        (CreatedAt::Millis(when), Record::Unknown | Record::Renamed(_) | Record::Unnamed(_)) => Some(
            Finding::error("ledger-unknown-row", subject(), UNKNOWN_ROW)
            .evidence(format!("`created_at` {when} is no `when` of the journal, and no file has this hash")),
        ),
        (CreatedAt::Millis(_), Record::Edited(at)) => Some(edited(row, at, history)),
        (CreatedAt::Millis(_), Record::Exact(_)) => None,
    }
}

/// T10, T11: the time tells the migration, and the hash is another one, or none.
fn edited(row: &LedgerRow, at: usize, history: &History) -> Finding {
    match history.migrations.get(at).and_then(|it| spelling::oddity(row, it)) {
        None => Finding::info(
            "migration-edited",
            tag(history, at),
            "was edited after it had been applied here; a new database is built by other statements than this one was",
        ),
        Some(Spelling::LineEndings) => Finding::info(
            "migration-edited",
            tag(history, at),
            "has other line endings than when it was applied here, and says the same",
        )
        .next("`*.sql text eol=lf` in `.gitattributes` keeps its bytes the same everywhere"),
        Some(spelling) => Finding::info(
            "ledger-hash-odd",
            format!("ledger row {}", shown(row)),
            format!(
                "has {} in place of the hash of `{}`; Drizzle 0.x does not read it, 1.0 takes the row by its time",
                spelling.words(),
                tag(history, at)
            ),
        ),
    }
}

/// T04: an entry ahead of the clock blocks every migration that is generated before that time. 1.0 runs
/// those all the same, but in another order than they were generated in.
pub fn future_entries(history: &History, now: Timestamp) -> Vec<Finding> {
    let now = now.as_millisecond();
    let late = history.migrations.iter().filter(|it| now < it.entry.when);
    let repair = if retimed(history, now).is_some() {
        "raingauge reconcile, with each database that has it: shows the time that the entry gets, corrects journal and ledger together where a replay proves what live is, and leaves every file with SQL as it is"
    } else {
        "give the entry a `when` between those of its neighbours, then raingauge reconcile with each database that has recorded it"
    };
    let told = |it: &Migration| {
        match history.generation {
        Generation::V0 => Finding::error(
            "when-future",
            it.entry.tag.clone(),
            "is stamped ahead of the clock; once it is recorded, migrations generated until then are skipped in silence",
        )
        .evidence("a database that has recorded it: skips what was generated after it, until that time")
        .evidence("any other database, and a new one: does the same from the moment on at which it gets it")
        .next(repair),
        Generation::V1 => Finding::warning(
            "when-future",
            it.entry.tag.clone(),
            "is stamped ahead of the clock; on a new database it runs after migrations that are generated until then",
        )
        .evidence("a database that has it already goes by names, and is not affected"),
    }
    };
    let affected = match history.generation {
        Generation::V0 => Affected::Both,
        Generation::V1 => Affected::Fresh,
    };
    late.map(|it| {
        let until = Timestamp::from_millisecond(it.entry.when).map(|it| it.to_string());
        let until = until.unwrap_or_else(|_| "beyond all calendars".to_owned());
        let times = format!("`when` {} ({until}), now {now}", it.entry.when);
        told(it).evidence(times).affects(affected)
    })
    .collect()
}

/// Whole days and whole hours.
fn apart(millis: i64) -> (i64, i64) {
    let hours = millis / 3_600_000;
    (hours / 24, hours)
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
    use crate::report::Severity;

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
            generation: Generation::V0,
            journal: Some(journal),
            migrations,
            findings: Vec::new(),
        }
    }

    /// A row for migration `at`, as `<when>` says; `None` is NULL.
    fn row(history: &History, at: usize, when: Option<i64>) -> LedgerRow {
        let created_at = when.map_or(CreatedAt::Null, CreatedAt::Millis);
        let hash = history.migrations[at].hash.as_str().to_owned();
        LedgerRow { id: Some(1), hash, created_at, name: None }
    }

    #[track_caller]
    fn check(whens: &[i64], rows: &[(usize, Option<i64>)], expected: &[&str]) {
        let history = history(whens);
        let rows = rows.iter().map(|(at, when)| row(&history, *at, *when)).collect();
        let name = LedgerName { schema: "drizzle".into(), table: "__drizzle_migrations".into() };
        let ledger = Ledger { name, generation: Generation::V0, rows };
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
    fn t05_why_a_migration_was_passed_by_is_said_in_days() {
        let day = 86_400_000;
        let history = history(&[1000, 400 * day, 57 * day]);
        let rows = [0, 1].map(|it| row(&history, it, Some(history.migrations[it].entry.when)));
        let name = LedgerName { schema: "drizzle".into(), table: "__drizzle_migrations".into() };
        let ledger = Ledger { name, generation: Generation::V0, rows: rows.to_vec() };
        let now = Timestamp::from_millisecond(500 * day).unwrap();
        let found = standing(Dialect::Postgres, &history, Some(&ledger), now);
        let skipped = found.findings.iter().find(|it| it.code == "migration-skipped").unwrap();
        let told = skipped.evidence.join("\n");
        assert!(told.contains("343 days earlier than that of `0001_m`"), "{told}");
        assert!(told.contains("step by step"), "{told}");
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
            generation: Generation::V0,
            rows: vec![row(&history, 0, Some(1000))],
        };
        let configured = LedgerName { schema: "drizzle".into(), table: "a".into() };
        let name = configured.clone();
        let found = |tables: &[&str], recorded: &[usize], pending: &[usize], vouched: bool| {
            let all: Vec<_> = tables.iter().map(|it| ledger(it)).collect();
            let (recorded, pending) = (recorded.to_vec(), pending.to_vec());
            let standing = Standing { recorded, pending, ..Standing::default() };
            let (configured, all, proven) = (&name, all.as_slice(), Some(1));
            let standing = &standing;
            let history = &history;
            other_ledgers(Ledgers { configured, all, history, standing, proven, vouched })
        };
        for (tables, recorded, pending, vouched, severity) in [
            (&["a", "b"][..], &[0][..], &[][..], false, Severity::Warning),
            (&["b"], &[], &[0], false, Severity::Error),
            (&["a", "b"], &[0], &[1], false, Severity::Error),
            (&["a", "b"], &[0], &[1], true, Severity::Warning),
        ] {
            assert_eq!(found(tables, recorded, pending, vouched)[0].severity, severity);
        }
        let found = found(&["a", "b"], &[0], &[], false);
        assert_eq!(
            found.iter().map(|it| it.subject.as_str()).collect::<Vec<_>>(),
            ["table drizzle.b"]
        );
    }
}
