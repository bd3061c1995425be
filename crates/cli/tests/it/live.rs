//! `raingauge analyze --live`: the database alone, in as many statements whatever its size.

use std::fs;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Postgres, Project, Result};

use crate::run::{binary, verdict};

/// What the server's log says once per executed statement, where a database asks for it.
const EXECUTED: &str = "EXECUTOR STATISTICS";

/// A database of `n` tables with the things that tables have.
fn database(n: usize) -> Result<Database> {
    let database = Postgres::shared()?.database("live")?;
    database.sql(&format!(
        "DO $do$ BEGIN FOR i IN 1..{n} LOOP
           EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, name text DEFAULT $$x$$ NOT NULL,
             parent int REFERENCES t%s, UNIQUE (name), CHECK (id > 0))', i, greatest(i - 1, 1));
           EXECUTE format('CREATE INDEX ON t%s (lower(name)) WHERE id > 1', i);
           EXECUTE format('CREATE VIEW v%s AS SELECT id FROM t%1$s', i);
           EXECUTE format('CREATE FUNCTION f%s() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN new; END$$', i);
           EXECUTE format('CREATE TRIGGER g BEFORE UPDATE ON t%s FOR EACH ROW EXECUTE FUNCTION f%1$s()', i);
         END LOOP; END $do$"
    ))?;
    Ok(database)
}

/// How many statements the server executed for `analyze --live` of a database.
fn n_statements(database: &Database) -> Result<usize> {
    let Database::Postgres(it) = database else { unreachable!("it is PostgreSQL") };
    database.sql(&format!("ALTER DATABASE {} SET log_executor_stats = on", it.name))?;
    let log = it.server.folder.join("log");
    let before = fs::read_to_string(&log)?.len();
    let folder = tempfile::tempdir()?;
    let run = binary().run(folder.path(), &["analyze", "--live", "--url", &database.url()])?;
    assert_eq!(verdict(&run), "analyze: clean", "{run}");
    let log = fs::read(&log)?;
    let told = String::from_utf8_lossy(log.get(before..).unwrap_or_default()).into_owned();
    // Only sessions in this database say it.
    Ok(told.matches(EXECUTED).count())
}

#[test]
fn introspection_takes_the_same_number_of_statements_for_10_and_for_200_tables() -> Result {
    let few = n_statements(&database(10)?)?;
    let many = n_statements(&database(200)?)?;
    assert!(20 < few, "{few} statements cannot have read everything");
    assert_eq!(few, many);
    Ok(())
}

#[test]
fn the_database_alone_needs_no_project_and_tells_what_is_in_it() -> Result {
    let database = database(3)?;
    let before = database.state()?;
    let folder = tempfile::tempdir()?;
    let url = database.url();
    let arguments = ["analyze", "--live", "--format", "json", "--url", &url];
    let document = binary().run(folder.path(), &arguments)?.success()?.json()?;
    let objects = document["sections"]["objects"].as_array().expect("there is a section").clone();
    let number = |kind: &str| {
        let row = objects.iter().find(|it| it["kind"] == kind).expect("the kind is told");
        (row["number"].clone(), row["in Drizzle's words"].clone())
    };
    assert_eq!(number("table"), ("3".into(), "3".into()));
    assert_eq!(number("column"), ("9".into(), "9".into()));
    assert_eq!(number("trigger"), ("3".into(), "0".into()));
    assert_eq!(before.differences(&database.state()?), [""; 0]);
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "something was written");
    Ok(())
}

#[test]
fn the_project_says_where_the_database_is_if_nobody_else_does() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        let run = binary().run(&project.root, &["analyze", "--live"])?.success()?;
        let url = project.database.url();
        let named = binary().run(&project.root, &["analyze", "--live", "--url", &url])?;
        assert_eq!(run.stdout, named.stdout);
        assert!(run.stdout.contains("  table "), "{run}");
    }
    Ok(())
}
