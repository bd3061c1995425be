//! `validate --fix`: repairs of the history's files that lose nothing, shown first.

use crate::Result;
use crate::apply::reconcile::refuse_unfinished;
use crate::apply::repair as apply;
use crate::check::history::Folder;
use crate::consent::{Circumstance, Consent, Given};
use crate::meta;
use crate::progress::Progress;
use crate::project::{Files, Project};
use crate::repair::{self, Repair};
use crate::report::{Finding, Outcome, Report, Section, Severity, Step, StepState};
use crate::setting::Setting;

/// Shows what would be repaired in the migrations folder, and does it with consent; `resume` finishes a
/// repair that was cut off. Live is not opened; where a snapshot has to be made again, the history is
/// replayed in scratch.
///
/// # Errors
/// If the project cannot be read, a file cannot be written, or an earlier run has to be resumed first.
pub fn fix(
    setting: &Setting,
    given: &Given,
    resume: bool,
    progress: &mut dyn Progress,
) -> Result<Report> {
    if resume {
        return resumed(setting, progress);
    }
    refuse_unfinished(&setting.root)?;
    let project = Project::load(setting)?;
    let mut report = Report::new("validate");
    report.findings = examined(project.files())?;
    let planned = repair::plan(&project, setting, progress)?;
    report.findings.splice(0..0, planned.findings.iter().cloned());
    let Some(repair) = planned.repair else {
        if planned.findings.iter().any(|it| it.severity == Severity::Error) {
            report.outcome = Outcome::Refused;
        } else {
            report.steps.push(Step::new("nothing that can be repaired", StepState::Skipped));
        }
        return Ok(report);
    };
    report.sections.push(section(&repair));
    let consent = match Consent::obtain(&repair.plan, given, &Circumstance::default()) {
        Ok(consent) => consent,
        Err(finding) => {
            report.findings.insert(0, *finding);
            report.next = Some("raingauge validate --fix --confirm".to_owned());
            return Ok(report);
        }
    };
    report.artefacts = apply::carry_out(setting, &repair, &consent, progress)?;
    report.steps.push(Step::new("write the repaired files", StepState::Done));
    report.findings = [planned.findings, examined(Project::load(setting)?.files())?].concat();
    report.next = Some("raingauge validate --offline".to_owned());
    Ok(report)
}

fn resumed(setting: &Setting, progress: &mut dyn Progress) -> Result<Report> {
    let mut report = Report::new("validate");
    match apply::resume(setting, progress)? {
        Some(artefacts) => {
            report.artefacts = artefacts;
            report.steps.push(Step::new("write the repaired files", StepState::Done));
        }
        None => report.steps.push(Step::new("no interrupted repair to resume", StepState::Skipped)),
    }
    report.findings = examined(Project::load(setting)?.files())?;
    report.next = Some("raingauge validate --offline".to_owned());
    Ok(report)
}

/// What is wrong with the files of the history.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn examined(files: Files<'_>) -> Result<Vec<Finding>> {
    let Files { config, dialect, history, .. } = files;
    let meta = meta::read(&history.folder)?;
    let folder = Folder { history, meta: &meta, dialect, driver: config.driver.as_deref() };
    Ok([history.findings.clone(), folder.files(), folder.snapshots()].concat())
}

fn section(repair: &Repair) -> Section {
    let mut section = Section::new("plan", "plan", &["part", "what"]);
    section.push(["hash", &repair.plan.short()]);
    for path in repair.writes.keys() {
        let what = match repair.made.contains(path) {
            true => {
                "written: made again from a replay of the migrations, and proven by building it"
            }
            false => "written",
        };
        section.push([path.as_str(), what]);
    }
    for path in &repair.removals {
        section.push([path.as_str(), "gone: it has another name now"]);
    }
    section
}
