//! Writes the files of a migration: all of them, or none.
//!
//! What is about to be written is recorded first. What makes the migration one comes last: the journal, or
//! in a folder the SQL. A run that was killed before that is taken back by the next one, which finds its
//! record; after that it is complete.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::bundle::{BUNDLE_PATH, bundle, is_bundled};
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, snapshot_path, sql_path};
use serde::{Deserialize, Serialize};

use super::{Draft, Named};
use crate::files::{make_own_folder, remove_unfinished, write_whole};
use crate::history::History;
use crate::progress::Progress;
use crate::report::Artefact;
use crate::run::Run;
use crate::{Error, Result};

/// The command's word in run records.
const COMMAND: &str = "generate";

/// The files of a migration, the one that makes it one last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publication {
    folder: PathBuf,
    files: Vec<NewFile>,
    /// Folders that have to be made, relative to `folder`, outer ones first.
    folders: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct NewFile {
    /// Relative to the migrations folder.
    path: String,
    content: String,
    /// What stood there before; absent when there was no file.
    before: Option<String>,
}

impl Publication {
    /// What has to be written for a migration; `driver` is that of the configuration.
    ///
    /// # Errors
    /// A refusal if a file is in the way.
    pub fn of(
        history: &History,
        draft: &Draft,
        named: &Named,
        driver: Option<&str>,
    ) -> Result<Self> {
        let (generation, tag) = (history.generation, &named.entry.tag);
        let sql = (sql_path(generation, tag), draft.sql.clone());
        let snapshot = (snapshot_path(generation, tag), draft.snapshot.clone());
        let last = match generation {
            Generation::V0 => vec![sql, (JOURNAL_PATH.to_owned(), named.journal.write())],
            Generation::V1 => vec![sql],
        };
        let bundle = driver.filter(|it| is_bundled(Some(it)));
        let bundle = bundle.map(|it| (BUNDLE_PATH.to_owned(), bundled(history, named, it)));
        let in_order = std::iter::once(snapshot).chain(bundle).chain(last);
        let mut publication =
            Self { folder: history.folder.clone(), files: Vec::new(), folders: Vec::new() };
        for (path, content) in in_order {
            let before = publication.before(&path)?;
            publication.files.push(NewFile { path, content, before });
        }
        publication.folders = publication.missing_folders();
        Ok(publication)
    }

    /// Journal and bundle are there already and grow; any other file belongs to somebody else.
    fn before(&self, path: &str) -> Result<Option<String>> {
        let target = self.folder.join(path);
        match fs::read_to_string(&target) {
            Ok(before) if [JOURNAL_PATH, BUNDLE_PATH].contains(&path) => Ok(Some(before)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Ok(_) | Err(_) => Err(in_the_way(&target)),
        }
    }

    fn missing_folders(&self) -> Vec<String> {
        let inner = self.files.iter().filter_map(|it| Some(it.path.rsplit_once('/')?.0.to_owned()));
        let mut folders: Vec<String> = std::iter::once(String::new()).chain(inner).collect();
        folders.sort();
        folders.dedup();
        folders.retain(|it| !self.folder.join(it).exists());
        folders
    }

    /// Writes the files.
    ///
    /// # Errors
    /// If one cannot be written; then none is there.
    pub fn write(
        &self,
        root: &Path,
        now: Timestamp,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Artefact>> {
        let intent = serde_json::to_value(self).expect("a publication has only text keys");
        let run = Run::begin_changing(root, COMMAND, now, intent)?;
        progress.boundary("generate/prepared");
        let mut artefacts = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let path = self.folder.join(&file.path);
            if let Err(cause) = write_whole(&path, file.content.as_bytes()) {
                self.take_back()?;
                run.end();
                return Err(unwritable(&path, cause));
            }
            progress.boundary(&format!("generate/file-{at}"));
            artefacts.push(Artefact {
                bytes: file.content.len() as u64,
                sha256: Fingerprint::of_bytes(file.content.as_bytes()).as_str().to_owned(),
                path,
            });
        }
        run.end();
        Ok(artefacts)
    }

    /// Whether the file is on disk that makes the migration one.
    fn is_complete(&self) -> bool {
        self.files.iter().rev().take(1).all(|it| self.is_written(it))
    }

    fn is_written(&self, file: &NewFile) -> bool {
        fs::read(self.folder.join(&file.path)).is_ok_and(|it| it == file.content.as_bytes())
    }

    /// Takes away what this run wrote, and nothing else.
    fn take_back(&self) -> Result<()> {
        for file in self.files.iter().rev() {
            let path = self.folder.join(&file.path);
            remove_unfinished(path.parent().unwrap_or(&self.folder));
            if self.is_written(file) {
                let result = match &file.before {
                    Some(before) => write_whole(&path, before.as_bytes()),
                    None => fs::remove_file(&path),
                };
                result.map_err(|cause| unwritable(&path, cause))?;
            }
        }
        for made in self.folders.iter().rev() {
            // One that is not empty is somebody's, and stays.
            let _ = fs::remove_dir(self.folder.join(made));
        }
        Ok(())
    }
}

/// What the application imports once the migration is there. 1.0 goes by the snapshots.
fn bundled(history: &History, named: &Named, driver: &str) -> String {
    let entries: Vec<_> = match history.generation {
        Generation::V0 => {
            named.journal.entries.iter().map(|it| (it.idx, it.tag.as_str())).collect()
        }
        Generation::V1 => {
            let known = history.migrations.iter().filter(|it| it.snapshot.is_some());
            let tags = known.map(|it| it.entry.tag.as_str()).chain([named.entry.tag.as_str()]);
            (0..).zip(tags).collect()
        }
    };
    bundle(history.generation, driver, &entries)
}

/// Whether the folder has other migrations than when it was read.
///
/// # Errors
/// If it cannot be read.
pub fn has_grown(history: &History) -> Result<bool> {
    let now = history.tags_on_disk()?;
    Ok(now.iter().ne(history.migrations.iter().map(|it| &it.entry.tag)))
}

/// Waits until no other `generate` writes in this project; they wait as long as the file lives.
///
/// # Errors
/// If the lock file cannot be made.
pub fn locked(root: &Path) -> Result<File> {
    let path = root.join(".raingauge").join("generate.lock");
    let unlocked = |cause: io::Error| unwritable(&path, cause);
    make_own_folder(root).map_err(unlocked)?;
    let file = File::options().create(true).append(true).open(&path).map_err(unlocked)?;
    file.lock().map_err(unlocked)?;
    Ok(file)
}

/// Takes back what runs wrote that were killed before their migration was one; says for how many.
///
/// # Errors
/// If a record cannot be read, or a file cannot be removed.
pub fn take_back_interrupted(root: &Path) -> Result<usize> {
    if Run::interrupted(root, COMMAND)?.is_empty() {
        return Ok(0);
    }
    let _lock = locked(root)?;
    let mut n_taken_back = 0;
    // What looked interrupted may have been at work until it gave the lock back.
    for run in Run::interrupted(root, COMMAND)? {
        let publication: Publication =
            serde_json::from_value(run.intent.clone()).map_err(|cause| {
                Error::new("run-unreadable", "cannot read what the interrupted run intended")
                    .caused_by(cause)
            })?;
        if !publication.is_complete() {
            publication.take_back()?;
            n_taken_back += 1;
        }
        run.end();
    }
    Ok(n_taken_back)
}

fn in_the_way(path: &Path) -> Error {
    let message = format!("`{}` is there already; nothing was changed", path.display());
    Error::refusal("file-in-the-way", message).next("move it aside, then run the command again")
}

fn unwritable(path: &Path, cause: io::Error) -> Error {
    Error::new("file-unwritable", format!("cannot write `{}`; nothing was changed", path.display()))
        .caused_by(cause)
        .next("make the migrations folder writable for this user, then run the command again")
}
