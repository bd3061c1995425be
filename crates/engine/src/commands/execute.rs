//! `execute`: the whole way, step by step, with an answer before each write.
//!
//! What comes next is decided by [`crate::guide`] from what is true now, so a run that was killed goes
//! on where files and database really are.

use std::time::Duration;

use raingauge_schema::Fingerprint;

use crate::adoption::{Planning, file_hash, plan};
use crate::apply::migrate::{self, MigratePlan, Protection};
use crate::apply::reconcile;
use crate::apply::risks::risks;
use crate::commands::analyze;
use crate::commands::status::planned_steps;
use crate::commands::validate::validate_site;
use crate::consent::{Circumstance, Consent, Given};
use crate::facts::{Facts, Scope};
use crate::guide::{Next, Situation, Stage, State, next};
use crate::progress::Progress;
use crate::protection;
use crate::report::{Finding, Outcome, Report, Section, Severity, Step, StepState, Verdict};
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

/// Something that only a person, or a file of answers, can decide.
#[derive(Clone, Debug)]
pub struct Question {
    /// Stable word: `backup`, `reconcile`, `migrate`.
    pub id: &'static str,
    pub text: String,
    /// The plan that a yes agrees to.
    pub plan: Fingerprint,
    /// The database's name, where it has to be typed.
    pub typed_name: Option<String>,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, with what was typed if a name was asked for.
    Yes(Option<String>),
    No,
    /// Nobody is there to answer.
    Open,
}

/// Who answers questions and watches.
pub trait Counsel: Progress {
    /// Whether anybody is there to answer; if not, the report with the open question says it all.
    fn can_answer(&self) -> bool;

    /// Answers a question; never yes by default.
    fn answer(&mut self, question: &Question) -> Answer;

    /// Shows a report that is not the last word.
    fn show(&mut self, report: &Report);
}

/// Takes a database all the way: analyze, backup, reconcile, migrate, validate.
///
/// # Errors
/// If something cannot run; what had been done by then is in [`Error::done`].
pub fn execute(setting: &Setting, mandate: &Mandate, counsel: &mut dyn Counsel) -> Result<Report> {
    let mut site = Site::open(setting)?;
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

/// What is planned at this moment.
struct Plans {
    planning: Planning,
    migrate: MigratePlan,
    /// Migrations of the history that become pending once others are recorded.
    later: Vec<usize>,
}

impl Plans {
    fn make(site: &mut Site, facts: &mut Facts, progress: &mut dyn Progress) -> Result<Self> {
        let mut planning = plan(site, facts, progress)?;
        let migrate = migrate::plan(site, facts, &site.setting.allow);
        let later = match &planning.adoption {
            Some(adoption) => {
                let mut later = facts.standing.pending.clone();
                later.retain(|it| !adoption.recorded.contains(it));
                later
            }
            None => Vec::new(),
        };
        planning.findings.extend(risks(site, facts, &later, &site.setting.allow));
        Ok(Self { planning, migrate, later })
    }

    /// The hashes of the migrations that live gets from here on, in order.
    fn files_to_apply(&self, site: &Site) -> Vec<Fingerprint> {
        let existing = |at: &usize| site.project.history.migrations[*at].hash.clone();
        let Some(adoption) = &self.planning.adoption else {
            return self.migrate.pending.iter().map(existing).collect();
        };
        let new = adoption.migrations.iter().filter(|it| !it.in_effect).map(file_hash);
        self.later.iter().map(existing).chain(new).collect()
    }

    /// The hash of the whole sequence from here on.
    fn sequence(&self, site: &Site) -> Fingerprint {
        let adoption =
            self.planning.adoption.as_ref().map(|it| it.plan.as_str()).unwrap_or_default();
        let later = self.later.iter().map(|at| &site.project.history.migrations[*at]);
        let later = later.flat_map(|it| [it.entry.tag.as_str(), it.hash.as_str()]);
        let parts = ["execute", adoption, self.migrate.plan.as_str()];
        Fingerprint::of_parts(parts.into_iter().chain(later))
    }

    fn blocking(&self, facts: &Facts) -> Vec<&'static str> {
        // While an adoption is planned there is nothing to migrate yet.
        let migrate =
            if self.planning.adoption.is_some() { &[][..] } else { &self.migrate.findings[..] };
        let all = facts.findings.iter().chain(&self.planning.findings).chain(migrate);
        all.filter(|it| it.severity == Severity::Error).map(|it| it.code).collect()
    }
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
                    self.warnings.retain(|it| !report.findings.contains(it));
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
        match Consent::obtain(&plans.sequence(site), &mandate.given, &circumstance(site, None)) {
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
        match Consent::obtain(&question.plan, &Given::Shown, &circumstance(site, typed)) {
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
                let wait = Duration::from_secs(30);
                let job = migrate::Job {
                    plan: &plans.migrate,
                    consent: &consent,
                    protection: &protection,
                    wait,
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

pub(crate) fn circumstance(site: &Site, typed: Option<String>) -> Circumstance {
    Circumstance {
        database: site.identity.database.clone(),
        guarded: site.guarded().is_some(),
        typed,
    }
}

fn question(site: &Site, plans: &Plans, stage: Stage) -> Question {
    let name = &site.identity.database;
    let (text, plan) = match stage {
        Stage::Backup => (format!("Take a verified backup of `{name}` now?"), plans.sequence(site)),
        Stage::Reconcile => {
            let plan = plans.planning.adoption.as_ref().map(|it| it.plan.clone());
            (
                "Write the files of the history and record them in the ledger?".to_owned(),
                plan.unwrap_or_else(|| plans.sequence(site)),
            )
        }
        Stage::Migrate | Stage::Validate => {
            (apply_question(plans.migrate.pending.len(), name), plans.migrate.plan.clone())
        }
    };
    let typed_name = site.guarded().map(|_| name.clone());
    Question { id: stage.word(), text, plan, typed_name }
}

/// Whether to apply `n` migrations.
pub(crate) fn apply_question(n: usize, database: &str) -> String {
    match n {
        1 => format!("Apply 1 pending migration to `{database}`?"),
        n => format!("Apply {n} pending migrations to `{database}`?"),
    }
}

/// The command that puts the history into version control; without it the next checkout has none.
fn keep_history(site: &Site) -> String {
    let folder = &site.project.history.folder;
    let shown = folder.strip_prefix(&site.project.root).unwrap_or(folder);
    format!("git add {}", shown.display())
}

/// The question as a finding, for those who read JSON instead of a terminal.
fn open_question(question: &Question, sequence: &Fingerprint) -> Finding {
    // A guarded target takes no other form; elsewhere the flag alone is enough.
    let (hash, name) = match &question.typed_name {
        Some(name) => (format!("={}", sequence.short()), format!(", \"database\": \"{name}\"")),
        None => (String::new(), String::new()),
    };
    Finding::error(
        "question-open",
        question.id,
        format!("{} Nobody was there to answer, so it was not done", question.text),
    )
    .evidence(format!("plan {}", question.plan.short()))
    .next(format!("raingauge execute --confirm{hash}: agrees to the whole sequence"))
    .next(format!("--answers FILE with {{\"{}\": \"yes\"{name}}}", question.id))
}

/// What would happen, in order.
fn sequence_report(site: &Site, facts: &Facts, plans: &Plans) -> Report {
    let mut report = site.report("execute");
    report.sections.push(analyze::overview(site, facts));
    report.sections.push(plan_section(site, plans));
    let infos = facts.findings.iter().chain(&plans.planning.findings);
    report.findings.extend(infos.cloned());
    report.steps = sequence_steps(site, plans);
    report
}

/// The plan as a table, its hash first.
pub(crate) fn plan_lines(adoption: &crate::adoption::Adoption) -> Vec<[String; 2]> {
    let mut lines = Vec::new();
    for migration in &adoption.migrations {
        let how = if migration.in_effect { "recorded as applied" } else { "applied" };
        lines.push([
            migration.name.to_owned(),
            match migration.n_statements {
                1 => format!("1 statement, {how}"),
                n => format!("{n} statements, {how}"),
            },
        ]);
    }
    if !adoption.recorded.is_empty() {
        lines.push([
            "record".to_owned(),
            match adoption.recorded.len() {
                1 => "1 migration of the history as applied".to_owned(),
                n => format!("{n} migrations of the history as applied"),
            },
        ]);
    }
    lines
}

fn plan_section(site: &Site, plans: &Plans) -> Section {
    let mut section = Section::new("plan", "plan", &["part", "what"]);
    section.push(["hash", &plans.sequence(site).short()]);
    if let Some(adoption) = &plans.planning.adoption {
        for line in plan_lines(adoption) {
            section.push(line);
        }
    }
    for at in plans.later.iter().chain(&plans.migrate.pending) {
        section.push([site.project.history.migrations[*at].entry.tag.as_str(), "applied"]);
    }
    section
}

fn sequence_steps(site: &Site, plans: &Plans) -> Vec<Step> {
    let planned = |name: String| Step::new(name, StepState::Planned);
    let mut steps = vec![planned("take a backup and verify it by restoring it".to_owned())];
    if let Some(adoption) = &plans.planning.adoption {
        let what = if adoption.migrations.is_empty() { "" } else { "write the history and " };
        steps.push(planned(format!("{what}record what is in effect")));
        let new = adoption.migrations.iter().filter(|it| !it.in_effect);
        steps.extend(new.map(|it| planned(format!("apply {}", it.name))));
        let tag = |at: &usize| &site.project.history.migrations[*at].entry.tag;
        steps.extend(plans.later.iter().map(|at| planned(format!("apply {}", tag(at)))));
    }
    steps.extend(planned_steps(site, &plans.migrate));
    steps.push(planned("validate".to_owned()));
    steps
}

fn open_report(site: &Site, facts: &Facts, plans: &Plans, finding: Finding) -> Report {
    let mut report = sequence_report(site, facts, plans);
    report.findings.insert(0, finding);
    report.next = Some(match site.guarded() {
        Some(_) => format!("raingauge execute --confirm={}", plans.sequence(site).short()),
        None => "raingauge execute --confirm".to_owned(),
    });
    report
}

fn blocked_report(site: &Site, facts: &Facts, plans: Plans) -> Report {
    let mut report = site.report("execute");
    report.sections.push(analyze::overview(site, facts));
    report.findings.extend(facts.findings.iter().cloned());
    report.findings.extend(plans.planning.findings);
    for finding in plans.migrate.findings {
        if !report.findings.contains(&finding) {
            report.findings.push(finding);
        }
    }
    report.next = Some("raingauge analyze".to_owned());
    report
}

fn declined_report(site: &Site, stage: Stage) -> Report {
    let mut report = site.report("execute");
    report.findings.push(
        Finding::error(
            "declined",
            stage.word(),
            "was declined; what was done before it stays, and nothing else was changed",
        )
        .next("raingauge execute"),
    );
    report
}
