//! What `migrate` does to rows: SQLite's rebuilds lose none, and what would lose some stops.
//!
//! The rebuilds are those that the real drizzle-kit writes.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, Run, judge};

use crate::run::run;

const AUTHORS: &str = r#"
export const authors = sqliteTable("authors", {
  id: integer("id").primaryKey(),
  name: text("name").notNull(),
  born: integer("born"),
});
"#;

/// `novels` refers to `authors` with `ON DELETE …`.
fn novels(on_delete: &str) -> String {
    format!(
        "export const novels = sqliteTable(\"novels\", {{
  id: integer(\"id\").primaryKey(),
  author: integer(\"author\").references(() => authors.id, {{ onDelete: \"{on_delete}\" }}),
}});
"
    )
}

const SCHEMA: &str = "src/db/schema.ts";

fn append(project: &Project, text: &str) -> Result {
    project.write(SCHEMA, &format!("{}{text}", project.read(SCHEMA)?))
}

/// The file of the newest migration.
fn newest(project: &Project) -> Result<String> {
    let journal = project.read("drizzle/meta/_journal.json")?;
    let tag = journal.rsplit("\"tag\": \"").next().and_then(|it| it.split('"').next());
    Ok(format!("drizzle/{}.sql", tag.expect("the journal has an entry")))
}

/// A bookstore with two authors and three novels, and a pending migration that makes `authors` anew.
fn with_pending_rebuild(on_delete: &str) -> Result<Project> {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    append(&project, &format!("{AUTHORS}{}", novels(on_delete)))?;
    judge::generate(&project)?;
    run(&project, &["migrate"], 0)?;
    project.database.sql(
        "INSERT INTO authors (id, name) VALUES (1, 'Rulfo'), (2, 'Lem');
         INSERT INTO novels (id, author) VALUES (1, 1), (2, 1), (3, 2);",
    )?;
    project.edit(SCHEMA, "name: text(\"name\").notNull()", "name: text(\"name\")")?;
    judge::generate(&project)?;
    let sql = project.read(&newest(&project)?)?;
    assert!(sql.contains("DROP TABLE `authors`") && sql.contains("foreign_keys=OFF"), "{sql}");
    Ok(project)
}

#[track_caller]
fn assert_error(run: &Run, code: &str) {
    assert!(run.stdout.contains(code) || run.stderr.contains(code), "no `{code}` in {run}");
}

#[test]
fn t46_a_rebuild_keeps_the_children_that_a_cascade_would_delete() -> Result {
    let project = with_pending_rebuild("cascade")?;
    run(&project, &["migrate"], 0)?;
    assert_eq!(project.database.value("SELECT count(*) FROM authors")?, "2");
    assert_eq!(project.database.value("SELECT count(*) FROM novels")?, "3");
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn t47_a_rebuild_keeps_the_references_that_set_null_would_clear() -> Result {
    let project = with_pending_rebuild("set null")?;
    run(&project, &["migrate"], 0)?;
    assert_eq!(project.database.value("SELECT group_concat(author) FROM novels")?, "1,1,2");
    Ok(())
}

#[test]
fn t46_a_drop_without_its_copy_needs_consent_and_leaves_no_orphans() -> Result {
    let project = with_pending_rebuild("cascade")?;
    let file = newest(&project)?;
    let sql = project.read(&file)?;
    let copy = sql.lines().find(|it| it.starts_with("INSERT")).expect("the kit copies the rows");
    let (statement, rest) = copy.split_once(";").expect("it ends");
    project.write(&file, &sql.replace(copy, &format!("{statement} WHERE id = 1;{rest}")))?;
    let before = project.database.state()?;
    assert_error(&run(&project, &["migrate"], 1)?, "--allow drop:authors");
    let stopped = run(&project, &["migrate", "--allow", "drop:authors"], 1)?;
    assert_error(&stopped, "rows-orphaned");
    assert_eq!(before.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn t48_a_column_that_the_old_table_lacks_is_not_copied_as_text() -> Result {
    let project = with_pending_rebuild("cascade")?;
    let file = newest(&project)?;
    let sql = project.read(&file)?.replace("\"born\" FROM", "\"borne\" FROM");
    project.write(&file, &sql)?;
    let before = project.database.state()?;
    let refused = run(&project, &["migrate"], 1)?;
    assert_error(&refused, "rebuild-copies-unknown");
    assert!(refused.stdout.contains("`borne`"), "{refused}");
    assert_eq!(before.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn t49_a_trigger_of_a_rebuilt_table_has_to_be_made_again() -> Result {
    let project = with_pending_rebuild("cascade")?;
    let trigger = "CREATE TRIGGER authors_born AFTER UPDATE ON authors BEGIN
                   UPDATE authors SET born = 1900 WHERE born < 0; END;";
    let file = newest(&project)?;
    let rebuild = project.read(&file)?;
    // First a migration of its own makes the trigger, then the same rebuild comes again.
    project.write(&file, trigger)?;
    run(&project, &["migrate"], 0)?;
    project.edit(
        SCHEMA,
        "born: integer(\"born\")",
        "born: integer(\"born\").notNull().default(0)",
    )?;
    judge::generate(&project)?;
    let file = newest(&project)?;
    project.write(&file, &rebuild)?;
    let before = project.database.state()?;
    let refused = run(&project, &["migrate"], 1)?;
    assert_error(&refused, "rebuild-drops");
    assert!(refused.stdout.contains("`authors_born`"), "{refused}");
    assert_eq!(before.differences(&project.database.state()?), [""; 0]);

    project.write(&file, &format!("{rebuild}\n--> statement-breakpoint\n{trigger}"))?;
    run(&project, &["migrate"], 0)?;
    let triggers = "SELECT count(*) FROM sqlite_schema WHERE name = 'authors_born'";
    assert_eq!(project.database.value(triggers)?, "1");
    assert_eq!(project.database.value("SELECT count(*) FROM novels")?, "3");
    Ok(())
}

#[test]
fn a_postgres_function_that_deletes_rows_nobody_named_is_rolled_back() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    append(&project, "export const notes = pgTable(\"notes\", { id: integer(\"id\") });\n")?;
    let text = project.read(SCHEMA)?;
    if !text.contains("  integer,") && !text.contains(" integer,") {
        project.edit(SCHEMA, "pgTable,", "pgTable, integer,")?;
    }
    judge::generate(&project)?;
    let file = newest(&project)?;
    let sql = project.read(&file)?;
    let deleting = "DO $$ DECLARE n int; BEGIN EXECUTE 'DEL' || 'ETE FROM books'; END $$;";
    project.write(&file, &format!("{sql}\n--> statement-breakpoint\n{deleting}"))?;
    let before = project.database.state()?;
    let stopped = run(&project, &["migrate"], 1)?;
    assert_error(&stopped, "rows-lost");
    assert!(stopped.stderr.contains("`books` had"), "{stopped}");
    assert_eq!(before.differences(&project.database.state()?), [""; 0]);
    run(&project, &["migrate", "--allow", "delete:books"], 0)?;
    assert_eq!(project.database.value("SELECT count(*) FROM books")?, "0");
    Ok(())
}

#[test]
fn a_postgres_type_that_rounds_values_needs_consent_and_a_wider_one_does_not() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    append(&project, "export const notes = pgTable(\"notes\", { id: integer(\"id\") });\n")?;
    judge::generate(&project)?;
    let file = newest(&project)?;
    let change = |to: &str| format!("ALTER TABLE books ALTER COLUMN stock TYPE {to};");
    project.write(&file, &change("smallint"))?;
    let refused = run(&project, &["migrate"], 1)?;
    assert_error(&refused, "--allow retype:books.stock");
    project.write(&file, &change("bigint"))?;
    run(&project, &["migrate"], 0)?;
    Ok(())
}
