//! The project's own drizzle-kit is asked what it makes of `schema.ts`.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use crate::run::run;

const JUDGE: [&str; 3] = ["validate", "--offline", "--judge"];
const AGREED: &str = "drizzle-kit reads schema.ts as raingauge does  passed";

fn the_kit_agrees(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let before = run(&project, &JUDGE, 1)?;
    assert!(before.stdout.contains(AGREED), "from nothing: {before}");
    run(&project, &["execute", "--confirm"], 0)?;
    let after = run(&project, &JUDGE, 0)?;
    assert!(after.stdout.contains(AGREED), "from the last snapshot: {after}");
    Ok(())
}

#[test]
fn the_kit_agrees_on_a_postgres_schema_before_and_after_the_adoption() -> Result {
    the_kit_agrees(Example::BookstorePostgres)
}

#[test]
fn the_kit_agrees_on_a_sqlite_schema_before_and_after_the_adoption() -> Result {
    the_kit_agrees(Example::BookstoreSqlite)
}

#[test]
fn the_kit_of_1_0_agrees_on_both_schemas() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        project.install_drizzle_1()?;
        let agreed = run(&project, &JUDGE, 1)?;
        assert!(agreed.stdout.contains(AGREED), "from nothing: {agreed}");
        run(&project, &["execute", "--confirm"], 0)?;
        let after = run(&project, &JUDGE, 0)?;
        assert!(after.stdout.contains(AGREED), "from the last snapshot: {after}");
    }
    Ok(())
}

#[test]
fn where_the_kit_would_ask_about_a_rename_there_is_no_answer() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    project.edit("src/db/schema.ts", "sqliteTable(\"users\"", "sqliteTable(\"people\"")?;
    let refused = run(&project, &JUDGE, 1)?;
    assert!(refused.stdout.contains("error[judge-unavailable] schema.ts"), "{refused}");
    Ok(())
}
