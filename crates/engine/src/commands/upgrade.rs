//! `upgrade`: takes history and ledger from Drizzle 0.x to 1.0, with consent.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::layout::Layout;

use crate::adoption::{Course, course};
use crate::apply::{reconcile, upgrade as apply};
use crate::check::history::Folder;
use crate::check::history::systems::Systems;
use crate::consent::{Consent, Given};
use crate::counsel::{Counsel, Question, agree};
use crate::facts::{Facts, Scope};
use crate::history::History;
use crate::midway::UNFINISHED;
use crate::report::{Finding, Outcome, Report, Section, Severity, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;
use crate::upgrade::{Upgrade, plan};
use crate::{Result, meta, protection};

/// What the consent covers.
const QUESTION: &str = "Move the migrations into folders and give the ledger's rows their names?";

/// Shows the plan; with consent, takes or finds a verified backup and writes folders and ledger.
///
/// # Errors
/// If something cannot run; nothing is half written: a run that was cut off is finished or undone with
/// `resume`.
pub fn upgrade(
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
    reconcile::refuse_interrupted(&mut site)?;
    let installed = site.project.history.generation;
    if site.project.history.layout == Layout::Journal {
        // Until it is upgraded, it is what 0.x says that it is.
        let folder = site.project.history.folder.clone();
        site.project.history = History::read(&folder, site.dialect(), Some(Generation::V0))?;
    }
    let mut report = site.report("upgrade");
    if site.project.history.is_empty() {
        report.steps.push(Step::new("there is no migration to upgrade", StepState::Skipped));
        return Ok(report);
    }
    let facts = Facts::gather(&mut site, Scope::Declared, counsel)?;
    report.sections.push(super::analyze::overview(&site, &facts));
    report.findings.extend(refusals(&site, &facts)?);
    if report.findings.iter().any(is_error) {
        report.outcome = Outcome::Refused;
        return Ok(report);
    }
    let planning = plan(&mut site, &facts, counsel)?;
    report.findings.extend(planning.findings);
    let Some(upgrade) = planning.upgrade else {
        report.outcome = Outcome::Refused;
        return Ok(report);
    };
    if upgrade.moves.is_empty() && upgrade.takeover.is_none() {
        let words = "nothing to upgrade: history and ledger are those of Drizzle 1.0";
        report.steps.push(Step::new(words, StepState::Skipped));
        return Ok(report);
    }
    report.sections.push(section(&upgrade));
    report.steps = planned(&upgrade);
    if installed == Generation::V0 {
        report.findings.insert(0, not_installed(&site));
        return Ok(report);
    }
    agreed(&mut site, &upgrade, given, (counsel, report))
}

fn agreed(
    site: &mut Site,
    upgrade: &Upgrade,
    given: &Given,
    (counsel, mut report): (&mut dyn Counsel, Report),
) -> Result<Report> {
    let question = Question {
        id: "upgrade",
        text: QUESTION.to_owned(),
        plan: upgrade.plan.clone(),
        typed_name: Some(site.identity.database.clone()),
    };
    match agree(site, &question, given, counsel) {
        Ok(consent) => carry_out(site, upgrade, &consent, (counsel, report)),
        Err(finding) => {
            report.findings.insert(0, *finding);
            let hash = site.guarded().map(|_| format!("={}", upgrade.plan.short()));
            let hash = hash.unwrap_or_default();
            report.next = Some(format!("raingauge upgrade --confirm{hash}"));
            Ok(report)
        }
    }
}

fn carry_out(
    site: &mut Site,
    upgrade: &Upgrade,
    consent: &Consent,
    (counsel, mut report): (&mut dyn Counsel, Report),
) -> Result<Report> {
    let existing = protection::existing(site, &upgrade.live)?;
    let is_new = existing.is_none();
    let backup = match existing {
        Some(backup) => backup,
        None => protection::take(site, counsel)?,
    };
    let written = apply::carry_out(site, upgrade, consent, &backup, counsel)?;
    report.steps = vec![protection::step(&backup, is_new)];
    report.steps.extend(written.steps);
    report.artefacts = written.artefacts;
    report.next = Some("raingauge validate".to_owned());
    Ok(report)
}

fn resumed(site: &mut Site, counsel: &mut dyn Counsel) -> Result<Report> {
    let mut report = site.report("upgrade");
    match reconcile::resume(site, counsel)? {
        Some(written) => {
            report.steps = written.steps;
            report.artefacts = written.artefacts;
        }
        None => report.steps.push(Step::new("no interrupted run to resume", StepState::Skipped)),
    }
    report.next = Some("raingauge validate".to_owned());
    Ok(report)
}

/// Everything that has to be in order before: an upgrade keeps what it finds.
fn refusals(site: &Site, facts: &Facts) -> Result<Vec<Finding>> {
    let project = &site.project;
    let mut findings = facts.findings.clone();
    let beside = meta::read(&project.history.folder)?;
    let folder = Folder {
        history: &project.history,
        meta: &beside,
        dialect: project.dialect,
        driver: project.config.driver.as_deref(),
    };
    for finding in folder.files().into_iter().chain(folder.snapshots()) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    let (course, told) = course(facts, site);
    findings.extend(told);
    match course {
        Course::Adopted | Course::Fresh if facts.position.within.is_none() => {}
        Course::Adopted | Course::Fresh => findings.push(
            Finding::error(UNFINISHED, "history", "live is in the middle of a migration")
                .next("with Drizzle 0.x installed: raingauge migrate"),
        ),
        Course::Record(_) => findings.push(
            Finding::error("ledger-behind", "ledger", "records less than live already is")
                .next("with Drizzle 0.x installed: raingauge reconcile"),
        ),
        Course::Baseline | Course::Refused => {}
    }
    let systems = Systems::find(&project.root, &project.history.folder)?;
    if systems.has_wrangler() {
        findings.push(other_runner("wrangler applies these files by their names"));
    }
    if project.history.folder.join("migrations.js").exists() {
        findings.push(other_runner("`migrations.js` bundles these files into an application"));
    }
    Ok(findings)
}

fn other_runner(how: &str) -> Finding {
    let message = format!("{how}, and would not find them in folders; nothing was changed");
    Finding::error("upgrade-other-runner", "history", message)
        .next("upgrade that runner first, or keep the project on Drizzle 0.x")
}

fn not_installed(site: &Site) -> Finding {
    let found = site.project.orm_version.as_deref();
    let found = found.map_or("no Drizzle".to_owned(), |it| format!("drizzle-orm {it}"));
    let message = format!(
        "the project has {found}: 0.x does not see folders and would begin a second history, so this is only the plan; nothing was changed"
    );
    Finding::error("upgrade-not-installed", "node_modules", message)
        .next("npm install drizzle-orm@1.0.0-rc.5 && npm install --save-dev drizzle-kit@1.0.0-rc.5")
        .next("raingauge upgrade")
}

fn section(upgrade: &Upgrade) -> Section {
    let mut section = Section::new("plan", "plan", &["part", "what"]);
    section.push(["hash", &upgrade.plan.short()]);
    for it in &upgrade.moves {
        section.push([format!("{}.sql", it.tag), format!("becomes {}/", it.folder)]);
    }
    for (_, name) in upgrade.takeover.iter().flat_map(|it| &it.rows) {
        section.push(["ledger".to_owned(), format!("a row gets the name {name}")]);
    }
    section
}

fn planned(upgrade: &Upgrade) -> Vec<Step> {
    let backup = "rest on a verified backup younger than an hour, or take one".to_owned();
    let moved = (!upgrade.moves.is_empty())
        .then(|| format!("move {} migrations into folders", upgrade.moves.len()));
    let named = upgrade.takeover.as_ref();
    let named = named.map(|it| format!("give {} rows of the ledger their names", it.rows.len()));
    let all = [Some(backup), moved, named].into_iter().flatten();
    all.map(|it| Step::new(it, StepState::Planned)).collect()
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}
