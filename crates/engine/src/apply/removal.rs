//! What an upgrade takes away, besides what it writes: the journal with its files, and the form of a
//! ledger of 0.x; or, on the way back, the folders and the names. All of it is in the run's record, so that
//! it can be put back.

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

/// How long to wait for others to let go of a ledger of MySQL.
const LOCK_SECONDS: u32 = 30;

/// A file that goes once all others are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Removal {
    /// Relative to the migrations folder; absolute where it is not in it.
    pub(super) path: String,
    pub(super) before: String,
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

/// How a ledger of 0.x becomes one of 1.0, or the other way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Retitling {
    /// The rows that `statements` are about, and no others.
    pub(super) before: Fingerprint,
    pub(super) statements: Vec<String>,
    /// Whether names are taken away.
    #[serde(default)]
    hands_back: bool,
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
    /// Gives the rows their names.
    pub(super) fn new(before: Fingerprint, statements: Vec<String>) -> Self {
        Self { before, statements, hands_back: false }
    }

    /// Takes the names away.
    pub(super) fn back(before: Fingerprint, statements: Vec<String>) -> Self {
        Self { before, statements, hands_back: true }
    }

    /// How far the ledger is.
    pub(super) fn state(
        &self,
        session: &mut Session,
        name: &LedgerName,
    ) -> Result<Titled, SqlError> {
        let Some(ledger) = ledger::read_if_there(session, name)? else {
            return Ok(Titled::Otherwise);
        };
        let is_named = ledger.rows.iter().all(|it| it.name.is_some());
        let is_before = ledger::fingerprint(Some(&ledger)) == self.before;
        Ok(match (ledger.generation, self.hands_back) {
            (Generation::V1, false) if is_named => Titled::Done,
            (Generation::V0, true) => Titled::Done,
            (Generation::V0, false) | (Generation::V1, true) if is_before => Titled::NotYet,
            (Generation::V0 | Generation::V1, _) => Titled::Otherwise,
        })
    }

    /// Changes the rows; the caller has a transaction open, and [`Self::commit`] makes it last. `false` if
    /// somebody else wrote to the ledger.
    ///
    /// MySQL has no transaction for this: there all is done but the statement that shows the change, and
    /// nobody else gets at the ledger before it.
    pub(super) fn apply(&self, session: &mut Session, name: &LedgerName) -> Result<bool, SqlError> {
        match session {
            Session::Postgres(_) => {
                let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", name.quoted());
                session.run(&lock)?;
            }
            Session::MySql(_) => {
                let lock = format!("LOCK TABLES {} WRITE", name.quoted_in(session.dialect()));
                session.run(&format!("SET SESSION lock_wait_timeout = {LOCK_SECONDS}; {lock}"))?;
            }
            Session::Sqlite(_) => {}
        }
        match self.state(session, name)? {
            Titled::Done => Ok(true),
            Titled::Otherwise => Ok(false),
            Titled::NotYet => {
                ledger::discard_unfinished(session, name)?;
                let shown = usize::from(matches!(session, Session::MySql(_)));
                let n_hidden = self.statements.len() - shown;
                self.statements[..n_hidden].iter().try_for_each(|it| session.run(it))?;
                Ok(true)
            }
        }
    }

    /// Makes what [`Self::apply`] did last.
    pub(super) fn commit(&self, session: &mut Session, name: &LedgerName) -> Result<(), SqlError> {
        if !matches!(session, Session::MySql(_)) {
            return session.run("COMMIT");
        }
        if self.state(session, name)? == Titled::NotYet {
            self.statements.last().map_or(Ok(()), |it| session.run(it))?;
        }
        session.run("UNLOCK TABLES")
    }

    /// Takes back what [`Self::apply`] did and nobody has seen.
    pub(super) fn cancel(session: &mut Session, name: &LedgerName) -> Result<(), SqlError> {
        if !matches!(session, Session::MySql(_)) {
            return session.run("ROLLBACK");
        }
        let discarded = ledger::discard_unfinished(session, name);
        session.run("UNLOCK TABLES").and(discarded)
    }
}
