//! `reconcile`: shows the plan of an adoption, and carries it out with consent.

use raingauge_schema::ObjectId;

use crate::adoption::{Adoption, plan};
use crate::apply::reconcile as apply;
use crate::consent::{Consent, Given};
use crate::counsel::{Counsel, Question, agree};
use crate::facts::{Facts, Scope};
use crate::findings::folded;
use crate::mend::MENDED;
use crate::report::{Outcome, Report, Section, Severity, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;
use crate::{Result, protection};

/// Shows the plan; with consent, takes or finds a verified backup and writes history and ledger.
///
/// # Errors
/// If something cannot run; nothing is half written: a run that was cut off is finished or undone with
/// `resume`.
pub fn reconcile(
    setting: &Setting,
    given: &Given,
    resume: bool,
    counsel: &mut dyn Counsel,
) -> Result<Report> {
    let mut site = Site::open(setting)?;
    site.live.refuse_shared()?;
    if resume {
        return resumed(&mut site, counsel);
    }
    apply::refuse_interrupted(&mut site)?;
    let mut facts = Facts::gather(&mut site, Scope::All, counsel)?;
    let planning = plan(&mut site, &mut facts, counsel)?;
    let mut report = site.report("reconcile");
    report.sections.push(super::analyze::overview(&site, &facts));
    report.findings.extend(facts.findings.iter().cloned());
    report.findings.extend(planning.findings);
    let Some(adoption) = planning.adoption else {
        if report.findings.iter().any(|it| it.severity == Severity::Error) {
            report.outcome = Outcome::Refused;
        } else {
            report.steps.push(Step::new(
                "nothing to write: history and ledger say what live is",
                StepState::Skipped,
            ));
        }
        return Ok(report);
    };
    report.sections.push(plan_section(&adoption));
    report.sections.extend(times_section(&site, &adoption));
    report.steps = planned(&adoption);
    let consent = match agree(&site, &question(&site, &adoption), given, counsel) {
        Ok(consent) => consent,
        Err(finding) => {
            report.findings.insert(0, *finding);
            let hash = site.guarded().map(|_| format!("={}", adoption.plan.short()));
            let hash = hash.unwrap_or_default();
            report.next = Some(format!("raingauge reconcile --confirm{hash}"));
            return Ok(report);
        }
    };
    carry_out(&mut site, &adoption, &consent, counsel, report)
}

fn carry_out(
    site: &mut Site,
    adoption: &Adoption,
    consent: &Consent,
    counsel: &mut dyn Counsel,
    mut report: Report,
) -> Result<Report> {
    let existing = protection::existing(site, &adoption.live)?;
    let is_new = existing.is_none();
    let backup = match existing {
        Some(backup) => backup,
        None => protection::take(site, counsel)?,
    };
    let written = apply::carry_out(site, adoption, consent, &backup, counsel)?;
    let is_mended = !adoption.mends.is_empty() || !adoption.times.is_empty();
    if is_mended || !adoption.recorded.is_empty() {
        for finding in report.findings.iter_mut().filter(|it| MENDED.contains(&it.code)) {
            finding.severity = Severity::Info;
            finding.message.push_str("; until now: the ledger was mended");
        }
    }
    report.steps = vec![protection::step(&backup, is_new)];
    report.steps.extend(written.steps);
    report.artefacts = written.artefacts;
    let follow_up = adoption.migrations.iter().any(|it| !it.in_effect);
    report.next =
        Some(if follow_up { "raingauge migrate" } else { "raingauge validate" }.to_owned());
    Ok(report)
}

fn resumed(site: &mut Site, counsel: &mut dyn Counsel) -> Result<Report> {
    let mut report = site.report("reconcile");
    match apply::resume(site, counsel)? {
        Some(written) => {
            report.steps = written.steps;
            report.artefacts = written.artefacts;
        }
        None => report.steps.push(Step::new("no interrupted run to resume", StepState::Skipped)),
    }
    report.next = Some("raingauge analyze".to_owned());
    Ok(report)
}

fn question(site: &Site, adoption: &Adoption) -> Question {
    Question {
        id: "reconcile",
        text: "Write the files of the history and record them in the ledger?".to_owned(),
        plan: adoption.plan.clone(),
        typed_name: Some(site.identity.database.clone()),
    }
}

fn plan_section(adoption: &Adoption) -> Section {
    let mut section = Section::new("plan", "plan", &["part", "what"]);
    section.push(["hash", &adoption.plan.short()]);
    for line in plan_lines(adoption) {
        section.push(line);
    }
    section
}

/// T04: entries of the journal that get another time.
fn times_section(site: &Site, adoption: &Adoption) -> Option<Section> {
    let mut section =
        Section::new("times", "times in the journal", &["migration", "was", "becomes"]);
    for (at, when) in &adoption.times {
        let entry = &site.project.history.migrations[*at].entry;
        section.push([entry.tag.clone(), entry.when.to_string(), when.to_string()]);
    }
    (!adoption.times.is_empty()).then_some(section)
}

fn planned(adoption: &Adoption) -> Vec<Step> {
    let files = adoption.migrations.len();
    let mut steps = vec![Step::new(
        "rest on a verified backup younger than an hour, or take one",
        StepState::Planned,
    )];
    if 0 < files {
        steps.push(Step::new(
            format!("write {files} migrations with their snapshots"),
            StepState::Planned,
        ));
    }
    if !adoption.times.is_empty() {
        let name = format!("write {} times into the journal", adoption.times.len());
        steps.push(Step::new(name, StepState::Planned));
    }
    for mend in &adoption.mends {
        steps.push(Step::new(format!("ledger {}", mend.words()), StepState::Planned));
    }
    let recorded =
        adoption.recorded.len() + adoption.migrations.iter().filter(|it| it.in_effect).count();
    steps.push(Step::new(
        format!("record {recorded} migrations in the ledger as applied"),
        StepState::Planned,
    ));
    steps
}

/// What shows that live has had a migration.
fn probed(at: usize, objects: &[ObjectId]) -> [String; 2] {
    const MOST: usize = 4;
    let names: Vec<_> = folded(objects.iter()).iter().map(ToString::to_string).collect();
    let rest = names.len().saturating_sub(MOST);
    let more = if 0 < rest { format!(" and {rest} more") } else { String::new() };
    let names = names.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
    let what = match objects.len() {
        0 => "changes no structure".to_owned(),
        _ => format!("probed: {names}{more}"),
    };
    [format!("migration {}", at + 1), what]
}

/// The plan as a table, its hash first.
pub(crate) fn plan_lines(adoption: &Adoption) -> Vec<[String; 2]> {
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
    lines.extend(adoption.mends.iter().map(|it| ["ledger".to_owned(), it.words()]));
    if !adoption.recorded.is_empty() {
        lines.push([
            "record".to_owned(),
            match adoption.recorded.len() {
                1 => "1 migration of the history as applied".to_owned(),
                n => format!("{n} migrations of the history as applied"),
            },
        ]);
    }
    lines.extend(adoption.recorded.each().map(|(at, objects)| probed(at, objects)));
    if adoption.evidence.is_some() {
        lines.push(["certificate".to_owned(), "of what was proven, in `raingauge/`".to_owned()]);
    }
    lines
}
