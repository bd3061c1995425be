//! PostgreSQL does not answer, or does not let anybody in; and passwords in all that is said of it.

use std::net::TcpListener;

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Project, Result};

use super::{no_secrets, refuses};
use crate::run::binary;

const COMMANDS: [&str; 6] = ["analyze", "status", "validate", "migrate", "reconcile", "backup"];

/// A port on which nobody listens.
fn closed_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// What is wrong with an address, and the code of the error.
fn bad_urls(project: &Project) -> Result<Vec<(String, &'static str, &'static str)>> {
    let Database::Postgres(it) = &project.database else { unreachable!("it is PostgreSQL") };
    let port = closed_port()?;
    Ok(vec![
        (
            format!("postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/bookstore"),
            "postgres-unreachable",
            "pg_isready",
        ),
        (
            it.server.url_as("postgres", &format!("{PASSWORD}x"), &it.name),
            "postgres-login-failed",
            "user and password",
        ),
        (
            it.server.url_as("nobody_here", PASSWORD, &it.name),
            "postgres-login-failed",
            "nobody_here",
        ),
        (it.server.url("no_such_database"), "postgres-database-missing", "no_such_database"),
        (
            format!("postgresql://postgres:{PASSWORD}@no-such-host.invalid:5432/bookstore"),
            "postgres-host-unknown",
            "no-such-host.invalid",
        ),
        // The password is not percent-encoded, so that the address cannot be read.
        (
            format!("postgresql://postgres:{PASSWORD}/x@localhost:1/db"),
            "url-invalid",
            "percent-encoded",
        ),
    ])
}

#[test]
fn a_server_that_cannot_be_used_is_told_with_what_to_check() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Seeded)?;
    for (url, code, words) in bad_urls(&project)? {
        for command in COMMANDS {
            refuses(&project, &[command, "--url", &url], 2, code)?.says(words);
        }
    }
    Ok(())
}

#[test]
fn no_text_on_an_error_has_the_password() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Seeded)?;
    for (url, code, _) in bad_urls(&project)? {
        project.write(".env", &format!("DATABASE_URL={url}\n"))?;
        let run = binary().run(&project.root, &["execute", "--confirm"])?;
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains(&format!("error[{code}]")), "{run}");
        no_secrets(&run);
    }
    Ok(())
}

#[test]
fn no_report_has_the_password() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let confirmed = ["execute", "--confirm"];
    let all =
        [&["analyze"][..], &["status"], &["validate"], &["reconcile"], &["execute"], &confirmed];
    for command in all {
        for format in ["text", "json"] {
            let arguments: Vec<_> = command.iter().copied().chain(["--format", format]).collect();
            no_secrets(&binary().run(&project.root, &arguments)?);
        }
    }
    for (path, bytes) in project.files()? {
        let is_ours = path != ".env";
        let has_it = String::from_utf8_lossy(&bytes).contains(PASSWORD);
        assert!(!(is_ours && has_it), "the password is in {path}");
    }
    Ok(())
}

#[test]
fn no_configuration_that_fails_shows_the_password_in_it() -> Result {
    let url = format!("postgresql://postgres:{PASSWORD}@localhost:5432/bookstore");
    let begins = "export default { dialect: \"postgresql\", out: \"./drizzle\", dbCredentials:";
    let broken = [
        (format!("{begins} {{ url: \"{url}\" }} = }};"), "schema-syntax"),
        (
            format!("{begins} {{ host: \"h\", database: \"d\", password: \"{PASSWORD}\" }} = }};"),
            "schema-syntax",
        ),
        (format!("throw new Error(\"cannot use {url}\");"), "schema-failed"),
        ("throw new Error(`no ${process.env.DATABASE_URL}`);".to_owned(), "schema-failed"),
        (format!("{begins} {{ url: \"{url}\" }}, schema: 42 }};"), "config-invalid"),
    ];
    for (config, code) in broken {
        let project = Project::new(Example::BookstorePostgres, Age::Empty)?;
        project.write("drizzle.config.ts", &config)?;
        refuses(&project, &["analyze"], 2, code)?;
        no_secrets(&binary().run(&project.root, &["analyze"])?);
    }
    Ok(())
}
