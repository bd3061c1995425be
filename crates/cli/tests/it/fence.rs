//! An init.sql that tries to leave scratch, on a server that also holds live and a second database.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use raingauge_testkit::{Database, Example, Postgres, Project, Result};
use serde_json::Value;

use crate::refusals::{Witness, no_secrets};
use crate::run::binary;

/// A server of its own with a lived-in bookstore, and a database called `app` beside it.
struct Neighbours {
    server: Arc<Postgres>,
    project: Project,
    app: Database,
}

/// What belongs to the whole server: databases, roles, settings, tablespaces.
const SERVER: &str = "
    SELECT 'database ' || datname || ' ' || datconnlimit || ' ' || pg_get_userbyid(datdba)
      FROM pg_database WHERE datname NOT LIKE 'raingauge_scratch%'
    UNION ALL SELECT 'role ' || rolname || ' ' || rolsuper || ' ' || rolcanlogin || ' ' ||
      coalesce(rolpassword, '') FROM pg_authid
    UNION ALL SELECT 'setting ' || coalesce(d.datname, '') || ' ' || setconfig::text
      FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase
      WHERE coalesce(d.datname, '') NOT LIKE 'raingauge_scratch%'
    UNION ALL SELECT 'file ' || name || ' ' || setting FROM pg_file_settings
    UNION ALL SELECT 'member ' || roleid::regrole || ' ' || member::regrole FROM pg_auth_members
    UNION ALL SELECT 'tablespace ' || spcname FROM pg_tablespace ORDER BY 1";

impl Neighbours {
    fn new() -> Result<Self> {
        let server = Arc::new(Postgres::start()?);
        let temporary = tempfile::tempdir()?;
        let root = temporary.keep();
        let project = Project::at(&root, Example::BookstorePostgres, Some(&server))?;
        // A name that scripts can write down.
        server.sql("postgres", "CREATE DATABASE app")?;
        let app = Database::Postgres(raingauge_testkit::database::PgDatabase {
            server: Arc::clone(&server),
            name: "app".to_owned(),
        });
        app.sql("CREATE TABLE accounts (id integer); INSERT INTO accounts VALUES (1), (2)")?;
        Ok(Self { server, project, app })
    }

    fn live(&self) -> &str {
        match &self.project.database {
            Database::Postgres(it) => &it.name,
            Database::Sqlite(_) => "",
        }
    }

    fn whole_server(&self) -> Result<BTreeSet<String>> {
        let rows = self.server.sql("postgres", SERVER)?;
        Ok(rows.lines().map(str::to_owned).collect())
    }

    /// Runs `analyze` with scratch databases on live's own server and expects that nothing changes
    /// outside of them; gives the findings.
    #[track_caller]
    fn analyze(&self, init: &str) -> Result<Vec<Value>> {
        let own = self.project.read("db/init.sql")?;
        self.project.write("db/init.sql", &format!("{own}\n{init}\n"))?;
        let (witness, server) = (Witness::of(&self.project)?, self.whole_server()?);
        let app = self.app.state()?;
        let scratch = self.server.url("postgres");
        let arguments = ["analyze", "--scratch", &scratch, "--format", "json"];
        let run = binary().run(&self.project.root, &arguments)?;
        witness.nothing_changed(&run)?;
        assert_eq!(app.differences(&self.app.state()?), [""; 0], "{run}");
        assert_eq!(server, self.whole_server()?, "{run}");
        let left = "SELECT datname FROM pg_database WHERE datname LIKE 'raingauge_scratch%'";
        assert_eq!(self.server.sql("postgres", left)?, "", "{run}");
        no_secrets(&run);
        let document = run.json()?;
        Ok(document["findings"].as_array().cloned().unwrap_or_default())
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.project.root);
    }
}

/// Statements that reach beyond scratch, and the code of the finding that tells so.
#[track_caller]
fn held_back(statements: &[&str], code: &str) -> Result {
    let neighbours = Neighbours::new()?;
    let live = neighbours.live().to_owned();
    let script = statements.join("\n").replace("LIVE", &format!("\"{live}\""));
    let findings = neighbours.analyze(&script)?;
    let codes: Vec<_> = findings.iter().filter_map(|it| it["code"].as_str()).collect();
    assert!(codes.contains(&code), "{findings:#?}");
    assert!(!codes.contains(&"init-sql-broken"), "{findings:#?}");
    Ok(())
}

#[test]
fn another_database_is_never_connected_to() -> Result {
    let script = [
        "\\c app",
        "DELETE FROM accounts;",
        "DROP TABLE accounts;",
        "CREATE TABLE intruders (id integer);",
        "INSERT INTO accounts VALUES (99);",
    ];
    held_back(&script, "init-sql-other-database")
}

#[test]
fn another_database_is_never_connected_to_by_an_address() -> Result {
    let script = [
        "\\connect \"dbname=app user=postgres\"",
        "DROP TABLE accounts;",
        "\\connect postgresql://postgres@localhost/app",
        "DROP TABLE accounts;",
    ];
    held_back(&script, "init-sql-other-database")
}

#[test]
fn live_is_scratch_when_the_script_names_it() -> Result {
    let neighbours = Neighbours::new()?;
    let live = neighbours.live().to_owned();
    let script = format!(
        "DROP DATABASE IF EXISTS \"{live}\";\nCREATE DATABASE \"{live}\";\n\\c \"{live}\"\n\
         DELETE FROM books;\nDROP TABLE books;\n"
    );
    let findings = neighbours.analyze(&script)?;
    let codes: Vec<_> = findings.iter().filter_map(|it| it["code"].as_str()).collect();
    assert!(codes.contains(&"init-sql-database"), "{findings:#?}");
    Ok(())
}

#[test]
fn what_belongs_to_the_server_is_not_sent() -> Result {
    let script = [
        "CREATE ROLE intruder SUPERUSER LOGIN PASSWORD 'x';",
        "ALTER ROLE postgres SET work_mem = '1GB';",
        "ALTER ROLE postgres PASSWORD 'stolen';",
        "ALTER SYSTEM SET log_statement = 'all';",
        "ALTER SYSTEM RESET ALL;",
        "GRANT pg_read_server_files TO bookstore_reporting;",
        "DROP ROLE IF EXISTS bookstore_reporting;",
        "DROP OWNED BY bookstore_reporting;",
        "REASSIGN OWNED BY postgres TO bookstore_reporting;",
        "CREATE TABLESPACE elsewhere LOCATION '/tmp';",
        "SELECT pg_reload_conf();",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity;",
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=app' PUBLICATION p;",
    ];
    held_back(&script, "init-sql-outside")
}

#[test]
fn what_belongs_to_databases_is_not_sent() -> Result {
    let script = [
        "DROP DATABASE app;",
        "DROP DATABASE IF EXISTS app WITH (FORCE);",
        "ALTER DATABASE app RENAME TO gone;",
        "ALTER DATABASE app CONNECTION LIMIT 0;",
        "ALTER DATABASE LIVE SET search_path = nowhere;",
        "ALTER DATABASE LIVE RENAME TO gone;",
        "COMMENT ON DATABASE app IS 'x';",
        "GRANT ALL ON DATABASE app TO PUBLIC;",
        "REVOKE CONNECT ON DATABASE LIVE FROM PUBLIC;",
        "CREATE DATABASE second TEMPLATE app;",
    ];
    held_back(&script, "init-sql-outside")
}

#[test]
fn names_qualified_by_another_database_are_not_sent() -> Result {
    let neighbours = Neighbours::new()?;
    let findings = neighbours.analyze(
        "DELETE FROM app.public.accounts;\nINSERT INTO app.public.accounts VALUES (7);\n",
    )?;
    assert!(
        findings
            .iter()
            .any(|it| it["code"] == "init-sql-outside" || it["code"] == "init-sql-broken"),
        "{findings:#?}"
    );
    Ok(())
}

#[test]
fn programs_and_files_of_the_server_are_out_of_reach() -> Result {
    let trace = format!("/tmp/raingauge-fence-{}", std::process::id());
    let script = [
        format!("COPY (SELECT 1) TO PROGRAM 'touch {trace}';"),
        format!("COPY books FROM PROGRAM 'touch {trace}; true';"),
        format!("COPY (SELECT 1) TO '{trace}';"),
        format!("DO $$ BEGIN COPY (SELECT 1) TO PROGRAM 'touch {trace}'; END $$;"),
        format!(
            "DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PRO' || 'GRAM ''touch {trace}'''; END $$;"
        ),
        format!("\\! touch {trace}"),
        format!("SELECT 1 \\g | touch {trace}"),
        format!("\\o {trace}"),
        "SELECT lo_export(1, '/tmp/x');".to_owned(),
    ];
    let neighbours = Neighbours::new()?;
    let findings = neighbours.analyze(&script.join("\n"))?;
    assert!(!Path::new(&trace).exists(), "{findings:#?}");
    assert!(findings.iter().any(|it| it["code"] == "init-sql-beyond"), "{findings:#?}");
    Ok(())
}

#[test]
fn a_server_process_that_hides_its_reach_is_not_sent_either() -> Result {
    let script = [
        "CREATE EXTENSION IF NOT EXISTS dblink;",
        "DO $$ BEGIN EXECUTE 'CREATE ROLE intruder SUPERUSER'; END $$;",
        "DO $$ BEGIN EXECUTE 'ALTER ' || 'ROLE postgres PASSWORD NULL'; END $$;",
        "DO $$ BEGIN PERFORM set_config('x.y', 'z', false); EXECUTE 'CREATE ' || 'ROLE intruder'; END $$;",
    ];
    held_back(&script, "init-sql-outside")
}
