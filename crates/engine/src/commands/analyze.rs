//! `analyze`: the four-way comparison, live's position, the state of its data, and what to do.

use raingauge_schema::ObjectId;

use super::validate;
use crate::adoption::{Course, Planning, plan};
use crate::check::declared;
use crate::facts::{Facts, Scope};
use crate::findings;
use crate::position::{Effect, Extent};
use crate::progress::Progress;
use crate::report::{Finding, Report, Section, Verdict};
use crate::setting::Setting;
use crate::side::Init;
use crate::site::Site;
use crate::{Error, Result, adoption, data};

/// Compares live, init.sql, history and `schema.ts`, and says what to do. Writes nothing: live is read
/// through a session in which the engine refuses every write.
///
/// # Errors
/// If the project cannot be read, or a database cannot be reached.
pub fn analyze(setting: &Setting, progress: &mut dyn Progress) -> Result<Report> {
    let mut site = Site::open(setting)?;
    let mut facts = Facts::gather(&mut site, Scope::All, progress)?;
    let planning = plan(&mut site, &mut facts, progress)?;
    let mut report = report(&site, &facts, planning);
    progress.begin("looking at the data");
    let (tables, findings) = data::state(&mut site.live, &facts.live).map_err(|cause| {
        Error::new("rows-unreadable", "cannot look at the tables' rows").caused_by(cause)
    })?;
    report.sections.push(tables);
    report.findings.extend(findings);
    Ok(report)
}

/// The report of an analysis.
pub(crate) fn report(site: &Site, facts: &Facts, planning: Planning) -> Report {
    let mut report = site.report("analyze");
    report.sections.push(overview(site, facts));
    if let Some(init) = &facts.init {
        report.sections.push(findings::section("init-sql", "live and init.sql", &init.comparison));
        report.sections.push(seed_section(init));
    }
    if let Some(declared) = &facts.declared {
        report.sections.push(findings::section(
            "schema-ts",
            "live and schema.ts",
            &declared.comparison,
        ));
    }
    report.sections.push(effects(facts));
    report.sections.extend(drift(facts));
    let interrupted = findings::interrupted(&site.project);
    report.next = match interrupted.is_empty() {
        true => next(site, facts, &planning),
        false => interrupted.iter().find_map(|it| it.next.first().cloned()),
    };
    report.findings.extend(interrupted);
    report.findings.extend(facts.findings.iter().cloned());
    report.findings.extend(planning.findings);
    // What stands in the way has been said; that the way is not gone yet would be noise.
    if report.verdict() == Verdict::Clean {
        report.findings.extend(undone(site, facts));
    }
    report
}

/// What is still to be done until live, ledger, history and `schema.ts` say the same.
fn undone(site: &Site, facts: &Facts) -> Vec<Finding> {
    match adoption::course(facts, site).0 {
        Course::Refused => Vec::new(),
        Course::Baseline => vec![Finding::error(
            "not-adopted",
            "history",
            "has no migrations, so nothing builds what live is",
        )],
        Course::Record(_) => {
            vec![Finding::error("ledger-behind", "ledger", "records less than live already is")]
        }
        Course::Adopted | Course::Fresh if !facts.standing.pending.is_empty() => {
            validate::pending(facts, site)
        }
        Course::Adopted | Course::Fresh => {
            let mut findings = validate::ahead(&site.project);
            if let Some(side) = facts.declared.as_ref().filter(|_| findings.is_empty()) {
                findings.extend(declared::declared_matches(site.dialect(), side, &facts.live));
                findings.extend(declared::told(side));
                findings.extend(validate::missing_in_live(side));
            }
            findings
        }
    }
}

/// What was compared, and with which outcome.
pub(crate) fn overview(site: &Site, facts: &Facts) -> Section {
    let mut section = Section::new("sides", "what was compared", &["side", "state"]);
    section.push([
        "live".to_owned(),
        format!("{} objects, {}", facts.live.len(), facts.live.fingerprint().short()),
    ]);
    let history = &site.project.history;
    let n = history.migrations.len();
    let recorded = facts.standing.recorded.len();
    section.push([
        "history".to_owned(),
        if n == 0 {
            "no migrations".to_owned()
        } else {
            format!("{n} migrations, {recorded} recorded, {} pending", facts.standing.pending.len())
        },
    ]);
    section.push(["position".to_owned(), position_words(site, facts)]);
    if facts.scope == Scope::All {
        let source = facts.init.as_ref().map_or("none".to_owned(), |it| {
            let only = if it.only_prepares { ", prerequisites only" } else { "" };
            format!("{}{only}", it.source)
        });
        section.push(["init.sql".to_owned(), source]);
    }
    if facts.scope != Scope::History {
        section.push(["schema.ts".to_owned(), declared_words(site, facts)]);
    }
    section
}

fn declared_words(site: &Site, facts: &Facts) -> String {
    let declared = facts.declared.as_ref().map(|it| it.comparison.n_differences());
    match (declared, site.project.declared.is_some()) {
        (Some(0), _) => "equal to live".to_owned(),
        (Some(1), _) => "1 difference to live".to_owned(),
        (Some(n), _) => format!("{n} differences to live"),
        (None, true) if !facts.live.unseen.is_empty() => {
            "not compared, because not all of live can be seen".to_owned()
        }
        (None, true) => "cannot be built".to_owned(),
        (None, false) => "none".to_owned(),
    }
}

fn position_words(site: &Site, facts: &Facts) -> String {
    let tag = |at: usize| match at {
        0 => "empty".to_owned(),
        at => site
            .project
            .history
            .migrations
            .get(at - 1)
            .map_or(String::new(), |it| it.entry.tag.clone()),
    };
    if site.project.history.migrations.is_empty() {
        return "no history yet".to_owned();
    }
    match facts.position.at() {
        Some(at) => match &facts.position.within {
            Some(it) => {
                format!(
                    "proven: {}, and {} of {} steps of {}",
                    tag(at),
                    it.done,
                    it.of,
                    tag(at + 1)
                )
            }
            None => format!("proven: {}", tag(at)),
        },
        None if facts.position.inside.is_some() => facts
            .position
            .inside
            .as_ref()
            .map_or(String::new(), |it| format!("inside {}: {}", tag(it.at + 1), it.words())),
        None => format!(
            "nowhere; nearest {}, {} differences",
            tag(facts.position.nearest),
            facts.position.differences.n_differences()
        ),
    }
}

fn effects(facts: &Facts) -> Section {
    let mut section = Section::new(
        "effects",
        "what of each migration is in effect",
        &["migration", "extent", "objects"],
    );
    for effect in &facts.position.effects {
        let told =
            if effect.absent.is_empty() { counted(effect, facts) } else { each(effect, facts) };
        section.push([effect.tag.clone(), effect.extent.word().to_owned(), told]);
    }
    section
}

/// All that makes live another database than its history builds, if a finding has no room for it.
pub(crate) fn drift(facts: &Facts) -> Option<Section> {
    let is_nowhere = facts.position.proven.is_none() && !facts.position.effects.is_empty();
    is_nowhere.then(|| findings::all_differences(&facts.position.differences)).flatten()
}

/// What is in effect can be an object that this or a later migration drops.
fn is_dropped(id: &ObjectId, facts: &Facts) -> bool {
    facts.live.get(id).is_none()
}

/// Migrations of which live has something else than the ledger says.
pub(crate) fn out_of_order(facts: &Facts) -> Option<Section> {
    let is_told = |(at, effect): &(usize, &Effect)| match effect.extent {
        Extent::Partial => true,
        Extent::None => facts.standing.recorded.contains(at),
        Extent::All => !facts.standing.recorded.contains(at),
        Extent::NotProvable => false,
    };
    let mut section = Section::new(
        "effects",
        "migrations whose effects are not what the ledger says",
        &["migration", "extent", "objects"],
    );
    for (_, effect) in facts.position.effects.iter().enumerate().filter(is_told) {
        let objects = each(effect, facts);
        section.push([effect.tag.clone(), effect.extent.word().to_owned(), objects]);
    }
    let is_moved = facts.position.at() != Some(facts.standing.recorded.len());
    (is_moved && !section.rows.is_empty()).then_some(section)
}

fn counted(effect: &Effect, facts: &Facts) -> String {
    let dropped = effect.present.iter().filter(|it| is_dropped(it, facts)).count();
    match (effect.present.len() - dropped, dropped) {
        (0, 0) => "changes no structure".to_owned(),
        (present, 0) => format!("{present} present"),
        (0, dropped) => format!("{dropped} dropped"),
        (present, dropped) => format!("{present} present, {dropped} dropped"),
    }
}

fn each(effect: &Effect, facts: &Facts) -> String {
    let absent = findings::folded(effect.absent.iter()).into_iter();
    let present = findings::folded(effect.present.iter()).into_iter();
    let word = |it: &ObjectId| if is_dropped(it, facts) { "dropped" } else { "present" };
    let lines = absent
        .map(|it| format!("missing {it}"))
        .chain(present.map(|it| format!("{} {it}", word(it))));
    lines.collect::<Vec<_>>().join("\n")
}

fn seed_section(init: &Init) -> Section {
    let mut section = Section::new(
        "seeds",
        "rows that init.sql inserted",
        &["table", "seed rows", "unchanged", "edited", "deleted", "user-made"],
    );
    for (table, state) in init.seeds.iter().zip(&init.states) {
        let Some(state) = state else {
            let unknown = ["unknown"; 4].map(str::to_owned);
            let head = [table.id.dotted(), format!("{} seeds", table.rows.len())];
            section.push(head.into_iter().chain(unknown));
            continue;
        };
        section.push([
            table.id.dotted(),
            table.rows.len().to_string(),
            state.n_unchanged.to_string(),
            state.edited.len().to_string(),
            state.deleted.len().to_string(),
            state.n_user_made.to_string(),
        ]);
    }
    section
}

fn next(site: &Site, facts: &Facts, planning: &Planning) -> Option<String> {
    if planning.adoption.is_some() {
        return Some("raingauge execute".to_owned());
    }
    let (course, _) = adoption::course(facts, site);
    match course {
        Course::Adopted if facts.standing.pending.is_empty() => {
            let is_ahead = !validate::ahead(&site.project).is_empty();
            Some(if is_ahead { "raingauge generate" } else { "raingauge validate" }.to_owned())
        }
        Course::Adopted | Course::Fresh => Some("raingauge migrate".to_owned()),
        Course::Baseline | Course::Record(_) | Course::Refused => None,
    }
}
