//! What `migrate` tells of its statements while they run, and of live when all have run.

use std::time::Duration;

use raingauge_testkit::{Example, Result};

use crate::run::{binary, run};
use crate::steps::{BOOKS, Holder, says, with_pending, write_history};
use crate::tripwire::Paused;

#[test]
fn live_that_is_not_what_was_rehearsed_ends_the_run_with_what_differs() -> Result {
    for example in Example::ALL {
        let project = with_pending(example, "CREATE TABLE notes (id integer);")?;
        let paused = Paused::with(&project, &["migrate"], "migrate/0001_more/committed")?;
        project.database.sql("CREATE TABLE stray (id integer); DROP TABLE notes")?;
        let (code, told) = paused.said()?;
        assert_eq!(code, Some(3), "{told}");
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in
            ["outcome-differs", "stray: only in live", "notes: missing in live", "0001_more"]
        {
            assert!(told.contains(part), "no `{part}` in {told}");
        }
        assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 2);
        // The next safe command tells the same again, and changes nothing.
        says(&run(&project, &["analyze"], 1)?, &["stray"]);
        run(&project, &["validate"], 1)?;
    }
    Ok(())
}

#[test]
fn a_statement_that_takes_longer_than_it_may_is_rolled_back_and_named() -> Result {
    let slow = "CREATE TABLE notes (id integer);--> statement-breakpoint
INSERT INTO notes SELECT 1 FROM pg_sleep(20);";
    let project = with_pending(Example::BookstorePostgres, slow)?;
    let stopped = run(&project, &["migrate", "--statement-timeout", "1"], 2)?;
    says(&stopped, &["0001_more.sql:2", "57014", "rolled back", "--statement-timeout SECONDS"]);
    assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 1);
    assert!(!project.database.tables()?.iter().any(|it| it.contains("notes")));
    Ok(())
}

#[test]
fn how_far_an_index_is_built_is_told_at_a_terminal() -> Result {
    let index = "CREATE INDEX CONCURRENTLY titles ON books (title);";
    let project = with_pending(Example::BookstorePostgres, index)?;
    // The build waits for whoever has written.
    let mut writer =
        Holder::of(&project, "BEGIN; INSERT INTO books VALUES (1, 'Emma') RETURNING 'wrote';")?;
    let mut terminal = binary().terminal(&project.root, &["migrate"])?;
    terminal.expect("waiting for writers before build")?;
    std::thread::sleep(Duration::from_millis(200));
    writer.end();
    let done = terminal.finish()?;
    assert_eq!(done.code, 0, "{done}");
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn a_pending_migration_that_rows_of_earlier_ones_refuse_can_be_corrected() -> Result {
    let column = "ALTER TABLE books ADD COLUMN shelf text NOT NULL;";
    for example in Example::ALL {
        let rows = "INSERT INTO books VALUES (1, 'Emma');";
        let project = with_pending(example, rows)?;
        run(&project, &["migrate"], 0)?;
        let all = [("0000_books", BOOKS), ("0001_more", rows), ("0002_shelf", column)];
        write_history(&project, &all)?;
        let refused = run(&project, &["migrate"], 1)?;
        says(
            &refused,
            &["history-broken", "0002_shelf.sql:1", "it is pending here, so it can still"],
        );
        assert!(!refused.stdout.contains("databases that have had it"), "{refused}");
        assert!(!refused.stdout.contains("SQLSTATE )"), "{refused}");
        project.edit("drizzle/0002_shelf.sql", "NOT NULL", "NOT NULL DEFAULT 'A'")?;
        run(&project, &["migrate"], 0)?;
    }
    Ok(())
}
