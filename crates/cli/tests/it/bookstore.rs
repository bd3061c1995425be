//! The bookstore, adopted end to end on both engines.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, judge};

use crate::run::run;

fn execute_adopts(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    let verdict = judge::verdict(&project, Some("db/init.sql"))?;
    assert!(verdict.is_good(), "{verdict}");
    Ok(())
}

#[test]
fn execute_takes_sqlite_all_the_way() -> Result {
    execute_adopts(Example::BookstoreSqlite)
}

#[test]
fn execute_takes_postgres_all_the_way() -> Result {
    execute_adopts(Example::BookstorePostgres)
}
