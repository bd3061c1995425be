//! `upgrade`, killed at every boundary, and live changed before the resume.

use std::fs;

use raingauge_testkit::project::file_differences;
use raingauge_testkit::{Example, Result, judge};

use super::is_full;
use super::scene::{Scene, check, codes, each};
use crate::upgrade::{ONE, TWO, history};

/// Two migrations of 0.x that are applied, and 1.0 that was just installed.
fn scene(example: Example) -> Result<Scene> {
    let project = history(example, &[ONE, TWO])?;
    crate::run::run(&project, &["migrate"], 0)?;
    project.install_drizzle_1()?;
    Scene::of(project)
}

const CONFIRM: [&str; 2] = ["upgrade", "--confirm"];

/// The boundaries at which something may be half written.
fn boundaries(example: Example) -> Result<Vec<String>> {
    let mut all = scene(example)?.boundaries(&CONFIRM)?;
    all.retain(|it| it.starts_with("upgrade/"));
    assert!(10 <= all.len(), "{all:#?}");
    if example == Example::BookstorePostgres && !is_full() {
        let sample =
            ["upgrade/changing", "upgrade/file-1", "upgrade/removed-0", "upgrade/committed"];
        all.retain(|it| sample.contains(&it.as_str()));
    }
    Ok(all)
}

/// Folders with their names in the ledger, and nothing of the journal.
fn is_upgraded(scene: &Scene) -> Result<bool> {
    let drizzle = scene.project.path("drizzle");
    let names: Vec<_> = fs::read_dir(&drizzle)?.collect::<std::io::Result<_>>()?;
    let journal = scene.journal()?;
    Ok(!drizzle.join("meta").exists() && names.len() == 2 && scene.ledger()? == journal)
}

fn killed_at_every_boundary(example: Example) -> Result {
    each(&boundaries(example)?, |boundary| {
        let scene = scene(example)?;
        scene.crash(&CONFIRM, boundary)?;
        let validate = scene.run(&["validate", "--format", "json"])?;
        let is_told = codes(&validate)?.iter().any(|it| it == "run-interrupted");
        let done = is_upgraded(&scene)?;
        check((validate.code == 0) == (done && !is_told), || validate.to_string())?;
        let again = scene.run(&CONFIRM)?;
        let refused = again.code == 1 && again.stderr.contains("raingauge upgrade --resume");
        check(again.code == 0 || refused, || again.to_string())?;
        scene.expect(&["upgrade", "--resume"], 0)?;
        check(is_upgraded(&scene)?, || "not upgraded".to_owned())?;
        scene.expect(&["validate"], 0)?;
        scene.no_backup_is_half()?;
        scene.nothing_is_left_behind()?;
        let migrated =
            judge::migrate(&scene.project, judge::Migrator::Programmatic, &scene.project.database)?;
        check(migrated.did_nothing(), || format!("{:?}", migrated.changes))
    })
}

#[test]
fn upgrade_on_sqlite_can_be_killed_at_every_boundary() -> Result {
    killed_at_every_boundary(Example::BookstoreSqlite)
}

#[test]
fn upgrade_on_postgres_can_be_killed_at_every_boundary() -> Result {
    killed_at_every_boundary(Example::BookstorePostgres)
}

/// Whoever changed live meanwhile did not agree to this: the journal comes back, byte for byte.
#[test]
fn an_upgrade_is_taken_back_where_live_changed_before_the_resume() -> Result {
    for example in Example::ALL {
        for boundary in ["upgrade/file-2", "upgrade/removed-1", "upgrade/removed-4"] {
            let scene = scene(example)?;
            let (files, ledger) = (scene.project.files()?, scene.project.database.ledger()?);
            scene.crash(&CONFIRM, boundary)?;
            scene.project.database.sql("CREATE TABLE another (id int)")?;
            let resumed = scene.expect(&["upgrade", "--resume"], 0)?;
            check(resumed.stdout.contains("undo the interrupted run"), || resumed.to_string())?;
            let mut after = scene.project.files()?;
            after.retain(|path, _| !path.starts_with(".raingauge"));
            assert_eq!(file_differences(&files, &after), [""; 0], "{boundary}");
            assert_eq!(scene.project.database.ledger()?, ledger);
            check(!scene.project.path("drizzle/20260101100000_one").exists(), String::new)?;
        }
    }
    Ok(())
}

const UNDO: [&str; 3] = ["upgrade", "--undo", "--confirm"];

/// An upgrade that is done, with what was there before it.
fn upgraded(example: Example) -> Result<(Scene, Vec<String>)> {
    let scene = scene(example)?;
    let ledger = scene.project.database.ledger()?.unwrap_or_default();
    scene.expect(&CONFIRM, 0)?;
    Ok((scene, ledger))
}

#[test]
fn taking_an_upgrade_back_can_be_killed_at_every_boundary() -> Result {
    for example in Example::ALL {
        let mut all = upgraded(example)?.0.boundaries(&UNDO)?;
        all.retain(|it| it.starts_with("upgrade-undo/"));
        assert!(10 <= all.len(), "{all:#?}");
        if !is_full() {
            let sample = ["changing", "file-1", "removed-0", "committed"];
            all.retain(|it| sample.iter().any(|end| it.ends_with(end)));
        }
        each(&all, |boundary| {
            let (scene, ledger) = upgraded(example)?;
            scene.crash(&UNDO, boundary)?;
            let again = scene.run(&UNDO)?;
            let refused = again.code == 1 && again.stderr.contains("raingauge upgrade --resume");
            check(again.code == 0 || refused, || again.to_string())?;
            scene.expect(&["upgrade", "--resume"], 0)?;
            check(scene.project.path("drizzle/meta/_journal.json").exists(), String::new)?;
            check(!scene.project.path("drizzle/20260101100000_one").exists(), String::new)?;
            check(scene.project.database.ledger()? == Some(ledger.clone()), String::new)?;
            scene.project.install_drizzle_0(example)?;
            scene.expect(&["validate"], 0)?;
            scene.nothing_is_left_behind()?;
            let (migrator, database) = (judge::Migrator::Kit, &scene.project.database);
            let migrated = judge::migrate(&scene.project, migrator, database)?;
            check(migrated.did_nothing(), || format!("{:?}", migrated.changes))
        })?;
    }
    Ok(())
}
