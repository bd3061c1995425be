//! Projects with Drizzle 1.0: the folder layout, and its ledger, beside the real migrator.

mod follow_up;
mod leaves;

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Database, Example, Project, Result, judge};
use sha2::{Digest, Sha256};

use crate::run::{run, verdict};

const FOLDERS: [&str; 3] =
    ["20260101100000_authors", "20260101110000_books", "20260101120000_orders"];

fn statement(at: usize) -> String {
    let table = ["authors", "books", "orders"][at];
    format!("CREATE TABLE {table} (id integer PRIMARY KEY NOT NULL, name text);\n")
}

/// A project of Drizzle 1.0 without `schema.ts` and init.sql, with these migrations and an empty database.
fn project(example: Example, migrations: &[usize]) -> Result<Project> {
    let project = Project::with_drizzle_1(example, Age::Empty)?;
    project.forget_schema()?;
    for gone in ["db/init.sql", "lived.sql", "docker-compose.yml"] {
        std::fs::remove_file(project.path(gone))?;
    }
    for at in migrations {
        write(&project, *at)?;
    }
    Ok(project)
}

fn write(project: &Project, at: usize) -> Result {
    project.write(&format!("drizzle/{}/migration.sql", FOLDERS[at]), &statement(at))
}

fn ledger(database: &Database) -> &'static str {
    match database {
        Database::Postgres(_) => "drizzle.__drizzle_migrations",
        Database::Sqlite(_) => "\"__drizzle_migrations\"",
    }
}

/// The ledger's rows without the time of the day.
fn rows(database: &Database) -> Result<Vec<String>> {
    database.rows_without(ledger(database), &["applied_at".to_owned()])
}

fn applied_at(database: &Database, at: usize) -> Result<String> {
    let name = FOLDERS[at];
    database.value(&format!(
        "SELECT coalesce(cast(applied_at AS text), 'NULL') FROM {} WHERE name = '{name}'",
        ledger(database)
    ))
}

/// What 0.45 leaves behind when it has applied a migration some time within the second of its name.
fn record_as_0_45(database: &Database, at: usize) -> Result {
    let create = match database {
        Database::Postgres(_) => {
            "CREATE SCHEMA IF NOT EXISTS drizzle; CREATE TABLE IF NOT EXISTS \
             drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint);"
        }
        Database::Sqlite(_) => {
            "CREATE TABLE IF NOT EXISTS \"__drizzle_migrations\" \
             (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric);"
        }
    };
    let hash: String = Sha256::digest(statement(at)).iter().map(|it| format!("{it:02x}")).collect();
    let when = 1_767_261_600_345_i64 + i64::try_from(at)? * 3_600_000;
    let (table, statement) = (ledger(database), statement(at));
    database.sql(&format!(
        "{statement}; {create} INSERT INTO {table} (hash, created_at) VALUES ('{hash}', {when});"
    ))?;
    Ok(())
}

/// What raingauge and the real migrator make of two databases that are alike.
#[track_caller]
fn both_migrate(project: &Project, real: &Database, n: usize) -> Result {
    run(project, &["migrate"], 0)?;
    let migrated = judge::migrate(project, judge::Migrator::Programmatic, real)?;
    assert!(migrated.succeeded, "{}", migrated.run);
    assert_eq!(project.database.schema()?, real.schema()?);
    assert_eq!(rows(&project.database)?, rows(real)?);
    assert_eq!(rows(real)?.len(), n);
    for migrator in judge::Migrator::ALL {
        let again = judge::migrate(project, migrator, &project.database)?;
        assert!(again.did_nothing(), "{:?}", again.changes);
    }
    Ok(())
}

#[test]
fn migrate_writes_the_ledger_that_the_real_migrator_of_1_0_writes() -> Result {
    for example in Example::ALL {
        let project = project(example, &[0, 2])?;
        let real = project.database.sibling("real")?;
        both_migrate(&project, &real, 2)?;
        let times = [applied_at(&project.database, 0)?, applied_at(&real, 0)?];
        // A time of today, in the same form: `2026-11-22T22:59:08.123Z`, or as PostgreSQL shows it.
        let form = |it: &String| it.replace(|it: char| it.is_ascii_digit(), "0");
        let seconds = |it: &String| form(it).split('.').next().map(str::to_owned);
        assert_eq!(seconds(&times[0]), seconds(&times[1]), "{times:?}");
        assert!(times[0].starts_with("20"), "{times:?}");
    }
    Ok(())
}

#[test]
fn t10_a_ledger_of_0_45_is_taken_over_as_the_real_migrator_does_it() -> Result {
    for example in Example::ALL {
        let project = project(example, &[0, 1, 2])?;
        let real = project.database.sibling("real")?;
        for database in [&project.database, &real] {
            record_as_0_45(database, 0)?;
            record_as_0_45(database, 1)?;
        }
        let status = run(&project, &["status"], 0)?;
        assert!(status.stdout.contains("3 migrations, 2 recorded, 1 pending"), "{status}");
        both_migrate(&project, &real, 3)?;
        assert_eq!(applied_at(&project.database, 1)?, "NULL");
        assert_eq!(applied_at(&real, 1)?, "NULL");
        assert_eq!(verdict(&run(&project, &["validate"], 0)?), "validate: clean");
    }
    Ok(())
}

/// The folders of the history, in the order of their names.
fn folders(project: &Project) -> Result<Vec<String>> {
    let names = std::fs::read_dir(project.path("drizzle"))?
        .map(|it| Ok(it?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>>>();
    let mut names = names?;
    names.sort();
    Ok(names)
}

fn execute_adopts(example: Example) -> Result {
    let project = Project::with_drizzle_1(example, Age::Lived)?;
    let before = project.database.state()?;
    let adopted = run(&project, &["execute", "--confirm"], 0)?;
    assert_eq!(verdict(&adopted), "execute: clean");
    let after = project.database.state()?;
    for (table, rows) in before.rows.iter().filter(|it| !it.0.contains("sqlite_sequence")) {
        assert_eq!(after.rows.get(table), Some(rows), "{table} is not what it was");
    }
    let folders = folders(&project)?;
    let names: Vec<_> = folders.iter().filter_map(|it| Some(it.split_once('_')?.1)).collect();
    assert_eq!(names, ["baseline", "seed", "follow_up"]);
    let recorded = project
        .database
        .sql(&format!("SELECT name FROM {} ORDER BY id", ledger(&project.database)))?;
    assert_eq!(recorded.lines().collect::<Vec<_>>(), folders);

    if matches!(project.database, Database::Postgres(_)) {
        // The name that the snapshot says, or a later DROP CONSTRAINT of the kit would find nothing.
        let follow_up = project.read(&format!("drizzle/{}/snapshot.json", folders[2]))?;
        assert!(follow_up.contains("users_email_key"), "{follow_up}");
        assert!(after.schema.contains("CONSTRAINT users_email_key UNIQUE"), "{}", after.schema);
    }

    let (files, state) = (project.files()?, project.database.state()?);
    run(&project, &["execute", "--confirm"], 0)?;
    assert_eq!(file_differences(&files, &project.files()?), [""; 0]);
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    run(&project, &["validate", "--offline"], 0)?;
    let verdict = judge::verdict(&project, Some("db/init.sql"))?;
    assert!(verdict.is_good(), "{verdict}");
    follow_up::as_the_kit_writes_it(&project, &folders[2])
}

#[test]
fn execute_adopts_sqlite_in_folders_and_drizzle_1_0_finds_all_in_order() -> Result {
    execute_adopts(Example::BookstoreSqlite)
}

#[test]
fn execute_adopts_postgres_in_folders_and_drizzle_1_0_finds_all_in_order() -> Result {
    execute_adopts(Example::BookstorePostgres)
}

/// A ledger of 1.0 with a row that drizzle-orm 0.x wrote into it.
fn unnamed(example: Example, at: usize) -> Result<Project> {
    let project = project(example, &[0, 1])?;
    run(&project, &["migrate"], 0)?;
    let (ledger, name) = (ledger(&project.database), FOLDERS[at]);
    project.database.sql(&format!("UPDATE {ledger} SET name = NULL WHERE name = '{name}'"))?;
    Ok(project)
}

#[test]
fn t14_a_row_without_a_name_in_a_ledger_of_1_0_gets_it_where_a_replay_proves_the_position() -> Result
{
    for example in Example::ALL {
        let project = unnamed(example, 1)?;
        // 1.0 runs the migration again, which fails.
        let migrated = judge::migrate(&project, judge::Migrator::Programmatic, &project.database)?;
        assert!(!migrated.succeeded && migrated.changes.is_empty(), "{}", migrated.run);
        let state = project.database.state()?;
        for command in [&["migrate"][..], &["validate"]] {
            let refused = run(&project, command, 1)?;
            assert!(refused.stdout.contains("error[ledger-unnamed]"), "{refused}");
        }
        let shown = run(&project, &["reconcile"], 1)?;
        assert!(shown.stdout.contains("a row without a name gets it"), "{shown}");
        assert_eq!(state.differences(&project.database.state()?), [""; 0]);

        run(&project, &["reconcile", "--confirm"], 0)?;
        assert_eq!(verdict(&run(&project, &["validate"], 0)?), "validate: clean");
        for migrator in judge::Migrator::ALL {
            let again = judge::migrate(&project, migrator, &project.database)?;
            assert!(again.did_nothing(), "{:?}", again.changes);
        }
        let again = run(&project, &["reconcile", "--confirm"], 0)?;
        assert!(again.stdout.contains("nothing to write"), "{again}");
    }
    Ok(())
}

#[test]
fn t20_a_row_without_a_name_for_what_live_does_not_have_is_never_named() -> Result {
    for example in Example::ALL {
        let project = unnamed(example, 1)?;
        project.database.sql("DROP TABLE books")?;
        let state = project.database.state()?;
        run(&project, &["reconcile", "--confirm"], 1)?;
        assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    }
    Ok(())
}

/// Branches were merged: the older folder came when the newer one had run.
fn merged_late(example: Example, late: &str) -> Result<Project> {
    let project = project(example, &[0, 2])?;
    run(&project, &["migrate"], 0)?;
    project.write(&format!("drizzle/{}/migration.sql", FOLDERS[1]), late)?;
    Ok(project)
}

#[test]
fn t05_a_migration_that_was_merged_late_is_pending_and_runs_as_1_0_runs_it() -> Result {
    for example in Example::ALL {
        let project = merged_late(example, &statement(1))?;
        let real = project.database.sibling("real")?;
        let kept = project.read(&format!("drizzle/{}/migration.sql", FOLDERS[1]))?;
        std::fs::remove_dir_all(project.path(&format!("drizzle/{}", FOLDERS[1])))?;
        assert!(judge::migrate(&project, judge::Migrator::Programmatic, &real)?.succeeded);
        project.write(&format!("drizzle/{}/migration.sql", FOLDERS[1]), &kept)?;

        let status = run(&project, &["status"], 0)?;
        for part in ["3 migrations, 2 recorded, 1 pending", "migration-late", FOLDERS[1]] {
            assert!(status.stdout.contains(part), "no `{part}`: {status}");
        }
        both_migrate(&project, &real, 3)?;
        // It stays where it ran, and everything is in order.
        assert_eq!(verdict(&run(&project, &["validate"], 0)?), "validate: clean");
        let again = run(&project, &["migrate"], 0)?;
        assert!(again.stdout.contains("nothing is pending"), "{again}");
    }
    Ok(())
}

#[test]
fn t05_a_late_migration_after_which_a_new_database_would_be_another_is_refused() -> Result {
    for example in Example::ALL {
        let late = format!(
            "{};--> statement-breakpoint\nALTER TABLE authors ADD COLUMN born integer;",
            statement(1)
        );
        let project = merged_late(example, &late)?;
        let later = "20260101130000_more/migration.sql";
        project
            .write(&format!("drizzle/{later}"), "ALTER TABLE authors ADD COLUMN died integer;")?;
        run(&project, &["migrate"], 0)?;
        // Now one between those that both added a column.
        let between = "drizzle/20260101123000_between/migration.sql";
        project.write(between, "ALTER TABLE authors ADD COLUMN wrote integer;")?;
        let state = project.database.state()?;
        let refused = run(&project, &["migrate"], 1)?;
        assert!(refused.stdout.contains("error[migration-order]"), "{refused}");
        assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    }
    Ok(())
}
