//! `reconcile`, killed between any two of its steps, and what others do before it is resumed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use raingauge_testkit::project::file_differences;
use raingauge_testkit::{Example, Result};

use super::is_full;
use super::scene::{Scene, check, each};

const CONFIRM: [&str; 2] = ["reconcile", "--confirm"];
const RESUME: [&str; 2] = ["reconcile", "--resume"];

/// The boundaries of the writing part; by default not every file of eight.
fn boundaries(example: Example) -> Result<Vec<String>> {
    let all = Scene::new(example)?.boundaries(&CONFIRM)?;
    let is_sampled = |it: &String| {
        let skipped: &[&str] = match example {
            Example::BookstoreSqlite => &["reconcile/file-1", "reconcile/file-3"],
            Example::BookstorePostgres => &[
                "reconcile/prepared",
                "reconcile/file-0",
                "reconcile/file-1",
                "reconcile/file-2",
                "reconcile/file-3",
                "reconcile/file-4",
                "reconcile/file-5",
                "reconcile/finished",
            ],
        };
        is_full() || !skipped.contains(&it.as_str())
    };
    Ok(all.into_iter().filter(|it| it.starts_with("reconcile/") && is_sampled(it)).collect())
}

fn resumed_after_every_boundary(example: Example) -> Result {
    each(&boundaries(example)?, |boundary| {
        let scene = Scene::new(example)?;
        scene.crash(&CONFIRM, boundary)?;
        scene.expect(&RESUME, 0)?;
        scene.files_and_ledger_agree()?;
        scene.nothing_is_lost()?;
        scene.expect(&["execute", "--confirm"], 0)?;
        check(scene.is_adopted()?, || "not everything was adopted".to_owned())?;
        let certificates = scene.certificates();
        check(certificates.len() == 1, || format!("not one certificate: {certificates:?}"))?;
        if is_full() || example == Example::BookstoreSqlite {
            scene.expect(&["validate", "--certificate", &certificates.concat()], 0)?;
        }
        Ok(())
    })
}

#[test]
fn reconcile_on_sqlite_is_finished_or_undone_by_resume() -> Result {
    resumed_after_every_boundary(Example::BookstoreSqlite)
}

#[test]
fn reconcile_on_postgres_is_finished_or_undone_by_resume() -> Result {
    resumed_after_every_boundary(Example::BookstorePostgres)
}

fn column_added_before_resume(example: Example) -> Result {
    each(&boundaries(example)?, |boundary| {
        let scene = Scene::new(example)?;
        let files = scene.project.files()?;
        scene.crash(&CONFIRM, boundary)?;
        scene.project.database.sql("ALTER TABLE books ADD COLUMN shelf text")?;
        scene.expect(&RESUME, 0)?;
        scene.files_and_ledger_agree()?;
        if scene.journal()?.is_empty() {
            let mut changes = file_differences(&files, &scene.project.files()?);
            changes.retain(|it| !it.contains(".raingauge/"));
            check(changes.is_empty(), || format!("not undone: {changes:#?}"))?;
            // drizzle-kit ends with an error where it finds `meta` without a journal.
            check(!scene.project.path("drizzle").exists(), || "an empty folder stayed".to_owned())?;
            check(!scene.project.path("raingauge").exists(), || "a folder stayed".to_owned())?;
        }
        // Live has a column that schema.ts does not declare, and nobody calls that clean.
        let validate = scene.run(&["validate", "--format", "json"])?;
        check(validate.code == 1, || format!("{validate}"))
    })
}

#[test]
fn a_column_added_on_sqlite_before_the_resume_is_noticed() -> Result {
    column_added_before_resume(Example::BookstoreSqlite)
}

#[test]
fn a_column_added_on_postgres_before_the_resume_is_noticed() -> Result {
    column_added_before_resume(Example::BookstorePostgres)
}

/// Somebody edits a file that the killed run has written.
fn edited_before_resume(boundary: &str, file: &str) -> Result {
    let scene = Scene::new(Example::BookstoreSqlite)?;
    scene.crash(&CONFIRM, boundary)?;
    scene.project.write(file, "-- mine\n")?;
    let (files, state) = (scene.project.files()?, scene.project.database.state()?);
    for alter in ["SELECT 1", "ALTER TABLE books ADD COLUMN shelf text"] {
        scene.project.database.sql(alter)?;
        let refusal = scene.expect(&[RESUME[0], RESUME[1], "--format", "json"], 1)?;
        assert!(refusal.stdout.contains("\"file-in-the-way\""), "{refusal}");
        assert!(refusal.stdout.contains(file), "{refusal}");
        assert_eq!(file_differences(&files, &scene.project.files()?), [""; 0]);
    }
    scene.project.database.sql("ALTER TABLE books DROP COLUMN shelf")?;
    assert_eq!(state.rows, scene.project.database.state()?.rows);
    fs::rename(scene.project.path(file), scene.project.path("mine"))?;
    scene.resuming_converges()?;
    assert_eq!(scene.project.read("mine")?, "-- mine\n");
    Ok(())
}

#[test]
fn a_migration_edited_before_the_resume_is_not_overwritten() -> Result {
    edited_before_resume("reconcile/file-2", "drizzle/0000_baseline.sql")
}

#[test]
fn a_journal_edited_before_the_resume_is_not_overwritten() -> Result {
    edited_before_resume("reconcile/file-7", "drizzle/meta/_journal.json")
}

#[test]
fn a_file_that_is_there_already_is_not_overwritten() -> Result {
    let scene = Scene::new(Example::BookstoreSqlite)?;
    scene.project.write("drizzle/0000_baseline.sql", "-- mine\n")?;
    let run = scene.run(&["execute", "--confirm"])?;
    assert_ne!(run.code, 0, "{run}");
    assert_eq!(scene.project.read("drizzle/0000_baseline.sql")?, "-- mine\n");
    assert_eq!(scene.project.database.ledger()?, None);
    scene.nothing_is_lost()
}

/// A file where the folder `meta` has to be is in the way of root too, whom no right stops.
fn folder_that_cannot_be_written(example: Example) -> Result {
    let scene = Scene::new(example)?;
    scene.project.write("drizzle/meta/_journal.json/kept", "")?;
    let files = scene.project.files()?;
    let run = scene.run(&CONFIRM)?;
    assert_ne!(run.code, 0, "{run}");
    let mut changes = file_differences(&files, &scene.project.files()?);
    changes.retain(|it| !it.contains(".raingauge/"));
    assert_eq!(changes, [""; 0], "{run}");
    assert_eq!(scene.project.database.ledger()?, None);
    fs::remove_dir_all(scene.project.path("drizzle"))?;
    scene.resuming_converges()
}

#[test]
fn a_history_that_cannot_be_written_leaves_sqlite_and_files_as_they_were() -> Result {
    folder_that_cannot_be_written(Example::BookstoreSqlite)
}

/// A file system of its own with room for the first files only; mounted where that is allowed.
fn disk_full(example: Example) -> Result {
    let scene = Scene::new(example)?;
    let folder = scene.project.path("drizzle");
    fs::create_dir(&folder)?;
    let command = scene.raingauge().command(&scene.project.root, &CONFIRM);
    let program = command.get_program().to_owned();
    let script = "mount -t tmpfs -o size=12k,mode=755 none drizzle || exit 77; shift 0; \
                  \"$@\"; code=$?; find drizzle -type f >left; exit $code";
    let mut shell = std::process::Command::new("unshare");
    shell.args(["--mount", "sh", "-c", script, "sh"]).arg(program).args(CONFIRM);
    shell.current_dir(&scene.project.root);
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = raingauge_testkit::Run::of(&mut shell)?;
    if run.code == 77 || run.stderr.contains("unshare:") {
        // Nobody but root may mount a file system.
        return Ok(());
    }
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("files and ledger are as they were"), "{run}");
    assert_eq!(scene.project.read("left")?, "", "{run}");
    assert_eq!(scene.project.database.ledger()?, None);
    fs::remove_file(scene.project.path("left"))?;
    scene.nothing_is_lost()?;
    assert!(scene.going_on_is_safe()?);
    scene.resuming_converges()
}

#[test]
fn a_full_disk_leaves_sqlite_and_files_as_they_were() -> Result {
    disk_full(Example::BookstoreSqlite)
}

#[test]
fn a_full_disk_leaves_postgres_and_files_as_they_were() -> Result {
    disk_full(Example::BookstorePostgres)
}

#[test]
fn what_a_killed_run_was_just_writing_is_removed() -> Result {
    let scene = Scene::new(Example::BookstoreSqlite)?;
    scene.crash(&CONFIRM, "reconcile/file-2")?;
    let unfinished = scene.project.path("drizzle/meta/.raingauge-a1b2c3");
    fs::write(&unfinished, "{")?;
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o600))?;
    scene.resuming_converges()
}
