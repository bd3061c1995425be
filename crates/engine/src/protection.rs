//! The backup that a write rests on: a young verified one, or a new one.

use jiff::SignedDuration;
use raingauge_schema::Fingerprint;

use crate::backup::{self, Proof, Request, Taken, VerifiedBackup, Wanted};
use crate::files::make_own_folder;
use crate::progress::Progress;
use crate::report::{Step, StepState};
use crate::site::Site;
use crate::{Error, Result};

/// How old a backup may be that a write rests on.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);

/// A verified backup of live as it is now in structure, younger than an hour, if there is one.
///
/// # Errors
/// If the folder of backups cannot be read.
pub fn existing(site: &mut Site, live: &Fingerprint) -> Result<Option<VerifiedBackup>> {
    younger(site, live, MAX_AGE)
}

/// The backup that a deletion rests on: one that is young enough by the age that was agreed on, for the command
/// (`--backup-age`) or the team (`raingauge.toml`); without such an age a new one, since any other may be older
/// than the newest rows.
///
/// # Errors
/// A refusal `backup-too-old` if none is young enough; or if one cannot be taken.
pub fn required(
    site: &mut Site,
    (live, age): (&Fingerprint, Option<SignedDuration>),
    steps: &mut Vec<Step>,
    progress: &mut dyn Progress,
) -> Result<VerifiedBackup> {
    let Some(age) = age.or(site.project.policy.backup_age()) else {
        let backup = take(site, progress)?;
        steps.push(step(&backup, true));
        return Ok(backup);
    };
    let backup = younger(site, live, age)?.ok_or_else(|| {
        Error::refusal(
            "backup-too-old",
            format!("data can be lost, and no verified backup of live as it is now is younger than {age:#}; nothing was changed"),
        )
        .next("raingauge backup")
    })?;
    steps.push(step(&backup, false));
    Ok(backup)
}

fn younger(
    site: &mut Site,
    live: &Fingerprint,
    max_age: SignedDuration,
) -> Result<Option<VerifiedBackup>> {
    let source = backup::Source::of(&mut site.live, &site.dsn)?;
    let wanted =
        Wanted { source: &source, fingerprint: Some(live), now: site.setting.now, max_age };
    backup::latest_verified(&site.backups(), &wanted)
}

/// Takes a backup and verifies it by restoring it.
///
/// # Errors
/// If it cannot be taken or is not equal once restored; nothing is left behind then.
pub fn take(site: &mut Site, progress: &mut dyn Progress) -> Result<VerifiedBackup> {
    let taken = take_backup(site, true, progress)?;
    Ok(taken.verified.expect("a backup that is restored is verified or not returned"))
}

/// Takes a backup; one that is not verified protects nothing.
///
/// # Errors
/// If it cannot be taken or is not equal once restored; nothing is left behind then.
pub fn take_backup(site: &mut Site, verify: bool, progress: &mut dyn Progress) -> Result<Taken> {
    let (dir, client) = (site.backups(), site.client());
    let folder = site.project.history.folder.clone();
    let policy = &site.project.policy.backup;
    let store = site.setting.keeping.store(policy, &site.setting.env)?;
    let keys = site.setting.keeping.keys(policy, &site.project.root)?;
    let request = Request {
        live: &site.dsn,
        dir: &dir,
        migrations: folder.exists().then_some(folder.as_path()),
        client: client.as_ref(),
        keys: &keys,
        any_space: site.setting.allow.iter().any(|it| it == "disk-space"),
        at: site.setting.now,
    };
    let proof = if verify { Proof::Restore(&mut site.scratch) } else { Proof::None };
    let mut taken = backup::take(&request, proof, progress)?;
    // Only now: a backup that could not be taken leaves nothing behind.
    make_own_folder(&site.project.root).map_err(|cause| {
        Error::new("backup-unwritable", "cannot make the folder `.raingauge`").caused_by(cause)
    })?;
    if let Some(store) = store {
        let path = taken.backup.path().display();
        let stored = store.put(&taken.backup, progress);
        taken.stored = Some(stored.map_err(|it| it.after(format!("took the backup {path}")))?);
    }
    Ok(taken)
}

/// The step of a report that says which backup there is.
pub(crate) fn step(backup: &VerifiedBackup, is_new: bool) -> Step {
    let path = backup.backup().path().display();
    let how = if is_new { "take and verify" } else { "rest on the verified" };
    Step::new(format!("{how} backup {path}"), StepState::Done)
}
