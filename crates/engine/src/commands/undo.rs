//! `migrate --undo`: takes the newest applied migration back.

use super::migrate::{MigrateRequest, await_remains};
use crate::Result;
use crate::apply::migrate::Protection;
use crate::apply::reconcile;
use crate::apply::undo::carry::{self, Terms};
use crate::apply::undo::{self, Cost, Reversal, UndoPlan, Way};
use crate::consent::Consent;
use crate::counsel::{Counsel, Question, agree};
use crate::facts::{Facts, Scope};
use crate::protection;
use crate::report::{Outcome, Report, Section, Severity, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;

/// Shows how the newest applied migration can be taken back, and with consent does it. What deletes rows that
/// live holds has to be named, and a verified backup comes first.
///
/// # Errors
/// If something cannot run. Where a statement fails, everything is rolled back; on MySQL [`crate::Error::done`] names
/// what stays, and the next run goes on from there.
pub fn undo(
    setting: &Setting,
    request: &MigrateRequest,
    counsel: &mut dyn Counsel,
) -> Result<Report> {
    let mut site = Site::open(setting)?;
    site.live.refuse_shared()?;
    reconcile::refuse_interrupted(&mut site)?;
    await_remains(&mut site, request.pace)?;
    let facts = Facts::gather(&mut site, Scope::History, counsel)?;
    let plan = undo::plan(&mut site, &facts, counsel)?;
    let mut report = site.report("migrate");
    report.findings.extend(plan.findings.iter().cloned());
    let reversal = match &plan.way {
        Some(Way::Statements(reversal)) => reversal,
        Some(Way::Restore(cost)) => {
            report.sections.push(cost_section(cost));
            report.outcome = Outcome::Refused;
            return Ok(report);
        }
        None => return Ok(without_way(report, &plan)),
    };
    report.sections.extend(sections(reversal));
    report.steps.push(Step::new(format!("take {} back", plan.tag), StepState::Planned));
    if plan.findings.iter().any(|it| it.severity == Severity::Error) {
        report.outcome = Outcome::Refused;
        return Ok(report);
    }
    match agree(&site, &question(&site, &plan.tag, reversal), &request.given, counsel) {
        Ok(consent) => {
            report.steps = take_back(&mut site, reversal, (&consent, request), counsel)?;
            report.next = Some("raingauge status".to_owned());
        }
        Err(finding) => {
            report.findings.insert(0, *finding);
            let hash = site.guarded().map(|_| format!("={}", reversal.plan.short()));
            let allowed = site.setting.allow.iter().map(|it| format!(" --allow {it}"));
            let (allowed, hash) = (allowed.collect::<String>(), hash.unwrap_or_default());
            report.next = Some(format!("raingauge migrate --undo{allowed} --confirm{hash}"));
        }
    }
    Ok(report)
}

fn without_way(mut report: Report, plan: &UndoPlan) -> Report {
    if plan.findings.is_empty() {
        report.steps.push(Step::new("nothing is applied", StepState::Skipped));
    } else {
        report.outcome = Outcome::Refused;
    }
    report
}

fn take_back(
    site: &mut Site,
    reversal: &Reversal,
    (consent, request): (&Consent, &MigrateRequest),
    counsel: &mut dyn Counsel,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let backup;
    let protection = if let Some(proof) = reversal.nothing_to_lose() {
        Protection::NothingToLose(proof)
    } else {
        let live = reversal.live();
        backup = protection::required(site, (live, request.backup_age), &mut steps, counsel)?;
        Protection::Backup(&backup)
    };
    let terms = Terms { consent, protection: &protection, pace: request.pace };
    steps.extend(carry::carry_out(site, reversal, &terms, counsel)?.steps);
    Ok(steps)
}

fn sections(reversal: &Reversal) -> [Section; 2] {
    let mut way = Section::new("way-back", "the way back, proven in scratch", &["statement"]);
    for statement in &reversal.statements {
        way.push([statement.clone()]);
    }
    let mut losses = Section::new("losses", "what goes with it", &["object", "holds"]);
    for it in &reversal.losses {
        losses.push([it.id.to_string(), it.n.to_string()]);
    }
    [way, losses]
}

fn cost_section(cost: &Cost) -> Section {
    let columns = &["table", "only live", "only backup"];
    let mut section = Section::new("since-backup", "rows since the backup", columns);
    for it in &cost.changes {
        section.push([it.table.to_string(), it.only.from.to_string(), it.only.to.to_string()]);
    }
    section
}

fn question(site: &Site, tag: &str, reversal: &Reversal) -> Question {
    Question {
        id: "undo",
        text: format!("Take `{tag}` back on `{}`?", site.identity.database),
        plan: reversal.plan.clone(),
        typed_name: Some(site.identity.database.clone()),
    }
}
