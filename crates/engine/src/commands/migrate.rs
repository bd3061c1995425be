//! `migrate`: applies what is pending.

use jiff::SignedDuration;
use raingauge_schema::Kind;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::snapshot::Generation;

use super::status::{pending_section, planned_steps};
use crate::apply::migrate::{self as apply, Job, MigratePlan, Protection};
use crate::apply::reconcile;
use crate::apply::{Pace, algorithm, foresee, locks};
use crate::check::history::chain;
use crate::check::ledger::{Ledgers, Standing, other_ledgers, standing};
use crate::connect::Session;
use crate::consent::{Consent, Given};
use crate::counsel::{Counsel, Question, agree};
use crate::facts::{Facts, Scope};
use crate::history::Migration;
use crate::ledger;
use crate::lock::mysql::{Purpose, wait_until_free};
use crate::midway::{Comment, wait_for_remains};
use crate::project::Project;
use crate::report::{Finding, Outcome, Report, Severity, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;
use crate::{Error, Result, introspect, protection};

/// What a caller says about a `migrate`.
#[derive(Clone, Debug)]
pub struct MigrateRequest {
    pub given: Given,
    pub pace: Pace,
    /// Whether an interrupted run is to be finished or undone first.
    pub resume: bool,
    /// How old a verified backup may be on which a deletion rests; without it, a new one is taken.
    pub backup_age: Option<SignedDuration>,
}

/// Applies pending migrations. On a target of this machine that nobody marked protected, typing the
/// command is the consent; a deletion still has to be named.
///
/// # Errors
/// If something cannot run; [`Error::done`] names the migrations that were committed before.
pub fn migrate(
    setting: &Setting,
    request: &MigrateRequest,
    counsel: &mut dyn Counsel,
) -> Result<Report> {
    let mut site = Site::open_without_schema(setting)?;
    site.live.refuse_shared()?;
    let mut resumed = Vec::new();
    if request.resume {
        if let Some(written) = reconcile::resume(&mut site, counsel)? {
            resumed = written.steps;
            site.refresh()?;
        }
    } else {
        reconcile::refuse_interrupted(&mut site)?;
    }
    let quick = quick_standing(&mut site)?;
    let is_sound = quick.findings.is_empty() && !site.project.history.is_empty();
    if quick.pending.is_empty() && is_sound && has_recorded_tables(&mut site)? {
        let mut report = site.report("migrate");
        report.steps = resumed;
        report.steps.push(Step::new("nothing is pending", StepState::Skipped));
        return Ok(report);
    }
    // Only now: where nothing is pending, nobody needs to know what `schema.ts` says.
    site.project = Project::load(setting)?;
    await_remains(&mut site, request.pace)?;
    let facts = Facts::gather(&mut site, Scope::History, counsel)?;
    let mut plan = apply::plan(&site, &facts, &site.setting.allow);
    if !plan.pending.is_empty() {
        counsel.begin("looking whether live's rows fit");
        plan.findings.extend(foresee::rows(&mut site, &facts, &plan.pending));
    }
    let mut report = site.report("migrate");
    report.sections.push(pending_section(&site, &plan));
    report.sections.extend(locks::section(&mut site, &plan.pending));
    let ways = algorithm::section(&mut site, &facts, &plan.pending, &mut plan.findings)?;
    report.sections.extend(ways);
    report.findings.extend(plan.findings.iter().cloned());
    if plan.is_refused() {
        report.outcome = Outcome::Refused;
        // A deletion that nobody has named needs a word, which its finding says, and no look.
        let mut errors = plan.findings.iter().filter(|it| it.severity == Severity::Error);
        if errors.any(|it| it.code != "deletion-not-allowed") {
            report.next = Some("raingauge analyze".to_owned());
        }
        return Ok(report);
    }
    if site.project.history.is_empty() && facts.live.of_kind(Kind::Table).next().is_some() {
        report.findings.push(
            Finding::error(
                "not-adopted",
                "history",
                "has no migrations, so nothing can be applied, and nothing is known of how live came to be",
            )
            .next("raingauge analyze"),
        );
        return Ok(report);
    }
    if plan.pending.is_empty() {
        report.steps.push(Step::new("nothing is pending", StepState::Skipped));
        return Ok(report);
    }
    report.steps = planned_steps(&site, &plan);
    // Without a flag, typing the command says what the flag would say.
    let given = if request.given == Given::Nothing { &Given::Shown } else { &request.given };
    let consent = match agree(&site, &question(&site, &plan), given, counsel) {
        Ok(consent) => consent,
        Err(finding) => {
            report.findings.insert(0, *finding);
            return Ok(report);
        }
    };
    apply_plan(&mut site, &plan, &consent, request, counsel).map(|steps| {
        report.steps = resumed.into_iter().chain(steps).collect();
        report
    })
}

/// A no-op needs no scratch: ledger and history tell that nothing is pending.
fn quick_standing(site: &mut Site) -> Result<Standing> {
    let mut ledgers = Vec::new();
    for name in site.ledgers.clone() {
        let unreadable = |cause| {
            Error::new("ledger-unreadable", format!("cannot read the ledger `{name}`"))
                .caused_by(cause)
        };
        ledgers.push(ledger::read(&mut site.live, &name).map_err(unreadable)?);
    }
    let configured = ledgers.iter().find(|it| it.name == site.project.ledger);
    let mut standing =
        standing(site.dialect(), &site.project.history, configured, site.setting.now);
    let other = other_ledgers(Ledgers {
        configured: &site.project.ledger,
        all: &ledgers,
        history: &site.project.history,
        standing: &standing,
        // What is recorded is believed here: nothing is replayed.
        proven: Some(standing.recorded.len()),
        vouched: site.vouches("ledger-second"),
    });
    standing.findings.extend(other);
    standing.findings.extend(site.project.history.findings.iter().cloned());
    Ok(standing)
}

/// T15: a schema that was dropped and made anew leaves its ledger behind. Where a table of the last
/// snapshot is missing, or every table, only the whole comparison can tell what live is.
fn has_recorded_tables(site: &mut Site) -> Result<bool> {
    let names = site.ledger_names();
    let live = introspect::tables(&mut site.live, &names)?;
    let history = &site.project.history;
    let last = match (history.generation, history.migrations.last()) {
        (Generation::V1, _) => chain::last(history, site.dialect()),
        (generation @ Generation::V0, Some(Migration { snapshot: Some(text), .. })) => {
            AnySnapshot::read(site.dialect(), generation, text).ok()
        }
        (Generation::V0, _) => None,
    };
    Ok(match last {
        Some(snapshot) => snapshot.tables().iter().all(|it| live.contains(it)),
        None => !live.is_empty(),
    })
}

/// A killed run may have left a statement behind that the server still works on.
pub(super) fn await_remains(site: &mut Site, pace: Pace) -> Result<()> {
    if let Session::MySql(session) = &mut site.live {
        // Whoever reads between two statements of a migration sees nothing that will last.
        wait_until_free(session, Purpose::Runner, pace.wait)?;
        return wait_until_free(session, Purpose::Work, pace.wait);
    }
    let comment = Comment::read(&mut site.live, &site.project.ledger).map_err(|cause| {
        Error::new("ledger-unreadable", "cannot read the comment of the ledger").caused_by(cause)
    })?;
    comment.note.map_or(Ok(()), |it| wait_for_remains(&mut site.live, &it, pace.wait))
}

fn question(site: &Site, plan: &MigratePlan) -> Question {
    Question {
        id: "migrate",
        text: apply_question(plan.pending.len(), &site.identity.database),
        plan: plan.plan.clone(),
        typed_name: Some(site.identity.database.clone()),
    }
}

fn apply_plan(
    site: &mut Site,
    plan: &MigratePlan,
    consent: &Consent,
    request: &MigrateRequest,
    counsel: &mut dyn Counsel,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let pace = request.pace;
    let backup;
    let protection = if let Some(proof) = plan.nothing_to_lose() {
        Protection::NothingToLose(proof)
    } else {
        backup = protection::required(site, (&plan.live, request.backup_age), &mut steps, counsel)?;
        Protection::Backup(&backup)
    };
    let job = Job { plan, consent, protection: &protection, pace };
    steps.extend(apply::carry_out(site, &job, counsel)?.steps);
    Ok(steps)
}

/// Whether to apply `n` migrations.
pub(crate) fn apply_question(n: usize, database: &str) -> String {
    match n {
        1 => format!("Apply 1 pending migration to `{database}`?"),
        n => format!("Apply {n} pending migrations to `{database}`?"),
    }
}
