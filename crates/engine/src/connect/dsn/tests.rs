//! What addresses are read as, and that no password is ever printed.

use super::*;

#[track_caller]
fn postgres(text: &str) -> PgTarget {
    match Dsn::parse(text, Dialect::Postgres).unwrap() {
        Dsn::Postgres(target) => target,
        Dsn::MySql(_) | Dsn::Sqlite(_) => panic!("not PostgreSQL"),
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
        format!("host=h user=u password={secret}"),
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
        format!("postgres://u:{secret}@h:1,i:2,j/db?port=1,2"),
        format!("host=h user=u password='{secret}"),
        format!("postgres://u:{secret}@h/db?sslmode=maybe"),
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
    match Dsn::from_credentials(&value, Dialect::Postgres, &BTreeMap::new()).unwrap() {
        Dsn::Postgres(target) => target,
        Dsn::MySql(_) | Dsn::Sqlite(_) => panic!("not PostgreSQL"),
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

#[test]
fn certificates_in_credentials_become_files_of_ours_alone() {
    use std::os::unix::fs::MetadataExt;
    let it = credentials(
        r#"{"host":"h","database":"d","ssl":{"ca":["A","B"],"cert":{"type":"Buffer","data":[67]},"key":"D"}}"#,
    );
    assert_eq!(it.sslmode, "verify-full");
    let mut paths = Vec::new();
    for (name, text) in [("sslrootcert", "A\nB"), ("sslcert", "C"), ("sslkey", "D")] {
        let path = PathBuf::from(it.parameter(name).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        paths.push(path);
    }
    let again = it.with_database("e");
    drop(it);
    assert!(paths.iter().all(|it| it.exists()));
    drop(again);
    assert!(paths.iter().all(|it| !it.exists()));
}

#[test]
fn credentials_with_a_url_keep_their_ssl_option() {
    for (json, mode) in [
        (r#"{"url":"postgres://h/d","ssl":true}"#, "verify-full"),
        (r#"{"url":"postgres://h/d","ssl":"require"}"#, "require"),
        (r#"{"url":"postgres://h/d?sslmode=verify-ca"}"#, "verify-ca"),
        (r#"{"host":"h","database":"d","ssl":"allow"}"#, "allow"),
    ] {
        assert_eq!(credentials(json).sslmode, mode, "{json}");
    }
}

#[track_caller]
fn within(text: &str, env: &[(&str, &str)]) -> PgTarget {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    match Dsn::parse_in(text, Dialect::Postgres, &env).unwrap() {
        Dsn::Postgres(target) => target,
        Dsn::MySql(_) | Dsn::Sqlite(_) => panic!("not PostgreSQL"),
    }
}

#[test]
fn a_key_value_string_is_an_address() {
    for text in [
        r"host=h port=6000 dbname='my db' user = u password='p\'\\ x' sslmode=require",
        r"  user=u host = 'h'  password=p\'\\\ x sslmode=require port=6000 dbname=my\ db ",
    ] {
        let it = postgres(text);
        assert_eq!((it.host.as_str(), it.port, it.port_assumed), ("h", 6000, false));
        assert_eq!((it.user.as_str(), it.password.as_deref()), ("u", Some("p'\\ x")));
        assert_eq!((it.database.as_str(), it.sslmode.as_str()), ("my db", "require"));
    }
    for text in ["host=h user u", "host='h", "=h", "host=h 'x'=y"] {
        refused(text, Dialect::Postgres, "url-invalid");
    }
}

#[test]
fn several_servers_have_a_port_and_a_password_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = pgpass(folder.path(), "h:1:*:*:one\ni:2:*:*:two\n");
    let it = within("postgresql://u@h:1,i:2,[::1]:3/db", &[("PGPASSFILE", &path)]);
    let places = it.places();
    let shown: Vec<_> =
        places.iter().map(|it| (it.host.as_str(), it.port, it.password.as_deref())).collect();
    assert_eq!(shown, [("h", 1, Some("one")), ("i", 2, Some("two")), ("::1", 3, None)]);
    assert_eq!(it.to_string(), "postgresql://u@h:1,i:2,[::1]:3/db");
    assert_eq!(postgres("host=h,i port=7").places()[1].port, 7);
    refused("host=h,i,j port=1,2", Dialect::Postgres, "url-invalid");
}

#[test]
fn variables_fill_in_what_an_address_leaves_open() {
    let env = [
        ("PGHOST", "e"),
        ("PGHOSTADDR", "10.0.0.1"),
        ("PGPORT", "6001"),
        ("PGUSER", "eu"),
        ("PGPASSWORD", "ep"),
        ("PGDATABASE", "ed"),
        ("PGSSLMODE", "require"),
        ("PGOPTIONS", "-c a=b"),
    ];
    let it = within("postgresql://", &env);
    assert_eq!(it.to_string(), "postgresql://eu@e:6001/ed");
    assert_eq!((it.password.as_deref(), it.sslmode.as_str()), (Some("ep"), "require"));
    assert_eq!(
        (it.parameter("options"), it.parameter("hostaddr")),
        (Some("-c a=b"), Some("10.0.0.1"))
    );
    assert!(!it.port_assumed);
    let it = within("postgresql://u:p@h:5/d?sslmode=disable&options=-cc=d", &env);
    assert_eq!(it.to_string(), "postgresql://u@h:5/d");
    assert_eq!((it.password.as_deref(), it.sslmode.as_str()), (Some("p"), "disable"));
    assert_eq!((it.parameter("options"), it.parameter("hostaddr")), (Some("-cc=d"), None));
    assert!(Dsn::from_variables(&BTreeMap::new()).unwrap().is_none());
}

/// A password file as libpq wants it.
fn pgpass(folder: &Path, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("passwords");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn a_password_file_has_the_password_of_the_first_line_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# h:5432:db:u:no\nother:*:*:*:no\nh:5432:d\\:b:u:a\\:b\\\\c\nh:*:\\*:u:no\nh:*:*:u:any:colon\n\
                localhost:*:*:s:sock\n";
    let path = pgpass(folder.path(), text);
    let password = |url: &str| within(url, &[("PGPASSFILE", &path)]).password;
    assert_eq!(password("postgres://u@h/d%3Ab").as_deref(), Some("a:b\\c"));
    assert_eq!(password("postgres://u@h:9/x").as_deref(), Some("any:colon"));
    assert_eq!(password("postgres://v@h/x"), None);
    assert_eq!(password("postgres://u:mine@h/x").as_deref(), Some("mine"));
    assert_eq!(password("postgres://s@/x?host=/var/run/postgresql").as_deref(), Some("sock"));
    assert_eq!(password("postgres://s@/x?host=/elsewhere"), None);
    let url = format!("postgres://u@h/x?passfile={path}");
    assert_eq!(postgres(&url).password.as_deref(), Some("any:colon"));
}

#[test]
fn a_password_file_that_others_may_read_is_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = pgpass(folder.path(), "*:*:*:*:secret\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let it = within("postgres://u@h/x", &[("PGPASSFILE", &path)]);
    assert_eq!(it.password, None);
    assert!(it.remarks.password.unwrap().contains("chmod 600"));
}

#[test]
fn a_service_says_what_the_address_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# comment\n[other]\nhost=no\n[shop]\nhost=svc\nport=6100\n# user=no\nuser=su\ndbname=sd\n[last]\nport=1\n";
    std::fs::write(folder.path().join(".pg_service.conf"), text).unwrap();
    let home = folder.path().display().to_string();
    let env = [("HOME", home.as_str()), ("PGUSER", "eu"), ("PGSSLMODE", "require")];
    let it = within("postgresql:///d?service=shop", &env);
    assert_eq!(it.to_string(), "postgresql://su@svc:6100/d");
    assert_eq!(it.sslmode, "require");
    let variables = [("HOME", home.as_str()), ("PGSERVICE", "shop")];
    assert_eq!(within("postgresql://", &variables).database, "sd");
    let error = Dsn::parse_in("service=nobody", Dialect::Postgres, &BTreeMap::new()).unwrap_err();
    assert_eq!(error.code, "service-unknown");
}

#[test]
fn what_cannot_be_kept_to_is_refused_and_what_is_not_known_is_told() {
    for text in [
        "postgres://h/d?sslcrl=/x",
        "postgres://h/d?require_auth=scram-sha-256",
        "host=h requirepeer=postgres",
        "host=h gssencmode=require",
    ] {
        refused(text, Dialect::Postgres, "url-parameter-unsupported");
    }
    for text in [
        "host=h channel_binding=maybe",
        "host=h connect_timeout=soon",
        "host=h target_session_attrs=leader",
        "host=h hostaddr=h",
        "host=h sslrootcert=system sslmode=require",
    ] {
        refused(text, Dialect::Postgres, "url-invalid");
    }
    let it = postgres("postgres://h/d?pgbouncer=true&sslmod=require&schema=app&connect_timeout=3");
    assert_eq!(it.remarks.ignored, ["sslmod"]);
    assert_eq!(postgres("host=h sslrootcert=system").sslmode, "verify-full");
}

#[test]
fn urls_of_hosters_are_read_whole() {
    let neon = postgres(
        "postgresql://o:npg_x@ep-cool-1234.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require&options=endpoint%3Dep-cool-1234",
    );
    assert_eq!(
        (neon.sslmode.as_str(), neon.parameter("channel_binding")),
        ("require", Some("require"))
    );
    assert_eq!(neon.parameter("options"), Some("endpoint=ep-cool-1234"));
    let supabase = postgres(
        "postgres://postgres.abcd:p@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1",
    );
    assert_eq!((supabase.user.as_str(), supabase.port), ("postgres.abcd", 6543));
    let rds =
        postgres("postgres://u:p@x.rds.amazonaws.com/d?sslmode=verify-full&sslrootcert=/b.pem");
    assert_eq!(rds.parameter("sslrootcert"), Some("/b.pem"));
    for it in [neon, supabase, rds] {
        assert!(it.remarks.ignored.is_empty(), "{:?}", it.remarks.ignored);
    }
}
