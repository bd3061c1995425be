//! What a session promises, on a real server.

use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use raingauge_engine::connect::dsn::PgTarget;
use raingauge_engine::connect::{Access, Dsn, PgSession};
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_schema::Dialect;
use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::{Database, Postgres};

pub(crate) fn target(dsn: &Dsn) -> PgTarget {
    match dsn {
        Dsn::Postgres(target) => target.clone(),
        Dsn::MySql(_) | Dsn::Sqlite(_) => panic!("not PostgreSQL"),
    }
}

/// Options that imitate nothing; servers start from the template that earlier tests have left.
pub(crate) fn scratch_options() -> ScratchOptions {
    ScratchOptions {
        cache: raingauge_testkit::cache::folder(),
        ..ScratchOptions::new(Dialect::Postgres)
    }
}

/// A scratch provider with a server of its own, or `None` with the reason printed when this machine has
/// none.
pub(crate) fn own_scratch() -> Option<Scratch> {
    let mut scratch = Scratch::open(scratch_options()).unwrap();
    match scratch.create("probe") {
        Ok(_) => Some(scratch),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

/// A scratch provider on the server that all tests of this process share. It goes with the process.
/// Roles are everybody's there.
pub(crate) fn scratch() -> Option<Scratch> {
    static SHARED: OnceLock<Option<Mutex<ScratchDatabase>>> = OnceLock::new();
    let start = || own_scratch().map(|mut it| it.create("shared").unwrap());
    let shared = SHARED.get_or_init(|| start().map(Mutex::new)).as_ref()?;
    let dsn = shared.lock().unwrap().dsn.clone();
    let options = ScratchOptions { scratch_url: Some(dsn), ..scratch_options() };
    Some(Scratch::open(options).unwrap())
}

/// A statement that makes a role unless another test has made it.
pub(crate) fn role(name: &str, options: &str) -> String {
    format!("do $$ begin create role {name} {options}; exception when others then null; end $$;")
}

#[test]
fn a_read_only_session_is_refused_every_write_by_the_server() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    database.session.run("create table public.t (a int)").unwrap();
    let mut session = PgSession::open(&target(&database.dsn), Access::ReadOnly).unwrap();
    for sql in
        ["insert into public.t values (1)", "create table public.u ()", "drop table public.t"]
    {
        assert_eq!(session.run(sql).unwrap_err().state, "25006", "{sql}");
    }
    assert_eq!(session.rows("select count(*) from public.t").unwrap(), [[Some("0".to_owned())]]);
}

#[test]
fn a_session_prints_the_same_whatever_the_database_is_set_to() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    let name = target(&database.dsn).database;
    for setting in ["datestyle = 'SQL, DMY'", "timezone = 'Asia/Tokyo'", "bytea_output = 'escape'"]
    {
        database.session.run(&format!("alter database {name} set {setting}")).unwrap();
    }
    let mut session = PgSession::open(&target(&database.dsn), Access::ReadOnly).unwrap();
    let rows = session.rows(
        "select timestamptz '2026-01-02 03:04:05+00', '\\x00ff'::bytea, null, pg_catalog.current_setting('search_path')",
    );
    let expected = [Some("2026-01-02 03:04:05+00"), Some("\\x00ff"), None, Some("\"\"")]
        .map(|it| it.map(str::to_owned));
    assert_eq!(rows.unwrap(), [expected.to_vec()]);
}

#[test]
fn an_error_has_its_state_and_the_place_in_the_statement() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    let error = database.session.run("select 1; select nothing").unwrap_err();
    assert_eq!((error.state.as_str(), error.position), ("42703", Some(18)));
    database.session.run("create table t (a int unique)").unwrap();
    let error = database.session.run("insert into t values (1), (1)").unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("Key (a)=(1) already exists."));
}

#[test]
fn rows_of_a_copy_arrive() {
    let Some(mut scratch) = scratch() else { return };
    let database = scratch.create("test").unwrap();
    let mut session = PgSession::open_plain(&target(&database.dsn), Access::ReadWrite).unwrap();
    session.run("create table t (a int, b text)").unwrap();
    let n_rows = session.copy_in("copy t from stdin", b"1\tone\n2\t\\N\n").unwrap();
    assert_eq!(n_rows, 2);
    let error = session.copy_in("copy t from stdin", b"x\ty\n").unwrap_err();
    assert_eq!(error.state, "22P02");
    assert_eq!(session.rows("select count(*) from t").unwrap(), [[Some("2".to_owned())]]);
}

#[test]
fn an_identity_says_which_server_and_database_answered() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    let identity = database.session.identity().unwrap();
    assert!(identity.engine.starts_with("PostgreSQL "), "{identity:?}");
    assert_eq!(identity.database, target(&database.dsn).database);
    assert!(identity.local && identity.bytes > 0 && identity.major >= 10, "{identity:?}");
}

#[test]
fn every_reason_not_to_connect_has_its_own_code() {
    let Some(mut scratch) = scratch() else { return };
    let database = scratch.create("test").unwrap();
    let good = target(&database.dsn);
    let code = |target: PgTarget| PgSession::open(&target, Access::ReadOnly).unwrap_err().code;
    assert_eq!(code(good.with_database("nowhere")), "postgres-database-missing");
    assert_eq!(
        code(PgTarget { user: "nobody_here".to_owned(), ..good.clone() }),
        "postgres-login-failed"
    );
    assert_eq!(code(PgTarget { port: 1, ..good.clone() }), "postgres-unreachable");
    let tcp = |host: &str| PgTarget { host: host.to_owned(), port: 1, ..good.clone() };
    assert_eq!(code(tcp("127.0.0.1")), "postgres-unreachable");
    assert_eq!(code(tcp("no-such-host.invalid")), "postgres-host-unknown");
}

#[test]
fn t66_an_assumed_port_is_said_when_nobody_answers() {
    let target = PgTarget { host: "/nonexistent".to_owned(), ..PgTarget::default() };
    let start = Instant::now();
    let error = PgSession::open(&target, Access::ReadOnly).unwrap_err();
    assert!(error.message.contains("5432 was assumed"), "{error}");
    assert!(start.elapsed().as_secs() < 5);
}

/// A second address of a server: connections to it are passed on.
fn forward(to: u16, at: &str) -> Option<u16> {
    let listener = TcpListener::bind((at, 0)).ok()?;
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server.try_clone().unwrap(), client.try_clone().unwrap()),
            ] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    Some(port)
}

fn parsed(url: &str) -> PgTarget {
    target(&Dsn::parse(url, Dialect::Postgres).unwrap())
}

#[test]
fn an_address_of_version_six_leads_there() {
    let Ok(server) = Postgres::shared() else { return };
    let Some(port) = forward(server.port, "::1") else {
        println!("skipped: this machine has no IPv6");
        return;
    };
    for host in ["[::1]", "ip6-only.invalid"] {
        let query = if host == "[::1]" { "" } else { "?hostaddr=::1" };
        let url = format!("postgresql://postgres:{PASSWORD}@{host}:{port}/postgres{query}");
        let mut session = PgSession::open(&parsed(&url), Access::ReadOnly).unwrap();
        assert_eq!(session.identity().unwrap().database, "postgres", "{host}");
    }
}

#[test]
fn the_first_of_several_servers_that_answers_is_the_one() {
    let Ok(server) = Postgres::shared() else { return };
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let login = format!("postgresql://postgres:{PASSWORD}");
    let port = server.port;
    let url = format!("{login}@127.0.0.1:{closed},nobody.invalid:1,localhost:{port},h:2/postgres");
    for wanted in ["any", "read-write", "primary", "prefer-standby"] {
        // The last host is asked only by who looks for a standby.
        let url = format!("{url}?target_session_attrs={wanted}&connect_timeout=2");
        let session = PgSession::open(&parsed(&url), Access::ReadWrite).unwrap();
        assert_eq!((session.target().host.as_str(), session.target().port), ("localhost", port));
        assert!(session.target().others.is_empty(), "{wanted}");
    }
    let url = format!("{login}@127.0.0.1:{port}/postgres?target_session_attrs=standby");
    let error = PgSession::open(&parsed(&url), Access::ReadOnly).unwrap_err();
    assert_eq!(error.code, "postgres-other-kind");
    let error = PgSession::open(
        &parsed(&format!("{login}@127.0.0.1:{closed},nobody.invalid:1/d")),
        Access::ReadOnly,
    )
    .unwrap_err();
    let causes = error.causes().join(": ");
    assert_eq!(error.code, "postgres-unreachable");
    assert!(causes.contains("nobody.invalid") && causes.contains(&closed.to_string()), "{causes}");
    // A wrong password is wrong everywhere.
    let url = format!("postgresql://postgres:no@127.0.0.1:{port},127.0.0.1:{closed}/postgres");
    let error = PgSession::open(&parsed(&url), Access::ReadOnly).unwrap_err();
    assert_eq!(error.code, "postgres-login-failed");
}

#[test]
fn nobody_is_waited_for_longer_than_connect_timeout() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let start = Instant::now();
    let url = format!("postgresql://u:s3cr3t@127.0.0.1:{port}/d?connect_timeout=2");
    let error = PgSession::open(&parsed(&url), Access::ReadOnly).unwrap_err();
    assert_eq!((error.code, error.exit_code()), ("postgres-unreachable", 2));
    let all = format!("{error} {}", error.causes().join(" "));
    assert!(all.contains(&format!("127.0.0.1:{port}")) && all.contains("2 seconds"), "{all}");
    assert!(!all.contains("s3cr3t"));
    assert!(start.elapsed().as_secs() < 8, "{:?}", start.elapsed());
}

#[test]
fn something_else_than_postgres_is_told_apart() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut client, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let url = format!("postgresql://u@127.0.0.1:{port}/d?connect_timeout=3");
    let error = PgSession::open(&parsed(&url), Access::ReadOnly).unwrap_err();
    assert_eq!(error.code, "postgres-unreachable", "{error:?}");
}

#[test]
fn a_database_that_lets_the_role_not_in_is_told_with_the_grant() {
    let Ok(server) = Postgres::shared() else { return };
    let database = server.database("closed").unwrap();
    let Database::Postgres(it) = &database else { panic!("it is PostgreSQL") };
    let name = &it.name;
    let role = format!("guest_{name}");
    database
        .sql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; REVOKE CONNECT ON DATABASE {name} FROM public"
        ))
        .unwrap();
    let url = server.url_as(&role, PASSWORD, name);
    let error = PgSession::open(&parsed(&url), Access::ReadOnly).unwrap_err();
    assert_eq!(error.code, "postgres-database-denied", "{error:?}");
    let grant = format!("GRANT CONNECT ON DATABASE \"{name}\" TO \"{role}\"");
    assert!(error.next.concat().contains(&grant), "{:?}", error.next);
}
