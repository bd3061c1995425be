//! The declared schema, and what was read to get it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use raingauge_schema::{mysql, postgres, sqlite};
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
    /// What is declared twice and in two ways, by kind and name: `column users.id`. The schema has one of both.
    pub twice: Vec<String>,
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
struct Answer<S> {
    schema: S,
    origins: Vec<Origin>,
    twice: Vec<String>,
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
        let Answer { schema, origins, twice, environment } = match dialect {
            "mysql" => answer(outcome)?.with(DeclaredSchema::Mysql),
            "postgresql" => answer(outcome)?.with(DeclaredSchema::Postgres),
            _ => answer(outcome)?.with(DeclaredSchema::Sqlite),
        };
        let others = outcome.files.iter().filter(|it| !schema_files.contains(it));
        Ok(Self {
            schema,
            files: schema_files.iter().chain(others).cloned().collect(),
            sources: sources(origins, outcome),
            runtime: outcome.runtime,
            twice,
            environment,
        })
    }
}

impl<S> Answer<S> {
    fn with(self, schema: impl FnOnce(S) -> DeclaredSchema) -> Answer<DeclaredSchema> {
        let Self { schema: declared, origins, twice, environment } = self;
        Answer { schema: schema(declared), origins, twice, environment }
    }
}

fn answer<S: DeserializeOwned>(outcome: &Outcome) -> Result<Answer<S>, LoadError> {
    serde_json::from_str(&outcome.json)
        .map_err(|it| LoadError::Rejected { message: it.to_string() })
}

fn sources(origins: Vec<Origin>, outcome: &Outcome) -> BTreeMap<String, SourceLine> {
    let locate = |it: Origin| {
        let line = *outcome.export_lines.get(&it.module)?.get(&it.name)?;
        Some((format!("{} {}", it.kind, it.key), SourceLine { path: it.module, line }))
    };
    origins.into_iter().filter_map(locate).collect()
}
