//! `SHA256SUMS`: the hash of every file of a backup, as `sha256sum -c` reads it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use raingauge_schema::fingerprint::hex;
use sha2::{Digest as _, Sha256};

use crate::report::Artefact;
use crate::{Error, Result};

/// The file's name; it does not list itself.
pub(super) const NAME: &str = "SHA256SUMS";

/// From here on, a thread of its own takes less time than it saves.
const LARGE: u64 = 4 << 20;

/// How much is read at a time, and how many such chunks there are.
const CHUNK: usize = 1 << 16;
const N_CHUNKS: usize = 4;

/// Hash by path; paths are relative to the backup's folder, with `/` between the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums(BTreeMap<String, String>);

impl Sums {
    /// Hashes every file below `folder`.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let mut sums = Self::default();
        for path in files_below(folder)? {
            sums.add(folder, &path)?;
        }
        Ok(sums)
    }

    /// Hashes one file more.
    pub(super) fn add(&mut self, folder: &Path, path: &str) -> Result<()> {
        let file = folder.join(path);
        let hash = hash(&file).map_err(|cause| unreadable(&file, cause))?;
        self.0.insert(path.to_owned(), hash);
        Ok(())
    }

    /// The text of the file.
    pub(super) fn render(&self) -> String {
        self.0.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect()
    }

    /// Path and hash of each file.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, hash)| (path.as_str(), hash.as_str()))
    }

    /// `None` for anything but what [`Self::render`] writes: where a line is there twice, in another order or without
    /// its end, somebody or something was at the file.
    fn parse(text: &str) -> Option<Self> {
        let line = |it: &str| {
            let (hash, path) = it.split_once("  ")?;
            Some((path.to_owned(), hash.to_owned()))
        };
        let sums = text.lines().map(line).collect::<Option<_>>().map(Self)?;
        (sums.render() == text).then_some(sums)
    }
}

/// What `SHA256SUMS` of a finished backup lists.
pub(super) fn listed(folder: &Path) -> Result<Sums> {
    let path = folder.join(NAME);
    let text = std::fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause))?;
    Sums::parse(&text)
        .ok_or_else(|| damaged(folder, &[format!("`{NAME}` is not a list of hashes")]))
}

/// Every listed file with its size.
pub(super) fn artefacts(folder: &Path) -> Result<Vec<Artefact>> {
    let artefact = |(path, sha256)| {
        let path = folder.join(path);
        let bytes = std::fs::metadata(&path).map_err(|cause| unreadable(&path, cause))?.len();
        Ok(Artefact { path, bytes, sha256 })
    };
    listed(folder)?.0.into_iter().map(artefact).collect()
}

/// Reads every file again and compares it with `SHA256SUMS`.
///
/// # Errors
/// `backup-damaged` with what is wrong, file by file.
pub(super) fn check(folder: &Path) -> Result<()> {
    let listed = listed(folder)?;
    let found = Sums::of(folder)?;
    let wrong: Vec<_> = listed
        .0
        .iter()
        .filter_map(|(path, hash)| match found.0.get(path) {
            None => Some(format!("`{path}` is missing")),
            Some(it) if it != hash => Some(format!("`{path}` has changed")),
            Some(_) => None,
        })
        .chain(
            found
                .0
                .keys()
                .filter(|it| !listed.0.contains_key(*it))
                .map(|it| format!("`{it}` is not listed")),
        )
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(damaged(folder, &wrong)) }
}

fn damaged(folder: &Path, wrong: &[String]) -> Error {
    let message = format!("the backup `{}` is damaged: {}", folder.display(), wrong.join(", "));
    Error::refusal("backup-damaged", message)
        .next("use another backup: `raingauge backup list` shows them")
}

fn unreadable(path: &Path, cause: io::Error) -> Error {
    Error::new("backup-unreadable", format!("cannot read `{}`", path.display())).caused_by(cause)
}

/// The paths of all files below `folder` but [`NAME`], in order.
pub(super) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let current = folder.join(&relative);
        let entries = std::fs::read_dir(&current).map_err(|cause| unreadable(&current, cause))?;
        for entry in entries {
            let entry = entry.map_err(|cause| unreadable(&current, cause))?;
            let path = relative.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path != Path::new(NAME) {
                found.push(listable(&path)?);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The path as `SHA256SUMS` can hold it: one line of text, without the escapes of `sha256sum`.
fn listable(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(text) if !text.contains(['\n', '\r', '\\']) => Ok(text.to_owned()),
        _ => Err(Error::new(
            "backup-unwritable",
            format!("the file name `{}` cannot stand in `{NAME}`", path.display()),
        )
        .next("rename the file: line breaks, backslashes and bytes that are no text are not kept")),
    }
}

/// The sha-256 of a file. A large one is read in this thread and hashed in another.
pub(super) fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() < LARGE {
        return Ok(hex(&Sha256::digest(std::fs::read(path)?)));
    }
    let (full, chunks) = mpsc::channel::<(Vec<u8>, usize)>();
    let (emptied, empty) = mpsc::channel();
    std::thread::scope(|scope| {
        let hashed = scope.spawn(move || {
            let mut hasher = Sha256::new();
            for (chunk, n) in chunks {
                hasher.update(&chunk[..n]);
                let _ = emptied.send(chunk);
            }
            hex(&hasher.finalize())
        });
        let mut spare: Vec<_> = (0..N_CHUNKS).map(|_| vec![0; CHUNK]).collect();
        while let Some(mut chunk) = spare.pop().or_else(|| empty.recv().ok()) {
            match file.read(&mut chunk)? {
                0 => break,
                n => drop(full.send((chunk, n))),
            }
        }
        drop(full);
        Ok(hashed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
