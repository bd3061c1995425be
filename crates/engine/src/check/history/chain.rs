//! Snapshots of Drizzle 1.0: whether drizzle-kit can read them in their order, and what it would find to
//! change.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::Dialect;
use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::folder::locale_order;
use raingauge_schema::drizzle::snapshot::{ORIGIN, SnapshotError, SnapshotIds};

use crate::findings::with_lines;
use crate::history::{History, Migration};
use crate::report::{Affected, Finding};

/// A migration with what its snapshot says of the schema after it.
type State<'a> = (&'a Migration, Result<AnySnapshot, SnapshotError>);

fn states(history: &History, dialect: Dialect) -> Vec<State<'_>> {
    let with = history.migrations.iter().filter_map(|it| Some((it, it.snapshot.as_deref()?)));
    let mut with: Vec<_> = with.collect();
    // Those of a database that had them in another order, too.
    with.sort_by(|a, b| locale_order(&a.0.entry.tag, &b.0.entry.tag));
    let (migrations, files): (Vec<_>, Vec<_>) = with.into_iter().unzip();
    let states = AnySnapshot::read_history(dialect, Generation::V1, &files);
    migrations.into_iter().zip(states).collect()
}

/// What the last snapshot says that there is, or all together that none follows; `None` if there is none, or it
/// cannot be read.
pub fn last(history: &History, dialect: Dialect) -> Option<AnySnapshot> {
    let mut states = states(history, dialect);
    let known: Vec<_> = states.iter().filter_map(|it| it.1.as_ref().ok()).collect();
    let merged = if known.len() == states.len() { AnySnapshot::merged(&known) } else { None };
    merged.or_else(|| states.pop()?.1.ok())
}

/// What the history says that there is: where several branches end, what they say together.
///
/// # Errors
/// A finding, if the snapshots cannot be read, or branches contradict one another.
pub fn leaf(history: &History, dialect: Dialect) -> Result<AnySnapshot, Box<Finding>> {
    let states = states(history, dialect);
    let known = readable(&states);
    let all: Vec<_> = known.iter().map(|it| it.1).collect();
    if let Some(merged) = AnySnapshot::merged(&all)
        && all.len() == states.len()
    {
        return Ok(merged);
    }
    if let Some(contradiction) = contradictions(&known, dialect).pop() {
        return Err(Box::new(contradiction));
    }
    let message = "ends in several branches, and what they say together cannot be found out: what comes next has to follow all of them";
    let finding =
        Finding::error("snapshot-branches", history.folder.display().to_string(), message);
    let finding = leaves(&known).iter().fold(finding, |it, leaf| it.evidence(&leaf.0.entry.tag));
    let next = "raingauge validate --offline: says what is wrong with the snapshots";
    Err(Box::new(finding.affects(Affected::Kit).next(next)))
}

/// A migration with its snapshot.
type Known<'a> = (&'a Migration, &'a AnySnapshot);

fn readable<'a>(states: &'a [State<'_>]) -> Vec<Known<'a>> {
    states.iter().filter_map(|it| Some((it.0, it.1.as_ref().ok()?))).collect()
}

/// Those that none follows.
fn leaves<'a>(known: &[Known<'a>]) -> Vec<Known<'a>> {
    let is_followed = |id: &str| known.iter().any(|it| it.1.prev_ids().contains(&id));
    known.iter().filter(|it| !is_followed(it.1.id())).copied().collect()
}

/// Branches that nothing has merged yet, and that change the same things.
fn contradictions(known: &[Known<'_>], dialect: Dialect) -> Vec<Finding> {
    let leaves = leaves(known);
    let mut findings = Vec::new();
    for (at, (later, snapshot)) in leaves.iter().enumerate() {
        for (earlier, other) in &leaves[..at] {
            let empty = AnySnapshot::empty(dialect, Generation::V1);
            let (mine, theirs) = (history_of(known, snapshot), history_of(known, other));
            let shared =
                known.iter().rfind(|it| mine.contains(it.1.id()) && theirs.contains(it.1.id()));
            let base = shared.map_or(&empty, |it| it.1);
            let both = base.contradictions(other, snapshot);
            if both.is_empty() {
                continue;
            }
            let message = format!(
                "and the branch that ends in `{}` change the same things: one after the other they fail, or one of them is lost; drizzle-kit refuses the folder",
                earlier.entry.tag
            );
            let finding = Finding::error("merge-contradiction", later.entry.tag.clone(), message);
            let finding = finding.affects(Affected::Both).next(ANEW);
            findings.push(both.into_iter().fold(finding, Finding::evidence));
        }
    }
    findings
}

const ANEW: &str = "take the later branch's folder out with version control, and let `raingauge generate` write it anew after the other one; `drizzle-kit generate --fix-conflicts` deletes the folders of both, and whatever has run one of them could not go on";

/// The ids of a snapshot and of all that it follows.
fn history_of<'a>(known: &[Known<'a>], snapshot: &'a AnySnapshot) -> BTreeSet<&'a str> {
    let mut ids = BTreeSet::from([snapshot.id()]);
    let mut open = snapshot.prev_ids();
    while let Some(id) = open.pop() {
        let found = known.iter().find(|it| it.1.id() == id);
        if let Some((_, it)) = found.filter(|_| ids.insert(id)) {
            open.extend(it.prev_ids());
        }
    }
    ids
}

/// All that is wrong with the snapshots of a history in folders.
pub(super) fn snapshots(history: &History, dialect: Dialect) -> Vec<Finding> {
    let mut findings: Vec<_> = history
        .migrations
        .iter()
        .filter(|it| it.snapshot.is_none())
        .map(|it| {
            let message =
                "has no snapshot; the migrator runs it, and drizzle-kit knows nothing of it";
            Finding::warning("snapshot-missing", it.entry.tag.clone(), message)
                .affects(Affected::Kit)
                .next("restore `snapshot.json` from version control, or raingauge validate --fix")
        })
        .collect();
    findings.extend(of_previews(history, dialect));
    let mut known = vec![ORIGIN.to_owned()];
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let states = states(history, dialect);
    findings.extend(contradictions(&readable(&states), dialect));
    for (migration, state) in states {
        let tag = migration.entry.tag.clone();
        match state {
            Err(error) => findings.push(
                Finding::error(
                    error.code(),
                    tag,
                    format!("{error}; drizzle-kit refuses the folder"),
                )
                .affects(Affected::Kit)
                .next("restore the file from version control, or raingauge validate --fix"),
            ),
            Ok(snapshot) => {
                let is_known = |it: &&str| known.iter().any(|id| id == it);
                if !snapshot.prev_ids().iter().all(is_known) {
                    let message = "does not follow a snapshot that comes before it";
                    findings.push(
                        Finding::warning("snapshot-chain", tag, message)
                            .affects(Affected::Kit)
                            .next("npx drizzle-kit check"),
                    );
                }
                known.push(snapshot.id().to_owned());
                let tag = migration.entry.tag.clone();
                findings.extend(first.get(snapshot.id()).map(|twin| copied(&tag, twin)));
                first.entry(snapshot.id().to_owned()).or_insert(tag);
            }
        }
    }
    findings
}

/// What this migration makes is in no snapshot, or in that of both.
fn copied(tag: &str, twin: &str) -> Finding {
    let message = format!(
        "has the snapshot of `{twin}`: one is a copy of the other, and drizzle-kit knows nothing of what one of the two makes"
    );
    Finding::warning("snapshot-copied", tag, message)
        .affects(Affected::Kit)
        .next("restore `snapshot.json` from version control; or take the copy away, then raingauge validate --fix")
}

/// drizzle-kit 1.0 wants to turn what its previews wrote before it reads the folder.
fn of_previews(history: &History, dialect: Dialect) -> Option<Finding> {
    let is_old =
        |it: &&Migration| it.snapshot.as_deref().is_some_and(|it| dialect.is_of_preview(it));
    let old: Vec<_> = history.migrations.iter().filter(is_old).collect();
    let first = old.first()?;
    let message = "was written by a preview of drizzle-kit 1.0, which 1.0 itself wants to turn before it reads the folder";
    let finding = Finding::warning("snapshot-version", first.entry.tag.clone(), message)
        .affects(Affected::Kit)
        .next("npx drizzle-kit up");
    Some(with_lines(finding, old.iter().skip(1).map(|it| it.entry.tag.clone()).collect()))
}

/// A schema ahead of the last snapshot, `from`, has changes that no migration makes.
pub fn ahead(history: &History, from: &AnySnapshot, schema: &AnySchema) -> Option<Finding> {
    let has_snapshots = history.migrations.iter().any(|it| it.snapshot.is_some());
    let to = match schema.snapshot(Generation::V1, &SnapshotIds::after(None, "")) {
        Ok(snapshot) => snapshot,
        Err(error) => return Some(Finding::error(error.code(), "schema.ts", error.to_string())),
    };
    let changed = from.changed_rows(&to);
    if changed.is_empty() {
        return None;
    }
    let is_behind = changed.iter().all(|it| it.starts_with('-'));
    let finding = match is_behind {
        true => Finding::error(
            "schema-behind",
            "schema.ts",
            "does not declare what the last snapshot has: the next migration drops it",
        ),
        false => Finding::error("schema-ahead", "schema.ts", "declares what no migration makes"),
    };
    let next = match (is_behind, has_snapshots) {
        (true, _) => {
            "declare it again, or read what `raingauge generate` writes before anything runs it"
        }
        // Without a history `generate` would create what live already has.
        (false, false) => "raingauge analyze",
        (false, true) => "raingauge generate",
    };
    let finding = changed.into_iter().fold(finding, Finding::evidence);
    Some(finding.affects(Affected::Both).next(next))
}
