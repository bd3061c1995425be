//! Files of the project that cannot be read, or that this version cannot manage.

use std::fs;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use super::{Refusal, refuses};
use crate::run::binary;

const COMMANDS: [&[&str]; 4] =
    [&["execute", "--confirm"], &["reconcile"], &["migrate"], &["validate", "--offline"]];

/// Spoils a project's files and expects every command to say why it cannot run.
#[track_caller]
fn spoilt(
    spoil: impl Fn(&Project) -> Result,
    (exit, code): (i32, &str),
    check: impl Fn(&Refusal),
) -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Seeded)?;
        spoil(&project)?;
        for command in COMMANDS {
            check(&refuses(&project, command, exit, code)?);
        }
    }
    Ok(())
}

#[test]
fn a_syntax_error_in_schema_ts_is_shown_with_its_place() -> Result {
    let spoil = |it: &Project| {
        it.edit("src/db/schema.ts", "export const users =", "export const users = =")
    };
    spoilt(spoil, (2, "schema-syntax"), |it| {
        let source = it.reason["message"].as_str().unwrap_or_default();
        let place = source.split('`').nth(1).unwrap_or_default();
        let numbers: Vec<_> = place.rsplit(':').take(2).map(|it| it.parse::<u32>().ok()).collect();
        assert!(place.starts_with("src/db/schema.ts:"), "{}", it.run);
        assert!(numbers.iter().all(Option::is_some), "{}", it.run);
        let excerpt = it.reason["excerpt"].as_str().unwrap_or_default();
        assert!(excerpt.contains("export const users = =") && excerpt.contains('^'), "{}", it.run);
    })
}

#[test]
fn a_syntax_error_is_shown_to_people_with_its_lines() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Seeded)?;
    project.edit("src/db/schema.ts", "export const users =", "export const users = =")?;
    let run = binary().run(&project.root, &["analyze"])?;
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("export const users = =") && run.stderr.contains('^'), "{run}");
    Ok(())
}

#[test]
fn drizzle_orm_that_is_not_installed_is_told() -> Result {
    let spoil = |it: &Project| Ok(fs::remove_file(it.path("node_modules"))?);
    spoilt(spoil, (2, "drizzle-orm-missing"), |it| it.says("npm install"))
}

#[test]
fn a_missing_configuration_is_told() -> Result {
    let spoil = |it: &Project| Ok(fs::remove_file(it.path("drizzle.config.ts"))?);
    spoilt(spoil, (2, "config-missing"), |it| it.says("--config"))
}

#[test]
fn a_configuration_that_throws_is_told_in_its_own_words() -> Result {
    let spoil = |it: &Project| Ok(fs::remove_file(it.path(".env"))?);
    spoilt(spoil, (2, "schema-failed"), |it| it.says("DATABASE_URL is not set"))
}

#[test]
fn a_broken_policy_is_never_taken_for_none() -> Result {
    for text in ["[environments.production\n", "[environments.production]\nprotectd = true\n"] {
        let spoil = |it: &Project| it.write("raingauge.toml", text);
        spoilt(spoil, (2, "policy-invalid"), |it| it.says("raingauge.toml"))?;
    }
    Ok(())
}

#[test]
fn answers_that_are_not_json_are_told() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Seeded)?;
    for text in ["{ backup: yes }", "[]", "{\"backup\": true}"] {
        project.write("answers.json", text)?;
        let command = ["execute", "--answers", "answers.json"];
        refuses(&project, &command, 2, "answers-invalid")?.says("answers.json");
    }
    let command = ["execute", "--answers", "nowhere.json"];
    refuses(&project, &command, 2, "answers-invalid")?.says("nowhere.json");
    Ok(())
}

const FOLDER: &str = "drizzle/20260101000000_init";

#[test]
fn a_history_in_the_layout_of_drizzle_1_is_not_touched() -> Result {
    let spoil = |it: &Project| {
        it.write(&format!("{FOLDER}/migration.sql"), "SELECT 1;\n")?;
        it.write(&format!("{FOLDER}/snapshot.json"), "{}")
    };
    spoilt(spoil, (1, "layout-folders"), |it| it.says("20260101000000_init"))
}

#[test]
fn a_history_in_both_layouts_at_once_is_not_touched() -> Result {
    let spoil = |it: &Project| {
        it.write(&format!("{FOLDER}/migration.sql"), "SELECT 1;\n")?;
        super::history::write_journal(it, &[])
    };
    spoilt(spoil, (1, "layout-mixed"), |it| it.says("20260101000000_init"))
}

#[test]
fn a_dialect_that_is_not_supported_is_told() -> Result {
    let spoil = |it: &Project| {
        let config = it.read("drizzle.config.ts")?;
        let config = config.replace("\"postgresql\"", "\"gel\"").replace("\"sqlite\"", "\"gel\"");
        it.write("drizzle.config.ts", &config)
    };
    spoilt(spoil, (2, "dialect-unsupported"), |it| it.says("gel"))
}

/// Of a project that is only looked at offline, the driver is no concern.
#[test]
fn t42_a_driver_that_cannot_be_spoken_is_told_before_anything_is_connected_to() -> Result {
    // Such ways have no transactions: what fails half way stays, and no ledger row says so.
    for driver in ["aws-data-api", "d1-http", "pglite", "expo", "durable-sqlite"] {
        let project = Project::new(Example::BookstoreSqlite, Age::Seeded)?;
        project.edit(
            "drizzle.config.ts",
            "dialect:",
            &format!("driver: \"{driver}\",\n  dialect:"),
        )?;
        for command in [&["execute", "--confirm"][..], &["analyze"], &["migrate"], &["status"]] {
            let refusal = refuses(&project, command, 2, "driver-unsupported")?;
            refusal.says(driver);
            refusal.says("--url");
        }
        let run = binary().run(&project.root, &["validate", "--offline"])?;
        assert!(!run.stderr.contains("driver-unsupported"), "{run}");
    }
    Ok(())
}
