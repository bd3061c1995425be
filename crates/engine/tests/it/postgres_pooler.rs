//! T36: poolers are recognised, and nothing is left behind in them.

use raingauge_engine::connect::pooler::Link;
use raingauge_engine::connect::{Access, Dsn, PgSession, Session};
use raingauge_engine::introspect;
use raingauge_schema::Dialect;
use raingauge_testkit::{Database, PgBouncer, Postgres};

use crate::postgres_session::target;

fn pooler(server: &Postgres, settings: &str) -> Option<PgBouncer> {
    match PgBouncer::start(server, settings) {
        Ok(pooler) => Some(pooler),
        Err(reason) => {
            println!("skipped: {reason}");
            None
        }
    }
}

fn open(url: &str, access: Access) -> raingauge_engine::Result<PgSession> {
    PgSession::open(&target(&Dsn::parse(url, Dialect::Postgres).unwrap()), access)
}

#[test]
fn t36_a_pooler_in_transaction_mode_is_recognised_and_one_in_session_mode_let_through() {
    let Ok(server) = Postgres::shared() else { return };
    for (settings, is_shared) in [
        ("pool_mode = transaction", true),
        ("pool_mode = transaction\ndefault_pool_size = 1", true),
        ("pool_mode = transaction\nserver_round_robin = 1", true),
        ("pool_mode = statement", true),
        ("pool_mode = session", false),
        ("pool_mode = session\nserver_round_robin = 1", false),
    ] {
        let Some(pooler) = pooler(&server, settings) else { return };
        // The second time the pool has sessions that idle.
        for _ in 0..2 {
            let session = open(&pooler.url("postgres"), Access::ReadOnly).unwrap();
            assert_eq!(session.is_shared(), is_shared, "{settings}: {:?}", session.link());
        }
        let written = open(&pooler.url("postgres"), Access::ReadWrite);
        match written {
            Ok(session) => assert!(!is_shared && *session.link() == Link::Relayed, "{settings}"),
            Err(error) => {
                assert_eq!((error.code, error.exit_code()), ("pooler", 1));
                assert!(error.next.concat().contains("5432"), "{:?}", error.next);
            }
        }
    }
}

#[test]
fn t36_a_busy_pool_that_goes_round_is_recognised() {
    let Ok(server) = Postgres::shared() else { return };
    let settings = "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 4";
    let Some(pooler) = pooler(&server, settings) else { return };
    // Several sessions in the pool, so that no client meets the same one twice in a row.
    let clients: Vec<_> = (0..4).map(|_| raw(&pooler.url("postgres"))).collect();
    for (n, client) in clients.iter().enumerate() {
        client.lock().unwrap().run(&format!("begin; select {n}")).unwrap();
    }
    for client in &clients {
        client.lock().unwrap().run("commit").unwrap();
    }
    for _ in 0..3 {
        let session = open(&pooler.url("postgres"), Access::ReadOnly).unwrap();
        assert!(session.is_shared(), "{:?}", session.link());
    }
}

/// A client like any other program's.
fn raw(url: &str) -> std::sync::Mutex<PgSession> {
    std::sync::Mutex::new(
        PgSession::open_plain(
            &target(&Dsn::parse(url, Dialect::Postgres).unwrap()),
            Access::ReadOnly,
        )
        .unwrap(),
    )
}

#[test]
fn t36_a_direct_connection_is_never_taken_for_a_pooler() {
    let Ok(server) = Postgres::shared() else { return };
    for url in [server.url("postgres"), server.socket_url("postgres")] {
        for _ in 0..20 {
            let session = open(&url, Access::ReadWrite).unwrap();
            assert_eq!(*session.link(), Link::Direct);
        }
    }
}

#[test]
fn t36_a_reader_leaves_no_setting_in_a_pool() {
    let Ok(server) = Postgres::shared() else { return };
    let database = server.database("pooled").unwrap();
    let Database::Postgres(it) = &database else { panic!("it is PostgreSQL") };
    let name = it.name.as_str();
    database.sql("create table t (a int); insert into t values (1)").unwrap();
    let Some(pooler) = pooler(&server, "pool_mode = transaction\ndefault_pool_size = 1") else {
        return;
    };
    let dsn = Dsn::parse(&pooler.url(name), Dialect::Postgres).unwrap();
    let mut reader = Session::open(&dsn, Access::ReadOnly).unwrap();
    let catalog = introspect::catalog(&mut reader, &[]).unwrap();
    assert!(catalog.objects().any(|it| it.id.dotted() == "public.t"));
    assert_eq!(reader.run("insert into public.t values (2)").unwrap_err().state, "25006");
    let error = reader.rows("select nothing").unwrap_err();
    assert_eq!((error.state.as_str(), error.position), ("42703", Some(8)));
    let path = reader.rows("select pg_catalog.current_setting('search_path')").unwrap();
    assert_eq!(path, [[Some("\"\"".to_owned())]]);

    // Another program, which gets the one session of the pool after us.
    let url = pooler.url(name);
    let mut psql = server.client("psql");
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c"]);
    psql.arg("insert into t values (3) returning current_setting('search_path')");
    let run = raingauge_testkit::Run::of(&mut psql).unwrap().success().unwrap();
    assert_eq!(run.stdout.trim(), "\"$user\", public");
}
