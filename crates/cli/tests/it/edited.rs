//! SQL or a snapshot edited after `generate`: what drizzle-kit never looks at again, and a replay shows.

use std::fs;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, Run, judge};

use crate::lost::{Drizzle, snapshots};
use crate::run::{binary, run};

const ALL: [(Example, Drizzle); 4] = [
    (Example::BookstorePostgres, Drizzle::Zero),
    (Example::BookstoreSqlite, Drizzle::Zero),
    (Example::BookstorePostgres, Drizzle::One),
    (Example::BookstoreSqlite, Drizzle::One),
];

/// A project with one table and the migration that the real kit wrote for it.
fn project(example: Example, drizzle: Drizzle) -> Result<Project> {
    let project = match drizzle {
        Drizzle::Zero => Project::new(example, Age::Empty)?,
        Drizzle::One => Project::with_drizzle_1(example, Age::Empty)?,
    };
    for gone in ["db/init.sql", "docker-compose.yml"] {
        fs::remove_file(project.path(gone))?;
    }
    let (core, table) = match example {
        Example::BookstorePostgres => ("pg-core", "pgTable"),
        Example::BookstoreSqlite => ("sqlite-core", "sqliteTable"),
    };
    let schema = format!(
        "import {{ {table}, integer, text }} from \"drizzle-orm/{core}\";\n\
         export const shelves = {table}(\"shelves\", {{\n  id: integer(\"id\").primaryKey(),\n  \
         name: text(\"name\").default(\"none\").notNull(),\n}});\n"
    );
    project.write("src/db/schema.ts", &schema)?;
    if example == Example::BookstoreSqlite {
        // An empty database, which has a file.
        project.database.sql("PRAGMA user_version = 1")?;
    }
    assert!(!judge::generate(&project)?.found_nothing());
    Ok(project)
}

/// The only migration's SQL.
fn sql(project: &Project) -> Result<String> {
    let files = project.files()?;
    let is_sql = |it: &&String| it.starts_with("drizzle/") && it.ends_with(".sql");
    Ok(files.keys().find(is_sql).expect("there is one").clone())
}

/// What `validate` finds with an empty database, where the migration is pending.
fn told(project: &Project) -> Result<Run> {
    run(project, &["validate"], 1)
}

const PASSED: &str = "the last snapshot is what the history builds  passed";

#[test]
fn a_healthy_history_and_what_it_makes_beside_drizzle_are_not_talked_about() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle)?;
        let path = sql(&project)?;
        let more = "\n--> statement-breakpoint\nCREATE INDEX by_hand ON shelves (name);\
                    \n--> statement-breakpoint\nCREATE TABLE audit (id integer PRIMARY KEY);\n";
        project.write(&path, &(project.read(&path)? + more))?;
        run(&project, &["migrate", "--confirm"], 0)?;
        let validated = binary().run(&project.root, &["validate"])?;
        assert!(validated.stdout.contains(PASSED), "{example:?} {drizzle:?}: {validated}");
    }
    Ok(())
}

#[test]
fn sql_that_was_edited_after_generate_is_told_with_the_statement_that_is_missing() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle)?;
        let path = sql(&project)?;
        let text = project.read(&path)?;
        project.write(&path, &text.replace("DEFAULT 'none' ", ""))?;
        assert!(judge::generate(&project)?.found_nothing(), "the kit sees none of it");
        let told = told(&project)?;
        assert!(
            told.stdout.contains("error[snapshot-not-built]"),
            "{example:?} {drizzle:?}: {told}"
        );
        let evidence = ["does not have: CREATE TABLE", "shelves.name"];
        assert!(evidence.iter().all(|it| told.stdout.contains(it)), "{told}");
    }
    Ok(())
}

#[test]
fn a_snapshot_that_was_edited_by_hand_is_told_before_generate_repeats_what_is_there() -> Result {
    for (example, drizzle) in ALL {
        let project = project(example, drizzle)?;
        let snapshot = snapshots(&project)?.pop().expect("there is one");
        let text = project.read(&snapshot)?;
        project.write(&snapshot, &text.replace("'none'", "'some'"))?;
        let told = told(&project)?;
        assert!(told.stdout.contains("error[snapshot-edited]"), "{example:?} {drizzle:?}: {told}");
        project.forget_schema()?;
        let alone = run(&project, &["validate"], 1)?;
        assert!(
            alone.stdout.contains("error[snapshot-differs]"),
            "{example:?} {drizzle:?}: {alone}"
        );
    }
    Ok(())
}

#[test]
fn a_column_that_somebody_added_to_the_sql_is_told() -> Result {
    for example in Example::ALL {
        let project = project(example, Drizzle::Zero)?;
        let path = sql(&project)?;
        let more = "\n--> statement-breakpoint\nALTER TABLE shelves ADD COLUMN room text;\n";
        project.write(&path, &(project.read(&path)? + more))?;
        let told = told(&project)?;
        assert!(
            told.stdout.contains("column public.shelves.room: only in the migrations")
                || told.stdout.contains("column shelves.room: only in the migrations"),
            "{told}"
        );
    }
    Ok(())
}
