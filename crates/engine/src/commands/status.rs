//! `status`: where live stands, what is pending, what would run.

use crate::adoption::course;
use crate::apply::{algorithm, foresee, locks, migrate};
use crate::commands::analyze::{drift, out_of_order, overview};
use crate::facts::{Facts, Scope};
use crate::progress::Progress;
use crate::report::{Finding, Report, Section, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;
use crate::{Result, adoption::Course, findings};

/// Says where live stands and what `migrate` would do. Writes nothing.
///
/// # Errors
/// If the project cannot be read, or a database cannot be reached.
pub fn status(setting: &Setting, progress: &mut dyn Progress) -> Result<Report> {
    let mut site = Site::open_or_empty(setting)?;
    let facts = Facts::gather(&mut site, Scope::History, progress)?;
    let mut plan = migrate::plan(&site, &facts, &[]);
    if !plan.pending.is_empty() {
        progress.begin("looking whether live's rows fit");
        plan.findings.extend(foresee::rows(&mut site, &facts, &plan.pending));
    }
    let mut report = site.report("status");
    report.sections.push(overview(&site, &facts));
    report.sections.push(pending_section(&site, &plan));
    report.sections.extend(locks::section(&mut site, &plan.pending));
    let ways = algorithm::section(&mut site, &facts, &plan.pending, &mut plan.findings)?;
    report.sections.extend(ways);
    report.sections.extend(out_of_order(&facts));
    report.sections.extend(drift(&facts));
    report.steps = planned_steps(&site, &plan);
    report.findings.extend(findings::interrupted(&site.project));
    report.findings.extend(plan.findings.iter().cloned());
    let (course, _) = course(&facts, &site);
    if course == Course::Baseline {
        report.findings.push(Finding::warning(
            "not-adopted",
            "history",
            "has no migrations; nothing is known of how live came to be",
        ));
    }
    report.next = if course == Course::Baseline {
        Some("raingauge analyze".to_owned())
    } else {
        let can_run = !plan.pending.is_empty() && !plan.is_refused();
        can_run.then(|| "raingauge migrate".to_owned())
    };
    Ok(report)
}

/// What would run, with its risks.
pub(crate) fn pending_section(site: &Site, plan: &migrate::MigratePlan) -> Section {
    let mut section = Section::new("pending", "what would run", &["migration", "risks"]);
    for at in &plan.pending {
        let tag = &site.project.history.migrations[*at].entry.tag;
        let hazards: Vec<_> =
            plan.hazards.iter().filter(|it| it.0 == *tag).map(|it| it.1.to_string()).collect();
        let risks = if hazards.is_empty() { "only adds".to_owned() } else { hazards.join(", ") };
        section.push([tag.clone(), risks]);
    }
    section
}

pub(crate) fn planned_steps(site: &Site, plan: &migrate::MigratePlan) -> Vec<Step> {
    let one = |at: &usize| {
        let tag = &site.project.history.migrations[*at].entry.tag;
        Step::new(format!("apply {tag}"), StepState::Planned)
    };
    plan.pending.iter().map(one).collect()
}
