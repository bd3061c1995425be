//! The way back on MySQL, which commits each of its statements by itself.
//!
//! The ledger's row goes first, in one transaction with the note that the migration is being taken back. So at
//! no moment the ledger claims more than live has. With the row last, a run that dies would leave a ledger that
//! records a migration of which live has a part: Drizzle's own migrator would find nothing to do, and the application
//! would miss what is gone. This way round that migrator stops at the first thing that is still there, and the
//! note says to whoever looks what happened, and how far it got: its statements are noted like those of a
//! migration ([`statement`]), and live's catalog decides about one that was cut off. The note goes last, when
//! live is proven to be what it was before the migration.

use raingauge_schema::Dialect;
use raingauge_schema::plan::Hazard;
use raingauge_schema::steps::{Placed, Step};

use super::carry::{Removal, row, row_removal};
use super::{Loss, Reversal, reverse};
use crate::apply::statement;
use crate::apply::steps::unnoted;
use crate::apply::turn::{Batch, Ending, Turn, Workplace, together};
use crate::connect::{Session, SqlError};
use crate::midway::{Note, store};
use crate::progress::Progress;
use crate::{Error, Result};

/// Takes the migration back from where it stands; gives how many statements that were, and what is to be told.
///
/// # Errors
/// If a statement fails. Where it is the first one, the ledger has the row again, and everything is as it was;
/// else [`Error::done`] names what is committed.
pub(super) fn apply(
    work: &mut Workplace<'_>,
    turn: Turn<'_>,
    reversal: &Reversal,
    progress: &mut dyn Progress,
) -> Result<(usize, Vec<String>)> {
    let steps = reverse::steps(&reversal.migration);
    let first = reversal.begun.unwrap_or_default();
    let settings = work.pace.settings_of_mysql();
    work.session.run(&settings).map_err(|it| unnoted(work, &turn, it))?;
    statement::patiently(work, store::prepare).map_err(|it| unnoted(work, &turn, it))?;
    let mut way = Way { turn, reversal, steps: &steps, kept: None };
    let told = way.walk(work, first, progress);
    // Also after a failure: no place for notes stays that holds none.
    let _ = store::clear(&mut work.session);
    Ok((steps.len() - first, told?))
}

struct Way<'a> {
    turn: Turn<'a>,
    reversal: &'a Reversal,
    steps: &'a [Step],
    /// Writes the ledger's row again, if this run has taken it away.
    kept: Option<String>,
}

impl Way<'_> {
    fn walk(
        &mut self,
        work: &mut Workplace<'_>,
        first: usize,
        progress: &mut dyn Progress,
    ) -> Result<Vec<String>> {
        let (tag, n) = (self.turn.tag().to_owned(), self.steps.len());
        if work.plan.recorded.contains(&self.turn.at) {
            self.unrecord(work, first, progress)?;
        }
        progress.boundary(&format!("undo/{tag}/unrecorded"));
        let mut told = Vec::new();
        let statements = self.steps.iter().flat_map(Step::statements);
        for (index, sql) in statements.enumerate().skip(first) {
            progress.begin(&format!("taking {tag} back, statement {} of {n}", index + 1));
            self.turn.otherwise = self.otherwise(index);
            let notes = (&self.note(index), &self.note(index + 1));
            let held = held(sql, &self.reversal.losses);
            let ran = statement::run(work, &self.turn, sql, notes, (&held, progress));
            told.extend(ran.map_err(|it| self.stopped(work, index, it))?);
            progress.boundary(&format!("undo/{tag}/step-{}-committed", index + 1));
        }
        statement::prove(work, &self.turn).map_err(|it| self.with_done(n, it))?;
        progress.boundary(&format!("undo/{tag}/applied"));
        let removing = self.note(n).removing(Dialect::MySql, &work.site.project.ledger);
        statement::patiently(work, |it| it.run(&removing))
            .map_err(|it| self.with_done(n, unnoted(work, &self.turn, it)))?;
        Ok(told)
    }

    /// Takes the row out of the ledger, and notes what for.
    fn unrecord(
        &mut self,
        work: &mut Workplace<'_>,
        first: usize,
        progress: &mut dyn Progress,
    ) -> Result<()> {
        let kept = kept(work, self.reversal).map_err(|it| unnoted(work, &self.turn, it))?;
        let removal = Removal {
            row: row_removal(work.site, self.reversal),
            losses: self.reversal.losses.clone(),
            // Nothing has happened to the structure yet.
            expected: work.plan.live.clone(),
            note: Some(self.note(first)),
        };
        let ending = Ending::NoRow(Box::new(removal));
        let boundary = format!("undo/{}/unrecording", self.turn.tag());
        together(work, &self.turn, &Batch { statements: &[], ending, boundary }, progress)?;
        self.kept = Some(kept);
        Ok(())
    }

    fn note(&self, done: usize) -> Note {
        let of = self.steps.len();
        Note { way_back: Some(of), ..Note::new(self.turn.migration, self.steps, done) }
    }

    fn otherwise(&self, index: usize) -> String {
        let n = self.steps.len();
        match (index, &self.kept) {
            (0, Some(_)) => "everything is as it was".to_owned(),
            (0, None) => {
                "nothing of the way back is in effect but that the ledger has no row of it"
                    .to_owned()
            }
            _ => format!(
                "{index} of the {n} statements of the way back are committed and stay, and the ledger has no row of it"
            ),
        }
    }

    /// Before anything else was done, the ledger gets its row again.
    fn stopped(&self, work: &mut Workplace<'_>, index: usize, error: Error) -> Error {
        let is_untouched = index == 0 && error.done.is_empty();
        let Some(kept) = self.kept.as_ref().filter(|_| is_untouched) else {
            return self.with_done(index, error);
        };
        let removing = self.note(0).removing(Dialect::MySql, &work.site.project.ledger);
        let again = format!("START TRANSACTION; {kept}; {removing}; COMMIT");
        match statement::patiently(work, |it| it.run(&again)) {
            Ok(()) => error,
            Err(_) => {
                let _ = work.session.run("ROLLBACK");
                self.with_done(index, error)
            }
        }
    }

    fn with_done(&self, done: usize, error: Error) -> Error {
        let tag = self.turn.tag();
        let error = error.after(format!("take the row of {tag} out of the ledger"));
        let statements = self.steps.iter().take(done).flat_map(Step::statements);
        statements.fold(error, |it, done| it.after(done.sql.trim().to_owned()))
    }
}

/// What goes with a statement, of that which was counted.
fn held<'a>(statement: &Placed, losses: &'a [Loss]) -> Vec<&'a Loss> {
    let hazards = Dialect::MySql.hazards(&statement.sql);
    // A server may tell no capitals apart, and give all names in small letters.
    let is_it = |hazard: &Hazard, loss: &Loss| matches!(hazard, Hazard::DeletesData(name) if name.eq_ignore_ascii_case(&loss.allow));
    losses.iter().filter(|loss| hazards.iter().any(|it| is_it(it, loss))).collect()
}

/// The statement that writes the ledger's row again, with all that it holds.
fn kept(work: &mut Workplace<'_>, reversal: &Reversal) -> Result<String, SqlError> {
    let (site, session) = (work.site, &mut work.session);
    let (dialect, ledger) = (site.dialect(), &site.project.ledger);
    let columns = format!(
        "SELECT column_name FROM information_schema.columns \
         WHERE table_schema = database() AND table_name = {} ORDER BY ordinal_position",
        dialect.quote_literal(&ledger.table)
    );
    let columns: Vec<_> =
        texts(session, &columns)?.iter().map(|it| dialect.quote_ident(it)).collect();
    let quoted: Vec<_> = columns.iter().map(|it| format!("quote({it})")).collect();
    let (ledger, row) = (ledger.quoted_in(dialect), row(site, reversal));
    let values = format!("SELECT concat_ws(', ', {}) FROM {ledger} WHERE {row}", quoted.join(", "));
    let rows: Vec<_> = texts(session, &values)?.iter().map(|it| format!("({it})")).collect();
    Ok(format!("INSERT INTO {ledger} ({}) VALUES {}", columns.join(", "), rows.join(", ")))
}

fn texts(session: &mut Session, query: &str) -> Result<Vec<String>, SqlError> {
    Ok(session.rows(query)?.into_iter().flatten().flatten().collect())
}
