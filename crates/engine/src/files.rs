//! Writing files so that a crash leaves either the old content or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".raingauge-";

/// Writes beside the target, syncs, and renames: readers see all of it or nothing.
///
/// # Errors
/// If the folder cannot be made or written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut beside = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    beside.write_all(bytes)?;
    beside.as_file().sync_all()?;
    make_readable(beside.as_file())?;
    beside.persist(path)?;
    sync_folder(folder)
}

/// Makes a folder and those above it, each name of which lasts through a power cut.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|it| !it.exists()).collect();
    fs::create_dir_all(folder)?;
    let above = missing.iter().filter_map(|it| it.parent());
    above.filter(|it| !it.as_os_str().is_empty()).try_for_each(sync_folder)
}

/// Removes what a killed run was just writing in this folder; nobody may be writing there now. What
/// cannot be removed is left: it is in nobody's way.
pub fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|it| it.starts_with(UNFINISHED)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A temporary file is private; a project's file is like the others beside it.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Makes `.raingauge/` of a project, with a rule that keeps it out of version control: backups hold the
/// rows of users.
///
/// # Errors
/// If the folder cannot be made or written.
pub fn make_own_folder(root: &Path) -> io::Result<()> {
    let rule = root.join(".raingauge").join(".gitignore");
    if rule.exists() { Ok(()) } else { write_whole(&rule, b"*\n") }
}

/// Makes a rename in this folder last through a power cut.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.sql");
        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
