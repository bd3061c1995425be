//! Names of the last snapshot: those that no file speaks of, and those that PostgreSQL cuts to one.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;
use raingauge_schema::Dialect;
use raingauge_schema::postgres::adopt::stored;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Folder;
use crate::findings::with_lines;
use crate::meta::MetaFile;
use crate::report::{Affected, Finding};

/// The names that a snapshot of 0.x has, and nothing else of it: it may be large.
#[derive(Deserialize)]
struct Snapshot {
    #[serde(default)]
    tables: IndexMap<String, Table>,
}

/// Names by the part of the table in which they are unique.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Table {
    name: String,
    schema: Option<String>,
    columns: Names,
    indexes: Names,
    foreign_keys: Names,
    composite_primary_keys: Names,
    unique_constraints: Names,
    check_constraints: Names,
}

type Names = IndexMap<String, IgnoredAny>;

impl Table {
    fn parts(&self) -> [&Names; 5] {
        let Self { columns, foreign_keys, unique_constraints, check_constraints, .. } = self;
        let keys = &self.composite_primary_keys;
        [columns, foreign_keys, keys, unique_constraints, check_constraints]
    }
}

/// What the snapshot that drizzle-kit compares with says and no database can have.
pub(super) fn names(folder: &Folder<'_>) -> Vec<Finding> {
    if folder.history.journal.is_none() {
        return Vec::new();
    }
    let last = folder.meta.iter().rfind(|it| it.is_snapshot());
    let Some((file, snapshot)) = last.and_then(|it| Some((it, read(it)?))) else {
        return Vec::new();
    };
    let mut findings: Vec<_> = unspoken(folder, file, &snapshot).into_iter().collect();
    if folder.dialect == Dialect::Postgres {
        findings.extend(cut_to_one(file, &snapshot));
    }
    findings
}

/// What cannot be read has been told by who checks the files.
fn read(file: &MetaFile) -> Option<Snapshot> {
    serde_json::from_str(file.text.as_deref()?).ok()
}

/// In lower case, without a copy of what is so already: a history has many words.
fn lower(word: &str) -> Cow<'_, str> {
    let is_lower = word.bytes().all(|it| it.is_ascii() && !it.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(word) } else { Cow::Owned(word.to_lowercase()) }
}

/// A migration that was deleted leaves what it made in the snapshots: drizzle-kit takes it for done.
fn unspoken(folder: &Folder<'_>, file: &MetaFile, snapshot: &Snapshot) -> Option<Finding> {
    let migrations = &folder.history.migrations;
    let is_complete =
        folder.history.journal.as_ref().is_some_and(|it| it.entries.len() == migrations.len());
    if !is_complete || migrations.is_empty() {
        return None;
    }
    let texts = || migrations.iter().map(|it| it.sql.as_str());
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    let mut spoken = HashSet::new();
    spoken.extend(texts().flat_map(|it| it.split(|it| !is_part(it))).map(lower));
    let is_written = |name: &str| {
        if name.chars().all(is_part) {
            return spoken.contains(&lower(name));
        }
        let doubled = |quote: char| name.replace(quote, &quote.to_string().repeat(2));
        ['"', '`'].into_iter().map(doubled).any(|it| texts().any(|text| text.contains(&it)))
    };
    // A baseline has names as PostgreSQL keeps them.
    let is_spoken = |name: &str| {
        is_written(name) || folder.dialect == Dialect::Postgres && is_written(stored(name))
    };
    let mut lines = Vec::new();
    for Table { name, columns, .. } in snapshot.tables.values() {
        if is_spoken(name) {
            let columns = columns.keys().filter(|it| !is_spoken(it));
            lines.extend(columns.map(|it| format!("column {name}.{it}")));
        } else {
            lines.push(format!("table {name}"));
        }
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
fn cut_to_one(file: &MetaFile, snapshot: &Snapshot) -> Option<Finding> {
    let mut lines = Vec::new();
    let mut relations: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for table in snapshot.tables.values() {
        let schema = table.schema.as_deref().unwrap_or_default();
        for relation in std::iter::once(&table.name).chain(table.indexes.keys()) {
            let twin = relations.insert((schema, stored(relation)), relation);
            lines.extend(twin.filter(|it| *it != relation).map(|it| told(it, relation)));
        }
        for part in table.parts() {
            let mut seen = BTreeMap::new();
            for it in part.keys() {
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
