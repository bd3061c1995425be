//! A report as JSON: the form that scripts rely on.
//!
//! These structs are the promise, apart from the types that commands work with, so that a refactoring
//! cannot change what scripts read. `docs/report.schema.json` is made from them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::Error;

/// The document that every command prints with `--format json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "report of raingauge")]
pub struct Document {
    /// Always 1; a change that breaks readers raises it.
    #[schemars(extend("const" = 1))]
    pub format: u32,
    /// The command: `analyze`.
    pub command: String,
    /// Engine and version; empty where no database was opened.
    pub engine: String,
    /// The target without its password; empty where no database was opened.
    pub target: String,
    /// `clean`, `differences`, `refused`, `unknown` or `failed`.
    #[schemars(extend("enum" = ["clean", "differences", "refused", "unknown", "failed"]))]
    pub verdict: String,
    pub findings: Vec<Finding>,
    pub steps: Vec<Step>,
    pub artefacts: Vec<Artefact>,
    /// The command's own tables, by key; each row is an object with one text per column.
    pub sections: IndexMap<String, Vec<IndexMap<String, String>>>,
    /// The next command to type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Why the command could not run, or stopped half way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// A stated fact; codes are listed in `docs/findings.md`.
#[derive(Serialize, JsonSchema)]
pub struct Finding {
    pub code: String,
    /// `error`, `warning` or `info`.
    #[schemars(extend("enum" = ["error", "warning", "info"]))]
    pub severity: String,
    pub subject: String,
    pub message: String,
    /// Whom a defect of the history reaches: `fresh` databases, `upgraded` ones, `both`, or `kit`, no
    /// database but what drizzle-kit does next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["fresh", "upgraded", "both", "kit", null]))]
    pub affects: Option<String>,
    pub evidence: Vec<String>,
    pub next: Vec<String>,
}

/// One step of what was done or would be done.
#[derive(Serialize, JsonSchema)]
pub struct Step {
    pub name: String,
    /// `done`, `skipped`, `failed`, `not reached` or `planned`.
    #[schemars(extend("enum" = ["done", "skipped", "failed", "not reached", "planned"]))]
    pub state: String,
    pub statements: usize,
    pub millis: u64,
}

/// A file that was written.
#[derive(Serialize, JsonSchema)]
pub struct Artefact {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

/// Why a command could not run; codes are listed in `docs/errors.md`.
#[derive(Serialize, JsonSchema)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub causes: Vec<String>,
    /// The lines of the file that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    pub done: Vec<String>,
    pub next: Vec<String>,
}

/// The report as one pretty JSON document with a newline at its end.
pub fn render(report: &Report) -> String {
    print(&Document {
        format: 1,
        command: report.command.to_owned(),
        engine: report.engine.clone(),
        target: report.target.clone(),
        verdict: report.verdict().word().to_owned(),
        findings: report.findings.iter().map(finding).collect(),
        steps: report.steps.iter().map(step).collect(),
        artefacts: report.artefacts.iter().map(artefact).collect(),
        sections: report.sections.iter().map(section).collect(),
        next: report.next.clone(),
        error: None,
    })
}

/// An error in the same document form; its verdict is `refused` or `failed`.
pub fn render_error(command: &str, error: &Error) -> String {
    print(&Document {
        format: 1,
        command: command.to_owned(),
        engine: String::new(),
        target: String::new(),
        verdict: if error.refused { "refused" } else { "failed" }.to_owned(),
        findings: Vec::new(),
        steps: Vec::new(),
        artefacts: Vec::new(),
        sections: IndexMap::new(),
        next: None,
        error: Some(Failure {
            code: error.code.to_owned(),
            message: error.message.clone(),
            causes: error.causes(),
            excerpt: error.excerpt.clone(),
            done: error.done.clone(),
            next: error.next.clone(),
        }),
    })
}

/// The JSON schema of every document, as `docs/report.schema.json` publishes it.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Document))
        .expect("a schema has only text keys");
    text.push('\n');
    text
}

fn print(document: &Document) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a document has only text keys");
    text.push('\n');
    text
}

fn finding(it: &super::Finding) -> Finding {
    Finding {
        code: it.code.to_owned(),
        severity: it.severity.word().to_owned(),
        subject: it.subject.clone(),
        message: it.message.clone(),
        affects: it.affects.map(|it| it.word().to_owned()),
        evidence: it.evidence.clone(),
        next: it.next.clone(),
    }
}

fn step(it: &super::Step) -> Step {
    Step {
        name: it.name.clone(),
        state: it.state.word().to_owned(),
        statements: it.n_statements,
        millis: it.millis,
    }
}

fn artefact(it: &super::Artefact) -> Artefact {
    Artefact { path: it.path.display().to_string(), bytes: it.bytes, sha256: it.sha256.clone() }
}

fn section(it: &super::Section) -> (String, Vec<IndexMap<String, String>>) {
    let row = |cells: &Vec<String>| {
        it.columns.iter().map(|name| (*name).to_owned()).zip(cells.iter().cloned()).collect()
    };
    (it.key.to_owned(), it.rows.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_published_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.schema.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == schema(), "run the test again with UPDATE_EXPECT=1");
    }
}
