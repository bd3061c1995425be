//! Every refusal: its code, its exit code, and that nothing was written.
//!
//! [`refuses`] is what each of them has to keep to. By what is wrong: `ledger` (it contradicts the
//! history or live) → `target` (it is not the database that is meant) → `consent` (nobody agreed, or to
//! something else) → `rights` (of the role) → `runners` (others at work) → `server` and `programs`
//! (PostgreSQL and its client programs) → `project` (its files) → `scripts` (of init.sql).

mod consent;
pub(crate) mod history;
mod ledger;
mod programs;
mod project;
mod rights;
mod runners;
mod scripts;
mod server;
mod target;

use std::collections::BTreeMap;

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::file_differences;
use raingauge_testkit::{Database, Failure, Project, Raingauge, Result, Run, State};
use serde_json::Value;

use crate::run::binary;

/// What a refusal has to leave as it was.
pub(crate) struct Witness<'a> {
    project: &'a Project,
    files: BTreeMap<String, Vec<u8>>,
    state: State,
}

impl<'a> Witness<'a> {
    pub(crate) fn of(project: &'a Project) -> Result<Self> {
        Ok(Self { project, files: project.files()?, state: project.database.state()? })
    }

    /// Fails if a file, an object, a row or a sequence is not what it was.
    #[track_caller]
    pub(crate) fn nothing_changed(&self, run: &Run) -> Result {
        let mut changes = file_differences(&self.files, &self.project.files()?);
        changes.extend(self.state.differences(&self.project.database.state()?));
        assert!(changes.is_empty(), "{changes:#?} after {run}");
        Ok(())
    }
}

/// What was refused: the document, and where in it the reason is.
pub(crate) struct Refusal {
    pub(crate) run: Run,
    pub(crate) document: Value,
    /// The finding or error with the expected code.
    pub(crate) reason: Value,
}

impl Refusal {
    /// The message, the evidence, the causes and the next steps, as one text.
    pub(crate) fn words(&self) -> String {
        self.reason.to_string()
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.words().contains(text), "`{text}` is not in {:#}", self.reason);
    }
}

/// Runs a command that has to be refused for the reason `code`.
#[track_caller]
pub(crate) fn refuses(
    project: &Project,
    arguments: &[&str],
    exit: i32,
    code: &str,
) -> Result<Refusal> {
    refused_by(&binary(), project, arguments, (exit, code))
}

/// As [`refuses`], for a binary with another environment.
#[track_caller]
pub(crate) fn refused_by(
    binary: &Raingauge,
    project: &Project,
    arguments: &[&str],
    (exit, code): (i32, &str),
) -> Result<Refusal> {
    let witness = Witness::of(project)?;
    let run = run_quickly(binary, project, arguments)?;
    witness.nothing_changed(&run)?;
    assert_eq!(run.code, exit, "{run}");
    no_secrets(&run);
    let document = run.json()?;
    let mut reasons = document["findings"].as_array().cloned().unwrap_or_default();
    reasons.push(document["error"].clone());
    advice_is_safe(&reasons, &run);
    let is_reason =
        |it: &Value| it["code"] == code && it.get("severity").is_none_or(|it| it == "error");
    let reason = reasons.into_iter().find(is_reason);
    let missing = || Failure::new(format!("`{code}` is not a reason in {run}"));
    let reason = reason.ok_or_else(missing)?;
    Ok(Refusal { run, document, reason })
}

/// Runs a command with JSON, and with scratch databases on the tests' own server: starting one for each
/// of so many commands takes long.
pub(crate) fn run_quickly(
    binary: &Raingauge,
    project: &Project,
    arguments: &[&str],
) -> Result<Run> {
    let scratch = match &project.database {
        Database::Postgres(it) => Some(it.server.url("postgres")),
        Database::Sqlite(_) => None,
    };
    let more = scratch.iter().flat_map(|it| ["--scratch", it]);
    let arguments: Vec<_> =
        arguments.iter().copied().chain(["--format", "json"]).chain(more).collect();
    binary.run(&project.root, &arguments)
}

/// No output ever has the password.
#[track_caller]
pub(crate) fn no_secrets(run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(PASSWORD), "the password is in {run}");
    }
}

/// What stops a run names a next step, and no step destroys anything.
#[track_caller]
fn advice_is_safe(reasons: &[Value], run: &Run) {
    for reason in reasons {
        for step in reason["next"].as_array().into_iter().flatten() {
            let step = step.as_str().unwrap_or_default().to_lowercase();
            let words = step.split(|it: char| !it.is_alphanumeric());
            for word in words {
                let destroys = ["drop", "reset", "force", "truncate"].contains(&word);
                assert!(!destroys, "`{step}` is advice in {run}");
            }
        }
    }
}
