//! Servers and connections that go away, logins that fail, runs that meet.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use raingauge_testkit::mysql::{ACCOUNT, Vendor};
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

fn two_at_once(weather: &Weather) -> Result {
    let n_before = list(&weather.folder()).len();
    let start = || quiet(weather.command(&weather.raingauge(), &["backup"])).spawn();
    for mut child in [start()?, start()?] {
        assert!(child.wait()?.success());
    }
    assert_eq!(list(&weather.folder()).len(), n_before + 2);
    weather.nothing_is_left_behind()
}

#[test]
fn two_backups_at_once_are_both_whole() -> Result {
    Example::ALL.into_iter().try_for_each(|it| two_at_once(&Weather::new(it)?))
}

fn a_mysql_server_stops(vendor: Vendor, boundary: &str) -> Result {
    let Some(weather) = Weather::of_mysql(vendor)? else { return Ok(()) };
    let child = weather.paused(&["backup"], boundary)?;
    let pid = std::fs::read_to_string(weather.mysql().server.folder.join("pid"))?;
    Command::new("kill").args(["-s", "KILL", pid.trim()]).status()?;
    let run = go_on(child)?;
    assert_eq!(run.code, 2, "{boundary}: {run}");
    assert!(run.stderr.contains("error["), "{run}");
    weather.nothing_is_left_behind()
}

#[test]
fn a_server_of_mariadb_that_stops_in_the_middle_leaves_no_backup() -> Result {
    a_mysql_server_stops(Vendor::MariaDb, "backup/dumped")
}

#[test]
fn a_server_of_mysql_that_stops_in_the_middle_leaves_no_backup() -> Result {
    a_mysql_server_stops(Vendor::MySql, "backup/partial-created")
}

/// Ends the connections to live, those of the dump program too.
fn cut_connections_of_mysql(weather: &Weather) -> Result {
    let (server, name) = (&weather.mysql().server, &weather.mysql().name);
    let connected = format!(
        "SELECT id FROM information_schema.processlist WHERE user = '{ACCOUNT}' AND db = '{name}'"
    );
    let cut = || -> Result<usize> {
        let found = server.sql("mysql", &connected)?;
        // One may have ended by itself.
        found.lines().for_each(|it| drop(server.sql("mysql", &format!("KILL {it}"))));
        Ok(found.lines().count())
    };
    let child = weather.paused(&["backup"], "backup/partial-created")?;
    assert!(0 < cut()?);
    let run = go_on(child)?;
    assert_eq!(run.code, 2, "{run}");
    weather.nothing_is_left_behind()?;

    // In the middle of the dump, which has a session of its own: 72 MB more take longer than a look at the sessions.
    let row = "INSERT INTO weight SELECT repeat(uuid(), 100000);".repeat(20);
    server.sql(name, &format!("CREATE TABLE weight (text longtext); {row}"))?;
    let mut child = quiet(weather.command(&weather.raingauge(), &["backup"])).spawn()?;
    let dumping = format!("{connected} AND info LIKE '%SQL_NO_CACHE%'");
    while server.sql("mysql", &dumping)?.is_empty() {
        assert_eq!(child.try_wait()?, None, "it was too quick to be cut");
    }
    cut()?;
    assert_eq!(child.wait()?.code(), Some(2));
    server.sql(name, "DROP TABLE weight")?;
    weather.nothing_is_left_behind()
}

fn bad_weather_on_mysql(vendor: Vendor) -> Result {
    let Some(weather) = Weather::of_mysql(vendor)? else { return Ok(()) };
    cut_connections_of_mysql(&weather)?;
    two_at_once(&weather)?;
    let n_before = list(&weather.folder()).len();
    let wrong = weather.mysql().server.url_as(ACCOUNT, "wrong-password", &weather.mysql().name);
    let run = weather.run(&["backup", "--url", &wrong])?;
    assert!(run.code == 2 && run.stderr.contains("error[mysql-login-failed]"), "{run}");
    assert!(!run.stderr.contains("wrong-password") && !run.stderr.contains(PASSWORD), "{run}");
    assert_eq!(list(&weather.folder()).len(), n_before);
    weather.nothing_is_left_behind()
}

#[test]
fn cut_connections_and_runs_that_meet_leave_no_half_backup_of_mariadb() -> Result {
    bad_weather_on_mysql(Vendor::MariaDb)
}

#[test]
fn cut_connections_and_runs_that_meet_leave_no_half_backup_of_mysql() -> Result {
    bad_weather_on_mysql(Vendor::MySql)
}
