//! Applies pending migrations: rehearsed, under a lock, each in a transaction with its ledger row.
//!
//! [`super::turn`] applies one migration, `steps` one that a transaction cannot hold.
//! What is pending is computed by the installed Drizzle's rule and by ours, and any disagreement stops.
//! The rehearsal is the replay of the whole history in scratch: live has to equal it before the first
//! pending migration, and again after the last one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Fingerprint, Kind, Pair, compare};

use crate::adoption::{Course, course};
use crate::apply::pace::Pace;
use crate::apply::reconcile::refuse_unfinished;
use crate::apply::risks;
use crate::apply::turn::{self, Workplace};
use crate::backup::VerifiedBackup;
use crate::check::rights;
use crate::connect::{Access, Session};
use crate::consent::Consent;
use crate::facts::Facts;
use crate::findings::differences_between;
use crate::late::LATE;
use crate::ledger;
use crate::lock::Lock;
use crate::lock::mysql::begin_work;
use crate::midway::{Comment, UNFINISHED, Within, store};
use crate::position::ProvenPosition;
use crate::progress::Progress;
use crate::report::{Finding, Severity, Step, StepState};
use crate::site::Site;
use crate::{Error, Result, introspect};

/// What a `migrate` would do.
#[derive(Debug)]
pub struct MigratePlan {
    /// Positions in the history, in the order in which they run.
    pub pending: Vec<usize>,
    /// The hazards of each pending migration, with its tag.
    pub hazards: Vec<(String, Hazard)>,
    /// The hash of what would run and of what it rests on.
    pub plan: Fingerprint,
    pub findings: Vec<Finding>,
    /// From where it goes on; without it nothing is applied.
    pub(super) from: Option<ProvenPosition>,
    /// Live's catalog when the plan was made.
    pub live: Fingerprint,
    pub(super) live_has_no_tables: bool,
    /// The tables without transactions that a migration works on, by its position.
    pub(super) unprotected: BTreeMap<usize, Vec<String>>,
    pub(super) expected: Fingerprint,
    /// What the ledger recorded when the plan was made.
    pub(super) recorded: Vec<usize>,
    /// The catalogs before and after each pending migration in scratch.
    pub(super) rehearsals: BTreeMap<usize, Pair<Catalog>>,
    pub(super) allowed: Vec<String>,
    /// Whether something in live acts on statements that only make objects.
    pub(super) has_event_triggers: bool,
    /// Where to go on in the first pending migration.
    pub(super) within: Option<Within>,
    /// The comment of the ledger when the plan was made.
    pub(super) comment: Comment,
}

/// Why a write to live may go ahead: nothing can be lost, or there is something to go back to.
#[derive(Debug)]
pub enum Protection<'a> {
    Backup(&'a VerifiedBackup),
    NothingToLose(NothingToLose),
}

impl Protection<'_> {
    /// Where the backup is, if it is one.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Backup(it) => Some(it.backup().path().to_owned()),
            Self::NothingToLose(_) => None,
        }
    }
}

/// The proof that no step of a plan can lose data; only the plans themselves make one.
#[derive(Debug)]
pub struct NothingToLose(pub(super) ());

impl MigratePlan {
    /// The proof that nothing can be lost, if it is so: every statement only adds, where that can be taken
    /// back, or live has no table.
    pub fn nothing_to_lose(&self) -> Option<NothingToLose> {
        let only_adds = self.hazards.iter().all(|(_, it)| *it == Hazard::NotTransactional);
        let is_safe = only_adds && self.unprotected.is_empty();
        (is_safe || self.live_has_no_tables).then_some(NothingToLose(()))
    }

    /// Whether findings forbid to go on.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|it| it.severity == Severity::Error)
    }
}

/// Plans what is pending. `allowed` names the deletions that someone consented to.
///
/// # Errors
/// If scratch cannot be had.
pub fn plan(site: &Site, facts: &Facts, allowed: &[String]) -> MigratePlan {
    let history = &site.project.history;
    let (course, mut findings) = course(facts, site);
    let told = [UNFINISHED, LATE];
    let counts = |it: &&Finding| it.severity == Severity::Error || told.contains(&it.code);
    findings.extend(facts.findings.iter().filter(counts).cloned());
    let mut pending = facts.standing.pending.clone();
    match course {
        Course::Adopted | Course::Fresh => {}
        Course::Baseline | Course::Refused => pending.clear(),
        Course::Record(_) => {
            pending.clear();
            findings.push(
                Finding::error("ledger-behind", "ledger", "records less than live already is; running those migrations again would fail, or do things twice")
                    .next("raingauge reconcile"),
            );
        }
    }
    if facts.states.n_ran() < history.migrations.len() {
        // The history broke in scratch, and a finding says where.
        pending.clear();
    }
    let hazards = risks::hazards(site, facts, &pending);
    findings.extend(risks::risks(site, facts, &pending, allowed));
    findings.extend(missing_rights(site, facts, &pending));
    let unprotected = risks::unprotected(site, facts, &pending);
    let rehearsed = |at: &usize| {
        let pair = risks::rehearsed(&facts.states, *at)?;
        Some((*at, Pair { from: pair.from.clone(), to: pair.to.clone() }))
    };
    let rehearsals = pending.iter().filter_map(rehearsed).collect();
    let expected = facts.states.get(facts.states.n_ran()).map(Catalog::fingerprint);
    let live = facts.live.fingerprint();
    let expected = expected.unwrap_or_else(|| live.clone());
    let plan = plan_hash(site, facts, &pending);
    let live_has_no_tables = facts.live.of_kind(Kind::Table).next().is_none();
    let recorded = facts.standing.recorded.clone();
    let allowed = allowed.to_vec();
    MigratePlan {
        pending,
        hazards,
        plan,
        findings,
        from: facts.position.proven,
        live,
        live_has_no_tables,
        unprotected,
        expected,
        recorded,
        rehearsals,
        allowed,
        has_event_triggers: facts.live.of_kind(Kind::EventTrigger).next().is_some(),
        within: facts.position.within.clone(),
        comment: facts.comment.clone(),
    }
}

/// T34: what would stop a migration half way through the pending ones.
fn missing_rights(site: &Site, facts: &Facts, pending: &[usize]) -> Vec<Finding> {
    let Some(rights) = &facts.rights else { return Vec::new() };
    let history = &site.project.history;
    let mut migrations: Vec<_> = pending
        .iter()
        .filter_map(|at| Some((&history.migrations[*at], risks::rehearsed(&facts.states, *at)?)))
        .collect();
    if let (Some(first), Some(last)) = (pending.first(), pending.last())
        && migrations.len() < pending.len()
        && let (Some(from), Some(to)) = (facts.states.get(*first), facts.states.get(last + 1))
    {
        // Of very many not every state was read: what they do together still tells which rights it takes.
        migrations.push((&history.migrations[*last], Pair { from, to }));
    }
    rights::missing_for(rights, facts, &migrations)
}

fn plan_hash(site: &Site, facts: &Facts, pending: &[usize]) -> Fingerprint {
    let live = facts.live.fingerprint();
    let done = facts.position.within.as_ref().map(|it| it.done.to_string());
    let target = site.dsn.to_string();
    let migrations = pending.iter().map(|at| &site.project.history.migrations[*at]);
    let each = migrations.flat_map(|it| [it.entry.tag.as_str(), it.hash.as_str()]);
    Fingerprint::of_parts(
        [live.as_str(), target.as_str()].into_iter().chain(each).chain(done.as_deref()),
    )
}

/// A plan with everything that it takes to carry it out.
#[derive(Debug)]
pub struct Job<'a> {
    pub plan: &'a MigratePlan,
    pub consent: &'a Consent,
    pub protection: &'a Protection<'a>,
    pub pace: Pace,
}

/// What was applied.
#[derive(Debug, Default)]
pub struct Applied {
    pub steps: Vec<Step>,
}

/// Applies a plan.
///
/// # Errors
/// A refusal if the plan is stale, another run is at work or an interrupted one waits. A migration
/// that fails is rolled back; [`Error::done`] names those that were committed before it.
pub fn carry_out(site: &Site, job: &Job<'_>, progress: &mut dyn Progress) -> Result<Applied> {
    let plan = job.plan;
    let mut ready = begin(site, plan, job.consent, job.pace.wait)?;
    if plan.pending.iter().all(|at| ready.recorded.contains(at)) {
        // Whoever held the lock before has done it all.
        let step = Step::new("another run applied everything meanwhile", StepState::Done);
        return Ok(Applied { steps: vec![step] });
    }
    ready.refuse_stale(site, plan)?;
    let Ready { session, mut reader, _lock, .. } = ready;
    let from = plan.from.ok_or_else(stale)?;
    let pace = job.pace;
    let backup = job.protection.path();
    let mut work =
        Workplace { site, plan, pace, from, session, watch: None, backup, is_ledger_ready: false };
    work.prepare()?;
    work.watch_itself();
    let applied = all_pending(&mut work, progress);
    // Also after a failure: no place for notes stays that holds none.
    let _ = store::clear(&mut work.session);
    let applied = applied?;
    let live = introspect::catalog(&mut reader, &site.ledger_names())?;
    if live.fingerprint() != plan.expected {
        return Err(with_done(differs(plan, &live), &applied));
    }
    Ok(applied)
}

fn all_pending(work: &mut Workplace<'_>, progress: &mut dyn Progress) -> Result<Applied> {
    let (site, plan) = (work.site, work.plan);
    let mut applied = Applied::default();
    for at in &plan.pending {
        let tag = &site.project.history.migrations[*at].entry.tag;
        progress.begin(&format!("applying {tag}"));
        progress.boundary(&format!("migrate/{tag}/begin"));
        let steps = match turn::apply(work, *at, progress) {
            Ok(steps) => steps,
            // What it did to tables without transactions stays.
            Err(error) if error.code == "migration-failed" && plan.unprotected.contains_key(at) => {
                return Err(with_done(work.with_backup(error), &applied));
            }
            Err(error) => return Err(with_done(error, &applied)),
        };
        progress.boundary(&format!("migrate/{tag}/committed"));
        applied.steps.extend(steps);
    }
    Ok(applied)
}

/// Live is another one than that of the rehearsal; where its catalog is known, with what differs.
fn differs(plan: &MigratePlan, live: &Catalog) -> Error {
    /// A cause is one line.
    const MOST: usize = 5;
    let error = Error::new(
        "outcome-differs",
        "live is not what the rehearsal led to, although every migration was applied",
    )
    .next("find out who changes live besides; raingauge analyze shows all that differs");
    let Some(rehearsed) = plan.pending.last().and_then(|it| plan.rehearsals.get(it)) else {
        return error;
    };
    let difference = compare(Pair { from: live, to: &rehearsed.to });
    let rows = differences_between(&difference, Pair { from: "live", to: "the rehearsal" });
    let n_more = rows.len().saturating_sub(MOST);
    let lines =
        rows.iter().take(MOST).map(|[object, difference]| format!("{object}: {difference}"));
    let more = (0 < n_more).then(|| format!("and {n_more} more"));
    error.caused_by(lines.chain(more).collect::<Vec<_>>().join("; "))
}

/// The lock, with a session that writes and one that looks.
pub(super) struct Ready {
    pub(super) _lock: Lock,
    pub(super) session: Session,
    reader: Session,
    /// What the ledger records now.
    recorded: Vec<usize>,
}

/// Takes the lock for a plan that someone agreed to.
///
/// # Errors
/// A refusal if another plan was agreed to, another run is at work or an interrupted one waits.
pub(super) fn begin(
    site: &Site,
    plan: &MigratePlan,
    consent: &Consent,
    wait: Duration,
) -> Result<Ready> {
    if *consent.plan() != plan.plan {
        return Err(stale());
    }
    let lock = Lock::acquire(&site.dsn, wait)?;
    refuse_unfinished(&site.project.root)?;
    let mut session = Session::open_plain(&site.dsn, Access::Create)?;
    if let Session::MySql(session) = &mut session {
        begin_work(session, wait)?;
    }
    let mut reader = Session::open(&site.dsn, Access::ReadOnly)?;
    let recorded = already_recorded(site, &mut reader)?;
    Ok(Ready { _lock: lock, session, reader, recorded })
}

impl Ready {
    /// Refuses if anything is not as it was when the plan was made.
    pub(super) fn refuse_stale(&mut self, site: &Site, plan: &MigratePlan) -> Result<()> {
        // A migration that only writes rows leaves the structure as it was.
        let is_stale =
            self.recorded != plan.recorded || comment(site, &mut self.reader)? != plan.comment;
        let names = site.ledger_names();
        if is_stale
            || introspect::catalog(&mut self.reader, &names)?.fingerprint() != plan.live
            || site.project.history.has_changed(site.dialect())?
        {
            return Err(stale());
        }
        Ok(())
    }
}

fn comment(site: &Site, session: &mut Session) -> Result<Comment> {
    Comment::read(session, &site.project.ledger).map_err(|cause| {
        Error::new("ledger-unreadable", "cannot read the comment of the ledger").caused_by(cause)
    })
}

pub(super) fn already_recorded(site: &Site, session: &mut Session) -> Result<Vec<usize>> {
    let unreadable =
        |cause| Error::new("ledger-unreadable", "cannot read the ledger").caused_by(cause);
    let name = &site.project.ledger;
    if !ledger::find(session, name).map_err(unreadable)?.contains(name) {
        return Ok(Vec::new());
    }
    let ledger = ledger::read(session, name).map_err(unreadable)?;
    let standing = crate::check::ledger::standing(
        site.dialect(),
        &site.project.history,
        Some(&ledger),
        site.setting.now,
    );
    Ok(standing.recorded)
}

fn with_done(error: Error, applied: &Applied) -> Error {
    applied.steps.iter().fold(error, |it, step| it.after(step.name.clone()))
}

pub(super) fn stale() -> Error {
    Error::refusal(
        "plan-stale",
        "the database or the project changed since the plan was made; nothing was changed",
    )
    .next("raingauge status: shows what would run now")
}
