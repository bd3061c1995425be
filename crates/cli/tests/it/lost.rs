//! Snapshots that are gone or damaged, made again by `validate --fix`; the real kit wrote them and is the
//! judge of what comes back.

use std::fs;
use std::time::Duration;

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result, Run, judge};
use serde_json::Value;

use crate::run::run;

const SCHEMA: &str = "src/db/schema.ts";

/// Which Drizzle a project has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drizzle {
    Zero,
    One,
}

const ALL: [(Example, Drizzle); 4] = [
    (Example::BookstorePostgres, Drizzle::Zero),
    (Example::BookstoreSqlite, Drizzle::Zero),
    (Example::BookstorePostgres, Drizzle::One),
    (Example::BookstoreSqlite, Drizzle::One),
];

/// Columns that a table gets, migration by migration.
const COLUMNS: [&str; 2] = ["subtitle", "blurb"];

/// A project with migrations that the real kit wrote: the bookstore, and `n` times a column with a default.
pub(crate) fn project(example: Example, drizzle: Drizzle, n: usize) -> Result<Project> {
    let project = match drizzle {
        Drizzle::Zero => Project::new(example, Age::Empty)?,
        Drizzle::One => Project::with_drizzle_1(example, Age::Empty)?,
    };
    assert!(!judge::generate(&project)?.found_nothing());
    for name in &COLUMNS[..n] {
        declare(&project, example, name)?;
        if drizzle == Drizzle::One {
            // The name of a folder has whole seconds.
            std::thread::sleep(Duration::from_millis(1100));
        }
        assert!(!judge::generate(&project)?.found_nothing());
    }
    Ok(project)
}

fn declare(project: &Project, example: Example, name: &str) -> Result {
    let (from, column) = match example {
        Example::BookstorePostgres => (
            "title: varchar(\"title\", { length: 200 }).notNull(),",
            format!("{name}: varchar(\"{name}\", {{ length: 90 }}).default('none').notNull(),"),
        ),
        Example::BookstoreSqlite => (
            "title: text(\"title\").notNull(),",
            format!("{name}: text(\"{name}\").default('none').notNull(),"),
        ),
    };
    project.edit(SCHEMA, from, &format!("{from}\n    {column}"))
}

/// The snapshot files in the order of their migrations.
pub(crate) fn snapshots(project: &Project) -> Result<Vec<String>> {
    let files = project.files()?;
    let is_snapshot = |it: &&String| it.starts_with("drizzle/") && it.ends_with("snapshot.json");
    Ok(files.keys().filter(is_snapshot).cloned().collect())
}

/// A snapshot without the ids, which are random, and what the kit alone reads.
fn content(text: &str) -> Result<Value> {
    let mut value: Value = serde_json::from_str(text)?;
    let fields = value.as_object_mut().expect("it is an object");
    fields.retain(|key, _| !["id", "prevId", "prevIds", "footprints"].contains(&key.as_str()));
    // Whatever order the columns are declared in: a database has them in that of the migrations.
    if let Some(rows) = value["ddl"].as_array_mut() {
        rows.sort_by_key(ToString::to_string);
    }
    Ok(value)
}

/// Shows the plan without writing, carries it out, and then nobody finds anything.
#[track_caller]
fn fixed(project: &Project) -> Result<Run> {
    let before = project.files()?;
    let shown = run(project, &["validate", "--fix"], 1)?;
    assert!(shown.stdout.contains("[consent-needed]"), "{shown}");
    assert_eq!(file_differences(&before, &project.files()?), [""; 0]);
    run(project, &["validate", "--fix", "--confirm"], 0)?;
    run(project, &["validate", "--offline"], 0)?;
    let generated = judge::generate(project)?;
    assert!(generated.found_nothing(), "{generated:#?}");
    let checked = judge::check(project)?;
    assert_eq!(checked.code, 0, "{checked}");
    Ok(shown)
}

#[test]
fn the_snapshot_of_the_last_migration_is_made_again_as_the_kit_wrote_it() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle, 1)?;
        let last = snapshots(&project)?.pop().expect("there are two");
        let was = project.read(&last)?;
        fs::remove_file(project.path(&last))?;
        let shown = fixed(&project)?;
        assert!(shown.stdout.contains("made again from a replay"), "{shown}");
        assert_eq!(content(&project.read(&last)?)?, content(&was)?, "{example:?} {drizzle:?}");
    }
    Ok(())
}

#[test]
fn a_damaged_snapshot_in_the_middle_is_made_again_with_the_id_that_the_next_one_names() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle, 2)?;
        let all = snapshots(&project)?;
        let (was, next) = (project.read(&all[1])?, project.read(&all[2])?);
        project.write(&all[1], "<<<<<<< HEAD\n{\n=======\n")?;
        fixed(&project)?;
        let now = project.read(&all[1])?;
        assert_eq!(content(&now)?, content(&was)?, "{example:?} {drizzle:?}");
        let id = |text: &str| serde_json::from_str::<Value>(text).map(|it| it["id"].clone());
        assert_eq!(id(&now)?, id(&was)?);
        assert_eq!(project.read(&all[2])?, next);
    }
    Ok(())
}

#[test]
fn all_snapshots_of_a_history_are_made_again() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle, 1)?;
        let all = snapshots(&project)?;
        let was = project.read(&all[1])?;
        for path in &all {
            fs::remove_file(project.path(path))?;
        }
        fixed(&project)?;
        assert_eq!(content(&project.read(&all[1])?)?, content(&was)?, "{example:?} {drizzle:?}");
    }
    Ok(())
}

#[test]
fn without_schema_ts_the_snapshot_says_what_the_migrations_make() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle, 1)?;
        let last = snapshots(&project)?.pop().expect("there are two");
        fs::remove_file(project.path(&last))?;
        let schema = project.read(SCHEMA)?;
        fs::remove_file(project.path(SCHEMA))?;
        run(&project, &["validate", "--fix", "--confirm"], 0)?;
        project.write(SCHEMA, &schema)?;
        let generated = judge::generate(&project)?;
        assert!(generated.found_nothing(), "{example:?} {drizzle:?}: {generated:#?}");
    }
    Ok(())
}

/// What the migration makes besides a column, in SQL that somebody added by hand.
fn with_more(project: &Project, drizzle: Drizzle, sql: &str) -> Result {
    let files = project.files()?;
    let is_last = |it: &&String| it.starts_with("drizzle/") && it.ends_with(".sql");
    let last = files.keys().rfind(is_last).expect("there is one").clone();
    let text = project.read(&last)?;
    project.write(&last, &format!("{text}\n--> statement-breakpoint\n{sql}\n"))?;
    let snapshot = snapshots(project)?.pop().expect("there is one");
    assert!(drizzle == Drizzle::One || snapshot.contains("0001"), "{snapshot}");
    Ok(fs::remove_file(project.path(&snapshot))?)
}

#[test]
fn what_drizzle_does_not_manage_stays_out_of_a_snapshot() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle, 1)?;
        let index = "CREATE INDEX by_hand ON books (subtitle);";
        let audit = "CREATE TABLE by_hand_audit (id integer PRIMARY KEY, what text);";
        with_more(&project, drizzle, &format!("{index}\n--> statement-breakpoint\n{audit}"))?;
        fixed(&project)?;
        let last = snapshots(&project)?.pop().expect("there are two");
        assert!(!project.read(&last)?.contains("by_hand"), "{example:?} {drizzle:?}");
    }
    Ok(())
}

#[test]
fn a_snapshot_that_would_lie_is_refused_with_the_reason_and_nothing_is_written() -> Result {
    for (example, sql) in [
        // Nobody says whether Drizzle manages it.
        (Example::BookstoreSqlite, "CREATE VIEW cheap AS SELECT id FROM books;"),
        (Example::BookstorePostgres, "CREATE VIEW cheap AS SELECT id FROM books;"),
        // No snapshot has partitions.
        (Example::BookstorePostgres, "CREATE TABLE visits (day date) PARTITION BY RANGE (day);"),
        // What is not there cannot be replayed.
        (Example::BookstorePostgres, "CREATE INDEX i ON elsewhere (id);"),
        (Example::BookstoreSqlite, "CREATE INDEX i ON elsewhere (id);"),
    ] {
        let project = project(example, Drizzle::Zero, 1)?;
        with_more(&project, Drizzle::Zero, sql)?;
        fs::remove_file(project.path(SCHEMA))?;
        let before = project.files()?;
        let refused = run(&project, &["validate", "--fix", "--confirm"], 1)?;
        assert!(!refused.stdout.contains("isbn13"), "{refused}");
        let code =
            if sql.contains("elsewhere") { "history-broken" } else { "snapshot-unrebuildable" };
        assert!(refused.stdout.contains(&format!("[{code}]")), "{sql}: {refused}");
        assert_eq!(file_differences(&before, &project.files()?), [""; 0], "{sql}");
    }
    Ok(())
}
