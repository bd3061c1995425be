//! `backup`: create, list, verify.

use std::path::{Path, PathBuf};

use crate::backup::{self, Backup, Outcome, Prover};
use crate::progress::Progress;
use crate::report::{Finding, Report, Section, Step, StepState};
use crate::setting::Setting;
use crate::site::{Site, size};
use crate::{Error, Result, protection};

/// Takes a backup and verifies it by restoring it.
///
/// # Errors
/// If it cannot be taken, or is not equal once restored; then nothing is left behind.
pub fn backup_create(setting: &Setting, progress: &mut dyn Progress) -> Result<Report> {
    let mut site = Site::open(setting)?;
    let backup = protection::take(&mut site, progress)?;
    let mut report = site.report("backup");
    report.steps.push(protection::step(&backup, true));
    report.artefacts = backup.backup().artefacts()?;
    report.next = Some(format!("sh {}/restore.sh TARGET_URL", backup.backup().path().display()));
    Ok(report)
}

/// Lists the project's backups; opens no database.
///
/// # Errors
/// If the folder cannot be read.
pub fn backup_list(setting: &Setting) -> Result<Report> {
    let shelf = backup::list(&folder(setting))?;
    let mut report = Report::new("backup");
    let columns = &["taken", "database", "size", "verified", "path"];
    let mut section = Section::new("backups", "backups", columns);
    for backup in &shelf.backups {
        let manifest = backup.manifest();
        let bytes = manifest.files.iter().map(|it| it.bytes).sum();
        section.push([
            manifest.taken_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            manifest.source.database.clone(),
            size(bytes),
            if manifest.verified.is_some() { "verified" } else { "not verified" }.to_owned(),
            backup
                .path()
                .strip_prefix(&setting.root)
                .unwrap_or(backup.path())
                .display()
                .to_string(),
        ]);
    }
    report.sections.push(section);
    for (path, error) in &shelf.unreadable {
        report.findings.push(Finding::warning(
            error.code,
            path.display().to_string(),
            error.message.clone(),
        ));
    }
    Ok(report)
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
    let backup = open(setting, which)?;
    let client = site.client();
    let prover = Prover { scratch: &mut site.scratch, client: client.as_ref(), now: setting.now };
    let outcome = backup::verify(&backup, prover, progress)?;
    let mut report = site.report("backup");
    match outcome {
        Outcome::Verified(_) => {
            let name =
                format!("restore {} into scratch; everything is equal", backup.path().display());
            report.steps.push(Step::new(name, StepState::Done));
        }
        Outcome::Differs(lines) => {
            let finding = Finding::error(
                "backup-differs",
                backup.path().display().to_string(),
                "restores to something else than what was backed up",
            );
            report.findings.push(lines.into_iter().fold(finding, Finding::evidence));
        }
    }
    Ok(report)
}

/// A backup by its folder, or by its name among the project's.
pub(super) fn open(setting: &Setting, which: &Path) -> Result<Backup> {
    let named = folder(setting).join(which);
    let path = if which.exists() { which.to_owned() } else { named };
    if !path.exists() {
        return Err(Error::new(
            "backup-missing",
            format!("there is no backup `{}`", which.display()),
        )
        .next("raingauge backup list"));
    }
    Backup::open(&path)
}

fn folder(setting: &Setting) -> PathBuf {
    setting.root.join(".raingauge").join("backups")
}
