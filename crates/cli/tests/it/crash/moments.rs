//! `execute`, killed from outside at moments that nobody chose.

use std::process::Stdio;
use std::time::{Duration, Instant};

use raingauge_testkit::{Example, Result};

use super::boundaries::aftermath;
use super::is_full;
use super::scene::{Scene, each};

/// The part of the usual duration after which to kill, in thousandths: a fixed sequence that spreads.
fn moments(n: u32) -> Vec<u32> {
    (1..=n).map(|it| it * 618 % 1000).collect()
}

fn killed_at_any_moment(example: Example) -> Result {
    let whole = Scene::new(example)?;
    let since = Instant::now();
    whole.expect(&["execute", "--confirm"], 0)?;
    let duration = since.elapsed();
    each(&moments(if is_full() { 60 } else { 6 }), |moment| {
        let scene = Scene::new(example)?;
        let mut command = scene.raingauge().command(&scene.project.root, &["execute", "--confirm"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        std::thread::sleep(duration * *moment / 1000);
        child.kill()?;
        child.wait()?;
        // The server takes a moment to notice that its client is gone.
        std::thread::sleep(Duration::from_millis(100));
        aftermath(&scene, is_full() && moment % 5 == 0)
    })
}

#[test]
fn execute_on_sqlite_can_be_killed_at_any_moment() -> Result {
    killed_at_any_moment(Example::BookstoreSqlite)
}

#[test]
fn execute_on_postgres_can_be_killed_at_any_moment() -> Result {
    killed_at_any_moment(Example::BookstorePostgres)
}
