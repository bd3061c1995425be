//! Names of the last snapshot: those that no file speaks of, and those that PostgreSQL cuts to one.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::snapshot::parse_json;
use raingauge_schema::postgres::adopt::stored;
use serde_json::{Map, Value};

use super::Folder;
use crate::findings::with_lines;
use crate::meta::MetaFile;
use crate::report::{Affected, Finding};

/// Where in a snapshot's table names stand that are unique within it.
const IN_TABLE: [&str; 5] =
    ["columns", "foreignKeys", "compositePrimaryKeys", "uniqueConstraints", "checkConstraints"];

/// What the snapshot that drizzle-kit compares with says and no database can have.
pub(super) fn names(folder: &Folder<'_>) -> Vec<Finding> {
    let last = folder.meta.iter().rfind(|it| it.is_snapshot());
    let Some((file, snapshot)) = last.and_then(|it| Some((it, read(it)?))) else {
        return Vec::new();
    };
    if folder.history.journal.is_none() {
        return Vec::new();
    }
    let mut findings: Vec<_> = unspoken(folder, file, &snapshot).into_iter().collect();
    if folder.dialect == Dialect::Postgres {
        findings.extend(cut_to_one(file, &snapshot));
    }
    findings
}

fn read(file: &MetaFile) -> Option<Value> {
    parse_json(file.text.as_deref()?).ok()
}

fn tables(snapshot: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let tables = snapshot.get("tables").and_then(Value::as_object);
    tables.into_iter().flat_map(Map::values).filter_map(Value::as_object)
}

fn keys<'a>(table: &'a Map<String, Value>, part: &str) -> impl Iterator<Item = &'a str> {
    let parts = table.get(part).and_then(Value::as_object);
    parts.into_iter().flat_map(Map::keys).map(String::as_str)
}

fn name(table: &Map<String, Value>) -> &str {
    table.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// A migration that was deleted leaves what it made in the snapshots: drizzle-kit takes it for done.
fn unspoken(folder: &Folder<'_>, file: &MetaFile, snapshot: &Value) -> Option<Finding> {
    let migrations = &folder.history.migrations;
    let is_complete =
        folder.history.journal.as_ref().is_some_and(|it| it.entries.len() == migrations.len());
    if !is_complete || migrations.is_empty() {
        return None;
    }
    let text = migrations.iter().map(|it| it.sql.as_str()).collect::<Vec<_>>().join("\n");
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    let spoken: BTreeSet<_> = text.split(|it| !is_part(it)).map(str::to_lowercase).collect();
    let is_written = |name: &str| {
        let lower = name.to_lowercase();
        if name.chars().all(is_part) {
            return spoken.contains(&lower);
        }
        ['"', '`'].iter().any(|it| text.contains(&name.replace(*it, &it.to_string().repeat(2))))
    };
    // A baseline has names as PostgreSQL keeps them.
    let is_spoken = |name: &str| {
        is_written(name) || folder.dialect == Dialect::Postgres && is_written(stored(name))
    };
    let mut lines = Vec::new();
    for table in tables(snapshot) {
        if !is_spoken(name(table)) {
            lines.push(format!("table {}", name(table)));
            continue;
        }
        let columns = keys(table, "columns").filter(|it| !is_spoken(it));
        lines.extend(columns.map(|it| format!("column {}.{it}", name(table))));
    }
    if lines.is_empty() {
        return None;
    }
    let finding = Finding::error(
        "snapshot-unbuilt",
        file.path.display().to_string(),
        "has what no migration speaks of: one was deleted or edited, and drizzle-kit takes its work for done",
    )
    .affects(Affected::Both);
    Some(
        with_lines(finding, lines)
            .next("restore the migration from version control, or write one with what is missing: npx drizzle-kit generate --custom"),
    )
}

/// PostgreSQL keeps 63 bytes of a name.
fn cut_to_one(file: &MetaFile, snapshot: &Value) -> Option<Finding> {
    let mut lines = Vec::new();
    let mut relations: BTreeMap<(String, &str), &str> = BTreeMap::new();
    for table in tables(snapshot) {
        let schema = table.get("schema").and_then(Value::as_str).unwrap_or_default();
        for relation in std::iter::once(name(table)).chain(keys(table, "indexes")) {
            let twin = relations.insert((schema.to_owned(), stored(relation)), relation);
            lines.extend(twin.filter(|it| *it != relation).map(|it| told(it, relation)));
        }
        for part in IN_TABLE {
            let mut seen = BTreeMap::new();
            for it in keys(table, part) {
                let twin = seen.insert(stored(it), it);
                lines.extend(twin.map(|twin| told(twin, it)));
            }
        }
    }
    if lines.is_empty() {
        return None;
    }
    let finding = Finding::error(
        "names-collide",
        file.path.display().to_string(),
        "has names that differ only after the 63rd byte, where PostgreSQL cuts them",
    );
    Some(with_lines(finding.affects(Affected::Fresh), lines).next("give them shorter names"))
}

fn told(one: &str, other: &str) -> String {
    format!("`{one}` and `{other}` become `{}`", stored(one))
}
