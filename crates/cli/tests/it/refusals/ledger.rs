//! Ledgers that contradict the history or live: every command that could write says no.

use raingauge_testkit::{Example, Project, Result};

use super::history::{WHENS, applied, apply, create_ledger, record, record_in, write_journal};
use super::refuses;
use crate::run::run;

/// The commands that write if they are allowed to, and the one that has to say the same.
const COMMANDS: [&[&str]; 4] =
    [&["execute", "--confirm"], &["reconcile", "--confirm"], &["migrate"], &["validate"]];

#[track_caller]
fn everyone_refuses(project: &Project, code: &str) -> Result {
    for command in COMMANDS {
        refuses(project, command, 1, code)?;
    }
    Ok(())
}

/// A history of two migrations with the first one applied; `spoil` writes the ledger rows.
#[track_caller]
fn spoilt(code: &str, spoil: impl Fn(&Project) -> Result) -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 0)?;
        apply(&project, 0)?;
        spoil(&project)?;
        everyone_refuses(&project, code)?;
    }
    Ok(())
}

#[test]
fn t01_a_row_with_the_time_of_the_clock() -> Result {
    spoilt("ledger-retimed", |it| record(it, 0, "1800000000000"))
}

#[test]
fn t02_a_row_without_a_time() -> Result {
    spoilt("ledger-null-time", |it| record(it, 0, "NULL"))
}

#[test]
fn t03_a_row_whose_time_is_text() -> Result {
    let project = applied(Example::BookstoreSqlite, 2, 0)?;
    apply(&project, 0)?;
    record(&project, 0, "'2026-01-01 00:00:00'")?;
    everyone_refuses(&project, "ledger-time-type")
}

#[test]
fn t05_a_migration_that_was_merged_before_one_that_is_applied() -> Result {
    for example in Example::ALL {
        let project = applied(example, 3, 1)?;
        apply(&project, 2)?;
        record(&project, 2, &WHENS[2].to_string())?;
        everyone_refuses(&project, "migration-skipped")?;
    }
    Ok(())
}

#[test]
fn t05_a_migration_at_the_end_of_the_journal_that_is_older_than_the_one_before() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 2)?;
        project.write("drizzle/0002_orders.sql", "CREATE TABLE orders (id integer);\n")?;
        write_journal(&project, &[(0, WHENS[0]), (1, WHENS[1]), (2, WHENS[1] - 50_000)])?;
        everyone_refuses(&project, "when-not-increasing")?;
    }
    Ok(())
}

#[test]
fn t06_a_populated_database_with_an_empty_ledger() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 0)?;
        apply(&project, 0)?;
        apply(&project, 1)?;
        refuses(&project, &["migrate"], 1, "ledger-behind")?;
        refuses(&project, &["validate"], 1, "ledger-behind")?;
        // Live equals the replay, so that recording is right; but somebody has to agree.
        refuses(&project, &["reconcile"], 1, "consent-needed")?;
        refuses(&project, &["execute"], 1, "question-open")?;
        run(&project, &["reconcile", "--confirm"], 0)?;
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t06_a_populated_database_that_is_not_what_the_history_builds() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 0)?;
        apply(&project, 0)?;
        project.database.sql("CREATE TABLE books (id integer, title text)")?;
        everyone_refuses(&project, "position-unknown")?;
    }
    Ok(())
}

#[test]
fn t09_a_baseline_that_is_commented_out() -> Result {
    for example in Example::ALL {
        let project = super::history::project(example, 1)?;
        let pulled = "-- Current sql file was generated after introspecting the database\n\
            -- If you want to run this migration please uncomment this code before executing migrations\n\
            /*\nCREATE TABLE authors (id integer PRIMARY KEY NOT NULL, name text);\n*/";
        project.write("drizzle/0000_authors.sql", pulled)?;
        apply(&project, 0)?;
        everyone_refuses(&project, "baseline-commented-out")?;
        create_ledger(&project, "__drizzle_migrations")?;
        record(&project, 0, &WHENS[0].to_string())?;
        everyone_refuses(&project, "baseline-commented-out")?;
    }
    Ok(())
}

#[test]
fn t13_a_second_ledger_with_rows() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 1)?;
        create_ledger(&project, "app_migrations")?;
        record_in(&project, "app_migrations", 0, &WHENS[0].to_string())?;
        everyone_refuses(&project, "ledger-second")?;
    }
    Ok(())
}

#[test]
fn t15_a_ledger_whose_tables_are_gone() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 2)?;
        project.database.sql("DROP TABLE books; DROP TABLE authors")?;
        everyone_refuses(&project, "ledger-ahead")?;
    }
    Ok(())
}

#[test]
fn t15_a_ledger_with_one_table_gone() -> Result {
    for example in Example::ALL {
        let project = applied(example, 3, 2)?;
        project.database.sql("DROP TABLE books")?;
        everyone_refuses(&project, "ledger-ahead")?;
    }
    Ok(())
}

#[test]
fn t35_a_migration_that_is_recorded_twice() -> Result {
    let twice = |it: &Project| {
        record(it, 0, &WHENS[0].to_string())?;
        record(it, 0, &WHENS[0].to_string())
    };
    spoilt("ledger-repeated", twice)
}

#[test]
fn t70_more_files_than_rows_and_nothing_pending() -> Result {
    spoilt("migration-skipped", |it| {
        apply(it, 1)?;
        record(it, 1, &WHENS[1].to_string())
    })
}

#[test]
fn a_row_that_no_file_explains() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 1)?;
        let schema = if example == Example::BookstorePostgres { "drizzle." } else { "" };
        project.database.sql(&format!(
            "INSERT INTO {schema}__drizzle_migrations (hash, created_at) VALUES ('feed', 1600000000000)"
        ))?;
        everyone_refuses(&project, "ledger-unknown-row")?;
    }
    Ok(())
}
