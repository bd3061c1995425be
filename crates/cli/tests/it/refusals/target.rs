//! Databases that are not the one that is meant: empty, somebody else's, of other tables, on another
//! port.

use std::os::unix::fs::symlink;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Project, Result};

use super::{Refusal, Witness, refused_by, refuses, run_quickly};
use crate::run::{binary, run};

const WRITERS: [&[&str]; 2] = [&["execute", "--confirm"], &["reconcile", "--confirm"]];

/// A project with a database that has only a table of somebody else's.
fn with_foreign_table(example: Example) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    project.database.sql("CREATE TABLE invoices (id integer, total numeric)")?;
    Ok(project)
}

#[test]
fn t08_an_empty_database_is_not_stamped() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Empty)?;
        if let Database::Sqlite(it) = &project.database {
            std::fs::write(&it.path, "")?;
        }
        for command in WRITERS {
            refuses(&project, command, 1, "database-empty")?.says("raingauge migrate");
        }
    }
    Ok(())
}

#[test]
fn t08_a_sqlite_file_that_does_not_exist_is_not_made() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Empty)?;
    for command in WRITERS {
        refuses(&project, command, 2, "sqlite-missing")?.says("bookstore.db");
        assert!(!project.path("data/bookstore.db").exists());
    }
    Ok(())
}

const REPORTING: &str = "DO $$ BEGIN CREATE ROLE bookstore_reporting NOLOGIN; \
    EXCEPTION WHEN duplicate_object THEN NULL; END $$";

#[test]
fn t08_a_database_without_any_declared_table_is_not_stamped() -> Result {
    for example in Example::ALL {
        let project = with_foreign_table(example)?;
        if let Database::Postgres(it) = &project.database {
            // init.sql needs it, and roles belong to the whole server, where scratch is as well.
            it.server.sql("postgres", REPORTING)?;
        }
        for command in WRITERS {
            refuses(&project, command, 1, "schema-unrelated")?.says("drizzle.config.ts");
        }
        refuses(&project, &["execute", "--confirm"], 1, "init-sql-unrelated")?.says("db/init.sql");
    }
    Ok(())
}

#[test]
fn t08_migrate_builds_an_empty_database() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        run(&project, &["execute", "--confirm"], 0)?;
        let fresh = project.database.sibling("fresh")?;
        run(&project, &["migrate", "--url", &fresh.url()], 0)?;
        assert_eq!(fresh.schema()?, project.database.schema()?);
        assert_eq!(fresh.ledger()?, project.database.ledger()?);
        run(&project, &["validate", "--url", &fresh.url()], 0)?;
    }
    Ok(())
}

const OTHER_COLUMNS: [(Example, &str); 2] = [
    (
        Example::BookstorePostgres,
        "import { bigint, pgTable, text } from \"drizzle-orm/pg-core\";
         export const t = pgTable(\"t\", {
           id: bigint(\"id\", { mode: \"number\" }), newName: text(\"new_name\").notNull(),
         });",
    ),
    (
        Example::BookstoreSqlite,
        "import { sqliteTable, numeric, text } from \"drizzle-orm/sqlite-core\";
         export const t = sqliteTable(\"t\", {
           id: numeric(\"id\"), newName: text(\"new_name\").notNull(),
         });",
    ),
];

#[test]
fn t07_a_table_of_the_same_name_with_other_columns_is_not_the_same_table() -> Result {
    for (example, schema) in OTHER_COLUMNS {
        let project = Project::new(example, Age::Empty)?;
        std::fs::remove_file(project.path("db/init.sql"))?;
        project.write("src/db/schema.ts", schema)?;
        project.database.sql("CREATE TABLE t (id integer, old_name text)")?;
        for command in WRITERS {
            let refusal = refuses(&project, command, 1, "schema-differs")?;
            let findings = refusal.document["findings"].to_string();
            for column in ["t.id", "t.old_name"] {
                assert!(findings.contains(column), "`{column}` is not in {}", refusal.run);
            }
        }
        refuses(&project, &["execute", "--confirm"], 1, "column-needs-default")?.says("new_name");
    }
    Ok(())
}

#[test]
fn t07_a_baseline_with_if_not_exists_proves_nothing() -> Result {
    for example in Example::ALL {
        let project = super::history::project(example, 1)?;
        project.write(
            "drizzle/0000_authors.sql",
            "CREATE TABLE IF NOT EXISTS authors (id bigint, new_name text NOT NULL);\n",
        )?;
        project.database.sql("CREATE TABLE authors (id integer, old_name text)")?;
        for command in [WRITERS[0], WRITERS[1], &["migrate"]] {
            refuses(&project, command, 1, "position-unknown")?;
        }
    }
    Ok(())
}

/// A project whose configuration names a host and no port. Its server listens on a Unix socket that
/// has the name of the default port, so that it is the wrong server which answers.
fn without_a_port(age: Age) -> Result<(Project, tempfile::TempDir)> {
    let project = Project::new(Example::BookstorePostgres, age)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let folder = tempfile::tempdir()?;
    let socket = database.server.folder.join(format!(".s.PGSQL.{}", database.server.port));
    symlink(socket, folder.path().join(".s.PGSQL.5432"))?;
    project.write(
        "drizzle.config.ts",
        &format!(
            "export default {{ dialect: \"postgresql\", schema: \"./src/db/schema.ts\", out: \"./drizzle\",
               dbCredentials: {{ host: \"{}\", user: \"postgres\", database: \"{}\" }} }};",
            folder.path().display(),
            database.name
        ),
    )?;
    Ok((project, folder))
}

#[test]
fn t66_a_server_on_an_assumed_port_is_told_before_anything_is_written() -> Result {
    let (project, _socket) = without_a_port(Age::Lived)?;
    let witness = Witness::of(&project)?;
    let shown = run_quickly(&binary(), &project, &["execute"])?;
    witness.nothing_changed(&shown)?;
    let document = shown.json()?;
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let finding = findings.iter().find(|it| it["code"] == "port-assumed");
    let finding = finding.unwrap_or_else(|| panic!("`port-assumed` is not in {shown}"));
    assert_eq!(finding["severity"], "warning");
    assert!(document["sections"]["server"].to_string().contains("5432"), "{shown}");
    Ok(())
}

#[test]
fn t66_a_wrong_server_that_answers_is_refused() -> Result {
    let (project, _socket) = without_a_port(Age::Empty)?;
    project.database.sql("CREATE TABLE invoices (id integer)")?;
    for command in WRITERS {
        let refusal = refuses(&project, command, 1, "schema-unrelated")?;
        assert!(refusal.document.to_string().contains("port-assumed"), "{}", refusal.run);
    }
    Ok(())
}

#[test]
fn t66_a_compose_file_that_publishes_another_port_is_a_refusal() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Seeded)?;
    project.edit("docker-compose.yml", "127.0.0.1:5432:5432", "127.0.0.1:54329:5432")?;
    let command = ["execute", "--confirm", "--url", "postgresql://postgres@localhost/bookstore"];
    let refusal = refuses(&project, &command, 1, "port-mismatch")?;
    refusal.says("54329");
    refusal.says("docker-compose.yml");
    Ok(())
}

#[test]
fn a_url_of_another_engine_is_refused_without_repeating_it() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Seeded)?;
        let url = "mysql://root:walrus-7319-teapot@localhost/bookstore";
        let refusal: Refusal =
            refused_by(&binary(), &project, &["analyze", "--url", url], (2, "url-wrong-engine"))?;
        refusal.says("dialect");
    }
    Ok(())
}
