//! What tests keep below the target folder from one run to the next: fresh servers, as tar files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Result;

/// The cache folder of everything that runs in tests, if the test binary is below a target folder.
pub fn folder() -> Option<PathBuf> {
    let binary = std::env::current_exe().unwrap_or_default();
    let testkit = binary.ancestors().skip(1).map(|it| it.join("testkit")).find(|it| it.is_dir())?;
    let folder = testkit.join("cache");
    fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

/// Unpacks a fresh server of this name into `folder`, so that it has `witness`. `tar` runs as the account
/// that runs servers.
pub(crate) fn unpack(name: &str, folder: &Path, witness: &str, tar: &mut Command) -> bool {
    let file = path(name).and_then(|it| Ok(fs::File::open(it)?));
    let Ok(file) = file else { return false };
    tar.args(["-x", "-f", "-"]).current_dir(folder).stdin(file);
    tar.status().is_ok_and(|it| it.success()) && folder.join(witness).exists()
}

/// Keeps the fresh server in `folder` for the next time, if that is possible.
pub(crate) fn pack(name: &str, folder: &Path, tar: &mut Command) -> Result {
    let path = path(name)?;
    let beside = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(folder))?;
    tar.args(["-c", "-f", "-", "data"]).current_dir(folder).stdout(beside.reopen()?);
    if tar.status()?.success() {
        beside.persist(path).map_err(|it| it.error)?;
    }
    Ok(())
}

/// The name has all that the content depends on; a change of what makes it needs a new one.
fn path(name: &str) -> Result<PathBuf> {
    let folder = folder().ok_or_else(|| std::io::Error::other("no target folder"))?;
    Ok(folder.join(format!("{}.1.tar", name.replace(|it: char| !it.is_ascii_alphanumeric(), "_"))))
}
