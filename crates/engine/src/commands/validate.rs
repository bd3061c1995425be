//! `validate`: a pass/fail suite over files, `schema.ts`, ledger and live.

use std::path::PathBuf;

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::snapshot::{Generation, SnapshotIds};
use raingauge_schema::{Dialect, Pair};

use crate::adoption::{Course, course};
use crate::certificate::{Certificate, Check};
use crate::check::history::Folder;
use crate::check::history::built::{Declared, Three};
use crate::check::history::chain;
use crate::check::history::statements::changes_structure;
use crate::check::history::systems::Systems;
use crate::check::ledger::future_entries;
use crate::commands::analyze::drift;
use crate::facts::{Facts, Scope};
use crate::progress::Progress;
use crate::project::{Files, Project, Reading, SCHEMA_UNMATCHED};
use crate::report::{Affected, Finding, Report, Section, Severity};
use crate::setting::Setting;
use crate::site::Site;
use crate::{Result, certificate, check, findings, meta, side};

/// The checks of a run, in the order in which the report shows them.
struct Suite {
    section: Section,
    findings: Vec<Finding>,
}

impl Suite {
    fn new() -> Self {
        Self {
            section: Section::new("checks", "checks", &["check", "result"]),
            findings: Vec::new(),
        }
    }

    /// Adds a check with what it found; an error among that means that it failed.
    fn check(&mut self, name: &str, found: Vec<Finding>) {
        let failed = found.iter().any(|it| it.severity == Severity::Error);
        self.section.push([name, if failed { "failed" } else { "passed" }]);
        self.findings.extend(found);
    }

    fn add(&mut self, checks: impl IntoIterator<Item = Check>) {
        checks.into_iter().for_each(|it| self.check(it.name, it.findings));
    }

    fn judge(&mut self, project: &Project, setting: &Setting) {
        let name = "drizzle-kit reads schema.ts as raingauge does";
        match &project.declared {
            Some(_) => self.check(name, check::judge::findings(project, setting)),
            None => self.skip(name, "there is no schema.ts"),
        }
    }

    fn skip(&mut self, name: &str, why: &str) {
        self.section.push([name.to_owned(), format!("skipped: {why}")]);
    }
}

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct Scrutiny {
    /// Only files and `schema.ts`, without a database.
    pub offline: bool,
    /// A certificate, to be held against everything that it says.
    pub certificate: Option<PathBuf>,
    /// Ask the project's own drizzle-kit what it makes of `schema.ts`, and compare.
    pub judge: bool,
}

/// What a run holds the project against, beyond the usual.
#[derive(Default)]
struct Witnesses {
    certificate: Option<Certificate>,
    judge: bool,
    /// Whether the schema files that the configuration names have to exist: at the end of an adoption they
    /// may still have to be written.
    schema: bool,
}

/// Checks everything, or with `offline` only files and `schema.ts`. Writes nothing.
///
/// # Errors
/// If the project or the certificate cannot be read, or a database cannot be reached; a refusal if the
/// certificate is not as it was written, or is about another database.
pub fn validate(
    setting: &Setting,
    scrutiny: &Scrutiny,
    progress: &mut dyn Progress,
) -> Result<Report> {
    let path = scrutiny.certificate.as_ref().map(|it| setting.root.join(it));
    let certificate = path.as_deref().map(Certificate::read).transpose()?;
    let witnesses = Witnesses { certificate, judge: scrutiny.judge, schema: true };
    if scrutiny.offline {
        let (project, examined) = Project::read_beside(setting, Reading::All, Examined::of)?;
        return validate_files(&project, examined?, &witnesses, setting);
    }
    let mut site = Site::open(setting)?;
    checked_site(&mut site, &witnesses, progress)
}

/// The suite on a site that is open already.
pub(crate) fn validate_site(site: &mut Site, progress: &mut dyn Progress) -> Result<Report> {
    checked_site(site, &Witnesses::default(), progress)
}

fn checked_site(
    site: &mut Site,
    witnesses: &Witnesses,
    progress: &mut dyn Progress,
) -> Result<Report> {
    if let Some(certificate) = &witnesses.certificate {
        certificate::refuse_other_database(site, certificate)?;
    }
    let facts = Facts::gather(site, Scope::Declared, progress)?;
    let mut report = site.report("validate");
    let mut suite = file_checks(&site.project, Examined::of(site.project.files())?, witnesses);
    if witnesses.judge {
        progress.begin("asking drizzle-kit what it makes of schema.ts");
        suite.judge(&site.project, &site.setting);
    }
    suite.check("no run was interrupted", findings::interrupted(&site.project));
    let of = |codes: &[&str]| {
        facts.findings.iter().filter(|it| codes.contains(&it.code)).cloned().collect::<Vec<_>>()
    };
    suite.check("everything can be seen", of(&["unseen"]));
    suite.check(
        "the history builds an empty database",
        of(&["history-broken", "history-needs-schema"]),
    );
    progress.begin("building the last snapshot in scratch");
    match built(site, &facts)? {
        Ok(found) => suite.check(BUILT, found),
        Err(why) => suite.skip(BUILT, &why),
    }
    let mut ledger = facts.standing.findings.clone();
    ledger.extend(of(&["ledger-second"]));
    suite.check("the ledger records what the history says", ledger);
    suite.check("live is what its history builds", position(&facts, site));
    suite.check("nothing is pending", pending(&facts, site));
    match &facts.declared {
        Some(declared) if facts.standing.pending.is_empty() => {
            let mut found =
                check::declared::declared_matches(site.dialect(), declared, &facts.live);
            found.extend(missing_in_live(declared));
            found.extend(check::declared::told(declared));
            suite.check("live is what schema.ts declares", found);
        }
        Some(_) => suite.skip("live is what schema.ts declares", "migrations are pending"),
        None if !facts.live.unseen.is_empty() => {
            suite.skip("live is what schema.ts declares", "not all of live can be seen");
        }
        None if site.project.declared.is_some() => {
            suite.check(
                "live is what schema.ts declares",
                of(&["declared-unbuildable", "bigint-default", "names-collide"]),
            );
        }
        None => suite.skip("live is what schema.ts declares", "there is no schema.ts"),
    }
    if let Some(certificate) = &witnesses.certificate {
        progress.begin("replaying what was certified in scratch");
        suite.add(certificate::check(site, &facts, certificate)?);
    }
    let told = suite.findings.clone();
    let untold =
        facts.findings.iter().filter(|it| !told.iter().any(|told| told.tells_the_same_as(it)));
    suite.check("nothing else was found", untold.cloned().collect());
    report.sections.push(suite.section);
    report.sections.extend(drift(&facts));
    report.findings.extend(suite.findings);
    Ok(report)
}

fn validate_files(
    project: &Project,
    examined: Examined,
    witnesses: &Witnesses,
    setting: &Setting,
) -> Result<Report> {
    let mut report = Report::new("validate");
    let mut suite = file_checks(project, examined, witnesses);
    suite.check("no run was interrupted", findings::interrupted(project));
    // With a database the ledger says which of them are recorded.
    suite
        .check("no migration is ahead of the clock", future_entries(&project.history, setting.now));
    if witnesses.judge {
        suite.judge(project, setting);
    }
    suite.add(witnesses.certificate.as_ref().map(|it| certificate::check_files(project, it)));
    for name in ["the ledger records what the history says", "live is what its history builds"] {
        suite.skip(name, "offline");
    }
    report.sections.push(suite.section);
    report.findings = suite.findings;
    Ok(report)
}

/// What is wrong with the files, whatever `schema.ts` says.
struct Examined {
    files: Vec<Finding>,
    snapshots: Vec<Finding>,
    systems: Vec<Finding>,
}

impl Examined {
    fn of(files: Files<'_>) -> Result<Self> {
        let Files { root, config, dialect, history } = files;
        let meta = meta::read(&history.folder)?;
        let driver = config.driver.as_deref();
        let folder = Folder { history, meta: &meta, dialect, driver };
        Ok(Self {
            files: history.findings.iter().cloned().chain(folder.files()).collect(),
            snapshots: folder.snapshots(),
            systems: Systems::find(root, &history.folder)?.findings(),
        })
    }
}

fn file_checks(project: &Project, examined: Examined, witnesses: &Witnesses) -> Suite {
    let mut suite = Suite::new();
    let is_twice = |it: &Finding| it.code == "declared-twice";
    // What was to be compared is not there: that is no pass.
    let is_raised = |it: &Finding| witnesses.schema && it.code == SCHEMA_UNMATCHED;
    let weighed = |it: Finding| if is_raised(&it) { it.raised() } else { it };
    let found = project.findings.iter().cloned().map(weighed);
    let (twice, config): (Vec<_>, Vec<_>) = found.partition(is_twice);
    for (name, found) in [
        ("the configuration has its effect", config),
        ("schema.ts declares each thing once", twice),
    ] {
        if !found.is_empty() {
            suite.check(name, found);
        }
    }
    suite.check("the history's files are sound", examined.files);
    suite.check("the snapshots form a chain", examined.snapshots);
    if !examined.systems.is_empty() {
        suite.check("Drizzle is the only migration tool", examined.systems);
    }
    match &project.declared {
        Some(_) => {
            // Only now: beside the engine that evaluates `schema.ts` it would take room.
            suite.check("schema.ts is what the last snapshot says", ahead(project));
        }
        None => suite.skip("schema.ts is what the last snapshot says", "there is no schema.ts"),
    }
    suite
}

const BUILT: &str = "the last snapshot is what the history builds";

/// Whether the migrations build what drizzle-kit takes for done, or why that cannot be told.
fn built(site: &mut Site, facts: &Facts) -> Result<std::result::Result<Vec<Finding>, String>> {
    let (dialect, generation) = (site.dialect(), site.project.history.generation);
    let last = last_snapshot(&site.project).filter(|_| facts.live.unseen.is_empty());
    let replay = facts.states.get(site.project.history.migrations.len());
    let (Some(snapshot), Some(replay)) = (last, replay) else {
        return Ok(Err("there is no history, no snapshot, or no replay of it".to_owned()));
    };
    let is_declared = match &facts.declared {
        Some(it) => it
            .schema
            .snapshot(generation, &SnapshotIds::after(None, ""))
            .is_ok_and(|it| snapshot.says_the_same_as(&it)),
        None => false,
    };
    let otherwise = facts.declared.as_ref().map(|it| it.schema.compare(replay, &it.catalog));
    let built = match &facts.declared {
        Some(declared) if is_declared => declared.catalog.clone(),
        Some(_) | None => match side::built(site, &snapshot)? {
            Ok(catalog) => catalog,
            Err((head, error)) => {
                let why = format!("the engine refuses `{head}` of the snapshot: {error}");
                return Ok(Err(why));
            }
        },
    };
    let comparison = match &otherwise {
        Some(it) if is_declared => it.clone(),
        Some(_) | None => dialect.compare_managed(Pair { from: replay, to: &built }),
    };
    let declared = match &otherwise {
        Some(_) if is_declared => Declared::AsSnapshot,
        Some(it) => Declared::Otherwise(it),
        None => Declared::Unknown,
    };
    let (history, snapshot, comparison) = (&site.project.history, &built, &comparison);
    let three = Three { history, dialect, snapshot, comparison, declared };
    Ok(Ok(check::history::built::built(three).into_iter().collect()))
}

/// The last snapshot, if the migrations after it change no structure.
fn last_snapshot(project: &Project) -> Option<AnySnapshot> {
    let history = &project.history;
    let at = history.migrations.iter().rposition(|it| it.snapshot.is_some())?;
    let mut later = history.migrations.iter().skip(at + 1);
    if later.any(|it| changes_structure(project.dialect, &it.sql)) {
        return None;
    }
    match history.generation {
        Generation::V1 => chain::last(history, project.dialect),
        Generation::V0 => {
            let text = history.migrations[at].snapshot.as_deref()?;
            AnySnapshot::read(project.dialect, Generation::V0, text).ok()
        }
    }
}

/// A schema ahead of the last snapshot has changes that no migration makes.
pub(super) fn ahead(project: &Project) -> Vec<Finding> {
    last(project.files()).map(|it| ahead_of(&it, project)).unwrap_or_default()
}

/// What the last snapshot says, and nothing where there is none; `None` if it cannot be read, which has been
/// told already.
fn last(files: Files<'_>) -> Option<AnySnapshot> {
    let Files { history, dialect, .. } = files;
    let generation = history.generation;
    let Some(text) = history.migrations.iter().rev().find_map(|it| it.snapshot.as_deref()) else {
        return Some(AnySnapshot::empty(dialect, generation));
    };
    match generation {
        Generation::V0 => AnySnapshot::read(dialect, generation, text).ok(),
        Generation::V1 => chain::last(history, dialect),
    }
}

fn ahead_of(from: &AnySnapshot, project: &Project) -> Vec<Finding> {
    let Some(schema) = &project.declared else { return Vec::new() };
    if project.history.generation == Generation::V1 {
        return chain::ahead(&project.history, from, schema).into_iter().collect();
    }
    let has_snapshots = project.history.migrations.iter().any(|it| it.snapshot.is_some());
    let to = match schema.snapshot(Generation::V0, &SnapshotIds::after(None, "")) {
        Ok(snapshot) => snapshot,
        Err(error) => return vec![Finding::error(error.code(), "schema.ts", error.to_string())],
    };
    let difference = from.difference_to(&to);
    if difference.statements.is_empty() && difference.not_expressed.is_empty() {
        return Vec::new();
    }
    let finding = match difference.statements.iter().all(|it| is_drop(&it.sql)) {
        true if difference.not_expressed.is_empty() => Finding::error(
            "schema-behind",
            "schema.ts",
            "does not declare what the last snapshot has: the next migration drops it",
        ),
        _ => Finding::error("schema-ahead", "schema.ts", "declares what no migration makes"),
    };
    let finding = finding.affects(Affected::Both);
    let statements = difference.statements.iter().map(|it| crate::initsql::excerpt(&it.sql));
    let finding =
        statements.chain(difference.not_expressed.iter().cloned()).fold(finding, Finding::evidence);
    // Without a history `generate` would create what live already has.
    let next = match finding.code {
        "schema-behind" => {
            "declare it again, or read what `raingauge generate` writes before anything runs it"
        }
        _ if project.dialect == Dialect::MySql => "raingauge generate",
        _ if !has_snapshots => "raingauge analyze",
        _ => "raingauge generate",
    };
    vec![finding.next(next)]
}

fn is_drop(sql: &str) -> bool {
    let words: Vec<_> = sql.split_whitespace().take(5).map(str::to_ascii_uppercase).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    matches!(words[..], ["DROP", ..] | ["ALTER", "TABLE", _, "DROP", "COLUMN" | "CONSTRAINT", ..])
}

fn position(facts: &Facts, site: &Site) -> Vec<Finding> {
    let (course, findings) = course(facts, site);
    match course {
        Course::Adopted | Course::Fresh => Vec::new(),
        Course::Baseline => vec![
            Finding::error(
                "not-adopted",
                "history",
                "has no migrations, so nothing builds what live is",
            )
            .next("raingauge analyze"),
        ],
        Course::Record(_) => vec![
            Finding::error("ledger-behind", "ledger", "records less than live already is")
                .next("raingauge reconcile"),
        ],
        Course::Refused => findings,
    }
}

pub(super) fn pending(facts: &Facts, site: &Site) -> Vec<Finding> {
    if facts.standing.pending.is_empty() {
        return Vec::new();
    }
    let finding = Finding::error("pending", "history", "has migrations that live has not had");
    let tags =
        facts.standing.pending.iter().filter_map(|at| site.project.history.migrations.get(*at));
    vec![
        tags.fold(finding, |it, migration| it.evidence(migration.entry.tag.clone()))
            .next("raingauge migrate"),
    ]
}

pub(super) fn missing_in_live(declared: &crate::facts::DeclaredSide) -> Option<Finding> {
    let missing = &declared.comparison.only_to;
    if missing.is_empty() {
        return None;
    }
    let comparison =
        raingauge_schema::Comparison { only_to: missing.clone(), ..Default::default() };
    let finding = Finding::error("schema-differs", "schema.ts", "declares what live does not have");
    Some(findings::differences(finding, &comparison))
}
