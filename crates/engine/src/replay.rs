//! Runs scripts and migrations in scratch, piece by piece.
//!
//! [`crate::initsql`] → `replay` → [`crate::introspect`]. The session should be a plain one (as Drizzle's
//! drivers and psql open it), since scripts may rely on the server's own settings.

use raingauge_schema::drizzle::migration::split;
use raingauge_schema::sqlite::token::tokens;

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
#[error("`{file}:{line}`: {source} (SQLSTATE {state})", state = source.state)]
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
        let said = format!("{} (SQLSTATE {})", self.source.message, self.source.state);
        let finding = Finding::error(code, place, format!("`{}` {what}: {said}", self.file))
            .evidence(format!("the statement: {}", self.statement));
        let finding = self.source.detail.iter().fold(finding, Finding::evidence);
        finding.evidence(format!(
            "{} statements ran before it, {} did not run",
            self.ran.n_statements, self.n_left
        ))
    }
}

/// Runs the pieces of a script one by one, each file in a session as fresh as the shell's would be.
///
/// # Errors
/// At the first statement that the engine refuses; what ran before it stays in effect.
pub fn script(session: &mut Session, pieces: &[Sourced]) -> Result<Replayed, ReplayError> {
    let mut ran = Replayed::default();
    let mut entry = None;
    if let Session::Sqlite(session) = session {
        // The shell leaves them off, and scripts count on it. A refusal would come again below.
        let _ = session.run("PRAGMA foreign_keys = OFF");
    }
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

/// Runs one migration of the history as Drizzle's migrator does.
///
/// # Errors
/// As [`file()`].
pub fn migration(session: &mut Session, it: &Migration) -> Result<Replayed, ReplayError> {
    let name = it.path.file_name().map(|it| it.to_string_lossy().into_owned());
    file(session, &name.unwrap_or_else(|| it.entry.tag.clone()), &it.sql)
}

/// Runs a migration file as Drizzle's migrator does: every piece between two breakpoints as one query,
/// all in one transaction. `name` names it in errors. A transaction of its own is tolerated.
///
/// # Errors
/// At the first piece that the engine refuses; nothing of the migration stays in effect, unless it
/// committed by itself.
pub fn file(session: &mut Session, name: &str, sql: &str) -> Result<Replayed, ReplayError> {
    let chunks = split(sql);
    let mut ran = Replayed::default();
    let error = |source, sql: &str, line, ran: Replayed| ReplayError {
        file: name.to_owned(),
        line,
        statement: excerpt(sql),
        ran,
        n_left: chunks.len() - ran.n_statements,
        source: Box::new(source),
    };
    // As where it is applied to live: a rebuild must not act on the rows of other tables.
    if let Session::Sqlite(session) = session {
        session.run("PRAGMA foreign_keys = OFF").map_err(|it| error(it, "BEGIN", 1, ran))?;
    }
    session.run("BEGIN").map_err(|it| error(it, "BEGIN", 1, ran))?;
    for chunk in &chunks {
        if let Err(source) = run_in_transaction(session, chunk.sql) {
            // The connection may be gone; the first error says why.
            let _ = session.run("ROLLBACK");
            let blank = chunk.sql.chars().take_while(|it| it.is_whitespace());
            let line = chunk.line + blank.filter(|it| *it == '\n').count();
            return Err(error(source, chunk.sql, line, ran));
        }
        ran.n_statements += 1;
    }
    let is_open = match session {
        Session::Postgres(_) => true,
        Session::Sqlite(session) => !session.connection().is_autocommit(),
    };
    if is_open {
        session.run("COMMIT").map_err(|it| error(it, "COMMIT", 1, ran))?;
    }
    ran.n_files = 1;
    Ok(ran)
}

/// PostgreSQL only warns of a `BEGIN` inside a transaction; SQLite refuses it, so it is left out there.
fn run_in_transaction(session: &mut Session, sql: &str) -> Result<(), SqlError> {
    let is_control = |sql: &str| {
        let words = tokens(sql).unwrap_or_default();
        let controls = ["begin", "commit", "end"];
        words.first().is_some_and(|it| controls.iter().any(|word| it.is_word(word)))
    };
    match session {
        Session::Sqlite(session) => {
            let Ok(pieces) = raingauge_schema::sqlite::split::split(sql) else {
                return session.run(sql);
            };
            pieces.iter().filter(|it| !is_control(&it.sql)).try_for_each(|it| session.run(&it.sql))
        }
        Session::Postgres(session) => session.run(sql),
    }
}
