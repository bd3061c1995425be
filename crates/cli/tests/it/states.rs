//! What a database, its rows or a migration may be like: told, or refused, before anything is written.

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Database, Example, Project, Result, Run};

use crate::run::{binary, run};
use crate::steps::{BOOKS, says, with_pending, write_history};

const SCHEMA: &str = "src/db/schema.ts";
const SQLITE: Example = Example::BookstoreSqlite;
const POSTGRES: Example = Example::BookstorePostgres;

/// A command that ends with 1, says this, and changes neither files nor rows.
#[track_caller]
fn refuses(project: &Project, arguments: &[&str], parts: &[&str]) -> Result<Run> {
    let (files, state) = (project.files()?, project.database.state()?);
    let refused = run(project, arguments, 1)?;
    says(&refused, parts);
    let mut changes = file_differences(&files, &project.files()?);
    changes.retain(|it| !it.contains(".raingauge/"));
    assert_eq!(changes, [""; 0], "{refused}");
    assert_eq!(state.differences(&project.database.state()?), [""; 0], "{refused}");
    Ok(refused)
}

#[test]
fn a_view_that_says_drizzle_s_marker_cannot_be_in_a_baseline() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    project.database.sql("CREATE VIEW marks AS SELECT '--> statement-breakpoint' AS a")?;
    refuses(
        &project,
        &["execute", "--confirm"],
        &["error[breakpoint-in-statement]", "CREATE VIEW marks"],
    )?;
    Ok(())
}

#[test]
fn rows_whose_parent_is_gone_are_counted_and_a_key_that_points_at_nothing_is_named() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    project.database.sql(
        "PRAGMA foreign_keys = OFF; CREATE TABLE loans (id integer PRIMARY KEY, book integer REFERENCES books (id));
         INSERT INTO loans VALUES (1, 1), (2, 77), (3, 78)",
    )?;
    let told = run(&project, &["analyze"], 1)?;
    says(&told, &["warning[orphan-rows] table loans", "has 2 rows whose parent in `books`"]);
    // SQLite itself cannot check such a key, whatever the rows are.
    project.database.sql("CREATE TABLE notes (stock integer REFERENCES books (stock))")?;
    let told = run(&project, &["analyze"], 1)?;
    says(&told, &["warning[orphans-unknown] table notes", "warning[orphan-rows] table loans"]);
    Ok(())
}

#[test]
fn what_the_engine_does_not_build_is_no_schema() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    project.edit(SCHEMA, "sql`${table.stock} >= 0`", "sql`shelf >= 0`")?;
    refuses(&project, &["execute", "--confirm"], &["error[declared-unbuildable]", "shelf"])?;
    Ok(())
}

#[test]
fn what_belongs_to_the_database_as_a_whole_is_told() -> Result {
    let project = Project::new(POSTGRES, Age::Seeded)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    project.database.sql(&format!("ALTER DATABASE {} SET work_mem = '8MB'", database.name))?;
    let told = binary().run(&project.root, &["analyze"])?;
    says(&told, &["info[beside-structure]", "work_mem"]);
    Ok(())
}

#[test]
fn t38_a_file_that_ends_the_transaction_by_itself_is_refused() -> Result {
    let sql = "CREATE TABLE a (id integer);\nROLLBACK;\nCREATE TABLE b (id integer);";
    let project = with_pending(POSTGRES, sql)?;
    for command in [["status"].as_slice(), &["migrate"]] {
        refuses(&project, command, &["error[not-transactional]", "line 2"])?;
    }
    Ok(())
}

#[test]
fn what_a_statement_does_to_rows_is_told_or_called_unknown() -> Result {
    let sql = "ALTER TABLE books ALTER COLUMN id SET DATA TYPE bigint;";
    let project = with_pending(POSTGRES, sql)?;
    says(&run(&project, &["status"], 0)?, &["warning[rewrites-table]", "books"]);
    let sql = "DO $$ BEGIN EXECUTE concat('DEL', 'ETE FROM books'); END $$;";
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", sql)])?;
    says(&run(&project, &["status"], 0)?, &["warning[not-understood]", "verified backup"]);
    Ok(())
}

/// A migration that was killed after the first of its steps.
fn killed_midway(sql: &str) -> Result<Project> {
    let project = with_pending(POSTGRES, sql)?;
    let crash = binary().env("RAINGAUGE_CRASH_AT", "migrate/0001_more/step-1-committed");
    assert_eq!(crash.run(&project.root, &["migrate"])?.code, -6);
    Ok(project)
}

const IN_TWO: &str = "CREATE TABLE notes (id integer);\nCOMMIT;\nCREATE TABLE more (id integer);";

#[test]
fn a_migration_that_is_applied_in_part_is_not_taken_back() -> Result {
    let project = killed_midway(IN_TWO)?;
    refuses(&project, &["migrate", "--undo", "--confirm"], &["error[undo-midway] 0001_more"])?;
    run(&project, &["migrate"], 0)?;
    run(&project, &["migrate", "--undo", "--confirm"], 0)?;
    Ok(())
}

#[test]
fn nothing_is_run_on_top_of_what_a_killed_run_did_not_leave() -> Result {
    let project = killed_midway(IN_TWO)?;
    project.database.sql("ALTER TABLE notes ADD COLUMN since date")?;
    refuses(&project, &["migrate"], &["error[unfinished-differs] 0001_more", "since"])?;
    project.database.sql("ALTER TABLE notes DROP COLUMN since")?;
    write_history(
        &project,
        &[("0000_books", BOOKS), ("0001_other", "CREATE TABLE o (id integer);")],
    )?;
    refuses(&project, &["migrate"], &["error[unfinished-unknown] 0001_more", "0001_other"])?;
    Ok(())
}

/// A function of a library that is gone by the time that live is rebuilt.
fn of_a_lost_library() -> Result<Project> {
    let project = Project::new(POSTGRES, Age::Seeded)?;
    let library = "SELECT setting || '/plpgsql.so' FROM pg_config() WHERE name = 'PKGLIBDIR'";
    let library = project.database.value(library)?;
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("lost.so");
    std::fs::copy(library, &copy)?;
    for (path, mode) in [(folder.path(), 0o755), (copy.as_path(), 0o644)] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    project.database.sql(&format!(
        "CREATE FUNCTION lost() RETURNS language_handler LANGUAGE c AS '{}', 'plpgsql_call_handler'",
        copy.display()
    ))?;
    Ok(project)
}

#[test]
fn what_scratch_lacks_or_may_not_do_is_told_with_the_statement() -> Result {
    let project = of_a_lost_library()?;
    let execute = ["execute", "--confirm"];
    refuses(&project, &execute, &["error[library-missing]", "lost.so"])?;
    project.write("b.sql", "CREATE TABLE b (id integer);")?;
    let diff = ["diff", &project.database.url(), "b.sql"];
    refuses(&project, &diff, &["warning[diff-not-tried]", "lost.so"])?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let role = format!("maker_{}", database.name);
    project.database.sql(&format!("CREATE ROLE {role} LOGIN CREATEDB PASSWORD '{PASSWORD}'"))?;
    let scratch = database.server.url_as(&role, PASSWORD, "postgres");
    let told = [&execute[..], &["--scratch", &scratch]].concat();
    refuses(&project, &told, &["error[scratch-denied]", "language c"])?;
    Ok(())
}

#[test]
fn seeds_that_live_s_columns_cannot_hold_are_not_compared() -> Result {
    let project = Project::new(POSTGRES, Age::Seeded)?;
    project.database.sql("ALTER TABLE books ALTER COLUMN author TYPE integer USING 0")?;
    let told = run(&project, &["analyze"], 1)?;
    says(&told, &["warning[seeds-not-comparable]", "books", "George Eliot"]);
    Ok(())
}

#[test]
fn what_no_backup_holds_is_told() -> Result {
    let project = Project::new(POSTGRES, Age::Seeded)?;
    project.database.sql("CREATE MATERIALIZED VIEW prices AS SELECT price FROM books")?;
    let taken = run(&project, &["backup", "create", "--verify", "none"], 0)?;
    says(&taken, &["info[backup-left-out] rows of materialized view public.prices"]);
    Ok(())
}

#[test]
fn a_change_for_which_1_0_has_no_words_writes_no_migration() -> Result {
    let table = |column: &str| {
        format!(
            "export const a = mysqlTable(\"a\", {{ x: int(\"x\"), y: int(\"y\") }}, (t) => [index(\"i\").on(t.{column})]);\n"
        )
    };
    let project = crate::mysql::project(1, &table("x"))?;
    run(&project, &["generate", "--name", "first"], 0)?;
    crate::mysql::declare(&project, &table("y"))?;
    let before = project.files()?;
    says(&run(&project, &["generate"], 1)?, &["error[change-not-expressed]", "index `a.i`"]);
    assert_eq!(file_differences(&before, &project.files()?), [""; 0]);
    Ok(())
}

#[test]
fn a_statement_that_the_kit_writes_otherwise_is_told_by_the_judge() -> Result {
    let project = Project::new(POSTGRES, Age::Empty)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    project.edit(SCHEMA, "author: text(\"author\")", "author: integer(\"author\")")?;
    let told = run(&project, &["validate", "--offline", "--judge"], 1)?;
    says(&told, &["warning[judge-differs] statements", "only raingauge: "]);
    Ok(())
}

#[test]
fn a_certificate_that_the_history_has_outgrown_says_so() -> Result {
    let project = Project::new(SQLITE, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    let certificate = project.files()?.into_keys().find(|it| it.starts_with("raingauge/"));
    let certificate = certificate.expect("there is one");
    run(&project, &["generate", "--custom", "--name", "later"], 0)?;
    let files = project.files()?;
    let later = files.keys().find(|it| it.ends_with("_later.sql")).expect("it was written");
    project.write(later, "CREATE VIEW later AS SELECT 1 AS a;")?;
    run(&project, &["migrate"], 0)?;
    let told = binary().run(&project.root, &["validate", "--certificate", &certificate])?;
    says(&told, &["info[certificate-older]", "moved on by 2 migrations"]);
    Ok(())
}

#[test]
fn one_answer_for_things_of_two_kinds_is_none() -> Result {
    let project = Project::new(POSTGRES, Age::Empty)?;
    let schema = |name: &str| {
        format!(
            "import {{ integer, pgEnum, pgTable }} from \"drizzle-orm/pg-core\";
             export const mood = pgEnum(\"{name}\", [\"good\"]);
             export const moods = pgTable(\"{name}\", {{ id: integer(\"id\"), mood: mood(\"mood\") }});\n"
        )
    };
    project.write(SCHEMA, &schema("mood"))?;
    run(&project, &["generate", "--name", "first"], 0)?;
    project.write(SCHEMA, &schema("feeling"))?;
    refuses(&project, &["generate", "--rename", "mood:feeling"], &["error[rename-ambiguous]"])?;
    Ok(())
}

#[test]
fn a_column_that_looks_renamed_between_two_sides_is_told() -> Result {
    let project = Project::new(SQLITE, Age::Empty)?;
    project.write("a.sql", "CREATE TABLE t (id integer PRIMARY KEY, shelf text NOT NULL);")?;
    project.write("b.sql", "CREATE TABLE t (id integer PRIMARY KEY, place text NOT NULL);")?;
    refuses(
        &project,
        &["diff", "a.sql", "b.sql", "--dialect", "sqlite"],
        &["warning[looks-renamed]", "place"],
    )?;
    Ok(())
}
