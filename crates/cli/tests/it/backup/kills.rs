//! `kill -9` at moments that nobody chose: no half backup under a backup's name, and the next run
//! cleans up.

use std::process::Stdio;
use std::time::Instant;

use raingauge_testkit::mysql::Vendor;
use raingauge_testkit::{Example, Result};

use super::{Weather, is_full};

fn killed_at_any_moment(weather: &Weather) -> Result {
    let since = Instant::now();
    weather.run(&["backup"])?.success()?;
    let duration = since.elapsed();
    let mut n_killed = 0;
    // A fixed sequence that spreads over the whole duration.
    for moment in (1..=if is_full() { 100 } else { 5 }).map(|it: u32| it * 618 % 1000) {
        let mut command = weather.command(&weather.raingauge(), &["backup"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        std::thread::sleep(duration * moment / 1000);
        n_killed += u32::from(child.try_wait()?.is_none());
        child.kill()?;
        child.wait()?;
        weather.backups_are_whole()?;
    }
    assert!(0 < n_killed, "some were at work");
    weather.nobody_is_connected_to_scratch()?;
    weather.run(&["backup"])?.success()?;
    weather.nothing_is_left_behind()
}

#[test]
fn a_backup_of_sqlite_can_be_killed_at_any_moment() -> Result {
    killed_at_any_moment(&Weather::new(Example::BookstoreSqlite)?)
}

#[test]
fn a_backup_of_postgres_can_be_killed_at_any_moment() -> Result {
    killed_at_any_moment(&Weather::new(Example::BookstorePostgres)?)
}

#[test]
fn a_backup_of_mariadb_can_be_killed_at_any_moment() -> Result {
    Weather::of_mysql(Vendor::MariaDb)?.map_or(Ok(()), |it| killed_at_any_moment(&it))
}

#[test]
fn a_backup_of_mysql_can_be_killed_at_any_moment() -> Result {
    Weather::of_mysql(Vendor::MySql)?.map_or(Ok(()), |it| killed_at_any_moment(&it))
}
