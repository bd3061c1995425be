//! Repairs of Drizzle 1.0's folders: a `snapshot.json` that is missing or cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::layout::snapshot_path;
use raingauge_schema::drizzle::snapshot::{SnapshotError, SnapshotIds};
use serde_json::Value;

use super::{Planned, Repair};
use crate::Result;
use crate::adoption::snapshot_id;
use crate::check::history::statements::changes_structure;
use crate::history::Migration;
use crate::lost::{self, Search};
use crate::progress::Progress;
use crate::project::Project;
use crate::rechain::Files;
use crate::report::{Affected, Finding};
use crate::setting::Setting;
use crate::site::scratch_for;

/// The states that the files say, by position, and the positions of those that say nothing.
struct Folders {
    known: BTreeMap<usize, AnySnapshot>,
    lost: Vec<usize>,
    /// Those whose file is there and says what changed after one that is lost.
    resting: Vec<usize>,
}

pub(super) fn plan(
    project: &Project,
    setting: &Setting,
    progress: &mut dyn Progress,
) -> Result<Planned> {
    let mut folders = Folders::read(project, &Files::new());
    if folders.lost.is_empty() {
        return Ok(Planned::default());
    }
    let lost = folders.lost.clone();
    let mut planned = Planned::default();
    let mut files = Files::new();
    let mut made = BTreeSet::new();
    // One after the other: a file that says what changed can be read when the one before it is there.
    for at in lost {
        let text = match placed(project, &folders, at) {
            Err(finding) => Err(finding),
            Ok(place) => match place.repeated(project, &folders) {
                Some(text) => Ok(text),
                None => {
                    let mut scratch = scratch_for(setting, project)?;
                    let known = &folders.known;
                    let search =
                        Search { project, setting, scratch: &mut scratch, known, lost: &[at] };
                    made.insert(at);
                    lost::made_again(search, progress).map(|it| place.written(&it[&at]))
                }
            },
        };
        match text {
            Ok(text) => {
                let tag = &project.history.migrations[at].entry.tag;
                files.insert(snapshot_path(Generation::V1, tag), text);
            }
            Err(finding) => {
                planned.findings.push(*finding);
                return Ok(planned);
            }
        }
        folders = Folders::read(project, &files);
    }
    if let Some(at) = folders.lost.first().or(folders.resting.first()) {
        // A file that was sound says what changes in another way than what was made again.
        planned.findings.push(*refused(
            project,
            *at,
            "what it says changed does not fit what the migrations before it make",
        ));
    } else {
        let path =
            |at: &usize| snapshot_path(Generation::V1, &project.history.migrations[*at].entry.tag);
        let made = made.iter().map(path).collect();
        let repair = Repair::of(&project.history, files, BTreeSet::new());
        planned.repair = Some(Repair { made, ..repair });
    }
    Ok(planned)
}

impl Folders {
    /// What the files say, with these in place of those on disk.
    fn read(project: &Project, files: &Files) -> Self {
        let migrations = &project.history.migrations;
        let text = |it: &Migration| {
            let new = files.get(&snapshot_path(Generation::V1, &it.entry.tag)).cloned();
            new.or_else(|| it.snapshot.clone())
        };
        let texts: Vec<_> = migrations.iter().map(text).collect();
        let there: Vec<_> = texts.iter().flatten().map(String::as_str).collect();
        let mut states =
            AnySnapshot::read_history(project.dialect, Generation::V1, &there).into_iter();
        let mut folders = Self { known: BTreeMap::new(), lost: Vec::new(), resting: Vec::new() };
        for (at, text) in texts.iter().enumerate() {
            match text.as_ref().and_then(|_| states.next()) {
                Some(Ok(state)) => drop(folders.known.insert(at, state)),
                Some(Err(SnapshotError::Parent(_))) => folders.resting.push(at),
                Some(Err(_)) | None => folders.lost.push(at),
            }
        }
        folders
    }
}

/// The place of a lost snapshot in the chain.
struct Place {
    at: usize,
    /// The state before it.
    before: AnySnapshot,
    /// As the next file calls it.
    id: Option<String>,
    tag: String,
    sql: String,
}

/// Where a lost snapshot belongs: after the one before it, with the id that the next one names.
fn placed(project: &Project, folders: &Folders, at: usize) -> Result<Place, Box<Finding>> {
    let migration = &project.history.migrations[at];
    let refused = |why: &str| refused(project, at, why);
    let before = match at.checked_sub(1) {
        None => AnySnapshot::empty(project.dialect, Generation::V1),
        Some(before) => match folders.known.get(&before) {
            Some(it) => it.clone(),
            None => return Err(refused("the one before it says only what changed, after another")),
        },
    };
    // One that is lost itself takes whatever id this one gets.
    let next = project.history.migrations.get(at + 1).filter(|_| !folders.lost.contains(&(at + 1)));
    let next = next.and_then(|it| it.snapshot.as_deref());
    let named: Vec<String> = next.map(prev_ids).unwrap_or_default();
    let is_known = |id: &String| folders.known.values().any(|it| it.id() == id);
    let id = named.into_iter().find(|it| !is_known(it));
    if next.is_some() && id.is_none() {
        return Err(refused(
            "the snapshot after it follows the one before it, and nobody knows whether it has what this migration makes",
        ));
    }
    let (tag, sql) = (migration.entry.tag.clone(), migration.sql.clone());
    Ok(Place { at, before, id, tag, sql })
}

fn refused(project: &Project, at: usize, why: &str) -> Box<Finding> {
    let message = format!("its snapshot cannot be made again: {why}; it was left as it is");
    let path = project.history.migrations[at].path.display().to_string();
    Box::new(
        Finding::error("snapshot-unrebuildable", path, message)
            .affects(Affected::Kit)
            .next("restore `snapshot.json` from version control"),
    )
}

fn prev_ids(text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let ids = value.get("prevIds").and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Place {
    fn id(&self, content: &str) -> String {
        self.id.clone().unwrap_or_else(|| snapshot_id(&self.tag, content))
    }

    /// What `generate --custom` would have written, where the migration changes no structure.
    fn repeated(&self, project: &Project, folders: &Folders) -> Option<String> {
        let is_first = !folders.known.contains_key(&self.at.checked_sub(1)?);
        if is_first || changes_structure(project.dialect, &self.sql) {
            return None;
        }
        self.before.write_custom(&self.id(&self.sql)).ok()
    }

    fn written(&self, made: &AnySnapshot) -> String {
        let id = self.id(&made.write());
        let prev_id = (0 < self.at).then(|| self.before.id());
        made.with_ids(&SnapshotIds::after(prev_id, id)).write_after(&self.before)
    }
}
