//! The follow-up in folders: written by the rules of Drizzle 1.0, and found in order by 1.0 itself.

use std::fs;

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result, judge};

use super::folders;
use crate::run::{run, verdict};

const SCHEMA: &str = "src/db/schema.ts";
const INIT: &str = "db/init.sql";

/// Adopts the project; the real Drizzle 1.0 then finds all in order, and would have written the follow-up
/// with the same words.
#[track_caller]
fn adopted(project: &Project, names: &[&str]) -> Result {
    let before = project.database.state()?;
    let done = run(project, &["execute", "--confirm"], 0)?;
    assert_eq!(verdict(&done), "execute: clean");
    let after = project.database.state()?;
    for (table, rows) in before.rows.iter().filter(|it| !it.0.contains("sqlite_sequence")) {
        assert_eq!(after.rows.get(table), Some(rows), "{table} is not what it was");
    }
    let folders = folders(project)?;
    let found: Vec<_> = folders.iter().filter_map(|it| Some(it.split_once('_')?.1)).collect();
    assert_eq!(found, names);
    assert_eq!(verdict(&run(project, &["validate"], 0)?), "validate: clean");
    let good = judge::verdict(project, Some(INIT))?;
    assert!(good.is_good(), "{good}");
    match folders.last().filter(|it| it.ends_with("_follow_up")) {
        Some(last) => as_the_kit_writes_it(project, last),
        None => Ok(()),
    }
}

/// Lets the kit write the last migration once more.
pub(super) fn as_the_kit_writes_it(project: &Project, last: &str) -> Result {
    let ours = project.read(&format!("drizzle/{last}/migration.sql"))?;
    fs::rename(project.path(&format!("drizzle/{last}")), project.path("taken-away"))?;
    let generated = judge::generate(project)?;
    let folders = folders(project)?;
    let theirs = folders.iter().find(|it| it.ends_with("_judge"));
    assert!(theirs.is_some(), "nothing was generated: {}", generated.run);
    let theirs = theirs.map(String::as_str).unwrap_or_default();
    assert_eq!(ours, project.read(&format!("drizzle/{theirs}/migration.sql"))?);
    Ok(())
}

/// A bookstore of 1.0 with another beginning: each is a text of `db/init.sql` and what stands there instead.
fn beginning(example: Example, edits: &[(&str, &str)]) -> Result<Project> {
    let project = Project::with_drizzle_1(example, Age::Empty)?;
    for (from, to) in edits {
        project.edit(INIT, from, to)?;
    }
    project.load(INIT)?;
    Ok(project)
}

const ALL: [&str; 3] = ["baseline", "seed", "follow_up"];

#[test]
fn t26_what_schema_ts_does_not_name_keeps_the_name_that_live_has_for_it() -> Result {
    let project = Project::with_drizzle_1(Example::BookstorePostgres, Age::Lived)?;
    project.database.sql(
        "ALTER TABLE books RENAME CONSTRAINT books_pkey TO pk_books;
         ALTER TABLE books RENAME CONSTRAINT books_isbn_unique TO books_isbn_once;
         ALTER INDEX books_author_title_idx RENAME TO by_author;",
    )?;
    project.edit(SCHEMA, "unique(\"books_isbn_unique\")", "unique()")?;
    project.edit(SCHEMA, "index(\"books_author_title_idx\")", "index()")?;
    adopted(&project, &ALL)?;
    let live = project.database.schema()?;
    for name in ["pk_books", "books_isbn_once", "by_author"] {
        assert!(live.contains(name), "{name} is gone from\n{live}");
    }
    Ok(())
}

#[test]
fn a_unique_constraint_of_sqlite_is_what_1_0_means_by_unique() -> Result {
    let project = beginning(
        Example::BookstoreSqlite,
        &[
            ("isbn         text NOT NULL,", "isbn         text NOT NULL UNIQUE,"),
            ("CREATE UNIQUE INDEX books_isbn_unique ON books (isbn);\n", ""),
        ],
    )?;
    adopted(&project, &ALL)
}

#[test]
fn t46_a_table_that_1_0_makes_anew_for_a_unique_constraint_keeps_its_rows() -> Result {
    let project = Project::with_drizzle_1(Example::BookstoreSqlite, Age::Lived)?;
    project.edit(
        SCHEMA,
        "title: text(\"title\").notNull()",
        "title: text(\"title\").notNull().unique()",
    )?;
    adopted(&project, &ALL)?;
    let live = project.database.schema()?;
    assert!(live.contains("`title` text NOT NULL UNIQUE"), "{live}");
    Ok(())
}

#[test]
fn t49_what_the_new_table_would_not_have_stops_the_follow_up() -> Result {
    for (sql, lost) in [
        ("CREATE INDEX books_by_format ON books (format)", "index books.books_by_format"),
        (
            "CREATE TRIGGER books_kept BEFORE DELETE ON books BEGIN SELECT RAISE(ABORT, 'kept'); END",
            "trigger books.books_kept",
        ),
    ] {
        let project = Project::with_drizzle_1(Example::BookstoreSqlite, Age::Lived)?;
        project.database.sql(sql)?;
        project.edit(
            SCHEMA,
            "title: text(\"title\").notNull()",
            "title: text(\"title\").notNull().unique()",
        )?;
        let (files, state) = (project.files()?, project.database.state()?);
        let refused = run(&project, &["reconcile", "--confirm"], 1)?;
        for part in ["error[follow-up-loses]", &format!("lost: {lost}")] {
            assert!(refused.stdout.contains(part), "no `{part}`: {refused}");
        }
        assert_eq!(file_differences(&files, &project.files()?), [""; 0]);
        assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    }
    Ok(())
}
