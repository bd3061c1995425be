//! What addresses are read as, and that no password is ever printed.

use super::*;

#[track_caller]
fn postgres(text: &str) -> PgTarget {
    match Dsn::parse(text, Dialect::Postgres).unwrap() {
        Dsn::Postgres(target) => target,
        Dsn::Sqlite(_) => panic!("not PostgreSQL"),
    }
}

#[track_caller]
fn refused(text: &str, dialect: Dialect, code: &str) {
    assert_eq!(Dsn::parse(text, dialect).unwrap_err().code, code);
}

#[test]
fn a_url_is_decoded_part_by_part() {
    let it = postgres("postgres://us%40er:p%3Aa%2Fss@db.example:6432/my%20db?sslmode=verify-full");
    assert_eq!((it.user.as_str(), it.password.as_deref()), ("us@er", Some("p:a/ss")));
    assert_eq!((it.host.as_str(), it.port, it.port_assumed), ("db.example", 6432, false));
    assert_eq!((it.database.as_str(), it.sslmode.as_str()), ("my db", "verify-full"));
}

#[test]
fn t66_a_missing_port_is_known_to_be_assumed() {
    let it = postgres("postgresql://u:p@h/db");
    assert_eq!((it.port, it.port_assumed), (5432, true));
    let it = postgres("postgresql://u:p@h:5432/db");
    assert_eq!((it.port, it.port_assumed), (5432, false));
}

#[test]
fn a_socket_folder_stands_in_the_host_or_in_the_query() {
    for text in [
        "postgresql://u@%2Fvar%2Frun%2Fpg:5433/db",
        "postgresql:///db?host=/var/run/pg&port=5433&user=u",
        "postgresql://u@/db?host=%2Fvar%2Frun%2Fpg&port=5433",
    ] {
        let it = postgres(text);
        assert_eq!((it.host.as_str(), it.port, it.user.as_str()), ("/var/run/pg", 5433, "u"));
        assert!(it.is_local());
    }
}

#[test]
fn addresses_survive_being_printed() {
    for text in [
        "postgresql://u@h:5432/db",
        "postgresql://u@/my%20db?host=/var/run/pg&port=5433",
        "postgresql://u@[::1]:5432/db",
    ] {
        assert_eq!(postgres(text).to_string(), text);
    }
}

#[test]
fn parameters_of_other_programs_are_kept() {
    let it = postgres("postgres://h/db?schema=app&pgbouncer=true&connection_limit=1");
    assert_eq!(it.parameter("schema"), Some("app"));
    assert_eq!(it.parameter("pgbouncer"), Some("true"));
}

#[test]
fn a_password_is_never_printed() {
    let secret = "s3cr3t-word";
    let mut shown = Vec::new();
    for text in [
        format!("postgres://u:{secret}@h/db"),
        format!("postgres://u:a@{secret}@h/db"),
        format!("postgres://h/db?user=u&password={secret}"),
    ] {
        let dsn = Dsn::parse(&text, Dialect::Postgres).unwrap();
        assert!(dsn.password().unwrap().contains(secret));
        shown.push(format!("{dsn} {dsn:?} {dsn:#?}"));
    }
    for text in [
        format!("mysql://u:{secret}@h/db"),
        format!("postgres://u:{secret}/x@h/db"),
        format!("postgres://u:{secret}%FF@h/db"),
        format!("u:{secret}@h/db"),
        format!("postgres://u:{secret}@h:port/db"),
        format!("postgres://u:{secret}@h,i/db"),
    ] {
        let error = Dsn::parse(&text, Dialect::Postgres).unwrap_err();
        shown.push(format!("{error} {error:?}"));
    }
    for text in shown {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn other_engines_are_refused_by_name() {
    refused("mysql://u:p@h/db", Dialect::Postgres, "url-wrong-engine");
    refused("postgres://u:p@h/db", Dialect::Sqlite, "url-wrong-engine");
    refused("libsql://h.turso.io", Dialect::Sqlite, "url-remote-sqlite");
    refused("localhost/db", Dialect::Postgres, "url-invalid");
    refused("", Dialect::Sqlite, "url-invalid");
}

#[test]
fn databases_in_memory_are_refused() {
    for text in
        [":memory:", "file::memory:", "file:", "file::memory:?cache=shared", "sqlite://:memory:"]
    {
        refused(text, Dialect::Sqlite, "url-in-memory");
    }
}

#[test]
fn sqlite_paths_come_in_many_spellings() {
    for (text, path) in [
        ("file:local.db", "local.db"),
        ("file:./a/b.db?mode=ro", "./a/b.db"),
        ("file:///tmp/a%20b.db", "/tmp/a b.db"),
        ("file://localhost/tmp/a.db", "/tmp/a.db"),
        ("sqlite:local.db", "local.db"),
        ("sqlite://./local.db", "./local.db"),
        ("file://local.db", "local.db"),
        ("data/100%.db", "data/100%.db"),
        ("/tmp/x.sqlite", "/tmp/x.sqlite"),
    ] {
        let Dsn::Sqlite(it) = Dsn::parse(text, Dialect::Sqlite).unwrap() else {
            panic!("not SQLite")
        };
        assert_eq!(it.path, PathBuf::from(path), "{text}");
    }
}

#[track_caller]
fn credentials(json: &str) -> PgTarget {
    let value = serde_json::from_str(json).unwrap();
    match Dsn::from_credentials(&value, Dialect::Postgres).unwrap() {
        Dsn::Postgres(target) => target,
        Dsn::Sqlite(_) => panic!("not PostgreSQL"),
    }
}

#[test]
fn credentials_of_a_drizzle_config_are_an_address() {
    let it = credentials(
        r#"{"host":"h","port":6000,"user":"u","password":"p@","database":"d","ssl":false}"#,
    );
    assert_eq!(it.to_string(), "postgresql://u@h:6000/d");
    assert_eq!((it.password.as_deref(), it.sslmode.as_str()), (Some("p@"), "disable"));
    assert!(credentials(r#"{"host":"h","database":"d"}"#).port_assumed);
    assert_eq!(credentials(r#"{"url":"postgres://h/d"}"#).database, "d");
    let it = credentials(r#"{"host":"h","database":"d","ssl":{"rejectUnauthorized":false}}"#);
    assert_eq!(it.sslmode, "require");
}
