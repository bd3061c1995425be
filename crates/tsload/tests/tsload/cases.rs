//! The whole way from `schema.ts` to the snapshot's bytes, against what the real drizzle-kit wrote.
//! `cases/README.md` says how the cases are recorded.

use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::drizzle::snapshot::SnapshotIds;
use raingauge_schema::{postgres, sqlite};

use crate::project::Fixture;

#[test]
fn snapshots_of_schema_files_are_those_of_drizzle_kit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases");
    let mut differing = Vec::new();
    for folder in folders(&root) {
        let source = ["schema.ts", "to.ts"].map(|it| folder.join(it));
        let source = source.iter().find(|it| it.exists()).unwrap();
        let recorded = fs::read_to_string(folder.join("snapshot.json")).unwrap();
        let snapshot = snapshot(&folder, &fs::read_to_string(source).unwrap(), &recorded);
        let mut lines = recorded.lines().zip(snapshot.lines());
        if let Some((kit, ours)) = lines.find(|(kit, ours)| kit != ours) {
            differing.push(format!("{}\n- {kit}\n+ {ours}", folder.display()));
        }
        assert_eq!(recorded.lines().count(), snapshot.lines().count(), "{}", folder.display());
    }
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

/// Our snapshot under the recorded ids.
fn snapshot(folder: &Path, source: &str, recorded: &str) -> String {
    let recorded: serde_json::Value = serde_json::from_str(recorded).unwrap();
    let id = |key: &str| recorded[key].as_str().unwrap().to_owned();
    let ids = SnapshotIds { id: id("id"), prev_id: id("prevId") };
    if folder.components().any(|it| it.as_os_str() == "sqlite") {
        sqlite::snapshot::write(&Fixture::sqlite(source).sqlite_schema(), &ids).unwrap()
    } else {
        postgres::snapshot::write(&Fixture::postgres(source, &[]).postgres_schema(), &ids).unwrap()
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    if folder.join("snapshot.json").exists() {
        return vec![folder.to_owned()];
    }
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|it| it.is_dir()).collect();
    folders.sort();
    folders.iter().flat_map(|it| self::folders(it)).collect()
}
