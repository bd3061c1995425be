//! Carries a repair of the history's files out, so that it can be killed anywhere.
//!
//! (1) The run's record has every file as it was and as it will be; (2) it says that files change; (3) each
//! is replaced whole, the journal after what it names, and names that are no longer used go last; (4) it
//! says finished. After a crash before (2) nothing has changed; after it the record finishes the rest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::layout::JOURNAL_PATH;
use serde::{Deserialize, Serialize};

use super::reconcile::refuse_unfinished;
use crate::consent::Consent;
use crate::files::{remove_unfinished, write_whole};
use crate::lock::Lock;
use crate::progress::Progress;
use crate::project::Project;
use crate::repair::Repair;
use crate::report::Artefact;
use crate::run::{Phase, Run};
use crate::setting::Setting;
use crate::{Error, Result};

/// The command's word in run records.
pub(super) const COMMAND: &str = "fix";

/// How long to wait for another runner.
const WAIT: Duration = Duration::from_secs(30);

/// Everything that a repair changes, so that it can be finished from its record alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Intent {
    /// The migrations folder that was agreed to.
    folder: PathBuf,
    /// In the order in which they change.
    files: Vec<Change>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Change {
    /// Relative to the migrations folder.
    path: String,
    /// Absent where there is no file.
    before: Option<String>,
    after: Option<String>,
}

/// Writes the files of a repair.
///
/// # Errors
/// A refusal `plan-stale` if a file changed since the repair was agreed to, `lock-held` if another run is
/// at work, `run-interrupted` if an earlier one has to be resumed first; or if a file cannot be written.
pub fn carry_out(
    setting: &Setting,
    repair: &Repair,
    consent: &Consent,
    progress: &mut dyn Progress,
) -> Result<Vec<Artefact>> {
    let _lock = Lock::of_files(&setting.root, WAIT)?;
    refuse_unfinished(&setting.root)?;
    if *consent.plan() != repair.plan
        || Project::load(setting)?.history.fingerprint() != repair.history
    {
        return Err(stale());
    }
    let intent = Intent::of(repair)?;
    let value = serde_json::to_value(&intent).expect("an intent has only text keys");
    let mut run = Run::begin(&setting.root, COMMAND, setting.now, value)?;
    progress.boundary("fix/prepared");
    intent.publish(&mut run, progress)
}

/// Finishes a repair that was interrupted; `None` when there is none.
///
/// # Errors
/// If somebody else changed a file meanwhile, or one cannot be written.
pub fn resume(setting: &Setting, progress: &mut dyn Progress) -> Result<Option<Vec<Artefact>>> {
    if Run::interrupted(&setting.root, COMMAND)?.is_empty() {
        return Ok(None);
    }
    let _lock = Lock::of_files(&setting.root, WAIT)?;
    // What looked interrupted may have been at work until it gave the lock back.
    let Some(mut run) = Run::interrupted(&setting.root, COMMAND)?.pop() else { return Ok(None) };
    let intent: Intent = serde_json::from_value(run.intent.clone()).map_err(|cause| {
        Error::new("run-unreadable", "cannot read what the interrupted repair intended")
            .caused_by(cause)
    })?;
    intent.publish(&mut run, progress).map(Some)
}

impl Intent {
    fn of(repair: &Repair) -> Result<Self> {
        let folder = repair.folder.clone();
        let mut intent = Self { folder, files: Vec::new() };
        let (journal, others): (Vec<_>, Vec<_>) =
            repair.writes.iter().partition(|(path, _)| *path == JOURNAL_PATH);
        // Backwards: a number is taken only after its file has moved on.
        for (path, text) in others.into_iter().rev().chain(journal) {
            intent.add(path, Some(text))?;
        }
        for path in &repair.removals {
            intent.add(path, None)?;
        }
        Ok(intent)
    }

    fn add(&mut self, path: &str, after: Option<&String>) -> Result<()> {
        let target = self.folder.join(path);
        let before = match fs::read_to_string(&target) {
            Ok(before) => Some(before),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(_) => return Err(in_the_way(&target)),
        };
        self.files.push(Change { path: path.to_owned(), before, after: after.cloned() });
        Ok(())
    }

    fn publish(&self, run: &mut Run, progress: &mut dyn Progress) -> Result<Vec<Artefact>> {
        self.refuse_conflicts()?;
        run.enter(Phase::Changing)?;
        progress.boundary("fix/changing");
        let artefacts = match self.change(progress) {
            Ok(artefacts) => artefacts,
            Err(mut error) => {
                if self.take_back().is_ok() && run.enter(Phase::Finished).is_ok() {
                    error.message.push_str("; the files are as they were");
                    return Err(error);
                }
                return Err(error
                    .after("files of the history were written; the run's record has all of them")
                    .next("raingauge validate --fix --resume"));
            }
        };
        run.enter(Phase::Finished).map_err(|it| it.after("the repaired files were written"))?;
        progress.boundary("fix/finished");
        Ok(artefacts)
    }

    /// Refuses if a file is neither what stood there nor what is to be written: it is somebody else's.
    fn refuse_conflicts(&self) -> Result<()> {
        for file in &self.files {
            let path = self.folder.join(&file.path);
            let found = match fs::read(&path) {
                Ok(found) => Some(found),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
                Err(_) => return Err(in_the_way(&path)),
            };
            let is =
                |text: &Option<String>| text.as_ref().map(String::as_bytes) == found.as_deref();
            if !is(&file.before) && !is(&file.after) {
                return Err(in_the_way(&path));
            }
        }
        Ok(())
    }

    fn change(&self, progress: &mut dyn Progress) -> Result<Vec<Artefact>> {
        let mut artefacts = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let path = self.folder.join(&file.path);
            path.parent().into_iter().for_each(remove_unfinished);
            replace(&path, file.after.as_deref())?;
            progress.boundary(&format!("fix/file-{at}"));
            artefacts.extend(file.after.as_ref().map(|text| Artefact {
                bytes: text.len() as u64,
                sha256: Fingerprint::of_bytes(text.as_bytes()).as_str().to_owned(),
                path,
            }));
        }
        Ok(artefacts)
    }

    fn take_back(&self) -> Result<()> {
        let mut files = self.files.iter().rev();
        files.try_for_each(|it| replace(&self.folder.join(&it.path), it.before.as_deref()))
    }
}

fn replace(path: &Path, text: Option<&str>) -> Result<()> {
    let replaced = match text {
        Some(text) => write_whole(path, text.as_bytes()),
        None => match fs::remove_file(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        },
    };
    replaced.map_err(|cause| {
        Error::new("file-unwritable", format!("cannot write `{}`", path.display()))
            .caused_by(cause)
            .next("make the migrations folder writable for this user, then run the command again")
    })
}

fn in_the_way(path: &Path) -> Error {
    let path = path.display();
    Error::refusal(
        "file-in-the-way",
        format!("`{path}` is neither what stood there nor what the repair writes; it was not overwritten"),
    )
    .next("move it aside, or put back what stood there, then run the command again")
}

fn stale() -> Error {
    Error::refusal(
        "plan-stale",
        "the migrations folder changed since the plan was shown; nothing was changed",
    )
    .next("raingauge validate --fix: shows the plan as it is now")
}
