//! Backups in an object store from the command line, and runs that end while one is on its way.

use std::process::Command;

use raingauge_testkit::s3::SECRET;
use raingauge_testkit::{Example, Raingauge, Result, Run, S3};

use super::{Weather, list};

const PLACE: &str = "s3://backups/books";

fn with_store(weather: &Weather, server: &S3) -> Raingauge {
    server.env().into_iter().fold(weather.raingauge(), |it, (name, value)| it.env(name, &value))
}

fn run(weather: &Weather, raingauge: &Raingauge, arguments: &[&str]) -> Result<Run> {
    let run = Run::of(&mut weather.command(raingauge, arguments))?;
    let said = run.to_string();
    assert!(!said.contains("X-Amz") && !said.contains(SECRET), "{said}");
    Ok(run)
}

/// The names that `backup list` tells, oldest first.
fn stored(weather: &Weather, raingauge: &Raingauge) -> Result<Vec<String>> {
    let listed = run(weather, raingauge, &["backup", "list", PLACE])?.success()?;
    let name = |it: &str| {
        it.split_whitespace().find(|it| it.contains("Z-") && !it.contains("s3:")).map(str::to_owned)
    };
    Ok(listed.stdout.lines().filter_map(name).collect())
}

fn a_store_is_a_place_to_restore_from(example: Example) -> Result {
    let server = S3::start()?;
    let weather = Weather::new(example)?;
    let raingauge = with_store(&weather, &server);
    let taken = run(&weather, &raingauge, &["backup", "--to", PLACE])?.success()?;
    assert!(taken.stdout.contains("read back and compared"), "{taken}");
    let names = stored(&weather, &raingauge)?;
    let address = format!("{PLACE}/{}", names[0]);
    // As after a fire.
    std::fs::remove_dir_all(weather.folder())?;
    let live = &weather.project.database;
    let (before, rows) = (live.state()?, live.rows("books")?);
    run(&weather, &raingauge, &["backup", "verify", &address])?.success()?;

    let copy = match &weather.server {
        Some(server) => server.url(&format!("{}_copy", super::name_of(&weather.project))),
        None => "file:data/copy.db".to_owned(),
    };
    run(&weather, &raingauge, &["restore", &address, "--to", &copy])?.success()?;
    live.sql("UPDATE books SET title = 'overwritten'")?;
    run(&weather, &raingauge, &["restore", &address, "--tables", "books", "--confirm"])?
        .success()?;
    let shown = run(&weather, &raingauge, &["restore", &address, "--to", &copy, "--swap"])?;
    assert!(shown.code == 1 && shown.stdout.contains("rows-since-backup"), "{shown}");
    let swap = ["restore", &address, "--to", &copy, "--swap", "--confirm"];
    run(&weather, &raingauge, &swap)?.success()?;
    assert_eq!(live.rows("books")?, rows);
    assert_eq!(before.differences(&live.state()?), [""; 0]);
    weather.temporary_is_empty()
}

#[test]
fn a_store_is_a_place_to_restore_from_on_postgres() -> Result {
    a_store_is_a_place_to_restore_from(Example::BookstorePostgres)
}

#[test]
fn a_store_is_a_place_to_restore_from_on_sqlite() -> Result {
    a_store_is_a_place_to_restore_from(Example::BookstoreSqlite)
}

#[test]
fn the_policy_sends_every_backup_to_the_store_and_old_ones_go_there_too() -> Result {
    let server = S3::start()?;
    let weather = Weather::new(Example::BookstoreSqlite)?;
    let raingauge = with_store(&weather, &server);
    let policy = format!("[backup]\nto = \"{PLACE}\"\n");
    std::fs::write(weather.project.path("raingauge.toml"), policy)?;
    let adopted = run(&weather, &raingauge, &["reconcile", "--confirm"])?;
    assert_eq!(adopted.code, 0, "{adopted}");
    let first = stored(&weather, &raingauge)?;
    assert_eq!(first.len(), 1, "the backup that the adoption rests on");
    run(&weather, &raingauge, &["backup", "--keep-last", "1"])?.success()?;
    let second = stored(&weather, &raingauge)?;
    assert!(second.len() == 1 && second != first, "{second:?}");
    assert_eq!(list(&weather.folder()).len(), 1);

    // Without the store there is no protection as the policy wants it.
    let nobody = raingauge.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let failed = run(&weather, &nobody, &["backup"])?;
    assert!(failed.code == 3 && failed.stderr.contains("error[store-failed]"), "{failed}");
    assert!(failed.stderr.contains("took the backup"), "{failed}");
    let unset = run(&weather, &weather.raingauge(), &["backup"])?;
    let code = "error[store-credentials-missing]";
    assert!(unset.code == 2 && unset.stderr.contains(code), "{unset}");
    Ok(())
}

#[test]
fn a_run_that_ends_on_the_way_to_the_store_leaves_no_backup_there() -> Result {
    let server = S3::start()?;
    let weather = Weather::new(Example::BookstoreSqlite)?;
    let raingauge = with_store(&weather, &server);
    let begin = || -> Result<std::process::Child> {
        let paused = raingauge.clone().env("RAINGAUGE_PAUSE_AT", "store/uploaded");
        weather.paused_by(&paused, &["backup", "--to", PLACE], "store/uploaded")
    };
    let end = |mut child: std::process::Child, signal: &str| -> Result {
        // Waiting would close its input first, and then the run goes on.
        let _input = child.stdin.take();
        Command::new("kill").args(["-s", signal, &child.id().to_string()]).status()?;
        child.wait()?;
        Ok(())
    };
    let child = begin()?;
    assert!(!server.keys()?.is_empty(), "there is something to leave behind");
    end(child, "TERM")?;
    assert_eq!(server.keys()?, [""; 0]);

    end(begin()?, "KILL")?;
    assert!(!server.keys()?.is_empty() && stored(&weather, &raingauge)?.is_empty());
    let listed = run(&weather, &raingauge, &["backup", "list", PLACE])?;
    assert!(listed.stdout.contains("backup-incomplete"), "{listed}");
    run(&weather, &raingauge, &["backup", "--to", PLACE])?.success()?;
    assert_eq!(stored(&weather, &raingauge)?.len(), 1);
    Ok(())
}
