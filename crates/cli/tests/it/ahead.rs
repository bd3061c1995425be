//! `schema.ts` beside the last snapshot, in both layouts: ahead of it, behind it, or both.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use crate::run::{binary, run};

const SCHEMA: &str = "src/db/schema.ts";

/// A bookstore whose one migration makes all of `schema.ts`.
fn generated(example: Example, is_1_0: bool) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    if is_1_0 {
        project.install_drizzle_1()?;
    }
    run(&project, &["generate"], 0)?;
    run(&project, &["validate", "--offline"], 0)?;
    Ok(project)
}

/// What `validate --offline` says of `schema.ts` after an edit, with the statements that it names; then the
/// edit is taken back.
fn told(project: &Project, from: &str, to: &str) -> Result<(String, String)> {
    let before = project.read(SCHEMA)?;
    project.edit(SCHEMA, from, to)?;
    let run = binary().run(&project.root, &["validate", "--offline", "--format", "json"])?;
    project.write(SCHEMA, &before)?;
    assert_eq!(run.code, 1, "{run}");
    let document = run.json()?;
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let errors: Vec<_> = findings.iter().filter(|it| it["severity"] == "error").collect();
    assert_eq!(errors.len(), 1, "{run}");
    let error = errors[0];
    assert_eq!(error["subject"], "schema.ts", "{run}");
    Ok((error["code"].as_str().unwrap_or_default().to_owned(), error["evidence"].to_string()))
}

#[track_caller]
fn check(project: &Project, (from, to): (&str, &str), code: &str, evidence: &str) -> Result {
    let (found, lines) = told(project, from, to)?;
    assert_eq!(found, code, "{lines}");
    assert!(lines.to_uppercase().contains(evidence), "{lines}");
    Ok(())
}

#[test]
fn schema_ts_ahead_of_the_last_snapshot_or_behind_it_is_told_with_what_comes_next() -> Result {
    const COLUMN: &str = "displayName: text(\"display_name\").notNull(),";
    for (example, is_1_0) in Example::ALL.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let project = generated(example, is_1_0)?;
        let added = format!("{COLUMN} nickname: text(\"nickname\"),");
        check(&project, (COLUMN, &added), "schema-ahead", "NICKNAME")?;
        check(&project, (COLUMN, ""), "schema-behind", "DISPLAY_NAME")?;
        // What comes beside what goes may be a rename; nothing is taken for gone only.
        check(&project, (COLUMN, "nickname: text(\"nickname\"),"), "schema-ahead", "NICKNAME")?;
    }
    Ok(())
}
