//! Carries an adoption (or, for `upgrade`, its own plan) out: files and ledger rows change together, or not at all.
//!
//! The order makes every crash recoverable: (1) the run's record with all content is on disk; (2) the
//! ledger rows are inserted but not committed; (3) the files are renamed into place; (4) the rows are
//! committed; (5) the record says finished. After a crash before (3) nothing has changed; after it the
//! record has everything that is needed to finish, or to take the files away again.

use std::path::Path;
use std::time::Duration;

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::ledger::{CreatedAt, LedgerRow};

use super::intent::{IntendedRow, Intent};
use super::ledger::Target;
use super::removal::{Retitling, Titled};
use super::repair;
use crate::adoption::Adoption;
use crate::backup::VerifiedBackup;
use crate::connect::{Access, Session, SqlError};
use crate::consent::Consent;
use crate::ledger;
use crate::lock::Lock;
use crate::progress::Progress;
use crate::report::{Artefact, Step, StepState};
use crate::run::{Phase, Run};
use crate::site::Site;
use crate::{Error, Result, introspect, swap};

/// The commands whose runs are recorded in this way.
const COMMANDS: [&str; 3] = ["reconcile", "upgrade", UNDO];

/// What the runs of `upgrade --undo` are called.
pub(super) const UNDO: &str = "upgrade-undo";

/// How long to wait for another runner.
const WAIT: Duration = Duration::from_secs(30);

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
    if *consent.plan() != adoption.plan {
        return Err(stale(COMMANDS[0]));
    }
    let _lock = Lock::acquire(&site.dsn, WAIT)?;
    let _files = Lock::of_files(&site.project.root, WAIT)?;
    refuse_unfinished(&site.project.root)?;
    let mut session = open(site)?;
    if introspect::catalog(&mut session, &site.ledger_names())?.fingerprint() != adoption.live
        || ledger_now(&mut session, site)? != adoption.ledger
        || site.project.history.has_changed(site.dialect())?
    {
        return Err(stale(COMMANDS[0]));
    }
    let intent = Intent::of(site, adoption)?;
    begin(site, &mut session, &intent, progress)
}

/// Records what is intended, and does it.
pub(super) fn begin(
    site: &Site,
    session: &mut Session,
    intent: &Intent,
    progress: &mut dyn Progress,
) -> Result<Written> {
    let value = serde_json::to_value(intent).expect("an intent has only text keys");
    let mut run = Run::begin(&site.project.root, &intent.command, site.setting.now, value)?;
    progress.boundary(&format!("{}/prepared", intent.command));
    publish(site, session, intent, &mut run, progress)
}

/// The runs that began to change something and never ended, oldest first.
fn interrupted(root: &Path) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for command in COMMANDS {
        runs.extend(Run::interrupted(root, command)?);
    }
    runs.sort_by_key(|it| it.started);
    Ok(runs)
}

/// The ledger is no part of the catalog: a runner on another machine may have recorded the same.
pub(super) fn ledger_now(session: &mut Session, site: &Site) -> Result<Fingerprint> {
    let found = ledger::read_if_there(session, &site.project.ledger);
    found
        .map(|it| ledger::fingerprint(it.as_ref()))
        .map_err(|cause| Error::new("ledger-unreadable", "cannot read the ledger").caused_by(cause))
}

/// Finishes a run that was interrupted, or takes back what it did; `None` when there is none.
///
/// # Errors
/// If somebody else changed the files meanwhile, or the database cannot be written.
pub fn resume(site: &mut Site, progress: &mut dyn Progress) -> Result<Option<Written>> {
    if interrupted(&site.project.root)?.is_empty() {
        return Ok(None);
    }
    let _lock = Lock::acquire(&site.dsn, WAIT)?;
    // What looked interrupted may have been at work until it gave the lock back.
    let Some(mut run) = interrupted(&site.project.root)?.pop() else {
        return Ok(None);
    };
    let intent: Intent = serde_json::from_value(run.intent.clone()).map_err(|cause| {
        Error::new("run-unreadable", "cannot read what the interrupted run intended")
            .caused_by(cause)
    })?;
    intent.refuse_other_target(site)?;
    let folder = site.project.history.folder.clone();
    intent.refuse_conflicts(&folder)?;
    let mut session = open(site)?;
    let is_same = introspect::catalog(&mut session, &site.ledger_names())?.fingerprint()
        == intent.live
        && titled(&mut session, &intent)? != Some(Titled::Otherwise);
    if is_same || is_recorded(&mut session, &intent)? {
        return publish(site, &mut session, &intent, &mut run, progress).map(Some);
    }
    intent.undo_files(&folder, progress)?;
    ledger::discard_unfinished(&mut session, &intent.ledger).map_err(not_committed)?;
    progress.boundary(&format!("{}/undone", intent.command));
    run.enter(Phase::Finished)?;
    let step = done(
        "undo the interrupted run: live has changed since, so its files were taken away again",
    );
    Ok(Some(Written { steps: vec![step], artefacts: Vec::new() }))
}

/// Refuses to write while an earlier run has to be resumed. One that is still at work is waited for,
/// and the site is read again.
///
/// # Errors
/// A refusal `run-interrupted`, or `lock-held` if the other run outlasts the wait.
pub fn refuse_interrupted(site: &mut Site) -> Result<()> {
    if interrupted(&site.project.root)?.is_empty() {
        return refuse_unfinished(&site.project.root);
    }
    {
        let _lock = Lock::acquire(&site.dsn, WAIT)?;
        refuse_unfinished(&site.project.root)?;
    }
    site.refresh()
}

/// Refuses if a record says that a run has begun to change something and not that it ended.
///
/// # Errors
/// A refusal `run-interrupted`.
pub(crate) fn refuse_unfinished(root: &Path) -> Result<()> {
    swap::refuse_unfinished(root)?;
    if let Some(run) = Run::interrupted(root, repair::COMMAND)?.pop() {
        let message = format!(
            "a `validate --fix` of {} was interrupted; files of the history may not belong together",
            run.started
        );
        let next = "raingauge validate --fix --resume";
        return Err(Error::refusal("run-interrupted", message).next(next));
    }
    match interrupted(root)?.pop() {
        None => Ok(()),
        Some(run) => Err(Error::refusal(
            "run-interrupted",
            format!(
                "a `{}` of {} was interrupted; files and ledger may not belong together",
                run.command, run.started
            ),
        )
        .next(resume_with(&run.command))),
    }
}

fn resume_with(command: &str) -> String {
    let command = if command == UNDO { COMMANDS[1] } else { command };
    format!("raingauge {command} --resume")
}

fn publish(
    site: &Site,
    session: &mut Session,
    intent: &Intent,
    run: &mut Run,
    progress: &mut dyn Progress,
) -> Result<Written> {
    let folder = site.project.history.folder.clone();
    intent.refuse_conflicts(&folder)?;
    let boundary = |name: &str| format!("{}/{name}", intent.command);
    insert_rows(site, session, intent)?;
    progress.boundary(&boundary("rows-inserted"));
    run.enter(Phase::Changing)?;
    progress.boundary(&boundary("changing"));
    let written = intent.write_files(&folder, progress).and_then(|artefacts| {
        commit(session, intent).map_err(not_committed)?;
        Ok(artefacts)
    });
    let artefacts = match written {
        Ok(artefacts) => artefacts,
        Err(mut error) => {
            if is_taken_back(&folder, session, intent, progress)
                && run.enter(Phase::Finished).is_ok()
            {
                error.message.push_str("; files and ledger are as they were");
                return Err(error);
            }
            return Err(error
                .after("files were written or ledger rows recorded; the run's record has all of it")
                .next(resume_with(&intent.command)));
        }
    };
    progress.boundary(&boundary("committed"));
    run.enter(Phase::Finished)
        .map_err(|it| it.after("the files were written and the ledger rows recorded"))?;
    progress.boundary(&boundary("finished"));
    Ok(Written { steps: steps(intent), artefacts })
}

fn steps(intent: &Intent) -> Vec<Step> {
    let certificate = intent.certificate().map(|it| done(format!("write the certificate `{it}`")));
    let n_files = intent.files.len() - certificate.iter().count();
    let n_rows = intent.rows.len();
    let files = (0 < n_files).then(|| done(format!("write {n_files} files of the history")));
    let (whose, names) = match intent.command == UNDO {
        true => ("folders", "take the names of their folders from the rows of the ledger"),
        false => ("journal", "give the names of their folders to the rows of the ledger"),
    };
    let removed = (!intent.removals.is_empty())
        .then(|| done(format!("take {} files of the {whose} away", intent.removals.len())));
    let retitled = intent.retitling.iter().map(|_| done(format!("{names} `{}`", intent.ledger)));
    let mended = intent.mends.iter().map(|it| done(format!("ledger {}", it.words())));
    let writes_rows = intent.mends.is_empty() && intent.command == COMMANDS[0];
    let rows = (0 < n_rows || writes_rows)
        .then(|| done(format!("record {n_rows} migrations in the ledger `{}`", intent.ledger)));
    let files = files.into_iter().chain(removed);
    files.chain(retitled).chain(mended).chain(rows).chain(certificate).collect()
}

/// After a failure: whether files and rows are as they were.
fn is_taken_back(
    folder: &Path,
    session: &mut Session,
    intent: &Intent,
    progress: &mut dyn Progress,
) -> bool {
    // If the commit was what failed, the server may have carried it out: then only resuming helps.
    cancel(session, intent).is_ok()
        && rows_missing(session, intent).is_ok_and(|it| it.len() == intent.rows.len())
        && titled(session, intent).is_ok_and(|it| it != Some(Titled::Done))
        && intent.undo_files(folder, progress).is_ok()
}

fn commit(session: &mut Session, intent: &Intent) -> std::result::Result<(), SqlError> {
    match &intent.retitling {
        Some(retitling) => retitling.commit(session, &intent.ledger),
        None => session.run("COMMIT"),
    }
}

fn cancel(session: &mut Session, intent: &Intent) -> std::result::Result<(), SqlError> {
    match &intent.retitling {
        Some(_) => Retitling::cancel(session, &intent.ledger),
        None => session.run("ROLLBACK"),
    }
}

/// Opens the transaction that records the rows; the caller commits it.
fn insert_rows(site: &Site, session: &mut Session, intent: &Intent) -> Result<()> {
    let target = Target { ledger: &intent.ledger, history: &site.project.history };
    if let (Session::MySql(_), true) = (&*session, intent.command == COMMANDS[0]) {
        // Whatever makes a table commits there. A ledger without rows says nothing.
        target.prepare(session).map_err(not_written)?;
    }
    let begin = match session {
        Session::Postgres(_) | Session::MySql(_) => "BEGIN",
        Session::Sqlite(_) => "BEGIN IMMEDIATE",
    };
    session.run(begin).map_err(not_written)?;
    if let Some(retitling) = &intent.retitling {
        let result = retitling.apply(session, &intent.ledger);
        if matches!(result, Ok(true)) {
            return Ok(());
        }
        let _ = cancel(session, intent);
        return Err(match result {
            Ok(_) => stale(&intent.command),
            Err(cause) if matches!(session, Session::MySql(_)) => not_written(cause)
                .next("on MySQL and MariaDB: one that has ALTER and LOCK TABLES on the database"),
            Err(cause) => not_written(cause),
        });
    }
    if intent.command != COMMANDS[0] {
        // Where there is no ledger, an upgrade makes none.
        return Ok(());
    }
    let missing = rows_missing(session, intent)?;
    let rows: Vec<_> = missing.iter().map(IntendedRow::as_new).collect();
    let mut mends = intent.mends.iter().map(|it| it.statement(site.dialect(), &intent.ledger));
    let mended = mends.try_for_each(|it| session.run(&it));
    mended.and_then(|()| target.insert(session, &rows)).map_err(|cause| {
        let _ = session.run("ROLLBACK");
        not_written(cause)
    })
}

/// How far the names of the rows are, where the run gives them any.
fn titled(session: &mut Session, intent: &Intent) -> Result<Option<Titled>> {
    let state = intent.retitling.as_ref().map(|it| it.state(session, &intent.ledger));
    state
        .transpose()
        .map_err(|cause| Error::new("ledger-unreadable", "cannot read the ledger").caused_by(cause))
}

/// Whether the ledger has everything that the run was to write to it.
fn is_recorded(session: &mut Session, intent: &Intent) -> Result<bool> {
    let is_titled = titled(session, intent)?.is_none_or(|it| it == Titled::Done);
    Ok(is_titled && rows_missing(session, intent)?.is_empty())
}

/// The intended rows that the ledger does not have.
fn rows_missing(session: &mut Session, intent: &Intent) -> Result<Vec<IntendedRow>> {
    let unreadable =
        |cause| Error::new("ledger-unreadable", "cannot read the ledger").caused_by(cause);
    let ledger = ledger::read_if_there(session, &intent.ledger).map_err(unreadable)?;
    let rows = ledger.map(|it| it.rows).unwrap_or_default();
    let has = |row: &&IntendedRow| {
        let same = |it: &LedgerRow| {
            let is_timed = it.created_at == CreatedAt::Millis(row.when);
            // A row that 1.0 took over from 0.x has the name, and the time of the journal.
            it.hash == row.hash && (row.name.as_ref().map_or(is_timed, |_| it.name == row.name))
        };
        !rows.iter().any(same)
    };
    Ok(intent.rows.iter().filter(has).cloned().collect())
}

pub(super) fn open(site: &Site) -> Result<Session> {
    Session::open(&site.dsn, Access::ReadWrite)
}

fn done(name: impl Into<String>) -> Step {
    Step::new(name, StepState::Done)
}

pub(super) fn stale(command: &str) -> Error {
    Error::refusal(
        "plan-stale",
        "the database or the project changed since the plan was shown; nothing was changed",
    )
    .next(format!("raingauge {command}: shows the plan as it is now"))
}

fn not_committed(cause: SqlError) -> Error {
    Error::new("ledger-unwritable", "cannot commit the ledger rows").caused_by(cause)
}

fn not_written(cause: SqlError) -> Error {
    Error::new(
        "ledger-unwritable",
        "cannot record the migrations in the ledger; nothing was changed",
    )
    .caused_by(cause)
    .next("connect as a role that may create the ledger's schema and table")
}
