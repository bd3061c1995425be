//! `restore`: a backup into a new database, that database into live's place, or single tables beside
//! live's.

use std::path::Path;

use raingauge_schema::Dialect;

use crate::Result;
use crate::backup::beside::{self, Beside};
use crate::backup::{self, Backup, Destination};
use crate::client::ProgramSource;
use crate::connect::Dsn;
use crate::consent::Given;
use crate::counsel::{Counsel, Question, agree};
use crate::digest::Changes;
use crate::progress::Progress;
use crate::project::Project;
use crate::report::{Finding, Report, Section, Step, StepState};
use crate::setting::Setting;
use crate::site::Site;
use crate::swap::{self, Obstacle, Resumed, SwapPlan};

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
    let readable = super::backup::open_readable(setting, which, progress)?;
    let backup = readable.backup();
    let to = Dsn::parse_in(to, backup.manifest().dialect, &setting.env)?;
    let client = setting.pg_client.as_deref().map(ProgramSource::parse);
    let destination = Destination { to: &to, client: client.as_ref() };
    let restored = backup::restore(backup, &destination, progress)?;
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
    let resumed = swap::resume(&project.root, &project.target(setting)?, counsel)?;
    let mut site = Site::open(setting)?;
    if let Resumed::Finished { kept } = resumed {
        return Ok(finished(&site, &kept));
    }
    let readable = super::backup::open_readable(setting, request.backup, counsel)?;
    let backup = readable.backup();
    backup.check()?;
    counsel.begin("counting what changed since the backup");
    let copy = Dsn::parse(request.copy, site.dialect())?.within(&site.project.root);
    let mut report = site.report("restore");
    if resumed == Resumed::TakenBack {
        let name = "take back a swap that was cut off".to_owned();
        report.steps.push(Step::new(name, StepState::Done));
    }
    let obstacles = swap::obstacles(&mut site, &copy)?;
    if !obstacles.is_empty() {
        return counted(&mut site, backup, &copy, &obstacles, report);
    }
    let plan = swap::plan(&mut site, backup, &copy)?;
    report.sections.push(changes_section(&plan.changes));
    report.findings.extend(rows_since(&plan.changes, &plan.kept));
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

/// What is told of a swap that was cut off when the copy's tables already had live's names.
fn finished(site: &Site, kept: &str) -> Report {
    let mut report = site.report("restore");
    let name = "finish a swap that was cut off".to_owned();
    report.steps.push(Step::new(name, StepState::Done));
    report.steps.push(Step::new(format!("keep live as {kept}"), StepState::Done));
    report.next = Some("raingauge status".to_owned());
    report
}

/// What a swap would have been weighed by, where there can be none: applications are pointed at the copy.
fn counted(
    site: &mut Site,
    backup: &Backup,
    copy: &Dsn,
    obstacles: &[Obstacle],
    mut report: Report,
) -> Result<Report> {
    let count = swap::count(site, backup, copy)?;
    report.sections.push(changes_section(&count.changes));
    for it in obstacles {
        let message = format!("the copy cannot take live's place: {}; nothing was changed", it.why);
        let finding = Finding::error("swap-impossible", copy.to_string(), message);
        report.findings.push(it.next.iter().fold(finding, |it, next| it.next(next)));
    }
    if let Some(last) = report.findings.pop() {
        let without = last
            .next("or without a swap: stop what writes to live, and count once more: the same command")
            .next(format!("then give the applications the address of the copy: {copy}"))
            .next(format!("live stays as it is: {}", site.dsn));
        report.findings.push(without);
    }
    report.findings.extend(rows_since(&count.changes, &site.identity.database));
    Ok(report)
}

/// Tables of a backup that are to be looked at beside live's.
#[derive(Clone, Debug)]
pub struct TablesRequest<'a> {
    pub backup: &'a Path,
    /// Their names, with or without their schemas.
    pub tables: &'a [String],
    pub given: Given,
}

/// Shows under which names tables of a backup would be restored into live, and with consent does it. No
/// table of live is touched.
///
/// # Errors
/// If the backup lacks a table, or what arrives is not equal; live is as before then.
pub fn restore_tables(
    setting: &Setting,
    request: &TablesRequest<'_>,
    counsel: &mut dyn Counsel,
) -> Result<Report> {
    let mut site = Site::open(setting)?;
    let readable = super::backup::open_readable(setting, request.backup, counsel)?;
    let backup = readable.backup();
    let plan = beside::plan(&mut site.live, backup, request.tables)?;
    let mut report = site.report("restore");
    report.sections.push(copies_section(&plan));
    let question = Question {
        id: "restore",
        text: format!("Restore these tables beside those of `{}`?", site.identity.database),
        plan: plan.plan.clone(),
        typed_name: Some(site.identity.database.clone()),
    };
    let state = match agree(&site, &question, &request.given, counsel) {
        Ok(consent) => {
            let client = site.client();
            let destination = Destination { to: &site.dsn, client: client.as_ref() };
            beside::carry_out(&destination, &plan, &consent, counsel)?;
            let message = match site.dialect() {
                Dialect::MySql => {
                    "is a database of its own, which belongs to nothing of the project"
                }
                Dialect::Postgres | Dialect::Sqlite => {
                    "is no part of the history: `analyze` and `validate` tell of it as long as it is there"
                }
            };
            report.findings.push(Finding::info("restored-beside", plan.place.clone(), message));
            StepState::Done
        }
        Err(finding) => {
            report.findings.push(*finding);
            let hash =
                site.guarded().map(|_| format!("={}", plan.plan.short())).unwrap_or_default();
            let (name, tables) = (request.backup.display(), request.tables.join(","));
            report.next =
                Some(format!("raingauge restore {name} --tables {tables} --confirm{hash}"));
            StepState::Planned
        }
    };
    let step = |it: &beside::Copy| {
        Step::new(
            format!("restore {} rows as {}; equal to the backup's", it.table.n_rows, it.to),
            state,
        )
    };
    report.steps.extend(plan.copies.iter().map(step));
    Ok(report)
}

fn copies_section(plan: &Beside) -> Section {
    let mut section = Section::new("tables", "tables", &["table", "rows", "restored as"]);
    for it in &plan.copies {
        section.push([it.table.name.to_string(), it.table.n_rows.to_string(), it.to.to_string()]);
    }
    section
}

fn changes_section(changes: &[Changes]) -> Section {
    let columns = &["table", "only live", "only backup"];
    let mut section = Section::new("since-backup", "rows since the backup", columns);
    for it in changes {
        section.push([it.table.to_string(), it.only.from.to_string(), it.only.to.to_string()]);
    }
    section
}

/// T63: what a swap would take away from those who use live.
fn rows_since(changes: &[Changes], kept: &str) -> Option<Finding> {
    let n: u64 = changes.iter().map(|it| it.only.from).sum();
    (0 < n).then(|| {
        Finding::warning(
            "rows-since-backup",
            format!("{n} rows"),
            "are new or edited since the backup: after the swap they are no longer in the database \
             that applications use",
        )
        .next(format!("they stay in `{kept}`; copy from there what is needed"))
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
