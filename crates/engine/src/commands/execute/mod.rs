//! `execute`: the whole way, step by step, with an answer before each write.
//!
//! What comes next is decided by [`crate::guide`] from what is true now, so a run that was killed goes
//! on where files and database really are.

mod plans;
mod report;

use raingauge_schema::Fingerprint;

use self::plans::Plans;
use self::report::{
    blocked_report, declined_report, keep_history, open_question, open_report, question,
    sequence_report,
};
use super::validate::validate_site;
use crate::apply::Pace;
use crate::apply::migrate::{self, Protection};
use crate::apply::reconcile;
use crate::consent::{Consent, Given};
use crate::counsel::{Answer, Counsel, Question};
use crate::facts::{Facts, Scope};
use crate::guide::{Next, Situation, Stage, State, next};
use crate::protection;
use crate::report::{Finding, Outcome, Report, Severity, Step, Verdict};
use crate::setting::Setting;
use crate::site::Site;
use crate::{Error, Result, backup::VerifiedBackup};

/// What `execute` is allowed to do from the start.
#[derive(Clone, Debug, Default)]
pub struct Mandate {
    /// Consent to the whole sequence.
    pub given: Given,
    /// Whether an interrupted run is to be finished or undone first.
    pub resume: bool,
}

/// Takes a database all the way: analyze, backup, reconcile, migrate, validate.
///
/// # Errors
/// If something cannot run; what had been done by then is in [`Error::done`].
pub fn execute(setting: &Setting, mandate: &Mandate, counsel: &mut dyn Counsel) -> Result<Report> {
    let mut site = Site::open(setting)?;
    site.live.refuse_shared()?;
    let mut resumed = Vec::new();
    if mandate.resume {
        if let Some(written) = reconcile::resume(&mut site, counsel)? {
            resumed = written.steps;
            site.refresh()?;
        }
    } else {
        reconcile::refuse_interrupted(&mut site)?;
    }
    let facts = Facts::gather(&mut site, Scope::All, counsel)?;
    let mut execution = Execution {
        state: State::default(),
        backup: None,
        backup_is_fresh: false,
        consent: None,
        steps: resumed,
        wrote_files: false,
        agreed_files: None,
        warnings: Vec::new(),
    };
    let (outcome, mut report) =
        execution.run(&mut site, facts, mandate, counsel).map_err(|error| {
            execution.steps.iter().fold(error, |it, step| it.after(step.name.clone()))
        })?;
    report.command = "execute";
    report.outcome = outcome;
    report.steps = execution.steps.into_iter().chain(report.steps).collect();
    Ok(report)
}

struct Execution {
    state: State,
    backup: Option<VerifiedBackup>,
    /// Whether it was taken in this run, and nobody was asked anything since.
    backup_is_fresh: bool,
    /// Consent to the whole sequence, if it was given at the start.
    consent: Option<Consent>,
    steps: Vec<Step>,
    /// Whether the history has new files, which belong into version control.
    wrote_files: bool,
    /// The hashes of the migrations that the agreement to the sequence covers, in order.
    agreed_files: Option<Vec<Fingerprint>>,
    /// What was worth a warning when the plan was made.
    warnings: Vec<Finding>,
}

impl Execution {
    fn run(
        &mut self,
        site: &mut Site,
        mut facts: Facts,
        mandate: &Mandate,
        counsel: &mut dyn Counsel,
    ) -> Result<(Outcome, Report)> {
        let mut plans = Plans::make(site, &mut facts, counsel)?;
        let mut shown = false;
        loop {
            let situation = self.situation(site, &facts, &plans)?;
            let writes = situation.needs_reconcile || 0 < situation.n_pending;
            if writes && !shown && situation.blocked_by.is_empty() {
                shown = true;
                let told = facts.findings.iter().chain(&plans.planning.findings);
                self.warnings.extend(told.filter(|it| it.severity == Severity::Warning).cloned());
                if mandate.given != Given::Nothing || counsel.can_answer() {
                    let report = sequence_report(site, &facts, &plans);
                    counsel.show(&Report { outcome: Outcome::Planned, ..report });
                }
                if let Some(finding) = self.agree_to_sequence(site, &plans, mandate) {
                    return Ok((Outcome::Finished, open_report(site, &facts, &plans, finding)));
                }
            }
            match next(&self.state, &situation) {
                Next::Blocked(_) => {
                    return Ok((Outcome::Refused, blocked_report(site, &facts, plans)));
                }
                Next::Declined(stage) => {
                    return Ok((Outcome::Refused, declined_report(site, stage)));
                }
                Next::Done => unreachable!("validation returns its own report"),
                Next::Ask(stage) => {
                    let question = question(site, &plans, stage);
                    match counsel.answer(&question) {
                        Answer::Open => {
                            let finding = open_question(&question, &plans.sequence(site));
                            return Ok((
                                Outcome::Finished,
                                open_report(site, &facts, &plans, finding),
                            ));
                        }
                        answer => self.hear(site, stage, &question, answer)?,
                    }
                }
                Next::Run(Stage::Validate) => {
                    let mut report = validate_site(site, counsel)?;
                    let is_told = |it: &Finding| {
                        report.findings.iter().any(|told| told.tells_the_same_as(it))
                    };
                    self.warnings.retain(|it| !is_told(it));
                    report.findings.append(&mut self.warnings);
                    if self.wrote_files && report.verdict() == Verdict::Clean {
                        report.next = Some(keep_history(site));
                    }
                    return Ok((Outcome::Finished, report));
                }
                Next::Run(stage) => {
                    self.perform(site, &plans, stage, counsel)?;
                    counsel.boundary(&format!("execute/{}-done", stage.word()));
                    if stage != Stage::Backup {
                        site.refresh()?;
                        facts = Facts::gather(site, Scope::Declared, counsel)?;
                        plans = Plans::make(site, &mut facts, counsel)?;
                    }
                }
            }
        }
    }

    fn situation(&mut self, site: &mut Site, facts: &Facts, plans: &Plans) -> Result<Situation> {
        if self.backup.is_none() {
            self.backup = protection::existing(site, &facts.live.fingerprint())?;
        }
        Ok(Situation {
            blocked_by: plans.blocking(facts),
            needs_reconcile: plans.planning.adoption.is_some(),
            n_pending: plans.migrate.pending.len(),
            has_backup: self.backup.is_some(),
        })
    }

    /// With `--confirm` the whole sequence is agreed to at once, or not at all.
    fn agree_to_sequence(
        &mut self,
        site: &Site,
        plans: &Plans,
        mandate: &Mandate,
    ) -> Option<Finding> {
        if mandate.given == Given::Nothing {
            return None;
        }
        match Consent::obtain(&plans.sequence(site), &mandate.given, &site.circumstance(None)) {
            Ok(consent) => {
                self.consent = Some(consent);
                self.agreed_files = Some(plans.files_to_apply(site));
                self.state.agreed = vec![Stage::Backup, Stage::Reconcile, Stage::Migrate];
                None
            }
            Err(finding) => Some(*finding),
        }
    }

    fn hear(
        &mut self,
        site: &Site,
        stage: Stage,
        question: &Question,
        answer: Answer,
    ) -> Result<()> {
        self.backup_is_fresh = false;
        let Answer::Yes(typed) = answer else {
            self.state.declined = Some(stage);
            return Ok(());
        };
        match Consent::obtain(&question.plan, &Given::Shown, &site.circumstance(typed)) {
            Ok(consent) => self.consent = Some(consent),
            Err(finding) => return Err(Error::refusal(finding.code, finding.message.clone())),
        }
        self.state.agreed.push(stage);
        Ok(())
    }

    fn perform(
        &mut self,
        site: &mut Site,
        plans: &Plans,
        stage: Stage,
        counsel: &mut dyn Counsel,
    ) -> Result<()> {
        // One that lies there may be older than the newest rows, even if the structure is the same.
        let may_lose = stage == Stage::Migrate && plans.migrate.nothing_to_lose().is_none();
        if stage == Stage::Backup || (may_lose && !self.backup_is_fresh) {
            let backup = protection::take(site, counsel)?;
            self.steps.push(protection::step(&backup, true));
            self.backup = Some(backup);
            self.backup_is_fresh = true;
        }
        if stage == Stage::Backup {
            return Ok(());
        }
        let backup = self.backup.as_ref().expect("the guide asks for a backup before any write");
        let consent = self.consent.as_ref().expect("the guide asks before any write");
        match (stage, &plans.planning.adoption) {
            (Stage::Reconcile, Some(adoption)) => {
                let consent = consent.for_part(&adoption.plan);
                let written = reconcile::carry_out(site, adoption, &consent, backup, counsel)?;
                self.steps.extend(written.steps);
                self.wrote_files |= !adoption.migrations.is_empty();
            }
            (Stage::Migrate, _) => {
                if self.agreed_files.as_ref().is_some_and(|it| *it != plans.files_to_apply(site)) {
                    return Err(other_files());
                }
                let consent = consent.for_part(&plans.migrate.plan);
                let protection = Protection::Backup(backup);
                let job = migrate::Job {
                    plan: &plans.migrate,
                    consent: &consent,
                    protection: &protection,
                    pace: Pace::default(),
                };
                let applied = migrate::carry_out(site, &job, counsel)?;
                self.steps.extend(applied.steps);
            }
            (Stage::Backup | Stage::Reconcile | Stage::Validate, _) => {}
        }
        Ok(())
    }
}

/// Somebody changed the history between the agreement and its execution.
fn other_files() -> Error {
    Error::refusal(
        "plan-stale",
        "the migrations that would run now are not the ones that were agreed to; they were not run",
    )
    .next("raingauge status: shows what would run now")
}
