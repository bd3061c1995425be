//! Ledgers that contradict the history or live: every command that could write says no.

use raingauge_testkit::{Database, Example, Project, Result, judge};

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

/// A history of two migrations with the first one applied; `spoil` writes the ledger rows. A replay equals
/// live, so `reconcile` mends the ledger once somebody agrees; then the real migrator would run `pending`
/// migrations.
#[track_caller]
fn spoilt(code: &str, pending: &[usize], spoil: impl Fn(&Project) -> Result) -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 0)?;
        apply(&project, 0)?;
        spoil(&project)?;
        mended(&project, code, pending)?;
    }
    Ok(())
}

/// Everyone refuses to write over a faulty ledger, `reconcile` only until somebody agrees to mend it.
#[track_caller]
fn mended(project: &Project, code: &str, pending: &[usize]) -> Result {
    for command in [&["execute", "--confirm"][..], &["migrate"], &["validate"]] {
        refuses(project, command, 1, code)?;
    }
    refuses(project, &["reconcile"], 1, "consent-needed")?;
    run(project, &["reconcile", "--confirm"], 0)?;
    if pending.is_empty() {
        run(project, &["validate"], 0)?;
    } else {
        let told = refuses(project, &["validate"], 1, "pending")?;
        let errors = told.document["findings"].as_array().into_iter().flatten();
        let errors: Vec<_> = errors.filter(|it| it["severity"] == "error").collect();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        for at in pending {
            told.says(&super::history::tag(*at));
        }
        run(project, &["migrate", "--confirm"], 0)?;
        run(project, &["validate"], 0)?;
    }
    // A second run has nothing to do.
    let again = run(project, &["reconcile", "--confirm"], 0)?;
    assert!(again.stdout.contains("nothing to write"), "{again}");
    Ok(())
}

#[test]
fn t01_a_row_with_the_time_of_the_clock() -> Result {
    spoilt("ledger-retimed", &[1], |it| record(it, 0, "1800000000000"))
}

#[test]
fn t02_a_row_without_a_time() -> Result {
    spoilt("ledger-null-time", &[1], |it| record(it, 0, "NULL"))
}

#[test]
fn t03_a_row_whose_time_is_text() -> Result {
    let project = applied(Example::BookstoreSqlite, 2, 0)?;
    apply(&project, 0)?;
    record(&project, 0, "'2026-01-01 00:00:00'")?;
    mended(&project, "ledger-time-type", &[1])
}

/// Writes the ledger row of the first migration with another text in `hash`.
fn record_as(project: &Project, hash: &str, created_at: &str) -> Result {
    let schema = if matches!(project.database, Database::Postgres(_)) { "drizzle." } else { "" };
    project.database.sql(&format!(
        "INSERT INTO {schema}__drizzle_migrations (hash, created_at) VALUES ('{hash}', {created_at})"
    ))?;
    Ok(())
}

#[test]
fn a_tag_or_an_md5_in_place_of_the_hash_still_tells_the_migration() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 0)?;
        apply(&project, 0)?;
        record_as(&project, &super::history::tag(0), "1800000000000")?;
        mended(&project, "ledger-retimed", &[1])?;
        // The time is right from now on, the hash is what it was: that is said, and stops nothing.
        let told = run(&project, &["validate", "--format", "json"], 0)?.json()?;
        assert!(told.to_string().contains("ledger-hash-odd"), "{told}");
    }
    Ok(())
}

#[test]
fn t10_a_hash_of_other_line_endings_is_information() -> Result {
    for example in Example::ALL {
        let project = applied(example, 1, 1)?;
        let path = format!("drizzle/{}.sql", super::history::tag(0));
        project.write(&path, &project.read(&path)?.replace('\n', "\r\n"))?;
        let told = run(&project, &["validate", "--format", "json"], 0)?.json()?;
        let findings = told["findings"].as_array().into_iter().flatten();
        let edited: Vec<_> = findings.filter(|it| it["code"] == "migration-edited").collect();
        assert_eq!(edited.len(), 1, "{told:#}");
        assert!(edited[0].to_string().contains("line endings"), "{told:#}");
    }
    Ok(())
}

#[test]
fn t11_a_file_that_was_edited_after_it_was_applied_is_information() -> Result {
    for example in Example::ALL {
        let project = applied(example, 1, 1)?;
        let path = format!("drizzle/{}.sql", super::history::tag(0));
        project.write(&path, &format!("-- rewritten\n{}", project.read(&path)?))?;
        let told = run(&project, &["validate", "--format", "json"], 0)?.json()?;
        let findings = told["findings"].as_array().into_iter().flatten();
        let edited: Vec<_> = findings.filter(|it| it["code"] == "migration-edited").collect();
        assert_eq!(edited.len(), 1, "{told:#}");
        assert_eq!(edited[0]["severity"], "info");
    }
    Ok(())
}

#[test]
fn t14_rows_of_another_package_in_the_same_ledger_are_never_touched() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 0)?;
        apply(&project, 0)?;
        record(&project, 0, "1800000000000")?;
        record_as(&project, &"ab".repeat(32), "1650000000000")?;
        everyone_refuses(&project, "ledger-unknown-row")?;
    }
    Ok(())
}

#[test]
fn t16_rows_without_an_id_are_mended_by_what_they_say() -> Result {
    let project = applied(Example::BookstoreSqlite, 2, 2)?;
    let null =
        project.database.value("SELECT count(*) FROM __drizzle_migrations WHERE id IS NULL")?;
    assert_eq!(null, "2");
    project.database.sql("UPDATE __drizzle_migrations SET created_at = NULL")?;
    mended(&project, "ledger-null-time", &[])
}

#[test]
fn t18_two_entries_with_one_time() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 1)?;
        write_journal(&project, &[(0, WHENS[0]), (1, WHENS[0])])?;
        // Who has had the first one never gets the second one, and a new database gets both.
        let migrated = judge::migrate(&project, judge::Migrator::Programmatic, &project.database)?;
        assert!(migrated.did_nothing(), "{:?}", migrated.changes);
        let fresh = project.database.sibling("fresh")?;
        let built = judge::migrate(&project, judge::Migrator::Programmatic, &fresh)?;
        assert_eq!(built.recorded.len(), 2, "{}", built.run);
        everyone_refuses(&project, "when-not-increasing")?;
        refuses(&project, &["validate"], 1, "migration-skipped")?;
    }
    Ok(())
}

#[test]
fn t19_a_squashed_history_with_a_new_time_is_not_stamped_over_the_old_rows() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 2)?;
        let all: String = (0..2)
            .map(|at| project.read(&format!("drizzle/{}.sql", super::history::tag(at))))
            .collect::<Result<Vec<_>>>()?
            .join("--> statement-breakpoint\n");
        std::fs::remove_file(project.path(&format!("drizzle/{}.sql", super::history::tag(1))))?;
        project.write(&format!("drizzle/{}.sql", super::history::tag(0)), &all)?;
        write_journal(&project, &[(0, WHENS[2])])?;
        everyone_refuses(&project, "ledger-unknown-row")?;
    }
    Ok(())
}

#[test]
fn t20_a_row_for_what_live_does_not_have_is_never_mended_into_a_lie() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 0)?;
        apply(&project, 0)?;
        record(&project, 0, &WHENS[0].to_string())?;
        record(&project, 1, "1800000000000")?;
        everyone_refuses(&project, "ledger-retimed")?;
    }
    Ok(())
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
    spoilt("ledger-repeated", &[1], twice)
}

#[test]
fn t70_more_files_than_rows_and_nothing_pending() -> Result {
    spoilt("migration-skipped", &[], |it| {
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
