//! Where the configuration is, what it leaves unsaid, and where its packages are: the same answer each time.

use std::fs;
use std::os::unix::fs::symlink;

use raingauge_testkit::node::modules;
use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Project, Result, judge};

use crate::run::{binary, run};

const CONFIG: &str = "drizzle.config.ts";
const CREDENTIALS: &str = "  dbCredentials: { url: process.env.DATABASE_URL },\n";

/// What `analyze` says, without the project's folder and what the next command is to be told again.
fn analysis(project: &Project, more: &[&str]) -> Result<String> {
    let text = run(project, &[&["analyze"], more].concat(), 1)?.stdout;
    let next = ["next: raingauge execute", more.join(" ").as_str()].join(" ");
    let (said, _) = text.split_once(next.trim_end()).expect("the next command is named");
    Ok(said.replace(&project.root.display().to_string(), ""))
}

#[test]
fn without_credentials_the_url_of_the_environment_or_of_the_env_file_counts() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let expected = analysis(&project, &[])?;
    assert!(expected.contains("books"), "{expected}");
    project.edit(CONFIG, CREDENTIALS, "")?;
    assert_eq!(analysis(&project, &[])?, expected, "from `.env`");
    let url = project.database.url();
    project.write(".env", "DATABASE_URL=file:nowhere/else.db\n")?;
    let run = binary().env("DATABASE_URL", &url).run(&project.root, &["analyze"])?;
    let root = project.root.display().to_string();
    let stronger = run.stdout.replace(&root, "");
    assert_eq!(run.code, 1, "{run}");
    assert!(stronger.starts_with(&expected), "the environment is stronger: {run}");
    assert_eq!(analysis(&project, &["--url", &url])?, expected, "and the option is the strongest");
    Ok(())
}

#[test]
fn without_credentials_the_variables_of_libpq_count_on_postgres() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let arguments = ["status", "--format", "json"];
    let expected = run(&project, &arguments, 0)?.json()?;
    project.edit(CONFIG, CREDENTIALS, "")?;
    project.edit(CONFIG, "if (!process.env.DATABASE_URL)", "if (false)")?;
    let (port, name) = (database.server.port, &database.name);
    project.write(
        ".env",
        &format!("PGHOST=127.0.0.1\nPGPORT={port}\nPGUSER=postgres\nPGDATABASE={name}\nPGPASSWORD={PASSWORD}\n"),
    )?;
    let found = run(&project, &arguments, 0)?.json()?;
    for part in ["target", "sections"] {
        assert_eq!(found[part], expected[part]);
    }
    Ok(())
}

#[test]
fn one_of_several_configurations_is_chosen_by_name() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let expected = analysis(&project, &[])?;
    fs::create_dir(project.path("config"))?;
    fs::rename(project.path(CONFIG), project.path("config/shop.config.ts"))?;
    project.write(CONFIG, "throw new Error('not this one');")?;
    run(&project, &["analyze"], 2)?;
    assert_eq!(analysis(&project, &["--config", "config/shop.config.ts"])?, expected);
    Ok(())
}

#[test]
fn a_package_of_a_workspace_uses_what_npm_has_hoisted() -> Result {
    let alone = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let top = tempfile::tempdir()?;
    let example = Example::BookstoreSqlite;
    let project = Project::at(&top.path().join("packages/shop"), example, None)?;
    fs::remove_file(project.path("node_modules"))?;
    fs::write(top.path().join("package.json"), r#"{ "workspaces": ["packages/*"] }"#)?;
    symlink(modules(example.name())?, top.path().join("node_modules"))?;
    assert_eq!(analysis(&project, &[])?, analysis(&alone, &[])?);
    Ok(())
}

#[test]
fn what_1_0_does_not_hear_is_a_warning_and_for_0_x_a_setting() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Seeded)?;
    let casing = "  casing: \"snake_case\",\n  migrations: { prefix: \"timestamp\" },\n";
    project.edit(CONFIG, CREDENTIALS, &format!("{casing}{CREDENTIALS}"))?;
    let offline = ["validate", "--offline"];
    let run = binary().run(&project.root, &offline)?;
    assert!(!run.stdout.contains("config-ignored"), "{run}");
    project.install_drizzle_1()?;
    let run = binary().run(&project.root, &offline)?;
    assert!(run.stdout.contains("config-ignored"), "{run}");
    assert!(run.stdout.contains("drizzle 1.0 ignores `casing: snake_case`"), "{run}");
    assert!(!run.stdout.contains("migrations.prefix"), "it does that anyway: {run}");
    Ok(())
}

#[test]
fn schema_files_that_do_not_exist_fail_validate_and_are_told_by_analyze() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    project.edit(CONFIG, "./src/db/schema.ts", "./src/db/tabels/*.ts")?;
    let kit = judge::generate(&project)?.run;
    assert!(format!("{kit}").contains("No schema files found"), "{kit}");
    for arguments in [&["validate", "--offline"][..], &["validate"]] {
        let run = run(&project, arguments, 1)?;
        assert_eq!(run.stdout.matches("error[schema-unmatched]").count(), 1, "{run}");
        assert!(run.stdout.contains("./src/db/tabels/*.ts"), "{run}");
        assert!(!run.stdout.contains("warning[schema-unmatched]"), "once: {run}");
    }
    // Where migrations are applied there is often no `schema.ts`.
    let analyzed = run(&project, &["analyze"], 0)?;
    assert!(analyzed.stdout.contains("warning[schema-unmatched]"), "{analyzed}");
    run(&project, &["migrate"], 0)?;
    project.edit(CONFIG, "schema: \"./src/db/tabels/*.ts\",", "")?;
    let silent = run(&project, &["validate", "--offline"], 0)?;
    assert!(!silent.stdout.contains("schema-unmatched"), "it names none: {silent}");
    Ok(())
}

#[test]
fn a_sqlite_file_that_does_not_exist_is_no_clean_database() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let run = run(&project, &["status", "--url", "file:./nope.db"], 0)?;
    assert!(run.stdout.contains("warning[sqlite-missing]"), "{run}");
    assert!(run.stdout.contains("nope.db"), "{run}");
    assert!(!project.path("nope.db").exists());
    Ok(())
}
