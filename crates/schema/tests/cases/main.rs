//! Compares our files with those of the real drizzle-kit, byte for byte.
//!
//! `cases/record.mjs` records what the kit writes; this reads all recordings. A case with `schema.ts`
//! is made from nothing, one with `from.ts` and `to.ts` is a change. `fuzz` spoils what was recorded.

#![expect(clippy::disallowed_methods, reason = "the crate is pure, its cases are files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly")]

mod fuzz;
mod mangle;
mod mysql;
mod renames;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::drizzle::snapshot::{ORIGIN, SnapshotIds};
use raingauge_schema::plan::{Hazard, Statement};
use raingauge_schema::{Pair, postgres, sqlite};
use serde::de::DeserializeOwned;

/// What we make of a case.
struct Outcome {
    snapshot: String,
    custom: String,
    statements: Vec<Statement>,
    not_expressed: Vec<String>,
}

#[test]
fn snapshots_and_statements_are_those_of_drizzle_kit() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (dialect, outcome) in [("postgres", postgres as fn(&Path) -> Outcome), ("sqlite", sqlite)] {
        for folder in folders(&root().join(dialect)) {
            count += 1;
            failures.extend(compare(&folder, &outcome(&folder)));
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n\n{}", failures.len(), failures.join("\n\n"));
    assert!(count >= 25, "only {count} cases were found");
}

#[test]
fn whatever_deletes_data_says_so() {
    let deletes = |folder: &str| {
        let folder = root().join(folder);
        let outcome = match folder.to_string_lossy().contains("/sqlite/") {
            true => sqlite(&folder),
            false => postgres(&folder),
        };
        let hazards = outcome.statements.into_iter().flat_map(|it| it.hazards);
        let deleted = hazards.filter_map(|it| match it {
            Hazard::DeletesData(what) => Some(what),
            _ => None,
        });
        deleted.collect::<Vec<_>>()
    };
    assert_eq!(
        deletes("postgres/drop/everything"),
        ["drop:legacy.notes", "drop:people", "drop:kept.gone", "drop:tickets"]
    );
    assert_eq!(deletes("sqlite/drop/tables-and-columns"), ["drop:notes", "drop:kept.gone"]);
    assert_eq!(deletes("sqlite/rebuild/lose-a-column-with-a-key"), ["drop:books.author_id"]);
    assert_eq!(deletes("postgres/add/to-existing-tables"), Vec::<String>::new());
}

#[test]
fn snapshots_and_journals_of_other_projects_are_read() {
    let Some(corpus) = std::env::var_os("RAINGAUGE_CORPUS") else {
        println!("skipped: RAINGAUGE_CORPUS is not set");
        return;
    };
    for path in files(Path::new(&corpus)) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let expect = |problem: Option<String>| assert_eq!(problem, None, "{}", path.display());
        if name == "_journal.json" {
            expect(Journal::read(&text).err().map(|it| it.to_string()));
        } else if name.ends_with("_snapshot.json") && text.contains("\"dialect\": \"postgresql\"") {
            expect(postgres::snapshot::Snapshot::read(&text).err().map(|it| it.to_string()));
            expect(
                postgres::snapshot::write_custom(Some(&text), "x").err().map(|it| it.to_string()),
            );
        } else if name.ends_with("_snapshot.json") && text.contains("\"dialect\": \"sqlite\"") {
            expect(sqlite::snapshot::Snapshot::read(&text).err().map(|it| it.to_string()));
            expect(sqlite::snapshot::write_custom(Some(&text), "x").err().map(|it| it.to_string()));
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    entries.flat_map(|it| if it.is_dir() { files(&it) } else { vec![it] }).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases")
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|it| it.is_dir()).collect();
    folders.sort();
    let is_case = |it: &PathBuf| it.join("migration.sql").exists();
    folders
        .into_iter()
        .flat_map(|it| if is_case(&it) { vec![it] } else { self::folders(&it) })
        .collect()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn declared<T: DeserializeOwned>(folder: &Path, name: &str) -> T {
    serde_json::from_str(&read(folder, name))
        .unwrap_or_else(|error| panic!("{}/{name}: {error}", folder.display()))
}

fn ids(number: u32) -> SnapshotIds {
    let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
    let prev_id = if number == 0 { ORIGIN.to_owned() } else { id(number - 1) };
    SnapshotIds { id: id(number), prev_id }
}

fn postgres(folder: &Path) -> Outcome {
    use postgres::snapshot::{Snapshot, write_custom};
    let (from, to) = if folder.join("from.ts").exists() {
        let from = Snapshot::of(&declared(folder, "from.json"), &ids(0)).unwrap();
        let to = Snapshot::of(&declared(folder, "to.json"), &ids(1)).unwrap();
        (from, to)
    } else {
        (Snapshot::empty(), Snapshot::of(&declared(folder, "declared.json"), &ids(0)).unwrap())
    };
    assert_eq!(Snapshot::read(&to.write()), Ok(to.clone()), "{}", folder.display());
    let diff = postgres::diff::diff(Pair { from: &from, to: &to }, &[]);
    Outcome {
        custom: write_custom(Some(&to.write()), &ids(9).id).unwrap(),
        statements: postgres::render::statements(&diff),
        not_expressed: diff.not_expressed.clone(),
        snapshot: to.write(),
    }
}

fn sqlite(folder: &Path) -> Outcome {
    use sqlite::snapshot::{Snapshot, write_custom};
    let (from, to) = if folder.join("from.ts").exists() {
        let from = Snapshot::of(&declared(folder, "from.json"), &ids(0)).unwrap();
        let to = Snapshot::of(&declared(folder, "to.json"), &ids(1)).unwrap();
        (from, to)
    } else {
        (Snapshot::empty(), Snapshot::of(&declared(folder, "declared.json"), &ids(0)).unwrap())
    };
    let read = Snapshot::read(&to.write()).unwrap();
    assert_eq!(read.tables, to.tables, "{}", folder.display());
    let diff = sqlite::diff::diff(Pair { from: &from, to: &read }, &[]);
    Outcome {
        custom: write_custom(Some(&to.write()), &ids(9).id).unwrap(),
        statements: sqlite::render::statements(&diff),
        not_expressed: Vec::new(),
        snapshot: to.write(),
    }
}

/// What differs from the recording. A known difference has our text in `ours.sql`, and
/// `cases/known-differences.md` says why.
fn compare(folder: &Path, outcome: &Outcome) -> Vec<String> {
    let sql = join(outcome.statements.iter().map(|it| it.sql.as_str()), true);
    let is_known = folder.join("ours.sql").exists();
    let expected = read(folder, if is_known { "ours.sql" } else { "migration.sql" });
    assert!(!is_known || expected != read(folder, "migration.sql"), "{}", folder.display());
    let parts = [
        ("snapshot.json", read(folder, "snapshot.json"), &outcome.snapshot),
        ("custom.json", read(folder, "custom.json"), &outcome.custom),
        ("migration.sql", expected, &sql),
        ("not expressed", String::new(), &outcome.not_expressed.join("\n")),
    ];
    let differs = parts.into_iter().filter(|(_, expected, ours)| expected != *ours);
    let name = folder.strip_prefix(root()).unwrap().display();
    differs
        .map(|(part, expected, ours)| format!("{name}: {part}\n{}", diff(&expected, ours)))
        .collect()
}

/// The first lines that differ, kit first.
fn diff(expected: &str, ours: &str) -> String {
    let mut lines = expected.lines().zip(ours.lines()).enumerate();
    match lines.find(|(_, (expected, ours))| expected != ours) {
        Some((line, (expected, ours))) => format!("line {}\n- {expected}\n+ {ours}", line + 1),
        None => {
            let (kit, we) = (expected.lines().count(), ours.lines().count());
            let rest =
                |text: &str, from: usize| text.lines().skip(from).collect::<Vec<_>>().join("\n");
            format!("{kit} lines, ours {we}\n- {}\n+ {}", rest(expected, we), rest(ours, kit))
        }
    }
}
