//! `generate`: the next migration, from `schema.ts` and the last snapshot. Opens no database.

use std::fs;
use std::path::PathBuf;

use raingauge_schema::Dialect;
use raingauge_schema::plan::Hazard;
use raingauge_schema::rename::{Hints, HintsError, Question, spelled};

use super::fix::examined;
use crate::counsel::Counsel;
use crate::generate::{
    Draft, Publication, Stand, Unsettled, Way, draft, has_grown, locked, named,
    take_back_interrupted,
};
use crate::initsql::excerpt;
use crate::project::{Files, Project, Reading};
use crate::report::{Finding, Outcome, Report, Section, Severity, Step, StepState};
use crate::setting::Setting;
use crate::{Error, Result};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct GenerateRequest {
    /// What got another name: `old:new`, or `kind:old:new`.
    pub renames: Vec<String>,
    /// What is new whatever goes: a name, or `kind:name`.
    pub creates: Vec<String>,
    /// The same as the hints of drizzle-kit 1.0, in a JSON file.
    pub hints: Option<PathBuf>,
    /// What the migration is called.
    pub name: Option<String>,
    /// An empty file, whose statements a person writes.
    pub custom: bool,
    /// In a form that lets others go on reading and writing while it runs.
    pub safe: bool,
}

/// Writes the next migration, or says what has to be answered first.
///
/// # Errors
/// If the project cannot be read or a file cannot be written; a refusal if somebody else changed the
/// folder meanwhile.
pub fn generate(
    setting: &Setting,
    request: &GenerateRequest,
    counsel: &mut dyn Counsel,
) -> Result<Report> {
    let hints = hints(setting, request)?;
    let mut report = Report::new("generate");
    let n_taken_back = take_back_interrupted(&setting.root)?;
    if 0 < n_taken_back {
        let step = "take away the files of a run that was killed";
        report.steps.push(Step::new(step, StepState::Done));
    }
    let look = |files: Files<'_>| (examined(files), Stand::of(files.history, files.dialect));
    let (project, (found, stand)) = Project::read_beside(setting, Reading::All, look)?;
    report.findings = found?;
    report.findings.extend(project.findings.clone());
    if report.findings.iter().any(|it| it.severity == Severity::Error) {
        return Ok(refused(report));
    }
    let stand = match stand {
        Ok(stand) => stand,
        Err(finding) => {
            report.findings.push(*finding);
            return Ok(refused(report));
        }
    };
    let drafted = match request.custom {
        true => Draft::custom(&stand, project.dialect, project.history.migrations.len())?,
        false => match settled(&project, &stand, (&hints, request.safe), counsel)? {
            Ok(draft) => draft,
            Err(findings) => {
                report.findings.extend(findings);
                return Ok(refused(report));
            }
        },
    };
    if drafted.statements.is_empty() && !request.custom {
        let step = "nothing to write: schema.ts is what the last snapshot says";
        report.steps.push(Step::new(step, StepState::Skipped));
        return Ok(report);
    }
    let written = write(setting, request, &project, (&stand, &drafted), counsel)?;
    Ok(Report {
        steps: [report.steps, written.steps].concat(),
        findings: [report.findings, written.findings].concat(),
        ..written
    })
}

fn hints(setting: &Setting, request: &GenerateRequest) -> Result<Hints> {
    let mut hints = Hints::default();
    let invalid = |cause: HintsError| {
        Error::new("rename-invalid", "cannot read what was said about renames")
            .caused_by(cause)
            .next("raingauge generate --help")
    };
    for said in &request.renames {
        hints.rename(said).map_err(invalid)?;
    }
    for said in &request.creates {
        hints.create(said).map_err(invalid)?;
    }
    if let Some(path) = &request.hints {
        let path = setting.root.join(path);
        let text = fs::read_to_string(&path).map_err(|cause| {
            Error::new("file-unreadable", format!("cannot read `{}`", path.display()))
                .caused_by(cause)
                .next("make it readable for this user, then run the command again")
        })?;
        hints.read(&text).map_err(invalid)?;
    }
    Ok(hints)
}

fn refused(report: Report) -> Report {
    Report { outcome: Outcome::Refused, ..report }
}

/// The draft, once nothing is open: a person at a terminal is asked what nothing was said about.
fn settled(
    project: &Project,
    stand: &Stand,
    (hints, is_safe): (&Hints, bool),
    counsel: &mut dyn Counsel,
) -> Result<std::result::Result<Draft, Vec<Finding>>> {
    let Some(schema) = &project.declared else {
        let message =
            "the configuration names no schema file that exists, so nothing says what comes next";
        return Err(Error::new("schema-missing", message).next("raingauge generate --custom"));
    };
    let breakpoints = project.config.breakpoints;
    let way = Way { dialect: project.dialect, breakpoints, is_safe };
    let mut hints = hints.clone();
    loop {
        let unsettled = match draft(stand, schema, &hints, &way)? {
            Ok(draft) => return Ok(Ok(draft)),
            Err(unsettled) => unsettled,
        };
        let Some(question) = unsettled.questions.first() else {
            return Ok(Err(findings(&unsettled)));
        };
        let Some(choice) = counsel.choose(&asked(question), &choices(question)) else {
            return Ok(Err(findings(&unsettled)));
        };
        let old = choice.checked_sub(1).and_then(|it| question.dropped.get(it));
        hints.settle(question, old);
    }
}

fn asked(question: &Question) -> String {
    let Question { kind, created, dropped } = question;
    let n = dropped.len();
    let others = if n == 1 { "one goes".to_owned() } else { format!("{n} go") };
    format!("{kind} `{}` comes while {others}: which is it?", spelled(created))
}

/// First that it is new, then each that it may have been.
fn choices(question: &Question) -> Vec<String> {
    let new = std::iter::once("it is new".to_owned());
    let renamed = question.dropped.iter().map(|it| format!("it was `{}`, renamed", spelled(it)));
    new.chain(renamed).collect()
}

fn findings(unsettled: &Unsettled) -> Vec<Finding> {
    let mut findings: Vec<_> = unsettled.questions.iter().map(open).collect();
    findings.extend(unsettled.unused.iter().map(|it| {
        let message = "speaks of nothing that goes and comes here; nothing was written";
        Finding::error("rename-unused", it.clone(), message)
            .next("leave it out, or correct the names: `--rename old:new`, as `schema.ts` and the last snapshot spell them")
    }));
    findings.extend(unsettled.ambiguous.iter().map(|it| {
        let message = "fits things of several kinds; nothing was written";
        Finding::error("rename-ambiguous", it.clone(), message)
            .next("say the kind first: `--rename table:old:new`")
    }));
    let not_expressed = unsettled.not_expressed.iter();
    findings.extend(
        not_expressed.map(|it| Finding::error("change-not-expressed", "schema.ts", it.clone())),
    );
    findings
}

/// The question with the flags that answer it.
fn open(question: &Question) -> Finding {
    let Question { kind, created, dropped } = question;
    let new = spelled(created);
    let message = "comes while others of its kind go: is it one of them under a new name? Nothing was written";
    let finding = Finding::error("rename-open", format!("{kind} {new}"), message);
    let finding = dropped
        .iter()
        .fold(finding, |it, old| it.evidence(format!("{kind} {} goes", spelled(old))));
    let renames =
        dropped.iter().map(|old| format!("--rename {}:{}:{new}", kind.hint(), spelled(old)));
    let finding = renames.fold(finding, |it, flag| it.next(shell(&flag)));
    finding.next(shell(&format!("--create {}:{new}", kind.hint())))
}

/// The command with a flag, quoted where a shell would cut it.
fn shell(flag: &str) -> String {
    let (name, value) = flag.split_once(' ').unwrap_or((flag, ""));
    let is_plain = |it: char| it.is_alphanumeric() || "._:-".contains(it);
    match value.chars().all(is_plain) {
        true => format!("raingauge generate {name} {value}"),
        false => format!("raingauge generate {name} '{}'", value.replace('\'', "'\\''")),
    }
}

fn write(
    setting: &Setting,
    request: &GenerateRequest,
    project: &Project,
    (stand, drafted): (&Stand, &Draft),
    counsel: &mut dyn Counsel,
) -> Result<Report> {
    let content = format!("{}\n{}", stand.id(), drafted.sql);
    let now = setting.now.as_millisecond();
    let named = named(project, request.name.as_deref(), &content, now)?;
    let driver = project.config.driver.as_deref();
    let publication = Publication::of(&project.history, drafted, &named, driver)?;
    let _lock = locked(&setting.root)?;
    if has_grown(&project.history)? {
        let message = "the migrations folder has changed meanwhile; nothing was written";
        return Err(Error::refusal("plan-stale", message).next("raingauge generate"));
    }
    let mut report = Report::new("generate");
    report.artefacts = publication.write(&setting.root, setting.now, counsel)?;
    let mut step = Step::new(format!("write {}", named.entry.tag), StepState::Done);
    step.n_statements = drafted.statements.len();
    report.steps.push(step);
    report.findings = told(project, stand, drafted);
    report.sections.extend(renames(drafted));
    report.sections.extend(statements(drafted));
    let migrate = "raingauge migrate";
    report.next = Some(match request.custom {
        true => format!("write its statements, then {migrate}"),
        false => migrate.to_owned(),
    });
    Ok(report)
}

/// What has to be known before it runs.
fn told(project: &Project, stand: &Stand, drafted: &Draft) -> Vec<Finding> {
    let mut findings = Vec::new();
    let deletes = drafted.hazards.iter().filter_map(|it| match it {
        Hazard::DeletesData(name) => Some(name),
        Hazard::RewritesTable(_) | Hazard::NotTransactional | Hazard::NotUnderstood => None,
    });
    findings.extend(deletes.map(|name| {
        Finding::warning("deletes-data", name.clone(), "is deleted, cut or rounded when it runs")
            .next(format!("read it; if it is meant: raingauge migrate --allow {name}"))
    }));
    if stand.file.is_none() && project.history.migrations.is_empty() {
        let message = "is the first migration: it creates everything from nothing, also what a database already has";
        findings
            .push(Finding::info("first-migration", "history", message).next(match project.dialect {
            Dialect::Postgres | Dialect::Sqlite => {
                "where a database is there already, take the file back and run: raingauge execute"
            }
            Dialect::MySql => "where a database is there already, do not run it there",
        }));
    }
    findings
}

fn renames(drafted: &Draft) -> Option<Section> {
    let mut section = Section::new("renames", "renames", &["kind", "from", "to"]);
    for it in &drafted.renames {
        section.push([it.kind.to_string(), spelled(&it.from), spelled(&it.to)]);
    }
    (!section.rows.is_empty()).then_some(section)
}

fn statements(drafted: &Draft) -> Option<Section> {
    let mut section = Section::new("statements", "statements", &["statement", "hazards"]);
    for (sql, hazards) in &drafted.statements {
        let hazards: Vec<_> = hazards.iter().map(ToString::to_string).collect();
        section.push([excerpt(sql), hazards.join("; ")]);
    }
    (!section.rows.is_empty()).then_some(section)
}
