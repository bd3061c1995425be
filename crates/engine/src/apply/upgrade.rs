//! Carries an upgrade out, in the order of [`super::reconcile`]: the folders are written beside the
//! journal, which 1.0 refuses to read, then the journal goes, and the ledger's names are committed.

use std::time::Duration;

use super::intent::Intent;
use super::reconcile::{Written, begin, ledger_now, open, refuse_unfinished, stale};
use crate::backup::VerifiedBackup;
use crate::consent::Consent;
use crate::lock::Lock;
use crate::progress::Progress;
use crate::site::Site;
use crate::upgrade::Upgrade;
use crate::{Result, introspect};

/// How long to wait for another runner.
const WAIT: Duration = Duration::from_secs(30);

/// Writes the folders, takes the journal's files away, and gives the ledger's rows their names.
///
/// # Errors
/// As [`super::reconcile::carry_out`].
pub fn carry_out(
    site: &mut Site,
    upgrade: &Upgrade,
    consent: &Consent,
    _protection: &VerifiedBackup,
    progress: &mut dyn Progress,
) -> Result<Written> {
    const COMMAND: &str = "upgrade";
    if *consent.plan() != upgrade.plan {
        return Err(stale(COMMAND));
    }
    let _lock = Lock::acquire(&site.dsn, WAIT)?;
    refuse_unfinished(&site.project.root)?;
    let mut session = open(site)?;
    if introspect::catalog(&mut session, &site.ledger_names())?.fingerprint() != upgrade.live
        || ledger_now(&mut session, site)? != upgrade.ledger
        || site.project.history.has_changed(site.dialect())?
    {
        return Err(stale(COMMAND));
    }
    let intent = Intent::of_upgrade(site, upgrade)?;
    begin(site, &mut session, &intent, progress)
}
