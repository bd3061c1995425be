//! Ctrl-C and a service manager: nothing stays, wherever the run is.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use raingauge_testkit::mysql::Vendor;
use raingauge_testkit::{Example, Result};

use super::{Weather, list, name_of};

const BOUNDARIES: [&str; 4] =
    ["backup/partial-created", "backup/dumped", "backup/verified", "backup/written"];

/// Sends the signal, and expects that it is what ended the process.
fn interrupt(mut child: Child, signal: (&str, i32)) -> Result {
    Command::new("kill").args(["-s", signal.0, &child.id().to_string()]).status()?;
    let status = child.wait()?;
    assert_eq!(status.signal(), Some(signal.1), "{status} after {}", signal.0);
    Ok(())
}

fn signals_leave_nothing_behind(weather: &Weather) -> Result {
    for (at, boundary) in BOUNDARIES.into_iter().enumerate() {
        let signal = [("INT", 2), ("TERM", 15)][at % 2];
        let child = weather.paused(&["backup"], boundary)?;
        assert!(!weather.leftovers()?.is_empty(), "there is something to leave behind");
        interrupt(child, signal)?;
        weather.nothing_is_left_behind()?;
    }
    // In the middle of a dump, and of a restore.
    for millis in [150, 400, 700] {
        let mut command = weather.command(&weather.raingauge(), &["backup"]);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        std::thread::sleep(Duration::from_millis(millis));
        let mut child = child?;
        if child.try_wait()?.is_none() {
            interrupt(child, ("TERM", 15))?;
        }
        weather.nothing_is_left_behind()?;
    }
    Ok(())
}

#[test]
fn signals_leave_nothing_behind_on_sqlite() -> Result {
    signals_leave_nothing_behind(&Weather::new(Example::BookstoreSqlite)?)
}

#[test]
fn signals_leave_nothing_behind_on_postgres() -> Result {
    signals_leave_nothing_behind(&Weather::new(Example::BookstorePostgres)?)
}

#[test]
fn signals_leave_nothing_behind_on_mariadb() -> Result {
    Weather::of_mysql(Vendor::MariaDb)?.map_or(Ok(()), |it| signals_leave_nothing_behind(&it))
}

#[test]
fn signals_leave_nothing_behind_on_mysql() -> Result {
    Weather::of_mysql(Vendor::MySql)?.map_or(Ok(()), |it| signals_leave_nothing_behind(&it))
}

#[test]
fn a_database_of_mysql_that_a_restore_has_made_goes_with_it() -> Result {
    let Some(weather) = Weather::of_mysql(Vendor::MariaDb)? else { return Ok(()) };
    let (server, live) = (&weather.mysql().server, weather.mysql());
    let backup = list(&weather.folder()).pop().unwrap_or_default().display().to_string();
    let made = format!("{}_made", live.name);
    let to = server.url(&made);
    let child = weather.paused(&["restore", &backup, "--to", &to], "restore/target-ready")?;
    let exists =
        format!("SELECT count(*) FROM information_schema.schemata WHERE schema_name = '{made}'");
    assert_eq!(server.sql("mysql", &exists)?.trim(), "1");
    interrupt(child, ("INT", 2))?;
    assert_eq!(server.sql("mysql", &exists)?.trim(), "0");

    // Tables beside live's are in a database that nobody knows until they are equal.
    let asked = ["restore", &backup, "--tables", "books", "--confirm"];
    let child = weather.paused(&asked, "restore/tables-proven")?;
    let exists =
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'restored%'";
    assert!(server.sql("mysql", exists)?.trim().ends_with("z_unfinished"));
    interrupt(child, ("TERM", 15))?;
    assert_eq!(server.sql("mysql", exists)?, "");
    weather.nothing_is_left_behind()
}

#[test]
fn a_database_that_a_restore_has_made_goes_with_it() -> Result {
    let weather = Weather::new(Example::BookstorePostgres)?;
    let server = weather.server.as_ref().expect("it is PostgreSQL");
    let backup = list(&weather.folder()).pop().unwrap_or_default().display().to_string();
    let made = format!("{}_made", name_of(&weather.project));
    let child = weather
        .paused(&["restore", &backup, "--to", &server.url(&made)], "restore/target-ready")?;
    let exists = format!("SELECT count(*) FROM pg_database WHERE datname = '{made}'");
    assert_eq!(server.sql("postgres", &exists)?.trim(), "1");
    interrupt(child, ("INT", 2))?;
    assert_eq!(server.sql("postgres", &exists)?.trim(), "0");
    weather.nothing_is_left_behind()
}
