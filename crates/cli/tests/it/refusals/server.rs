//! PostgreSQL does not answer, or does not let anybody in; and passwords in all that is said of it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, PgBouncer, Project, Result, Run};

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
        (it.server.url(&it.name) + "?sslmode=require", "postgres-tls", "sslmode=disable"),
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

#[test]
fn t36_behind_a_transaction_pooler_only_reading_works_and_the_address_that_works_is_named() -> Result
{
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let pooler = match PgBouncer::start(&database.server, "pool_mode = transaction") {
        Ok(pooler) => pooler,
        Err(reason) => {
            println!("skipped: {reason}");
            return Ok(());
        }
    };
    let url = pooler.url(&database.name);
    for command in [&["execute", "--confirm"][..], &["reconcile"], &["migrate"], &["backup"]] {
        let command: Vec<_> = command.iter().copied().chain(["--url", &url]).collect();
        refuses(&project, &command, 1, "pooler")?.says("5432");
    }
    let refusal = refuses(&project, &["analyze", "--url", &url], 1, "unseen")?;
    assert_eq!(refusal.document["verdict"], "unknown", "{}", refusal.run);
    refusal.says("transaction mode");
    assert!(refusal.document["sections"]["tables"].to_string().contains("books"));
    // Nobody who comes after us finds our settings.
    let settings =
        "select current_setting('search_path'), current_setting('default_transaction_read_only')";
    let mut psql = database.server.client("psql");
    psql.args(["-X", "-A", "-t", "-d", &url, "-c", settings]);
    assert_eq!(Run::of(&mut psql)?.success()?.stdout.trim(), "\"$user\", public|off");
    Ok(())
}

#[test]
fn the_variables_and_files_of_psql_lead_to_the_database() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let Database::Postgres(it) = &project.database else { unreachable!("it is PostgreSQL") };
    // The home folder of the binary under test is the project's.
    let port = it.server.port.to_string();
    project.write(".pgpass", &format!("127.0.0.1:{port}:*:postgres:{PASSWORD}\n"))?;
    std::fs::set_permissions(project.path(".pgpass"), std::fs::Permissions::from_mode(0o600))?;
    project.write(".pg_service.conf", &format!("[shop]\nhost=127.0.0.1\nport={port}\n"))?;
    project.write(
        "drizzle.config.ts",
        "export default { dialect: \"postgresql\", schema: \"./src/db/schema.ts\", out: \"./drizzle\" };",
    )?;
    project.write(".env", "")?;
    refuses(&project, &["analyze"], 2, "target-missing")?;
    let variables = [("PGSERVICE", "shop"), ("PGUSER", "postgres"), ("PGDATABASE", &it.name)];
    let raingauge = variables.iter().fold(binary(), |it, (name, value)| it.env(name, value));
    let run = raingauge.run(&project.root, &["analyze", "--format", "json"])?;
    no_secrets(&run);
    assert_eq!(
        run.json()?["target"],
        format!("postgresql://postgres@127.0.0.1:{port}/{}", it.name),
        "{run}"
    );
    // Also the programs that raingauge starts get in.
    let run = raingauge.run(&project.root, &["backup"])?;
    assert_eq!(run.code, 0, "{run}");
    let text = format!("port={port} host=127.0.0.1 user=postgres dbname='{}'", it.name);
    let run = binary().run(&project.root, &["status", "--url", &text])?;
    assert!(!run.stderr.contains("error["), "{run}");
    Ok(())
}
