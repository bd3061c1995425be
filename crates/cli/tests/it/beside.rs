//! Single tables of a backup, restored beside live's.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Project, Result};

use crate::run::{run, verdict};

/// A lived-in project with a backup, in which all that the tests ask for is lost afterwards.
fn lost(example: Example, before: &str) -> Result<(Project, String)> {
    let project = Project::new(example, Age::Lived)?;
    project.database.sql(before)?;
    run(&project, &["backup", "--verify", "none"], 0)?;
    let list = run(&project, &["backup", "list"], 0)?;
    let name = |it: &str| it.split_whitespace().find(|it| it.contains("Z-")).map(str::to_owned);
    let backup = list.stdout.lines().find_map(name).unwrap_or_default();
    Ok((project, backup))
}

fn tables_are_restored_beside_live(example: Example, place: &str) -> Result {
    let (project, backup) = lost(example, "")?;
    let (before, live) = (project.database.rows("books")?, &project.database);
    live.sql("UPDATE books SET title = 'overwritten'")?;
    let state = live.state()?;
    let asked = ["restore", backup.as_str(), "--tables", "books,authors_of"];
    let refused = run(&project, &asked, 2)?;
    assert!(refused.stderr.contains("backup-table-missing"), "{refused}");
    let asked = ["restore", backup.as_str(), "--tables", "books"];
    let shown = run(&project, &asked, 1)?;
    assert!(shown.stdout.contains("consent-needed"), "{shown}");
    assert_eq!(state.differences(&live.state()?), [""; 0], "nothing before somebody agrees");

    let done = run(&project, &[&asked[..], &["--confirm"]].concat(), 0)?;
    assert_eq!(verdict(&done), "restore: clean", "{done}");
    assert!(done.stdout.contains("info[restored-beside]"), "{done}");
    let stamp = backup.split('Z').next().unwrap_or_default().to_lowercase();
    let copy = place.replace('@', &format!("restored_{stamp}z"));
    assert_eq!(live.rows(&copy)?, before);
    let mut now = live.state()?;
    now.rows.retain(|name, _| !name.contains("restored_"));
    assert_eq!(state.rows, now.rows, "live's own tables are as they were");

    // Once more: the first copy stays, the second gets another name.
    run(&project, &[&asked[..], &["--confirm"]].concat(), 0)?;
    assert_eq!(live.rows(&copy.replace("z", "z_2").replace("Z", "z"))?, before);
    Ok(())
}

#[test]
fn tables_are_restored_beside_those_of_live_on_postgres() -> Result {
    tables_are_restored_beside_live(Example::BookstorePostgres, "\"@\".books")
}

#[test]
fn tables_are_restored_beside_those_of_live_on_sqlite() -> Result {
    tables_are_restored_beside_live(Example::BookstoreSqlite, "\"@_books\"")
}

/// Every kind of value and column, names that need quotes, two tables of one name.
const EVERYTHING: &str = r#"
    CREATE SCHEMA "o'n"; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE place AS (shelf int, note text);
    CREATE DOMAIN isbn AS text CHECK (value <> '');
    CREATE TABLE "o'n"."a (""b" (id int PRIMARY KEY, "t (x" text COLLATE "C", m mood, p place, i isbn, b bytea,
        f float8, n numeric, j json, x xml, tags text[], w interval, len int GENERATED ALWAYS AS (length("t (x")) STORED);
    INSERT INTO "o'n"."a (""b" VALUES (1, E'Zwei\nZeilen \\. \t 🐘', 'ok', '(1,"x,y")', 'a', '\x00ff0d0a', '-0', 1.50,
        '{"b":1,  "a":2}', '<a/>', '{a,NULL,"b"}', '1 mon 3 days'), (2, '\.', NULL, NULL, NULL, '', 'NaN', 1.5, NULL, NULL, '{}', NULL);
    CREATE TABLE public."a (""b" (t text); CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;
    CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent); ALTER TABLE parent ADD c int;
    INSERT INTO child VALUES (3, 4, 5); INSERT INTO parent VALUES (1, 2);"#;

#[test]
fn every_value_and_every_name_arrives_beside_live() -> Result {
    let (project, backup) = lost(Example::BookstorePostgres, EVERYTHING)?;
    let tables = "o'n.\"a (\"\"b\",public.\"a (\"\"b\",nothing,child,parent";
    run(&project, &["restore", &backup, "--tables", tables, "--confirm"], 0)?;
    let live = &project.database;
    let place = live.value("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'restored%'")?;
    let made = live.value(&format!(
        "SELECT string_agg(relname, ' ' ORDER BY relname COLLATE \"C\") FROM pg_class \
         WHERE relnamespace = '{place}'::regnamespace AND relkind = 'r'"
    ))?;
    assert_eq!(made, "child nothing o'n_a (\"b parent public_a (\"b");
    let copy = format!("\"{place}\".\"o'n_a (\"\"b\"");
    assert_eq!(live.rows(&copy)?, live.rows("\"o'n\".\"a (\"\"b\"")?);
    assert_eq!(live.rows(&format!("{place}.child"))?, live.rows("child")?);
    assert_eq!(live.value(&format!("SELECT count(*) FROM {place}.nothing"))?, "1");
    Ok(())
}

#[test]
fn a_table_that_live_cannot_hold_leaves_nothing_behind() -> Result {
    let before =
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE m (a mood); INSERT INTO m VALUES ('sad')";
    let (project, backup) = lost(Example::BookstorePostgres, before)?;
    project.database.sql("DROP TABLE m; DROP TYPE mood")?;
    let state = project.database.state()?;
    let failed = run(&project, &["restore", &backup, "--tables", "books,m", "--confirm"], 2)?;
    assert!(failed.stderr.contains("restore-failed"), "{failed}");
    assert!(failed.stderr.contains("mood"), "why is said: {failed}");
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn rows_that_are_not_those_of_the_evidence_are_not_kept() -> Result {
    for example in Example::ALL {
        let (project, backup) = lost(example, "")?;
        let manifest = format!(".raingauge/backups/{backup}/manifest.json");
        let mut value: serde_json::Value = serde_json::from_str(&project.read(&manifest)?)?;
        for table in value["contents"]["tables"].as_array_mut().into_iter().flatten() {
            table["digest"] = "00000000000000000000000000000001".into();
        }
        project.write(&manifest, &value.to_string())?;
        let folder = project.path(&format!(".raingauge/backups/{backup}"));
        let sums = "sed -i '/ manifest.json$/d' SHA256SUMS && sha256sum manifest.json >> SHA256SUMS && sort -k2 -o SHA256SUMS SHA256SUMS";
        std::process::Command::new("sh").args(["-c", sums]).current_dir(folder).status()?;
        let state = project.database.state()?;
        let failed = run(&project, &["restore", &backup, "--tables", "books", "--confirm"], 2)?;
        assert!(failed.stderr.contains("restore-differs"), "{failed}");
        assert_eq!(state.differences(&project.database.state()?), [""; 0]);
        if let Database::Sqlite(_) = &project.database {
            run(&project, &["backup", "verify", &backup], 1)?;
        }
    }
    Ok(())
}
