//! `validate --offline` on other people's folders: exactly what is wrong with each of them, and nothing on
//! a healthy one. Read through `RAINGAUGE_CORPUS`: without it these tests say so and end.

use std::fs;
use std::path::Path;

use raingauge_testkit::Result;
use tempfile::TempDir;

use crate::corpus::corpus;
use crate::run::binary;

/// A project with nothing but a configuration and a migrations folder.
fn project(migrations: &Path, config: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let meta = folder.path().join("drizzle/meta");
    fs::create_dir_all(&meta)?;
    for (from, to) in
        [(migrations.to_owned(), "drizzle"), (migrations.join("meta"), "drizzle/meta")]
    {
        for file in fs::read_dir(from)?.flatten().filter(|it| it.path().is_file()) {
            let text = fs::read(file.path())?;
            fs::write(folder.path().join(to).join(file.file_name()), text)?;
        }
    }
    let config = format!("export default {{ out: \"./drizzle\", {config} }};\n");
    fs::write(folder.path().join("drizzle.config.ts"), config)?;
    fs::write(folder.path().join("package.json"), "{ \"type\": \"module\" }\n")?;
    Ok(folder)
}

/// What `validate --offline` finds, as `severity code place affects`, and whether that is an error.
fn found(migrations: &Path, config: &str) -> Result<Vec<String>> {
    let project = project(migrations, config)?;
    let run = binary().run(project.path(), &["validate", "--offline", "--format", "json"])?;
    let document = run.json()?;
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let has_error = findings.iter().any(|it| it["severity"] == "error");
    assert_eq!(run.code, i32::from(has_error), "{run}");
    let word = |it: &serde_json::Value| it.as_str().unwrap_or("nobody").to_owned();
    let told = findings.iter().map(|it| {
        let subject = word(&it["subject"]);
        let place = subject.rsplit("/drizzle/").next().unwrap_or_default();
        let (severity, code) = (word(&it["severity"]), word(&it["code"]));
        format!("{severity} {code} {place} {}", word(&it["affects"]))
    });
    Ok(told.collect())
}

#[track_caller]
fn check(name: &str, config: &str, expected: &[&str]) -> Result {
    let Some(corpus) = corpus(name) else { return Ok(()) };
    assert_eq!(found(&corpus, config)?, expected, "{name}");
    Ok(())
}

#[test]
fn a_healthy_project_is_not_talked_about() -> Result {
    check("ai-chatbot", "dialect: \"postgresql\"", &[])?;
    check("racona-initsql/drizzle", "dialect: \"postgresql\"", &[])
}

#[test]
fn homarrs_own_transactions_and_typed_times_are_told() -> Result {
    let files = [
        "info journal-version meta/_journal.json:2 kit",
        "info when-typed meta/_journal.json:261 upgraded",
        "warning transaction-in-file 0001_mixed_titanium_man.sql:1 fresh",
        "warning transaction-in-file 0006_windy_doctor_faustus.sql:1 fresh",
        "warning transaction-in-file 0023_fix_on_delete_actions.sql:2 fresh",
        "warning transaction-in-file 0025_add-group-home-board-settings.sql:1 fresh",
        "warning transaction-in-file 0030_migrate_item_and_section_for_layouts.sql:2 fresh",
    ];
    check("homarr-sqlite", "dialect: \"sqlite\", casing: \"snake_case\"", &files)?;
    let times = ["info when-typed meta/_journal.json:37 upgraded"];
    check("homarr-postgresql", "dialect: \"postgresql\"", &times)
}

#[test]
fn lmnrs_chain_orphan_and_lost_table_are_told() -> Result {
    let expected = [
        "info when-within-second meta/_journal.json:618 kit",
        "warning migration-orphan 0037_cute_medusa.sql both",
        "info when-typed meta/_journal.json:583 upgraded",
        "warning snapshot-chain meta/0008_snapshot.json kit",
        "warning snapshot-chain meta/0029_snapshot.json kit",
        "warning snapshot-chain meta/0068_snapshot.json kit",
        "warning snapshot-chain meta/0076_snapshot.json kit",
        "error snapshot-unbuilt meta/0098_snapshot.json both",
    ];
    check("lmnr", "dialect: \"postgresql\"", &expected)
}

#[test]
fn tokscales_column_that_no_migration_makes_is_told_without_a_database() -> Result {
    let expected = [
        "warning snapshot-missing 0001_youthful_snowbird.sql kit",
        "error snapshot-unbuilt meta/0002_snapshot.json both",
    ];
    check("tokscale", "dialect: \"postgresql\"", &expected)
}

#[test]
fn vibesdks_second_0006_is_told_and_its_script_is_fine_for_d1() -> Result {
    let twin = "warning tag-idx-mismatch meta/_journal.json:65 kit";
    check("vibesdk-d1", "dialect: \"sqlite\", driver: \"d1-http\"", &[twin])?;
    // A driver that takes one statement at a time stops at the file that wrangler ran as a script.
    let expected =
        [twin, "warning piece-several-statements 0002_nebulous_fantastic_four.sql:9 fresh"];
    check("vibesdk-d1", "dialect: \"sqlite\"", &expected)
}
