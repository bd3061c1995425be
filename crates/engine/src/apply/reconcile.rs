//! Carries an adoption out: files and ledger rows change together, or not at all.
//!
//! The order makes every crash recoverable: (1) the run's record with all content is on disk; (2) the
//! ledger rows are inserted but not committed; (3) the files are renamed into place; (4) the rows are
//! committed; (5) the record says finished. After a crash before (3) nothing has changed; after it the
//! record has everything that is needed to finish, or to take the files away again.

use std::fs;
use std::path::Path;

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, Moment, Prefix, snapshot_path, sql_path};
use raingauge_schema::drizzle::ledger::{CreatedAt, creation};
use serde::{Deserialize, Serialize};

use crate::adoption::Adoption;
use crate::backup::VerifiedBackup;
use crate::connect::{Access, Session, SqlError};
use crate::consent::Consent;
use crate::files::write_whole;
use crate::ledger::{self, LedgerName};
use crate::lock::Lock;
use crate::progress::Progress;
use crate::report::{Artefact, Step, StepState};
use crate::run::{Phase, Run};
use crate::site::Site;
use crate::{Error, Result, introspect};

/// The command's word in run records.
const COMMAND: &str = "reconcile";

/// How far apart the times of two migrations are: Drizzle 1.0 tells them apart by whole seconds.
const STEP_MILLIS: i64 = 1000;

/// Everything that a run writes, so that it can be finished or undone from its record alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Intent {
    plan: Fingerprint,
    /// Live's catalog when the plan was made.
    live: Fingerprint,
    ledger: LedgerName,
    files: Vec<IntendedFile>,
    rows: Vec<IntendedRow>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct IntendedFile {
    /// Relative to the migrations folder.
    path: String,
    content: String,
    /// What stood there before; absent when there was no file.
    before: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct IntendedRow {
    hash: String,
    when: i64,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    pub steps: Vec<Step>,
    pub artefacts: Vec<Artefact>,
}

/// Writes the files and the ledger rows of a plan.
///
/// # Errors
/// A refusal `plan-stale` if live or the plan changed since it was agreed to, `lock-held` if another
/// run is at work, `run-interrupted` if an earlier run has to be resumed first. Once something was
/// changed, [`Error::done`] says what.
pub fn carry_out(
    site: &mut Site,
    adoption: &Adoption,
    consent: &Consent,
    _protection: &VerifiedBackup,
    progress: &mut dyn Progress,
) -> Result<Written> {
    refuse_interrupted(&site.project.root)?;
    if *consent.plan() != adoption.plan {
        return Err(stale());
    }
    let _lock = Lock::acquire(&site.dsn, std::time::Duration::from_secs(30))?;
    let mut session = open(site)?;
    if introspect::catalog(&mut session, &site.ledger_names())?.fingerprint() != adoption.live {
        return Err(stale());
    }
    let intent = intent(site, adoption)?;
    let value = serde_json::to_value(&intent).expect("an intent has only text keys");
    let mut run = Run::begin(&site.project.root, COMMAND, site.setting.now, value)?;
    progress.boundary("reconcile/prepared");
    publish(site, &mut session, &intent, &mut run, progress)
}

/// Finishes a run that was interrupted, or takes back what it did; `None` when there is none.
///
/// # Errors
/// If somebody else changed the files meanwhile, or the database cannot be written.
pub fn resume(site: &mut Site, progress: &mut dyn Progress) -> Result<Option<Written>> {
    let Some(mut run) = Run::interrupted(&site.project.root, COMMAND)?.pop() else {
        return Ok(None);
    };
    let _lock = Lock::acquire(&site.dsn, std::time::Duration::from_secs(30))?;
    if run.phase == Phase::Prepared {
        run.enter(Phase::Finished)?;
        let step = done("undo the interrupted run: it had changed nothing");
        return Ok(Some(Written { steps: vec![step], artefacts: Vec::new() }));
    }
    let intent: Intent = serde_json::from_value(run.intent.clone()).map_err(|cause| {
        Error::new("run-unreadable", "cannot read what the interrupted run intended")
            .caused_by(cause)
    })?;
    let mut session = open(site)?;
    let is_same =
        introspect::catalog(&mut session, &site.ledger_names())?.fingerprint() == intent.live;
    if is_same || rows_missing(&mut session, &intent)?.is_empty() {
        return publish(site, &mut session, &intent, &mut run, progress).map(Some);
    }
    undo_files(&site.project.history.folder, &intent)?;
    run.enter(Phase::Finished)?;
    let step = done(
        "undo the interrupted run: live has changed since, so its files were taken away again",
    );
    Ok(Some(Written { steps: vec![step], artefacts: Vec::new() }))
}

/// Refuses to write while an earlier run has to be resumed.
///
/// # Errors
/// A refusal `run-interrupted`.
pub fn refuse_interrupted(root: &Path) -> Result<()> {
    match Run::interrupted(root, COMMAND)?.pop() {
        None => Ok(()),
        Some(run) => Err(Error::refusal(
            "run-interrupted",
            format!(
                "a `{COMMAND}` of {} was interrupted; files and ledger may not belong together",
                run.started
            ),
        )
        .next("raingauge reconcile --resume")),
    }
}

fn publish(
    site: &Site,
    session: &mut Session,
    intent: &Intent,
    run: &mut Run,
    progress: &mut dyn Progress,
) -> Result<Written> {
    let folder = site.project.history.folder.clone();
    refuse_conflicts(&folder, intent)?;
    insert_rows(site, session, intent)?;
    progress.boundary("reconcile/rows-inserted");
    run.enter(Phase::Changing)?;
    progress.boundary("reconcile/changing");
    let written = write_files(&folder, intent, progress).and_then(|written| {
        session.run("COMMIT").map_err(not_written)?;
        Ok(written)
    });
    let written = match written {
        Ok(written) => written,
        Err(error) => return Err(take_back(&folder, session, intent, run, error)),
    };
    progress.boundary("reconcile/committed");
    run.enter(Phase::Finished)?;
    progress.boundary("reconcile/finished");
    Ok(written)
}

/// After a failure: files and rows as they were, or the truth about what could not be taken back.
fn take_back(
    folder: &Path,
    session: &mut Session,
    intent: &Intent,
    run: &mut Run,
    error: Error,
) -> Error {
    // If the commit was what failed, the server may have carried it out: then only resuming helps.
    let rolled_back = session.run("ROLLBACK").is_ok();
    let undone = rolled_back
        && rows_missing(session, intent).is_ok_and(|it| it.len() == intent.rows.len())
        && undo_files(folder, intent).is_ok();
    if undone && run.enter(Phase::Finished).is_ok() {
        return error;
    }
    error
        .after("files were written or ledger rows recorded; the run's record has all of it")
        .next("raingauge reconcile --resume")
}

fn write_files(folder: &Path, intent: &Intent, progress: &mut dyn Progress) -> Result<Written> {
    let mut written = Written::default();
    for (at, file) in intent.files.iter().enumerate() {
        let path = folder.join(&file.path);
        write_whole(&path, file.content.as_bytes()).map_err(|cause| unwritable(&path, cause))?;
        progress.boundary(&format!("reconcile/file-{at}"));
        written.artefacts.push(Artefact {
            bytes: file.content.len() as u64,
            sha256: Fingerprint::of_bytes(file.content.as_bytes()).as_str().to_owned(),
            path,
        });
    }
    if !intent.files.is_empty() {
        written.steps.push(done(format!("write {} files of the history", intent.files.len())));
    }
    written.steps.push(done(format!(
        "record {} migrations in the ledger `{}`",
        intent.rows.len(),
        intent.ledger
    )));
    Ok(written)
}

/// Opens the transaction that records the rows; the caller commits it.
fn insert_rows(site: &Site, session: &mut Session, intent: &Intent) -> Result<()> {
    let begin = match session {
        Session::Postgres(_) => "BEGIN",
        Session::Sqlite(_) => "BEGIN IMMEDIATE",
    };
    session.run(begin).map_err(not_written)?;
    let missing = rows_missing(session, intent)?;
    let result = (|| {
        for statement in creation(site.dialect(), &intent.ledger.schema, &intent.ledger.table) {
            session.run(&statement)?;
        }
        for row in missing {
            session.run(&ledger::record(site.dialect(), &intent.ledger, &row.hash, row.when))?;
        }
        Ok(())
    })();
    result.map_err(|cause: SqlError| {
        let _ = session.run("ROLLBACK");
        not_written(cause)
    })
}

/// The intended rows that the ledger does not have.
fn rows_missing(session: &mut Session, intent: &Intent) -> Result<Vec<IntendedRow>> {
    let unreadable =
        |cause| Error::new("ledger-unreadable", "cannot read the ledger").caused_by(cause);
    let exists =
        ledger::find(session, &intent.ledger).map_err(unreadable)?.contains(&intent.ledger);
    if !exists {
        return Ok(intent.rows.clone());
    }
    let rows = ledger::read(session, &intent.ledger).map_err(unreadable)?.rows;
    let has = |row: &&IntendedRow| {
        !rows.iter().any(|it| it.hash == row.hash && it.created_at == CreatedAt::Millis(row.when))
    };
    Ok(intent.rows.iter().filter(has).cloned().collect())
}

fn undo_files(folder: &Path, intent: &Intent) -> Result<()> {
    for file in intent.files.iter().rev() {
        let path = folder.join(&file.path);
        // Only what this run wrote is taken away.
        if fs::read(&path).is_ok_and(|it| it == file.content.as_bytes()) {
            let result = match &file.before {
                Some(before) => write_whole(&path, before.as_bytes()),
                None => fs::remove_file(&path),
            };
            result.map_err(|cause| unwritable(&path, cause))?;
        }
    }
    Ok(())
}

/// A file that is neither what stood there nor what is to be written belongs to somebody else.
fn refuse_conflicts(folder: &Path, intent: &Intent) -> Result<()> {
    for file in &intent.files {
        let path = folder.join(&file.path);
        let found = fs::read_to_string(&path).ok();
        if found.is_some() && found != file.before && found.as_ref() != Some(&file.content) {
            return Err(Error::refusal(
                "file-in-the-way",
                format!("`{}` was changed by somebody else", path.display()),
            )
            .next("move it aside, then run the command again; nothing of it was overwritten"));
        }
    }
    Ok(())
}

fn intent(site: &Site, adoption: &Adoption) -> Result<Intent> {
    let history = &site.project.history;
    let mut journal = history.journal.clone().unwrap_or_else(|| Journal::new(site.dialect()));
    let mut intent = Intent {
        plan: adoption.plan.clone(),
        live: adoption.live.clone(),
        ledger: site.project.ledger.clone(),
        files: Vec::new(),
        rows: Vec::new(),
    };
    for at in &adoption.recorded {
        let migration = &history.migrations[*at];
        let hash = migration.hash.as_str().to_owned();
        intent.rows.push(IntendedRow { hash, when: migration.entry.when });
    }
    let whens = whens(site.setting.now.as_millisecond(), adoption.migrations.len());
    for (migration, when) in adoption.migrations.iter().zip(whens) {
        let tag = prefix(site)?.tag(journal.next_idx(), &moment(when)?, migration.name);
        journal.append(site.dialect(), &tag, when);
        intent.add_file(&history.folder, sql_path(&tag), migration.sql.clone());
        intent.add_file(&history.folder, snapshot_path(&tag), migration.snapshot.clone());
        if migration.in_effect {
            let hash = crate::adoption::file_hash(migration).as_str().to_owned();
            intent.rows.push(IntendedRow { hash, when });
        }
    }
    if !adoption.migrations.is_empty() {
        // The journal comes last: before it is there, Drizzle sees none of the other files.
        intent.add_file(&history.folder, JOURNAL_PATH.to_owned(), journal.write());
    }
    Ok(intent)
}

impl Intent {
    fn add_file(&mut self, folder: &Path, path: String, content: String) {
        let before = fs::read_to_string(folder.join(&path)).ok();
        self.files.push(IntendedFile { path, content, before });
    }
}

/// Times for `n` migrations: a second apart, the newest not later than now.
fn whens(now: i64, n: usize) -> Vec<i64> {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    (0..n).map(|at| now - (n - 1 - at) * STEP_MILLIS).collect()
}

fn prefix(site: &Site) -> Result<Prefix> {
    match site.project.config.migrations_prefix.as_deref() {
        None | Some("index") => Ok(Prefix::Index),
        Some("timestamp") => Ok(Prefix::Timestamp),
        Some("supabase") => Ok(Prefix::Supabase),
        Some("unix") => Ok(Prefix::Unix),
        Some(other) => Err(Error::new(
            "prefix-unsupported",
            format!("`migrations.prefix` is `{other}`: drizzle-kit itself cannot find the snapshots of such a history again"),
        )
        .next("use `index` or `timestamp`")),
    }
}

fn moment(when: i64) -> Result<Moment> {
    let time = jiff::Timestamp::from_millisecond(when).map_err(|cause| {
        Error::new("clock-invalid", "the clock is out of range").caused_by(cause)
    })?;
    Ok(Moment { stamp: time.strftime("%Y%m%d%H%M%S").to_string(), unix: time.as_second() })
}

fn open(site: &Site) -> Result<Session> {
    Session::open(&site.dsn, Access::ReadWrite)
}

fn done(name: impl Into<String>) -> Step {
    Step::new(name, StepState::Done)
}

fn stale() -> Error {
    Error::refusal(
        "plan-stale",
        "the database or the project changed since the plan was shown; nothing was changed",
    )
    .next("raingauge reconcile: shows the plan as it is now")
}

fn not_written(cause: SqlError) -> Error {
    Error::new(
        "ledger-unwritable",
        "cannot record the migrations in the ledger; nothing was changed",
    )
    .caused_by(cause)
    .next("connect as a role that may create the ledger's schema and table")
}

fn unwritable(path: &Path, cause: std::io::Error) -> Error {
    Error::new("file-unwritable", format!("cannot write `{}`", path.display()))
        .caused_by(cause)
        .next("make the migrations folder writable for this user, then run the command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_second_apart_and_not_in_the_future() {
        assert_eq!(whens(10_000, 3), [8000, 9000, 10_000]);
    }
}
