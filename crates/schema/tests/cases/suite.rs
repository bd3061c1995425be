//! Compares our files with those of both generations of the real drizzle-kit, byte for byte, over the
//! suite in `cases/suite`.
//!
//! `cargo xtask oracle` records what the kits write. A recording has the schema as our types have it,
//! the snapshot and the SQL; a change has two schemas, and the files after the second.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use raingauge_schema::Dialect;
use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::drizzle::snapshot::{Generation, ORIGIN, SnapshotIds};
use serde::Deserialize;
use serde_json::Value;

/// What real servers make of the kit's statements where ours are others, by recording and case. A test
/// of the engine runs both.
fn failures() -> IndexMap<String, IndexMap<String, String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/failures.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// One question to a kit and its answer.
#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    declared: Vec<Value>,
    /// None where the kit found nothing to write.
    snapshot: Option<String>,
    migration: Option<String>,
    /// What `generate --custom` writes after it, where that was asked.
    custom: Option<Custom>,
    /// What the kit said instead of an answer.
    refused: Option<String>,
}

#[derive(Deserialize)]
struct Custom {
    snapshot: String,
}

#[derive(Deserialize)]
struct Recording {
    cases: IndexMap<String, Case>,
}

/// What we refuse, because no statement of the kit's, or none that MySQL takes, leads there.
const REFUSED: [(&str, &str); 2] = [
    ("mysql/changes.1.json", "what the kit passes over"),
    ("mysql/keys.0.json", "reference with a long name"),
];

struct Place {
    dialect: Dialect,
    generation: Generation,
    file: String,
    case: String,
}

#[test]
fn snapshots_of_the_suite_are_those_of_both_kits() {
    check_all(|_, ours, case| {
        let snapshot = case.snapshot.as_ref()?;
        (*snapshot != ours.snapshot).then(|| diff(snapshot, &ours.snapshot))
    });
}

#[test]
fn statements_are_those_of_both_kits_unless_those_fail() {
    let failures = failures();
    check_all(|place, ours, case| {
        let migration = case.migration.as_ref()?;
        let is_refused = REFUSED.contains(&(place.file.as_str(), place.case.as_str()));
        if ours.not_expressed.is_empty() == is_refused {
            return Some(format!("not expressed: {}", ours.not_expressed.join(", ")));
        }
        if is_refused {
            return None;
        }
        let is_listed = failures.get(&place.file).is_some_and(|it| it.contains_key(&place.case));
        ((*migration == ours.sql) == is_listed).then(|| diff(migration, &ours.sql))
    });
}

#[test]
fn snapshots_of_1_0_are_read_and_written_again_as_they_were() {
    check_all(|place, ours, case| {
        let snapshot = case.snapshot.as_ref().filter(|_| place.generation == Generation::V1)?;
        let files = ours.first.iter().map(String::as_str).chain([snapshot.as_str()]);
        let files: Vec<_> = files.collect();
        let mut states =
            AnySnapshot::read_history(place.dialect, place.generation, &files).into_iter().rev();
        let last = states.next()?.unwrap();
        let before = states.next().map(Result::unwrap);
        let before = before.unwrap_or(AnySnapshot::empty(place.dialect, place.generation));
        let written = last.write_after(&before);
        (*snapshot != written).then(|| diff(snapshot, &written))
    });
}

#[test]
fn custom_snapshots_of_1_0_are_those_of_drizzle_kit() {
    let mut count = 0;
    check_all(|place, ours, case| {
        let custom = case.custom.as_ref()?;
        count += 1;
        let generation = place.generation;
        let files: Vec<_> = ours.first.iter().chain([&ours.snapshot]).map(String::as_str).collect();
        let mut states = AnySnapshot::read_history(place.dialect, generation, &files);
        let written = states.pop()?.unwrap().write_custom(&ids(case.declared.len()).id).unwrap();
        (custom.snapshot != written).then(|| diff(&custom.snapshot, &written))
    });
    assert_eq!(count, 6);
}

/// It is not ours to drop then, and the rebuild of its table must not lose it.
#[test]
fn a_view_that_somebody_else_makes_from_now_on_stays_as_it_is() {
    for (place, recording) in recordings() {
        let Some(case) = recording.cases.get("table that a view reads is rebuilt") else {
            continue;
        };
        let (mut from, mut to) = (case.declared[0].clone(), case.declared[1].clone());
        for view in to["views"].as_array_mut().unwrap() {
            view["existing"] = true.into();
        }
        let sql = |declared: [&Value; 2]| {
            let declared = declared.map(Value::clone).to_vec();
            let case =
                Case { declared, snapshot: None, migration: None, custom: None, refused: None };
            ours(&place, &case).unwrap().sql
        };
        let rebuilt = sql([&from, &to]);
        let again = "CREATE VIEW `v` AS select \"id\", \"a\" from \"t\";";
        assert!(rebuilt.starts_with("DROP VIEW `v`;") && rebuilt.contains(again), "{rebuilt}");
        from["tables"] = to["tables"].clone();
        assert_eq!(sql([&from, &to]), "", "{}", place.file);
    }
}

/// What we make of a case.
struct Ours {
    /// The file before the last, if there is one.
    first: Option<String>,
    snapshot: String,
    sql: String,
    not_expressed: Vec<String>,
}

fn check_all(mut problem: impl FnMut(&Place, &Ours, &Case) -> Option<String>) {
    let (mut count, mut problems) = (0, Vec::new());
    for (mut place, recording) in recordings() {
        for (name, case) in recording.cases.iter().filter(|it| it.1.refused.is_none()) {
            count += 1;
            place.case.clone_from(name);
            let found = match ours(&place, case) {
                Ok(ours) => problem(&place, &ours, case),
                Err(error) => Some(error),
            };
            problems.extend(found.map(|it| format!("{} `{name}`: {it}", place.file)));
        }
    }
    assert!(problems.is_empty(), "{} of {count}:\n\n{}", problems.len(), problems.join("\n\n"));
    assert!(count >= 850, "only {count} cases were found");
}

fn ours(place: &Place, case: &Case) -> Result<Ours, String> {
    let mut before = AnySnapshot::empty(place.dialect, place.generation);
    let (mut first, mut snapshot, mut sql) = (None, String::new(), String::new());
    let mut not_expressed = Vec::new();
    for (index, declared) in case.declared.iter().enumerate() {
        let schema = schema(place.dialect, declared);
        let state = schema.snapshot(place.generation, &ids(index)).map_err(|it| it.to_string())?;
        let difference = before.difference_to(&state);
        not_expressed = difference.not_expressed;
        sql = join(difference.statements.iter().map(|it| it.sql.as_str()), true);
        first = (index > 0).then(|| snapshot.clone());
        snapshot = state.write_after(&before);
        before = state;
    }
    Ok(Ours { first, snapshot, sql, not_expressed })
}

fn schema(dialect: Dialect, declared: &Value) -> AnySchema {
    match dialect {
        Dialect::Postgres => AnySchema::Postgres(serde_json::from_value(declared.clone()).unwrap()),
        Dialect::MySql => AnySchema::MySql(serde_json::from_value(declared.clone()).unwrap()),
        Dialect::Sqlite => AnySchema::Sqlite(serde_json::from_value(declared.clone()).unwrap()),
    }
}

fn ids(index: usize) -> SnapshotIds {
    let id = |index: usize| format!("00000000-0000-4000-8000-{index:012}");
    let prev_id = if index == 0 { ORIGIN.to_owned() } else { id(index - 1) };
    SnapshotIds { id: id(index), prev_id }
}

fn recordings() -> Vec<(Place, Recording)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/suite");
    let mut all = Vec::new();
    let folders =
        [(Dialect::Postgres, "postgres"), (Dialect::MySql, "mysql"), (Dialect::Sqlite, "sqlite")];
    for (dialect, folder) in folders {
        let mut files: Vec<PathBuf> =
            fs::read_dir(root.join(folder)).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        for path in files.iter().filter(|it| it.extension().is_some_and(|it| it == "json")) {
            let file = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
            let generation =
                if file.ends_with(".0.json") { Generation::V0 } else { Generation::V1 };
            let recording = serde_json::from_str(&fs::read_to_string(path).unwrap());
            let recording = recording.unwrap_or_else(|error| panic!("{file}: {error}"));
            let case = String::new();
            all.push((Place { dialect, generation, file, case }, recording));
        }
    }
    all
}

/// The first lines that differ, kit first.
fn diff(expected: &str, ours: &str) -> String {
    let mut lines = expected.lines().zip(ours.lines()).enumerate();
    match lines.find(|(_, (expected, ours))| expected != ours) {
        Some((line, (expected, ours))) => format!("line {}\n- {expected}\n+ {ours}", line + 1),
        None => format!("one ends earlier\n- {expected}\n+ {ours}"),
    }
}
