//! A report for people: the verdict first, the next command last, 80 columns.

use std::fmt::Write;

use super::{Finding, Outcome, Report, Section, Severity, Step, StepState, Verdict};
use crate::Error;
use textwrap::{WordSeparator, WordSplitter};

/// How wide a line may be.
const WIDTH: usize = 80;

/// What stands before a line of a table, and between its columns.
const GAP: usize = 2;

/// How narrow the last column of a table may get, below the others and beside them.
const LEAST: usize = 10;
const LEAST_BESIDE: usize = 20;

/// What a piece of text is, so that a terminal can colour it; plain text ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Caution,
    Quiet,
    Strong,
}

/// Puts a tone on a text. The plain one returns the text as it is.
pub type Paint<'a> = &'a dyn Fn(Tone, &str) -> String;

/// The report as text.
pub fn render(report: &Report, paint: Paint<'_>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", headline(report, paint));
    for section in report.sections.iter().filter(|it| !it.rows.is_empty()) {
        let _ = write!(out, "\n{}", table(section, paint));
    }
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        for finding in report.findings.iter().filter(|it| it.severity == severity) {
            let _ = write!(out, "\n{}", finding_text(finding, paint));
        }
    }
    if !report.steps.is_empty() {
        let _ = writeln!(out);
    }
    for step in &report.steps {
        let _ = writeln!(out, "{}", step_text(step, paint));
    }
    if !report.artefacts.is_empty() {
        let _ = writeln!(out, "\n{}", paint(Tone::Strong, "files"));
    }
    for artefact in &report.artefacts {
        let _ = writeln!(out, "  {}  {} bytes", artefact.path.display(), artefact.bytes);
    }
    if let Some(next) = &report.next {
        let _ = writeln!(out, "\nnext: {}", paint(Tone::Strong, next));
    }
    out
}

/// An error as text, for stderr: what happened, its causes, what was done, what to do next.
pub fn render_error(error: &Error, paint: Paint<'_>) -> String {
    let mut out = String::new();
    let head = paint(Tone::Bad, &format!("error[{}]:", error.code));
    let _ = writeln!(out, "{head} {}", error.message);
    if let Some(lines) = &error.excerpt {
        let _ = writeln!(out, "{}", lines.trim_end());
    }
    for cause in error.causes() {
        let _ = writeln!(out, "{}", wrap(&format!("caused by: {cause}"), "  "));
    }
    for done in &error.done {
        let _ = writeln!(out, "{}", wrap(&format!("done before it stopped: {done}"), "  "));
    }
    for next in &error.next {
        let _ = writeln!(out, "{}", wrap(&format!("hint: {next}"), "  "));
    }
    out
}

fn headline(report: &Report, paint: Paint<'_>) -> String {
    let verdict = report.verdict();
    let tone = match verdict {
        Verdict::Clean => Tone::Good,
        Verdict::Differences | Verdict::Unknown => Tone::Caution,
        Verdict::Refused | Verdict::Failed => Tone::Bad,
    };
    let word = if report.outcome == Outcome::Planned {
        paint(Tone::Strong, "the plan")
    } else {
        paint(tone, verdict.word())
    };
    let head = format!("{}: {word}", report.command);
    if report.target.is_empty() {
        return head;
    }
    format!("{head}\n{}", paint(Tone::Quiet, &format!("{} · {}", report.engine, report.target)))
}

fn finding_text(finding: &Finding, paint: Paint<'_>) -> String {
    let tone = match finding.severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Caution,
        Severity::Info => Tone::Quiet,
    };
    let head = paint(tone, &format!("{}[{}]", finding.severity.word(), finding.code));
    let mut out = format!("{head} {}\n", finding.subject);
    let _ = writeln!(out, "{}", hang("  ", &finding.message, "  "));
    if let Some(affected) = finding.affects {
        let _ = writeln!(out, "{}", hang("  affects: ", affected.words(), "  "));
    }
    for line in &finding.evidence {
        let _ = writeln!(out, "{}", paint(Tone::Quiet, &wrap(line, "    ")));
    }
    for step in &finding.next {
        let _ = writeln!(out, "{}", wrap(&format!("→ {step}"), "  "));
    }
    out
}

fn step_text(step: &Step, paint: Paint<'_>) -> String {
    let (mark, tone) = match step.state {
        StepState::Done => ("✓", Tone::Good),
        StepState::Skipped => ("–", Tone::Quiet),
        StepState::Failed => ("✗", Tone::Bad),
        StepState::NotReached => ("·", Tone::Quiet),
        StepState::Planned => ("•", Tone::Strong),
    };
    let statements = match step.n_statements {
        0 => String::new(),
        1 => " (1 statement)".to_owned(),
        n => format!(" ({n} statements)"),
    };
    let words = format!("{}{statements}", step.name);
    let suffix = match step.state {
        StepState::Done | StepState::Planned => String::new(),
        other => format!(": {}", other.word()),
    };
    format!("{} {words}{suffix}", paint(tone, mark))
}

fn table(section: &Section, paint: Paint<'_>) -> String {
    let mut out = format!("{}\n", paint(Tone::Strong, &section.title));
    let n_columns = section.columns.len();
    // Two columns explain themselves; more need their names.
    let head: Vec<String> = section.columns.iter().map(|it| (*it).to_owned()).collect();
    let head = (2 < n_columns).then_some(&head);
    let width = |at: usize| {
        let cells = head.into_iter().chain(&section.rows).filter_map(|row| row.get(at));
        cells.map(|it| it.chars().count()).max().unwrap_or(0)
    };
    // The last column takes what is left and is wrapped; the others are as wide as their widest cell.
    let widths: Vec<usize> = (0..n_columns.saturating_sub(1)).map(|at| width(at).min(54)).collect();
    let before_last: usize = widths.iter().map(|it| it + GAP).sum::<usize>() + GAP;
    let is_wide = WIDTH < before_last + width(widths.len()).min(LEAST);
    if let Some(head) = head.filter(|_| is_wide) {
        for row in &section.rows {
            let _ = writeln!(out, "{}", record(head, row));
        }
        return out;
    }
    if let Some(head) = head {
        let _ = writeln!(out, "{}", paint(Tone::Quiet, &line_of(head, &widths)));
    }
    for row in &section.rows {
        let _ = writeln!(out, "{}", line_of(row, &widths));
    }
    out
}

/// A row that has no room on a line: its first two cells, and below them the others with their names.
fn record(head: &[String], row: &[String]) -> String {
    let first: Vec<_> = row.iter().take(2).map(String::as_str).collect();
    let others = head.iter().zip(row).skip(2).filter(|it| !it.1.is_empty());
    let others: Vec<_> = others.map(|(name, cell)| format!("{name}: {cell}")).collect();
    let first = format!("  {}", first.join("  ").trim_end());
    match others.is_empty() {
        true => first,
        false => format!("{first}\n{}", hang("      ", &others.join(" · "), "      ")),
    }
}

fn line_of(row: &[String], widths: &[usize]) -> String {
    let mut line = String::from("  ");
    for (cell, width) in row.iter().zip(widths) {
        let _ = write!(line, "{cell:<width$}  ");
    }
    let indent = " ".repeat(line.chars().count());
    let last = row.get(widths.len()).map(String::as_str).unwrap_or_default();
    let room = if indent.len() + LEAST_BESIDE < WIDTH { indent.as_str() } else { "      " };
    hang(&line, last, room).trim_end().to_owned()
}

fn hang(head: &str, text: &str, indent: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some((first, rest)) = lines.split_first() else { return head.to_owned() };
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(head)
        .subsequent_indent(indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let mut out = textwrap::fill(first, options);
    for line in rest {
        let _ = write!(out, "\n{indent}{line}");
    }
    out
}

fn wrap(text: &str, indent: &str) -> String {
    text.lines()
        .map(|line| hang(indent, line, &format!("{indent}  ")))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Artefact, json};

    fn sample() -> Report {
        let mut report = Report::new("analyze");
        report.engine = "SQLite 3.54.1".into();
        report.target = "file:shop.sqlite".into();
        report.findings.push(
            Finding::error("table-missing", "table users", "declared, but missing in live")
                .evidence("schema.ts declares it")
                .next("raingauge reconcile"),
        );
        report.findings.push(Finding::info("carried", "trigger books.touch", "kept word for word"));
        let mut section = Section::new("comparison", "what differs", &["object", "difference"]);
        section.push(["table users", "only declared"]);
        report.sections.push(section);
        report.artefacts.push(Artefact { path: "a.sql".into(), bytes: 1, sha256: "00".into() });
        report.next = Some("raingauge reconcile".into());
        report
    }

    #[test]
    fn every_renderer_has_every_finding_section_and_artefact() {
        let report = sample();
        for text in [render(&report, &|_, it| it.to_owned()), json::render(&report)] {
            for expected in
                ["table-missing", "carried", "schema.ts declares it", "only declared", "a.sql"]
            {
                assert!(text.contains(expected), "`{expected}` is missing in\n{text}");
            }
        }
    }

    #[test]
    fn the_verdict_stands_first_and_the_next_command_last() {
        let text = render(&sample(), &|_, it| it.to_owned());
        assert!(text.starts_with("analyze: differences\n"), "{text}");
        assert!(text.ends_with("next: raingauge reconcile\n"), "{text}");
        assert!(text.lines().all(|it| it.chars().count() <= WIDTH), "{text}");
    }
}
