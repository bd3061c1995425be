//! `execute`, killed at every boundary.

use std::sync::Arc;

use raingauge_testkit::mysql::{MySql, Vendor};
use raingauge_testkit::{Example, Result};

use super::is_full;
use super::scene::{Scene, check, each};
use crate::mysql_adopt::{self, SCHEMA, USERS};

/// Boundaries that a change of files or database can lie between, whatever the example.
const WRITING: [&str; 3] = ["reconcile/", "migrate/", "execute/"];

#[test]
fn execute_on_sqlite_can_be_killed_at_every_boundary() -> Result {
    killed_at_every_boundary(Example::BookstoreSqlite)
}

#[test]
fn execute_on_postgres_can_be_killed_at_every_boundary() -> Result {
    killed_at_every_boundary(Example::BookstorePostgres)
}

fn killed_at_every_boundary(example: Example) -> Result {
    let all = Scene::new(example)?.boundaries(&["execute", "--confirm"])?;
    for stage in ["backup/", "reconcile/", "migrate/"] {
        assert!(all.iter().any(|it| it.starts_with(stage)), "{all:#?}");
    }
    let cases = if is_full() { all } else { sample(example, all) };
    each(&cases, |boundary| {
        let scene = Scene::new(example)?;
        scene.crash(&["execute", "--confirm"], boundary)?;
        aftermath(&scene, is_full() || judged(boundary))
    })
}

/// The history is written folder by folder, and Drizzle sees each of them as soon as it is whole.
fn killed_in_folders(example: Example, sample: &[&str]) -> Result {
    let all = Scene::with_drizzle_1(example)?.boundaries(&["execute", "--confirm"])?;
    assert!(sample.iter().all(|it| all.iter().any(|name| name == it)), "{all:#?}");
    let chosen = |it: &String| is_full() || sample.contains(&it.as_str());
    let cases: Vec<_> = all.into_iter().filter(chosen).collect();
    each(&cases, |boundary| {
        let scene = Scene::with_drizzle_1(example)?;
        scene.crash(&["execute", "--confirm"], boundary)?;
        aftermath(&scene, is_full())
    })
}

#[test]
fn execute_in_folders_on_sqlite_can_be_killed_at_every_boundary() -> Result {
    let sample = [
        "reconcile/rows-inserted",
        "reconcile/changing",
        "reconcile/file-1",
        "reconcile/file-2",
        "reconcile/file-6",
        "reconcile/committed",
    ];
    killed_in_folders(Example::BookstoreSqlite, &sample)
}

#[test]
fn execute_in_folders_on_postgres_can_be_killed_at_every_boundary() -> Result {
    killed_in_folders(Example::BookstorePostgres, &["reconcile/file-3", "reconcile/committed"])
}

/// What has to be true after any crash of `execute`.
pub(super) fn aftermath(scene: &Scene, with_judge: bool) -> Result {
    scene.nothing_is_lost()?;
    scene.no_backup_is_half()?;
    scene.the_verdict_is_true()?;
    let is_done = scene.going_on_is_safe()?;
    scene.resuming_converges()?;
    scene.no_backup_is_half()?;
    if with_judge {
        scene.the_judge_agrees()?;
    }
    // If nothing was interrupted, resuming was that further run.
    if is_done && !with_judge { Ok(()) } else { scene.a_further_execute_is_a_no_op() }
}

/// On SQLite all but some of the like ones; on PostgreSQL, whose cases take several times as long, those
/// after which files, ledger and live say different things, and one of each other stage.
fn sample(example: Example, all: Vec<String>) -> Vec<String> {
    let chosen: &[&str] = match example {
        Example::BookstoreSqlite => {
            let is_skipped = |it: &String| {
                ["reconcile/file-1", "reconcile/file-3", "reconcile/file-4"].contains(&it.as_str())
                    || it.starts_with("statement/")
            };
            return all.into_iter().filter(|it| !is_skipped(it)).collect();
        }
        Example::BookstorePostgres => &[
            "backup/dumped",
            "reconcile/changing",
            "reconcile/file-2",
            "reconcile/file-7",
            "reconcile/committed",
            "migrate/0002_follow_up/applied",
        ],
    };
    all.into_iter().filter(|it| chosen.contains(&it.as_str())).collect()
}

/// Where most has happened before the crash without being finished.
fn judged(boundary: &str) -> bool {
    boundary == "reconcile/file-7"
}

/// A lived shop on a server, to be adopted as 0.x or 1.0 would.
fn shop(server: &Arc<MySql>, generation: u8) -> Result<Scene> {
    let database = server.database("crash")?;
    let project = mysql_adopt::lived(&database, generation, &format!("{SCHEMA}{USERS}"))?;
    Scene::of_mysql(project, database)
}

/// In a full run all boundaries, with the judge after every fourth; else one, after which files and live say
/// different things.
fn killed_on(vendor: Vendor, generation: u8, sampled: Option<&str>) -> Result {
    if sampled.is_none() && !is_full() {
        println!("skipped: the other layout stands for it but in a full run");
        return Ok(());
    }
    let server = match MySql::shared(vendor) {
        Ok(server) => server,
        Err(failure) => {
            println!("skipped: {vendor:?}: {failure}");
            return Ok(());
        }
    };
    let cases = if is_full() {
        shop(&server, generation)?.boundaries(&["execute", "--confirm"])?
    } else {
        sampled.map(str::to_owned).into_iter().collect()
    };
    println!("{} runs that are killed", cases.len());
    let is_judged =
        |it: &String| cases.iter().position(|other| other == it).is_some_and(|it| it % 4 == 0);
    each(&cases, |boundary| {
        let scene = shop(&server, generation)?;
        scene.crash(&["execute", "--confirm"], boundary)?;
        aftermath(&scene, is_full() && is_judged(boundary))
    })
}

#[test]
fn execute_on_mariadb_can_be_killed_at_every_boundary() -> Result {
    killed_on(Vendor::MariaDb, 0, Some("reconcile/file-5"))
}

#[test]
fn execute_on_mysql_can_be_killed_at_every_boundary() -> Result {
    killed_on(Vendor::MySql, 0, None)
}

#[test]
fn execute_in_folders_on_mariadb_can_be_killed_at_every_boundary() -> Result {
    killed_on(Vendor::MariaDb, 1, None)
}

#[test]
fn execute_in_folders_on_mysql_can_be_killed_at_every_boundary() -> Result {
    killed_on(Vendor::MySql, 1, Some("reconcile/file-3"))
}

#[test]
fn every_write_lies_between_two_boundaries() -> Result {
    let all = Scene::new(Example::BookstoreSqlite)?.boundaries(&["execute", "--confirm"])?;
    let writing: Vec<_> =
        all.iter().filter(|it| WRITING.iter().any(|stage| it.starts_with(stage))).collect();
    let mut unique = writing.clone();
    unique.sort();
    unique.dedup();
    check(unique.len() == writing.len(), || format!("a boundary has two places: {all:#?}"))
}
