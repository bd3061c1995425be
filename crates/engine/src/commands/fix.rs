//! `validate --fix`: repairs of the history's files that lose nothing, shown first.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, paired_snapshots, sql_path};

use crate::check::history::Folder;
use crate::check::history::systems::Systems;
use crate::consent::{Circumstance, Consent, Given};
use crate::files::write_whole;
use crate::history::History;
use crate::meta;
use crate::project::Project;
use crate::rechain::{Contradiction, Files, mended};
use crate::report::{Artefact, Finding, Outcome, Report, Section, Step, StepState};
use crate::setting::Setting;
use crate::{Error, Result};

/// What is to be written, and which files are gone afterwards.
struct Repair {
    writes: Files,
    removals: BTreeSet<String>,
    plan: Fingerprint,
}

/// Shows what would be repaired in the migrations folder, and does it with consent. Opens no database; no
/// SQL changes, so no hash in a ledger does.
///
/// # Errors
/// If the project cannot be read, or a file cannot be written.
pub fn fix(setting: &Setting, given: &Given) -> Result<Report> {
    let project = Project::load(setting)?;
    let mut report = Report::new("validate");
    report.findings = examined(&project)?;
    let repair = match planned(&project) {
        Ok(repair) => repair,
        Err(refusal) => {
            report.findings.insert(0, *refusal);
            report.outcome = Outcome::Refused;
            return Ok(report);
        }
    };
    let Some(repair) = repair else {
        report.steps.push(Step::new("nothing that can be repaired", StepState::Skipped));
        return Ok(report);
    };
    report.sections.push(section(&repair));
    if let Err(finding) = Consent::obtain(&repair.plan, given, &Circumstance::default()) {
        report.findings.insert(0, *finding);
        report.next = Some("raingauge validate --fix --confirm".to_owned());
        return Ok(report);
    }
    report.artefacts = write(&project.history.folder, &repair)?;
    report.steps.push(Step::new("write the repaired files", StepState::Done));
    report.findings = examined(&Project::load(setting)?)?;
    report.next = Some("raingauge validate --offline".to_owned());
    Ok(report)
}

/// What is wrong with the files of the history.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn examined(project: &Project) -> Result<Vec<Finding>> {
    let meta = meta::read(&project.history.folder)?;
    let folder = Folder {
        history: &project.history,
        meta: &meta,
        dialect: project.dialect,
        driver: project.config.driver.as_deref(),
    };
    Ok([project.history.findings.clone(), folder.files(), folder.snapshots()].concat())
}

/// The repair; `None` if there is nothing to do.
fn planned(project: &Project) -> std::result::Result<Option<Repair>, Box<Finding>> {
    let history = &project.history;
    let is_complete = |it: &&Journal| it.entries.len() == history.migrations.len();
    let Some(journal) = history.journal.as_ref().filter(is_complete) else { return Ok(None) };
    let tags: BTreeSet<_> = journal.entries.iter().map(|it| &it.tag).collect();
    if tags.len() != journal.entries.len() {
        return Ok(None);
    }
    let unreadable = |error: Error| {
        Box::new(Finding::error(error.code, history.folder.display().to_string(), error.message))
    };
    let files = read(history).map_err(unreadable)?;
    let systems = Systems::find(&project.root, &history.folder).map_err(unreadable)?;
    // A ledger of wrangler knows files by their names.
    let may_rename = project.config.driver.is_none() && !systems.has_wrangler();
    let wanted = mended(project.dialect, journal, &files, may_rename)
        .map_err(|it| Box::new(contradiction(&it)))?;
    let mut writes = wanted.clone();
    writes.retain(|path, text| files.get(path) != Some(text));
    let own = own_paths(journal, &files);
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
    let parts = writes.iter().flat_map(|(path, text)| [path.as_str(), text.as_str()]);
    let plan = Fingerprint::of_parts(parts.chain(removals.iter().map(String::as_str)));
    Ok(Some(Repair { writes, removals, plan }))
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

fn contradiction(it: &Contradiction) -> Finding {
    Finding::error(
        "merge-contradiction",
        it.tag.clone(),
        format!("and the other branch both changed `{}`, in two ways; nothing was changed", it.what),
    )
    .next("take the later migration back out with version control, and let `npx drizzle-kit generate` write it anew on top of the other one")
}

fn section(repair: &Repair) -> Section {
    let mut section = Section::new("plan", "plan", &["part", "what"]);
    section.push(["hash", &repair.plan.short()]);
    for path in repair.writes.keys() {
        section.push([path.as_str(), "written"]);
    }
    for path in &repair.removals {
        section.push([path.as_str(), "gone: it has another name now"]);
    }
    section
}

/// Files first, then the journal, and what has another name now goes last: killed anywhere, nothing is
/// lost, and the same command goes on.
fn write(folder: &Path, repair: &Repair) -> Result<Vec<Artefact>> {
    let unwritable = |path: &Path, cause| {
        Error::new("file-unwritable", format!("cannot write `{}`", path.display()))
            .caused_by(cause)
            .next("make the migrations folder writable for this user, then run the command again")
    };
    let mut artefacts = Vec::new();
    let (journal, others): (Vec<_>, Vec<_>) =
        repair.writes.iter().partition(|(path, _)| *path == JOURNAL_PATH);
    // Backwards: a number is taken only after its file has moved on.
    for (path, text) in others.into_iter().rev().chain(journal) {
        let path = folder.join(path);
        write_whole(&path, text.as_bytes()).map_err(|cause| unwritable(&path, cause))?;
        artefacts.push(Artefact {
            bytes: text.len() as u64,
            sha256: Fingerprint::of_bytes(text.as_bytes()).as_str().to_owned(),
            path,
        });
    }
    for path in &repair.removals {
        let path = folder.join(path);
        fs::remove_file(&path).map_err(|cause| unwritable(&path, cause))?;
    }
    Ok(artefacts)
}
