//! Spoilt files of every format that this crate reads: no reader panics or hangs, each error has words, and
//! what was read is written and read again the same.
//!
//! Valid files are those of `cases/`. A failure prints its seed; `ARBTEST_BUDGET_MS` and `RAINGAUGE_FULL`
//! make the targets run longer.

use std::path::{Path, PathBuf};

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use raingauge_schema::Dialect;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::layout::{Layout, paired_snapshots, snapshots};
use raingauge_schema::drizzle::ledger::{Applicable, CreatedAt, LedgerRow, pending, records};
use raingauge_schema::drizzle::migration::{BREAKPOINT, flaws, hash, split};
use raingauge_schema::drizzle::snapshot::Generation;

use crate::mangle::{budget, mangled, within_time};

const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

const JSON_WORDS: [&str; 16] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "-1",
    "1e999",
    "\\u0000",
    "\"id\"",
    "\"idx\"",
    "\"tables\"",
    "18446744073709551616",
    "\u{feff}",
];

const SQL_WORDS: [&str; 26] = [
    "'",
    "\"",
    "`",
    "$$",
    "$a$",
    "/*",
    "*/",
    "--",
    "\n",
    ";",
    "(",
    ")",
    "E'\\",
    "begin",
    "end",
    "case",
    "create trigger t after insert on t begin",
    "create function f() begin atomic",
    "\\copy t from stdin;\n",
    "\\.\n",
    "copy t from stdin;\n",
    "with x as (",
    "::",
    "\u{0}",
    "é",
    BREAKPOINT,
];

/// The recorded files of `cases/` whose names end so.
fn seeds(ending: &str) -> Vec<String> {
    fn collect(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, ending, into);
            } else if path.to_string_lossy().ends_with(ending) {
                into.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases"), ending, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no case has a {ending}");
    paths.iter().map(|it| std::fs::read_to_string(it).unwrap()).collect()
}

fn journals() -> Vec<String> {
    let journal = |dialect| {
        let mut journal = Journal::new(dialect);
        for (when, tag) in (1_760_000_000_123..).step_by(86_400_000).zip(["0000_a", "0001_b"]) {
            journal.append(dialect, tag, when);
        }
        journal
    };
    DIALECTS.iter().flat_map(|it| [journal(*it).write(), journal(*it).write_compact()]).collect()
}

fn run(property: impl FnMut(&mut Unstructured<'_>) -> Result<()>) {
    arbtest(property).budget(budget()).size_max(4096).run();
}

#[test]
fn any_journal_is_read_or_refused() {
    let seeds = journals();
    run(|u| {
        let text = mangled(u, &seeds, &JSON_WORDS)?;
        match within_time(&text, Journal::read) {
            Err(error) => assert!(!error.code().is_empty() && !error.to_string().is_empty()),
            Ok(journal) => {
                for dialect in DIALECTS {
                    journal.irregularities(dialect);
                }
                let names = ["0000_snapshot.json", "0001_snapshot.json", "_snapshot.json"];
                let pairs = paired_snapshots(&journal.entries, &names);
                assert_eq!(pairs.len(), journal.entries.len());
                assert_eq!(Journal::read(&journal.write()), Ok(journal));
            }
        }
        Ok(())
    });
}

#[test]
fn any_snapshot_is_read_or_refused() {
    let seeds = seeds("snapshot.json");
    run(|u| {
        let text = mangled(u, &seeds, &JSON_WORDS)?;
        let generations = [Generation::V0, Generation::V1];
        for (dialect, generation) in
            DIALECTS.iter().flat_map(|it| generations.map(|generation| (*it, generation)))
        {
            match within_time(&text, |it| AnySnapshot::read(dialect, generation, it)) {
                Err(error) => assert!(!error.code().is_empty() && !error.to_string().is_empty()),
                Ok(snapshot) => {
                    snapshot.tables();
                    let empty = AnySnapshot::empty(dialect, generation);
                    within_time(&text, |_| snapshot.difference_to(&empty));
                    within_time(&text, |_| empty.difference_to(&snapshot));
                    let again = AnySnapshot::read(dialect, generation, &snapshot.write()).unwrap();
                    assert_eq!(again.write(), snapshot.write());
                }
            }
        }
        Ok(())
    });
}

#[test]
fn any_sql_is_cut_or_refused() {
    let seeds = seeds(".sql");
    run(|u| {
        let text = mangled(u, &seeds, &SQL_WORDS)?;
        let n_lines = text.lines().count().max(1);
        for dialect in DIALECTS {
            match within_time(&text, |it| dialect.split(it)) {
                Err(error) => assert!(!error.message.is_empty() && error.line <= n_lines + 1),
                Ok(pieces) => assert!(pieces.iter().all(|it| it.line <= n_lines + 1)),
            }
            let _ = within_time(&text, |it| dialect.tokens(it).map(|it| it.len()));
            within_time(&text, |it| dialect.hazards(it));
            within_time(&text, |it| dialect.writes_rows(it));
        }
        Ok(())
    });
}

#[test]
fn any_migration_is_cut_into_the_pieces_that_it_is_made_of() {
    let seeds = seeds(".sql");
    run(|u| {
        let text = mangled(u, &seeds, &SQL_WORDS)?;
        let pieces: Vec<_> = split(&text).iter().map(|it| it.sql).collect();
        assert_eq!(pieces.join(BREAKPOINT), text);
        for dialect in DIALECTS {
            within_time(&text, |it| flaws(it, dialect));
            within_time(&text, |_| dialect.hazards_of_migration(&pieces));
        }
        Ok(())
    });
}

#[test]
fn any_ledger_has_an_order() {
    let migrations: Vec<_> = [1000, 2000, i64::MAX]
        .map(|when| Applicable { when, hash: hash(&when.to_le_bytes()), name: when.to_string() })
        .into();
    run(|u| {
        let mut rows = Vec::new();
        for _ in 0..u.int_in_range(0..=5)? {
            let created_at = match u.int_in_range(0..=4)? {
                0 => CreatedAt::Millis(u.arbitrary()?),
                1 => CreatedAt::Null,
                2 => CreatedAt::Text(u.arbitrary()?),
                3 => CreatedAt::Real(u.arbitrary()?),
                _ => CreatedAt::Blob,
            };
            let (id, hash, name) = (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
            rows.push(LedgerRow { id, hash, created_at, name });
        }
        for dialect in DIALECTS {
            let pending = pending(dialect, &migrations, &rows);
            assert!(pending.iter().all(|it| *it < migrations.len()));
        }
        assert_eq!(records(&migrations, &rows).len(), rows.len());
        Ok(())
    });
}

#[test]
fn any_names_in_a_folder_are_a_layout() {
    run(|u| {
        let parts =
            ["meta", "/", "_journal.json", "migration.sql", "0000_a", ".sql", "snapshot.json"];
        let mut paths = Vec::new();
        for _ in 0..u.int_in_range(0..=6)? {
            let mut path = String::new();
            for _ in 0..u.int_in_range(0..=4)? {
                path.push_str(u.choose(&parts)?);
            }
            paths.push(path);
        }
        Layout::of(paths.iter().map(String::as_str));
        snapshots(paths.iter().map(String::as_str));
        Ok(())
    });
}
