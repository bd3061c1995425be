//! `migrate --undo`: what was only added goes again, with its row in the ledger; what no statement brings
//! back is called irreversible, with the cost of a restore.

mod subject;

use std::collections::BTreeSet;
use std::time::Duration;

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::mysql::{Vendor, servers};
use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use crate::crash::is_full;
use crate::crash::scene::{check, each};
use crate::mysql;
use crate::mysql_live::SHOP;
use crate::run::run;
use crate::steps::says;
use subject::{Engine, Subject, engines};

/// A table, an index on another one, a column, a view of both.
const ADDS: &str = "CREATE TABLE notes (id integer PRIMARY KEY NOT NULL, book integer REFERENCES books (id));--> statement-breakpoint
CREATE INDEX books_title ON books (title);--> statement-breakpoint
ALTER TABLE books ADD COLUMN shelf varchar(20) DEFAULT 'none';--> statement-breakpoint
CREATE VIEW shelves AS SELECT b.shelf, n.id FROM books b JOIN notes n ON n.book = b.id;";

/// What only PostgreSQL has.
const MORE_OF_POSTGRES: &str = "--> statement-breakpoint
CREATE TYPE mood AS ENUM ('good', 'bad');--> statement-breakpoint
CREATE SCHEMA shop;--> statement-breakpoint
CREATE TABLE shop.moods (id serial, mood mood);--> statement-breakpoint
CREATE FUNCTION area(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * a';--> statement-breakpoint
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';--> statement-breakpoint
CREATE TRIGGER t AFTER INSERT ON books FOR EACH ROW EXECUTE FUNCTION f();";

/// What only MySQL has; and a unique index that would not stay one without the new column.
const MORE_OF_MYSQL: &str = "--> statement-breakpoint
CREATE UNIQUE INDEX both_of ON books (title, shelf);--> statement-breakpoint
ALTER TABLE books ADD CONSTRAINT shelved CHECK (shelf <> '');--> statement-breakpoint
ALTER TABLE books ADD COLUMN note integer, ADD CONSTRAINT noted FOREIGN KEY (note) REFERENCES notes (id);--> statement-breakpoint
CREATE FUNCTION area(a integer) RETURNS integer DETERMINISTIC RETURN a * a;--> statement-breakpoint
CREATE PROCEDURE tidy() DELETE FROM notes;--> statement-breakpoint
CREATE TRIGGER t AFTER INSERT ON books FOR EACH ROW SET @last = NEW.shelf;--> statement-breakpoint
CREATE EVENT tidies ON SCHEDULE EVERY 1 YEAR STARTS '2031-01-01 00:00:00' DO CALL tidy();";

fn adds(engine: &Engine) -> String {
    format!("{ADDS}{}", engine.one([MORE_OF_POSTGRES, "", MORE_OF_MYSQL]))
}

#[test]
fn t65_what_was_only_added_goes_again_with_its_row_and_can_be_applied_again() -> Result {
    for engine in engines() {
        let subject = engine.applied(&adds(&engine), &[])?;
        let (applied, schema) = (subject.state()?, subject.schema()?);
        let shown = subject.run(&["migrate", "--undo"], 1)?;
        says(
            &shown,
            &["consent-needed", "DROP VIEW", "way back", "raingauge migrate --undo --confirm"],
        );
        assert_eq!(applied.differences(&subject.state()?), [""; 0], "{engine}");

        let books =
            "INSERT INTO books (id, title, shelf) VALUES (3, 'Pnin', 'none'), (4, 'Pnin', NULL)";
        subject.sql(books)?;
        says(&subject.run(&["migrate", "--undo", "--confirm"], 0)?, &["take 0001_more back"]);
        assert_eq!(subject.n_recorded()?, 1);
        assert_eq!(subject.value("SELECT count(*) FROM books")?, "4");
        says(&subject.run(&["status"], 0)?, &["0001_more", "1 recorded, 1 pending"]);
        subject.sql("DELETE FROM books WHERE id = 4")?;
        subject.run(&["migrate"], 0)?;
        assert_eq!(schema, subject.schema()?, "{engine}");
        subject.run(&["validate"], 0)?;
        // The first migration is where everything comes from.
        subject.run(&["migrate", "--undo", "--confirm"], 0)?;
        says(&subject.run(&["migrate", "--undo", "--confirm"], 1)?, &["undo-first"]);
    }
    Ok(())
}

#[test]
fn t65_what_came_since_is_counted_and_goes_only_by_name_after_a_backup() -> Result {
    for engine in engines() {
        let subject = engine.applied(ADDS, &[])?;
        subject.sql(
            "INSERT INTO notes VALUES (1, 1), (2, 1); UPDATE books SET shelf = 'A' WHERE id = 1",
        )?;
        let (before, schema) = (subject.state()?, subject.schema()?);
        let refused = subject.run(&["migrate", "--undo", "--confirm"], 1)?;
        let parts = [
            "deletion-not-allowed",
            "2 rows of table",
            "--allow drop:notes",
            "1 values of column",
            "--allow drop:books.shelf",
        ];
        says(&refused, &parts);
        let one = ["migrate", "--undo", "--confirm", "--allow", "drop:notes"];
        says(&subject.run(&one, 1)?, &["--allow drop:books.shelf"]);
        assert_eq!(before.differences(&subject.state()?), [""; 0]);
        let both = [&one[..], &["--allow", "drop:books.shelf"]].concat();
        says(&subject.run(&both, 0)?, &["take and verify backup", "take 0001_more back"]);
        assert_eq!(subject.value("SELECT count(*) FROM books")?, "2");
        assert_eq!(subject.n_recorded()?, 1);
        // The real migrator finds it pending, and nothing in its way.
        assert!(subject.judge()? && subject.n_recorded()? == 2, "{engine}");
        assert_eq!(schema, subject.schema()?, "{engine}");
    }
    Ok(())
}

#[test]
fn t65_a_row_that_comes_after_the_count_keeps_the_migration() -> Result {
    // SQLite keeps everybody out.
    for engine in engines().into_iter().filter(|it| it.one(["waits", "", "waits"]) == "waits") {
        let subject = engine.applied(ADDS, &[])?;
        let paused = subject.paused("undo/0001_more/begin")?;
        subject.sql("INSERT INTO notes VALUES (1, 1)")?;
        assert_eq!(paused.go_on()?, Some(1));
        assert_eq!(subject.value("SELECT count(*) FROM notes")?, "1");
        assert_eq!(subject.n_recorded()?, 2);
    }
    Ok(())
}

#[test]
fn t65_the_down_of_a_dropped_column_is_called_irreversible_and_a_restore_is_counted() -> Result {
    let drop = "ALTER TABLE books DROP COLUMN title;";
    for engine in engines() {
        let subject = engine.applied(drop, &["--allow", "drop:books.title"])?;
        subject.sql("INSERT INTO books VALUES (3)")?;
        let before = subject.state()?;
        let refused = subject.run(&["migrate", "--undo", "--confirm", "--format", "json"], 1)?;
        let report = refused.json()?;
        assert_eq!(report["findings"][0]["code"], "undo-irreversible", "{refused}");
        // The two books that have lost their titles, and the one that came since.
        assert_eq!(report["sections"]["since-backup"][0]["only live"], "3", "{refused}");
        let next = report["findings"][0]["next"].to_string();
        assert!(next.contains("raingauge restore") && next.contains("--swap"), "{next}");
        assert_eq!(before.differences(&subject.state()?), [""; 0]);
        std::fs::remove_dir_all(subject.project.path(".raingauge/backups"))?;
        let refused = subject.run(&["migrate", "--undo", "--confirm"], 1)?;
        says(&refused, &["undo-irreversible", "no verified backup from before it"]);
        assert_eq!(subject.n_recorded()?, 2);
    }
    Ok(())
}

#[test]
fn t65_what_wrote_rows_or_cannot_be_led_back_is_irreversible() -> Result {
    let insert = "INSERT INTO books VALUES (7, 'Pale Fire');";
    for engine in engines() {
        let subject = engine.applied(insert, &[])?;
        let refused = subject.run(&["migrate", "--undo", "--confirm"], 1)?;
        says(&refused, &["undo-irreversible", "writes rows"]);
    }
    // Without snapshots nobody knows how a default was before.
    let sql = "ALTER TABLE books ALTER COLUMN title SET DEFAULT 'untitled';";
    for engine in engines().into_iter().filter(|it| it.one(["knows", "", "knows"]) == "knows") {
        let subject = engine.applied(sql, &[])?;
        let refused = subject.run(&["migrate", "--undo", "--confirm"], 1)?;
        says(&refused, &["undo-irreversible", "books.title", "untitled"]);
    }
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
    let own = [Example::BookstorePostgres, Example::BookstoreSqlite];
    for (example, migrator) in own.into_iter().zip(Migrator::ALL) {
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
        let n_recorded =
            || -> Result<usize> { Ok(project.database.ledger()?.unwrap_or_default().len()) };
        let n = n_recorded()?;
        run(&project, &["migrate", "--undo", "--confirm"], 0)?;
        assert_eq!(rows, project.database.rows(table)?);
        assert_ne!(schema, project.database.schema()?);
        assert_eq!(n_recorded()?, n - 1);
        judge::migrate(&project, migrator, &project.database)?;
        assert_eq!(schema, project.database.schema()?);
        assert_eq!(rows, project.database.rows(table)?);
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t65_on_mysql_too_the_differ_leads_a_change_back_where_every_row_fits() -> Result {
    for (server, generation) in servers().into_iter().zip([0, 1]) {
        let project = mysql::project(generation, SHOP)?;
        let subject = Subject::of(project, server.database("undo")?);
        judge::generate(&subject.project)?;
        subject.run(&["migrate"], 0)?;
        let before = subject.schema()?;
        subject.sql("INSERT INTO books (title, price) VALUES ('Emma', 1), ('Pnin', 2)")?;
        let changed = SHOP
            .replace("title\", { length: 300 }).notNull()", "title\", { length: 300 })")
            .replace("default(\"0.00\")", "default(\"1.00\")")
            .replace("uniqueIndex(\"authors_name\").on(t.name)", "");
        mysql::declare(&subject.project, &changed)?;
        // Two folders of one second would have one stamp, and the real kit does not look.
        std::thread::sleep(Duration::from_millis(1100));
        judge::generate(&subject.project)?;
        subject.run(&["migrate"], 0)?;
        let after = subject.schema()?;
        assert_ne!(before, after);

        subject.sql("INSERT INTO books (title, price) VALUES (NULL, 3)")?;
        let undo = ["migrate", "--undo", "--confirm"];
        says(&subject.run(&undo, 1)?, &["rows-refuse", "1 rows have NULL in column books.title"]);
        assert_eq!((subject.schema()?, subject.n_recorded()?), (after.clone(), 2));
        subject.sql("UPDATE books SET title = 'Ada' WHERE title IS NULL")?;
        subject.run(&undo, 0)?;
        assert_eq!((subject.schema()?, subject.n_recorded()?), (before, 1));
        assert!(subject.judge()?);
        assert_eq!((subject.schema()?, subject.n_recorded()?), (after, 2));
        assert_eq!(
            subject.value("SELECT group_concat(title, price ORDER BY id) FROM books")?,
            "Emma1.00,Pnin2.00,Ada3.00"
        );
    }
    Ok(())
}

#[test]
fn t65_on_mysql_a_row_that_comes_between_two_statements_stays_until_it_is_named() -> Result {
    for server in servers() {
        let subject = Engine::MySql(server).applied(ADDS, &[])?;
        let schema = subject.schema()?;
        // The view, the index and the column are gone, the table is next.
        let paused = subject.paused("undo/0001_more/step-4-noted")?;
        subject.sql("INSERT INTO notes VALUES (1, 1)")?;
        let (code, said) = paused.said()?;
        assert!(
            code == Some(3) && said.contains("holds something else than was counted"),
            "{said}"
        );
        assert_eq!(
            (subject.value("SELECT count(*) FROM notes")?.as_str(), subject.n_recorded()?),
            ("1", 1)
        );
        let undo = ["migrate", "--undo", "--confirm"];
        says(&subject.run(&["status"], 1)?, &["undo-unfinished", "3 of 4 statements"]);
        // Drizzle's own migrator does not take it for applied, and stops at what is there.
        assert!(!subject.judge()?);
        assert_eq!(
            (subject.value("SELECT count(*) FROM notes")?.as_str(), subject.n_recorded()?),
            ("1", 1)
        );
        says(&subject.run(&undo, 1)?, &["deletion-not-allowed", "1 rows of table"]);
        let allowed = [&undo[..], &["--allow", "drop:notes"]].concat();
        says(&subject.run(&allowed, 0)?, &["take and verify backup", "take 0001_more back"]);
        assert!(subject.judge()? && subject.n_recorded()? == 2);
        assert_eq!(schema, subject.schema()?);
    }
    Ok(())
}

#[test]
fn t65_on_mysql_the_ledger_has_its_row_again_where_the_first_statement_fails() -> Result {
    for server in servers() {
        let subject = Engine::MySql(server).applied(ADDS, &[])?;
        let before = subject.state()?;
        let held = subject.hold("SELECT count(*) FROM shelves")?;
        let undo = ["migrate", "--undo", "--confirm"];
        let refused = subject.run(&[&undo[..], &["--wait", "2"]].concat(), 2)?;
        says(&refused, &["error[lock-timeout]", "everything is as it was"]);
        held.release()?;
        assert_eq!(before.differences(&subject.state()?), [""; 0]);
        subject.run(&undo, 0)?;
        assert_eq!(subject.n_recorded()?, 1);
    }
    Ok(())
}

/// The moments of a run at which it is killed: all, or some that each engine has.
fn moments(engine: &Engine) -> Result<Vec<String>> {
    let subject = engine.applied(&adds(engine), &[])?;
    let undo = ["migrate", "--undo", "--confirm"];
    let traced = subject.try_run(&undo, Some(("RAINGAUGE_TRACE_BOUNDARIES", "1")))?;
    assert_eq!(traced.code, 0, "{traced}");
    let names = traced.stderr.lines().filter_map(|it| it.strip_prefix("boundary undo/0001_more/"));
    let all: BTreeSet<_> = names.map(str::to_owned).collect();
    let sampled: &[&str] = match subject.vendor() {
        None => &["applied", "committed"],
        Some(Vendor::MariaDb) => &["unrecording", "step-2-ran", "step-10-noted"],
        Some(Vendor::MySql) => &["unrecorded", "step-8-ran", "applied"],
    };
    let moments: Vec<_> =
        all.into_iter().filter(|it| is_full() || sampled.contains(&it.as_str())).collect();
    assert!(sampled.len() <= moments.len(), "{moments:?}");
    Ok(moments)
}

#[test]
fn t65_undo_can_be_killed_at_every_boundary() -> Result {
    for engine in engines() {
        let moments = moments(&engine)?;
        each(&moments, |moment| {
            let subject = engine.applied(&adds(&engine), &[])?;
            let whole = subject.schema()?;
            let at = format!("undo/0001_more/{moment}");
            let undo = ["migrate", "--undo", "--confirm"];
            let crash = subject.try_run(&undo, Some(("RAINGAUGE_CRASH_AT", &at)))?;
            check(crash.code == -6, || format!("did not die: {crash}"))?;
            goes_on(&engine, &subject, &whole)?;
            for _ in 0..2 {
                for (arguments, n) in [(&["migrate"][..], 2), (&["validate"], 2), (&undo, 1)] {
                    let again = subject.try_run(arguments, None)?;
                    check(again.code == 0 && subject.n_recorded()? == n, || again.to_string())?;
                }
            }
            let books = subject.value("SELECT count(*) FROM books")?;
            check(books == "2", || format!("{books} books"))
        })?;
    }
    Ok(())
}

/// What was killed says what it is, and is gone on with.
fn goes_on(engine: &Engine, subject: &Subject, whole: &str) -> Result {
    let n = subject.n_recorded()?;
    let now = subject.schema()?;
    // The place of notes may stand beside it.
    let now: BTreeSet<_> = now.lines().collect();
    let is_whole = whole.lines().all(|it| now.contains(it));
    check(n == 1 || is_whole, || "the ledger claims more than live has".to_owned())?;
    if !engine.commits_each() {
        return check(is_whole == (n == 2), || "structure and ledger say two things".to_owned());
    }
    if n == 2 {
        return Ok(());
    }
    for command in ["status", "migrate"] {
        let told = subject.try_run(&[command], None)?;
        let is_told = told.code == 1 && told.stdout.contains("undo-unfinished");
        check(is_told, || told.to_string())?;
    }
    let on = subject.try_run(&["migrate", "--undo", "--confirm"], None)?;
    check(on.code == 0 && subject.n_recorded()? == 1, || on.to_string())?;
    check(!subject.schema()?.contains("raingauge"), || "the place of notes stays".to_owned())
}

#[test]
fn a_position_that_is_not_proven_has_no_way_back() -> Result {
    for engine in engines() {
        let subject = engine.applied(ADDS, &[])?;
        subject.sql("ALTER TABLE books ADD COLUMN own integer")?;
        says(&subject.run(&["migrate", "--undo", "--confirm"], 1)?, &["drift"]);
        assert_eq!(subject.n_recorded()?, 2);
        subject.forget_second()?;
        subject.run(&["migrate", "--undo", "--confirm"], 1)?;
        assert_eq!(subject.n_recorded()?, 2);
    }
    Ok(())
}
