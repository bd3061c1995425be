//! Scratch databases on a real server.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use raingauge_engine::connect::{Access, Dsn, PgSession};
use raingauge_engine::scratch::{Scratch, ScratchOptions};
use raingauge_testkit::postgres;

use crate::postgres_session::{own_scratch, scratch_options, target};

fn text(session: &mut PgSession, sql: &str) -> String {
    let rows = session.rows(sql).unwrap();
    let lines = rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join("|"));
    lines.collect::<Vec<_>>().join(",")
}

#[test]
fn a_scratch_database_is_empty_and_gone_afterwards() {
    let Some(mut scratch) = own_scratch() else { return };
    let first = scratch.create("history").unwrap();
    let second = scratch.create("declared").unwrap();
    let (address, name) = (target(&second.dsn), target(&first.dsn).database);
    let mut session = PgSession::open(&address, Access::ReadOnly).unwrap();
    let names =
        "select datname from pg_catalog.pg_database where datname like 'raingauge%' order by 1";
    assert!(text(&mut session, names).contains(&name));
    drop(first);
    assert_eq!(text(&mut session, names), address.database);
    assert!(!scratch.shares_live_server());
}

#[test]
fn the_server_and_its_folder_go_with_the_last_who_uses_them() {
    let Some(mut scratch) = own_scratch() else { return };
    let database = scratch.create("test").unwrap();
    let folder = target(&database.dsn).host;
    drop(scratch);
    assert!(PgSession::open(&target(&database.dsn), Access::ReadOnly).is_ok());
    drop(database);
    assert!(!Path::new(&folder).exists());
}

#[test]
fn a_scratch_server_starts_within_seconds() {
    let start = Instant::now();
    let Some(scratch) = own_scratch() else { return };
    println!("first scratch database after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20));
    drop(scratch);
}

/// Starts a server with this cache folder and returns what tells one `initdb` from another.
fn system_of(cache: &Path) -> String {
    let mut scratch =
        Scratch::open(ScratchOptions { cache: Some(cache.to_owned()), ..scratch_options() })
            .unwrap();
    let mut database = scratch.create("test").unwrap();
    let sql = "select system_identifier from pg_catalog.pg_control_system()";
    let mut rows = database.session.rows(sql).unwrap();
    rows.remove(0).remove(0).unwrap()
}

fn only_file(folder: &Path) -> PathBuf {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[test]
fn a_server_starts_from_the_one_that_was_kept() {
    if postgres::installed().is_empty() {
        println!("skipped: no PostgreSQL server on this machine");
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let first = system_of(cache.path());
    assert_eq!(system_of(cache.path()), first);
    let template = only_file(&cache.path().join("scratch"));
    // Half of it, and what is not a template at all: neither stops anybody, and both are replaced.
    let whole = std::fs::read(&template).unwrap();
    std::fs::write(&template, &whole[..whole.len() / 2]).unwrap();
    let second = system_of(cache.path());
    assert_ne!(second, first);
    assert_eq!(system_of(cache.path()), second);
    std::fs::write(&template, "").unwrap();
    assert_ne!(system_of(cache.path()), second);
    assert_eq!(only_file(&cache.path().join("scratch")), template);
    assert!(whole.len() / 2 < std::fs::metadata(&template).unwrap().len() as usize);
}

#[test]
fn many_servers_may_start_at_once_with_an_empty_cache() {
    if postgres::installed().is_empty() {
        println!("skipped: no PostgreSQL server on this machine");
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| system_of(cache.path()));
        }
    });
    only_file(&cache.path().join("scratch"));
}

#[test]
fn a_scratch_database_is_like_live() {
    let Some(mut live) = own_scratch() else { return };
    let mut database = live.create("live").unwrap();
    let name = target(&database.dsn).database;
    let settings = format!(
        "create role \"App User\" nologin; create schema app; \
         alter database {name} set search_path = app, \"$user\"; alter database {name} set timezone = 'Asia/Tokyo'"
    );
    database.session.run(&settings).unwrap();
    let options = ScratchOptions { live: Some(database.dsn.clone()), ..scratch_options() };
    let mut scratch = Scratch::open(options).unwrap();
    let made = scratch.create("history").unwrap();
    let mut session = PgSession::open_plain(&target(&made.dsn), Access::ReadWrite).unwrap();
    assert_eq!(text(&mut session, "show search_path"), "app, \"$user\"");
    assert_eq!(text(&mut session, "show timezone"), "Asia/Tokyo");
    let roles =
        "select rolname, rolcanlogin from pg_catalog.pg_roles where rolname !~ '^pg_' order by 1";
    assert_eq!(text(&mut session, roles), "App User|f,raingauge|t,raingauge_|t");
    // What belongs to a role by default belongs to live's here too.
    assert_eq!(text(&mut session, "select current_user"), "raingauge");
    // Nothing of this may be visible in the catalog, which a plain SQL check stands for here.
    assert_eq!(
        text(&mut session, "select count(*) from pg_catalog.pg_namespace where nspname = 'app'"),
        "0"
    );
}

#[test]
fn a_given_server_is_used_and_left_as_it_was() {
    let Some(mut own) = own_scratch() else { return };
    let database = own.create("given").unwrap();
    let options = ScratchOptions { scratch_url: Some(database.dsn.clone()), ..scratch_options() };
    let mut scratch = Scratch::open(options).unwrap();
    let made = scratch.create("history").unwrap();
    assert_eq!(target(&made.dsn).host, target(&database.dsn).host);
    let mut session = PgSession::open(&target(&database.dsn), Access::ReadOnly).unwrap();
    drop(made);
    let count = "select count(*) from pg_catalog.pg_database where datname like 'raingauge%'";
    assert_eq!(text(&mut session, count), "1");
}

#[test]
fn a_local_target_lends_its_server_when_there_is_no_other() {
    let Some(mut own) = own_scratch() else { return };
    let live = own.create("live").unwrap();
    // A leftover of a run that died: its maker's session is gone.
    let mut admin = PgSession::open(&target(&live.dsn), Access::ReadWrite).unwrap();
    admin.run("create database raingauge_scratch_1_1795346908000000_1").unwrap();
    admin.run("create database raingauge_scratch_of_somebody").unwrap();
    // One whose maker lives, and has not opened it yet.
    admin.run("set application_name = raingauge_scratch_2_1795346908000000").unwrap();
    admin.run("create database raingauge_scratch_2_1795346908000000_1").unwrap();
    let mut scratch = Scratch::open(ScratchOptions {
        live: Some(live.dsn.clone()),
        pg_bin: Some("/nonexistent".into()),
        ..scratch_options()
    })
    .unwrap();
    let made = scratch.create("history").unwrap();
    assert!(scratch.shares_live_server());
    let names = "select datname from pg_catalog.pg_database where datname like 'raingauge_scratch%' order by 1";
    let expected = [&live.dsn, &made.dsn].map(|it| target(it).database);
    for name in &expected {
        assert!(text(&mut admin, names).contains(name));
    }
    drop(made);
    let left = text(&mut admin, names);
    let mut left: Vec<_> = left.split(',').collect();
    left.sort_unstable();
    let live = target(&live.dsn).database;
    let mut expected =
        [&live, "raingauge_scratch_2_1795346908000000_1", "raingauge_scratch_of_somebody"];
    expected.sort_unstable();
    assert_eq!(left, expected);
}

#[test]
fn a_server_whose_maker_was_killed_is_gone_soon() {
    let Some(probe) = own_scratch() else { return };
    drop(probe);
    let folder = run_and_kill(false);
    let start = Instant::now();
    while folder.exists() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!folder.exists(), "{} is still there", folder.display());
}

#[test]
fn a_server_that_nobody_watches_any_more_is_removed_by_the_next_run() {
    let Some(probe) = own_scratch() else { return };
    drop(probe);
    let folder = run_and_kill(true);
    assert!(folder.exists(), "the watchdog was to be killed first");
    drop(own_scratch());
    assert!(!folder.exists(), "{} is still there", folder.display());
}

/// Runs `holds_a_scratch_server` in a process of its own, kills it, with its watchdog first if asked
/// to, and returns its server's folder.
fn run_and_kill(with_watchdog: bool) -> PathBuf {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "postgres_scratch::holds_a_scratch_server", "--nocapture"])
        .env("RAINGAUGE_TEST_HOLD", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let folder = lines
        .map_while(Result::ok)
        .find_map(|it| it.split_once("folder=").map(|it| it.1.to_owned()));
    if with_watchdog {
        kill_children_of(child.id());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    folder.unwrap().into()
}

/// Only the watchdog is a child; the server has left the family.
fn kill_children_of(parent: u32) {
    let listed =
        Command::new("ps").args(["-o", "pid=", "--ppid", &parent.to_string()]).output().unwrap();
    for id in String::from_utf8(listed.stdout).unwrap().split_whitespace() {
        assert!(Command::new("kill").args(["-9", id]).status().unwrap().success());
    }
}

#[test]
fn holds_a_scratch_server() {
    if std::env::var("RAINGAUGE_TEST_HOLD").is_err() {
        return;
    }
    let mut scratch = own_scratch().unwrap();
    let database = scratch.create("held").unwrap();
    let Dsn::Postgres(address) = &database.dsn else { panic!("not PostgreSQL") };
    println!("folder={}", address.host);
    std::thread::sleep(Duration::from_secs(60));
}
