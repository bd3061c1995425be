//! The folder of a backup while it is being made: it exists whole under its name, or not at all.
//!
//! It begins as `.partial-<name>`, only for its owner, under an OS lock that dies with the process;
//! when everything is written and on disk, it is renamed. What a killed run left behind has no lock
//! any more, and the next run removes it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::sums::files_below;
use crate::leftover::{self, Leftover, Registered};
use crate::{Error, Result};

const PREFIX: &str = ".partial-";

/// An unfinished backup; dropping it removes it.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    name: String,
    leftover: Registered,
    /// The lock on the folder itself: held as long as this is open.
    _lock: File,
}

impl Partial {
    /// Makes the folder below `dir`, and removes what killed runs left there.
    pub(super) fn create(dir: &Path, name: &str) -> Result<Self> {
        create_private(dir).map_err(|cause| unwritable(dir, cause))?;
        // Between the making of a folder and its lock it looks like a stale one.
        let turn = File::open(dir).map_err(|cause| unwritable(dir, cause))?;
        turn.lock().map_err(|cause| unwritable(dir, cause))?;
        remove_stale(dir);
        let candidates =
            std::iter::once(name.to_owned()).chain((2..1000).map(|n| format!("{name}-{n}")));
        for name in candidates {
            let path = dir.join(partial_name(&name));
            if dir.join(&name).exists() || path.exists() {
                continue;
            }
            match Self::claim(path.clone(), name) {
                Ok(partial) => return Ok(partial),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(unwritable(&path, cause)),
            }
        }
        Err(Error::new(
            "backup-unwritable",
            format!("`{}` has a thousand backups named `{name}`", dir.display()),
        ))
    }

    fn claim(path: PathBuf, name: String) -> io::Result<Self> {
        let (path, leftover) = leftover::make(
            || make_folder(&path).map(|()| path),
            |it| Leftover::Folder(it.clone()),
        )?;
        let lock = File::open(&path)?;
        lock.lock()?;
        Ok(Self { path, name, leftover, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file, readable for its owner only.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        create_file(&path)
            .and_then(|mut it| it.write_all(bytes))
            .map_err(|cause| unwritable(&path, cause))
    }

    /// Copies a folder as it is; links are followed.
    pub(super) fn copy_folder(&self, from: &Path, name: &str) -> Result<()> {
        copy_folder(from, &self.path.join(name))
            .map_err(|cause| unwritable(&self.path.join(name), cause))
    }

    /// Moves everything that was written so far into a folder of its own, so that something else can take
    /// its place, and returns that folder.
    pub(super) fn set_aside(&self) -> Result<PathBuf> {
        let aside = self.path.join(".plain");
        let moved = || -> io::Result<()> {
            let entries = fs::read_dir(&self.path)?.collect::<io::Result<Vec<_>>>()?;
            make_folder(&aside)?;
            entries.iter().try_for_each(|it| fs::rename(it.path(), aside.join(it.file_name())))
        };
        moved().map_err(|cause| unwritable(&aside, cause))?;
        Ok(aside)
    }

    /// Puts everything on disk and gives the folder its final name.
    pub(super) fn publish(self) -> Result<PathBuf> {
        let dir = self.path.parent().map(Path::to_owned).unwrap_or_default();
        let path = dir.join(&self.name);
        self.sync()?;
        // A folder with files in it is never replaced by a rename.
        let rename = || fs::rename(&self.path, &path);
        self.leftover.settle(rename).map_err(|cause| unwritable(&path, cause))?;
        File::open(&dir).and_then(|it| it.sync_all()).map_err(|cause| unwritable(&dir, cause))?;
        Ok(path)
    }

    /// Puts everything that was written so far on disk.
    pub(super) fn sync(&self) -> Result<()> {
        let files = files_below(&self.path)?.into_iter().map(|it| self.path.join(it));
        let sums = Some(self.path.join(super::sums::NAME)).filter(|it| it.exists());
        let files: Vec<_> = files.chain(sums).collect();
        let folders: BTreeSet<_> =
            files.iter().filter_map(|it| it.parent()).chain([self.path.as_path()]).collect();
        let sync = |it: &Path| File::open(it).and_then(|it| it.sync_all());
        let mut all = files.iter().map(PathBuf::as_path).chain(folders);
        all.try_for_each(|it| sync(it).map_err(|cause| unwritable(it, cause)))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After `publish` there is nothing under this name any more.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// `20260102T030405Z-bookstore`: sorts by time, and is a plain file name everywhere.
pub(super) fn name(at: Timestamp, database: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() || "._-".contains(it) { it } else { '_' };
    let database: String = database.chars().map(plain).take(100).collect();
    format!("{}-{database}", at.strftime("%Y%m%dT%H%M%SZ"))
}

/// The name of a backup that is not whole: not yet, or no longer.
pub(super) fn partial_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Whether a folder of this name is an unfinished backup.
pub(super) fn is_partial(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Makes a new file that only its owner may read.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes the rights of others away from what another program has written.
#[cfg(unix)]
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let is_folder = path.is_dir();
    let mode = if is_folder { 0o700 } else { 0o600 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    if is_folder {
        for entry in fs::read_dir(path)? {
            make_private(&entry?.path())?;
        }
    }
    Ok(())
}

/// Other systems give a file to its owner alone by the folder that it lies in.
#[cfg(not(unix))]
pub(super) fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn unwritable(
    path: &Path,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::new("backup-unwritable", format!("cannot write `{}`", path.display()))
        .caused_by(cause)
        .next("check the free space and the rights of the backup folder")
}

fn folder_builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn make_folder(path: &Path) -> io::Result<()> {
    folder_builder().create(path)
}

/// Makes a folder that only its owner may enter, with those above it.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    folder_builder().recursive(true).create(path)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    make_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            io::copy(&mut File::open(from)?, &mut create_file(&to)?)?;
        }
    }
    Ok(())
}

/// Removes unfinished backups whose process is gone. What cannot be removed is left: it is in
/// nobody's way.
fn remove_stale(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(is_partial);
        let Ok(folder) = File::open(entry.path()) else { continue };
        if is_ours && folder.try_lock().is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_are_plain() {
        let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(name(at, "book store/ü"), "20260102T030405Z-book_store__");
    }

    #[test]
    fn a_partial_folder_disappears_with_its_owner_and_a_second_one_gets_another_name() {
        let dir = tempfile::tempdir().unwrap();
        let first = Partial::create(dir.path(), "a").unwrap();
        let second = Partial::create(dir.path(), "a").unwrap();
        assert_eq!((first.name.as_str(), second.name.as_str()), ("a", "a-2"));
        drop((first, second));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_a_living_one_makes_is_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".partial-dead")).unwrap();
        fs::create_dir(dir.path().join("done")).unwrap();
        let living = Partial::create(dir.path(), "living").unwrap();
        let _other = Partial::create(dir.path(), "other").unwrap();
        assert!(living.path().exists());
        assert!(dir.path().join("done").exists());
        assert!(!dir.path().join(".partial-dead").exists());
    }
}
