//! `restore`: a backup into a new database, and that database into live's place.

use std::path::Path;

use crate::Result;
use crate::backup::{self, Destination};
use crate::client::ProgramSource;
use crate::connect::Dsn;
use crate::consent::Given;
use crate::counsel::{Counsel, Question, agree};
use crate::progress::Progress;
use crate::project::Project;
use crate::report::{Finding, Report, Section, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;
use crate::swap::{self, SwapPlan};

/// Restores a backup into a database that does not exist yet or is empty, and compares everything.
///
/// # Errors
/// If the backup is damaged, the target holds something, or what arrived is not equal.
pub fn restore(
    setting: &Setting,
    which: &Path,
    to: &str,
    progress: &mut dyn Progress,
) -> Result<Report> {
    let backup = super::backup::open(setting, which)?;
    let to = Dsn::parse_in(to, backup.manifest().dialect, &setting.env)?;
    let client = setting.pg_client.as_deref().map(ProgramSource::parse);
    let destination = Destination { to: &to, client: client.as_ref() };
    let restored = backup::restore(&backup, &destination, progress)?;
    let mut report = Report::new("restore");
    report.engine = backup.manifest().source.engine.clone();
    report.target = restored.to.to_string();
    let name = format!(
        "restore {} tables with {} rows; everything equals the backup",
        restored.n_tables, restored.n_rows
    );
    report.steps.push(Step { millis: restored.millis, ..Step::new(name, StepState::Done) });
    Ok(report)
}

/// A restored copy that is to take live's place.
#[derive(Clone, Debug)]
pub struct SwapRequest<'a> {
    /// The backup that the copy was restored from.
    pub backup: &'a Path,
    /// The copy: a database of live's server, or a file of live's folder.
    pub copy: &'a str,
    pub given: Given,
}

/// Shows, per table, the rows that live has had since the backup; with consent, the copy gets live's
/// name and live is kept under another.
///
/// # Errors
/// If the copy is not what the backup holds, if others are connected, or if live changed meanwhile.
pub fn swap(
    setting: &Setting,
    request: &SwapRequest<'_>,
    counsel: &mut dyn Counsel,
) -> Result<Report> {
    let project = Project::load(setting)?;
    let undone = swap::undo_interrupted(&project.root, &project.target(setting)?)?;
    let mut site = Site::open(setting)?;
    let backup = super::backup::open(setting, request.backup)?;
    backup.check()?;
    counsel.begin("counting what changed since the backup");
    let copy = Dsn::parse(request.copy, site.dialect())?.within(&site.project.root);
    let plan = swap::plan(&mut site, &backup, &copy)?;
    let mut report = site.report("restore");
    if undone {
        let name = "take back a swap that was cut off".to_owned();
        report.steps.push(Step::new(name, StepState::Done));
    }
    report.sections.push(plan_section(&plan));
    report.findings.extend(rows_since(&plan));
    match agree(&site, &question(&site, &plan), &request.given, counsel) {
        Ok(consent) => {
            swap::carry_out(site, &plan, &consent, counsel)?;
            report.steps.push(Step::new("give the copy live's name", StepState::Done));
            report.steps.push(Step::new(format!("keep live as {}", plan.kept), StepState::Done));
            report.next = Some("raingauge status".to_owned());
        }
        Err(finding) => {
            report.findings.insert(0, *finding);
            let hash =
                site.guarded().map(|_| format!("={}", plan.plan.short())).unwrap_or_default();
            let name = request.backup.display();
            report.next =
                Some(format!("raingauge restore {name} --to {copy} --swap --confirm{hash}"));
            report.steps.push(Step::new("give the copy live's name", StepState::Planned));
            let keep = format!("keep live as {}", plan.kept);
            report.steps.push(Step::new(keep, StepState::Planned));
        }
    }
    Ok(report)
}

fn plan_section(plan: &SwapPlan) -> Section {
    let columns = &["table", "only live", "only backup"];
    let mut section = Section::new("since-backup", "rows since the backup", columns);
    for it in &plan.changes {
        section.push([it.table.to_string(), it.only.from.to_string(), it.only.to.to_string()]);
    }
    section
}

/// T63: what a swap would take away from those who use live.
fn rows_since(plan: &SwapPlan) -> Option<Finding> {
    let n: u64 = plan.changes.iter().map(|it| it.only.from).sum();
    (0 < n).then(|| {
        Finding::warning(
            "rows-since-backup",
            format!("{n} rows"),
            "are new or edited since the backup: after the swap they are no longer in the database \
             that applications use",
        )
        .next(format!("they stay in `{}`; copy from there what is needed", plan.kept))
    })
}

fn question(site: &Site, plan: &SwapPlan) -> Question {
    Question {
        id: "swap",
        text: format!("Give the copy the name `{}`?", site.identity.database),
        plan: plan.plan.clone(),
        typed_name: Some(site.identity.database.clone()),
    }
}
