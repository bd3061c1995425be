//! `upgrade --undo`: takes a finished upgrade back, files and ledger, with consent.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::layout::Layout;

use crate::apply::back::{self, WayBack};
use crate::apply::reconcile;
use crate::consent::{Consent, Given};
use crate::counsel::{Counsel, Question, agree};
use crate::history::History;
use crate::report::{Outcome, Report, Section, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;
use crate::{Result, protection};

/// What the consent covers.
const QUESTION: &str = "Put the journal back and take the names of the folders from the ledger?";

/// What goes on from there.
const INSTALL: &str = "npm install drizzle-orm@0.45 && npm install --save-dev drizzle-kit@0.31, then raingauge validate";

/// Shows what would come back; with consent, takes or finds a verified backup and puts files and ledger back
/// to what they were before the upgrade. Refused once something was migrated since.
///
/// # Errors
/// If something cannot run; a run that was cut off is finished or undone with `upgrade --resume`.
pub fn upgrade_undo(setting: &Setting, given: &Given, counsel: &mut dyn Counsel) -> Result<Report> {
    let mut site = Site::open(setting)?;
    site.live.refuse_shared()?;
    reconcile::refuse_interrupted(&mut site)?;
    let installed = site.project.history.generation;
    let mut report = site.report("upgrade");
    if !matches!(site.project.history.layout, Layout::Folders { .. }) {
        let words = "nothing to take back: the history does not have the folders of Drizzle 1.0";
        report.steps.push(Step::new(words, StepState::Skipped));
        return Ok(report);
    }
    // Whatever is installed now, until it is taken back it is what 1.0 says that it is.
    let folder = site.project.history.folder.clone();
    site.project.history = History::read(&folder, site.dialect(), Some(Generation::V1))?;
    let (way, findings) = back::plan(&mut site)?;
    report.findings.extend(findings);
    let Some(way) = way else {
        report.outcome = Outcome::Refused;
        return Ok(report);
    };
    report.sections.push(section(&way));
    report.steps = planned(&way);
    let question = Question {
        id: "upgrade-undo",
        text: QUESTION.to_owned(),
        plan: way.plan.clone(),
        typed_name: Some(site.identity.database.clone()),
    };
    match agree(&site, &question, given, counsel) {
        Ok(consent) => {
            carry_out(&mut site, &way, &consent, (counsel, &mut report))?;
            let next = if installed == Generation::V0 { "raingauge validate" } else { INSTALL };
            report.next = Some(next.to_owned());
        }
        Err(finding) => {
            report.findings.insert(0, *finding);
            let hash = site.guarded().map(|_| format!("={}", way.plan.short()));
            let hash = hash.unwrap_or_default();
            report.next = Some(format!("raingauge upgrade --undo --confirm{hash}"));
        }
    }
    Ok(report)
}

fn carry_out(
    site: &mut Site,
    way: &WayBack,
    consent: &Consent,
    (counsel, report): (&mut dyn Counsel, &mut Report),
) -> Result<()> {
    let existing = protection::existing(site, &way.live)?;
    let is_new = existing.is_none();
    let backup = match existing {
        Some(backup) => backup,
        None => protection::take(site, counsel)?,
    };
    let written = back::carry_out(site, way, consent, &backup, counsel)?;
    report.steps = vec![protection::step(&backup, is_new)];
    report.steps.extend(written.steps);
    report.artefacts = written.artefacts;
    Ok(())
}

fn section(way: &WayBack) -> Section {
    let mut section = Section::new("plan", "plan", &["part", "what"]);
    section.push(["hash", &way.plan.short()]);
    for it in &way.restored {
        section.push([it.as_str(), "comes back"]);
    }
    for it in &way.removed {
        section.push([it.as_str(), "goes"]);
    }
    section
}

fn planned(way: &WayBack) -> Vec<Step> {
    let backup = "rest on a verified backup younger than an hour, or take one".to_owned();
    let files = (!way.restored.is_empty()).then(|| {
        let (back, gone) = (way.restored.len(), way.removed.len());
        format!("put {back} files of the journal back and take {gone} files of the folders away")
    });
    let names =
        (0 < way.n_rows).then(|| format!("take the names from {} rows of the ledger", way.n_rows));
    let all = [Some(backup), files, names].into_iter().flatten();
    all.map(|it| Step::new(it, StepState::Planned)).collect()
}
