//! `meta/`: the files beside the journal, as drizzle-kit 0.x lists them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A file in `meta/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaFile {
    pub path: PathBuf,
    pub name: String,
    /// Absent when it is not UTF-8.
    pub text: Option<String>,
}

impl MetaFile {
    /// Whether drizzle-kit takes it for a snapshot: whatever does not begin with `_`.
    pub fn is_snapshot(&self) -> bool {
        !self.name.starts_with('_')
    }
}

/// All files of `meta/` below a migrations folder, in the order in which drizzle-kit sorts them; the last
/// snapshot is the one that it compares `schema.ts` with.
///
/// # Errors
/// If a file cannot be read.
pub fn read(history: &Path) -> Result<Vec<MetaFile>> {
    let folder = history.join("meta");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|cause| unreadable(&folder, cause))? {
        let entry = entry.map_err(|cause| unreadable(&folder, cause))?;
        let path = entry.path();
        if path.is_dir() {
            continue;
        }
        let bytes = fs::read(&path).map_err(|cause| unreadable(&path, cause))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push(MetaFile { path, name, text: String::from_utf8(bytes).ok() });
    }
    files.sort_by(|a, b| a.name.encode_utf16().cmp(b.name.encode_utf16()));
    Ok(files)
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    Error::new("file-unreadable", format!("cannot read `{}`", path.display()))
        .caused_by(cause)
        .next("make it readable for this user, then run the command again")
}
