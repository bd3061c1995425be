//! A statement of MySQL that commits by itself, as every change of the structure does.
//!
//! It is noted before it runs and after it ran. A run that dies in between leaves a note that it was begun, and
//! live's catalog tells whether it took effect: the server does such a statement as a whole or not at all.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use raingauge_schema::steps::Placed;
use raingauge_schema::{Dialect, ObjectId, Pair, compare};

use super::alone::Looked;
use super::steps::unnoted;
use super::turn::{Turn, Workplace, blocked, waiting};
use super::undo::Loss;
use super::watch::Watch;
use crate::connect::{Access, Session, SqlError};
use crate::initsql::opening;
use crate::midway::Note;
use crate::progress::Progress;
use crate::{Error, Result, findings, introspect};

/// The state of an error that is the connection's, not the server's.
const BROKEN: &str = "08006";

/// Another session's lock was waited for in vain.
const LOCKED: &str = "1205";

/// Runs a statement. `note` is that it was not run yet, `after` that it was; `held` is what goes with it and
/// was counted.
///
/// # Errors
/// If it fails, or loses rows that no statement names.
pub(super) fn run(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    statement: &Placed,
    (note, after): (&Note, &Note),
    (held, progress): (&[&Loss], &mut dyn Progress),
) -> Result<Vec<String>> {
    let number = note.done + 1;
    let looked = Looked::at(work, turn, statement)?;
    let begun = Note { begun_by: Some(connection(work)), ..note.clone() };
    write(work, &begun).map_err(|it| unnoted(work, turn, it))?;
    progress.boundary(&format!("{}/{}/step-{number}-noted", turn.stage, turn.tag()));
    progress.begin(&format!("{}, step {number}: {}", turn.tag(), opening(&statement.sql)));
    let mut attempts = work.pace.attempts();
    while let Err(stop) = send_held(work, &statement.sql, held) {
        let error = match stop {
            Stop::Failed(cause) if cause.state == BROKEN => {
                return Err(unknown(turn, statement, cause));
            }
            Stop::Failed(cause) => turn.failed(statement, cause),
            Stop::HoldsMore(id) => holds_more(turn, &id),
        };
        let blockers = work.watch.as_ref().map(Watch::take_blockers).unwrap_or_default();
        let Some(pause) = attempts.after(&error) else {
            // Without the note that it was begun: the server took it back.
            let is_first = note.done == 0 && note.way_back.is_none();
            let _ = if is_first { remove(work, note) } else { write(work, note) };
            return Err(blocked(error, &blockers));
        };
        progress.begin(&waiting(turn.tag(), &blockers));
        std::thread::sleep(pause);
    }
    progress.boundary(&format!("{}/{}/step-{number}-ran", turn.stage, turn.tag()));
    write(work, after).map_err(|it| unnoted_after(turn, statement, it))?;
    looked.compare(work, turn, &statement.sql)
}

fn connection(work: &mut Workplace<'_>) -> String {
    let rows = work.session.rows("SELECT connection_id()").unwrap_or_default();
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}

fn write(work: &mut Workplace<'_>, note: &Note) -> Result<(), SqlError> {
    let sql = note.writing(Dialect::MySql, &work.site.project.ledger);
    patiently(work, |it| it.run(&sql))
}

fn remove(work: &mut Workplace<'_>, note: &Note) -> Result<(), SqlError> {
    let sql = note.removing(Dialect::MySql, &work.site.project.ledger);
    patiently(work, |it| it.run(&sql))
}

/// Does something to the notes. Nobody else has locks on them, but a backup that begins locks the whole server for
/// a moment: that is waited for as long as the locks in a statement's way.
pub(super) fn patiently(
    work: &mut Workplace<'_>,
    mut what: impl FnMut(&mut Session) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let until = Instant::now() + work.pace.wait;
    loop {
        match what(&mut work.session) {
            Err(cause) if cause.state == LOCKED && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(100));
            }
            result => return result,
        }
    }
}

/// Sends a statement. One that takes longer than it may is ended from a second connection: MySQL itself has
/// a limit for queries alone.
pub(super) fn send(work: &mut Workplace<'_>, sql: &str) -> Result<(), SqlError> {
    let Some(limit) = work.pace.statement_timeout else { return work.session.run(sql) };
    let (id, dsn) = (connection(work), work.site.dsn.clone());
    let session = &mut work.session;
    std::thread::scope(|scope| {
        let (done, is_done) = channel();
        let worker = scope.spawn(move || {
            let result = session.run(sql);
            let _ = done.send(());
            result
        });
        if is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout)
            && let Ok(mut other) = Session::open_plain(&dsn, Access::ReadWrite)
        {
            let _ = other.run(&format!("KILL QUERY {id}"));
        }
        worker.join().expect("a statement does not panic")
    })
}

/// Why a statement did not run.
enum Stop {
    Failed(SqlError),
    /// Rows or values came into the object since someone agreed to lose what it holds.
    HoldsMore(ObjectId),
}

/// Sends a statement while nobody else can write to what goes with it, which is counted again.
fn send_held(work: &mut Workplace<'_>, sql: &str, held: &[&Loss]) -> Result<(), Stop> {
    let mut tables: Vec<_> = held.iter().map(|it| format!("{} WRITE", it.table)).collect();
    tables.dedup();
    if tables.is_empty() {
        return send(work, sql).map_err(Stop::Failed);
    }
    let lock = format!("LOCK TABLES {}", tables.join(", "));
    work.session.run(&lock).map_err(Stop::Failed)?;
    let result =
        as_counted(&mut work.session, held).and_then(|()| send(work, sql).map_err(Stop::Failed));
    // A broken connection has released them.
    let _ = work.session.run("UNLOCK TABLES");
    result
}

fn as_counted(session: &mut Session, held: &[&Loss]) -> Result<(), Stop> {
    for loss in held {
        if !loss.is_as_counted(session).map_err(Stop::Failed)? {
            return Err(Stop::HoldsMore(loss.id.clone()));
        }
    }
    Ok(())
}

fn holds_more(turn: &Turn<'_>, id: &ObjectId) -> Error {
    let message = format!("{id} holds something else than was counted; {}", turn.otherwise);
    Error::refusal("plan-stale", message)
}

fn unknown(turn: &Turn<'_>, statement: &Placed, cause: SqlError) -> Error {
    let place = format!("{}:{}", turn.migration.path.display(), statement.line);
    let message = format!(
        "the connection broke while `{place}` was running; it may take effect or not; {}",
        turn.otherwise
    );
    Error::new("outcome-unknown", message)
        .caused_by(cause)
        .next("raingauge migrate: looks, and goes on from there")
        .after(format!("perhaps {}, line {}", turn.tag(), statement.line))
}

fn unnoted_after(turn: &Turn<'_>, statement: &Placed, cause: SqlError) -> Error {
    let message =
        format!("cannot note that line {} of `{}` is in effect", statement.line, turn.tag());
    Error::new("ledger-unwritable", message)
        .caused_by(cause)
        .next("raingauge migrate: looks, and goes on from there")
        .after(format!("{}, line {}", turn.tag(), statement.line))
}

/// Whether live is what the migration led to in scratch: before its row is written.
///
/// # Errors
/// `outcome-differs` if not.
pub(super) fn prove(work: &Workplace<'_>, turn: &Turn<'_>) -> Result<()> {
    let Some(rehearsed) = work.plan.rehearsals.get(&turn.at) else { return Ok(()) };
    let mut reader = Session::open(&work.site.dsn, Access::ReadOnly)?;
    let live = introspect::catalog(&mut reader, &work.site.ledger_names())?;
    if live.fingerprint() == rehearsed.to.fingerprint() {
        return Ok(());
    }
    let comparison = compare(Pair { from: &live, to: &rehearsed.to });
    let named = findings::folded(comparison.differs.iter().map(|it| &it.id));
    let named: Vec<_> = named.iter().map(ToString::to_string).collect();
    let (tag, is_undo) = (turn.tag(), turn.stage == "undo");
    let message = if is_undo {
        format!(
            "live is not what it was before `{tag}`; its way back is committed, and so is that the ledger has no row of it"
        )
    } else {
        format!(
            "live is not what the rehearsal of `{tag}` led to; all its statements are committed, its row in the ledger is not written"
        )
    };
    let error = Error::new("outcome-differs", message)
        .next("raingauge status: shows the difference")
        .after(format!("statements of {tag}"));
    Err(if named.is_empty() { error } else { error.excerpt(named.join("\n")) })
}
