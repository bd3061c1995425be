//! Carries the way back out: the statements and the ledger's row, in one transaction; on MySQL, which has none
//! for statements like these, in the steps of [`super::steps`].
//!
//! The tables that go are locked before they are counted again, and the transaction is committed only if
//! the structure in it is the one from before the migration.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::{Dialect, Fingerprint};

use super::{Loss, Reversal, steps};
use crate::apply::Pace;
use crate::apply::migrate::{Applied, Protection, Ready, already_recorded, begin, stale};
use crate::apply::turn::{Batch, Ending, Turn, Workplace, pieces, together};
use crate::connect::{Session, SqlError};
use crate::consent::Consent;
use crate::ledger::LedgerName;
use crate::midway::Note;
use crate::progress::Progress;
use crate::report::{Step, StepState};
use crate::site::Site;
use crate::{Error, Result, introspect};

/// What the transaction does besides the statements.
#[derive(Clone, Debug)]
pub(in crate::apply) struct Removal {
    /// Takes the row out of the ledger.
    pub(super) row: String,
    pub(super) losses: Vec<Loss>,
    pub(super) expected: Fingerprint,
    /// MySQL: that the migration is being taken back, before the first statement is.
    pub(super) note: Option<Note>,
}

impl Removal {
    /// Keeps everybody out of what goes, before the transaction reads anything.
    pub(in crate::apply) fn lock(&self, session: &mut Session) -> Result<(), SqlError> {
        let mut tables: Vec<_> = self.losses.iter().map(|it| it.table.as_str()).collect();
        tables.dedup();
        if session.dialect() != Dialect::Postgres || tables.is_empty() {
            return Ok(());
        }
        session.run(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", tables.join(", ")))
    }

    /// Whether the objects hold what someone agreed to lose, and no more.
    pub(in crate::apply) fn is_as_counted(&self, session: &mut Session) -> Result<bool, SqlError> {
        for loss in &self.losses {
            if !loss.is_as_counted(session)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the row out of the ledger.
    pub(in crate::apply) fn unrecord(
        &self,
        session: &mut Session,
        ledger: &LedgerName,
    ) -> Result<(), SqlError> {
        if let Some(note) = &self.note {
            session.run(&note.writing(session.dialect(), ledger))?;
        }
        session.run(&self.row)
    }

    /// Whether live is what it was before the migration, as the transaction sees it.
    ///
    /// # Errors
    /// `outcome-differs` if not; the transaction has to be rolled back.
    pub(in crate::apply) fn prove(
        &self,
        site: &Site,
        session: &mut Session,
        at: usize,
    ) -> Result<()> {
        let now = introspect::catalog_within(session, &site.ledger_names())?;
        let is_unrecorded = !already_recorded(site, session)?.contains(&at);
        if now.fingerprint() == self.expected && is_unrecorded {
            return Ok(());
        }
        Err(Error::refusal(
            "outcome-differs",
            "live would not be what it was before the migration; everything was rolled back",
        )
        .next("raingauge analyze: shows how live differs from its history"))
    }
}

/// On which terms a migration is taken back.
#[derive(Debug)]
pub struct Terms<'a> {
    pub consent: &'a Consent,
    pub protection: &'a Protection<'a>,
    pub pace: Pace,
}

/// Takes the migration back.
///
/// # Errors
/// A refusal if the plan is stale or another run is at work. Where a statement fails, everything is rolled
/// back; on MySQL [`Error::done`] names what stays.
pub fn carry_out(
    site: &Site,
    reversal: &Reversal,
    terms: &Terms<'_>,
    progress: &mut dyn Progress,
) -> Result<Applied> {
    let (plan, migration) = (&reversal.migrate, &reversal.migration);
    let tag = &migration.entry.tag;
    let mut ready = begin(site, plan, terms.consent, terms.pace.wait)?;
    ready.refuse_stale(site, plan)?;
    let Some(at) = plan.pending.first().copied() else { return Err(stale()) };
    let Ready { session, _lock, .. } = ready;
    let (from, pace) = (plan.from.ok_or_else(stale)?, terms.pace);
    let backup = terms.protection.path();
    let mut work =
        Workplace { site, plan, pace, from, session, watch: None, backup, is_ledger_ready: false };
    work.watch_itself();
    let otherwise = "everything is as it was".to_owned();
    let turn =
        Turn { dialect: site.dialect(), at, migration, otherwise, unprotected: &[], stage: "undo" };
    progress.begin(&format!("taking {tag} back"));
    progress.boundary(&format!("undo/{tag}/begin"));
    let (n_statements, notes) = match turn.dialect {
        Dialect::MySql => steps::apply(&mut work, turn, reversal, progress),
        Dialect::Postgres | Dialect::Sqlite => at_once(&mut work, &turn, reversal, progress),
    }
    .map_err(told)?;
    progress.boundary(&format!("undo/{tag}/committed"));
    let name = format!("take {tag} back, with its row in the ledger");
    let taken = Step { n_statements, ..Step::new(name, StepState::Done) };
    let told = notes.into_iter().map(|it| Step::new(it, StepState::Done));
    Ok(Applied { steps: [taken].into_iter().chain(told).collect() })
}

fn at_once(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    reversal: &Reversal,
    progress: &mut dyn Progress,
) -> Result<(usize, Vec<String>)> {
    let statements = pieces(&reversal.migration.sql);
    let removal = Removal {
        row: row_removal(work.site, reversal),
        losses: reversal.losses.clone(),
        expected: work.plan.expected.clone(),
        note: None,
    };
    let batch = Batch {
        statements: &statements,
        ending: Ending::NoRow(Box::new(removal)),
        boundary: format!("undo/{}/applied", turn.tag()),
    };
    let notes = together(work, turn, &batch, progress)?;
    Ok((statements.len(), notes))
}

pub(super) fn row_removal(site: &Site, reversal: &Reversal) -> String {
    let ledger = site.project.ledger.quoted_in(site.dialect());
    format!("DELETE FROM {ledger} WHERE {}", row(site, reversal))
}

/// What only the migration's row in the ledger is.
pub(super) fn row(site: &Site, reversal: &Reversal) -> String {
    let (entry, dialect) = (&reversal.migration.entry, site.dialect());
    let row = match site.project.history.generation {
        Generation::V0 => format!("created_at = {}", entry.when),
        Generation::V1 => format!("name = {}", dialect.quote_literal(&entry.tag)),
    };
    format!("hash = {} AND {row}", dialect.quote_literal(&reversal.recorded_hash))
}

/// What helps is not what helps where a migration fails.
fn told(mut error: Error) -> Error {
    if error.refused || error.code == "outcome-differs" {
        return error;
    }
    if error.code == "migration-failed" {
        error.code = "undo-failed";
    }
    error.next.retain(|it| it.starts_with("wait for"));
    error.next("raingauge migrate --undo: shows the way back as it is now")
}
