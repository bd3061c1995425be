//! `execute`, asked to end by Ctrl-C or by a service manager.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use raingauge_testkit::{Example, Result};

use super::scene::{Scene, check, each};

fn ended_by_signals(example: Example) -> Result {
    each(&["INT", "TERM"], |signal| {
        let scene = Scene::new(example)?;
        let mut command = scene.raingauge().command(&scene.project.root, &["execute", "--confirm"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let since = Instant::now();
        // As soon as there is something to leave behind.
        while !scene.has_temporary_files() && since.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // A folder is marked as ours right after it is made; an empty one without a mark would stay.
        std::thread::sleep(Duration::from_millis(50));
        let pid = child.id().to_string();
        Command::new("kill").args(["-s", signal, &pid]).status()?;
        let status = child.wait()?;
        check(!status.success(), || format!("{status} after {signal}"))?;
        check(status.signal().is_some() || status.code().is_some(), || format!("{status}"))?;
        scene.no_process_is_left()?;
        scene.nothing_is_lost()?;
        scene.going_on_is_safe()?;
        scene.resuming_converges()
    })
}

#[test]
fn interrupting_execute_on_sqlite_leaves_nothing_behind() -> Result {
    ended_by_signals(Example::BookstoreSqlite)
}

#[test]
fn interrupting_execute_on_postgres_leaves_no_server_behind() -> Result {
    ended_by_signals(Example::BookstorePostgres)
}
