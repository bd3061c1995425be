//! How much of a server's certificate each `sslmode` checks.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_schema::Dialect;
use raingauge_testkit::Postgres;

/// A server that encrypts, and the file with its certificate, which is its own authority.
fn server(names: &str) -> Option<(Postgres, PathBuf)> {
    let server = match Postgres::start() {
        Ok(server) => server,
        Err(reason) => {
            println!("skipped: {reason:?}");
            return None;
        }
    };
    let data = server.folder.join("data");
    let (key, certificate) = (data.join("server.key"), data.join("server.crt"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"])
        .args(["-addext", &format!("subjectAltName={names}")])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|it| it.success()) {
        println!("skipped: no openssl to make a certificate with");
        return None;
    }
    let owner = fs::metadata(&data).unwrap();
    for file in [&key, &certificate] {
        chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    server.sql("postgres", "ALTER SYSTEM SET ssl = on").unwrap();
    server.sql("postgres", "SELECT pg_reload_conf(), pg_sleep(0.5)").unwrap();
    Some((server, certificate))
}

/// Whether the session is encrypted, or the code of the refusal.
fn connect(server: &Postgres, query: &str) -> Result<String, &'static str> {
    let url = format!("{}?{query}", server.url("postgres"));
    let dsn = Dsn::parse(&url, Dialect::Postgres).unwrap();
    let mut session = Session::open(&dsn, Access::ReadOnly).map_err(|it| it.code)?;
    let sql = "select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()";
    Ok(session.rows(sql).unwrap().concat().into_iter().flatten().collect())
}

#[test]
fn each_sslmode_checks_what_it_promises() {
    let Some((server, certificate)) = server("IP:127.0.0.1") else { return };
    let root = format!("sslrootcert={}", certificate.display());
    let yes = Ok("t".to_owned());
    assert_eq!(connect(&server, "sslmode=disable"), Ok("f".to_owned()));
    assert_eq!(connect(&server, "sslmode=prefer"), yes);
    assert_eq!(connect(&server, "sslmode=require"), yes);
    assert_eq!(connect(&server, "sslmode=no-verify"), yes);
    assert_eq!(connect(&server, "sslmode=verify-full"), Err("postgres-tls"));
    assert_eq!(connect(&server, "sslmode=verify-ca"), Err("postgres-tls"));
    assert_eq!(connect(&server, &format!("sslmode=verify-ca&{root}")), yes);
    assert_eq!(connect(&server, &format!("sslmode=verify-full&{root}")), yes);
    assert_eq!(
        connect(&server, "sslmode=verify-full&sslrootcert=/nonexistent"),
        Err("postgres-tls")
    );
}

#[test]
fn only_verify_full_minds_another_name() {
    let Some((server, certificate)) = server("DNS:elsewhere.example") else { return };
    let root = format!("sslrootcert={}", certificate.display());
    assert_eq!(connect(&server, &format!("sslmode=verify-ca&{root}")), Ok("t".to_owned()));
    assert_eq!(connect(&server, &format!("sslmode=verify-full&{root}")), Err("postgres-tls"));
}

#[test]
fn a_server_without_encryption_is_refused_where_it_is_required() {
    let Ok(server) = Postgres::start() else { return };
    assert_eq!(connect(&server, "sslmode=prefer"), Ok("f".to_owned()));
    assert_eq!(connect(&server, "sslmode=require"), Err("postgres-tls"));
}

#[test]
fn a_wrong_password_is_a_failed_login_and_is_not_repeated() {
    let Ok(server) = Postgres::start() else { return };
    let url = server.url_as("postgres", "not-the-w0rd", "postgres");
    let dsn = Dsn::parse(&url, Dialect::Postgres).unwrap();
    let error = Session::open(&dsn, Access::ReadOnly).unwrap_err();
    assert_eq!(error.code, "postgres-login-failed");
    assert!(!format!("{error} {error:?}").contains("not-the-w0rd"));
}
