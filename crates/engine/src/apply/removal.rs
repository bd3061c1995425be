//! What an upgrade takes away, besides what it writes: the journal with its files, and the form of a
//! ledger of 0.x. All of it is in the run's record, so that it can be put back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::Generation;
use serde::{Deserialize, Serialize};

use crate::connect::{Session, SqlError};
use crate::files::{sync_folder, write_whole};
use crate::ledger::{self, LedgerName};
use crate::progress::Progress;

/// A file that goes once all others are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Removal {
    /// Relative to the migrations folder.
    path: String,
    before: String,
}

impl Removal {
    /// The file as it is now.
    pub(super) fn of(folder: &Path, path: &str) -> io::Result<Self> {
        let before = fs::read_to_string(folder.join(path))?;
        Ok(Self { path: path.to_owned(), before })
    }

    /// Where it is.
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(&self.path)
    }

    /// Whether nobody else has changed the file.
    pub(super) fn is_ours(&self, folder: &Path) -> bool {
        match fs::read(self.path(folder)) {
            Ok(found) => found == self.before.as_bytes(),
            Err(cause) => cause.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Takes the file away, and its folder if nothing else is in that.
    pub(super) fn remove(&self, folder: &Path) -> io::Result<()> {
        let path = self.path(folder);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            Ok(()) | Err(_) => {}
        }
        let above = path.parent().unwrap_or(folder);
        if above != folder && above.exists() {
            sync_folder(above)?;
            let _ = fs::remove_dir(above);
        }
        sync_folder(folder)
    }

    /// Puts the file back if it is gone.
    pub(super) fn restore(&self, folder: &Path) -> io::Result<()> {
        let path = self.path(folder);
        if path.exists() { Ok(()) } else { write_whole(&path, self.before.as_bytes()) }
    }
}

/// Takes the files away, in their order.
pub(super) fn remove_all(
    removals: &[Removal],
    folder: &Path,
    (command, progress): (&str, &mut dyn Progress),
) -> Result<(), (PathBuf, io::Error)> {
    for (at, it) in removals.iter().enumerate() {
        it.remove(folder).map_err(|cause| (it.path(folder), cause))?;
        progress.boundary(&format!("{command}/removed-{at}"));
    }
    Ok(())
}

/// Puts them back, the first one last: it is the journal, without which Drizzle sees none of the others.
pub(super) fn restore_all(
    removals: &[Removal],
    folder: &Path,
    (command, progress): (&str, &mut dyn Progress),
) -> Result<(), (PathBuf, io::Error)> {
    for (at, it) in removals.iter().enumerate().rev() {
        it.restore(folder).map_err(|cause| (it.path(folder), cause))?;
        progress.boundary(&format!("{command}/restored-{at}"));
    }
    Ok(())
}

/// How a ledger of 0.x becomes one of 1.0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Retitling {
    /// The rows that have names in `statements`, and no others.
    before: Fingerprint,
    statements: Vec<String>,
}

/// How far a ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Titled {
    /// As it was when the plan was made.
    NotYet,
    Done,
    /// Somebody else wrote to it.
    Otherwise,
}

impl Retitling {
    pub(super) fn new(before: Fingerprint, statements: Vec<String>) -> Self {
        Self { before, statements }
    }

    /// How far the ledger is.
    pub(super) fn state(
        &self,
        session: &mut Session,
        name: &LedgerName,
    ) -> Result<Titled, SqlError> {
        let ledger = ledger::read_if_there(session, name)?;
        let is_named = |it: &ledger::Ledger| it.rows.iter().all(|it| it.name.is_some());
        Ok(match &ledger {
            Some(it) if it.generation == Generation::V1 && is_named(it) => Titled::Done,
            Some(it)
                if it.generation == Generation::V0
                    && ledger::fingerprint(Some(it)) == self.before =>
            {
                Titled::NotYet
            }
            Some(_) | None => Titled::Otherwise,
        })
    }

    /// Gives the rows their names; the caller has a transaction open. `false` if somebody else wrote to
    /// the ledger.
    pub(super) fn apply(&self, session: &mut Session, name: &LedgerName) -> Result<bool, SqlError> {
        if let Session::Postgres(_) = session {
            session.run(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", name.quoted()))?;
        }
        match self.state(session, name)? {
            Titled::Done => Ok(true),
            Titled::Otherwise => Ok(false),
            Titled::NotYet => {
                self.statements.iter().try_for_each(|it| session.run(it))?;
                Ok(true)
            }
        }
    }
}
