//! Histories that an application carries with it: `migrations.js` beside the migrations.

use raingauge_testkit::{Example, Project, Result, judge};

use crate::generate::{GROWN, USERS, declare, masked, project, wait_for_another_stamp};
use crate::run::run;
use crate::steps::says;

const BUNDLE: &str = "drizzle/migrations.js";

/// An empty project whose application opens its database by this driver.
fn driven(driver: &str, generation: u8) -> Result<Project> {
    let project = project((Example::BookstoreSqlite, generation))?;
    project.edit("drizzle.config.ts", "dialect:", &format!("driver: \"{driver}\",\n  dialect:"))?;
    project.edit("drizzle.config.ts", "dbCredentials: { url: process.env.DATABASE_URL },", "")?;
    Ok(project)
}

/// Without the stamps of folders.
fn unstamped(text: &str) -> String {
    let is_stamp =
        |word: &&str| 14 < word.len() && word.get(..14).is_some_and(|it| it.parse::<u64>().is_ok());
    let words = text.split_inclusive(['/', '"']).map(|it| match is_stamp(&it) {
        true => it.chars().skip(14).collect(),
        false => it.to_owned(),
    });
    words.collect()
}

#[test]
fn what_an_application_imports_is_written_as_the_real_kit_writes_it() -> Result {
    for (driver, generation) in
        [("expo", 0), ("durable-sqlite", 0), ("expo", 1), ("durable-sqlite", 1)]
    {
        let (ours, theirs) = (driven(driver, generation)?, driven(driver, generation)?);
        for tables in [USERS, GROWN] {
            declare(&ours, Example::BookstoreSqlite, tables)?;
            declare(&theirs, Example::BookstoreSqlite, tables)?;
            run(&ours, &["generate", "--name", "judge"], 0)?;
            assert!(!judge::generate(&theirs)?.found_nothing());
            wait_for_another_stamp((Example::BookstoreSqlite, generation));
        }
        let (text, expected) = (ours.read(BUNDLE)?, theirs.read(BUNDLE)?);
        assert_eq!(unstamped(&text), unstamped(&expected), "{driver} {generation}");
        let (ours, theirs) = (masked(&ours)?, masked(&theirs)?);
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    }
    Ok(())
}

#[test]
fn a_copy_of_the_applications_database_is_found_in_its_history_and_taken_on() -> Result {
    let project = driven("expo", 0)?;
    declare(&project, Example::BookstoreSqlite, USERS)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    let url = project.database.url();
    run(&project, &["migrate", "--url", &url], 0)?;
    let first = project.read(BUNDLE)?;
    declare(&project, Example::BookstoreSqlite, GROWN)?;
    run(&project, &["generate", "--name", "second"], 0)?;
    let second = project.read(BUNDLE)?;
    let status = run(&project, &["status", "--url", &url], 0)?;
    says(&status, &["proven: 0000_first", "1 pending"]);
    // Without the address the next command would not find it.
    let next = format!("next: raingauge migrate --url {url}");
    assert!(status.stdout.trim_end().ends_with(&next), "{status}");
    run(&project, &["migrate", "--url", &url], 0)?;
    run(&project, &["validate", "--url", &url], 0)?;
    assert_eq!(project.read(BUNDLE)?, second);
    // As a merge leaves it that took the other side's file.
    project.write(BUNDLE, &first)?;
    says(&run(&project, &["validate", "--offline"], 0)?, &["bundle-behind", "0001_second"]);
    Ok(())
}
