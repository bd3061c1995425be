//! A migration in several steps, each of which stays once it is done.
//!
//! A step in a transaction takes its note with it. One without is noted before ([`statement`] has those of
//! MySQL); what its failure leaves behind in PostgreSQL, an index that is invalid and in nobody's use, is
//! taken away, now or by the next run.

use std::collections::BTreeMap;

use raingauge_schema::steps::{Placed, Step};
use raingauge_schema::{Dialect, Kind, ObjectId};

use super::statement;
use super::turn::{Batch, Ending, Turn, Workplace, blocked, make_ledger, together, waiting};
use super::watch::{Watch, run_and_tell};
use crate::connect::{Session, SqlError};
use crate::digest::TableName;
use crate::midway::{self, Note, store};
use crate::progress::Progress;
use crate::{Error, Result};

/// Applies the steps that are not done yet; gives how many statements they are, and what is to be told.
///
/// # Errors
/// If a statement fails; [`Error::done`] names the steps that are committed.
pub(super) fn apply(
    work: &mut Workplace<'_>,
    mut turn: Turn<'_>,
    steps: &[Step],
    progress: &mut dyn Progress,
) -> Result<(usize, Vec<String>)> {
    let within = work.plan.within.as_ref().filter(|it| it.at == turn.at);
    let first = within.map_or(0, |it| it.done);
    let leftovers = within.map(|it| it.leftovers.clone()).unwrap_or_default();
    let mut told = Vec::new();
    make_ledger(work.site, &mut work.session).map_err(|cause| unnoted(work, &turn, cause))?;
    statement::patiently(work, store::prepare).map_err(|cause| unnoted(work, &turn, cause))?;
    set_again(work, &turn, steps.get(..first).unwrap_or_default())?;
    for id in &leftovers {
        told.extend(remove_leftover(work, id).map_err(|cause| unnoted(work, &turn, cause))?);
    }
    for (index, step) in steps.iter().enumerate().skip(first) {
        let n = steps.len();
        turn.otherwise = otherwise(index, n);
        progress.begin(&format!("applying {}, step {} of {n}", turn.tag(), index + 1));
        let result = match step {
            Step::Together(statements) => {
                let done = index + 1;
                let note = work.note(&turn, steps, done);
                let ending =
                    if done == n { Ending::RowAndNoNote(note) } else { Ending::Note(note) };
                let boundary = format!("migrate/{}/step-{done}-applied", turn.tag());
                if done == n {
                    prove(work, &turn).map_err(|it| with_steps(it, &turn, index, steps))?;
                }
                together(work, &turn, &Batch { statements, ending, boundary }, progress)
            }
            Step::Alone(statement) if turn.dialect == Dialect::MySql => {
                let notes = (&work.note(&turn, steps, index), &work.note(&turn, steps, index + 1));
                statement::run(work, &turn, statement, notes, (&[], progress))
            }
            Step::Alone(statement) => {
                let note = work.note(&turn, steps, index);
                alone(work, &turn, statement, &note, progress)
            }
        };
        told.extend(result.map_err(|it| with_steps(it, &turn, index, steps))?);
        progress.boundary(&format!("migrate/{}/step-{}-committed", turn.tag(), index + 1));
    }
    if matches!(steps.last(), Some(Step::Alone(_))) || first == steps.len() {
        let ending = Ending::RowAndNoNote(work.note(&turn, steps, steps.len()));
        let boundary = format!("migrate/{}/applied", turn.tag());
        prove(work, &turn).map_err(|it| with_steps(it, &turn, steps.len(), steps))?;
        turn.otherwise = "its steps are all committed, its ledger row is not".to_owned();
        together(work, &turn, &Batch { statements: &[], ending, boundary }, progress)
            .map_err(|it| with_steps(it, &turn, steps.len(), steps))?;
    }
    let left = steps.iter().skip(first).map(|it| it.statements().len()).sum();
    Ok((left, told))
}

/// What MySQL commits by itself cannot be rolled back, so that the row says only what was looked at.
fn prove(work: &Workplace<'_>, turn: &Turn<'_>) -> Result<()> {
    if turn.dialect == Dialect::MySql { statement::prove(work, turn) } else { Ok(()) }
}

/// Settings of the session that earlier steps made ended with the run that made them; so did variables, whose
/// values may have been read from rows that are others now.
fn set_again(work: &mut Workplace<'_>, turn: &Turn<'_>, done: &[Step]) -> Result<()> {
    if turn.dialect != Dialect::MySql {
        return Ok(());
    }
    for statement in done.iter().flat_map(Step::statements) {
        let tokens = turn.dialect.tokens(&statement.sql).unwrap_or_default();
        if !tokens.first().is_some_and(|it| it.is_word("set")) {
            continue;
        }
        if statement.sql.replace("@@", "").contains('@') {
            return Err(variable_lost(turn, statement));
        }
        work.session.run(&statement.sql).map_err(|it| turn.failed(statement, it))?;
    }
    Ok(())
}

fn variable_lost(turn: &Turn<'_>, statement: &Placed) -> Error {
    let place = format!("{}:{}", turn.migration.path.display(), statement.line);
    let message = format!(
        "`{place}` set a variable in the session of the run that was cut off, and later statements may need it; nothing was changed"
    );
    Error::refusal("session-lost", message).next(format!(
        "run the rest of `{}` by hand in one session, then raingauge status",
        turn.tag()
    ))
}

impl Workplace<'_> {
    fn note(&self, turn: &Turn<'_>, steps: &[Step], done: usize) -> Note {
        Note { comment: self.plan.comment.own.clone(), ..Note::new(turn.migration, steps, done) }
    }
}

fn otherwise(index: usize, n: usize) -> String {
    match index {
        0 => format!("nothing of the migration's {n} steps is in effect"),
        1 => format!("the first of the migration's {n} steps is committed and stays"),
        _ => format!("the first {index} of the migration's {n} steps are committed and stay"),
    }
}

fn with_steps(error: Error, turn: &Turn<'_>, done: usize, steps: &[Step]) -> Error {
    let each = steps.iter().take(done).enumerate();
    each.fold(error, |it, (index, step)| {
        it.after(format!(
            "{}, step {} of {} (line {})",
            turn.tag(),
            index + 1,
            steps.len(),
            step.line()
        ))
    })
}

pub(super) fn unnoted(work: &Workplace<'_>, turn: &Turn<'_>, cause: SqlError) -> Error {
    Error::new(
        "ledger-unwritable",
        format!(
            "cannot note in `{}` how far `{}` gets, so it was not begun",
            work.site.project.ledger,
            turn.tag()
        ),
    )
    .caused_by(cause)
    .next("connect as the role that owns the ledger's table")
}

/// Runs a statement that refuses to be part of a transaction. `note` is that it was not run yet.
fn alone(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    statement: &Placed,
    note: &Note,
    progress: &mut dyn Progress,
) -> Result<Vec<String>> {
    let number = note.done + 1;
    let Session::Postgres(session) = &mut work.session else { return Ok(Vec::new()) };
    let process = midway::process(session).map_err(|it| unnoted(work, turn, it))?;
    let begun = Note { begun_by: Some(process), ..note.clone() };
    let ledger = work.site.project.ledger.clone();
    work.session
        .run(&begun.writing(Dialect::Postgres, &ledger))
        .map_err(|it| unnoted(work, turn, it))?;
    progress.boundary(&format!("migrate/{}/step-{number}-noted", turn.tag()));
    let mut attempts = work.pace.attempts();
    loop {
        let before = invalid_indexes(&mut work.session).unwrap_or_default();
        let Err(cause) = run(work, turn, &statement.sql, progress) else { break };
        let removed = remove_new(work, &before);
        let _ = work.session.run(&note.writing(Dialect::Postgres, &ledger));
        let mut error = turn.failed(statement, cause);
        if let Some(name) = removed.first() {
            error.message =
                format!("{}; the invalid index {name} that it left was removed", error.message);
        }
        let blockers = work.watch.as_ref().map(Watch::take_blockers).unwrap_or_default();
        let Some(pause) = attempts.after(&error) else { return Err(blocked(error, &blockers)) };
        progress.begin(&waiting(turn.tag(), &blockers));
        std::thread::sleep(pause);
        work.session
            .run(&begun.writing(Dialect::Postgres, &ledger))
            .map_err(|it| unnoted(work, turn, it))?;
    }
    progress.boundary(&format!("migrate/{}/step-{number}-ran", turn.tag()));
    Ok(Vec::new())
}

/// Runs the statement on a thread of its own, and tells meanwhile how far an index is built.
fn run(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    sql: &str,
    progress: &mut dyn Progress,
) -> Result<(), SqlError> {
    // Whoever builds beside the traffic waits for it to end, and is in nobody's way meanwhile.
    let is_patient = sql.to_ascii_lowercase().contains("concurrently");
    let timeout = work.pace.statement_timeout.map_or(0, |it| it.as_millis());
    let lock = if is_patient { 0 } else { work.pace.lock_timeout.as_millis().max(1) };
    work.session.run(&format!("SET lock_timeout = {lock}; SET statement_timeout = {timeout}"))?;
    let told = (work.watch.as_ref(), turn.tag());
    let result = run_and_tell(&mut work.session, sql, told, progress);
    // A broken connection says so at the next statement.
    let _ = work.session.run("RESET lock_timeout; RESET statement_timeout");
    result
}

/// The invalid indexes that nobody is building, by number, with their names as SQL.
fn invalid_indexes(session: &mut Session) -> Result<BTreeMap<String, String>, SqlError> {
    let rows = session.rows(
        "SELECT i.indexrelid::int8, n.nspname, c.relname \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT i.indisvalid AND c.relkind = 'i' \
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p \
                WHERE i.indexrelid IN (p.index_relid) OR p.relid = i.indrelid)",
    )?;
    let pair = |row: Vec<Option<String>>| {
        let mut values = row.into_iter().flatten();
        Some((values.next()?, TableName::new(values.next()?, values.next()?).quoted()))
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// T40: takes away the invalid indexes that were not there before.
fn remove_new(work: &mut Workplace<'_>, before: &BTreeMap<String, String>) -> Vec<String> {
    let now = invalid_indexes(&mut work.session).unwrap_or_default();
    let new = now.into_iter().filter(|it| !before.contains_key(&it.0));
    let drop = |name: &String| {
        work.session.run(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).is_ok()
    };
    let mut names: Vec<_> = new.map(|it| it.1).collect();
    names.retain(drop);
    names
}

/// T40: takes away an index that an earlier run left, if it is still invalid.
fn remove_leftover(work: &mut Workplace<'_>, id: &ObjectId) -> Result<Option<String>, SqlError> {
    if id.kind != Kind::Index {
        return Ok(None);
    }
    let schema = id.path.first().map(String::as_str).unwrap_or_default();
    let name = TableName::new(schema, id.name()).quoted();
    let invalid = invalid_indexes(&mut work.session)?;
    if !invalid.values().any(|it| *it == name) {
        return Ok(None);
    }
    work.session.run(&format!("DROP INDEX CONCURRENTLY {name}"))?;
    Ok(Some(format!("remove the invalid index {name}, which an interrupted build had left")))
}
