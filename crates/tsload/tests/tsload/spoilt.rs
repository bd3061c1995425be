//! Spoilt `drizzle.config.json`: read, or refused with words; never a panic, never a hang.

#[path = "../../../schema/tests/cases/mangle.rs"]
mod mangle;

use std::collections::BTreeMap;

use arbtest::arbtest;
use raingauge_tsload::Project;

use mangle::{budget, mangled, within_time};

const WORDS: [&str; 18] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "\"out\"",
    "\"dialect\"",
    "\"sqlite\"",
    "\"schema\"",
    "\"dbCredentials\"",
    "\"migrations\"",
    "\\u0000",
    "\u{feff}",
];

const SEEDS: [&str; 2] = [
    r#"{ "dialect": "postgresql", "schema": ["./a.ts", "./b/*.ts"], "out": "./drizzle", "casing": "snake_case",
  "dbCredentials": { "host": "h", "port": 5432, "user": "u", "password": "p", "database": "d", "ssl": { "ca": "x" } },
  "tablesFilter": ["a_*"], "schemaFilter": "public", "extensionsFilters": ["postgis"], "breakpoints": false,
  "entities": { "roles": { "provider": "neon", "exclude": ["x"] } },
  "migrations": { "table": "t", "schema": "s", "prefix": "index" } }"#,
    r#"{ "dialect": "sqlite", "driver": "d1-http", "out": "", "dbCredentials": { "url": "file:a.db" } }"#,
];

#[test]
fn any_configuration_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drizzle.config.json");
    let project = Project::new(folder.path().to_owned(), BTreeMap::new());
    let seeds = SEEDS.map(str::to_owned);
    let property = |u: &mut arbtest::arbitrary::Unstructured<'_>| {
        let text = mangled(u, &seeds, &WORDS)?;
        std::fs::write(&path, &text).unwrap();
        if let Err(error) = within_time(&text, |_| project.config(None)) {
            assert!(!error.code().is_empty() && !error.to_string().is_empty());
        }
        Ok(())
    };
    arbtest(property).budget(budget()).size_max(4096).run();
}
