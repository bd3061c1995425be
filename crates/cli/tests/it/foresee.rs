//! What `migrate` tells before it writes: rows that do not fit, locks with the number of rows, and how old a backup
//! may be.

use raingauge_testkit::{Example, Project, Result};

use crate::refusals::Witness;
use crate::run::run;
use crate::steps::{BOOKS, says, with_pending, write_history};

#[test]
fn rows_that_do_not_fit_are_counted_before_anything_is_written() -> Result {
    let sql = "ALTER TABLE books ALTER COLUMN title SET NOT NULL;--> statement-breakpoint
ALTER TABLE books ADD CONSTRAINT twice UNIQUE (title);--> statement-breakpoint
ALTER TABLE books ADD CONSTRAINT small CHECK (id < 3);--> statement-breakpoint
ALTER TABLE books ADD COLUMN shelf text NOT NULL;--> statement-breakpoint
ALTER TABLE books ALTER COLUMN title SET DATA TYPE varchar(3);";
    let project = with_pending(Example::BookstorePostgres, sql)?;
    project.database.sql("INSERT INTO books VALUES (1, 'Emma'), (2, 'Emma'), (3, NULL)")?;
    let witness = Witness::of(&project)?;
    let refused = run(&project, &["migrate"], 1)?;
    let parts = [
        "rows-refuse",
        "1 rows of table public.books have NULL",
        "1 values are there more than once",
        "1 rows of table public.books break the new check",
        "3 rows of table public.books have no value for the new column",
        "2 values of column public.books.title do not fit",
        "nothing was changed",
    ];
    says(&refused, &parts);
    witness.nothing_changed(&refused)?;
    for command in [&["status"][..], &["execute", "--confirm"]] {
        let told = run(&project, command, 1)?;
        says(&told, &parts);
        witness.nothing_changed(&told)?;
    }
    // The engine says the same, and so does nobody once the rows fit.
    run(&project, &["migrate", "--allow", "try:0001_more", "--allow", "retype:books.title"], 2)?;
    project.database.sql("DELETE FROM books")?;
    run(&project, &["migrate", "--allow", "retype:books.title"], 0)?;
    Ok(())
}

#[test]
fn rows_without_a_parent_are_counted_before_a_foreign_key_is_made() -> Result {
    let project = with_pending(Example::BookstorePostgres, "CREATE TABLE notes (book integer);")?;
    run(&project, &["migrate"], 0)?;
    project
        .database
        .sql("INSERT INTO books VALUES (1); INSERT INTO notes VALUES (1), (7), (NULL)")?;
    let key = "ALTER TABLE notes ADD CONSTRAINT k FOREIGN KEY (book) REFERENCES books (id);";
    let notes = ("0001_more", "CREATE TABLE notes (book integer);");
    write_history(&project, &[("0000_books", BOOKS), notes, ("0002_key", key)])?;
    says(&run(&project, &["migrate"], 1)?, &["1 rows of table public.notes refer to rows"]);
    // One that mends them first is tried, and told.
    let mends = format!("DELETE FROM notes WHERE book = 7;--> statement-breakpoint\n{key}");
    write_history(&project, &[("0000_books", BOOKS), notes, ("0002_key", &mends)])?;
    let done = run(&project, &["migrate", "--allow", "delete:notes"], 0)?;
    says(&done, &["rows-may-refuse"]);
    Ok(())
}

#[test]
fn values_that_are_there_twice_are_counted_on_sqlite() -> Result {
    let index = "CREATE UNIQUE INDEX one ON books (title) WHERE id < 10;";
    let project = with_pending(Example::BookstoreSqlite, index)?;
    project
        .database
        .sql("INSERT INTO books VALUES (1, 'Emma'), (2, 'Emma'), (11, 'Pnin'), (12, 'Pnin')")?;
    let witness = Witness::of(&project)?;
    let refused = run(&project, &["migrate"], 1)?;
    says(&refused, &["rows-refuse", "1 values are there more than once"]);
    let lock = "lock: until its commit · meanwhile: writers wait, at its end readers too";
    says(&refused, &["  0001_more.sql  the whole file\n", lock]);
    witness.nothing_changed(&refused)?;
    for command in [&["status"][..], &["execute", "--confirm"]] {
        says(&run(&project, command, 1)?, &["rows-refuse", "1 values are there more than once"]);
    }
    project.database.sql("DELETE FROM books WHERE id = 2")?;
    run(&project, &["migrate"], 0)?;
    Ok(())
}

/// The rows of the section of locks, each on one line.
fn locks(project: &Project, command: &str) -> Result<Vec<String>> {
    let report = run(project, &[command, "--format", "json"], 0)?.json()?;
    let rows = report["sections"]["locks"].as_array().cloned().unwrap_or_default();
    let line = |it: &serde_json::Value| {
        ["statement", "table", "lock", "meanwhile", "rows"]
            .map(|key| it[key].as_str().unwrap_or_default())
            .join(" | ")
    };
    Ok(rows.iter().map(line).collect())
}

#[test]
fn locks_are_told_with_what_others_can_do_and_the_rows_of_the_statistics() -> Result {
    let sql = "ALTER TABLE books ADD COLUMN shelf text;--> statement-breakpoint
CREATE INDEX titles ON books (title);--> statement-breakpoint
ALTER TABLE books ALTER COLUMN id SET DATA TYPE bigint;";
    let project = with_pending(Example::BookstorePostgres, sql)?;
    project.database.sql(
        "INSERT INTO books SELECT n, n::text FROM generate_series(1, 1500) n; ANALYZE books",
    )?;
    let shown = run(&project, &["status"], 0)?;
    let row = "  0001_more.sql:3  books\n      lock: ACCESS EXCLUSIVE · meanwhile: readers and writers wait · rows: about\n      1500, written anew";
    says(&shown, &[row]);
    for command in ["status", "migrate"] {
        let expected = [
            "0001_more.sql:1 | books | ACCESS EXCLUSIVE | readers and writers wait | about 1500",
            "0001_more.sql:2 | books | SHARE | others read, writers wait | about 1500",
            "0001_more.sql:3 | books | ACCESS EXCLUSIVE | readers and writers wait | about 1500, written anew",
        ];
        assert_eq!(locks(&project, command)?, expected);
    }
    Ok(())
}

#[test]
fn what_a_migration_of_sqlite_copies_and_who_waits_is_told_with_and_without_a_log() -> Result {
    let rebuild = "PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_books` (`id` integer PRIMARY KEY, `title` text NOT NULL);--> statement-breakpoint
INSERT INTO `__new_books`(\"id\", \"title\") SELECT \"id\", \"title\" FROM `books`;--> statement-breakpoint
DROP TABLE `books`;--> statement-breakpoint
ALTER TABLE `__new_books` RENAME TO `books`;--> statement-breakpoint
PRAGMA foreign_keys=ON;";
    let project = with_pending(Example::BookstoreSqlite, rebuild)?;
    project.database.sql("INSERT INTO books VALUES (1, 'Emma'), (2, 'Pnin')")?;
    let file = "the whole file | until its commit | writers wait, at its end readers too | ";
    let expected =
        [format!("0001_more.sql | {file}"), "0001_more.sql | books | copied |  | 2".to_owned()];
    assert_eq!(locks(&project, "status")?, expected);
    // Several migrations take one lock one after the other, and copy one table: a row for each of the two.
    let again = ("0002_again", rebuild);
    let column = ("0003_shelf", "ALTER TABLE books ADD COLUMN shelf text;");
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", rebuild), again, column])?;
    let expected = [
        "3 migrations | the whole file | each until its commit | writers wait, at its end readers too | ",
        "0001_more.sql, 0002_again.sql | books | copied |  | 2",
    ];
    assert_eq!(locks(&project, "status")?, expected);
    project.database.sql("PRAGMA journal_mode = WAL")?;
    says(&run(&project, &["status"], 0)?, &["others read, writers wait"]);
    Ok(())
}

#[test]
fn a_deletion_rests_on_a_backup_as_young_as_was_agreed_or_is_refused() -> Result {
    let drop = "ALTER TABLE books DROP COLUMN title;";
    for example in Example::ALL {
        let project = with_pending(example, drop)?;
        project.write("raingauge.toml", "[migrate]\nbackup-age = \"2h\"\n")?;
        let migrate = ["migrate", "--allow", "drop:books.title"];
        let witness = Witness::of(&project)?;
        let refused = run(&project, &migrate, 1)?;
        says(&refused, &["backup-too-old", "2h", "raingauge backup"]);
        witness.nothing_changed(&refused)?;
        run(&project, &["backup"], 0)?;
        std::thread::sleep(std::time::Duration::from_millis(1200));
        let refused = run(&project, &[&migrate[..], &["--backup-age", "1s"]].concat(), 1)?;
        says(&refused, &["backup-too-old", "1s"]);
        says(&run(&project, &migrate, 0)?, &["rest on the verified backup"]);
    }
    Ok(())
}
