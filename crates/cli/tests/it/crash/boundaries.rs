//! `execute`, killed at every boundary.

use raingauge_testkit::{Example, Result};

use super::is_full;
use super::scene::{Scene, check, each};

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

/// All that write to files or live; of the others, and of the like ones among them, a few.
fn sample(example: Example, all: Vec<String>) -> Vec<String> {
    // The judge and the scratch server make PostgreSQL's cases several times as long.
    let step = if example == Example::BookstorePostgres { 4 } else { 2 };
    let is_like = |it: &str| {
        it.starts_with("backup/") || it.starts_with("reconcile/file-") || it.starts_with("execute/")
    };
    let (like, single): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| is_like(it));
    single.into_iter().chain(like.into_iter().step_by(step)).collect()
}

/// Where most has happened before the crash without being finished.
fn judged(boundary: &str) -> bool {
    ["reconcile/file-6", "reconcile/committed"].contains(&boundary)
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
