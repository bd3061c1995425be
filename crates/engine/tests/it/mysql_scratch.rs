//! Scratch databases of MySQL and MariaDB: on a server of our own, on a given one, on live's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use raingauge_engine::connect::{Access, Dsn, MySqlSession, Session};
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_schema::Dialect;
use raingauge_testkit::MySql;
use raingauge_testkit::mysql::{MySqlDatabase, Release, Vendor, servers};

fn dsn(url: &str) -> Dsn {
    Dsn::parse(url, Dialect::MySql).unwrap()
}

/// Options that imitate this database; nothing on this machine is found by itself.
fn like(database: &MySqlDatabase) -> ScratchOptions {
    let live = dsn(&database.server.url(&database.name));
    ScratchOptions { live: Some(live), ..ScratchOptions::new(Dialect::MySql) }
}

/// A folder with the test server's program as a machine has it that has installed it.
fn programs(release: Release) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let words = release.program().unwrap();
    // `--no-defaults` has to be the server's first argument; what the loader wants comes before it.
    let at = words.iter().position(|it| it == "--no-defaults").unwrap();
    let quote = |it: &String| format!("'{it}'");
    let before: Vec<_> = words[..at].iter().map(quote).collect();
    let own = |it: &&String| !it.starts_with("--innodb") && *it != "--skip-log-bin";
    let after: Vec<_> = words[at + 1..].iter().filter(own).map(quote).collect();
    let script = format!("#!/bin/sh\nexec {} \"$@\" {}\n", before.join(" "), after.join(" "));
    let path = folder.path().join("mysqld");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Scratch on a server of our own.
fn own(database: &MySqlDatabase) -> (Scratch, tempfile::TempDir) {
    let folder = programs(database.server.release);
    // Goes with the programs, whose place is in the names of templates.
    let cache = folder.path().join("cache");
    let options = ScratchOptions {
        programs: vec![folder.path().to_owned()],
        cache: Some(cache),
        ..like(database)
    };
    (Scratch::open(options).unwrap(), folder)
}

fn value(session: &mut Session, sql: &str) -> String {
    session.rows(sql).unwrap().into_iter().flatten().flatten().next().unwrap_or_default()
}

fn folder_of(database: &ScratchDatabase) -> PathBuf {
    let Dsn::MySql(target) = &database.dsn else { panic!("not MySQL") };
    target.socket.as_ref().unwrap().parent().unwrap().to_owned()
}

fn name_of(database: &ScratchDatabase) -> String {
    let Dsn::MySql(target) = &database.dsn else { panic!("not MySQL") };
    target.database.clone()
}

fn scratch_names(server: &Arc<MySql>) -> Vec<String> {
    let names = server.sql("mysql", "show databases like 'raingauge\\_scratch%'").unwrap();
    names.lines().map(str::to_owned).collect()
}

#[test]
fn a_server_of_our_own_is_of_lives_flavour_and_series_and_goes_with_the_last_who_uses_it() {
    for server in servers() {
        let live = server.database("imitated").unwrap();
        live.sql(&format!(
            "alter database `{}` character set latin1 collate latin1_general_cs",
            live.name
        ))
        .unwrap();
        let (mut scratch, _programs) = own(&live);
        let mut first = scratch.create("history").unwrap();
        let second = scratch.create("declared").unwrap();
        let version = "select substring_index(version(), '.', 2)";
        let mut session = Session::open(&dsn(&server.url(&live.name)), Access::ReadOnly).unwrap();
        assert_eq!(value(&mut first.session, version), value(&mut session, version));
        assert_eq!(value(&mut first.session, "select @@collation_database"), "latin1_general_cs");
        for setting in
            ["sql_mode", "lower_case_table_names", "character_set_server", "default_storage_engine"]
        {
            let ask = format!("select @@global.{setting}");
            assert_eq!(value(&mut first.session, &ask), value(&mut session, &ask), "{setting}");
        }
        assert!(!scratch.shares_live_server(), "{:?}", scratch.notes());
        assert!(scratch.notes()[0].contains("an own"), "{:?}", scratch.notes());
        first.session.run("create table t (a int)").unwrap();
        assert_eq!(scratch_names(&server).iter().filter(|it| **it == name_of(&first)).count(), 0);
        let folder = folder_of(&first);
        drop(scratch);
        drop(first);
        assert!(folder.exists());
        drop(second);
        assert!(!folder.exists());
    }
}

#[test]
fn what_a_dead_run_has_left_goes_with_the_next_one() {
    for server in servers() {
        let live = server.database("stale").unwrap();
        let (mut scratch, _programs) = own(&live);
        let database = scratch.create("test").unwrap();
        let folder = folder_of(&database);
        let number: i32 = fs::read_to_string(folder.join("pid")).unwrap().trim().parse().unwrap();
        // A folder whose maker was killed before it had marked it.
        let orphan = folder.parent().unwrap().join(format!("raingauge-mysql-4294967295-{number}"));
        assert!(Path::new(&format!("/proc/{number}")).exists());
        fs::create_dir(&orphan).unwrap();
        drop(database);
        drop(scratch);
        assert!(!Path::new(&format!("/proc/{number}")).exists(), "the server runs on");
        let (mut again, _programs) = own(&live);
        drop(again.create("test").unwrap());
        assert!(!orphan.exists());

        let mut on_live = Scratch::open(like(&live)).unwrap();
        let Some(mine) = shared(&mut on_live, &server) else { continue };
        let left = "raingauge_scratch_1_1700000000000000_1";
        server.sql("mysql", &format!("create database {left}")).unwrap();
        server.sql("mysql", "create database raingauge_scratch_of_somebody").unwrap();
        let mut next = Scratch::open(like(&live)).unwrap();
        let _theirs = shared(&mut next, &server);
        let names = scratch_names(&server);
        assert!(!names.contains(&left.to_owned()), "{names:?}");
        assert!(names.contains(&"raingauge_scratch_of_somebody".to_owned()), "{names:?}");
        assert!(names.contains(&name_of(&mine)), "{names:?}");
        drop(mine);
        server.sql("mysql", "drop database raingauge_scratch_of_somebody").unwrap();
    }
}

/// A database on live's own server, which is taken where no program of its series is found.
fn shared(scratch: &mut Scratch, server: &Arc<MySql>) -> Option<ScratchDatabase> {
    if server.vendor == Vendor::MariaDb {
        // Its program is found in the usual places.
        return None;
    }
    let database = scratch.create("test").unwrap();
    assert!(scratch.shares_live_server(), "{:?}", scratch.notes());
    Some(database)
}

/// Scratch on a server that is given and also holds live.
fn beside(live: &MySqlDatabase) -> Scratch {
    let given = dsn(&live.server.url(""));
    let mut scratch =
        Scratch::open(ScratchOptions { scratch_url: Some(given), ..like(live) }).unwrap();
    drop(scratch.create("test").unwrap());
    assert!(scratch.shares_live_server());
    scratch
}

#[test]
fn nothing_leaves_scratch_where_its_server_also_holds_live() {
    for server in servers() {
        let live = server.database("beside").unwrap();
        let (name, other) = (&live.name, server.database("other").unwrap());
        live.sql("create table t (a int); insert into t values (1)").unwrap();
        let mut scratch = beside(&live);
        let mut database = scratch.create("test").unwrap();
        let session = &mut database.session;
        for sql in [
            format!("drop table {name}.t"),
            format!("insert into `{}` . t values (1)", name.to_uppercase()),
            format!("use {name}"),
            format!("create table a (b int); use {name}; drop table t"),
            format!("/*!50003 delete from {name}.t */"),
            format!("create trigger x before insert on t for each row delete from {name}.t"),
            format!("create table {}.t (a int)", other.name),
            format!("drop database {name}"),
            format!("alter database {name} character set latin1"),
            "create database raingauge_elsewhere".to_owned(),
            "create user raingauge_guest".to_owned(),
            "set global max_connections = 10".to_owned(),
            "set @x = 'drop table t'; prepare s from @x".to_owned(),
            "select 1 into outfile '/tmp/raingauge-x'".to_owned(),
            "flush privileges".to_owned(),
        ] {
            let error = session.run(&sql).expect_err(&sql);
            assert_eq!(error.state, "0A000", "{sql}: {error}");
        }
        for sql in [
            "create table t (a int, b int default 0)",
            "insert into t values (1, 2)",
            "create view v as select t.a from t, information_schema.tables i",
            "create procedure p() begin select t.a from t; end",
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */",
        ] {
            session.run(sql).unwrap_or_else(|it| panic!("{sql}: {it}"));
        }
        assert_eq!(live.sql("select count(*), sum(a) from t").unwrap().trim(), "1\t1");
        let name = name_of(&database);
        drop(database);
        assert!(!scratch_names(&server).contains(&name));
    }
}

#[test]
fn a_server_of_another_flavour_or_series_is_refused() {
    let all = servers();
    let [one, other] = all.as_slice() else {
        return println!("skipped: it takes servers of both flavours");
    };
    let live = one.database("flavour").unwrap();
    let options = ScratchOptions { scratch_url: Some(dsn(&other.url(""))), ..like(&live) };
    let error = Scratch::open(options).unwrap().create("test").unwrap_err();
    assert_eq!(error.code, "scratch-wrong-version");
}

#[test]
fn another_machine_is_asked_for_consent_and_an_account_for_its_rights() {
    for server in servers() {
        let live = server.database("rights").unwrap();
        let account = format!("maker_{}", std::process::id());
        let grant = format!(
            "create user {account}@'%' identified by 'x'; grant all on `{}`.* to {account}@'%'",
            live.name
        );
        server.sql("mysql", &grant).unwrap();
        let url = server.url_as(&account, "x", &live.name);
        let given = ScratchOptions {
            scratch_url: Some(dsn(&url)),
            live: Some(dsn(&url)),
            ..ScratchOptions::new(Dialect::MySql)
        };
        let error = Scratch::open(given).unwrap().create("test").unwrap_err();
        assert_eq!(error.code, "scratch-unavailable");
        assert!(error.next.iter().any(|it| it.contains("CREATE on")), "{:?}", error.next);
        let mut session = MySqlSession::open(
            &raingauge_engine::connect::dsn::mysql::MySqlTarget::parse(&url).unwrap(),
            Access::ReadOnly,
        )
        .unwrap();
        assert!(session.rows("select 1").is_ok());
        server.sql("mysql", &format!("drop user {account}@'%'")).unwrap();
    }
}
