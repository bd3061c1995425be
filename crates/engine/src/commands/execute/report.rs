//! What `execute` says: its questions, the sequence that it shows, and how it ends without a write.

use raingauge_schema::Fingerprint;

use super::super::analyze;
use super::super::migrate::apply_question;
use super::super::reconcile::plan_lines;
use super::super::status::planned_steps;
use super::plans::Plans;
use crate::certificate;
use crate::counsel::Question;
use crate::facts::Facts;
use crate::guide::Stage;
use crate::report::{Finding, Report, Section, Step, StepState};
use crate::site::Site;

pub(super) fn question(site: &Site, plans: &Plans, stage: Stage) -> Question {
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

/// The command that puts the history into version control; without it the next checkout has none.
pub(super) fn keep_history(site: &Site) -> String {
    let folder = &site.project.history.folder;
    let certificates = certificate::folder(&site.project.root, folder);
    let folders = [folder.as_path(), certificates.as_path()].into_iter().filter(|it| it.exists());
    let shown = folders.map(|it| it.strip_prefix(&site.project.root).unwrap_or(it).display());
    let shown: Vec<_> = shown.map(|it| it.to_string()).collect();
    format!("git add {}", shown.join(" "))
}

/// The question as a finding, for those who read JSON instead of a terminal.
pub(super) fn open_question(question: &Question, sequence: &Fingerprint) -> Finding {
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
pub(super) fn sequence_report(site: &Site, facts: &Facts, plans: &Plans) -> Report {
    let mut report = site.report("execute");
    report.sections.push(analyze::overview(site, facts));
    report.sections.push(plan_section(site, plans));
    report.sections.extend(plans.locks.clone());
    let infos = facts.findings.iter().chain(&plans.planning.findings);
    report.findings.extend(infos.cloned());
    report.steps = sequence_steps(site, plans);
    report
}

pub(super) fn plan_section(site: &Site, plans: &Plans) -> Section {
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

pub(super) fn sequence_steps(site: &Site, plans: &Plans) -> Vec<Step> {
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

pub(super) fn open_report(site: &Site, facts: &Facts, plans: &Plans, finding: Finding) -> Report {
    let mut report = sequence_report(site, facts, plans);
    report.findings.insert(0, finding);
    report.next = Some(match site.guarded() {
        Some(_) => format!("raingauge execute --confirm={}", plans.sequence(site).short()),
        None => "raingauge execute --confirm".to_owned(),
    });
    report
}

pub(super) fn blocked_report(site: &Site, facts: &Facts, plans: Plans) -> Report {
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

pub(super) fn declined_report(site: &Site, stage: Stage) -> Report {
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
