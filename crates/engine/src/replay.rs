//! Runs scripts and migrations in scratch, piece by piece.
//!
//! [`crate::initsql`] → `replay` → [`crate::introspect`]. The session should be a plain one (as Drizzle's
//! drivers and psql open it), since scripts may rely on the server's own settings.

use raingauge_schema::drizzle::migration::split;
use raingauge_schema::steps::{Placed, Step, Steps, steps};

use crate::connect::{Session, SqlError};
use crate::history::Migration;
use crate::initsql::{Sourced, excerpt};
use crate::report::Finding;

/// What ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub n_statements: usize,
    /// How many files ran to their end; those that others include are not counted.
    pub n_files: usize,
}

/// A statement that the engine refused.
#[derive(Debug, thiserror::Error)]
#[error("`{file}:{line}`: {}", source.told())]
pub struct ReplayError {
    /// The file that the statement stands in, and its line there.
    pub file: String,
    pub line: usize,
    /// The first words of the statement.
    pub statement: String,
    /// What ran before it.
    pub ran: Replayed,
    /// How many statements did not run, this one included.
    pub n_left: usize,
    pub source: Box<SqlError>,
}

impl ReplayError {
    /// The error as a finding; `what` goes on after the file's name: `cannot be built …`.
    pub fn finding(&self, code: &'static str, what: &str) -> Finding {
        let place = format!("{}:{}", self.file, self.line);
        let said = self.source.told();
        let finding = Finding::error(code, place, format!("`{}` {what}: {said}", self.file))
            .evidence(format!("the statement: {}", self.statement));
        let finding = self.source.detail.iter().fold(finding, Finding::evidence);
        finding.evidence(format!(
            "{} statements ran before it, {} did not run",
            self.ran.n_statements, self.n_left
        ))
    }
}

/// The finding that init.sql cannot be built; `what` as in [`ReplayError::finding`].
pub fn broken_init(error: &ReplayError, what: &str) -> Finding {
    error
        .finding("init-sql-broken", what)
        .next("correct the statement, or add before it what it needs: the script has to build an empty database")
        .next("if these are not the scripts that created the database, name them: `--init-sql PATH`")
}

/// Runs the pieces of a script one by one, each file in a session as fresh as the shell's would be.
///
/// # Errors
/// At the first statement that the engine refuses; what ran before it stays in effect.
pub fn script(session: &mut Session, pieces: &[Sourced]) -> Result<Replayed, ReplayError> {
    let mut ran = Replayed::default();
    let mut entry = None;
    // A refusal would come again below.
    let _ = match session {
        // The shell leaves them off, and scripts count on it.
        Session::Sqlite(session) => session.run("PRAGMA foreign_keys = OFF"),
        Session::MySql(session) => session.reset(),
        Session::Postgres(_) => Ok(()),
    };
    for (index, piece) in pieces.iter().enumerate() {
        let is_next = entry.is_some_and(|it| it != piece.entry);
        entry = Some(piece.entry);
        let fresh = if is_next { begin_afresh(session) } else { Ok(()) };
        if let Err(source) = fresh.and_then(|()| send(session, piece)) {
            return Err(ReplayError {
                file: piece.file.clone(),
                line: piece.piece.line,
                statement: piece.excerpt(),
                ran,
                n_left: pieces.len() - index,
                source: Box::new(source),
            });
        }
        ran.n_statements += 1;
        let is_last = pieces.get(index + 1).is_none_or(|next| next.entry != piece.entry);
        ran.n_files += usize::from(is_last);
    }
    Ok(ran)
}

/// The next file is run by a shell of its own: what the last one left open or set is gone.
fn begin_afresh(session: &mut Session) -> Result<(), SqlError> {
    match session {
        Session::Postgres(session) => {
            session.run("ROLLBACK")?;
            session.run("DISCARD ALL")
        }
        Session::MySql(session) => session.reset(),
        Session::Sqlite(session) => {
            if session.connection().is_autocommit() {
                Ok(())
            } else {
                session.run("ROLLBACK")
            }
        }
    }
}

fn send(session: &mut Session, piece: &Sourced) -> Result<(), SqlError> {
    let sql = &piece.piece.sql;
    match (session, &piece.piece.copy_data) {
        (Session::Postgres(session), Some(rows)) => session.copy_in(sql, rows.as_bytes()).map(drop),
        (Session::Postgres(session), None) => session.run(&tolerant_of_roles(sql)),
        (Session::MySql(session), _) => session.run(sql),
        (Session::Sqlite(session), _) => session.run(sql),
    }
}

/// Scratch servers have live's roles already, so one that a script makes may be there. An error would
/// end the script's transaction.
fn tolerant_of_roles(sql: &str) -> String {
    use raingauge_schema::postgres::token::tokens;
    let words = tokens(sql).unwrap_or_default();
    let makes_role = words.first().is_some_and(|it| it.is_word("create"))
        && words
            .get(1)
            .is_some_and(|it| ["role", "user", "group"].iter().any(|kind| it.is_word(kind)))
        && !words.get(2).is_some_and(|it| it.is_word("mapping"));
    if !makes_role {
        return sql.to_owned();
    }
    let text = sql.replace('\'', "''").replace('\\', "\\\\");
    format!(
        "DO $raingauge$ BEGIN EXECUTE E'{text}'; \
         EXCEPTION WHEN duplicate_object THEN NULL; END $raingauge$"
    )
}

/// Runs one migration of the history as it is applied to live; `between` sees the database after each
/// step but the last.
///
/// # Errors
/// As [`file()`].
pub fn migration(
    session: &mut Session,
    it: &Migration,
    between: &mut dyn FnMut(&mut Session),
) -> Result<Replayed, ReplayError> {
    in_steps(session, &it.file_name(), &it.sql, between)
}

/// Runs a migration file as Drizzle's migrator does: every piece between two breakpoints as one query,
/// all in one transaction; or in the steps that it asks for. `name` names it in errors.
///
/// # Errors
/// At the first piece that the engine refuses; nothing of its step stays in effect.
pub fn file(session: &mut Session, name: &str, sql: &str) -> Result<Replayed, ReplayError> {
    in_steps(session, name, sql, &mut |_| ())
}

fn in_steps(
    session: &mut Session,
    name: &str,
    sql: &str,
    between: &mut dyn FnMut(&mut Session),
) -> Result<Replayed, ReplayError> {
    let pieces = split(sql).into_iter().map(|it| {
        let blank = it.sql.chars().take_while(|it| it.is_whitespace());
        let line = it.line + blank.filter(|it| *it == '\n').count();
        Placed { sql: it.sql.to_owned(), line }
    });
    let steps = match steps(session.dialect(), sql) {
        Steps::Several(steps) => steps,
        Steps::Whole | Steps::Impossible(_) => vec![Step::Together(pieces.collect())],
    };
    let n_all: usize = steps.iter().map(|it| it.statements().len()).sum();
    let mut ran = Replayed::default();
    // As where it is applied to live: a rebuild must not act on the rows of other tables.
    let prepared = match session {
        Session::Sqlite(session) => session.run("PRAGMA foreign_keys = OFF"),
        // As mysql2 opens its sessions. Views and routines remember it.
        Session::MySql(session) => session.run("SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci"),
        Session::Postgres(_) => Ok(()),
    };
    let at_start = |source| (source, Placed { sql: "BEGIN".to_owned(), line: 1 });
    let mut outcome = prepared.map_err(at_start);
    for (index, step) in steps.iter().enumerate() {
        outcome = outcome.and_then(|()| run_step(session, step, &mut ran));
        if outcome.is_ok() && index + 1 < steps.len() {
            between(session);
        }
    }
    outcome.map_err(|(source, statement)| ReplayError {
        file: name.to_owned(),
        line: statement.line,
        statement: excerpt(&statement.sql),
        ran,
        n_left: n_all - ran.n_statements,
        source: Box::new(source),
    })?;
    ran.n_files = 1;
    Ok(ran)
}

fn run_step(
    session: &mut Session,
    step: &Step,
    ran: &mut Replayed,
) -> Result<(), (SqlError, Placed)> {
    let as_word = |word: &str| Placed { sql: word.to_owned(), line: step.line() };
    let statements = match step {
        Step::Alone(statement) => {
            session.run(&statement.sql).map_err(|it| (it, statement.clone()))?;
            ran.n_statements += 1;
            return Ok(());
        }
        Step::Together(statements) => statements,
    };
    session.run("BEGIN").map_err(|it| (it, as_word("BEGIN")))?;
    for statement in statements {
        if let Err(source) = session.run(&statement.sql) {
            // The connection may be gone; the first error says why.
            let _ = session.run("ROLLBACK");
            return Err((source, statement.clone()));
        }
        ran.n_statements += 1;
    }
    session.run("COMMIT").map_err(|it| (it, as_word("COMMIT")))
}
