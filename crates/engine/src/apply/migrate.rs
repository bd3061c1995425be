//! Applies pending migrations: rehearsed, under a lock, each in a transaction with its ledger row.
//!
//! What is pending is computed by the installed Drizzle's rule and by ours, and any disagreement stops.
//! The rehearsal is the replay of the whole history in scratch: live has to equal it before the first
//! pending migration, and again after the last one.

use std::time::Duration;

use raingauge_schema::drizzle::ledger::creation;
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::plan::Hazard;
use raingauge_schema::sqlite::token::tokens;
use raingauge_schema::{Dialect, Fingerprint, Kind};

use super::reconcile::refuse_unfinished;
use super::tripwire::{Speech, Witness, is_foreign_keys};
use crate::adoption::{Course, course};
use crate::backup::VerifiedBackup;
use crate::connect::{Access, Session, SqlError};
use crate::consent::Consent;
use crate::facts::Facts;
use crate::history::Migration;
use crate::ledger::{self, LedgerName};
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
    let hazards = hazards(site.dialect(), pending.iter().map(|at| &history.migrations[*at]));
    findings.extend(hazard_findings(&hazards, allowed));
    let expected = facts.states.last().map(raingauge_schema::Catalog::fingerprint);
    let live = facts.live.fingerprint();
    let expected = expected.unwrap_or_else(|| live.clone());
    let plan = plan_hash(site, &live, &pending);
    let live_has_no_tables = facts.live.of_kind(Kind::Table).next().is_none();
    MigratePlan { pending, hazards, plan, findings, live, live_has_no_tables, expected }
}

/// The findings about what migrations of the history do to rows, before anything is planned for them.
pub(crate) fn risks(site: &Site, positions: &[usize], allowed: &[String]) -> Vec<Finding> {
    let migrations = positions.iter().map(|at| &site.project.history.migrations[*at]);
    hazard_findings(&hazards(site.dialect(), migrations), allowed)
}

fn plan_hash(site: &Site, live: &Fingerprint, pending: &[usize]) -> Fingerprint {
    let target = site.dsn.to_string();
    let migrations = pending.iter().map(|at| &site.project.history.migrations[*at]);
    let each = migrations.flat_map(|it| [it.entry.tag.as_str(), it.hash.as_str()]);
    Fingerprint::of_parts([live.as_str(), target.as_str()].into_iter().chain(each))
}

fn hazards<'a>(
    dialect: Dialect,
    migrations: impl Iterator<Item = &'a Migration>,
) -> Vec<(String, Hazard)> {
    let mut found: Vec<(String, Hazard)> = Vec::new();
    for migration in migrations {
        let rebuilt = match dialect {
            Dialect::Postgres => Vec::new(),
            Dialect::Sqlite => Speech::of(&statements(migration)).rebuilt,
        };
        // The rows of a rebuilt table are counted and compared while it happens.
        let is_rebuild = |it: &Hazard| match it {
            Hazard::DeletesData(what) => {
                what.strip_prefix("drop:").is_some_and(|it| rebuilt.iter().any(|name| name == it))
            }
            _ => false,
        };
        for piece in split(&migration.sql) {
            let hazards = dialect.hazards(piece.sql).into_iter().map(|it| {
                if is_rebuild(&it) { Hazard::RewritesTable(rebuilt.join(", ")) } else { it }
            });
            found.extend(hazards.map(|it| (migration.entry.tag.clone(), it)));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn hazard_findings(hazards: &[(String, Hazard)], allowed: &[String]) -> Vec<Finding> {
    let one = |(tag, hazard): &(String, Hazard)| {
        match hazard {
        Hazard::DeletesData(name) if allowed.contains(name) => None,
        Hazard::DeletesData(name) => Some(
            Finding::error("deletion-not-allowed", tag.clone(), format!("deletes data: {name}; nothing was changed"))
                .next(format!("if that is meant: `--allow {name}`")),
        ),
        Hazard::RewritesTable(name) => Some(Finding::warning("rewrites-table", tag.clone(), format!("rewrites `{name}` while it is locked"))),
        Hazard::NotTransactional => Some(
            Finding::error("not-transactional", tag.clone(), "has a statement that cannot run inside a transaction, which this version of raingauge does not run yet; nothing was changed")
                .next("run it by hand, then `raingauge analyze`"),
        ),
        Hazard::NotUnderstood => Some(Finding::warning("not-understood", tag.clone(), "has a statement whose effects on rows are not known; a verified backup is taken first")),
    }
    };
    hazards.iter().filter_map(one).collect()
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
    if introspect::catalog(&mut reader, &names)?.fingerprint() != plan.live
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
        let n_statements = match apply(site, &mut session, migration, progress) {
            Ok(n_statements) => n_statements,
            Err(error) => return Err(with_done(error, &applied)),
        };
        progress.boundary(&format!("migrate/{tag}/committed"));
        applied.steps.push(step(&format!("apply {tag}"), n_statements));
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

/// Runs one migration with its ledger row in one transaction; gives the number of pieces.
fn apply(
    site: &Site,
    session: &mut Session,
    migration: &Migration,
    progress: &mut dyn Progress,
) -> Result<usize> {
    begin(session, migration).map_err(|cause| failed(migration, 1, cause))?;
    let result = run_pieces(session, migration, &site.project.ledger).and_then(|n_pieces| {
        let name = &site.project.ledger;
        let unwritable = |cause| {
            let message = format!("cannot record the migration in `{name}`; it was rolled back");
            Error::new("ledger-unwritable", message).caused_by(cause)
        };
        record(site, session, migration).map_err(unwritable)?;
        Ok(n_pieces)
    });
    progress.boundary(&format!("migrate/{}/applied", migration.entry.tag));
    let n_pieces = result.inspect_err(|_| drop(session.run("ROLLBACK")))?;
    match session.run("COMMIT") {
        Ok(()) => Ok(n_pieces),
        Err(cause) if session.run("ROLLBACK").is_ok() => Err(failed(migration, 1, cause)),
        Err(cause) => after_lost_commit(site, migration, cause).map(|()| n_pieces),
    }
}

fn begin(session: &mut Session, migration: &Migration) -> Result<(), SqlError> {
    match session {
        Session::Postgres(_) => session.run("BEGIN; SET LOCAL lock_timeout = '5s'"),
        Session::Sqlite(_) => {
            session.run(Speech::of(&statements(migration)).pragma())?;
            session.run("BEGIN IMMEDIATE")
        }
    }
}

/// The text of a migration without the migrator's breakpoints, some of which end a line of SQL.
fn statements(migration: &Migration) -> String {
    split(&migration.sql).iter().map(|it| it.sql).collect::<Vec<_>>().join("\n;")
}

fn run_pieces(session: &mut Session, migration: &Migration, ledger: &LedgerName) -> Result<usize> {
    let pieces = split(&migration.sql);
    let speech = Speech::of(&statements(migration));
    let unreadable = |cause| failed(migration, 1, cause);
    let before = witness(session, ledger).map_err(unreadable)?;
    for piece in &pieces {
        send(session, piece.sql)
            .map_err(|(line, cause)| failed(migration, piece.line + line, cause))?;
    }
    let after = witness(session, ledger).map_err(unreadable)?;
    let losses = before.zip(after).map(|(before, after)| before.losses(&after, &speech));
    match losses.unwrap_or_default() {
        losses if losses.is_empty() => Ok(pieces.len()),
        losses => Err(rows_lost(migration, &losses)),
    }
}

/// SQLite's rows, read when the transaction keeps all other writers out.
fn witness(session: &mut Session, ledger: &LedgerName) -> Result<Option<Witness>, SqlError> {
    match session {
        Session::Postgres(_) => Ok(None),
        Session::Sqlite(session) => Witness::of(session, ledger).map(Some),
    }
}

/// Sends a piece as it is, without the pragma that ran before the transaction. An error comes with the
/// number of lines before it.
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
    let is_sent = |sql: &str| !tokens(sql).is_ok_and(|it| is_foreign_keys(&it));
    let mut sent = statements.iter().filter(|it| is_sent(&it.sql));
    sent.try_for_each(|it| session.run(&it.sql).map_err(|cause| (it.line - 1, cause)))
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
    if recorded.iter().any(is_recorded) { Ok(()) } else { Err(failed(migration, 1, cause)) }
}

fn rows_lost(migration: &Migration, losses: &[String]) -> Error {
    Error::refusal(
        "rows-lost",
        format!(
            "`{}` would lose what it does not say that it deletes: {}; it was rolled back",
            migration.path.display(),
            losses.join("; ")
        ),
    )
    .next("correct the migration, then run `raingauge migrate` again")
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

fn failed(migration: &Migration, line: usize, cause: SqlError) -> Error {
    let place = format!("{}:{line}", migration.path.display());
    let state = cause.state.clone();
    Error::new(
        "migration-failed",
        format!("`{place}` failed ({state}); the migration was rolled back"),
    )
    .caused_by(cause)
    .next("correct the migration, then run `raingauge migrate` again")
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
