//! The sources of the oracle suite in `cases/suite`, loaded as a project's schema: what the sandbox reads is
//! what the suite's recorder has read in Node, under both drizzle-orm that the kits are asked with.
//!
//! A sample runs by default, everything with `RAINGAUGE_FULL=1`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::{mysql, postgres, sqlite};
use serde_json::{Map, Value};

use crate::project::{Fixture, LATEST, MYSQL_CONFIG, NEXT, POSTGRES_CONFIG, SQLITE_CONFIG};

/// Words that no variable is called by.
const RESERVED: &str = " arguments await break case catch class const continue debugger default delete do else \
    enum eval export extends false finally for function if implements import in instanceof interface let new null \
    package private protected public return static super switch this throw true try typeof var void while with yield ";

/// One source file of the suite with what was recorded of it.
struct Source {
    name: String,
    text: String,
    cases: Map<String, Value>,
}

fn sources(dialect: &str, generation: u8) -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/suite").join(dialect);
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|it| it.extension().is_some_and(|it| it == "mjs")).collect();
    files.sort();
    let read = |path: &PathBuf| {
        let recording = path.with_extension(format!("{generation}.json"));
        let mut recording: Value =
            serde_json::from_str(&fs::read_to_string(recording).unwrap()).unwrap();
        Source {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            text: fs::read_to_string(path).unwrap(),
            cases: recording["cases"].as_object_mut().map(std::mem::take).unwrap(),
        }
    };
    files.iter().map(read).collect()
}

/// A schema file that exports one state of a case, the way the kits see it: by name, sorted. Which names a
/// state has is known only when it is made, so that every word of the source is exported; most are nothing.
fn schema_file(core: &str, generation: u8, (source, case): (&Source, &str), state: &str) -> String {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let words = source.text.split(|it| !is_letter(it));
    let words = words.filter(|it| it.starts_with(|it: char| it.is_ascii_lowercase()));
    let words: BTreeSet<_> = words.filter(|it| !RESERVED.contains(&format!(" {it} "))).collect();
    let words = words.into_iter().collect::<Vec<_>>().join(", ");
    let case = serde_json::to_string(case).unwrap();
    format!(
        "import * as DrizzleOrm from 'drizzle-orm';\n\
         import * as Core from 'drizzle-orm/{core}';\n\
         import * as Source from './source.mjs';\n\
         const All = {{ ...DrizzleOrm, ...Core, generation: {generation} }};\n\
         export const {{ {words} }} = Source.{};\n",
        state.replace("CASE", &case)
    )
}

/// Whether the sandbox reads what was recorded.
fn is_as_recorded(dialect: &str, fixture: &Fixture, recorded: &Value) -> bool {
    let recorded = recorded.clone();
    match dialect {
        "postgres" => {
            let it: postgres::schema::Schema = serde_json::from_value(recorded).unwrap();
            fixture.postgres_schema() == it
        }
        "mysql" => {
            let it: mysql::schema::Schema = serde_json::from_value(recorded).unwrap();
            fixture.mysql_schema() == it
        }
        _ => {
            let it: sqlite::schema::Schema = serde_json::from_value(recorded).unwrap();
            fixture.sqlite_schema() == it
        }
    }
}

fn check(dialect: &str, generation: u8) {
    let (core, config) = match dialect {
        "postgres" => ("pg-core", POSTGRES_CONFIG),
        "mysql" => ("mysql-core", MYSQL_CONFIG),
        _ => ("sqlite-core", SQLITE_CONFIG),
    };
    let orm = if generation == 0 { LATEST } else { NEXT };
    let every = if std::env::var_os("RAINGAUGE_FULL").is_some() { 1 } else { 40 };
    let (mut index, mut count, mut wrong) = (0, 0, Vec::new());
    for source in sources(dialect, generation) {
        for (case, it) in &source.cases {
            let states = it["declared"].as_array().map_or(&[][..], Vec::as_slice);
            let calls: &[&str] = match states.len() {
                1 => &["schemas(All)[CASE]()"],
                _ => &["changes(All)[CASE].from()", "changes(All)[CASE].to()"],
            };
            for (recorded, call) in states.iter().zip(calls) {
                index += 1;
                if index % every != 0 {
                    continue;
                }
                count += 1;
                let schema = schema_file(core, generation, (&source, case), call);
                let files = [
                    ("drizzle.config.ts", config),
                    ("schema.ts", &schema),
                    ("source.mjs", &source.text),
                ];
                let fixture = Fixture::with_orm(orm, &files);
                if !is_as_recorded(dialect, &fixture, recorded) {
                    wrong.push(format!("{} {case}: {call}", source.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{dialect}, {} of {count}: {wrong:#?}", wrong.len());
    assert!(count > 0, "no state was loaded");
}

#[test]
fn the_sandbox_reads_the_suite_as_node_does() {
    for generation in [0, 1] {
        for dialect in ["postgres", "sqlite", "mysql"] {
            check(dialect, generation);
        }
    }
}
