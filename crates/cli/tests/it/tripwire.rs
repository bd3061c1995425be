//! Rows that no statement names: what a migration sets off is noticed inside its own transaction, and
//! what others do meanwhile is not held against it.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use raingauge_testkit::{Example, Project, Result};

use crate::run::{binary, run};
use crate::steps::{BOOKS, says, with_pending, write_history};

/// A project with a pending `sql` on top of `books`, with what `make` makes beside it.
fn with(make: &str, rows: &str, sql: &str) -> Result<Project> {
    let project = with_pending(Example::BookstorePostgres, make)?;
    run(&project, &["migrate"], 0)?;
    project.database.sql(rows)?;
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", make), ("0002_next", sql)])?;
    Ok(project)
}

/// Nothing is changed by a `migrate` that refuses with this code.
#[track_caller]
fn refuses(project: &Project, parts: &[&str]) -> Result {
    let before = project.database.state()?;
    says(&run(project, &["migrate"], 1)?, parts);
    assert_eq!(before.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

/// A trigger on `books` that does this.
fn trigger(does: &str) -> String {
    format!(
        "CREATE TABLE notes (id integer);--> statement-breakpoint
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN NULL; END $$;--> statement-breakpoint
CREATE TRIGGER t AFTER INSERT ON books FOR EACH ROW EXECUTE FUNCTION f();"
    )
}

const NOTES: &str = "INSERT INTO notes VALUES (1), (2), (3)";
const INSERT: &str = "INSERT INTO books VALUES (1, 'Emma');";

#[test]
fn t46_rows_that_a_trigger_deletes_behind_an_insert_roll_it_back() -> Result {
    let project = with(&trigger("DELETE FROM notes WHERE id < 3"), NOTES, INSERT)?;
    refuses(
        &project,
        &["rows-lost", "`notes` had 3 rows and would have 1", "--allow delete:notes"],
    )?;
    // What the same session did before, and what was there before, is not held against it.
    run(&project, &["migrate", "--allow", "delete:notes"], 0)?;
    assert_eq!(project.database.value("SELECT count(*) FROM notes")?, "1");
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn t46_a_table_that_a_trigger_empties_rolls_the_migration_back() -> Result {
    let project = with(&trigger("TRUNCATE notes"), NOTES, INSERT)?;
    refuses(&project, &["rows-lost", "`notes` had 3 rows and would have 0"])?;
    project.database.sql("DELETE FROM notes; VACUUM notes")?;
    run(&project, &["migrate"], 0)?;
    Ok(())
}

#[test]
fn t47_references_that_are_set_null_are_told_and_those_that_go_too() -> Result {
    let make = "CREATE TABLE kept (book integer REFERENCES books ON DELETE SET NULL);
        CREATE TABLE gone (book integer REFERENCES books ON DELETE CASCADE);";
    let rows = "INSERT INTO books VALUES (1, 'Emma'); INSERT INTO kept VALUES (1), (1); INSERT INTO gone VALUES (1)";
    let project = with(make, rows, "DELETE FROM books;")?;
    refuses(&project, &["deletion-not-allowed", "--allow delete:books"])?;
    run(&project, &["backup"], 0)?;
    let done = run(&project, &["migrate", "--allow", "delete:books"], 0)?;
    // A backup that lies there may be older than the newest rows.
    let parts =
        ["take and verify", "`kept` changed in 2 rows", "`gone` lost 1 rows by ON DELETE CASCADE"];
    says(&done, &parts);
    let backups = std::fs::read_dir(project.path(".raingauge/backups"))?.count();
    assert_eq!(backups, 2);
    Ok(())
}

#[test]
fn what_an_exception_takes_back_inside_a_function_is_no_loss() -> Result {
    for tried in ["DELETE FROM notes", "UPDATE notes SET id = 0"] {
        let back = format!("BEGIN {tried}; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END");
        let project = with(&trigger(&back), NOTES, INSERT)?;
        run(&project, &["migrate"], 0)?;
        assert_eq!(project.database.value("SELECT sum(id) FROM notes")?, "6");
    }
    // What the exception does not take back is one.
    let both = "BEGIN DELETE FROM notes WHERE id = 1; RAISE 'no'; EXCEPTION WHEN OTHERS THEN
        DELETE FROM notes WHERE id = 3; END";
    let project = with(&trigger(both), NOTES, INSERT)?;
    refuses(&project, &["rows-lost", "`notes`"])
}

#[test]
fn t47_values_that_nobody_named_are_not_overwritten() -> Result {
    let sql = "DO $$ BEGIN EXECUTE 'UP' || 'DATE notes SET id = 0'; END $$;";
    let project = with("CREATE TABLE notes (id integer);", NOTES, sql)?;
    refuses(&project, &["rows-changed", "3 rows of `notes`", "--allow update:notes"])?;
    run(&project, &["migrate", "--allow", "update:notes"], 0)?;
    assert_eq!(project.database.value("SELECT sum(id) FROM notes")?, "0");
    Ok(())
}

#[test]
fn rows_that_others_delete_meanwhile_raise_no_alarm() -> Result {
    // The one is watched by what the server says of its transaction, the other is counted.
    for sql in ["INSERT INTO books SELECT 1, 'Emma' FROM pg_sleep(3);", "SELECT pg_sleep(3);"] {
        let project = with("CREATE TABLE notes (id integer);", NOTES, sql)?;
        let mut command = binary().command(&project.root, &["migrate"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let since = Instant::now();
        let sleeping = "SELECT count(*) FROM pg_stat_activity
            WHERE wait_event = 'PgSleep' AND datname = current_database()";
        while project.database.value(sleeping)? == "0" && since.elapsed() < Duration::from_secs(90)
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        project.database.sql("DELETE FROM notes WHERE id < 3; UPDATE notes SET id = 7")?;
        let output = child.wait_with_output()?;
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(project.database.value("SELECT sum(id) FROM notes")?, "7");
    }
    Ok(())
}

#[test]
fn t46_on_sqlite_rows_that_a_trigger_deletes_behind_an_insert_roll_it_back() -> Result {
    let project = with_pending(Example::BookstoreSqlite, "CREATE TABLE notes (id integer);")?;
    run(&project, &["migrate"], 0)?;
    project.database.sql(NOTES)?;
    let trigger =
        "CREATE TRIGGER t AFTER INSERT ON books BEGIN DELETE FROM notes WHERE id < 3; END;";
    let more = ("0001_more", "CREATE TABLE notes (id integer);");
    write_history(&project, &[("0000_books", BOOKS), more, ("0002_trigger", trigger)])?;
    run(&project, &["migrate"], 0)?;
    let all = [("0000_books", BOOKS), more, ("0002_trigger", trigger), ("0003_row", INSERT)];
    write_history(&project, &all)?;
    refuses(&project, &["rows-lost", "`notes` had 3 rows and would have 1"])
}

#[test]
fn t45_what_a_cascade_takes_with_it_is_named_unless_it_is_made_again() -> Result {
    let make = "CREATE VIEW titles AS SELECT title FROM books;
        CREATE TABLE loans (book integer CONSTRAINT loans_book REFERENCES books);";
    let drop = "ALTER TABLE books DROP COLUMN title CASCADE;";
    let project = with(make, INSERT, drop)?;
    refuses(&project, &["cascade-drops", "titles", "--allow drop:titles"])?;
    let again =
        format!("{drop}--> statement-breakpoint\nCREATE VIEW titles AS SELECT id FROM books;");
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", make), ("0002_next", &again)])?;
    refuses(&project, &["deletion-not-allowed", "--allow drop:books.title"])?;
    run(&project, &["migrate", "--allow", "drop:books.title"], 0)?;
    let whole = "DROP TABLE books CASCADE;";
    let all =
        [("0000_books", BOOKS), ("0001_more", make), ("0002_next", &again), ("0003_gone", whole)];
    write_history(&project, &all)?;
    refuses(&project, &["cascade-drops", "loans_book", "titles", "--allow drop:loans.loans_book"])?;
    Ok(())
}

/// A `migrate` that waits at a boundary until it is let go on.
pub(crate) struct Paused {
    child: Child,
    /// What it has not said yet.
    rest: Lines<BufReader<ChildStderr>>,
}

impl Paused {
    fn at(project: &Project, boundary: &str, url: Option<&str>) -> Result<Self> {
        let mut arguments = vec!["migrate"];
        arguments.extend(url.iter().flat_map(|it| ["--url", *it]));
        Self::with(project, &arguments, boundary)
    }

    pub(crate) fn with(project: &Project, arguments: &[&str], boundary: &str) -> Result<Self> {
        let binary = binary().env("RAINGAUGE_PAUSE_AT", boundary);
        let mut command = binary.command(&project.root, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut rest = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let mut seen = rest.by_ref().map_while(std::io::Result::ok).inspect(|it| println!("{it}"));
        assert!(seen.any(|it| it.starts_with("paused")), "it never came to {boundary}");
        Ok(Self { child, rest })
    }

    /// Lets it go on; gives its exit code and what it says on standard error from there on.
    pub(crate) fn said(mut self) -> Result<(Option<i32>, String)> {
        drop(self.child.stdin.take());
        let said: Vec<_> = self.rest.by_ref().map_while(std::io::Result::ok).collect();
        Ok((self.child.wait()?.code(), said.join("\n")))
    }

    /// Lets it go on; gives its exit code.
    pub(crate) fn go_on(mut self) -> Result<Option<i32>> {
        drop(self.child.stdin.take());
        Ok(self.child.wait()?.code())
    }
}

#[test]
fn t35_a_row_that_another_migrator_records_meanwhile_is_seen_inside_the_transaction() -> Result {
    let sql = "INSERT INTO books VALUES (1, 'Emma');";
    let project = with_pending(Example::BookstorePostgres, sql)?;
    let paused = Paused::at(&project, "migrate/0001_more/begin", None)?;
    // As drizzle-kit does it, which takes no lock.
    crate::refusals::history::record_as(&project, "0001_more", 1)?;
    assert_eq!(paused.go_on()?, Some(1));
    assert_eq!(project.database.value("SELECT count(*) FROM books")?, "0");
    assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 2);
    Ok(())
}

#[test]
fn t37_a_connection_that_breaks_before_the_commit_leaves_nothing() -> Result {
    let project = with_pending(Example::BookstorePostgres, INSERT)?;
    let paused = Paused::at(&project, "migrate/0001_more/applied", None)?;
    project.database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'",
    )?;
    assert_eq!(paused.go_on()?, Some(2));
    assert_eq!(project.database.value("SELECT count(*) FROM books")?, "0");
    run(&project, &["migrate"], 0)?;
    assert_eq!(project.database.value("SELECT count(*) FROM books")?, "1");
    Ok(())
}
