//! Staging and production: a database of the same init.sql takes up a history that exists already.

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Database, Example, Project, Result};

use crate::run::{run, verdict};

/// An adopted project, and a second database that the same scripts have made.
fn adopted_with_second(example: Example) -> Result<(Project, Database)> {
    let project = Project::new(example, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    let second = project.database.sibling("second")?;
    second.sql(&project.read("db/init.sql")?)?;
    second.sql(&project.read("lived.sql")?)?;
    Ok((project, second))
}

/// The hash in the plan of a report.
fn plan_hash(text: &str) -> String {
    let line = text.lines().find_map(|it| it.trim_start().strip_prefix("hash "));
    line.map(|it| it.trim().to_owned()).unwrap_or_default()
}

fn second_database_takes_up_the_history(example: Example) -> Result {
    let (project, second) = adopted_with_second(example)?;
    let (files, before) = (project.files()?, second.state()?);
    let url = second.url();
    let shown = run(&project, &["execute", "--url", &url], 1)?;
    // What becomes pending by the recording belongs to what is agreed to.
    assert!(shown.stdout.contains("record          2 migrations of the history"), "{shown}");
    assert!(shown.stdout.contains("0002_follow_up  applied"), "{shown}");
    assert_eq!(before.differences(&second.state()?), [""; 0]);

    let confirm = format!("--confirm={}", plan_hash(&shown.stdout));
    let executed = run(&project, &["execute", "--url", &url, &confirm], 0)?;
    assert_eq!(verdict(&executed), "execute: clean");
    let mut changes = file_differences(&files, &project.files()?);
    changes.retain(|it| !it.contains(".raingauge/"));
    // Its own certificate, beside the first one's.
    assert!(changes.len() == 1 && changes[0].contains("raingauge/"), "{changes:#?}");
    assert_eq!(second.schema()?, project.database.schema()?);
    assert_eq!(second.ledger()?, project.database.ledger()?);
    let after = second.state()?;
    for (table, rows) in before.rows.iter().filter(|(it, _)| !it.contains("sqlite_sequence")) {
        assert_eq!(after.rows.get(table), Some(rows), "{table} is not what it was");
    }
    Ok(())
}

#[test]
fn a_second_sqlite_database_takes_up_the_history() -> Result {
    second_database_takes_up_the_history(Example::BookstoreSqlite)
}

#[test]
fn a_second_postgres_database_takes_up_the_history() -> Result {
    second_database_takes_up_the_history(Example::BookstorePostgres)
}

#[test]
fn t20_a_seed_migration_without_any_of_its_rows_in_live_is_not_recorded() -> Result {
    let (project, second) = adopted_with_second(Example::BookstoreSqlite)?;
    second.sql("DELETE FROM books WHERE id <= 8")?;
    let before = second.state()?;
    let refused = run(&project, &["execute", "--url", &second.url(), "--confirm"], 1)?;
    assert!(refused.stdout.contains("error[position-ambiguous]"), "{refused}");
    assert_eq!(before.differences(&second.state()?), [""; 0]);
    assert_eq!(second.ledger()?, None);
    Ok(())
}
