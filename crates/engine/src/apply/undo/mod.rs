//! Takes the newest applied migration back.
//!
//! `reverse` finds the statements that lead back, in scratch, on the proven position, and proves that they
//! do. [`loss`] counts what would go with them in live. Where no statement leads back without loss, `cost`
//! counts what a restore of the backup from before would take away. [`carry`] writes: the statements, and the
//! ledger's row with them; on MySQL, where no transaction holds both, `steps` does.

pub mod carry;
mod cost;
mod loss;
mod reverse;
mod steps;

use std::collections::BTreeMap;

use raingauge_schema::drizzle::ledger::CreatedAt;
use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Comparison, Dialect, Fingerprint, Kind, Pair, compare};

pub use cost::Cost;
pub use loss::Loss;

use super::migrate::{MigratePlan, NothingToLose};
use super::{retype, risks};
use crate::adoption::{Course, course};
use crate::connect::SqlError;
use crate::facts::Facts;
use crate::findings;
use crate::history::Migration;
use crate::midway::{Comment, Note, UNDOING, Within};
use crate::position::ProvenPosition;
use crate::progress::Progress;
use crate::report::{Finding, Severity};
use crate::site::Site;
use crate::{Error, Result};

/// What it takes to take a migration back.
#[derive(Debug)]
pub struct UndoPlan {
    /// Absent where nothing may be taken back; `findings` say why.
    pub way: Option<Way>,
    /// The migration's name; empty if none is applied.
    pub tag: String,
    pub findings: Vec<Finding>,
}

/// The way back.
#[derive(Debug)]
pub enum Way {
    /// These statements, in one transaction with the ledger's row; on MySQL one by one, after it.
    Statements(Box<Reversal>),
    /// No statement does it without loss; a restore of this backup does, at this cost.
    Restore(Cost),
}

/// Statements that were proven to lead back, and what goes with them.
#[derive(Debug)]
pub struct Reversal {
    pub statements: Vec<String>,
    /// What live holds in the objects that go.
    pub losses: Vec<Loss>,
    /// The hash of all of it and of what it rests on.
    pub plan: Fingerprint,
    /// As the machinery that applies migrations takes it.
    migrate: MigratePlan,
    /// The migration, with the statements that lead back in place of its own.
    migration: Migration,
    /// The hash that the ledger has for it.
    recorded_hash: String,
    /// How many statements are in effect already, if a run was cut off.
    begun: Option<usize>,
}

impl Reversal {
    /// Live's catalog when the plan was made.
    pub fn live(&self) -> &Fingerprint {
        &self.migrate.live
    }

    /// The proof that nothing goes that live holds, if it is so.
    pub fn nothing_to_lose(&self) -> Option<NothingToLose> {
        self.losses.iter().all(|it| it.n == 0).then_some(NothingToLose(()))
    }
}

/// Plans to take the newest applied migration back. Writes nothing.
///
/// # Errors
/// If scratch cannot be had, or a database cannot be read.
pub fn plan(site: &mut Site, facts: &Facts, progress: &mut dyn Progress) -> Result<UndoPlan> {
    let note = facts.comment.note.as_ref().filter(|it| it.way_back.is_some());
    let (at, findings) = match note {
        Some(note) => begun(site, facts, note),
        None => (facts.standing.recorded.len().checked_sub(1), refusals(site, facts)),
    };
    let mut plan = UndoPlan { way: None, tag: String::new(), findings };
    let Some(at) = at else { return Ok(plan) };
    plan.tag.clone_from(&site.project.history.migrations[at].entry.tag);
    if plan.findings.iter().any(|it| it.severity == Severity::Error) {
        return Ok(plan);
    }
    if at == 0 {
        plan.findings.push(first(&plan.tag));
        return Ok(plan);
    }
    progress.begin("looking for the way back in scratch");
    let rehearsal = match reverse::rehearse(site, facts, at)? {
        Ok(rehearsal) => rehearsal,
        Err(finding) => {
            plan.findings.push(*finding);
            return Ok(plan);
        }
    };
    let migration = &site.project.history.migrations[at];
    let reached = note.map(|it| rehearsal.reached(migration, it, &facts.live)).transpose();
    match (obstacle(site, at, &rehearsal), reached) {
        (_, Err(finding)) => plan.findings.push(*finding),
        (Some(finding), _) => restore(site, &mut plan, (at, &rehearsal, finding), progress)?,
        (None, Ok(reached)) => by_statements(site, facts, &mut plan, (at, rehearsal, reached))?,
    }
    Ok(plan)
}

/// The migration that a run was cut off from taking back, and what forbids to go on. That live stands between
/// two migrations is no news then.
fn begun(site: &Site, facts: &Facts, note: &Note) -> (Option<usize>, Vec<Finding>) {
    let counts = |it: &&Finding| it.severity == Severity::Error && it.code != UNDOING;
    let mut findings: Vec<_> = facts.findings.iter().filter(counts).cloned().collect();
    let mut migrations = site.project.history.migrations.iter();
    let at = migrations.position(|it| it.entry.tag == note.tag);
    let recorded = &facts.standing.recorded;
    // A ledger whose engine knows no transactions may have the row still.
    let is_newest = |at: usize| {
        [at, at + 1].contains(&recorded.len()) && recorded.iter().copied().eq(0..recorded.len())
    };
    let at = at.filter(|it| is_newest(*it));
    if at.is_none() {
        let message = "was being taken back, and is not the one that comes after those recorded; nothing is run on top of it";
        findings.push(Finding::error("unfinished-unknown", note.tag.clone(), message).next(
            "bring back the migration that was being taken back, then raingauge migrate --undo",
        ));
    }
    (at, findings)
}

/// Only from a proven position is there a way back, and only if nothing else is wrong.
fn refusals(site: &Site, facts: &Facts) -> Vec<Finding> {
    let (course, mut findings) = course(facts, site);
    findings.extend(facts.findings.iter().filter(|it| it.severity == Severity::Error).cloned());
    if let Some(within) = &facts.position.within {
        let tag = site.project.history.migrations[within.at].entry.tag.clone();
        findings.push(
            Finding::error("undo-midway", tag, "is applied in part; nothing was changed")
                .next("raingauge migrate: goes on with it; then it can be taken back as a whole"),
        );
    }
    if let Course::Record(_) = course {
        let message = "records less than live already is; nothing was changed";
        findings
            .push(Finding::error("ledger-behind", "ledger", message).next("raingauge reconcile"));
    }
    findings
}

fn first(tag: &str) -> Finding {
    let message = "is the first migration: before it there was nothing, and to take it back would empty \
        the database; nothing was changed";
    Finding::error("undo-first", tag, message)
        .next("restore a backup into a new database: `raingauge backup list`")
}

/// Why no statement leads back without loss, if it is so.
fn obstacle(site: &Site, at: usize, rehearsal: &reverse::Rehearsal) -> Option<Finding> {
    let (dialect, migration) = (site.dialect(), &site.project.history.migrations[at]);
    let tag = migration.entry.tag.as_str();
    let irreversible = |why: String| Some(Finding::error("undo-irreversible", tag, why));
    let rehearsed = Pair { from: &rehearsal.before, to: &rehearsal.after };
    let forward = risks::of_migration(dialect, migration, Some(rehearsed));
    for hazard in &forward {
        match hazard {
            Hazard::DeletesData(_) => {
                return irreversible(format!(
                    "{hazard}: no statement brings that back; nothing was changed"
                ));
            }
            Hazard::NotUnderstood => {
                return irreversible(format!(
                    "{hazard}, so nobody knows what would lead back; nothing was changed"
                ));
            }
            Hazard::RewritesTable(_) | Hazard::NotTransactional => {}
        }
    }
    if risks::writes_rows(dialect, migration, rehearsed) {
        return irreversible(
            "writes rows, which nobody can tell from those that came later; nothing was changed"
                .to_owned(),
        );
    }
    if !rehearsal.remaining.is_equal() {
        let finding = irreversible("no statement that is known here leads back to the structure before it; nothing was changed".to_owned())?;
        return Some(findings::differences(finding, &rehearsal.remaining));
    }
    let turned = rehearsal.turned();
    let backward = risks::of_migration(dialect, &rehearsal.migration(migration), Some(turned));
    let added = loss::names_of_added(&rehearsal.change());
    let is_counted = |it: &Hazard| match it {
        Hazard::DeletesData(name) => {
            added.contains(&name.to_lowercase()) || retype::only_forbids_null(it, turned).is_some()
        }
        Hazard::RewritesTable(_) | Hazard::NotTransactional => true,
        Hazard::NotUnderstood => false,
    };
    let hazard = backward.iter().find(|it| !is_counted(it))?;
    irreversible(format!("the way back {hazard}; nothing was changed"))
}

fn by_statements(
    site: &mut Site,
    facts: &Facts,
    plan: &mut UndoPlan,
    (at, rehearsal, begun): (usize, reverse::Rehearsal, Option<usize>),
) -> Result<()> {
    let dialect = site.dialect();
    let original = &site.project.history.migrations[at];
    let migration = rehearsal.migration(original);
    let hazards = risks::of_migration(dialect, &migration, Some(rehearsal.turned()));
    let losses =
        loss::count(site, &facts.live, (&rehearsal, &hazards)).map_err(|cause: SqlError| {
            Error::new("rows-unreadable", "cannot count what would go").caused_by(cause)
        })?;
    let allowed = &site.setting.allow;
    plan.findings.extend(
        losses
            .iter()
            .filter(|it| !allowed.contains(&it.allow))
            .filter_map(|it| it.finding(&plan.tag)),
    );
    let recorded_hash = recorded_hash(site, facts, at);
    let live = facts.live.fingerprint();
    let target = site.dsn.to_string();
    let counts: Vec<_> = losses.iter().map(|it| format!("{} {}", it.allow, it.n)).collect();
    let head = [live.as_str(), &target, "undo", &plan.tag, &recorded_hash];
    let parts = head.into_iter().chain(rehearsal.statements.iter().map(String::as_str));
    let hash = Fingerprint::of_parts(parts.chain(counts.iter().map(String::as_str)));
    let migrate = MigratePlan {
        pending: vec![at],
        hazards: hazards.into_iter().map(|it| (plan.tag.clone(), it)).collect(),
        plan: hash.clone(),
        findings: Vec::new(),
        from: from(facts, at, begun, rehearsal.statements.len()),
        live,
        live_has_no_tables: false,
        unprotected: BTreeMap::new(),
        expected: rehearsal.before.fingerprint(),
        recorded: facts.standing.recorded.clone(),
        rehearsals: [(at, Pair { from: rehearsal.after, to: rehearsal.before })].into(),
        allowed: allowed.clone(),
        has_event_triggers: facts.live.of_kind(Kind::EventTrigger).next().is_some(),
        within: None,
        comment: Comment::clone(&facts.comment),
    };
    let statements = rehearsal.statements.into_iter().skip(begun.unwrap_or_default()).collect();
    let reversal =
        Reversal { statements, losses, plan: hash, migrate, migration, recorded_hash, begun };
    plan.way = Some(Way::Statements(Box::new(reversal)));
    Ok(())
}

/// Where live is proven to stand: after the migration, or between two statements of its way back.
fn from(facts: &Facts, at: usize, begun: Option<usize>, of: usize) -> Option<ProvenPosition> {
    let within = begun.map(|done| Within { at, done, of, leftovers: Vec::new() });
    within.as_ref().map_or(facts.position.proven, |it| Some(ProvenPosition::within(it)))
}

/// What the ledger has for the migration: its file may have been edited since.
fn recorded_hash(site: &Site, facts: &Facts, at: usize) -> String {
    let migration = &site.project.history.migrations[at];
    let ledger = facts.ledgers.iter().find(|it| it.name == site.project.ledger);
    let rows = ledger.map(|it| it.rows.as_slice()).unwrap_or_default();
    let row = rows.iter().find(|it| it.created_at == CreatedAt::Millis(migration.entry.when));
    row.map_or_else(|| migration.hash.as_str().to_owned(), |it| it.hash.clone())
}

fn restore(
    site: &mut Site,
    plan: &mut UndoPlan,
    (at, rehearsal, finding): (usize, &reverse::Rehearsal, Finding),
    progress: &mut dyn Progress,
) -> Result<()> {
    let before = rehearsal.before.fingerprint();
    let Some(cost) = cost::of_restore(site, &before, at, progress)? else {
        plan.findings.push(finding.next(
            "there is no verified backup from before it: what it did stays, unless another migration undoes it",
        ));
        return Ok(());
    };
    let name = cost.backup.clone();
    let swap = match site.dialect() {
        Dialect::Postgres | Dialect::Sqlite => "gives it live's name; live stays under another",
        // No database gets another name there.
        Dialect::MySql => "counts what live has had since, and says how applications get there",
    };
    plan.findings.push(
        finding
            .evidence(format!("the verified backup {name} is from before it"))
            .evidence(format!(
                "a restore takes away {} rows that live has had since",
                cost.n_rows()
            ))
            .next(format!("raingauge restore {name} --to URL: into a new database beside live"))
            .next(format!("raingauge restore {name} --to URL --swap: {swap}")),
    );
    plan.way = Some(Way::Restore(cost));
    Ok(())
}

/// What is between two catalogs, `from` before, `to` after.
pub(super) fn change(before: &Catalog, after: &Catalog) -> Comparison {
    compare(Pair { from: before, to: after })
}
