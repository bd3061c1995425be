//! Compares our MySQL files with those of the real drizzle-kit, byte for byte, over the suite in
//! `cases/suite/mysql`.
//!
//! A recording has the schema as our types have it, the snapshot and the SQL; a change has two schemas,
//! and the files after the second. `ours.json` has what we write where `cases/known-differences.md`
//! says why.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use raingauge_schema::Pair;
use raingauge_schema::drizzle::chain::{self, EntitySnapshot};
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::drizzle::snapshot::{ORIGIN, SnapshotIds};
use raingauge_schema::mysql::schema::Schema;
use raingauge_schema::mysql::snapshot::{Snapshot, write_custom};
use raingauge_schema::mysql::{diff, render, rows};
use raingauge_schema::plan::{Hazard, Statement};
use serde::Deserialize;

/// One question to a kit and its answer.
#[derive(Deserialize)]
struct Case {
    declared: Vec<Schema>,
    snapshot: String,
    migration: String,
}

#[derive(Deserialize)]
struct Recording {
    cases: IndexMap<String, Case>,
}

/// What we write in place of the kit's SQL, and what we say that no statement expresses.
#[derive(Deserialize)]
struct Known {
    migration: String,
    #[serde(default)]
    not_expressed: Vec<String>,
}

/// What we make of a case.
struct Ours {
    snapshot: String,
    statements: Vec<Statement>,
    not_expressed: Vec<String>,
}

impl Ours {
    fn migration(&self) -> String {
        join(self.statements.iter().map(|it| it.sql.as_str()), true)
    }
}

#[test]
fn snapshots_of_the_suite_are_those_of_drizzle_kit() {
    check_all(0, |_, case| {
        let ours = zero(case);
        (case.snapshot != ours.snapshot).then(|| difference(&case.snapshot, &ours.snapshot))
    });
}

#[test]
fn statements_of_the_suite_are_those_of_drizzle_kit_but_for_known_differences() {
    let known = known(0);
    check_all(0, |name, case| compare(&case.migration, &zero(case), known.get(name)));
}

#[test]
fn snapshots_of_1_0_are_those_of_drizzle_kit() {
    check_all(1, |_, case| {
        let ours = one(case);
        (case.snapshot != ours.snapshot).then(|| difference(&case.snapshot, &ours.snapshot))
    });
}

#[test]
fn statements_of_1_0_are_those_of_drizzle_kit_but_for_known_differences() {
    let known = known(1);
    check_all(1, |name, case| compare(&case.migration, &one(case), known.get(name)));
}

#[test]
fn snapshots_of_1_0_are_read_as_they_were_written() {
    check_all(1, |_, case| {
        let mut read = chain::read(&rows::FORMAT, &[&case.snapshot]);
        match read.remove(0) {
            Ok(it) => {
                let written = it.write_after(&EntitySnapshot::empty(&rows::FORMAT));
                (written != case.snapshot).then(|| difference(&case.snapshot, &written))
            }
            Err(error) => Some(error.to_string()),
        }
    });
}

#[test]
fn snapshots_are_read_as_they_were_written() {
    check_all(0, |_, case| {
        let read = Snapshot::read(&case.snapshot);
        let written: Snapshot = serde_json::from_str(&case.snapshot).unwrap();
        // The validator drops what it does not know of `_meta`.
        let content = |it: Snapshot| (it.tables, it.views, it.internal);
        let is_same = read.is_ok_and(|it| content(it) == content(written));
        let custom = write_custom(Some(&case.snapshot), "x");
        (!is_same || custom.is_err()).then(|| "is read as something else".to_owned())
    });
}

#[test]
fn whatever_deletes_data_says_so() {
    let recordings = recordings(0);
    let deleted = |name: &str| {
        let case = recordings.iter().find_map(|it| it.1.cases.get(name)).unwrap();
        let hazards = zero(case).statements.into_iter().flat_map(|it| it.hazards);
        let deleted = hazards.filter_map(|it| match it {
            Hazard::DeletesData(what) => Some(what),
            _ => None,
        });
        deleted.collect::<Vec<_>>()
    };
    assert_eq!(deleted("a table goes"), ["drop:t"]);
    assert_eq!(deleted("columns go"), ["drop:t.b", "drop:t.c"]);
    assert_eq!(deleted("another type"), ["retype:t.x"]);
    assert_eq!(deleted("a column becomes virtual"), ["drop:t.b"]);
    assert_eq!(deleted("a virtual column becomes plain"), Vec::<String>::new());
    assert_eq!(deleted("columns come"), Vec::<String>::new());
}

fn zero(case: &Case) -> Ours {
    let mut before = Snapshot::empty();
    let (mut statements, mut not_expressed) = (Vec::new(), Vec::new());
    for (index, schema) in case.declared.iter().enumerate() {
        let after = Snapshot::of(schema, &ids(index)).unwrap();
        let diff = diff::diff(Pair { from: &before, to: &after }, &[]);
        statements = render::statements(&diff);
        not_expressed = diff.not_expressed.clone();
        before = after;
    }
    Ours { snapshot: before.write(), statements, not_expressed }
}

fn one(case: &Case) -> Ours {
    let mut before = EntitySnapshot::empty(&rows::FORMAT);
    let mut ours =
        Ours { snapshot: String::new(), statements: Vec::new(), not_expressed: Vec::new() };
    for (index, schema) in case.declared.iter().enumerate() {
        let after = rows::snapshot(schema, &ids(index)).unwrap();
        let settled = after.settled_after(&before);
        let entities = Pair { from: &before.entities, to: &settled.entities };
        (ours.statements, ours.not_expressed) = rows::statements(entities, &[]);
        ours.snapshot = after.write_after(&before);
        before = settled;
    }
    ours
}

fn compare(kit: &str, ours: &Ours, known: Option<&Known>) -> Option<String> {
    let expected = known.map_or(kit, |it| &it.migration);
    if known.is_some_and(|it| it.migration == kit && it.not_expressed.is_empty()) {
        return Some("is no difference any more".to_owned());
    }
    let said = known.map_or(&[][..], |it| &it.not_expressed);
    if ours.not_expressed != said {
        return Some(format!("not expressed: {:?}", ours.not_expressed));
    }
    let migration = ours.migration();
    (expected != migration).then(|| difference(expected, &migration))
}

fn check_all(generation: u8, problem: impl Fn(&str, &Case) -> Option<String>) {
    let (mut count, mut problems) = (0, Vec::new());
    for (file, recording) in recordings(generation) {
        for (name, case) in &recording.cases {
            count += 1;
            problems.extend(problem(name, case).map(|it| format!("{file} `{name}`: {it}")));
        }
    }
    assert!(problems.is_empty(), "{} of {count}:\n\n{}", problems.len(), problems.join("\n\n"));
    assert!(count >= 120, "only {count} cases were found");
}

fn ids(index: usize) -> SnapshotIds {
    let id = |index: usize| format!("00000000-0000-4000-8000-{index:012}");
    let prev_id = if index == 0 { ORIGIN.to_owned() } else { id(index - 1) };
    SnapshotIds { id: id(index), prev_id }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/suite/mysql")
}

fn known(generation: u8) -> BTreeMap<String, Known> {
    let text = fs::read_to_string(folder().join(format!("ours-{generation}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn recordings(generation: u8) -> Vec<(String, Recording)> {
    let files = fs::read_dir(folder()).unwrap().map(|it| it.unwrap().path());
    let name = |it: &Path| it.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<_> =
        files.filter(|it| name(it).ends_with(&format!(".{generation}.json"))).collect();
    files.sort();
    let read = |path: &PathBuf| {
        let recording = serde_json::from_str(&fs::read_to_string(path).unwrap());
        (name(path), recording.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    files.iter().map(read).collect()
}

/// The first lines that differ, kit first.
fn difference(expected: &str, ours: &str) -> String {
    let mut lines = expected.lines().zip(ours.lines()).enumerate();
    match lines.find(|(_, (expected, ours))| expected != ours) {
        Some((line, (expected, ours))) => format!("line {}\n- {expected}\n+ {ours}", line + 1),
        None => format!("one ends earlier\n- {expected}\n+ {ours}"),
    }
}
