//! Servers and connections that go away, logins that fail, runs that meet.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::{Example, Result, Run};

use super::{Weather, list, name_of};

/// Lets a paused run go on, to its end.
fn go_on(mut child: Child) -> Result<Run> {
    child.stdin.take().expect("it is a pipe").write_all(b"\n")?;
    let output = child.wait_with_output()?;
    let text = |it: Vec<u8>| String::from_utf8_lossy(&it).into_owned();
    Ok(Run {
        what: "a paused run".to_owned(),
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    })
}

fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_server_that_stops_in_the_middle_leaves_no_backup() -> Result {
    for boundary in ["backup/partial-created", "backup/dumped"] {
        let weather = Weather::new(Example::BookstorePostgres)?;
        let child = weather.paused(&["backup"], boundary)?;
        let server = weather.server.as_ref().expect("it is PostgreSQL");
        let pid = std::fs::read_to_string(server.folder.join("data/postmaster.pid"))?;
        let pid = pid.lines().next().unwrap_or_default().to_owned();
        Command::new("kill").args(["-s", "QUIT", &pid]).status()?;
        let run = go_on(child)?;
        assert_eq!(run.code, 2, "{boundary}: {run}");
        assert!(run.stderr.contains("error["), "{run}");
        weather.nothing_is_left_behind()?;
    }
    Ok(())
}

#[test]
fn a_connection_that_is_cut_leaves_no_backup() -> Result {
    let weather = Weather::new(Example::BookstorePostgres)?;
    let server = weather.server.as_ref().expect("it is PostgreSQL");
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()",
        name_of(&weather.project)
    );
    let child = weather.paused(&["backup"], "backup/partial-created")?;
    server.sql("postgres", &cut)?;
    let run = go_on(child)?;
    assert_eq!(run.code, 2, "{run}");
    weather.nothing_is_left_behind()?;

    // The dump's own connection.
    let mut child = quiet(weather.command(&weather.raingauge(), &["backup"])).spawn()?;
    let dump = cut.replace("pid <> pg_backend_pid()", "application_name = 'pg_dump'");
    while server.sql("postgres", &dump)?.is_empty() {
        assert_eq!(child.try_wait()?, None, "it was too quick to be cut");
    }
    assert_eq!(child.wait()?.code(), Some(2));
    weather.nothing_is_left_behind()
}

#[test]
fn a_wrong_password_is_told_and_leaves_no_folder() -> Result {
    let weather = Weather::new(Example::BookstorePostgres)?;
    let server = weather.server.as_ref().expect("it is PostgreSQL");
    let n_before = list(&weather.folder()).len();
    let url = server.url_as("postgres", "wrong-password", name_of(&weather.project));
    let run = weather.run(&["backup", "--url", &url])?;
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("password"), "{run}");
    assert!(!run.stderr.contains("wrong-password") && !run.stderr.contains(PASSWORD), "{run}");
    assert_eq!(list(&weather.folder()).len(), n_before);
    weather.nothing_is_left_behind()
}

#[test]
fn two_backups_at_once_are_both_whole() -> Result {
    for example in Example::ALL {
        let weather = Weather::new(example)?;
        let n_before = list(&weather.folder()).len();
        let start = || quiet(weather.command(&weather.raingauge(), &["backup"])).spawn();
        for mut child in [start()?, start()?] {
            assert!(child.wait()?.success());
        }
        assert_eq!(list(&weather.folder()).len(), n_before + 2);
        weather.nothing_is_left_behind()?;
    }
    Ok(())
}
