//! Temporary folders that tell whether their maker still lives: by a lock on a file inside, which the
//! system releases when the process ends, however it ends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file that is locked as long as the process that made the folder lives.
const MARKER: &str = "raingauge.lock";

/// A new folder with its lock held. The marker gets its name only when it is locked, so that nobody
/// ever sees it free. The folder's name has the process in it, for the moment before there is a marker.
pub(crate) fn make_folder(place: &Path, prefix: &str) -> io::Result<(PathBuf, File)> {
    let prefix = format!("{prefix}{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(place)?.keep();
    let early = folder.join("raingauge.new");
    let mut marker = File::create(&early)?;
    marker.lock()?;
    writeln!(marker, "scratch of raingauge, process {}", std::process::id())?;
    fs::rename(early, folder.join(MARKER))?;
    Ok((folder, marker))
}

/// The folders with this prefix whose makers are gone, each locked until its file is dropped.
pub(crate) fn stale_folders(place: &Path, prefix: &str) -> Vec<(PathBuf, File)> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let named =
        entries.filter(|it| it.file_name().to_str().is_some_and(|it| it.starts_with(prefix)));
    let claimed = |it: &fs::DirEntry| claim(&it.path()).or_else(|| claim_unmarked(it, prefix));
    named.filter_map(|it| Some((it.path(), claimed(&it)?))).collect()
}

/// A folder whose maker was killed before it had marked it. Who is not known to be gone is alive.
fn claim_unmarked(entry: &fs::DirEntry, prefix: &str) -> Option<File> {
    let name = entry.file_name();
    let (process, _) = name.to_str()?.strip_prefix(prefix)?.split_once('-')?;
    let process: u32 = process.parse().ok()?;
    let is_gone =
        Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists();
    let is_unmarked = fs::symlink_metadata(entry.path().join(MARKER)).is_err();
    (is_gone && is_unmarked).then(|| File::open(entry.path()).ok())?
}

/// Opening fails for what belongs to somebody else, and locking for what is in use.
fn claim(folder: &Path) -> Option<File> {
    let path = folder.join(MARKER);
    fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let marker = File::open(path).ok()?;
    marker.try_lock().ok()?;
    Some(marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_stale_when_its_maker_is_gone_marked_or_not() {
        let place = tempfile::tempdir().unwrap();
        let (mine, marker) = make_folder(place.path(), "scratch-").unwrap();
        // No process has a number beyond the system's greatest.
        let unmarked = place.path().join("scratch-4294967295-abc");
        fs::create_dir(&unmarked).unwrap();
        fs::create_dir(place.path().join("scratch-of-somebody")).unwrap();
        fs::create_dir(place.path().join(format!("scratch-{}-new", std::process::id()))).unwrap();
        let found = |prefix| {
            let mut paths: Vec<_> =
                stale_folders(place.path(), prefix).into_iter().map(|it| it.0).collect();
            paths.sort();
            paths
        };
        assert_eq!(found("scratch-"), std::slice::from_ref(&unmarked));
        drop(marker);
        let mut both = [mine, unmarked];
        both.sort();
        // A program that another test is just starting holds the lock until it runs.
        let since = std::time::Instant::now();
        while found("scratch-") != both && since.elapsed().as_secs() < 10 {
            std::thread::yield_now();
        }
        assert_eq!(found("scratch-"), both);
    }
}
