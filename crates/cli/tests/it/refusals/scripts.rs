//! T32, T33: init.sql that failed half way, or that was edited after it had run.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use super::{refuses, run_quickly};
use crate::run::{binary, run};

const SCRIPTS: [(&str, &str); 3] = [
    ("01-authors.sql", "CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL);\n"),
    ("02-books.sql", "CREATE TABLE books (id integer PRIMARY KEY, title text NOT NULL);\n"),
    (
        "03-orders.sql",
        "CREATE TABLE orders (id integer PRIMARY KEY);\nCREATE TABLE lines (id integer);\n",
    ),
];

/// A project with a folder of three scripts, of which the first `n` have run.
fn initialised(example: Example, n: usize) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    project.forget_schema()?;
    for gone in ["db/init.sql", "docker-compose.yml"] {
        std::fs::remove_file(project.path(gone))?;
    }
    for (at, (name, script)) in SCRIPTS.into_iter().enumerate() {
        project.write(&format!("db/init/{name}"), script)?;
        if at < n {
            project.database.sql(script)?;
        }
    }
    Ok(project)
}

#[test]
fn t32_a_database_whose_initialisation_stopped_half_way_is_not_taken_for_intended() -> Result {
    for example in Example::ALL {
        let project = initialised(example, 2)?;
        for command in ["execute", "reconcile"] {
            let command = [command, "--confirm", "--init-sql", "db/init"];
            let refusal = refuses(&project, &command, 1, "init-sql-half-applied")?;
            refusal.says("orders");
            refusal.says("lines");
        }
    }
    Ok(())
}

#[test]
fn t32_a_script_that_fails_is_told_with_its_line() -> Result {
    for example in Example::ALL {
        let project = initialised(example, 2)?;
        project.write("db/init/03-orders.sql", "\nINSERT INTO customers VALUES (1);\n")?;
        let command = ["execute", "--confirm", "--init-sql", "db/init"];
        refuses(&project, &command, 1, "init-sql-broken")?.says("03-orders.sql:2");
    }
    Ok(())
}

#[test]
fn t33_live_is_the_truth_when_init_sql_was_edited_later() -> Result {
    for example in Example::ALL {
        let project = initialised(example, 3)?;
        // Somebody wrote a table into the first script and a column into the second one.
        let edited = "CREATE TABLE shelves (id integer);\nCREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL);\n";
        project.write("db/init/01-authors.sql", edited)?;
        project.edit(
            "db/init/02-books.sql",
            "title text NOT NULL",
            "title text NOT NULL, isbn text",
        )?;
        let command = ["reconcile", "--init-sql", "db/init"];
        let shown = run_quickly(&binary(), &project, &command)?;
        assert!(shown.stdout.contains("init-sql-ahead"), "{shown}");
        run(&project, &["execute", "--confirm", "--init-sql", "db/init"], 0)?;
        let baseline = project.read("drizzle/0000_baseline.sql")?;
        assert!(!baseline.contains("shelves") && !baseline.contains("isbn"), "{baseline}");
        assert!(!project.database.tables()?.concat().contains("shelves"));
    }
    Ok(())
}

#[test]
fn a_named_script_that_does_not_exist_is_told() -> Result {
    for example in Example::ALL {
        let project = initialised(example, 3)?;
        let command = ["execute", "--confirm", "--init-sql", "db/nowhere.sql"];
        refuses(&project, &command, 2, "init-sql-missing")?.says("db/nowhere.sql");
    }
    Ok(())
}
