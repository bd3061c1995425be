//! Which backups may go. Never the newest one that is verified and intact: it is what everybody would
//! restore.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::manifest::{Manifest, Source};
use super::{Backup, folder, shelf};
use crate::{Error, Result};

/// How long backups are kept. Both rules keep; a backup goes when neither does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The newest so many verified ones.
    pub keep_last: Option<u32>,
    /// Those that are not older than so many days.
    pub keep_days: Option<u32>,
}

impl Retention {
    /// Whether nothing ever goes.
    pub fn keeps_everything(self) -> bool {
        self == Self::default()
    }

    /// Whether a backup stays: `rank` counts the verified ones from the newest, which is 0.
    fn keeps(self, backup: &Manifest, rank: usize, now: Timestamp) -> bool {
        let is_among_last =
            self.keep_last.is_some_and(|n| usize::try_from(n).is_ok_and(|n| rank < n));
        let age = now.duration_since(backup.taken_at);
        // One from the future has no age that anybody knows.
        let is_young = self.keep_days.is_some_and(|days| {
            age.is_negative() || age <= SignedDuration::from_hours(i64::from(days) * 24)
        });
        is_among_last || is_young
    }
}

/// Removes the backups of one database that no rule keeps, and returns their folders.
///
/// Those of other databases, those that cannot be read and those that are newer than the newest
/// verified one always stay. Without an intact verified backup nothing is removed.
///
/// # Errors
/// If `dir` cannot be read, or a folder cannot be removed; those before it are gone then.
pub fn prune(
    dir: &Path,
    source: &Source,
    retention: Retention,
    now: Timestamp,
) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    if retention.keeps_everything() {
        return Ok(removed);
    }
    let mut of_source: Vec<_> = shelf::list(dir)?.backups;
    of_source.retain(|it| it.manifest.source.is_same_database(source));
    let is_verified = |it: &Backup| it.manifest.verified.is_some();
    let newest = of_source.iter().rposition(|it| is_verified(it) && it.check().is_ok());
    let Some(newest) = newest else { return Ok(removed) };
    let manifests: Vec<_> = of_source.iter().map(|it| &it.manifest).collect();
    for at in going(&manifests, newest, retention, now) {
        remove(dir, &of_source[at].path)?;
        removed.push(of_source[at].path.clone());
    }
    Ok(removed)
}

/// Which backups of one database no rule keeps, newest first. They are given oldest first; the one at
/// `newest` is verified and intact, so it stays, and whatever is newer.
pub(super) fn going(
    backups: &[&Manifest],
    newest: usize,
    retention: Retention,
    now: Timestamp,
) -> Vec<usize> {
    let mut going = Vec::new();
    let mut rank = 0;
    for (at, backup) in backups.iter().enumerate().take(newest).rev() {
        let is_verified = backup.verified.is_some();
        rank += usize::from(is_verified);
        if !retention.keeps(backup, if is_verified { rank } else { usize::MAX }, now) {
            going.push(at);
        }
    }
    going
}

/// Takes the name away first: a backup exists whole or not at all.
fn remove(dir: &Path, path: &Path) -> Result<()> {
    let failed = |cause: std::io::Error| {
        Error::new("backup-unwritable", format!("cannot remove `{}`", path.display()))
            .caused_by(cause)
            .next("check the rights of the backup folder")
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let leaving = dir.join(folder::partial_name(&name));
    std::fs::rename(path, &leaving).map_err(failed)?;
    std::fs::remove_dir_all(&leaving).map_err(failed)
}
