//! `migrate`, killed at every statement and every step, once and twice: nothing is lost, a rerun converges, and
//! the real drizzle-kit agrees.

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::{Example, Project, Result};

use super::is_full;
use super::scene::{check, each};
use crate::run::binary;
use crate::steps::{BOOKS, with_pending, write_history};

/// What PostgreSQL has pending: additions with rows, a deletion, a change of every row, steps.
const POSTGRES: [(&str, &str); 4] = [
    (
        "0001_more",
        "CREATE TABLE notes (id integer PRIMARY KEY, book integer REFERENCES books);--> statement-breakpoint
INSERT INTO notes SELECT id, id FROM books;--> statement-breakpoint
ALTER TABLE books ADD COLUMN shelf text NOT NULL DEFAULT 'A';--> statement-breakpoint
CREATE INDEX books_shelf ON books (shelf);",
    ),
    (
        "0002_change",
        "UPDATE books SET shelf = title;--> statement-breakpoint
DELETE FROM notes WHERE id = 1;--> statement-breakpoint
ALTER TABLE notes ADD COLUMN at integer;",
    ),
    (
        "0003_steps",
        "CREATE TABLE rooms (id integer);--> statement-breakpoint
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS books_title ON books (title);--> statement-breakpoint
INSERT INTO rooms VALUES (1);--> statement-breakpoint
COMMIT;--> statement-breakpoint
INSERT INTO rooms VALUES (2);",
    ),
    ("0004_drop", "ALTER TABLE books DROP COLUMN title;"),
];

/// What SQLite has pending: additions with rows, a rebuild of a parent as the kit writes it, a deletion.
const SQLITE: [(&str, &str); 4] = [
    (
        "0001_more",
        "CREATE TABLE notes (id integer PRIMARY KEY, book integer REFERENCES books(id) ON DELETE CASCADE);--> statement-breakpoint
INSERT INTO notes SELECT id, id FROM books;--> statement-breakpoint
ALTER TABLE books ADD COLUMN shelf text NOT NULL DEFAULT 'A';--> statement-breakpoint
CREATE INDEX books_shelf ON books (shelf);",
    ),
    (
        "0002_rebuild",
        "PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_books` (`id` integer PRIMARY KEY NOT NULL, `title` text NOT NULL, `shelf` text);--> statement-breakpoint
INSERT INTO `__new_books`(\"id\", \"title\", \"shelf\") SELECT \"id\", \"title\", \"shelf\" FROM `books`;--> statement-breakpoint
DROP TABLE `books`;--> statement-breakpoint
ALTER TABLE `__new_books` RENAME TO `books`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE INDEX books_shelf ON books (shelf);",
    ),
    (
        "0003_change",
        "UPDATE books SET shelf = title;--> statement-breakpoint
DELETE FROM notes WHERE id = 1;--> statement-breakpoint
CREATE TABLE rooms (id integer);--> statement-breakpoint
INSERT INTO rooms VALUES (1), (2);",
    ),
    ("0004_drop", "ALTER TABLE `notes` DROP COLUMN `book`;"),
];

const ALLOWED: [&str; 8] = [
    "--allow",
    "update:books",
    "--allow",
    "delete:notes",
    "--allow",
    "drop:books.title",
    "--allow",
    "drop:notes.book",
];

fn project(example: Example) -> Result<Project> {
    let more = match example {
        Example::BookstorePostgres => POSTGRES,
        Example::BookstoreSqlite => SQLITE,
    };
    let project = with_pending(example, more[0].1)?;
    write_history(&project, &[&[("0000_books", BOOKS)], &more[..]].concat())?;
    project.database.sql("INSERT INTO books VALUES (1, 'Emma'), (2, 'Persuasion'), (3, 'Pnin')")?;
    Ok(project)
}

fn migrate() -> Vec<&'static str> {
    [&["migrate"], &ALLOWED[..]].concat()
}

/// Everything happened exactly once.
fn is_applied_once(project: &Project) -> Result {
    let database = &project.database;
    for (query, expected) in [
        ("SELECT count(*), sum(id) FROM notes", "2|5"),
        (
            "SELECT count(*), sum(id) FROM books WHERE shelf IN ('Emma', 'Persuasion', 'Pnin')",
            "3|6",
        ),
        ("SELECT count(*), sum(id) FROM rooms", "2|3"),
    ] {
        let found = database.value(query)?;
        check(found == expected, || format!("{query}: {found}"))?;
    }
    let n = database.ledger()?.unwrap_or_default().len();
    check(n == 5, || format!("{n} rows in the ledger"))?;
    let validate = binary().run(&project.root, &["validate"])?;
    check(validate.code == 0, || validate.to_string())
}

/// No book goes at any moment, whatever of the migrations is in effect.
fn no_book_is_lost(project: &Project) -> Result {
    let books = project.database.value("SELECT count(*), sum(id) FROM books")?;
    check(books == "3|6", || format!("books: {books}"))
}

/// The boundaries of a whole run, of statements and of steps.
fn boundaries(example: Example) -> Result<Vec<String>> {
    let project = project(example)?;
    let traced = binary().env("RAINGAUGE_TRACE_BOUNDARIES", "1").run(&project.root, &migrate())?;
    check(traced.code == 0, || traced.to_string())?;
    is_applied_once(&project)?;
    let names = traced.stderr.lines().filter_map(|it| it.strip_prefix("boundary "));
    let is_of_migration = |it: &&str| it.starts_with("migrate/") || it.starts_with("statement/");
    Ok(names.filter(is_of_migration).map(str::to_owned).collect())
}

/// The boundaries to die at, one after the other, joined by `then`.
fn cases(all: &[String]) -> Vec<String> {
    if !is_full() {
        let last = all.len() - 1;
        return [1, last / 3, last / 2, last - 2].map(|at| all[at].clone()).to_vec();
    }
    let pairs = all.iter().enumerate().flat_map(|(at, first)| {
        // What comes later, at distances that differ.
        (at + 1..all.len()).step_by(1 + at % 3).map(move |it| format!("{first} then {}", all[it]))
    });
    all.iter().cloned().chain(pairs).collect()
}

fn killed_everywhere(example: Example) -> Result {
    let all = boundaries(example)?;
    assert!(20 <= all.len(), "{all:#?}");
    let cases = cases(&all);
    println!("{} runs that are killed", cases.len());
    assert!(!is_full() || 250 <= cases.len(), "only {} runs are killed", cases.len());
    each(&cases, |case| {
        let project = project(example)?;
        for (nth, boundary) in case.split(" then ").enumerate() {
            let binary = binary().env("RAINGAUGE_CRASH_AT", boundary);
            let crash = binary.run(&project.root, &migrate())?;
            // A second run does not come by where the first one had only to be told that it is done.
            let has_passed = nth == 1 && crash.code == 0;
            check(crash.code == -6 || has_passed, || format!("not dead at {boundary}: {crash}"))?;
            no_book_is_lost(&project)?;
        }
        let again = binary().run(&project.root, &migrate())?;
        check(again.code == 0, || again.to_string())?;
        is_applied_once(&project)?;
        if case == &cases[cases.len() / 2] {
            let kit = judge::migrate(&project, Migrator::Programmatic, &project.database)?;
            check(kit.did_nothing(), || format!("{kit:?}"))?;
            is_applied_once(&project)?;
        }
        Ok(())
    })
}

#[test]
fn migrate_on_postgres_can_be_killed_at_every_statement_and_again() -> Result {
    killed_everywhere(Example::BookstorePostgres)
}

#[test]
fn migrate_on_sqlite_can_be_killed_at_every_statement_and_again() -> Result {
    killed_everywhere(Example::BookstoreSqlite)
}
