//! What a restore of the backup from before a migration would take away.

use raingauge_schema::{Fingerprint, Pair};

use crate::backup::{self, Backup, Prover};
use crate::connect::{Access, Session};
use crate::digest::{self, Changes, TableName};
use crate::progress::Progress;
use crate::site::Site;
use crate::{Error, Result};

/// A backup from before, and the rows that live has had since.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The name of the backup's folder.
    pub backup: String,
    /// The rows that only live has (`from`) or only the backup (`to`); the ledger is left out.
    pub changes: Vec<Changes>,
}

impl Cost {
    /// How many rows live would not have any more. Rows that the migration wrote count as well.
    pub fn n_rows(&self) -> u64 {
        self.changes.iter().map(|it| it.only.from).sum()
    }
}

/// The newest verified backup of live with this structure and so many rows in its ledger, restored into
/// scratch and compared with live row by row.
///
/// # Errors
/// If the backups or the rows cannot be read, or scratch cannot be had.
pub(super) fn of_restore(
    site: &mut Site,
    before: &Fingerprint,
    n_recorded: usize,
    progress: &mut dyn Progress,
) -> Result<Option<Cost>> {
    let source = backup::Source::of(&mut site.live, &site.dsn)?;
    let ledger = TableName::new(&site.project.ledger.schema, &site.project.ledger.table);
    let is_from_before = |it: &Backup| {
        let manifest = it.manifest();
        let n_rows = manifest.contents.tables.get(&ledger).map_or(0, |it| it.n_rows);
        manifest.verified.is_some()
            && manifest.fingerprint == *before
            && usize::try_from(n_rows) == Ok(n_recorded)
            && manifest.source.is_same_database(&source)
            && it.check().is_ok()
    };
    let Some(backup) = backup::list(&site.backups())?.backups.into_iter().rfind(is_from_before)
    else {
        return Ok(None);
    };
    let client = site.client();
    let prover =
        Prover { scratch: &mut site.scratch, client: client.as_ref(), now: site.setting.now };
    let restored = backup::into_scratch(&backup, prover, progress)?;
    progress.begin("counting what changed since the backup");
    let mut session = Session::open(&restored.dsn, Access::ReadOnly)?;
    let contents =
        Pair { from: digest::contents(&mut site.live)?, to: digest::contents(&mut session)? };
    let sessions = Pair { from: &mut site.live, to: &mut session };
    let mut changes = digest::changes(sessions, Pair { from: &contents.from, to: &contents.to })?;
    changes.retain(|it| it.table != ledger);
    let name = backup
        .path()
        .file_name()
        .ok_or_else(|| Error::new("backup-unreadable", "the folder of a backup has no name"))?;
    Ok(Some(Cost { backup: name.to_string_lossy().into_owned(), changes }))
}
