//! Backups that have been restored. Reading order: [`manifest`] (what a backup says of itself) →
//! `folder`, `archive` and `sums` (how it lies on disk) → [`take()`] (dump and evidence at one instant) →
//! [`verify()`] (restore into scratch, compare) → [`restore()`] (into a new database). `postgres`, `mysql` and
//! `sqlite` dump and load; [`beside`] restores single tables into live; [`sealed`] keeps them from strangers;
//! [`Store`] is a place for them on other machines; `restore_sh` does without us; `shelf` and `retention` keep them, `space` asks the disks first.
//!
//! Only this module can make a [`VerifiedBackup`], and only from a restore whose outcome was equal.

mod archive;
pub mod beside;
mod folder;
pub mod manifest;
mod mysql;
mod postgres;
mod postgres_messages;
mod restore;
mod restore_sh;
mod retention;
mod sealed;
mod shelf;
mod space;
mod sqlite;
mod store;
mod sums;
mod take;
mod verify;

use std::path::{Path, PathBuf};

pub use manifest::{Manifest, Source, Verification};
pub(crate) use mysql::COUNT_OBJECTS as COUNT_MYSQL_OBJECTS;
pub use restore::{Destination, Restored, compare, restore};
pub use retention::{Retention, prune};
pub use sealed::{Keys, Readable, Recipients, unseal};
pub use shelf::{Shelf, Wanted, latest_verified, list};
pub(crate) use store::Upload;
pub use store::{Stock, Store, Stored, is_address};
pub use take::{Proof, Request, Taken, take};
pub use verify::{Outcome, Prover, into_scratch, verify};

use crate::Result;
use crate::report::Artefact;

/// A finished backup on disk, verified or not.
#[derive(Clone, Debug)]
pub struct Backup {
    path: PathBuf,
    manifest: Manifest,
}

impl Backup {
    /// Opens the backup in a folder. Its files are not read; [`Backup::check`] does that.
    ///
    /// # Errors
    /// `backup-unreadable` if the folder holds no backup of this format.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), manifest: Manifest::read(path)? })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the backup says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every file with its size and the hash that `SHA256SUMS` gives, `SHA256SUMS` itself left out.
    ///
    /// # Errors
    /// If `SHA256SUMS` or a file is missing.
    pub fn artefacts(&self) -> Result<Vec<Artefact>> {
        sums::artefacts(&self.path)
    }

    /// Reads every file again and compares it with `SHA256SUMS`.
    ///
    /// # Errors
    /// `backup-damaged` with what is wrong, file by file.
    pub fn check(&self) -> Result<()> {
        sums::check(&self.path)
    }
}

/// A backup that was restored, with an equal catalog and equal contents.
#[derive(Clone, Debug)]
pub struct VerifiedBackup {
    backup: Backup,
    verification: Verification,
}

impl VerifiedBackup {
    /// The backup itself.
    pub fn backup(&self) -> &Backup {
        &self.backup
    }

    /// The restore that proved it.
    pub fn verification(&self) -> &Verification {
        &self.verification
    }
}

/// Milliseconds since `start`.
fn millis_since(start: std::time::Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
