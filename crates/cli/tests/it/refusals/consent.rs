//! Nobody agreed, or somebody agreed to another plan.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Failure, Project, Result};
use serde_json::Value;

use super::history::applied;
use super::{Witness, refuses, run_quickly};
use crate::run::{binary, run};

/// The database's name as reports and `raingauge.toml` say it.
fn name(project: &Project) -> String {
    match &project.database {
        Database::Postgres(it) => it.name.clone(),
        Database::Sqlite(_) => "bookstore".to_owned(),
    }
}

fn protect(project: &Project) -> Result {
    let name = name(project);
    project.write(
        "raingauge.toml",
        &format!("[environments.production]\ndatabase = \"{name}\"\nprotected = true\n"),
    )
}

/// The hash of the plan that a command shows, which writes nothing.
fn plan_hash(project: &Project, command: &str) -> Result<String> {
    let witness = Witness::of(project)?;
    let shown = run_quickly(&binary(), project, &[command])?;
    witness.nothing_changed(&shown)?;
    let document = shown.json()?;
    let in_section = document["sections"]["plan"].as_array().cloned().unwrap_or_default();
    let row = in_section.iter().find(|it| it["part"] == "hash").map(|it| it["what"].clone());
    let in_finding = document["findings"].as_array().cloned().unwrap_or_default();
    let needed = in_finding.iter().find(|it| it["code"] == "consent-needed");
    let needed = needed.map(|it| it["subject"].clone());
    let text = row.or(needed).as_ref().and_then(Value::as_str).map(str::to_owned);
    let text = text.ok_or_else(|| Failure::new(format!("no plan in {shown}")))?;
    Ok(text.trim_start_matches("plan ").to_owned())
}

#[test]
fn t67_a_protected_target_needs_the_hash_of_the_plan() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        protect(&project)?;
        for command in ["execute", "reconcile"] {
            let refusal = refuses(&project, &[command, "--confirm"], 1, "consent-needed")?;
            refusal.says(&name(&project));
            let hash = plan_hash(&project, command)?;
            refusal.says(&format!("--confirm={hash}"));
        }
        let hash = plan_hash(&project, "execute")?;
        run(&project, &["execute", &format!("--confirm={hash}")], 0)?;
    }
    Ok(())
}

#[test]
fn t67_migrate_of_a_protected_target_needs_the_hash_too() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 1)?;
        protect(&project)?;
        refuses(&project, &["migrate"], 1, "consent-needed")?;
        refuses(&project, &["migrate", "--confirm"], 1, "consent-needed")?;
        let hash = plan_hash(&project, "migrate")?;
        run(&project, &["migrate", &format!("--confirm={hash}")], 0)?;
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t68_a_plan_is_stale_when_live_has_changed() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        let hashes = [plan_hash(&project, "reconcile")?, plan_hash(&project, "execute")?];
        project.database.sql("CREATE TABLE notes (id integer)")?;
        for (command, hash) in ["reconcile", "execute"].into_iter().zip(hashes) {
            let confirm = format!("--confirm={hash}");
            let refusal = refuses(&project, &[command, &confirm], 1, "plan-stale")?;
            refusal.says(&format!("--confirm={}", plan_hash(&project, command)?));
        }
    }
    Ok(())
}

#[test]
fn t68_a_column_that_live_got_meanwhile_makes_the_plan_stale() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        project.forget_schema()?;
        let confirm = format!("--confirm={}", plan_hash(&project, "reconcile")?);
        project.database.sql("ALTER TABLE books ADD COLUMN note text")?;
        refuses(&project, &["reconcile", &confirm], 1, "plan-stale")?;
    }
    Ok(())
}

#[test]
fn t68_a_migration_that_was_edited_meanwhile_makes_the_plan_stale() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 1)?;
        protect(&project)?;
        let confirm = format!("--confirm={}", plan_hash(&project, "migrate")?);
        project.edit("drizzle/0001_books.sql", "name text", "title text")?;
        refuses(&project, &["migrate", &confirm], 1, "plan-stale")?;
    }
    Ok(())
}

#[test]
fn t69_without_a_terminal_open_questions_are_data_and_nothing_is_done() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        let refusal = refuses(&project, &["execute"], 1, "question-open")?;
        refusal.says("--answers");
        refuses(&project, &["reconcile"], 1, "consent-needed")?.says("--confirm=");
        // Open questions of a file of answers are as open as those of nobody.
        project.write("answers.json", "{}")?;
        refuses(&project, &["execute", "--answers", "answers.json"], 1, "question-open")?;
        project.write("answers.json", "{\"backup\": \"no\"}")?;
        refuses(&project, &["execute", "--answers", "answers.json"], 1, "declined")?;
    }
    Ok(())
}

#[test]
fn t69_the_name_in_a_file_of_answers_has_to_be_the_databases() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        protect(&project)?;
        project.write("answers.json", "{\"backup\": \"yes\", \"database\": \"another\"}")?;
        refuses(&project, &["execute", "--answers", "answers.json"], 1, "consent-needed")?;
        project.write("answers.json", "{\"backup\": \"yes\"}")?;
        refuses(&project, &["execute", "--answers", "answers.json"], 1, "consent-needed")?;
    }
    Ok(())
}
