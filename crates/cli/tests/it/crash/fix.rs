//! `validate --fix`, killed at every boundary, in both layouts.

use std::collections::BTreeMap;
use std::fs;

use raingauge_testkit::project::file_differences;
use raingauge_testkit::{Example, Project, Result, judge};

use super::is_full;
use super::scene::{check, codes};
use crate::lost::{Drizzle, project, snapshots};
use crate::run::binary;

const CONFIRM: [&str; 3] = ["validate", "--fix", "--confirm"];
const RESUME: [&str; 3] = ["validate", "--fix", "--resume"];

/// A history whose repair writes several files: a snapshot is lost, and in a journal a number is taken twice.
fn damaged(example: Example, drizzle: Drizzle) -> Result<Project> {
    let project = project(example, drizzle, 2)?;
    // Something to connect to.
    project.database.sql("CREATE TABLE kept (id integer)")?;
    let lost = &snapshots(&project)?[1];
    fs::remove_file(project.path(lost))?;
    if drizzle == Drizzle::One {
        fs::remove_file(project.path(&snapshots(&project)?[0]))?;
        return Ok(project);
    }
    let journal = "drizzle/meta/_journal.json";
    project.edit(journal, "0002_judge", "0001_again")?;
    fs::rename(project.path("drizzle/0002_judge.sql"), project.path("drizzle/0001_again.sql"))?;
    Ok(project)
}

type Files = BTreeMap<String, Vec<u8>>;

/// The project's files without raingauge's own records.
fn files(project: &Project) -> Result<Files> {
    let mut files = project.files()?;
    files.retain(|it, _| !it.starts_with(".raingauge/"));
    Ok(files)
}

/// Puts everything back as it was.
fn put_back(project: &Project, before: &Files) -> Result {
    for path in files(project)?.keys().filter(|it| !before.contains_key(*it)) {
        fs::remove_file(project.path(path))?;
    }
    for (path, bytes) in before.iter().filter(|it| it.0.starts_with("drizzle/")) {
        fs::write(project.path(path), bytes)?;
    }
    Ok(fs::remove_dir_all(project.path(".raingauge"))?)
}

/// The boundaries of a repair that runs to its end.
fn boundaries(project: &Project) -> Result<Vec<String>> {
    let traced = binary().env("RAINGAUGE_TRACE_BOUNDARIES", "1").run(&project.root, &CONFIRM)?;
    let traced = traced.success()?;
    let names = traced.stderr.lines().filter_map(|it| it.strip_prefix("boundary fix/"));
    Ok(names.map(|it| format!("fix/{it}")).collect())
}

fn killed_at_every_boundary(example: Example, drizzle: Drizzle, sampled: &[&str]) -> Result {
    let project = damaged(example, drizzle)?;
    let before = files(&project)?;
    let all = boundaries(&project)?;
    for one in ["fix/prepared", "fix/changing", "fix/file-0", "fix/file-1", "fix/finished"] {
        assert!(all.iter().any(|it| it == one), "{all:#?}");
    }
    let wanted = files(&project)?;
    let generated = judge::generate(&project)?;
    assert!(generated.found_nothing(), "{generated:#?}");
    let is_chosen =
        |it: &&String| is_full() || sampled.is_empty() || sampled.contains(&it.as_str());
    for boundary in all.iter().filter(is_chosen) {
        put_back(&project, &before)?;
        killed(&project, boundary, &before, &wanted)?;
    }
    Ok(())
}

/// What has to be true after a crash, and after the resume.
fn killed(project: &Project, boundary: &str, before: &Files, wanted: &Files) -> Result {
    let crashed = binary().env("RAINGAUGE_CRASH_AT", boundary).run(&project.root, &CONFIRM)?;
    check(crashed.code == -6, || format!("did not die at `{boundary}`: {crashed}"))?;
    let has_begun = !["fix/prepared", "fix/finished"].contains(&boundary);
    let told =
        codes(&binary().run(&project.root, &["validate", "--offline", "--format", "json"])?)?;
    check(told.iter().any(|it| it == "run-interrupted") == has_begun, || {
        format!("{boundary}: {told:#?}")
    })?;
    if boundary == "fix/changing" || has_begun && is_full() {
        for arguments in [&CONFIRM[..], &["reconcile"], &["migrate", "--confirm"]] {
            let refused = binary().run(&project.root, arguments)?;
            let is_refused = refused.code == 1 && refused.stderr.contains("run-interrupted");
            check(is_refused, || format!("{boundary}: not refused: {refused}"))?;
        }
    }
    let resumed = binary().run(&project.root, &RESUME)?;
    match boundary {
        "fix/prepared" => {
            let changes = file_differences(before, &files(project)?);
            check(changes.is_empty(), || format!("{boundary}: {changes:#?}"))?;
            binary().run(&project.root, &CONFIRM)?.success()?;
        }
        _ => drop(resumed.success()?),
    }
    let changes = file_differences(wanted, &files(project)?);
    check(changes.is_empty(), || format!("{boundary}: not what it was to be: {changes:#?}"))?;
    let again = binary().run(&project.root, &RESUME)?.success()?;
    check(again.stdout.contains("no interrupted repair"), || format!("{boundary}: {again}"))
}

#[test]
fn a_repair_of_a_journal_can_be_killed_at_every_boundary() -> Result {
    killed_at_every_boundary(Example::BookstoreSqlite, Drizzle::Zero, &[])
}

#[test]
fn a_repair_of_folders_can_be_killed_at_every_boundary() -> Result {
    let sampled = ["fix/prepared", "fix/file-0", "fix/file-1"];
    killed_at_every_boundary(Example::BookstoreSqlite, Drizzle::One, &sampled)
}

#[test]
fn a_repair_of_postgres_snapshots_can_be_killed_at_every_boundary() -> Result {
    let sampled = ["fix/file-1"];
    killed_at_every_boundary(Example::BookstorePostgres, Drizzle::Zero, &sampled)?;
    killed_at_every_boundary(Example::BookstorePostgres, Drizzle::One, &sampled)
}

#[test]
fn a_snapshot_edited_before_the_resume_is_not_overwritten() -> Result {
    let project = damaged(Example::BookstoreSqlite, Drizzle::Zero)?;
    let lost = "drizzle/meta/0001_snapshot.json";
    let crashed =
        binary().env("RAINGAUGE_CRASH_AT", "fix/changing").run(&project.root, &CONFIRM)?;
    assert_eq!(crashed.code, -6, "{crashed}");
    project.write(lost, "{}\n")?;
    let before = files(&project)?;
    let refused = binary().run(&project.root, &RESUME)?;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("file-in-the-way"), "{refused}");
    assert_eq!(file_differences(&before, &files(&project)?), [""; 0]);
    fs::remove_file(project.path(lost))?;
    binary().run(&project.root, &RESUME)?.success()?;
    assert!(judge::generate(&project)?.found_nothing());
    Ok(())
}
