//! The declared schema, and what was read to get it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use raingauge_schema::{mysql, postgres, sqlite};
use serde::Deserialize;
use serde_json::Value;

use crate::error::LoadError;
use crate::sandbox::{Outcome, Runtime};

/// What the schema files declare.
#[derive(Clone, Debug)]
pub struct Declared {
    pub schema: DeclaredSchema,
    /// The schema files, then whatever else of the project was read to evaluate them.
    pub files: Vec<PathBuf>,
    /// Where tables, views, enums and sequences are exported, by kind and name: `table public.users`.
    pub sources: BTreeMap<String, SourceLine>,
    /// What has evaluated the files; never [`Runtime::Auto`].
    pub runtime: Runtime,
    /// Names of the environment variables that the files asked for.
    pub environment: Vec<String>,
}

/// A declared schema in the terms of its dialect.
#[derive(Clone, Debug, PartialEq)]
pub enum DeclaredSchema {
    Mysql(mysql::schema::Schema),
    Postgres(postgres::schema::Schema),
    Sqlite(sqlite::schema::Schema),
}

/// A line in a schema file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    pub path: PathBuf,
    pub line: u32,
}

/// What the JavaScript side answers.
#[derive(Deserialize)]
struct Answer {
    schema: Value,
    origins: Vec<Origin>,
    environment: Vec<String>,
}

#[derive(Deserialize)]
struct Origin {
    kind: String,
    key: String,
    module: PathBuf,
    name: String,
}

impl Declared {
    pub(crate) fn from_outcome(
        dialect: &str,
        schema_files: &[PathBuf],
        outcome: &Outcome,
    ) -> Result<Self, LoadError> {
        let broken = |it: serde_json::Error| LoadError::Rejected { message: it.to_string() };
        let answer: Answer = serde_json::from_str(&outcome.json).map_err(broken)?;
        let schema = match dialect {
            "mysql" => {
                DeclaredSchema::Mysql(serde_json::from_value(answer.schema).map_err(broken)?)
            }
            "postgresql" => {
                DeclaredSchema::Postgres(serde_json::from_value(answer.schema).map_err(broken)?)
            }
            _ => DeclaredSchema::Sqlite(serde_json::from_value(answer.schema).map_err(broken)?),
        };
        let others = outcome.files.iter().filter(|it| !schema_files.contains(it));
        Ok(Self {
            schema,
            files: schema_files.iter().chain(others).cloned().collect(),
            sources: sources(answer.origins, outcome),
            runtime: outcome.runtime,
            environment: answer.environment,
        })
    }
}

fn sources(origins: Vec<Origin>, outcome: &Outcome) -> BTreeMap<String, SourceLine> {
    let locate = |it: Origin| {
        let line = *outcome.export_lines.get(&it.module)?.get(&it.name)?;
        Some((format!("{} {}", it.kind, it.key), SourceLine { path: it.module, line }))
    };
    origins.into_iter().filter_map(locate).collect()
}
