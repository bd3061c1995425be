//! `diff A B`: what differs between two sides, and the statements that lead from one to the other.

use std::collections::BTreeSet;
use std::fmt::Write;

use raingauge_schema::mysql::catalog::flavour;
use raingauge_schema::plan::Hazard;
use raingauge_schema::{Comparison, Dialect, Object, Pair};

use crate::diff::view::moved_columns;
use crate::diff::{Builder, Goal, Side, Source, Trial, View, Way, lead};
use crate::facts::{kept_whole, unseen};
use crate::findings::{differences_between, named, with_lines};
use crate::initsql::excerpt;
use crate::progress::Progress;
use crate::report::{Finding, Outcome, Report, Section};
use crate::setting::Setting;
use crate::{Error, Result};

/// What is compared, and what is wanted of it.
#[derive(Clone, Debug)]
pub struct DiffRequest {
    pub from: String,
    pub to: String,
    /// The engine, where neither side tells.
    pub dialect: Option<Dialect>,
    /// Whether the statements alone are wanted: then there are none that lead only a part of the way.
    pub sql: bool,
}

/// The report, and the statements as a script.
#[derive(Clone, Debug)]
pub struct Diffed {
    pub report: Report,
    /// Absent where the statements do not lead to the second side.
    pub script: Option<String>,
}

/// Says what differs between two sides, and what leads from the first to the second. Writes nothing to
/// either.
///
/// # Errors
/// If a side cannot be read or built, or scratch cannot be had.
pub fn diff(
    setting: &Setting,
    request: &DiffRequest,
    progress: &mut dyn Progress,
) -> Result<Diffed> {
    let mut from = Source::of(&request.from, setting)?;
    let mut to = Source::of(&request.to, setting)?;
    let dialect = dialect(request, Pair { from: &from, to: &to })?;
    let sources = Pair { from: &mut from, to: &mut to };
    let mut builder = Builder::open(setting, dialect, sources)?;
    let mut sides = read(&mut builder, Pair { from: &from, to: &to }, progress)?;
    let view = view(dialect, &sides);
    let goal = view.goal(&sides.to.catalog);
    let comparison = view.compare(Pair { from: &sides.from.catalog, to: &goal });
    let mut report = Report::new("diff");
    report.sections.push(told(&sides));
    report.findings.extend(unseen(&sides.from.catalog));
    report.findings.extend(unseen(&sides.to.catalog));
    report.findings.extend(kept_whole(&sides.from.catalog));
    report.findings.extend(kept_whole(&sides.to.catalog));
    report.findings.extend(notes(&sides, &view, &comparison));
    let head = format!("-- raingauge diff: from {} to {}\n", label(&sides.from), label(&sides.to));
    if comparison.is_equal() {
        return Ok(Diffed {
            report,
            script: Some(format!("{head}-- equal: there is nothing to do\n")),
        });
    }
    report.sections.push(differences(&comparison));
    report.findings.push(differ(&sides, &comparison));
    if let Some(finding) = of_two_flavours(&sides) {
        report.findings.push(finding);
        return Ok(Diffed { report: refused(report, request), script: None });
    }
    if !report.findings.iter().all(|it| it.code != "unseen") {
        return Ok(Diffed { report: refused(report, request), script: None });
    }
    builder.take_apart(&mut sides.from)?;
    builder.take_apart(&mut sides.to)?;
    carry_pieces(&view, &mut sides);
    let goal = Goal { view: &view, sides: Pair { from: &sides.from, to: &sides.to } };
    let way = lead(goal, &mut builder, progress)?;
    report.sections.extend(statements(&way, dialect));
    report.findings.extend(of_way(&way, &sides));
    if !way.is_complete() {
        return Ok(Diffed { report: refused(report, request), script: None });
    }
    let script = Some(script(&head, &way, dialect, &report.findings));
    Ok(Diffed { report, script })
}

fn refused(mut report: Report, request: &DiffRequest) -> Report {
    if request.sql {
        report.outcome = Outcome::Refused;
    }
    report
}

/// The engine that both sides are of.
fn dialect(request: &DiffRequest, sources: Pair<&Source>) -> Result<Dialect> {
    let told = [sources.from.dialect, sources.to.dialect, request.dialect];
    let mut told = told.into_iter().flatten();
    let Some(dialect) = told.next() else {
        let message = "neither side says whether it is PostgreSQL, MySQL or SQLite";
        return Err(Error::new("dialect-unknown", message)
            .next("say it: `--dialect postgresql`, `--dialect mysql` or `--dialect sqlite`"));
    };
    if let Some(other) = told.find(|it| *it != dialect) {
        let message = format!(
            "one side is of {dialect} and the other of {other}, and there is no way between them"
        );
        return Err(Error::refusal("sides-of-two-engines", message));
    }
    Ok(dialect)
}

/// That no statement makes a database of MariaDB one of MySQL, or the other way round.
fn of_two_flavours(sides: &Pair<Side>) -> Option<Finding> {
    let (from, to) = (flavour(&sides.from.catalog)?, flavour(&sides.to.catalog)?);
    (from != to).then(|| {
        let message = format!(
            "A is of {} and B of {}, which spell most things in two ways; no statements lead from one to the other",
            from.name(),
            to.name()
        );
        Finding::error("diff-not-expressed", "statements", message)
            .next("compare with a side of the same flavour: its scripts or its history in scratch")
    })
}

/// Reads both, and first the one that the other may rest on.
fn read(
    builder: &mut Builder<'_>,
    sources: Pair<&Source>,
    progress: &mut dyn Progress,
) -> Result<Pair<Side>> {
    let mut read = |source: &Source, other: Option<&mut Side>| {
        progress.begin(&format!("reading {}", source.label));
        builder.side(source, other)
    };
    if sources.from.nature.is_drizzle_only() && !sources.to.nature.is_drizzle_only() {
        let mut to = read(sources.to, None)?;
        let from = read(sources.from, Some(&mut to))?;
        return Ok(Pair { from, to });
    }
    let mut from = read(sources.from, None)?;
    let is_basis = !sources.from.nature.is_drizzle_only();
    let to = read(sources.to, is_basis.then_some(&mut from))?;
    Ok(Pair { from, to })
}

fn view(dialect: Dialect, sides: &Pair<Side>) -> View {
    let drizzle = |it: &Side| it.source.nature.is_drizzle_only();
    if !drizzle(&sides.from) && !drizzle(&sides.to) {
        return View::whole(dialect);
    }
    let filters = sides.to.filters.clone().or_else(|| sides.from.filters.clone());
    let kept = if drizzle(&sides.from) { Default::default() } else { sides.from.catalog.clone() };
    View {
        is_managed: true,
        declared: sides.to.declared.clone(),
        filters,
        kept,
        ..View::whole(dialect)
    }
}

/// What the first side has beyond what counts may have to be made again.
fn carry_pieces(view: &View, sides: &mut Pair<Side>) {
    if view.is_managed && !sides.from.source.nature.is_drizzle_only() {
        let own: BTreeSet<_> = sides.to.pieces.iter().map(|it| it.sql.clone()).collect();
        let more = sides.from.pieces.iter().filter(|it| !own.contains(&it.sql)).cloned();
        let more: Vec<_> = more.collect();
        sides.to.pieces.extend(more);
    }
}

/// A side's name where it stands in a line of its own.
fn label(side: &Side) -> String {
    side.source.label.replace(char::is_control, " ")
}

fn told(sides: &Pair<Side>) -> Section {
    let mut section = Section::new("sides", "sides", &["side", "name", "what it is", "engine"]);
    for (name, side) in [("A", &sides.from), ("B", &sides.to)] {
        let nature = side.source.nature.to_string();
        section.push([name, &label(side), &nature, &side.engine]);
    }
    section
}

fn differences(comparison: &Comparison) -> Section {
    let mut section = Section::new("differences", "what differs", &["object", "difference"]);
    for row in differences_between(comparison, Pair { from: "A", to: "B" }) {
        section.push(row);
    }
    section
}

fn differ(sides: &Pair<Side>, comparison: &Comparison) -> Finding {
    let n = comparison.n_differences();
    let what = if n == 1 { "one object differs".to_owned() } else { format!("{n} objects differ") };
    let names = format!("{} and {}", label(&sides.from), label(&sides.to));
    Finding::error("sides-differ", names, what)
        .next("the same with --sql: the statements alone, as a script")
}

/// What has to be known of the comparison itself.
fn notes(sides: &Pair<Side>, view: &View, comparison: &Comparison) -> Vec<Finding> {
    let mut findings = Vec::new();
    if view.is_managed {
        findings.extend(left_out(sides, view));
    } else if view.dialect == Dialect::Postgres {
        let moved = moved_columns(Pair { from: &sides.from.catalog, to: &sides.to.catalog });
        let message = "has its columns in another order in B; PostgreSQL puts a new one behind the others and no statement moves one, so that this is left as it is";
        let one = |it: &raingauge_schema::ObjectId| {
            Finding::warning("column-order", it.to_string(), message)
        };
        findings.extend(moved.iter().map(one));
    }
    let alike = comparison.alike.iter().map(|it| {
        let message = format!(
            "looks like `{}` under another name; nobody says so, so the statements drop one and make the other",
            it.to.dotted()
        );
        Finding::warning("looks-renamed", it.from.to_string(), message)
            .next("where it is a rename, rename it by hand first, then compare again")
    });
    findings.extend(alike);
    findings
}

/// What one side has and the other, which knows only Drizzle's words, cannot say.
fn left_out(sides: &Pair<Side>, view: &View) -> Option<Finding> {
    let drizzle = |it: &Side| it.source.nature.is_drizzle_only();
    let (who, whole) = match (drizzle(&sides.from), drizzle(&sides.to)) {
        (true, false) => (label(&sides.from), &sides.to),
        (false, true) => (label(&sides.to), &sides.from),
        _ => return None,
    };
    let seen = view.filters.as_ref().map(|it| it.managed(&whole.catalog));
    let is_left_out = |it: &&Object| {
        !view.dialect.expresses(it, None)
            || seen.as_ref().is_some_and(|seen| seen.get(&it.id).is_none())
    };
    let all: Vec<_> = whole.catalog.objects().filter(is_left_out).map(|it| named(&it.id)).collect();
    let message = format!(
        "`{who}` says nothing of what Drizzle cannot express or the configuration leaves out; these of `{}` are not compared, and stay where what they belong to stays",
        label(whole)
    );
    (!all.is_empty()).then(|| with_lines(Finding::info("not-compared", who.clone(), message), all))
}

/// The statements with their numbers, and the risks by number.
fn statements(way: &Way, dialect: Dialect) -> Vec<Section> {
    let mut statements = Section::new("statements", "from A to B", &["n", "statement"]);
    let mut risks = Section::new("risks", "risks of these statements", &["n", "risk"]);
    for setting in way.settings(dialect) {
        statements.push([(statements.rows.len() + 1).to_string(), (*setting).to_owned()]);
    }
    for step in &way.steps {
        let first = (statements.rows.len() + 1).to_string();
        for hazard in &step.hazards {
            risks.push([first.clone(), hazard.to_string()]);
        }
        for sql in &step.statements {
            statements.push([(statements.rows.len() + 1).to_string(), sql.clone()]);
        }
    }
    let sections = [statements, risks];
    sections.into_iter().filter(|it| !it.rows.is_empty()).collect()
}

/// What trying the statements has shown, and what of it deletes.
fn of_way(way: &Way, sides: &Pair<Side>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let deleted: BTreeSet<_> = way
        .steps
        .iter()
        .flat_map(|it| &it.hazards)
        .filter_map(|it| match it {
            Hazard::DeletesData(name) => Some(name),
            Hazard::RewritesTable(_) | Hazard::NotTransactional | Hazard::NotUnderstood => None,
        })
        .collect();
    findings.extend(deleted.into_iter().map(|it| {
        Finding::warning("deletes-data", it.clone(), "is deleted, cut or rounded when it runs")
    }));
    for [object, difference] in differences_between(&way.remaining, Pair { from: "A", to: "B" }) {
        let message = format!("{difference}; no statement that is known here changes that");
        findings.push(Finding::error("diff-not-expressed", object, message));
    }
    let copy = format!("a copy of {}", label(&sides.from));
    findings.push(match &way.trial {
        Trial::Proven if way.remaining.is_equal() => {
            let message = format!("were run in scratch on {copy}: they give B");
            Finding::info("diff-tried", "statements", message)
        }
        Trial::Proven => {
            let message = format!("were tried in scratch on {copy}; they do not lead all the way");
            let said = way.refused.iter();
            let said = said.map(|(sql, why)| format!("{why}: {}", excerpt(sql))).collect();
            with_lines(Finding::info("diff-tried", "statements", message), said)
        }
        Trial::NotTried(why) => {
            Finding::warning("diff-not-tried", "statements", "not tried").evidence(why.clone())
        }
        Trial::Failed(why) => {
            let message =
                format!("were found one by one on {copy}, but do not lead to B from the beginning");
            Finding::error("diff-unproven", "statements", message).evidence(why.clone())
        }
    });
    findings
}

/// The statements as a script, with all that has to be known of them in comments.
fn script(head: &str, way: &Way, dialect: Dialect, findings: &[Finding]) -> String {
    let line = |it: &str| format!("-- {}\n", it.replace(char::is_control, " "));
    let mut out = head.to_owned();
    for finding in findings {
        match finding.code {
            "diff-tried" => {
                out += &line("tried in scratch on a copy of the first: it gives the second");
            }
            "diff-not-tried" => {
                out += &line(&format!("not tried: {}", finding.evidence.join("; ")));
            }
            "column-order" | "looks-renamed" => {
                out += &line(&format!("{} {}", finding.subject, finding.message));
            }
            _ => {}
        }
    }
    let settings = way.settings(dialect);
    if !settings.is_empty() {
        let _ = write!(out, "\n{}\n", settings.join("\n"));
    }
    for step in &way.steps {
        out += "\n";
        for hazard in &step.hazards {
            out += &line(&hazard.to_string());
        }
        for sql in &step.statements {
            out += &delimited(sql, dialect);
        }
    }
    out
}

/// A statement as the engine's shell takes it: that of MySQL ends one at the first semicolon, unless it is told
/// otherwise.
fn delimited(sql: &str, dialect: Dialect) -> String {
    let body = sql.strip_suffix(';').unwrap_or(sql);
    let has_end = dialect.tokens(body).map_or(true, |it| it.iter().any(|it| it.is_symbol(';')));
    if dialect != Dialect::MySql || !has_end {
        return format!("{sql}\n");
    }
    let mut delimiter = ";;".to_owned();
    while body.contains(&delimiter) {
        delimiter.push('$');
    }
    format!("DELIMITER {delimiter}\n{body}\n{delimiter}\nDELIMITER ;\n")
}
