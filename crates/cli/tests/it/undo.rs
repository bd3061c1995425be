//! `migrate --undo`: what was only added goes again, with its row in the ledger; what no statement brings
//! back is called irreversible, with the cost of a restore.

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use crate::crash::is_full;
use crate::crash::scene::{check, each};
use crate::run::{binary, run};
use crate::steps::{BOOKS, says, with_pending, write_history};
use crate::tripwire::Paused;

const ENGINES: [Example; 2] = [Example::BookstorePostgres, Example::BookstoreSqlite];

/// A table, an index on another one, a column, a view of both.
const ADDS: &str = "CREATE TABLE notes (id integer PRIMARY KEY NOT NULL, book integer REFERENCES books (id));--> statement-breakpoint
CREATE INDEX books_title ON books (title);--> statement-breakpoint
ALTER TABLE books ADD COLUMN shelf text DEFAULT 'none';--> statement-breakpoint
CREATE VIEW shelves AS SELECT b.shelf, n.id FROM books b JOIN notes n ON n.book = b.id;";

/// As [`ADDS`], with what only PostgreSQL has.
const ADDS_MORE: &str = "--> statement-breakpoint
CREATE TYPE mood AS ENUM ('good', 'bad');--> statement-breakpoint
CREATE SCHEMA shop;--> statement-breakpoint
CREATE TABLE shop.moods (id serial, mood mood);--> statement-breakpoint
CREATE FUNCTION area(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * a';--> statement-breakpoint
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';--> statement-breakpoint
CREATE TRIGGER t AFTER INSERT ON books FOR EACH ROW EXECUTE FUNCTION f();";

fn adds(example: Example) -> String {
    let more = if example == Example::BookstorePostgres { ADDS_MORE } else { "" };
    format!("{ADDS}{more}")
}

/// A project with two books whose second migration, `sql`, was applied.
fn applied(example: Example, sql: &str, arguments: &[&str]) -> Result<Project> {
    let project = with_pending(example, sql)?;
    project.database.sql("INSERT INTO books VALUES (1, 'Emma'), (2, 'Persuasion')")?;
    run(&project, &[&["migrate"], arguments].concat(), 0)?;
    Ok(project)
}

fn n_recorded(project: &Project) -> Result<usize> {
    Ok(project.database.ledger()?.unwrap_or_default().len())
}

#[test]
fn t65_what_was_only_added_goes_again_with_its_row_and_can_be_applied_again() -> Result {
    for example in ENGINES {
        let project = applied(example, &adds(example), &[])?;
        let (applied, schema) = (project.database.state()?, project.database.schema()?);
        let shown = run(&project, &["migrate", "--undo"], 1)?;
        says(
            &shown,
            &["consent-needed", "DROP VIEW", "way back", "raingauge migrate --undo --confirm"],
        );
        assert_eq!(applied.differences(&project.database.state()?), [""; 0]);

        project.database.sql("INSERT INTO books VALUES (3, 'Pnin', 'none')")?;
        says(&run(&project, &["migrate", "--undo", "--confirm"], 0)?, &["take 0001_more back"]);
        assert_eq!(n_recorded(&project)?, 1);
        assert_eq!(project.database.value("SELECT count(*) FROM books")?, "3");
        says(&run(&project, &["status"], 0)?, &["0001_more", "1 recorded, 1 pending"]);
        run(&project, &["migrate"], 0)?;
        assert_eq!(schema, project.database.schema()?);
        run(&project, &["validate"], 0)?;
        // The first migration is where everything comes from.
        run(&project, &["migrate", "--undo", "--confirm"], 0)?;
        says(&run(&project, &["migrate", "--undo", "--confirm"], 1)?, &["undo-first"]);
    }
    Ok(())
}

#[test]
fn t65_what_came_since_is_counted_and_goes_only_by_name_after_a_backup() -> Result {
    for example in ENGINES {
        let project = applied(example, ADDS, &[])?;
        project.database.sql(
            "INSERT INTO notes VALUES (1, 1), (2, 1); UPDATE books SET shelf = 'A' WHERE id = 1",
        )?;
        let before = project.database.state()?;
        let refused = run(&project, &["migrate", "--undo", "--confirm"], 1)?;
        let parts = [
            "deletion-not-allowed",
            "2 rows of table",
            "--allow drop:notes",
            "1 values of column",
            "--allow drop:books.shelf",
        ];
        says(&refused, &parts);
        let one = ["migrate", "--undo", "--confirm", "--allow", "drop:notes"];
        says(&run(&project, &one, 1)?, &["--allow drop:books.shelf"]);
        assert_eq!(before.differences(&project.database.state()?), [""; 0]);
        let both = [&one[..], &["--allow", "drop:books.shelf"]].concat();
        says(&run(&project, &both, 0)?, &["take and verify backup", "take 0001_more back"]);
        assert_eq!(project.database.value("SELECT count(*) FROM books")?, "2");
        assert_eq!(n_recorded(&project)?, 1);
    }
    Ok(())
}

#[test]
fn t65_a_row_that_comes_after_the_count_keeps_the_migration() -> Result {
    let project = applied(Example::BookstorePostgres, ADDS, &[])?;
    let arguments = ["migrate", "--undo", "--confirm"];
    let paused = Paused::with(&project, &arguments, "undo/0001_more/begin")?;
    project.database.sql("INSERT INTO notes VALUES (1, 1)")?;
    assert_eq!(paused.go_on()?, Some(1));
    assert_eq!(project.database.value("SELECT count(*) FROM notes")?, "1");
    assert_eq!(n_recorded(&project)?, 2);
    Ok(())
}

#[test]
fn t65_the_down_of_a_dropped_column_is_called_irreversible_and_a_restore_is_counted() -> Result {
    let drop = "ALTER TABLE books DROP COLUMN title;";
    for example in ENGINES {
        let project = applied(example, drop, &["--allow", "drop:books.title"])?;
        project.database.sql("INSERT INTO books VALUES (3)")?;
        let before = project.database.state()?;
        let refused = run(&project, &["migrate", "--undo", "--confirm", "--format", "json"], 1)?;
        let report = refused.json()?;
        assert_eq!(report["findings"][0]["code"], "undo-irreversible", "{refused}");
        // The two books that have lost their titles, and the one that came since.
        assert_eq!(report["sections"]["since-backup"][0]["only live"], "3", "{refused}");
        let next = report["findings"][0]["next"].to_string();
        assert!(next.contains("raingauge restore") && next.contains("--swap"), "{next}");
        assert_eq!(before.differences(&project.database.state()?), [""; 0]);
        std::fs::remove_dir_all(project.path(".raingauge/backups"))?;
        let refused = run(&project, &["migrate", "--undo", "--confirm"], 1)?;
        says(&refused, &["undo-irreversible", "no verified backup from before it"]);
        assert_eq!(n_recorded(&project)?, 2);
    }
    Ok(())
}

#[test]
fn t65_what_wrote_rows_or_cannot_be_led_back_is_irreversible() -> Result {
    let insert = "INSERT INTO books VALUES (7, 'Pale Fire');";
    for example in ENGINES {
        let project = applied(example, insert, &[])?;
        let refused = run(&project, &["migrate", "--undo", "--confirm"], 1)?;
        says(&refused, &["undo-irreversible", "writes rows"]);
    }
    // Without snapshots nobody knows how a default was before.
    let sql = "ALTER TABLE books ALTER COLUMN title SET DEFAULT 'untitled';";
    let project = applied(Example::BookstorePostgres, sql, &[])?;
    let refused = run(&project, &["migrate", "--undo", "--confirm"], 1)?;
    says(&refused, &["undo-irreversible", "books.title", "untitled"]);
    Ok(())
}

/// A table of which the kit's own SQL can make what was there before; live's own defaults it spells otherwise.
const AUTHORS: &str = r#"
export const authors = sqliteTable("authors", {
  id: integer("id").primaryKey(),
  name: text("name").notNull(),
});
"#;

#[test]
fn t65_the_differ_leads_a_change_back_and_the_real_kit_applies_it_again() -> Result {
    let schema_ts = "src/db/schema.ts";
    for (example, migrator) in ENGINES.into_iter().zip(Migrator::ALL) {
        let project = Project::new(example, Age::Lived)?;
        run(&project, &["execute", "--confirm"], 0)?;
        let (table, column) = match example {
            Example::BookstorePostgres => ("books", "author: text(\"author\")"),
            Example::BookstoreSqlite => {
                project.write(schema_ts, &format!("{}{AUTHORS}", project.read(schema_ts)?))?;
                judge::generate(&project)?;
                run(&project, &["migrate"], 0)?;
                project.database.sql("INSERT INTO authors VALUES (1, 'Rulfo'), (2, 'Lem')")?;
                ("authors", "name: text(\"name\")")
            }
        };
        project.edit(schema_ts, &format!("{column}.notNull()"), column)?;
        judge::generate(&project)?;
        run(&project, &["migrate"], 0)?;
        let (rows, schema) = (project.database.rows(table)?, project.database.schema()?);
        let n = n_recorded(&project)?;
        run(&project, &["migrate", "--undo", "--confirm"], 0)?;
        assert_eq!(rows, project.database.rows(table)?);
        assert_ne!(schema, project.database.schema()?);
        assert_eq!(n_recorded(&project)?, n - 1);
        judge::migrate(&project, migrator, &project.database)?;
        assert_eq!(schema, project.database.schema()?);
        assert_eq!(rows, project.database.rows(table)?);
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t65_undo_can_be_killed_at_every_boundary() -> Result {
    for example in ENGINES {
        let boundaries = ["begin", "applied", "committed"];
        let cases = if is_full() { &boundaries[..] } else { &boundaries[1..] };
        each(cases, |boundary| {
            let project = applied(example, &adds(example), &[])?;
            let at = format!("undo/0001_more/{boundary}");
            let undo = ["migrate", "--undo", "--confirm"];
            let crash = binary().env("RAINGAUGE_CRASH_AT", &at).run(&project.root, &undo)?;
            check(crash.code == -6, || format!("did not die: {crash}"))?;
            let expected = if *boundary == "committed" { 1 } else { 2 };
            let n = n_recorded(&project)?;
            check(n == expected, || format!("{n} rows in the ledger"))?;
            let has_notes = project.database.tables()?.iter().any(|it| it.contains("notes"));
            check(has_notes == (n == 2), || "structure and ledger say two things".to_owned())?;
            for _ in 0..2 {
                let again = binary().run(&project.root, &["migrate"])?;
                check(again.code == 0, || again.to_string())?;
                let validate = binary().run(&project.root, &["validate"])?;
                check(validate.code == 0, || validate.to_string())?;
                let undone = binary().run(&project.root, &undo)?;
                check(undone.code == 0, || undone.to_string())?;
            }
            let books = project.database.value("SELECT count(*) FROM books")?;
            check(books == "2", || format!("{books} books"))
        })?;
    }
    Ok(())
}

#[test]
fn a_position_that_is_not_proven_has_no_way_back() -> Result {
    let project = applied(Example::BookstorePostgres, ADDS, &[])?;
    project.database.sql("ALTER TABLE books ADD COLUMN own text")?;
    says(&run(&project, &["migrate", "--undo", "--confirm"], 1)?, &["drift"]);
    assert_eq!(n_recorded(&project)?, 2);
    write_history(&project, &[("0000_books", BOOKS)])?;
    run(&project, &["migrate", "--undo", "--confirm"], 1)?;
    assert_eq!(n_recorded(&project)?, 2);
    Ok(())
}
