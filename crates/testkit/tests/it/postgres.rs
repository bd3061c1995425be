//! The throw-away servers: they start, they are apart, and they go away.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use raingauge_testkit::postgres::{PASSWORD, SHARED_SERVER};
use raingauge_testkit::run::Run;
use raingauge_testkit::{Failure, Postgres, Result};

#[test]
fn databases_of_one_server_are_apart() -> Result {
    let server = Postgres::shared()?;
    let (one, other) = (server.database("one")?, server.database("other")?);
    one.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)")?;
    assert_eq!(one.value("SELECT count(*) FROM t")?, "2");
    assert_eq!(other.tables()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_server_asks_for_its_password_over_tcp() -> Result {
    let server = Postgres::shared()?;
    let login = |url: &str| {
        Run::of(server.client("psql").args(["-X", "-w", "-A", "-t", "-c", "SELECT 1", url]))
    };
    assert_eq!(login(&server.url("postgres"))?.stdout, "1\n");
    let wrong = login(&server.url("postgres").replace(PASSWORD, "guess"))?;
    assert!(wrong.stderr.contains("password authentication failed"), "{wrong}");
    Ok(())
}

#[test]
fn a_failing_statement_is_a_failure() -> Result {
    let database = Postgres::shared()?.database("failing")?;
    let failure = database.sql("SELECT 1;\nSELECT nonsense;").unwrap_err();
    assert!(failure.to_string().contains("column \"nonsense\" does not exist"), "{failure}");
    Ok(())
}

#[test]
fn a_dropped_server_is_gone_with_its_folder() -> Result {
    let server = Postgres::start()?;
    let folder = server.folder.clone();
    assert!(folder.join("data/postmaster.pid").exists());
    drop(server);
    assert!(!folder.exists());
    Ok(())
}

#[test]
fn what_a_dead_process_left_is_removed_at_the_next_start() -> Result {
    let mut dead = Command::new("true").spawn()?;
    dead.wait()?;
    let left = std::env::temp_dir().join(format!("raingauge-pg-{}-left", dead.id()));
    std::fs::create_dir_all(left.join("data"))?;
    let server = Postgres::start()?;
    assert!(!left.exists());
    assert!(server.folder.exists());
    Ok(())
}

/// Not a test of its own: the child process of the next one.
#[test]
fn child_that_waits_to_be_killed() -> Result {
    if std::env::var_os("RAINGAUGE_TEST_CHILD").is_none() {
        return Ok(());
    }
    let server = Postgres::start()?;
    println!("folder {}", server.folder.display());
    std::thread::sleep(Duration::from_secs(60));
    Ok(())
}

#[test]
fn a_killed_test_process_leaves_no_server_behind() -> Result {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "postgres::child_that_waits_to_be_killed", "--nocapture"])
        .env("RAINGAUGE_TEST_CHILD", "1")
        .env_remove(SHARED_SERVER)
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(|it| it.ok());
    // The test runner may print the test's name before it on the same line.
    let mut folders = lines.filter_map(|it| Some(it.split_once("folder ")?.1.to_owned()));
    let folder = folders.next().ok_or_else(|| Failure::new("the child started no server"))?;
    child.kill()?;
    child.wait()?;
    let since = Instant::now();
    while std::path::Path::new(&folder).exists() {
        assert!(since.elapsed() < Duration::from_secs(20), "{folder} is still there");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
