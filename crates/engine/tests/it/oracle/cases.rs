//! The recordings of `cases/suite`, and the statements that we make of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::Dialect;
use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::snapshot::{Generation, ORIGIN, SnapshotIds};
use serde_json::Value;

/// One schema, or a change from one to another, and what drizzle-kit said.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) dialect: Dialect,
    pub(super) declared: Vec<AnySchema>,
    /// drizzle-kit's last migration.
    pub(super) kit: Option<String>,
    /// One in so many runs by default.
    pub(super) sample: usize,
}

/// All that a kit was asked about a dialect and did not refuse.
pub(super) fn cases(dialect: Dialect, generation: Generation) -> Vec<Case> {
    let folder = match dialect {
        Dialect::Postgres => "postgres",
        Dialect::Sqlite => "sqlite",
    };
    let ending = match generation {
        Generation::V0 => ".0.json",
        Generation::V1 => ".1.json",
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/suite").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|it| it.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    files.iter().flat_map(|it| of_file(dialect, it)).collect()
}

fn of_file(dialect: Dialect, path: &Path) -> Vec<Case> {
    let recording: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let cases: BTreeMap<String, Value> =
        serde_json::from_value(recording["cases"].clone()).unwrap();
    let answered = cases.into_iter().filter(|it| it.1.get("refused").is_none());
    let case = |(name, it): (String, Value)| {
        let declared = it["declared"].as_array().unwrap().iter();
        let declared: Vec<_> = declared.map(|it| schema(dialect, it)).collect();
        let sample = if declared.len() == 1 { 8 } else { 4 };
        let kit = it["migration"].as_str().map(str::to_owned);
        Case { name, dialect, declared, kit, sample }
    };
    answered.map(case).collect()
}

fn schema(dialect: Dialect, declared: &Value) -> AnySchema {
    match dialect {
        Dialect::Postgres => AnySchema::Postgres(serde_json::from_value(declared.clone()).unwrap()),
        Dialect::Sqlite => AnySchema::Sqlite(serde_json::from_value(declared.clone()).unwrap()),
    }
}

impl Case {
    /// The statements that build the first schema, and those of the change.
    pub(super) fn steps(&self, generation: Generation) -> Result<Vec<String>, String> {
        self.walk(generation, &self.declared)
    }

    /// The statements that build the last schema from nothing.
    pub(super) fn fresh(&self, generation: Generation) -> Result<Vec<String>, String> {
        let last = self.declared.len() - 1;
        self.walk(generation, self.declared.get(last..).unwrap_or_default())
    }

    fn walk(&self, generation: Generation, states: &[AnySchema]) -> Result<Vec<String>, String> {
        let mut before = AnySnapshot::empty(self.dialect, generation);
        let mut all = Vec::new();
        for (index, schema) in states.iter().enumerate() {
            let id = |index: usize| format!("00000000-0000-4000-8000-{index:012}");
            let prev_id = if index == 0 { ORIGIN.to_owned() } else { id(index - 1) };
            let state = schema.snapshot(generation, &SnapshotIds { id: id(index), prev_id });
            let state = state.map_err(|it| it.to_string())?;
            let difference = before.difference_to(&state);
            if !difference.not_expressed.is_empty() {
                return Err(difference.not_expressed.join(", "));
            }
            all.extend(difference.statements.into_iter().map(|it| it.sql));
            before = state;
        }
        Ok(all)
    }
}
