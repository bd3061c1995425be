//! `migrate`, killed at every statement and every step, once and twice: nothing is lost, a rerun converges, and
//! the real drizzle-kit agrees.

use std::sync::Arc;

use raingauge_testkit::database::text_differences;
use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor};
use raingauge_testkit::{Example, Project, Raingauge, Result, Run};

use super::is_full;
use super::scene::{check, each};
use crate::mysql_backup::client;
use crate::mysql_corpus::bare;
use crate::mysql_migrate;
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

/// What MySQL and MariaDB have pending: of each kind of statement some that commit by themselves, and some that do not.
const MYSQL: [(&str, &str); 4] = [
    (
        "0001_more",
        "CREATE TABLE `notes` (`id` int PRIMARY KEY, `book` int, CONSTRAINT `of_book` FOREIGN KEY (`book`) REFERENCES `books` (`id`));--> statement-breakpoint
INSERT INTO `notes` SELECT `id`, `id` FROM `books`;--> statement-breakpoint
ALTER TABLE `books` ADD COLUMN `shelf` varchar(100) NOT NULL DEFAULT 'A';--> statement-breakpoint
CREATE INDEX `books_shelf` ON `books` (`shelf`);",
    ),
    (
        "0002_change",
        "UPDATE `books` SET `shelf` = `title`;--> statement-breakpoint
DELETE FROM `notes` WHERE `id` = 1;--> statement-breakpoint
ALTER TABLE `notes` ADD COLUMN `at` int;",
    ),
    (
        "0003_mixed",
        "CREATE TABLE `rooms` (`id` int);--> statement-breakpoint
INSERT INTO `rooms` VALUES (1);--> statement-breakpoint
CREATE VIEW `shelves` AS SELECT `shelf` FROM `books`;--> statement-breakpoint
INSERT INTO `rooms` VALUES (2);--> statement-breakpoint
ALTER TABLE `books` ADD CONSTRAINT `one_shelf` UNIQUE (`shelf`);",
    ),
    ("0004_drop", "ALTER TABLE `books` DROP COLUMN `title`;"),
];

const MYSQL_BOOKS: &str =
    "CREATE TABLE `books` (`id` int NOT NULL PRIMARY KEY, `title` varchar(100));";

const ROWS: &str = "INSERT INTO books VALUES (1, 'Emma'), (2, 'Persuasion'), (3, 'Pnin')";

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

/// A database with migrations pending, and its project.
struct Pending {
    project: Project,
    /// The database, where it is none of the project's own.
    mysql: Option<MySqlDatabase>,
}

impl Pending {
    fn of(example: Example) -> Result<Self> {
        let more = match example {
            Example::BookstorePostgres => POSTGRES,
            Example::BookstoreSqlite => SQLITE,
        };
        let project = with_pending(example, more[0].1)?;
        write_history(&project, &[&[("0000_books", BOOKS)], &more[..]].concat())?;
        project.database.sql(ROWS)?;
        Ok(Self { project, mysql: None })
    }

    /// A database whose first migration ran by itself, or was copied from `before`, which its dump is.
    fn of_mysql(server: &Arc<MySql>, before: Option<&str>) -> Result<Self> {
        let books = ("0000_books", MYSQL_BOOKS);
        let database = server.database("matrix")?;
        let project = bare(&database, 0)?;
        mysql_migrate::write_history(&project, &[books])?;
        let pending = Self { project, mysql: Some(database) };
        if let Some(before) = before {
            pending.value(before)?;
        } else {
            pending.run(&binary(), &["migrate"])?.success()?;
            pending.value(ROWS)?;
        }
        mysql_migrate::write_history(&pending.project, &[&[books], &MYSQL[..]].concat())?;
        Ok(pending)
    }

    fn run(&self, binary: &Raingauge, arguments: &[&str]) -> Result<Run> {
        let scratch = self.mysql.as_ref().map(|it| it.server.url("mysql"));
        let scratch = scratch.iter().flat_map(|it| ["--scratch", it]);
        let arguments: Vec<_> = arguments.iter().copied().chain(scratch).collect();
        binary.run(&self.project.root, &arguments)
    }

    fn migrate(&self, binary: &Raingauge) -> Result<Run> {
        let client = self.mysql.as_ref().and_then(|it| client(it.server.release));
        let client = client.iter().flatten().map(String::as_str);
        let arguments: Vec<_> = ["migrate"].into_iter().chain(ALLOWED).chain(client).collect();
        self.run(binary, &arguments)
    }

    fn value(&self, query: &str) -> Result<String> {
        match &self.mysql {
            Some(it) => Ok(it.sql(query)?.trim_end().replace('\t', "|")),
            None => self.project.database.value(query),
        }
    }

    fn n_recorded(&self) -> Result<usize> {
        match &self.mysql {
            Some(_) => Ok(self.value("SELECT count(*) FROM __drizzle_migrations")?.parse()?),
            None => Ok(self.project.database.ledger()?.unwrap_or_default().len()),
        }
    }

    /// Everything happened exactly once.
    fn is_applied_once(&self) -> Result {
        for (query, expected) in [
            ("SELECT count(*), sum(id) FROM notes", "2|5"),
            (
                "SELECT count(*), sum(id) FROM books WHERE shelf IN ('Emma', 'Persuasion', 'Pnin')",
                "3|6",
            ),
            ("SELECT count(*), sum(id) FROM rooms", "2|3"),
        ] {
            let found = self.value(query)?;
            check(found == expected, || format!("{query}: {found}"))?;
        }
        let n = self.n_recorded()?;
        check(n == 5, || format!("{n} rows in the ledger"))?;
        let validate = self.run(&binary(), &["validate"])?;
        check(validate.code == 0, || validate.to_string())
    }

    /// No book goes at any moment, whatever of the migrations is in effect.
    fn no_book_is_lost(&self) -> Result {
        let books = self.value("SELECT count(*), sum(id) FROM books")?;
        check(books == "3|6", || format!("books: {books}"))
    }

    /// The real migrator finds nothing to do.
    fn the_kit_agrees(&self) -> Result {
        let Some(database) = &self.mysql else {
            let (project, migrator) = (&self.project, Migrator::Programmatic);
            let kit = judge::migrate(project, migrator, &project.database)?;
            return check(kit.did_nothing(), || format!("{kit:?}"));
        };
        let before = database.dump(&[])?;
        for migrator in Migrator::ALL {
            let run = judge::mysql::migrate(&self.project, migrator, database)?;
            let changes = text_differences(&before, &database.dump(&[])?);
            check(run.code == 0 && changes.is_empty(), || format!("{run}: {changes:#?}"))?;
        }
        Ok(())
    }
}

/// The boundaries of a whole run, of statements and of steps.
fn boundaries(pending: &Pending) -> Result<Vec<String>> {
    let traced = pending.migrate(&binary().env("RAINGAUGE_TRACE_BOUNDARIES", "1"))?;
    check(traced.code == 0, || traced.to_string())?;
    pending.is_applied_once()?;
    let names = traced.stderr.lines().filter_map(|it| it.strip_prefix("boundary "));
    let is_of_migration = |it: &&str| it.starts_with("migrate/") || it.starts_with("statement/");
    Ok(names.filter(is_of_migration).map(str::to_owned).collect())
}

/// The boundaries to die at, one after the other, joined by `then`: a few of them; in a full run all, and
/// about so many pairs.
fn cases(all: &[String], (n_few, n_pairs): (usize, usize)) -> Vec<String> {
    if !is_full() {
        let last = all.len() - 1;
        let few = [1, last / 3, last / 2, last - 2].map(|at| all[at].clone());
        return few.into_iter().rev().take(n_few).collect();
    }
    let pairs = all.iter().enumerate().flat_map(|(at, first)| {
        // What comes later, at distances that differ.
        (at + 1..all.len()).step_by(1 + at % 3).map(move |it| format!("{first} then {}", all[it]))
    });
    let pairs: Vec<_> = pairs.collect();
    let step = pairs.len().div_ceil(n_pairs);
    all.iter().cloned().chain(pairs.into_iter().step_by(step)).collect()
}

fn killed_everywhere(
    pending: impl Fn() -> Result<Pending> + Sync,
    counts: (usize, usize),
) -> Result {
    let all = boundaries(&pending()?)?;
    assert!(20 <= all.len(), "{all:#?}");
    let cases = cases(&all, counts);
    println!("{} runs that are killed", cases.len());
    assert!(!is_full() || 120 <= cases.len(), "only {} runs are killed", cases.len());
    each(&cases, |case| {
        let pending = pending()?;
        for (nth, boundary) in case.split(" then ").enumerate() {
            let crash = pending.migrate(&binary().env("RAINGAUGE_CRASH_AT", boundary))?;
            // A second run does not come by where the first one had only to be told that it is done.
            let has_passed = nth == 1 && crash.code == 0;
            check(crash.code == -6 || has_passed, || format!("not dead at {boundary}: {crash}"))?;
            pending.no_book_is_lost()?;
        }
        let again = pending.migrate(&binary())?;
        check(again.code == 0, || again.to_string())?;
        pending.is_applied_once()?;
        if case == &cases[cases.len() / 2] {
            pending.the_kit_agrees()?;
            pending.is_applied_once()?;
        }
        Ok(())
    })
}

#[test]
fn migrate_on_postgres_can_be_killed_at_every_statement_and_again() -> Result {
    killed_everywhere(|| Pending::of(Example::BookstorePostgres), (4, 1000))
}

#[test]
fn migrate_on_sqlite_can_be_killed_at_every_statement_and_again() -> Result {
    killed_everywhere(|| Pending::of(Example::BookstoreSqlite), (4, 1000))
}

fn killed_on(vendor: Vendor) -> Result {
    let server = match MySql::shared(vendor) {
        Ok(server) => server,
        Err(failure) => {
            println!("skipped: {vendor:?}: {failure}");
            return Ok(());
        }
    };
    let first = Pending::of_mysql(&server, None)?;
    let before = first.mysql.as_ref().map_or(Ok(String::new()), |it| it.dump(&[]))?;
    killed_everywhere(|| Pending::of_mysql(&server, Some(&before)), (2, 100))
}

#[test]
fn migrate_on_mariadb_can_be_killed_at_every_statement_and_again() -> Result {
    killed_on(Vendor::MariaDb)
}

#[test]
fn migrate_on_mysql_can_be_killed_at_every_statement_and_again() -> Result {
    killed_on(Vendor::MySql)
}
