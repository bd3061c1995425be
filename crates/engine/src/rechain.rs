//! What makes drizzle-kit go on with a folder: snapshots in one chain, merged where two branches were, and
//! numbers in the order of the journal. Texts in, texts out; SQL is moved and never changed.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::journal::{Entry, Journal};
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, paired_snapshots, sql_path};
use raingauge_schema::drizzle::snapshot::{ORIGIN, SnapshotIds};
use raingauge_schema::{Dialect, Fingerprint};
use serde_json::{Map, Value};

/// Files by their paths relative to the migrations folder.
pub type Files = BTreeMap<String, String>;

/// Why the snapshots cannot be put into one chain: both branches changed this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub tag: String,
    pub what: String,
}

/// A snapshot of the folder as it is.
struct Found {
    id: String,
    prev_id: String,
    text: String,
    value: Value,
}

/// The files of the journal's migrations as they should be.
#[derive(Debug)]
pub struct Chained {
    pub files: Files,
    /// For each entry of the journal: its snapshot; absent where there is none to be had.
    pub snapshots: Vec<Option<String>>,
    /// The migrations of two branches whose snapshots became one. Whether their statements get on with each
    /// other is not in the snapshots.
    pub merges: Vec<Merge>,
}

/// A snapshot into which went what another branch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    pub at: usize,
    /// What both branches did alike: if the statements of both say so, the second one fails.
    pub repeated: Vec<String>,
}

/// What is known beside the files of a folder.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    pub dialect: Dialect,
    /// Whether files may get other names.
    pub may_rename: bool,
    /// Snapshots, by position, of migrations that have none of their own.
    pub made: &'a BTreeMap<usize, AnySnapshot>,
}

/// Puts the snapshots of a journal into one chain. What cannot be read is left as it is.
///
/// # Errors
/// Where two branches changed the same thing in two ways.
pub fn mended(
    ground: Ground<'_>,
    journal: &Journal,
    files: &Files,
) -> Result<Chained, Contradiction> {
    let Ground { dialect, may_rename, .. } = ground;
    let names: Vec<_> = files.keys().filter_map(|it| it.strip_prefix("meta/")).collect();
    let pairs = paired_snapshots(&journal.entries, &names);
    let found: Vec<_> = pairs.iter().map(|it| read(dialect, files, it.as_ref()?)).collect();
    let entries = if may_rename { renumbered(&journal.entries) } else { journal.entries.clone() };
    let mut mended = Files::new();
    for (old, new) in journal.entries.iter().zip(&entries) {
        let sql = files.get(&sql_path(Generation::V0, &old.tag)).cloned().unwrap_or_default();
        mended.insert(sql_path(Generation::V0, &new.tag), sql);
    }
    let (snapshots, merges) = chained(ground, &entries, &found, &mended)?;
    for ((entry, text), (pair, old)) in
        entries.iter().zip(&snapshots).zip(pairs.iter().zip(&journal.entries))
    {
        let kept = pair.as_ref().filter(|_| entry.tag == old.tag).map(|it| format!("meta/{it}"));
        let unread = || pair.as_ref().and_then(|it| files.get(&format!("meta/{it}"))).cloned();
        let path = kept.unwrap_or_else(|| {
            format!("meta/{}_snapshot.json", entry.tag.split('_').next().unwrap_or_default())
        });
        mended.extend(text.clone().or_else(unread).map(|it| (path, it)));
    }
    let text = if entries == journal.entries {
        files.get(JOURNAL_PATH).cloned().unwrap_or_default()
    } else {
        Journal { entries, ..journal.clone() }.write()
    };
    mended.insert(JOURNAL_PATH.to_owned(), text);
    Ok(Chained { files: mended, snapshots, merges })
}

fn read(dialect: Dialect, files: &Files, name: &str) -> Option<Found> {
    let text = files.get(&format!("meta/{name}"))?.clone();
    let snapshot = AnySnapshot::read(dialect, Generation::V0, &text).ok()?;
    let value = serde_json::from_str(&text).ok()?;
    Some(Found {
        id: snapshot.id().to_owned(),
        prev_id: snapshot.prev_id().to_owned(),
        text,
        value,
    })
}

/// Numbers by position, where any number is wrong: the ledger of 0.x does not know the names of files.
fn renumbered(entries: &[Entry]) -> Vec<Entry> {
    let number = |it: &Entry| {
        let prefix = it.tag.split('_').next().unwrap_or_default();
        if (4..=6).contains(&prefix.len()) { prefix.parse::<u32>().ok() } else { None }
    };
    let is_right = |it: &Entry| number(it).is_none_or(|number| number == it.idx);
    let distinct: BTreeSet<_> = entries.iter().map(|it| it.idx).collect();
    if entries.iter().all(is_right) && distinct.len() == entries.len() {
        return entries.to_vec();
    }
    let mut renumbered = entries.to_vec();
    for (idx, entry) in (0..).zip(&mut renumbered) {
        if let (Some(_), Some((_, name))) = (number(entry), entry.tag.split_once('_')) {
            entry.tag = format!("{idx:04}_{name}");
        }
        entry.idx = idx;
    }
    renumbered
}

/// A snapshot's place in the new chain, with what it was made from.
struct Last {
    id: String,
    text: String,
    value: Value,
    is_changed: bool,
    /// The id that it had.
    was: String,
    /// What both branches did, where two were merged.
    merged: Option<Vec<String>>,
}

/// The text of each entry's snapshot; absent where there is none to be had.
fn chained(
    ground: Ground<'_>,
    entries: &[Entry],
    found: &[Option<Found>],
    files: &Files,
) -> Result<(Vec<Option<String>>, Vec<Merge>), Contradiction> {
    let known: BTreeSet<_> = found.iter().flatten().map(|it| it.id.as_str()).collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut last: Option<Last> = None;
    let (mut texts, mut merges) = (Vec::new(), Vec::new());
    for (at, entry) in entries.iter().enumerate() {
        let next = match &found[at] {
            Some(it) => Some(follow(ground.dialect, entry, it, last.as_ref(), (found, &used))?),
            None => {
                let wanted =
                    found.get(at + 1).and_then(Option::as_ref).map(|it| it.prev_id.as_str());
                let wanted = wanted.filter(|it| !known.contains(it) && *it != ORIGIN);
                let sql = files
                    .get(&sql_path(Generation::V0, &entry.tag))
                    .map(String::as_str)
                    .unwrap_or_default();
                let copy = last.as_ref().filter(|_| changes_no_structure(ground.dialect, sql));
                let copy = copy.and_then(|it| repeat(ground.dialect, entry, it, wanted));
                copy.or_else(|| Some(placed(ground.made.get(&at)?, entry, last.as_ref(), wanted)))
            }
        };
        let repeated = next.as_ref().and_then(|it| it.merged.clone());
        merges.extend(repeated.map(|repeated| Merge { at, repeated }));
        used.extend(next.iter().map(|it| it.id.clone()));
        texts.push(next.as_ref().map(|it| it.text.clone()));
        // Where there is none, nobody knows what the migration made.
        last = next;
    }
    Ok((texts, merges))
}

/// A snapshot that was made again, at its place.
fn placed(made: &AnySnapshot, entry: &Entry, last: Option<&Last>, wanted: Option<&str>) -> Last {
    let id = wanted.map_or_else(|| new_id(&entry.tag, &made.write()), str::to_owned);
    let ids = SnapshotIds::after(last.map(|it| it.id.as_str()), id.clone());
    let text = made.with_ids(&ids).write();
    let value = serde_json::from_str(&text).unwrap_or_default();
    Last { was: id.clone(), id, text, value, is_changed: false, merged: None }
}

/// A snapshot after the one before it: as it is if it follows, else chained, and merged with what the
/// other branch did since the snapshot that it was made from.
fn follow(
    dialect: Dialect,
    entry: &Entry,
    it: &Found,
    last: Option<&Last>,
    (found, used): (&[Option<Found>], &BTreeSet<String>),
) -> Result<Last, Contradiction> {
    let prev_id = last.map_or_else(|| it.prev_id.clone(), |it| it.id.clone());
    let is_copy = it.id != ORIGIN && used.contains(&it.id);
    let made_from = found.iter().flatten().find(|parent| parent.id == it.prev_id);
    let (mut value, mut repeated) = (it.value.clone(), None);
    if let Some(last) = last
        && (last.is_changed || last.was != it.prev_id)
        && let Some(parent) = made_from
    {
        let merge = merged(&parent.value, &last.value, &it.value)
            .map_err(|what| Contradiction { tag: entry.tag.clone(), what })?;
        (value, repeated) = (merge.value, Some(merge.repeated));
    }
    let is_changed = content(&value) != content(&it.value);
    let merged = repeated.filter(|it| is_changed || !it.is_empty());
    let id = if is_copy { new_id(&entry.tag, &it.text) } else { it.id.clone() };
    let text = if !is_changed && id == it.id && prev_id == it.prev_id {
        it.text.clone()
    } else {
        with_ids(
            dialect,
            it,
            is_changed.then_some(&value),
            &SnapshotIds { id: id.clone(), prev_id },
        )
    };
    Ok(Last { id, text, value, is_changed, was: it.id.clone(), merged })
}

/// Of a text only the ids change, where they are written as drizzle-kit writes them.
fn with_ids(dialect: Dialect, it: &Found, merged: Option<&Value>, ids: &SnapshotIds) -> String {
    let replaced = [("id", &it.id, &ids.id), ("prevId", &it.prev_id, &ids.prev_id)].iter().fold(
        it.text.clone(),
        |text, (key, from, to)| {
            text.replacen(
                &format!("\n  \"{key}\": \"{from}\""),
                &format!("\n  \"{key}\": \"{to}\""),
                1,
            )
        },
    );
    let read = |text: &str| AnySnapshot::read(dialect, Generation::V0, text).ok();
    let is_right = |it: &AnySnapshot| it.id() == ids.id && it.prev_id() == ids.prev_id;
    if merged.is_none() && read(&replaced).as_ref().is_some_and(is_right) {
        return replaced;
    }
    let text = merged.map_or_else(|| it.text.clone(), Value::to_string);
    read(&text).map_or(replaced, |it| it.with_ids(ids).write())
}

/// What `generate --custom` would have written: rows change no snapshot.
fn repeat(dialect: Dialect, entry: &Entry, last: &Last, wanted: Option<&str>) -> Option<Last> {
    let id = wanted.map_or_else(|| new_id(&entry.tag, &last.text), str::to_owned);
    let text = dialect.custom_snapshot(Some(&last.text), &id).ok()?;
    let value = serde_json::from_str(&text).ok()?;
    Some(Last { was: id.clone(), id, text, value, is_changed: last.is_changed, merged: None })
}

fn changes_no_structure(dialect: Dialect, sql: &str) -> bool {
    !sql.trim().is_empty() && !crate::check::history::statements::changes_structure(dialect, sql)
}

/// An id with the form of a random UUID, made from the content.
fn new_id(tag: &str, text: &str) -> String {
    crate::adoption::snapshot_id(tag, text)
}

fn content(value: &Value) -> Fingerprint {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.retain(|key, _| key != "id" && key != "prevId");
    }
    Fingerprint::of_bytes(value.to_string().as_bytes())
}

/// A snapshot in which two others are.
#[derive(Debug, PartialEq)]
struct Merged {
    value: Value,
    /// The paths of what both changed alike.
    repeated: Vec<String>,
}

/// What both branches made of the same snapshot. The ids and the renames are the later one's own.
fn merged(base: &Value, ours: &Value, theirs: &Value) -> Result<Merged, String> {
    let without = |value: &Value| {
        let mut object = value.as_object().cloned().unwrap_or_default();
        object.retain(|key, _| !["id", "prevId", "_meta"].contains(&key.as_str()));
        object
    };
    let mut repeated = Vec::new();
    let sides = [without(base), without(ours), without(theirs)];
    let mut all = merged_objects(sides.each_ref(), "", &mut repeated)?;
    for key in ["id", "prevId", "_meta"] {
        all.extend(theirs.get(key).map(|it| (key.to_owned(), it.clone())));
    }
    Ok(Merged { value: Value::Object(all), repeated })
}

type Object = Map<String, Value>;

/// The base, ours and theirs in one object.
fn merged_objects(
    [base, ours, theirs]: [&Object; 3],
    path: &str,
    repeated: &mut Vec<String>,
) -> Result<Object, String> {
    let mut all = Object::new();
    let keys: BTreeSet<_> = ours.keys().collect();
    let gone = base.keys().filter(|it| !ours.contains_key(*it) && !theirs.contains_key(*it));
    let gone: Vec<_> = gone.collect();
    let new = theirs.keys().filter(|it| !keys.contains(it));
    for key in ours.keys().chain(new).chain(gone) {
        let path = format!("{path}{}{key}", if path.is_empty() { "" } else { "." });
        let (was, our, their) = (base.get(key), ours.get(key), theirs.get(key));
        let value = if was == their {
            our.cloned()
        } else if was == our {
            their.cloned()
        } else if let (Some(Value::Object(our)), Some(Value::Object(their))) = (our, their)
            && (our != their || was.is_some_and(Value::is_object))
        {
            let none = Object::new();
            let was = was.and_then(Value::as_object).unwrap_or(&none);
            Some(Value::Object(merged_objects([was, our, their], &path, repeated)?))
        } else if our == their {
            repeated.push(path);
            our.cloned()
        } else {
            return Err(path);
        };
        all.extend(value.map(|it| (key.clone(), it)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_both_branches_did_is_kept() {
        let base =
            json!({ "id": "p", "tables": { "a": { "columns": { "x": 1, "y": 1 } } }, "_meta": 0 });
        let ours = json!({ "id": "a", "tables": { "a": { "columns": { "x": 1, "y": 1, "z": 1 } } }, "_meta": 1 });
        let theirs =
            json!({ "id": "b", "tables": { "a": { "columns": { "x": 2 } }, "b": {} }, "_meta": 2 });
        assert_eq!(
            merged(&base, &ours, &theirs).unwrap().value,
            json!({ "tables": { "a": { "columns": { "x": 2, "z": 1 } }, "b": {} }, "id": "b", "_meta": 2 })
        );
    }

    #[test]
    fn what_both_branches_changed_in_two_ways_is_named() {
        let table = |it: i32| json!({ "tables": { "a": { "x": it } } });
        let both = |ours: &Value, theirs: &Value| merged(&table(1), ours, theirs);
        assert_eq!(both(&table(2), &table(3)), Err("tables.a.x".to_owned()));
        // One takes away what the other changes.
        let gone = json!({ "tables": {} });
        assert_eq!(both(&gone, &table(3)), Err("tables.a".to_owned()));
        let without = |value: Value| Ok(Merged { value, repeated: Vec::new() });
        assert_eq!(both(&gone, &table(1)), without(gone));
    }

    #[test]
    fn what_both_branches_did_alike_is_named() {
        let table = |it: i32| json!({ "tables": { "a": { "x": it } } });
        let (new, gone) =
            (json!({ "tables": { "a": { "x": 1, "y": 1 } } }), json!({ "tables": {} }));
        for (both, path) in [(table(2), "tables.a.x"), (new, "tables.a.y"), (gone, "tables.a")] {
            let repeated = vec![path.to_owned()];
            let expected = Merged { value: both.clone(), repeated };
            assert_eq!(merged(&table(1), &both, &both), Ok(expected));
        }
    }
}
