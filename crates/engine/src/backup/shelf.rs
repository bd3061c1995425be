//! The backups below one folder.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use raingauge_schema::Fingerprint;

use super::manifest::Source;
use super::{Backup, VerifiedBackup, folder};
use crate::{Error, Result};

/// What a folder of backups holds.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Oldest first.
    pub backups: Vec<Backup>,
    /// Folders that should be backups but cannot be read, with the reason.
    pub unreadable: Vec<(PathBuf, Error)>,
}

/// Which backup is good enough.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub source: &'a Source,
    /// The catalog that it has to have, ledgers left out; any if there is none here.
    pub fingerprint: Option<&'a Fingerprint>,
    pub now: Timestamp,
    pub max_age: SignedDuration,
}

/// Lists the backups below `dir`; a missing folder holds none. Unfinished ones are left out.
///
/// # Errors
/// If `dir` cannot be read.
pub fn list(dir: &Path) -> Result<Shelf> {
    let mut shelf = Shelf::default();
    if !dir.exists() {
        return Ok(shelf);
    }
    let unreadable = |cause: std::io::Error| {
        Error::new("backup-unreadable", format!("cannot read `{}`", dir.display())).caused_by(cause)
    };
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let is_partial = entry.file_name().to_str().is_some_and(folder::is_partial);
        if is_partial || !entry.path().is_dir() {
            continue;
        }
        match Backup::open(&entry.path()) {
            Ok(backup) => shelf.backups.push(backup),
            Err(error) => shelf.unreadable.push((entry.path(), error)),
        }
    }
    shelf
        .backups
        .sort_by(|a, b| (a.manifest.taken_at, &a.path).cmp(&(b.manifest.taken_at, &b.path)));
    Ok(shelf)
}

/// The newest verified backup that is good enough and whose files are intact.
///
/// # Errors
/// If `dir` cannot be read.
pub fn latest_verified(dir: &Path, wanted: &Wanted<'_>) -> Result<Option<VerifiedBackup>> {
    let candidates = list(dir)?.backups.into_iter().rev();
    Ok(candidates.filter(|it| is_wanted(it, wanted)).find_map(|backup| {
        let verification = backup.manifest.verified.clone()?;
        backup.check().ok()?;
        Some(VerifiedBackup { backup, verification })
    }))
}

fn is_wanted(backup: &Backup, wanted: &Wanted<'_>) -> bool {
    let age = wanted.now.duration_since(backup.manifest.taken_at);
    // One from the future was made under another clock, so its age is not known.
    let is_young = !age.is_negative() && age <= wanted.max_age;
    let manifest = &backup.manifest;
    let is_equal = wanted.fingerprint.is_none_or(|it| *it == manifest.fingerprint);
    is_young && is_equal && manifest.source.is_same_database(wanted.source)
}
