//! The recordings of `cases`, and the statements that we make of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::Dialect;
use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::drizzle::snapshot::{Generation, ORIGIN, SnapshotIds};
use raingauge_schema::rename::{Hints, settle};
use serde_json::Value;

/// One schema, or a change from one to another, and what drizzle-kit said.
pub(super) struct Case {
    /// The recording, as `postgres/changes.0.json`, or the folder.
    pub(super) file: String,
    pub(super) name: String,
    pub(super) dialect: Dialect,
    pub(super) declared: Vec<AnySchema>,
    /// drizzle-kit's last migration, if it had something to write.
    pub(super) kit: Option<String>,
    /// What drizzle-kit was told to be renamed in the last step.
    hints: Hints,
}

/// All that a kit was asked about a dialect and did not refuse.
pub(super) fn cases(dialect: Dialect, generation: Generation) -> Vec<Case> {
    let (name, ending) = match (dialect, generation) {
        (Dialect::Postgres, Generation::V0) => ("postgres", ".0.json"),
        (Dialect::Postgres, Generation::V1) => ("postgres", ".1.json"),
        (Dialect::MySql, Generation::V0) => ("mysql", ".0.json"),
        (Dialect::MySql, Generation::V1) => ("mysql", ".1.json"),
        (Dialect::Sqlite, Generation::V0) => ("sqlite", ".0.json"),
        (Dialect::Sqlite, Generation::V1) => ("sqlite", ".1.json"),
    };
    let files = entries(&root().join("suite").join(name));
    let files = files.into_iter().filter(|it| it.to_string_lossy().ends_with(ending));
    let mut all: Vec<_> = files.flat_map(|it| of_file(dialect, name, &it)).collect();
    let renames = root().join("renames").join(format!("{name}{ending}"));
    all.extend(of_file(dialect, "renames", &renames));
    if generation == Generation::V0 {
        let folder = root().join(name);
        let groups = if folder.is_dir() { entries(&folder) } else { Vec::new() }.into_iter();
        let folders = groups.flat_map(|it| entries(&it));
        all.extend(folders.map(|it| of_folder(dialect, name, &it)));
    }
    all
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases")
}

pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    all.sort();
    all
}

fn of_file(dialect: Dialect, folder: &str, path: &Path) -> Vec<Case> {
    let recording: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let cases: BTreeMap<String, Value> =
        serde_json::from_value(recording["cases"].clone()).unwrap();
    let answered = cases.into_iter().filter(|it| it.1.get("refused").is_none());
    let file = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
    let case = |(name, it): (String, Value)| {
        let declared = it["declared"].as_array().unwrap().iter();
        let declared = declared.map(|it| schema(dialect, it)).collect();
        let kit = it["migration"].as_str().map(str::to_owned);
        let mut hints = Hints::default();
        if it["hints"].is_array() {
            hints.read(&it["hints"].to_string()).unwrap();
        }
        Case { file: file.clone(), name, dialect, declared, kit, hints }
    };
    answered.map(case).collect()
}

fn of_folder(dialect: Dialect, file: &str, folder: &Path) -> Case {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let texts = ["declared.json", "from.json", "to.json"].into_iter().filter_map(read);
    let declared = texts.map(|it| schema(dialect, &serde_json::from_str(&it).unwrap()));
    let group = folder.parent().unwrap().file_name().unwrap().to_string_lossy();
    let name = format!("{group}/{}", folder.file_name().unwrap().to_string_lossy());
    let (kit, hints) = (read("migration.sql"), Hints::default());
    Case { file: file.to_owned(), name, dialect, declared: declared.collect(), kit, hints }
}

fn schema(dialect: Dialect, declared: &Value) -> AnySchema {
    match dialect {
        Dialect::Postgres => AnySchema::Postgres(serde_json::from_value(declared.clone()).unwrap()),
        Dialect::MySql => AnySchema::MySql(serde_json::from_value(declared.clone()).unwrap()),
        Dialect::Sqlite => AnySchema::Sqlite(serde_json::from_value(declared.clone()).unwrap()),
    }
}

impl Case {
    /// Whether it is a change, not a schema made from nothing.
    pub(super) fn is_change(&self) -> bool {
        self.declared.len() > 1
    }

    /// The statements that build what is there before the last step.
    pub(super) fn before(&self, generation: Generation) -> Result<Vec<String>, String> {
        let last = self.declared.len() - 1;
        Ok(self.walk(generation, &self.declared[..last])?.concat())
    }

    /// Our statements for the last step.
    pub(super) fn last(&self, generation: Generation) -> Result<Vec<String>, String> {
        Ok(self.walk(generation, &self.declared)?.pop().unwrap_or_default())
    }

    /// drizzle-kit's statements for the last step.
    pub(super) fn kit(&self) -> Option<Vec<String>> {
        let pieces = split(self.kit.as_ref()?).into_iter().map(|it| it.sql.trim().to_owned());
        Some(pieces.filter(|it| !it.is_empty()).collect())
    }

    /// The statements that build the last schema from nothing.
    pub(super) fn fresh(&self, generation: Generation) -> Result<Vec<String>, String> {
        let last = self.declared.len() - 1;
        Ok(self.walk(generation, &self.declared[last..])?.concat())
    }

    fn walk(
        &self,
        generation: Generation,
        states: &[AnySchema],
    ) -> Result<Vec<Vec<String>>, String> {
        let mut before = AnySnapshot::empty(self.dialect, generation);
        let mut all = Vec::new();
        for (index, schema) in states.iter().enumerate() {
            let id = |index: usize| format!("00000000-0000-4000-8000-{index:012}");
            let prev_id = if index == 0 { ORIGIN.to_owned() } else { id(index - 1) };
            let state = schema.snapshot(generation, &SnapshotIds { id: id(index), prev_id });
            let state = state.map_err(|it| it.to_string())?;
            let is_last = 0 < index && index + 1 == self.declared.len();
            let hints = if is_last { &self.hints } else { &Hints::default() };
            let renames = settle(&before, &state, hints).renames;
            let difference = before.difference_by(&renames, &state);
            if !difference.not_expressed.is_empty() {
                return Err(difference.not_expressed.join(", "));
            }
            all.push(difference.statements.into_iter().map(|it| it.sql).collect());
            before = state;
        }
        Ok(all)
    }
}
