//! MySQL's snapshots of 0.31 as we read them, and what our statements say that they delete. Whether the
//! files are drizzle-kit's is seen in `suite`.

use std::fs;
use std::path::Path;

use indexmap::IndexMap;
use raingauge_schema::Pair;
use raingauge_schema::drizzle::snapshot::{ORIGIN, SnapshotIds};
use raingauge_schema::mysql::schema::Schema;
use raingauge_schema::mysql::snapshot::{Snapshot, write_custom};
use raingauge_schema::mysql::{diff, render};
use raingauge_schema::plan::{Hazard, Statement};
use serde::Deserialize;

/// One question to the kit and its answer.
#[derive(Deserialize)]
struct Case {
    declared: Vec<Schema>,
    snapshot: String,
}

#[derive(Deserialize)]
struct Recording {
    cases: IndexMap<String, Case>,
}

#[test]
fn snapshots_are_read_as_they_were_written() {
    let cases = cases();
    for (name, case) in &cases {
        let read = Snapshot::read(&case.snapshot);
        let written: Snapshot = serde_json::from_str(&case.snapshot).unwrap();
        // The validator drops what it does not know of `_meta`.
        let content = |it: Snapshot| (it.tables, it.views, it.internal);
        assert_eq!(read.map(content), Ok(content(written)), "{name}");
        assert!(write_custom(Some(&case.snapshot), "x").is_ok(), "{name}");
    }
    assert!(cases.len() >= 120, "only {} cases were found", cases.len());
}

#[test]
fn whatever_deletes_data_says_so() {
    let cases = cases();
    let deleted = |name: &str| {
        let hazards = statements(&cases[name]).into_iter().flat_map(|it| it.hazards);
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

fn statements(case: &Case) -> Vec<Statement> {
    let (mut before, mut statements) = (Snapshot::empty(), Vec::new());
    for schema in &case.declared {
        let ids = SnapshotIds { id: ORIGIN.to_owned(), prev_id: ORIGIN.to_owned() };
        let after = Snapshot::of(schema, &ids).unwrap();
        statements = render::statements(&diff::diff(Pair { from: &before, to: &after }, &[]));
        before = after;
    }
    statements
}

/// All that was recorded of 0.31, by name.
fn cases() -> IndexMap<String, Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/suite/mysql");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let read = |path: &Path| {
        let recording = serde_json::from_str::<Recording>(&fs::read_to_string(path).unwrap());
        recording.unwrap_or_else(|error| panic!("{}: {error}", path.display())).cases
    };
    let of_0_31 = files.filter(|it| it.to_string_lossy().ends_with(".0.json"));
    of_0_31.flat_map(|it| read(&it)).collect()
}
