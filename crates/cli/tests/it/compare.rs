//! What counts as a difference between live and `schema.ts`, what is only another spelling, and what is
//! none of Drizzle's business: told by `analyze`, held by `execute`, judged by the real drizzle-kit.

mod choices;
mod equivalents;
mod names;
mod unmanaged;
mod watched;

use std::fs;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, Run, judge};
use serde_json::Value;

use crate::refusals::run_quickly;
use crate::run::binary;

/// A project whose live is what a script makes, and whose `schema.ts` is given without its imports.
fn project(live: &str, schema: &str) -> Result<Project> {
    let project = Project::new(Example::BookstorePostgres, Age::Empty)?;
    fs::remove_dir_all(project.path("db"))?;
    fs::remove_file(project.path("docker-compose.yml"))?;
    project.database.sql(live)?;
    declare(&project, schema)?;
    Ok(project)
}

fn declare(project: &Project, schema: &str) -> Result {
    let imports =
        "import { sql } from \"drizzle-orm\";\nimport * as p from \"drizzle-orm/pg-core\";\n";
    project.write("src/db/schema.ts", &format!("{imports}{schema}"))
}

/// What a command says, with its exit code as expected.
struct Said {
    run: Run,
    document: Value,
}

#[track_caller]
fn said(project: &Project, arguments: &[&str], code: i32) -> Result<Said> {
    let run = run_quickly(&binary(), project, arguments)?;
    assert_eq!(run.code, code, "{run}");
    let document = run.json()?;
    Ok(Said { run, document })
}

impl Said {
    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.document["findings"].as_array().into_iter().flatten()
    }

    /// The subjects of all findings of a code.
    fn subjects(&self, code: &str) -> Vec<&str> {
        let of = self.findings().filter(|it| it["code"] == code);
        of.filter_map(|it| it["subject"].as_str()).collect()
    }

    /// The codes of all errors.
    fn errors(&self) -> Vec<&str> {
        let errors = self.findings().filter(|it| it["severity"] == "error");
        errors.filter_map(|it| it["code"].as_str()).collect()
    }

    /// The finding of a code about a subject, as one text.
    #[track_caller]
    fn words(&self, code: &str, subject: &str) -> String {
        let found = self.findings().find(|it| it["code"] == code && it["subject"] == subject);
        assert!(found.is_some(), "no {code} about {subject} in {}", self.run);
        found.map(Value::to_string).unwrap_or_default()
    }

    #[track_caller]
    fn says(&self, code: &str, subject: &str, texts: &[&str]) {
        let words = self.words(code, subject);
        for text in texts {
            assert!(words.contains(text), "`{text}` is not in {words}");
        }
    }
}

/// Adopts, and asks the real drizzle-kit whether anything is left to do.
#[track_caller]
fn adopt(project: &Project) -> Result<Said> {
    let said = said(project, &["execute", "--confirm"], 0)?;
    let verdict = judge::verdict(project, None)?;
    assert!(verdict.is_good(), "{verdict}\n{}", said.run);
    Ok(said)
}

/// The text for people has no line that could have been shorter; lines of code stay as they are.
#[track_caller]
fn fits_80_columns(run: &Run) {
    let is_code = |it: &&str| it.contains(" | ");
    for line in run.stdout.lines().filter(|it| 80 < it.chars().count() && !is_code(it)) {
        assert!(line.trim().split(' ').count() < 2, "`{line}` is too long");
    }
}
