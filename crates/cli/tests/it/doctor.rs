//! `validate --offline` on other people's folders: exactly what is wrong with each of them, and nothing on
//! a healthy one. Read through `RAINGAUGE_CORPUS`: without it these tests say so and end.

use std::fs;
use std::path::Path;

use raingauge_testkit::{Example, Result, Run};
use tempfile::TempDir;

use crate::corpus::{bare_project, corpus};
use crate::run::binary;

fn copy(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)?.flatten() {
        let to = to.join(file.file_name());
        match file.path().is_dir() {
            true => copy(&file.path(), &to)?,
            false => fs::write(to, fs::read(file.path())?)?,
        }
    }
    Ok(())
}

/// A project with nothing but a configuration and a migrations folder.
fn project(migrations: &Path, config: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    copy(migrations, &folder.path().join("drizzle"))?;
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

#[test]
fn the_folders_of_drizzles_own_tests_are_told_as_drizzle_kit_1_0_finds_them() -> Result {
    let of = |name: &str| format!("drizzle-v1-folders/{name}");
    let postgres = "dialect: \"postgresql\"";
    let twins = "warning folder-same-second 20230331141203_test fresh";
    let old = "warning snapshot-version 20230331141203_puzzling_flatman kit";
    // Both folders have one snapshot, so nobody knows the table of the second one.
    let copied = "warning snapshot-copied 20230331141203_test kit";
    check(&of("pg"), postgres, &[twins, old, copied])?;
    check(&of("pg-proxy/first"), postgres, &[old])?;
    check(&of("pg-proxy/second"), postgres, &[twins, old])?;
    check(
        &of("pg-init"),
        postgres,
        &["warning snapshot-version 20251120153629_exotic_eternals kit"],
    )?;
    let malformed = ["error snapshot-malformed 20230330185056_fancy_bug kit"];
    check(&of("sqlite"), "dialect: \"sqlite\"", &malformed)?;
    check(&of("sqlite-init"), "dialect: \"sqlite\"", &[])?;
    let mysql = "dialect: \"mysql\"";
    check(&of("mysql"), mysql, &[])?;
    check(&of("mysql-init"), mysql, &[])?;
    let twins = "warning folder-same-second 20230331135521_test fresh";
    check(&of("mysql-proxy/second"), mysql, &[twins])
}

#[test]
fn homarrs_malformed_and_copied_snapshots_of_mysql_are_told() -> Result {
    let expected = [
        "info journal-version meta/_journal.json:2 kit",
        "info when-typed meta/_journal.json:275 upgraded",
        "error snapshot-malformed meta/0042_snapshot.json kit",
        "warning snapshot-copied meta/0003_snapshot.json kit",
    ];
    check("homarr-mysql", "dialect: \"mysql\", casing: \"snake_case\"", &expected)
}

/// What `validate` says, with a database, of a folder's last snapshot and what its migrations build.
fn replayed(name: &str, example: Example) -> Result<Option<Run>> {
    let Some(migrations) = corpus(name) else { return Ok(None) };
    let (project, _folder) = bare_project(example)?;
    copy(&migrations, &project.path("drizzle"))?;
    if example == Example::BookstoreSqlite {
        // An empty database, which has a file.
        project.database.sql("PRAGMA user_version = 1")?;
    }
    Ok(Some(binary().run(&project.root, &["validate"])?))
}

#[test]
fn on_a_healthy_project_a_replay_is_what_the_last_snapshot_says() -> Result {
    for (name, example) in [
        ("ai-chatbot", Example::BookstorePostgres),
        ("homarr-postgresql", Example::BookstorePostgres),
        ("vibesdk-d1", Example::BookstoreSqlite),
    ] {
        let Some(run) = replayed(name, example)? else { return Ok(()) };
        let passed = "the last snapshot is what the history builds  passed";
        assert!(run.stdout.contains(passed), "{name}: {run}");
    }
    Ok(())
}

#[test]
fn the_action_that_drizzle_kit_left_out_of_homarrs_column_is_told() -> Result {
    let Some(run) = replayed("homarr-sqlite", Example::BookstoreSqlite)? else { return Ok(()) };
    assert!(run.stdout.contains("warning[snapshot-differs]"), "{run}");
    assert!(run.stdout.contains("foreign key integration.\"app_id -> app\": on delete"), "{run}");
    assert!(!run.stdout.contains("primary key"), "{run}");
    Ok(())
}

#[test]
fn tokscales_column_is_told_by_a_replay_too() -> Result {
    let Some(run) = replayed("tokscale", Example::BookstorePostgres)? else { return Ok(()) };
    assert!(run.stdout.contains("error[snapshot-differs]"), "{run}");
    let lost = "column public.submissions.submit_count: missing in the migrations";
    assert!(run.stdout.contains(lost), "{run}");
    Ok(())
}
