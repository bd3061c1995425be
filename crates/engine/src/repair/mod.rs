//! The plan of a repair of the history's files: what is written, what gets another name, and why.
//!
//! No SQL changes, so no hash in a ledger does. [`crate::apply::repair`] carries it out.

mod folders;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use raingauge_schema::Fingerprint;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, paired_snapshots, sql_path};

use crate::Result;
use crate::check::history::systems::Systems;
use crate::history::History;
use crate::lost::{self, Search};
use crate::meta;
use crate::progress::Progress;
use crate::project::Project;
use crate::rechain::{Chained, Contradiction, Files, Ground, Merge, mended};
use crate::replay::ReplayError;
use crate::report::Finding;
use crate::setting::Setting;
use crate::site::scratch_for;

/// What is to be written, and which files are gone afterwards.
#[derive(Clone, Debug)]
pub struct Repair {
    pub folder: PathBuf,
    /// By their paths relative to the migrations folder.
    pub writes: Files,
    pub removals: BTreeSet<String>,
    /// Those of `writes` that a replay in scratch has made again.
    pub made: BTreeSet<String>,
    /// The history that the plan rests on.
    pub history: Fingerprint,
    pub plan: Fingerprint,
}

/// A plan, if there is anything to do, and what cannot be repaired.
#[derive(Debug, Default)]
pub struct Planned {
    pub repair: Option<Repair>,
    pub findings: Vec<Finding>,
}

/// Plans the repair of a project's history.
///
/// # Errors
/// If a file cannot be read; a refusal as a finding is in the plan.
pub fn plan(project: &Project, setting: &Setting, progress: &mut dyn Progress) -> Result<Planned> {
    match project.history.generation {
        Generation::V0 => of_journal(project, setting, progress),
        Generation::V1 => folders::plan(project, setting, progress),
    }
}

fn refused(finding: Finding) -> Planned {
    Planned { repair: None, findings: vec![finding] }
}

fn of_journal(
    project: &Project,
    setting: &Setting,
    progress: &mut dyn Progress,
) -> Result<Planned> {
    let history = &project.history;
    let is_complete = |it: &&Journal| it.entries.len() == history.migrations.len();
    let Some(journal) = history.journal.as_ref().filter(is_complete) else {
        return Ok(Planned::default());
    };
    let tags: BTreeSet<_> = journal.entries.iter().map(|it| &it.tag).collect();
    if tags.len() != journal.entries.len() {
        return Ok(Planned::default());
    }
    let files = read(history)?;
    let systems = Systems::find(&project.root, &history.folder)?;
    // A ledger of wrangler knows files by their names.
    let may_rename = project.config.driver.is_none() && !systems.has_wrangler();
    let dialect = project.dialect;
    let mut made = BTreeMap::new();
    let chain = |made: &BTreeMap<usize, AnySnapshot>| {
        mended(Ground { dialect, may_rename, made }, journal, &files)
    };
    let mut wanted = match chain(&made) {
        Ok(wanted) => wanted,
        Err(it) => return Ok(refused(contradiction(&it))),
    };
    let mut findings = Vec::new();
    let known = known(project, &wanted);
    let lost: Vec<_> = (0..journal.entries.len()).filter(|at| !known.contains_key(at)).collect();
    if !lost.is_empty() {
        let mut scratch = scratch_for(setting, project)?;
        let search = Search { project, setting, scratch: &mut scratch, known: &known, lost: &lost };
        match lost::made_again(search, progress) {
            Ok(found) => made = found,
            Err(finding) => findings.push(*finding),
        }
        match chain(&made) {
            Ok(again) => wanted = again,
            Err(it) => return Ok(refused(contradiction(&it))),
        }
    }
    if let Some(last) = wanted.merges.last() {
        let mut scratch = scratch_for(setting, project)?;
        let refused_by = lost::refused_in((project, setting), &mut scratch, last.at + 1, progress);
        if let Some(finding) = get_on(history, &wanted.merges, refused_by) {
            return Ok(refused(finding));
        }
    }
    match repair(history, journal, &files, &wanted) {
        Ok(repair) => {
            let repair = repair.map(|it| it.with_made(&wanted, made.keys().copied()));
            Ok(Planned { repair, findings })
        }
        Err(finding) => Ok(refused(*finding)),
    }
}

/// The snapshots that can be read, or follow from the one before them.
fn known(project: &Project, chained: &Chained) -> BTreeMap<usize, AnySnapshot> {
    let texts = chained.snapshots.iter().enumerate();
    let read = |text: &str| AnySnapshot::read(project.dialect, Generation::V0, text).ok();
    texts.filter_map(|(at, text)| Some((at, read(text.as_deref()?)?))).collect()
}

fn repair(
    history: &History,
    journal: &Journal,
    files: &Files,
    wanted: &Chained,
) -> std::result::Result<Option<Repair>, Box<Finding>> {
    let wanted = &wanted.files;
    let mut writes = wanted.clone();
    writes.retain(|path, text| files.get(path) != Some(text));
    let own = own_paths(journal, files);
    let removals: BTreeSet<_> =
        own.iter().filter(|it| !wanted.contains_key(*it)).cloned().collect();
    if writes.is_empty() {
        return Ok(None);
    }
    let in_the_way = |path: &&String| files.contains_key(*path) && !own.contains(*path);
    if let Some(path) = writes.keys().find(in_the_way) {
        let message = "is in the way of a repair and in no journal; nothing was changed";
        let subject = history.folder.join(path).display().to_string();
        return Err(Box::new(
            Finding::error("file-in-the-way", subject, message)
                .next("move it aside, then run the command again"),
        ));
    }
    Ok(Some(Repair::of(history, writes, removals)))
}

impl Repair {
    fn of(history: &History, writes: Files, removals: BTreeSet<String>) -> Self {
        let parts = writes.iter().flat_map(|(path, text)| [path.as_str(), text.as_str()]);
        let plan = Fingerprint::of_parts(parts.chain(removals.iter().map(String::as_str)));
        let (folder, history) = (history.folder.clone(), history.fingerprint());
        Self { folder, writes, removals, made: BTreeSet::new(), history, plan }
    }

    fn with_made(mut self, chained: &Chained, made: impl Iterator<Item = usize>) -> Self {
        let texts: BTreeSet<_> = made.filter_map(|at| chained.snapshots[at].as_ref()).collect();
        let is_made = |it: &(&String, &String)| texts.contains(it.1);
        self.made = self.writes.iter().filter(is_made).map(|it| it.0.clone()).collect();
        self
    }
}

/// The files that belong to the journal's migrations.
fn own_paths(journal: &Journal, files: &Files) -> BTreeSet<String> {
    let names: Vec<_> = files.keys().filter_map(|it| it.strip_prefix("meta/")).collect();
    let snapshots = paired_snapshots(&journal.entries, &names).into_iter().flatten();
    let sql = journal.entries.iter().map(|it| sql_path(Generation::V0, &it.tag));
    let own = snapshots.map(|it| format!("meta/{it}")).chain(sql);
    own.chain([JOURNAL_PATH.to_owned()]).collect()
}

/// The files of the folder and of `meta/`.
fn read(history: &History) -> Result<Files> {
    let mut files = Files::new();
    for file in meta::read(&history.folder)? {
        files.extend(file.text.map(|text| (format!("meta/{}", file.name), text)));
    }
    let sql = history
        .migrations
        .iter()
        .map(|it| (sql_path(Generation::V0, &it.entry.tag), it.sql.clone()));
    files.extend(sql);
    for entry in fs::read_dir(&history.folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !files.contains_key(&name) {
            files.insert(name, String::new());
        }
    }
    Ok(files)
}

/// Whether the statements of merged branches run one after the other. Where no replay can tell, only what
/// both did alike speaks against it.
fn get_on(
    history: &History,
    merges: &[Merge],
    refused_by: std::result::Result<Option<ReplayError>, Box<Finding>>,
) -> Option<Finding> {
    let tag = |at: usize| history.migrations.get(at).map_or("", |it| it.entry.tag.as_str());
    let alike = |it: &Merge| {
        let message = "makes what another branch has made already; nothing was changed";
        let finding = Finding::error("merge-contradiction", tag(it.at), message);
        it.repeated.iter().fold(finding.next(ANEW), Finding::evidence)
    };
    let repeated = || merges.iter().find(|it| !it.repeated.is_empty());
    let error = match refused_by {
        Ok(None) => return None,
        Ok(Some(error)) => error,
        Err(why) => return Some(alike(repeated()?).evidence(why.message)),
    };
    let is_at =
        |it: &&Merge| history.migrations.get(it.at).is_some_and(|it| it.file_name() == error.file);
    let Some(merge) = merges.iter().find(is_at) else {
        let finding = alike(repeated()?);
        return Some(finding.evidence(format!("the replay ended before it: {error}")));
    };
    let what = "does not run after what the other branch has made; nothing was changed";
    let finding = error.finding("merge-contradiction", what).next(ANEW);
    Some(merge.repeated.iter().fold(finding, |finding, it| {
        finding.evidence(format!("both branches changed `{it}` in the same way"))
    }))
}

const ANEW: &str = "take the later migration back out with version control, and let `raingauge generate` write it anew on top of the other one; where a database has run it already, take out of its file what the other one does";

fn contradiction(it: &Contradiction) -> Finding {
    Finding::error(
        "merge-contradiction",
        it.tag.clone(),
        format!(
            "and the other branch both changed `{}`, in two ways; nothing was changed",
            it.what
        ),
    )
    .next(ANEW)
}
