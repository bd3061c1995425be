//! Ledgers as they are out there: times ahead of the clock, two ledgers at once, wrangler's. Repaired where
//! a replay proves what live is, with the real migrator as the judge.

use raingauge_testkit::judge::Migrator;
use raingauge_testkit::project::file_differences;
use raingauge_testkit::{Database, Example, Project, Result, judge};
use serde_json::Value;

use crate::refusals::history::{
    WHENS, applied, apply, create_ledger, project, record, record_in, tag, write_journal,
};
use crate::refusals::refuses;
use crate::run::run;

/// A time that no clock of today gives.
const LATE: i64 = 4_000_000_000_000;

/// The rows of a ledger as `hash|time`, whichever schema it is in.
fn rows(project: &Project, table: &str) -> Result<Vec<String>> {
    let schema = if matches!(project.database, Database::Postgres(_)) { "drizzle." } else { "" };
    project.database.rows_without(&format!("{schema}{table}"), &["id".to_owned()])
}

fn has_table(project: &Project, name: &str) -> Result<bool> {
    let tables = project.database.tables()?;
    Ok(tables.iter().any(|it| it.trim_matches('"').trim_start_matches("public.") == name))
}

/// Three migrations, of which the second is stamped ahead of the clock and the third came later.
fn ahead(example: Example, n_applied: usize) -> Result<Project> {
    let project = project(example, 3)?;
    write_journal(&project, &[(0, WHENS[0]), (1, LATE), (2, WHENS[2])])?;
    create_ledger(&project, "__drizzle_migrations")?;
    for at in 0..n_applied {
        apply(&project, at)?;
        record(&project, at, &[WHENS[0], LATE, WHENS[2]][at].to_string())?;
    }
    Ok(project)
}

/// Agrees to the plan; afterwards only the journal is another file.
fn healed(project: &Project) -> Result {
    let before = project.files()?;
    let shown = refuses(project, &["reconcile"], 1, "consent-needed")?;
    assert!(shown.run.stdout.contains(&LATE.to_string()), "{}", shown.run);
    run(project, &["reconcile", "--confirm"], 0)?;
    let mut changes = file_differences(&before, &project.files()?);
    changes.retain(|it| !it.contains(".raingauge/"));
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert!(changes[0].contains("_journal.json"), "{changes:#?}");
    let journal: Value = serde_json::from_str(&project.read("drizzle/meta/_journal.json")?)?;
    let whens: Vec<_> = (0..3).filter_map(|it| journal["entries"][it]["when"].as_i64()).collect();
    assert!(whens.is_sorted() && (whens[0], whens[2]) == (WHENS[0], WHENS[2]), "{whens:?}");
    Ok(())
}

#[test]
fn t04_a_recorded_time_ahead_of_the_clock_is_healed_in_journal_and_ledger_at_once() -> Result {
    for example in Example::ALL {
        let project = ahead(example, 2)?;
        let blocked = judge::migrate(&project, Migrator::Programmatic, &project.database)?;
        assert!(blocked.did_nothing(), "the real migrator skips it: {blocked:#?}");
        let told = refuses(&project, &["validate"], 1, "when-future")?;
        told.says("2096-");
        told.says("a database that has recorded it");
        healed(&project)?;
        for migrator in Migrator::ALL {
            let migrated = judge::migrate(&project, migrator, &project.database)?;
            assert!(migrated.succeeded, "{migrated:#?}");
        }
        assert!(has_table(&project, "orders")?);
        assert_eq!(rows(&project, "__drizzle_migrations")?.len(), 3);
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t04_a_time_ahead_of_the_clock_that_nobody_has_recorded_is_healed_in_the_journal() -> Result {
    for example in Example::ALL {
        let project = ahead(example, 1)?;
        let before = rows(&project, "__drizzle_migrations")?;
        healed(&project)?;
        assert_eq!(rows(&project, "__drizzle_migrations")?, before);
        let migrated = judge::migrate(&project, Migrator::Kit, &project.database)?;
        assert!(migrated.succeeded && migrated.recorded.len() == 2, "{migrated:#?}");
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t04_without_proof_of_the_position_nothing_is_healed() -> Result {
    for example in Example::ALL {
        let project = ahead(example, 2)?;
        project.database.sql("ALTER TABLE books ADD COLUMN shelf text")?;
        refuses(&project, &["reconcile", "--confirm"], 1, "when-future")?;
        // A replay equals live before the entry, and the ledger says that it is applied.
        let project = ahead(example, 2)?;
        project.database.sql("DROP TABLE books")?;
        refuses(&project, &["reconcile", "--confirm"], 1, "when-future")?;
    }
    Ok(())
}

/// A database that the application has migrated with a ledger of its own.
fn two_ledgers(example: Example, n: usize) -> Result<Project> {
    let project = project(example, n)?;
    create_ledger(&project, "app_migrations")?;
    for (at, when) in WHENS.into_iter().enumerate().take(2) {
        apply(&project, at)?;
        record_in(&project, "app_migrations", at, &when.to_string())?;
    }
    Ok(project)
}

#[test]
fn t13_the_ledger_that_drizzle_reads_is_completed_and_the_other_one_stays_as_it_is() -> Result {
    for example in Example::ALL {
        let project = two_ledgers(example, 2)?;
        let app = rows(&project, "app_migrations")?;
        for command in [&["execute", "--confirm"][..], &["migrate", "--confirm"], &["validate"]] {
            refuses(&project, command, 1, "ledger-second")?;
        }
        refuses(&project, &["reconcile"], 1, "consent-needed")?;
        run(&project, &["reconcile", "--confirm"], 0)?;
        assert_eq!(rows(&project, "app_migrations")?, app);
        assert_eq!(rows(&project, "__drizzle_migrations")?, app);
        let validated = run(&project, &["validate"], 0)?;
        assert!(validated.stdout.contains("warning[ledger-second]"), "{validated}");
        for migrator in Migrator::ALL {
            let again = judge::migrate(&project, migrator, &project.database)?;
            assert!(again.did_nothing(), "{:?}", again.changes);
        }
        run(&project, &["migrate", "--confirm"], 0)?;
        let again = run(&project, &["reconcile", "--confirm"], 0)?;
        assert!(again.stdout.contains("nothing to write"), "{again}");
    }
    Ok(())
}

#[test]
fn t13_a_pending_migration_waits_until_somebody_says_which_ledger_is_read() -> Result {
    for example in Example::ALL {
        let project = two_ledgers(example, 3)?;
        run(&project, &["reconcile", "--confirm"], 0)?;
        refuses(&project, &["migrate", "--confirm"], 1, "ledger-second")?;
        run(&project, &["migrate", "--confirm", "--allow", "ledger-second"], 0)?;
        assert!(has_table(&project, "orders")?);
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t13_a_second_ledger_with_more_than_live_has_proves_nothing() -> Result {
    for example in Example::ALL {
        let project = two_ledgers(example, 3)?;
        record_in(&project, "app_migrations", 2, &WHENS[2].to_string())?;
        refuses(&project, &["reconcile", "--confirm"], 1, "ledger-second")?;
    }
    Ok(())
}

/// A database that wrangler has migrated: it records the names of files.
fn by_wrangler(project: &Project, files: &[String]) -> Result {
    project.database.sql(
        "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, \
         applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )?;
    for file in files {
        project.database.sql(&format!("INSERT INTO d1_migrations (name) VALUES ('{file}')"))?;
    }
    Ok(())
}

#[test]
fn what_wrangler_has_recorded_is_matched_by_the_names_of_files_and_taken_over() -> Result {
    let project = project(Example::BookstoreSqlite, 3)?;
    // Only wrangler's row says that these rows were written by the migration.
    project
        .write(&format!("drizzle/{}.sql", tag(1)), "INSERT INTO authors VALUES (1, 'Le Guin');")?;
    apply(&project, 0)?;
    project.database.sql("INSERT INTO authors VALUES (1, 'Le Guin')")?;
    by_wrangler(&project, &[format!("{}.sql", tag(0)), format!("{}.sql", tag(1))])?;
    let names = project.database.rows_without("d1_migrations", &[])?;
    let told = run(&project, &["analyze"], 1)?;
    assert!(told.stdout.contains("2 of the 3 migrations"), "{told}");
    assert!(told.stdout.contains("info[ledger-wrangler]"), "{told}");
    run(&project, &["reconcile", "--confirm"], 0)?;
    assert_eq!(rows(&project, "\"__drizzle_migrations\"")?.len(), 2);
    assert_eq!(project.database.rows_without("d1_migrations", &[])?, names);
    let migrated = judge::migrate(&project, Migrator::Programmatic, &project.database)?;
    assert!(migrated.succeeded && migrated.recorded.len() == 1, "{migrated:#?}");
    assert_eq!(project.database.rows_without("authors", &[])?.len(), 1);
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn without_wranglers_word_rows_that_nobody_can_see_are_not_taken_for_written() -> Result {
    let project = project(Example::BookstoreSqlite, 2)?;
    project
        .write(&format!("drizzle/{}.sql", tag(1)), "INSERT INTO authors VALUES (1, 'Le Guin');")?;
    apply(&project, 0)?;
    by_wrangler(&project, &[format!("{}.sql", tag(0))])?;
    run(&project, &["reconcile", "--confirm"], 0)?;
    // The one that wrangler has not recorded is pending, although a catalog cannot tell.
    assert_eq!(rows(&project, "\"__drizzle_migrations\"")?.len(), 1);
    let migrated = judge::migrate(&project, Migrator::Kit, &project.database)?;
    assert_eq!(migrated.recorded.len(), 1, "{migrated:#?}");
    Ok(())
}

#[test]
fn wranglers_word_against_the_replay_is_told_and_the_replay_believed() -> Result {
    let project = applied(Example::BookstoreSqlite, 3, 2)?;
    let files: Vec<_> = (0..3).map(|it| format!("{}.sql", tag(it))).collect();
    by_wrangler(&project, &[&files[..], &["0009_gone.sql".to_owned()]].concat())?;
    let told = run(&project, &["analyze"], 1)?;
    assert!(told.stdout.contains("warning[ledger-wrangler]"), "{told}");
    assert!(told.stdout.contains("replay of the first 2"), "{told}");
    assert!(told.stdout.contains("`0009_gone.sql`"), "{told}");
    Ok(())
}
