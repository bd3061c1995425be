//! Runs: what a writing command intended and how far it got, on disk before it happens.
//!
//! `.raingauge/runs/<UTC>-<command>/run.json` is rewritten whole at every change of phase, so after a
//! `kill -9` the newest record says what may have happened; `--resume` reads it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::files::{make_own_folder, sync_folder, write_whole};
use crate::{Error, Result};

/// The record's name in the folder of its run.
const RECORD: &str = "run.json";

/// One writing run, as its record says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Always 1.
    format: u32,
    /// `reconcile`, `migrate`, `upgrade`, `upgrade-undo`, `execute` or `generate`.
    pub command: String,
    /// When it began.
    pub started: Timestamp,
    pub phase: Phase,
    /// What the command needs to finish or undo, in its own form.
    pub intent: Value,
    #[serde(skip)]
    folder: PathBuf,
}

/// How far a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Everything is ready; nothing outside the run's own folder has changed.
    Prepared,
    /// Files or the database may have changed.
    Changing,
    /// It ended, well or with everything undone.
    Finished,
}

impl Run {
    /// Records a new run as prepared.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn begin(root: &Path, command: &str, now: Timestamp, intent: Value) -> Result<Self> {
        Self::begin_in(Phase::Prepared, root, command, now, intent)
    }

    /// Records a new run that has nothing to prepare: one that is cut off at once has changed nothing, and
    /// whoever takes it back finds that.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn begin_changing(
        root: &Path,
        command: &str,
        now: Timestamp,
        intent: Value,
    ) -> Result<Self> {
        Self::begin_in(Phase::Changing, root, command, now, intent)
    }

    fn begin_in(
        phase: Phase,
        root: &Path,
        command: &str,
        now: Timestamp,
        intent: Value,
    ) -> Result<Self> {
        make_own_folder(root).map_err(|cause| unwritable(&root.join(".raingauge"), cause))?;
        let stamp = now.strftime("%Y%m%dT%H%M%S%3fZ");
        let folder = runs_folder(root).join(format!("{stamp}-{command}"));
        let command = command.to_owned();
        let mut run = Self { format: 1, command, started: now, phase, intent, folder };
        run.enter(phase)?;
        Ok(run)
    }

    /// The folder of this run, for files that wait to be published.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Records that the run enters a phase; on disk before this returns.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn enter(&mut self, phase: Phase) -> Result<()> {
        self.phase = phase;
        let text = serde_json::to_vec_pretty(self).expect("a run has only text keys");
        let path = self.record();
        write_whole(&path, &text).map_err(|cause| unwritable(&path, cause))
    }

    fn record(&self) -> PathBuf {
        self.folder.join(RECORD)
    }

    /// Forgets a run of which nothing has to be known any more. What cannot be removed stays, and says what
    /// it said.
    pub fn end(self) {
        // A folder without its record says nothing. The record goes first, and for good: what it speaks of
        // may be edited from now on.
        if fs::remove_file(self.record()).is_ok() && sync_folder(&self.folder).is_ok() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    /// Replaces the intent; on disk before this returns.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn intend(&mut self, intent: Value) -> Result<()> {
        self.intent = intent;
        self.enter(self.phase)
    }

    /// The runs of a command that began to change something and never ended, oldest first. One that was
    /// only prepared has changed nothing.
    ///
    /// # Errors
    /// If a record cannot be read: then nobody knows what happened, and nothing may be assumed.
    pub fn interrupted(root: &Path, command: &str) -> Result<Vec<Self>> {
        Self::all(root, command, Phase::Changing)
    }

    /// The runs of a command that ended, oldest first.
    ///
    /// # Errors
    /// If a record cannot be read.
    pub fn finished(root: &Path, command: &str) -> Result<Vec<Self>> {
        Self::all(root, command, Phase::Finished)
    }

    fn all(root: &Path, command: &str, phase: Phase) -> Result<Vec<Self>> {
        let folder = runs_folder(root);
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let mut runs = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path().join(RECORD);
            // A folder without a record is a run that was cut off before it had recorded anything.
            if !path.exists() {
                continue;
            }
            let run = read(&path)?;
            if run.command == command && run.phase == phase {
                runs.push(run);
            }
        }
        runs.sort_by_key(|it: &Self| it.started);
        Ok(runs)
    }
}

fn read(path: &Path) -> Result<Run> {
    let damaged = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::new("run-unreadable", format!("cannot read the run record `{}`", path.display()))
            .caused_by(cause)
            .next(
                "keep the file; compare the history folder and the ledger with `raingauge analyze`",
            )
    };
    let text = fs::read(path).map_err(|it| damaged(it.into()))?;
    let mut run: Run = serde_json::from_slice(&text).map_err(|it| damaged(it.into()))?;
    run.folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    Ok(run)
}

fn runs_folder(root: &Path) -> PathBuf {
    root.join(".raingauge").join("runs")
}

fn unwritable(path: &Path, cause: io::Error) -> Error {
    Error::new("run-unwritable", format!("cannot write the run record `{}`", path.display()))
        .caused_by(cause)
        .next("make the folder `.raingauge` writable for this user")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_never_ended_is_found_again_with_its_intent() {
        let root = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        let mut run = Run::begin(root.path(), "reconcile", now, Value::from("baseline")).unwrap();
        run.enter(Phase::Changing).unwrap();
        let found = Run::interrupted(root.path(), "reconcile").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].phase, &found[0].intent), (Phase::Changing, &Value::from("baseline")));
        assert!(Run::interrupted(root.path(), "migrate").unwrap().is_empty());
        run.enter(Phase::Finished).unwrap();
        assert!(Run::interrupted(root.path(), "reconcile").unwrap().is_empty());
    }

    #[test]
    fn a_damaged_record_is_an_error_not_an_absence() {
        let root = tempfile::tempdir().unwrap();
        let run = Run::begin(root.path(), "reconcile", Timestamp::UNIX_EPOCH, Value::Null).unwrap();
        fs::write(run.folder().join("run.json"), "{").unwrap();
        assert_eq!(Run::interrupted(root.path(), "reconcile").unwrap_err().code, "run-unreadable");
    }
}
