//! Applies pending migrations: rehearsed, under a lock, each in a transaction with its ledger row.
//!
//! What is pending is computed by the installed Drizzle's rule and by ours, and any disagreement stops.
//! The rehearsal is the replay of the whole history in scratch: live has to equal it before the first
//! pending migration, and again after the last one.

use std::collections::BTreeMap;
use std::time::Duration;

use raingauge_schema::drizzle::ledger::creation;
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Fingerprint, Kind, Pair};

use crate::adoption::{Course, course};
use crate::apply::reconcile::refuse_unfinished;
use crate::apply::tripwire::{Named, Tripwire};
use crate::apply::{failure, risks};
use crate::backup::VerifiedBackup;
use crate::check::rights;
use crate::connect::{Access, Session, SqlError};
use crate::consent::Consent;
use crate::facts::Facts;
use crate::history::Migration;
use crate::ledger;
use crate::lock::Lock;
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
    /// Live's catalog when the plan was made.
    pub live: Fingerprint,
    live_has_no_tables: bool,
    expected: Fingerprint,
    /// What the ledger recorded when the plan was made.
    recorded: Vec<usize>,
    /// The catalogs before and after each pending migration in scratch.
    rehearsals: BTreeMap<usize, Pair<Catalog>>,
    allowed: Vec<String>,
}

/// Why a write to live may go ahead: nothing can be lost, or there is something to go back to.
#[derive(Debug)]
pub enum Protection<'a> {
    Backup(&'a VerifiedBackup),
    NothingToLose(NothingToLose),
}

/// The proof that no step of a plan can lose data; only [`MigratePlan::nothing_to_lose`] makes one.
#[derive(Debug)]
pub struct NothingToLose(());

impl MigratePlan {
    /// The proof that nothing can be lost, if it is so: every statement only adds, or live has no table.
    pub fn nothing_to_lose(&self) -> Option<NothingToLose> {
        let only_adds = self.hazards.iter().all(|(_, it)| *it == Hazard::NotTransactional);
        (only_adds || self.live_has_no_tables).then_some(NothingToLose(()))
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
    findings.extend(facts.findings.iter().filter(|it| it.severity == Severity::Error).cloned());
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
    if facts.states.len() <= history.migrations.len() && !history.migrations.is_empty() {
        // The history broke in scratch, and a finding says where.
        pending.clear();
    }
    let hazards = risks::hazards(site, facts, &pending);
    findings.extend(risks::risks(site, facts, &pending, allowed));
    findings.extend(missing_rights(site, facts, &pending));
    let rehearsed = |at: &usize| {
        let pair = risks::rehearsed(&facts.states, *at)?;
        Some((*at, Pair { from: pair.from.clone(), to: pair.to.clone() }))
    };
    let rehearsals = pending.iter().filter_map(rehearsed).collect();
    let expected = facts.states.last().map(Catalog::fingerprint);
    let live = facts.live.fingerprint();
    let expected = expected.unwrap_or_else(|| live.clone());
    let plan = plan_hash(site, &live, &pending);
    let live_has_no_tables = facts.live.of_kind(Kind::Table).next().is_none();
    let recorded = facts.standing.recorded.clone();
    let allowed = allowed.to_vec();
    MigratePlan {
        pending,
        hazards,
        plan,
        findings,
        live,
        live_has_no_tables,
        expected,
        recorded,
        rehearsals,
        allowed,
    }
}

/// T34: what would stop a migration half way through the pending ones.
fn missing_rights(site: &Site, facts: &Facts, pending: &[usize]) -> Vec<Finding> {
    let Some(rights) = &facts.rights else { return Vec::new() };
    let migrations: Vec<_> = pending
        .iter()
        .filter_map(|at| {
            let rehearsed = risks::rehearsed(&facts.states, *at)?;
            Some((&site.project.history.migrations[*at], rehearsed))
        })
        .collect();
    rights::missing_for(rights, facts, &migrations)
}

fn plan_hash(site: &Site, live: &Fingerprint, pending: &[usize]) -> Fingerprint {
    let target = site.dsn.to_string();
    let migrations = pending.iter().map(|at| &site.project.history.migrations[*at]);
    let each = migrations.flat_map(|it| [it.entry.tag.as_str(), it.hash.as_str()]);
    Fingerprint::of_parts([live.as_str(), target.as_str()].into_iter().chain(each))
}

/// A plan with everything that it takes to carry it out.
#[derive(Debug)]
pub struct Job<'a> {
    pub plan: &'a MigratePlan,
    pub consent: &'a Consent,
    pub protection: &'a Protection<'a>,
    /// How long to wait for another runner.
    pub wait: Duration,
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
    if *job.consent.plan() != plan.plan {
        return Err(stale());
    }
    let _lock = Lock::acquire(&site.dsn, job.wait)?;
    refuse_unfinished(&site.project.root)?;
    let mut session = Session::open_plain(&site.dsn, Access::Create)?;
    let mut reader = Session::open(&site.dsn, Access::ReadOnly)?;
    let names = site.ledger_names();
    let recorded = already_recorded(site, &mut reader)?;
    if plan.pending.iter().all(|at| recorded.contains(at)) {
        // Whoever held the lock before has done it all.
        return Ok(Applied { steps: vec![step("another run applied everything meanwhile", 0)] });
    }
    // A migration that only writes rows leaves the structure as it was.
    let is_stale = recorded != plan.recorded;
    if is_stale
        || introspect::catalog(&mut reader, &names)?.fingerprint() != plan.live
        || site.project.history.has_changed(site.dialect())?
    {
        return Err(stale());
    }
    let mut applied = Applied::default();
    for at in &plan.pending {
        let migration = &site.project.history.migrations[*at];
        let tag = &migration.entry.tag;
        progress.begin(&format!("applying {tag}"));
        progress.boundary(&format!("migrate/{tag}/begin"));
        let turn = Turn { at: *at, migration, plan };
        let steps = match apply(site, &mut session, &turn, progress) {
            Ok(steps) => steps,
            Err(error) => return Err(with_done(error, &applied)),
        };
        progress.boundary(&format!("migrate/{tag}/committed"));
        applied.steps.extend(steps);
    }
    if introspect::catalog(&mut reader, &names)?.fingerprint() != plan.expected {
        let error = Error::new(
            "outcome-differs",
            "live is not what the rehearsal led to, although every migration was applied",
        )
        .next("raingauge analyze: shows the difference");
        return Err(with_done(error, &applied));
    }
    Ok(applied)
}

fn already_recorded(site: &Site, session: &mut Session) -> Result<Vec<usize>> {
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

/// One migration of a plan, whose turn it is.
struct Turn<'a> {
    at: usize,
    migration: &'a Migration,
    plan: &'a MigratePlan,
}

impl Turn<'_> {
    /// What the migration names as tables to lose rows or values, if it does more than add.
    fn named(&self, ledger: &str) -> Option<Named> {
        let tag = &self.migration.entry.tag;
        let own: Vec<_> =
            self.plan.hazards.iter().filter(|it| it.0 == *tag).map(|it| &it.1).collect();
        let ledger = ledger.to_owned();
        (!own.is_empty()).then(|| Named::new(own, &self.plan.allowed, ledger))
    }

    fn failed(&self, line: usize, cause: SqlError) -> Error {
        failure::failed(self.migration, line, cause)
    }
}

/// Runs one migration with its ledger row in one transaction; gives what is to be told of it.
fn apply(
    site: &Site,
    session: &mut Session,
    turn: &Turn<'_>,
    progress: &mut dyn Progress,
) -> Result<Vec<Step>> {
    let named = turn.named(&site.project.ledger.table);
    let mut tripwire = Tripwire::prepare(session, named).map_err(|cause| turn.failed(1, cause))?;
    session.run(tripwire.begin()).map_err(|cause| turn.failed(1, cause))?;
    let result = run_pieces(site, session, turn, &mut tripwire);
    progress.boundary(&format!("migrate/{}/applied", turn.migration.entry.tag));
    let steps = result.inspect_err(|_| drop(session.run("ROLLBACK")))?;
    match session.run("COMMIT") {
        Ok(()) => Ok(steps),
        Err(cause) if session.run("ROLLBACK").is_ok() => Err(turn.failed(1, cause)),
        Err(cause) => after_lost_commit(site, turn.migration, cause).map(|()| steps),
    }
}

fn run_pieces(
    site: &Site,
    session: &mut Session,
    turn: &Turn<'_>,
    tripwire: &mut Tripwire,
) -> Result<Vec<Step>> {
    tripwire.lock(session).map_err(|cause| turn.failed(1, cause))?;
    if already_recorded(site, session)?.contains(&turn.at) {
        return Err(stale());
    }
    let rehearsed = turn.plan.rehearsals.get(&turn.at);
    let rehearsed = rehearsed.map(|it| Pair { from: &it.from, to: &it.to });
    tripwire.arm(session, turn.migration, rehearsed)?;
    let pieces = split(&turn.migration.sql);
    for piece in &pieces {
        send(session, piece.sql).map_err(|(line, cause)| turn.failed(piece.line + line, cause))?;
    }
    let notes = tripwire.check(session)?;
    record(site, session, turn.migration).map_err(|cause| {
        let name = &site.project.ledger;
        Error::new(
            "ledger-unwritable",
            format!("cannot record the migration in `{name}`; it was rolled back"),
        )
        .caused_by(cause)
    })?;
    let applied = step(&format!("apply {}", turn.migration.entry.tag), pieces.len());
    Ok([applied].into_iter().chain(notes.iter().map(|it| step(it, 0))).collect())
}

/// Sends a piece as it is. An error comes with the number of lines before it.
fn send(session: &mut Session, sql: &str) -> Result<(), (usize, SqlError)> {
    let n_lines = |n_chars: usize| sql.chars().take(n_chars).filter(|it| *it == '\n').count();
    let n_blank = sql.chars().take_while(|it| it.is_whitespace()).count();
    let statements = match session {
        Session::Postgres(_) => Vec::new(),
        Session::Sqlite(_) => raingauge_schema::sqlite::split::split(sql).unwrap_or_default(),
    };
    if statements.is_empty() {
        return session.run(sql).map_err(|it| (n_lines(it.position.unwrap_or(n_blank)), it));
    }
    statements.iter().try_for_each(|it| session.run(&it.sql).map_err(|cause| (it.line - 1, cause)))
}

/// The connection broke while the commit was on its way: only the ledger knows.
fn after_lost_commit(site: &Site, migration: &Migration, cause: SqlError) -> Result<()> {
    let unknown = || {
        let tag = &migration.entry.tag;
        Error::new(
            "outcome-unknown",
            format!("the connection broke while `{tag}` was committed; it may be applied or not"),
        )
        .next("raingauge migrate: looks, and goes on from there")
    };
    let mut reader = Session::open(&site.dsn, Access::ReadOnly)
        .map_err(|it| unknown().caused_by(it).after(format!("perhaps {}", migration.entry.tag)))?;
    let recorded = already_recorded(site, &mut reader)?;
    let is_recorded = |at: &usize| site.project.history.migrations[*at].hash == migration.hash;
    if recorded.iter().any(is_recorded) {
        Ok(())
    } else {
        Err(failure::failed(migration, 1, cause))
    }
}

fn record(site: &Site, session: &mut Session, migration: &Migration) -> Result<(), SqlError> {
    let name = &site.project.ledger;
    if !ledger::find(session, name)?.contains(name) {
        for statement in creation(site.dialect(), &name.schema, &name.table) {
            session.run(&statement)?;
        }
    }
    session.run(&ledger::record(
        site.dialect(),
        name,
        migration.hash.as_str(),
        migration.entry.when,
    ))
}

fn with_done(error: Error, applied: &Applied) -> Error {
    applied.steps.iter().fold(error, |it, step| it.after(step.name.clone()))
}

fn step(name: &str, n_statements: usize) -> Step {
    Step { n_statements, ..Step::new(name, StepState::Done) }
}

fn stale() -> Error {
    Error::refusal(
        "plan-stale",
        "the database or the project changed since the plan was made; nothing was changed",
    )
    .next("raingauge status: shows what would run now")
}
