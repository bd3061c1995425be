//! One migration at a time: in a transaction with its ledger row, or in the steps that it asks for.
//!
//! What is committed says so itself: the ledger's row, or the note in the ledger's comment
//! ([`crate::midway`]), is written by the transaction that it speaks of. So whoever comes after a crash
//! knows, and nothing is done twice.

use raingauge_schema::Pair;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::steps::{Placed, Step as Part, Steps, steps};

use super::failure;
use super::ledger::Target;
use super::migrate::{MigratePlan, already_recorded, stale};
use super::pace::Pace;
use super::tripwire::{Named, Tripwire};
use super::watch::Watch;
use crate::connect::{Access, Session, SqlError};
use crate::history::Migration;
use crate::ledger::{self, NewRow};
use crate::midway::{Comment, Note};
use crate::progress::Progress;
use crate::report::{Step, StepState};
use crate::site::Site;
use crate::{Error, Result};

/// Where migrations are applied, and how.
pub(super) struct Workplace<'a> {
    pub(super) site: &'a Site,
    pub(super) plan: &'a MigratePlan,
    pub(super) pace: Pace,
    pub(super) session: Session,
    pub(super) watch: Option<Watch>,
}

/// One migration of a plan, whose turn it is.
pub(super) struct Turn<'a> {
    pub(super) at: usize,
    pub(super) migration: &'a Migration,
    /// What is left as it was if a statement fails.
    pub(super) otherwise: String,
}

/// What the last statement of a transaction records.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// The whole migration.
    Row,
    /// The whole migration, which was noted step by step before.
    RowAndNoNote(Note),
    /// So much of it.
    Note(Note),
}

impl Turn<'_> {
    pub(super) fn tag(&self) -> &str {
        &self.migration.entry.tag
    }

    /// What the migration names as tables to lose rows or values. `None` if it only makes new objects,
    /// and nothing looks on that could do more.
    fn named(&self, work: &Workplace<'_>) -> Option<Named> {
        let own = work.plan.hazards.iter().filter(|it| it.0 == *self.tag()).map(|it| &it.1);
        let own: Vec<_> = own.collect();
        let ledger = work.site.project.ledger.table.clone();
        let sets_off =
            work.plan.has_event_triggers || work.site.dialect().writes_rows(&self.migration.sql);
        let is_watched = !own.is_empty() || sets_off;
        is_watched.then(|| Named::new(own, &work.plan.allowed, ledger))
    }

    pub(super) fn failed(&self, statement: &Placed, cause: SqlError) -> Error {
        failure::failed(self.migration, statement, &self.otherwise, cause)
    }
}

/// Applies one migration; gives what is to be told of it.
///
/// # Errors
/// If a statement fails; [`Error::done`] names the steps that were committed before.
pub(super) fn apply(
    work: &mut Workplace<'_>,
    at: usize,
    progress: &mut dyn Progress,
) -> Result<Vec<Step>> {
    let migration = &work.site.project.history.migrations[at];
    let otherwise = "the migration was rolled back".to_owned();
    let turn = Turn { at, migration, otherwise };
    let (n_statements, notes) = match steps(work.site.dialect(), &migration.sql) {
        Steps::Several(parts) if let Session::Sqlite(_) = work.session => {
            sqlite_parts(work, &turn, &parts, progress)?
        }
        Steps::Several(parts) => super::steps::apply(work, turn, &parts, progress)?,
        Steps::Whole | Steps::Impossible(_) => {
            let whole = |it: raingauge_schema::drizzle::migration::Chunk<'_>| Placed {
                sql: it.sql.to_owned(),
                line: it.line,
            };
            let pieces: Vec<_> = split(&migration.sql).into_iter().map(whole).collect();
            let boundary = format!("migrate/{}/applied", turn.tag());
            let notes = together(work, &turn, &pieces, &(Ending::Row, boundary), progress)?;
            (pieces.len(), notes)
        }
    };
    let name = format!("apply {}", migration.entry.tag);
    let applied = Step { n_statements, ..Step::new(name, StepState::Done) };
    let told = notes.into_iter().map(|it| Step::new(it, StepState::Done));
    Ok([applied].into_iter().chain(told).collect())
}

/// SQLite does everything in one transaction; what cannot be in one (`VACUUM`) changes nothing that
/// anybody sees, and comes after it.
fn sqlite_parts(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    parts: &[Part],
    progress: &mut dyn Progress,
) -> Result<(usize, Vec<String>)> {
    let (inside, after): (Vec<_>, Vec<_>) =
        parts.iter().partition(|it| matches!(it, Part::Together(_)));
    let inside: Vec<_> = inside.iter().flat_map(|it| it.statements()).cloned().collect();
    let boundary = format!("migrate/{}/applied", turn.tag());
    let mut notes = together(work, turn, &inside, &(Ending::Row, boundary), progress)?;
    for statement in after.iter().flat_map(|it| it.statements()) {
        if let Err(cause) = work.session.run(&statement.sql) {
            notes.push(format!("`{}` was left out: {cause}", statement.sql));
        }
    }
    Ok((inside.len() + after.len(), notes))
}

/// Runs statements in one transaction, which also records that they ran. While a lock is in the way it
/// is taken back and tried again.
///
/// # Errors
/// If a statement fails or rows are lost; nothing of the transaction stays.
pub(super) fn together(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    statements: &[Placed],
    ending: &(Ending, String),
    progress: &mut dyn Progress,
) -> Result<Vec<String>> {
    let mut attempts = work.pace.attempts();
    loop {
        let error = match attempt(work, turn, statements, ending, progress) {
            Ok(notes) => return Ok(notes),
            Err(error) => error,
        };
        let blockers = work.watch.as_ref().map(Watch::take_blockers).unwrap_or_default();
        let Some(pause) = attempts.after(&error) else { return Err(blocked(error, &blockers)) };
        progress.begin(&waiting(turn.tag(), &blockers));
        std::thread::sleep(pause);
    }
}

/// What is told while others are in the way.
pub(super) fn waiting(tag: &str, blockers: &[String]) -> String {
    match blockers.first() {
        Some(blocker) => format!("{tag} waits for {blocker}"),
        None => format!("{tag} waits for other sessions"),
    }
}

/// The error with who was in the way.
pub(super) fn blocked(error: Error, blockers: &[String]) -> Error {
    blockers.iter().fold(error, |it, blocker| it.next(format!("wait for, or end: {blocker}")))
}

fn attempt(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    statements: &[Placed],
    (ending, boundary): &(Ending, String),
    progress: &mut dyn Progress,
) -> Result<Vec<String>> {
    let at_start = |cause| turn.failed(&Placed { sql: String::new(), line: 1 }, cause);
    let named = turn.named(work);
    let mut tripwire = Tripwire::prepare(&mut work.session, named).map_err(at_start)?;
    work.session.run(&tripwire.begin(&work.pace)).map_err(|cause| {
        // A part of the text may have begun a transaction.
        let _ = work.session.run("ROLLBACK");
        at_start(cause)
    })?;
    let result = inside(work, turn, statements, ending, &mut tripwire);
    progress.boundary(boundary);
    let notes = result.inspect_err(|_| drop(work.session.run("ROLLBACK")))?;
    match work.session.run("COMMIT") {
        Ok(()) => Ok(notes),
        Err(cause) if work.session.run("ROLLBACK").is_ok() => Err(at_start(cause)),
        Err(cause) => after_lost_commit(work, turn, ending, cause).map(|()| notes),
    }
}

fn inside(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    statements: &[Placed],
    ending: &Ending,
    tripwire: &mut Tripwire,
) -> Result<Vec<String>> {
    let at_start = |cause| turn.failed(&Placed { sql: String::new(), line: 1 }, cause);
    let session = &mut work.session;
    tripwire.lock(session).map_err(at_start)?;
    // The whole ledger is read only where a row looks like this migration's.
    if looks_recorded(work.site, session, turn.migration).map_err(at_start)?
        && already_recorded(work.site, session)?.contains(&turn.at)
    {
        return Err(stale());
    }
    let rehearsed = work.plan.rehearsals.get(&turn.at);
    let rehearsed = rehearsed.map(|it| Pair { from: &it.from, to: &it.to });
    tripwire.arm(session, turn.migration, rehearsed)?;
    for statement in statements {
        send(session, statement).map_err(|(part, cause)| turn.failed(&part, cause))?;
    }
    let notes = tripwire.check(session)?;
    record(work.site, session, turn.migration, ending).map_err(|cause| {
        let name = &work.site.project.ledger;
        let message = format!("cannot record the migration in `{name}`; {}", turn.otherwise);
        Error::new("ledger-unwritable", message).caused_by(cause)
    })?;
    Ok(notes)
}

/// Whether somebody who takes no lock may have recorded the migration since the plan was made. Two
/// migrations may have the same statements, or the same second.
fn looks_recorded(
    site: &Site,
    session: &mut Session,
    migration: &Migration,
) -> Result<bool, SqlError> {
    let name = &site.project.ledger;
    if !ledger::find(session, name)?.contains(name) {
        return Ok(false);
    }
    let (hash, when) = (migration.hash.as_str(), migration.entry.when);
    let row = format!(
        "SELECT 1 FROM {} WHERE hash = '{hash}' AND created_at = {when} LIMIT 1",
        name.quoted()
    );
    Ok(!session.rows(&row)?.is_empty())
}

/// Sends a piece as it is. An error comes with the part of it that failed.
fn send(session: &mut Session, piece: &Placed) -> Result<(), (Placed, SqlError)> {
    let statements = match session {
        Session::Postgres(_) => Vec::new(),
        Session::Sqlite(_) => {
            raingauge_schema::sqlite::split::split(&piece.sql).unwrap_or_default()
        }
    };
    if statements.is_empty() {
        return session.run(&piece.sql).map_err(|it| (piece.clone(), it));
    }
    statements.into_iter().try_for_each(|it| {
        let part = Placed { line: piece.line + it.line - 1, sql: it.sql };
        session.run(&part.sql).map_err(|cause| (part, cause))
    })
}

/// The connection broke while the commit was on its way: only the database knows. If it was carried out,
/// a new connection takes the place of the broken one.
fn after_lost_commit(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    ending: &Ending,
    cause: SqlError,
) -> Result<()> {
    let tag = turn.tag();
    let unknown = |cause: Error| {
        Error::new(
            "outcome-unknown",
            format!("the connection broke while `{tag}` was committed; it may be applied or not"),
        )
        .caused_by(cause)
        .next("raingauge migrate: looks, and goes on from there")
        .after(format!("perhaps {tag}"))
    };
    let mut session = Session::open_plain(&work.site.dsn, Access::Create).map_err(unknown)?;
    let is_committed = match ending {
        Ending::Row | Ending::RowAndNoNote(_) => {
            already_recorded(work.site, &mut session).map_err(unknown)?.contains(&turn.at)
        }
        Ending::Note(note) => {
            let unreadable = |it| {
                unknown(
                    Error::new("ledger-unreadable", "cannot read the comment of the ledger")
                        .caused_by(it),
                )
            };
            let comment = Comment::read(&mut session, &work.site.project.ledger);
            comment.map_err(unreadable)?.note.as_ref() == Some(note)
        }
    };
    if !is_committed {
        return Err(turn.failed(&Placed { sql: String::new(), line: 1 }, cause));
    }
    work.session = session;
    Ok(())
}

fn record(
    site: &Site,
    session: &mut Session,
    migration: &Migration,
    ending: &Ending,
) -> Result<(), SqlError> {
    let name = &site.project.ledger;
    make_ledger(site, session)?;
    let named = match site.project.history.generation {
        Generation::V0 => None,
        Generation::V1 => Some(migration.entry.tag.as_str()),
    };
    let row = NewRow { hash: migration.hash.as_str(), when: migration.entry.when, name: named };
    let row = ledger::record(site.dialect(), name, row);
    match ending {
        Ending::Row => session.run(&row),
        Ending::RowAndNoNote(note) => session.run(&format!("{row};\n{}", note.removing(name))),
        Ending::Note(note) => session.run(&note.writing(name)),
    }
}

/// Makes the ledger if there is none, and takes one of 0.x over where 1.0 is installed.
pub(super) fn make_ledger(site: &Site, session: &mut Session) -> Result<(), SqlError> {
    let project = &site.project;
    Target { ledger: &project.ledger, history: &project.history }.prepare(session)
}
