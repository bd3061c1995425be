//! The way back from a finished upgrade: what the record of its run says that it took away comes back, and
//! what it wrote goes. It is a run of its own, finished or undone like any other.

use std::fs;
use std::path::Path;
use std::time::Duration;

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::LedgerRow;
use raingauge_schema::drizzle::named_ledger::handback;

use super::intent::Intent;
use super::reconcile::{Written, begin, ledger_now, open, refuse_unfinished, stale};
use crate::backup::VerifiedBackup;
use crate::check::ledger::standing;
use crate::consent::Consent;
use crate::history::History;
use crate::ledger::{self, Ledger};
use crate::lock::Lock;
use crate::progress::Progress;
use crate::report::{Finding, Severity};
use crate::run::Run;
use crate::site::Site;
use crate::upgrade::rehearsal::{scratch_broken, tried_in, unwritable};
use crate::{Error, Result, introspect};

/// How long to wait for another runner.
const WAIT: Duration = Duration::from_secs(30);

/// What takes a finished upgrade back; tried in scratch.
#[derive(Debug)]
pub struct WayBack {
    intent: Intent,
    /// The catalog that the plan rests on.
    pub live: Fingerprint,
    ledger: Fingerprint,
    /// The hash of everything that the plan says and rests on.
    pub plan: Fingerprint,
    /// The files that come back.
    pub restored: Vec<String>,
    /// The files that go.
    pub removed: Vec<String>,
    /// How many rows of the ledger lose their names.
    pub n_rows: usize,
}

/// Finds the way back. Why there is none is a finding; nothing is found where there is no upgrade to take
/// back.
///
/// # Errors
/// If a record or a file cannot be read, or scratch cannot be had.
pub fn plan(site: &mut Site) -> Result<(Option<WayBack>, Vec<Finding>)> {
    let Some(done) = record(site)? else { return Ok((None, vec![unrecorded(site)])) };
    let now = current_ledger(site)?;
    let mut findings = changed_files(site, &done);
    findings.extend(newer_migrations(site, &done));
    findings.extend(changed_ledger(&done, now.as_ref()));
    if !findings.is_empty() {
        return Ok((None, findings));
    }
    let live = site.catalog()?.fingerprint();
    let statements = done.retitling.as_ref().map(|_| {
        let dialect = site.dialect();
        handback(dialect, &done.ledger.quoted_in(dialect))
    });
    let ledger = ledger::fingerprint(now.as_ref());
    let names = statements.map(|it| (ledger.clone(), it));
    let (intent, plan) = Intent::of_undo(&done, &live, names)?;
    findings.extend(rehearse(site, &done, &intent, now.as_ref())?);
    if !findings.is_empty() {
        return Ok((None, findings));
    }
    let (restored, removed) = intent.paths();
    let n_rows = intent.retitling.iter().flat_map(|_| &now).map(|it| it.rows.len()).sum();
    Ok((Some(WayBack { intent, live, ledger, plan, restored, removed, n_rows }), findings))
}

/// Puts the files of 0.x back, takes the folders away, and the names from the ledger.
///
/// # Errors
/// As [`super::reconcile::carry_out`].
pub fn carry_out(
    site: &mut Site,
    back: &WayBack,
    consent: &Consent,
    _protection: &VerifiedBackup,
    progress: &mut dyn Progress,
) -> Result<Written> {
    const COMMAND: &str = "upgrade --undo";
    if *consent.plan() != back.plan {
        return Err(stale(COMMAND));
    }
    let _lock = Lock::acquire(&site.dsn, WAIT)?;
    let _files = Lock::of_files(&site.project.root, WAIT)?;
    refuse_unfinished(&site.project.root)?;
    let mut session = open(site)?;
    if introspect::catalog(&mut session, &site.ledger_names())?.fingerprint() != back.live
        || ledger_now(&mut session, site)? != back.ledger
        || site.project.history.has_changed(site.dialect())?
    {
        return Err(stale(COMMAND));
    }
    begin(site, &mut session, &back.intent, progress)
}

/// What the newest finished upgrade of this database and this folder wrote.
fn record(site: &Site) -> Result<Option<Intent>> {
    let mut runs = Run::finished(&site.project.root, "upgrade")?;
    while let Some(run) = runs.pop() {
        let intent: Intent = serde_json::from_value(run.intent).map_err(|cause| {
            Error::new("run-unreadable", "cannot read what the upgrade wrote").caused_by(cause)
        })?;
        if intent.refuse_other_target(site).is_ok() {
            return Ok(Some(intent));
        }
    }
    Ok(None)
}

fn unrecorded(site: &Site) -> Finding {
    let folder = site.project.history.folder.display().to_string();
    let message =
        "no record of its upgrade with this database is on this machine; nothing was changed";
    Finding::error("upgrade-unrecorded", folder, message)
        .next("run it where it was upgraded, below `.raingauge`")
        .next(
            "or bring the folder back with version control: 0.x reads a ledger that has names, too",
        )
}

fn current_ledger(site: &mut Site) -> Result<Option<Ledger>> {
    let name = site.project.ledger.clone();
    ledger::read_if_there(&mut site.live, &name)
        .map_err(|cause| Error::new("ledger-unreadable", "cannot read the ledger").caused_by(cause))
}

fn moved_on(subject: impl Into<String>, message: &str) -> Finding {
    Finding::error("upgrade-moved-on", subject, format!("{message}; nothing was changed"))
        .next("stay on Drizzle 1.0, or take back first what came after the upgrade")
}

/// Files that are not as the upgrade left them.
fn changed_files(site: &Site, done: &Intent) -> Vec<Finding> {
    let folder = &site.project.history.folder;
    let is_same =
        |path: &str, text: &str| fs::read(folder.join(path)).is_ok_and(|it| it == text.as_bytes());
    let written = done.written().filter(|it| !is_same(it.0, it.1));
    let written = written.map(|it| moved_on(it.0, "is not any more what the upgrade wrote"));
    let back = done.removals.iter().filter(|it| it.path(folder).exists());
    let back =
        back.map(|it| moved_on(&it.path, "is there again, although the upgrade took it away"));
    written.chain(back).collect()
}

/// Migrations that the upgrade did not write, where it wrote any.
fn newer_migrations(site: &Site, done: &Intent) -> Vec<Finding> {
    let migrations = site.project.history.migrations.iter();
    let is_new = |name: &str| !done.written().any(|it| it.0 == name);
    let new = migrations.filter(|it| !done.removals.is_empty() && is_new(&it.file_name()));
    new.map(|it| moved_on(&it.entry.tag, "was made after the upgrade")).collect()
}

/// A ledger that has other rows than after the upgrade.
fn changed_ledger(done: &Intent, now: Option<&Ledger>) -> Option<Finding> {
    let is_same = match (&done.retitling, now) {
        (Some(retitling), Some(now)) => {
            let earlier = Ledger { rows: without_names(now), ..now.clone() };
            now.generation == Generation::V1
                && now.rows.iter().all(|it| it.name.is_some())
                && ledger::fingerprint(Some(&earlier)) == retitling.before
        }
        (Some(_), None) => false,
        (None, now) => done.ledger_rows.as_ref() == Some(&ledger::fingerprint(now)),
    };
    let message = "does not say what it said after the upgrade: something was migrated since";
    (!is_same).then(|| moved_on(format!("ledger {}", done.ledger), message))
}

fn without_names(ledger: &Ledger) -> Vec<LedgerRow> {
    ledger.rows.iter().map(|it| LedgerRow { name: None, ..it.clone() }).collect()
}

/// The files and the ledger as they would be, in a folder of their own and in scratch: 0.x has to run what 1.0
/// would run now.
fn rehearse(
    site: &mut Site,
    done: &Intent,
    intent: &Intent,
    now: Option<&Ledger>,
) -> Result<Vec<Finding>> {
    let folder = tempfile::tempdir().map_err(unwritable)?;
    let later = match intent.removals.is_empty() {
        true => site.project.history.clone(),
        false => read_back(site, intent, folder.path())?,
    };
    let ledger = match (&done.retitling, &intent.retitling, now) {
        (Some(given), Some(taken), Some(now)) => {
            let mut scratch = site.scratch.create("upgrade_undo")?;
            let statements = given.statements.iter().chain(&taken.statements);
            let rows = without_names(now);
            Some(
                tried_in(&mut scratch.session, &now.name, &rows, statements)
                    .map_err(scratch_broken)?,
            )
        }
        _ => now.cloned(),
    };
    let mut findings: Vec<_> = later.findings.iter().filter(|it| is_error(it)).cloned().collect();
    let standing = |history: &History, ledger: Option<&Ledger>| {
        standing(site.dialect(), history, ledger, site.setting.now)
    };
    let (before, after) = (standing(&site.project.history, now), standing(&later, ledger.as_ref()));
    findings.extend(after.findings.iter().filter(|it| is_error(it)).cloned());
    if (&before.pending, &before.recorded) != (&after.pending, &after.recorded) {
        findings.push(Finding::error(
            "upgrade-differs",
            "ledger",
            "0.x would not run what 1.0 would run; nothing was written",
        ));
    }
    Ok(findings)
}

fn read_back(site: &Site, intent: &Intent, folder: &Path) -> Result<History> {
    for (path, text) in intent.written() {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(unwritable)?;
        fs::write(path, text).map_err(unwritable)?;
    }
    History::read(folder, site.dialect(), Some(Generation::V0))
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}
