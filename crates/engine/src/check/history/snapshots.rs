//! Snapshots: what drizzle-kit compares `schema.ts` with, and whether it gets that far.

use std::collections::BTreeMap;

use raingauge_schema::Dialect;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::journal::Entry;
use raingauge_schema::drizzle::layout::paired_snapshots;
use raingauge_schema::drizzle::snapshot::{Generation, ORIGIN};

use super::{Folder, conflict};
use crate::history::Migration;
use crate::meta::MetaFile;
use crate::report::{Affected, Finding};

/// A snapshot that drizzle-kit would read.
struct Read<'a> {
    file: &'a MetaFile,
    id: String,
    prev_id: String,
}

/// All that is wrong with the snapshots of a folder with a journal.
pub(super) fn snapshots(folder: &Folder<'_>) -> Vec<Finding> {
    let Some(journal) = &folder.history.journal else { return Vec::new() };
    let files: Vec<_> = folder.meta.iter().filter(|it| it.is_snapshot()).collect();
    let names: Vec<_> = files.iter().map(|it| it.name.as_str()).collect();
    let pairs = paired_snapshots(&journal.entries, &names);
    let mut findings = missing(folder, &journal.entries, &pairs);
    let is_paired = |it: &MetaFile| pairs.iter().flatten().any(|name| *name == it.name);
    findings.extend(extra(folder, &files, &is_paired));
    let mut read = Vec::new();
    for file in files.iter().filter(|it| is_paired(it)) {
        match read_one(folder.dialect, file) {
            Ok(snapshot) => read.push(snapshot),
            Err(finding) => findings.push(*finding),
        }
    }
    let all_there = pairs.iter().all(Option::is_some) && read.len() == pairs.len();
    findings.extend(repeated_ids(&read));
    findings.extend(collisions(&read));
    findings.extend(broken_chain(&in_order(&read, &pairs), all_there));
    findings.extend(wrong_last(&files, &pairs));
    findings
}

fn read_one<'a>(dialect: Dialect, file: &'a MetaFile) -> Result<Read<'a>, Box<Finding>> {
    let path = file.path.display().to_string();
    let refused = |code, message: String| {
        Finding::error(code, path.clone(), message)
            .affects(Affected::Kit)
            .next("restore the file from version control, or raingauge validate --fix")
    };
    let Some(text) = &file.text else {
        return Err(Box::new(refused(
            "not-utf8",
            "is not UTF-8, so drizzle-kit misreads it".into(),
        )));
    };
    if let Some(found) = conflict(&file.path, text) {
        return Err(Box::new(found.affects(Affected::Kit)));
    }
    let read = AnySnapshot::read(dialect, Generation::V0, text);
    let read = read.and_then(|it| dialect.refused_by_kit(text).map_or(Ok(it), Err));
    match read {
        Ok(it) => Ok(Read { file, id: it.id().to_owned(), prev_id: it.prev_id().to_owned() }),
        Err(error) => Err(Box::new(refused(
            error.code(),
            format!("{error}; drizzle-kit refuses the whole folder"),
        ))),
    }
}

/// drizzle-kit compares with an older snapshot then, and writes what this migration does once more.
fn missing(folder: &Folder<'_>, entries: &[Entry], pairs: &[Option<String>]) -> Vec<Finding> {
    if !entries.is_empty() && pairs.iter().all(Option::is_none) {
        let subject = folder.history.folder.join("meta").display().to_string();
        let message = "has no snapshots at all: drizzle-kit takes the history for empty, and `generate` writes the whole schema once more";
        return vec![
            Finding::warning("snapshot-missing", subject, message)
                .affects(Affected::Kit)
                .next("if drizzle-kit is to go on with this history: raingauge validate --fix"),
        ];
    }
    let without = entries.iter().zip(pairs).filter(|(_, pair)| pair.is_none());
    let last = entries.last().map(|it| it.tag.as_str());
    let only_rows = |tag: &str| {
        let migration = folder.history.migrations.iter().find(|it| it.entry.tag == tag);
        migration.is_none_or(|it: &Migration| {
            !super::statements::changes_structure(folder.dialect, &it.sql)
        })
    };
    without
        .map(|(entry, _)| {
            let subject = folder.history.folder.join(format!("{}.sql", entry.tag));
            let subject = subject.display().to_string();
            if last == Some(&entry.tag) && !only_rows(&entry.tag) {
                return Finding::error(
                    "snapshot-missing",
                    subject,
                    "is the last migration and has no snapshot: the next `drizzle-kit generate` writes the same changes again",
                )
                .affects(Affected::Kit)
                .next("restore the snapshot from version control, or raingauge validate --fix");
            }
            let message = "has no snapshot; drizzle-kit compares with the one before it";
            Finding::warning("snapshot-missing", subject, message)
                .affects(Affected::Kit)
                .next("restore it from version control, or raingauge validate --fix")
        })
        .collect()
}

/// Backups and leftovers: drizzle-kit takes every file of `meta/` for a snapshot, the last for the latest.
fn extra<'a>(
    folder: &Folder<'a>,
    files: &[&'a MetaFile],
    is_paired: &dyn Fn(&MetaFile) -> bool,
) -> Vec<Finding> {
    let last = files.last().map(|it| it.name.as_str());
    let mut findings = Vec::new();
    for file in files.iter().filter(|it| !is_paired(it)) {
        let path = file.path.display().to_string();
        let refusal = read_one(folder.dialect, file).err();
        let next = "move it out of `meta/`; version control keeps what is gone";
        let finding = if let Some(refusal) = refusal {
            let message = "belongs to no migration, and drizzle-kit takes it for a snapshot that it cannot read: it refuses the whole folder";
            Finding::error("meta-stray", path, message).evidence(refusal.message)
        } else if last == Some(&file.name) {
            let message = "belongs to no migration, and drizzle-kit takes it for the latest snapshot: it compares `schema.ts` with it";
            Finding::error("meta-stray", path, message)
        } else {
            let message = "belongs to no migration: a leftover or a stale backup";
            Finding::warning("meta-stray", path, message)
        };
        findings.push(finding.affects(Affected::Kit).next(next));
    }
    let ignored = folder.meta.iter().filter(|it| !it.is_snapshot() && it.name != "_journal.json");
    findings.extend(ignored.map(|it| {
        let message = "is read by no tool: a leftover or a stale backup";
        Finding::info("meta-stray", it.path.display().to_string(), message).affects(Affected::Kit)
    }));
    findings
}

/// A copied file.
fn repeated_ids(read: &[Read<'_>]) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &MetaFile> = BTreeMap::new();
    let mut findings = Vec::new();
    for it in read {
        // Every pulled snapshot has this id.
        if it.id == ORIGIN {
            continue;
        }
        match first.get(it.id.as_str()) {
            Some(twin) => findings.push(
                Finding::warning(
                    "snapshot-copied",
                    it.file.path.display().to_string(),
                    format!("has the id of `{}`: one is a copy of the other", twin.name),
                )
                .affects(Affected::Kit)
                .next("raingauge validate --fix: gives it an id of its own"),
            ),
            None => {
                first.insert(&it.id, it.file);
            }
        }
    }
    findings
}

/// Two branches were merged: both snapshots follow the same one.
fn collisions(read: &[Read<'_>]) -> Vec<Finding> {
    let mut children: BTreeMap<&str, Vec<&MetaFile>> = BTreeMap::new();
    for it in read {
        children.entry(&it.prev_id).or_default().push(it.file);
    }
    let collisions = children.into_values().filter(|it| 1 < it.len());
    collisions
        .map(|files| {
            let last = files.last().map(|it| it.path.display().to_string()).unwrap_or_default();
            let others: Vec<_> =
                files.iter().rev().skip(1).map(|it| format!("`{}`", it.name)).collect();
            Finding::error(
                "snapshot-collision",
                last,
                format!("follows the same snapshot as {}: two branches were merged, and drizzle-kit refuses the folder", others.join(", ")),
            )
            .affects(Affected::Kit)
            .next("raingauge validate --fix: chains them one after the other")
        })
        .collect()
}

fn in_order<'a, 'b>(read: &'b [Read<'a>], pairs: &[Option<String>]) -> Vec<&'b Read<'a>> {
    let named = |name: &String| read.iter().find(|it| it.file.name == *name);
    pairs.iter().flatten().filter_map(named).collect()
}

/// Each snapshot names the one before it. Where one is missing, its id is not known.
fn broken_chain(read: &[&Read<'_>], all_there: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let known = |id: &str| read.iter().any(|it| it.id == id);
    let collides = |id: &str| 1 < read.iter().filter(|it| it.prev_id == id).count();
    let copied = |id: &str| 1 < read.iter().filter(|it| it.id == id).count();
    for pair in read.windows(2) {
        let [before, it] = pair else { continue };
        let is_told = collides(&it.prev_id) || copied(&it.id) || copied(&before.id);
        let is_explained = !all_there && !known(&it.prev_id);
        if it.prev_id == before.id || is_told || is_explained {
            continue;
        }
        findings.push(
            Finding::warning(
                "snapshot-chain",
                it.file.path.display().to_string(),
                format!("does not follow `{}`: it names another snapshot as the one before it", before.file.name),
            )
            .affects(Affected::Kit)
            .next("raingauge validate --fix: chains it; drizzle-kit 0.31 works without, the upgrade to 1.0 does not"),
        );
    }
    findings
}

/// drizzle-kit sorts file names; with several kinds of prefixes the last file is not the last migration's.
fn wrong_last(files: &[&MetaFile], pairs: &[Option<String>]) -> Option<Finding> {
    let (file, expected) = (files.last()?, pairs.last()?.as_ref()?);
    let is_some_migrations = pairs.iter().flatten().any(|it| *it == file.name);
    if file.name == *expected || !is_some_migrations {
        return None;
    }
    Some(
        Finding::error(
            "snapshot-order",
            file.path.display().to_string(),
            format!("comes last by its name, so drizzle-kit compares `schema.ts` with it and not with `{expected}` of the last migration"),
        )
        .affects(Affected::Kit)
        .next("give all migrations one kind of prefix (`migrations.prefix`)"),
    )
}
