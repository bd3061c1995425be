//! What a person sees while it takes long, and Ctrl-C at the terminal, which reaches `pg_dump` too.

use raingauge_testkit::mysql::Vendor;
use raingauge_testkit::{Example, Result};

use super::Weather;

#[test]
fn a_backup_of_mariadb_shows_its_progress_and_ctrl_c_leaves_nothing_behind() -> Result {
    let Some(weather) = Weather::of_mysql(Vendor::MariaDb)? else { return Ok(()) };
    weather.mysql().sql("INSERT INTO large (body) SELECT body FROM large")?;
    progress_is_shown(&weather)
}

#[test]
fn size_rate_and_remaining_time_are_shown_and_ctrl_c_leaves_nothing_behind() -> Result {
    let weather = Weather::new(Example::BookstorePostgres)?;
    weather.project.database.sql("INSERT INTO larger SELECT n, md5(n::text) || body FROM large")?;
    progress_is_shown(&weather)
}

fn progress_is_shown(weather: &Weather) -> Result {
    let arguments = weather.arguments(&["backup"]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut terminal = weather.raingauge().terminal(&weather.project.root, &arguments)?;
    terminal.expect("dumping the database")?;
    terminal.expect(" of about ")?;
    terminal.expect("/s, about ")?;
    terminal.expect(" left")?;
    terminal.press("\x03")?;
    let run = terminal.finish()?;
    assert!(run.code == -2 || run.code == 2, "{run}");
    weather.nothing_is_left_behind()?;

    let mut terminal = weather.raingauge().terminal(&weather.project.root, &arguments)?;
    terminal.expect("restoring the backup into scratch")?;
    terminal.expect(" of about ")?;
    terminal.expect("comparing the restored copy")?;
    terminal.expect(" of about ")?;
    let run = terminal.finish()?;
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("backup: clean"), "{run}");
    weather.nothing_is_left_behind()
}
