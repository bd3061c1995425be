//! Temporary folders that tell whether their maker still lives: by a lock on a file inside, which the
//! system releases when the process ends, however it ends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file that is locked as long as the process that made the folder lives.
const MARKER: &str = "raingauge.lock";

/// A new folder with its lock held. The marker gets its name only when it is locked, so that nobody
/// ever sees it free.
pub(super) fn make_folder(place: &Path, prefix: &str) -> io::Result<(PathBuf, File)> {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(place)?.keep();
    let early = folder.join("raingauge.new");
    let mut marker = File::create(&early)?;
    marker.lock()?;
    writeln!(marker, "scratch of raingauge, process {}", std::process::id())?;
    fs::rename(early, folder.join(MARKER))?;
    Ok((folder, marker))
}

/// The folders with this prefix whose makers are gone, each locked until its file is dropped.
pub(super) fn stale_folders(place: &Path, prefix: &str) -> Vec<(PathBuf, File)> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let named =
        entries.filter(|it| it.file_name().to_str().is_some_and(|it| it.starts_with(prefix)));
    named.filter_map(|it| Some((it.path(), claim(&it.path())?))).collect()
}

/// Opening fails for what belongs to somebody else, and locking for what is in use.
fn claim(folder: &Path) -> Option<File> {
    let path = folder.join(MARKER);
    fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let marker = File::open(path).ok()?;
    marker.try_lock().ok()?;
    Some(marker)
}
