//! The archive that is encrypted: a tar file, which every system can unpack without us.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use tar::{Archive, Builder, EntryType, Header};

use super::super::folder::{create_file, create_private};
use super::super::sums::{self, Sums};
use super::Measured;
use crate::progress::Progress;

/// How many bytes pass between two looks at the clock.
const STEP: u64 = 1 << 20;

/// Writes all files of a backup, and compares each with its hash while it passes.
pub(super) fn write(
    folder: &Path,
    sums: &Sums,
    to: &mut impl Write,
    progress: &mut dyn Progress,
) -> io::Result<()> {
    let mut files = Vec::new();
    let hashes = sums.iter().map(|(path, hash)| (path, Some(hash)));
    for (path, hash) in hashes.chain([(sums::NAME, None)]) {
        let file = File::open(folder.join(path))?;
        let bytes = file.metadata()?.len();
        files.push((path, hash, file, bytes));
    }
    let mut told = Told { done: 0, total: files.iter().map(|it| it.3).sum(), progress };
    let mut archive = Builder::new(to);
    for (path, hash, file, bytes) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(bytes);
        let mut file = Measured::new(Telling { inner: file, told: &mut told, pending: 0 });
        archive.append_data(&mut header, path, &mut file)?;
        if hash.is_some_and(|it| it != file.measure().sha256) {
            return Err(io::Error::other(format!("`{path}` changed while it was encrypted")));
        }
    }
    archive.finish()
}

/// Unpacks an archive into an empty private folder; `total` is about what it holds.
pub(super) fn read(
    from: &mut impl Read,
    folder: &Path,
    total: u64,
    progress: &mut dyn Progress,
) -> io::Result<()> {
    let mut told = Told { done: 0, total, progress };
    let mut from = Telling { inner: from, told: &mut told, pending: 0 };
    let mut archive = Archive::new(&mut from);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let is_plain = path.components().all(|it| matches!(it, Component::Normal(_)));
        if !is_plain || entry.header().entry_type() != EntryType::Regular {
            let message = format!("`{}` does not belong into a backup", path.display());
            return Err(io::Error::other(message));
        }
        let path = folder.join(path);
        create_private(path.parent().unwrap_or(folder))?;
        io::copy(&mut entry, &mut create_file(&path)?)?;
    }
    // The end is authenticated too, so it has to be read.
    io::copy(&mut from, &mut io::sink()).map(drop)
}

/// Tells how many bytes have passed.
struct Told<'a> {
    done: u64,
    total: u64,
    progress: &'a mut dyn Progress,
}

struct Telling<'a, 'b, R> {
    inner: R,
    told: &'a mut Told<'b>,
    pending: u64,
}

impl<R: Read> Read for Telling<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.pending += n as u64;
        self.told.done += n as u64;
        if STEP <= self.pending {
            self.pending = 0;
            let Told { done, total, progress } = self.told;
            progress.advance(*done, *total);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn archive_of(path: &str, kind: EntryType) -> Vec<u8> {
        let mut archive = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(1);
        // `set_path` would refuse it, and others do not.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, &b"x"[..]).unwrap();
        archive.into_inner().unwrap()
    }

    #[test]
    fn an_archive_reaches_nothing_outside_of_its_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("inside");
        std::fs::create_dir(&folder).unwrap();
        let unpack = |path: &str, kind| {
            read(&mut archive_of(path, kind).as_slice(), &folder, 0, &mut Silent)
        };
        unpack("a/b", EntryType::Regular).unwrap();
        assert_eq!(std::fs::read(folder.join("a/b")).unwrap(), b"x");
        for path in ["../evil", "a/../../evil", "/tmp/raingauge-evil"] {
            assert!(unpack(path, EntryType::Regular).is_err(), "{path}");
        }
        assert!(unpack("link", EntryType::Symlink).is_err());
        assert!(unpack("a/b", EntryType::Regular).is_err(), "nothing is written over");
        assert!(!outer.path().join("evil").exists());
    }
}
