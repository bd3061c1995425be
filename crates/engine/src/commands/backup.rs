//! `backup`: create, list, verify.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use crate::backup::manifest::{Decryption, Manifest};
use crate::backup::{
    self, Backup, Outcome, Prover, Readable, Retention, Store, Stored, Taken, VerifiedBackup,
};
use crate::progress::Progress;
use crate::report::{Finding, Report, Section, Step, StepState};
use crate::run::Run;
use crate::setting::{Policy, Setting};
use crate::site::{Site, size};
use crate::{Error, Result, protection};

/// How a backup is to be taken.
#[derive(Clone, Copy, Debug)]
pub struct BackupRequest {
    /// Whether it is restored and compared; without that it protects nothing.
    pub verify: bool,
    /// Which older ones are kept. A backup that is not verified takes nobody's place.
    pub retention: Retention,
}

/// Takes a backup, verifies it by restoring it, and only then removes older ones.
///
/// # Errors
/// If it cannot be taken, or is not equal once restored; then nothing is left behind and no older one
/// is touched.
pub fn backup_create(
    setting: &Setting,
    request: &BackupRequest,
    progress: &mut dyn Progress,
) -> Result<Report> {
    let mut site = Site::open(setting)?;
    let Taken { backup, verified, left_out, stored } =
        protection::take_backup(&mut site, request.verify, progress)?;
    let path = backup.path().display();
    let mut report = site.report("backup");
    report.artefacts = backup.artefacts()?;
    report.next = Some(format!("sh {path}/restore.sh TARGET_URL"));
    report.findings.extend(left_out.into_iter().map(|it| {
        let message = format!("is not in the backup: {}", it.why);
        Finding::info("backup-left-out", it.what, message)
    }));
    report.findings.extend(not_decrypted(&backup));
    match &verified {
        Some(verified) => {
            report.steps.push(protection::step(verified, true));
            report.sections.push(recovery(verified));
            report.steps.extend(stored.iter().map(copied));
            report.steps.extend(removed(&site, (verified, stored.as_ref()), request.retention)?);
        }
        None => {
            report.steps.push(Step::new(format!("take backup {path}"), StepState::Done));
            report.steps.extend(stored.iter().map(copied));
            report.findings.push(unverified(&backup));
        }
    }
    Ok(report)
}

fn copied(stored: &Stored) -> Step {
    Step::new(format!("copy it to {}, read back and compared", stored.address), StepState::Done)
}

/// What a recovery from it would take, as the restore that proved it was measured.
fn recovery(verified: &VerifiedBackup) -> Section {
    let mut section = Section::new("recovery", "recovery", &["fact", "value"]);
    let millis = verified.verification().restore_ms;
    section.push(["expected time".to_owned(), duration(millis)]);
    section.push(["size".to_owned(), size(verified.backup().manifest().bytes())]);
    section
}

fn unverified(backup: &Backup) -> Finding {
    let name = backup.path().file_name().unwrap_or_default().to_string_lossy();
    Finding::warning(
        "backup-unverified",
        name.clone(),
        "was never restored, so nobody knows whether it can be; no command accepts it as protection",
    )
    .next(format!("raingauge backup verify {name}"))
}

/// An encrypted backup that nobody has opened yet.
fn not_decrypted(backup: &Backup) -> Option<Finding> {
    let encryption = backup.manifest().encryption.as_ref()?;
    let name = backup.path().file_name().unwrap_or_default().to_string_lossy();
    (encryption.decryption == Decryption::Unproven).then(|| {
        let message = "is encrypted, and no key was at hand to decrypt it again: what went into the \
            encryption was compared with what had been proven, and what came out has the right form and \
            length";
        Finding::info("backup-decryption-unproven", name.clone(), message)
            .next(format!("raingauge backup verify {name} --identity FILE"))
    })
}

/// Removes what the retention does not keep, unless a run that was cut off may still need it.
fn removed(
    site: &Site,
    (verified, stored): (&VerifiedBackup, Option<&Stored>),
    retention: Retention,
) -> Result<Vec<Step>> {
    let root = &site.project.root;
    for command in ["reconcile", "upgrade", "upgrade-undo", "migrate"] {
        if !Run::interrupted(root, command)?.is_empty() && !retention.keeps_everything() {
            let what = format!("keep all older backups: a `{command}` was interrupted");
            return Ok(vec![Step::new(what, StepState::Skipped)]);
        }
    }
    let source = &verified.backup().manifest().source;
    let now = site.setting.now;
    let gone = backup::prune(&site.backups(), source, retention, now)?;
    let mut gone: Vec<_> = gone.iter().map(|it| it.display().to_string()).collect();
    let store = site.setting.keeping.store(&site.project.policy.backup, &site.setting.env)?;
    if let (Some(store), Some(stored)) = (store, stored) {
        gone.extend(store.prune(source, &stored.name, retention, now)?);
    }
    let step = |it| Step::new(format!("remove the older backup {it}"), StepState::Done);
    Ok(gone.into_iter().map(step).collect())
}

/// Lists the project's backups, or those in an object store; opens no database.
///
/// # Errors
/// If the folder or the store cannot be read.
pub fn backup_list(setting: &Setting, store: Option<&str>) -> Result<Report> {
    let mut backups = Vec::new();
    let mut unreadable = Vec::new();
    if let Some(address) = store {
        let stock = Store::open(address, &setting.env)?.list()?;
        backups.extend(stock.backups.into_iter().map(|it| (it.name, it.manifest)));
        unreadable.extend(stock.unreadable);
    } else {
        let shelf = backup::list(&folder(setting))?;
        backups.extend(shelf.backups.iter().map(|it| (name_of(it.path()), it.manifest().clone())));
        let places = shelf.unreadable.into_iter();
        unreadable.extend(places.map(|(path, error)| (path.display().to_string(), error)));
    }
    let mut report = Report::new("backup");
    report.target = store.unwrap_or_default().to_owned();
    let columns = &["backup", "age", "size", "verified", "encrypted", "fingerprint"];
    let mut section = Section::new("backups", "backups", columns);
    for (name, manifest) in &backups {
        section.push([
            name.clone(),
            age(setting.now.duration_since(manifest.taken_at)),
            size(manifest.bytes()),
            if manifest.verified.is_some() { "yes" } else { "no" }.to_owned(),
            encrypted(manifest).to_owned(),
            manifest.fingerprint.short().to_owned(),
        ]);
    }
    report.sections.push(section);
    let unreadable = unreadable.into_iter();
    report.findings.extend(unreadable.map(|(at, it)| Finding::warning(it.code, at, it.message)));
    Ok(report)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn encrypted(manifest: &Manifest) -> &'static str {
    match manifest.encryption.as_ref().map(|it| it.decryption) {
        None => "no",
        Some(Decryption::Compared) => "yes",
        Some(Decryption::Unproven) => "yes, never decrypted",
    }
}

/// Restores a backup into scratch once more and compares everything.
///
/// # Errors
/// If the backup is damaged or cannot be restored.
pub fn backup_verify(
    setting: &Setting,
    which: &Path,
    progress: &mut dyn Progress,
) -> Result<Report> {
    let mut site = Site::open(setting)?;
    let outside = open(setting, which, progress)?;
    let is_stored = backup::is_address(which);
    let place = if is_stored { which } else { outside.backup().path() }.to_owned();
    let readable = unseal(setting, outside, progress)?;
    let client = site.client();
    let prover = Prover { scratch: &mut site.scratch, client: client.as_ref(), now: setting.now };
    let outcome = backup::verify(readable.backup(), prover, progress)?;
    let mut report = site.report("backup");
    match outcome {
        Outcome::Verified(_) => {
            let name = format!("restore {} into scratch; everything is equal", place.display());
            report.steps.push(Step::new(name, StepState::Done));
        }
        Outcome::Differs(lines) => {
            let finding = Finding::error(
                "backup-differs",
                place.display().to_string(),
                "restores to something else than what was backed up",
            );
            report.findings.push(lines.into_iter().fold(finding, Finding::evidence));
        }
    }
    Ok(report)
}

/// A backup by its folder, or by its name among the project's, decrypted if it has to be.
pub(super) fn open_readable(
    setting: &Setting,
    which: &Path,
    progress: &mut dyn Progress,
) -> Result<Readable> {
    let found = open(setting, which, progress)?;
    unseal(setting, found, progress)
}

fn unseal(setting: &Setting, backup: Readable, progress: &mut dyn Progress) -> Result<Readable> {
    let policy = Policy::read(&setting.root)?;
    let keys = setting.keeping.keys(&policy.backup, &setting.root)?;
    backup::unseal(backup, &keys.identities, progress)
}

/// A backup by its folder, by its name among the project's, or by its address in an object store.
fn open(setting: &Setting, which: &Path, progress: &mut dyn Progress) -> Result<Readable> {
    if let Some(address) = which.to_str().filter(|_| backup::is_address(which)) {
        let (store, name) = Store::open_backup(address, &setting.env)?;
        return store.fetch(&name, progress);
    }
    let named = folder(setting).join(which);
    let path = if which.exists() { which.to_owned() } else { named };
    if !path.exists() {
        return Err(Error::new(
            "backup-missing",
            format!("there is no backup `{}`", which.display()),
        )
        .next("raingauge backup list"));
    }
    Backup::open(&path).map(Readable::from)
}

fn folder(setting: &Setting) -> PathBuf {
    setting.root.join(".raingauge").join("backups")
}

/// `3 h` or `12 d`: whole units, rounded down.
fn age(duration: SignedDuration) -> String {
    let hours = duration.as_hours();
    match duration.as_mins() {
        ..0 => "in the future".to_owned(),
        minutes @ 0..60 => format!("{minutes} min"),
        _ if hours < 48 => format!("{hours} h"),
        _ => format!("{} d", hours / 24),
    }
}

/// `850 ms`, `12 s` or `3 min 5 s`.
fn duration(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..120_000 => format!("{} s", millis.div_ceil(1000)),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_durations_are_short() {
        let ages = [-5, 59, 60, 47 * 60 + 59, 48 * 60].map(SignedDuration::from_mins).map(age);
        assert_eq!(ages, ["in the future", "59 min", "1 h", "47 h", "2 d"]);
        assert_eq!([999, 1001, 120_000].map(duration), ["999 ms", "2 s", "2 min 0 s"]);
    }
}
