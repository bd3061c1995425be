//! Migrations that no transaction can hold: run step by step, killed, failing, and gone on with.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use raingauge_testkit::{Database, Example, Failure, Project, Result, Run};

use crate::crash::is_full;
use crate::crash::scene::{check, each};
use crate::refusals::history;
use crate::run::{binary, run};

pub(crate) const BOOKS: &str = "CREATE TABLE books (id integer PRIMARY KEY NOT NULL, title text);";

/// A table, an index beside the traffic, a row, and a column: four steps of which two write.
const IN_STEPS: &str = "CREATE TABLE notes (id integer);--> statement-breakpoint
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS books_title ON books (title);--> statement-breakpoint
INSERT INTO notes VALUES (1);--> statement-breakpoint
COMMIT;--> statement-breakpoint
ALTER TABLE books ADD COLUMN shelf text;";

/// A project whose database has `books`, with a ledger that somebody has commented.
pub(crate) fn adopted(example: Example) -> Result<Project> {
    let project = history::project(example, 0)?;
    write_history(&project, &[("0000_books", BOOKS)])?;
    run(&project, &["migrate"], 0)?;
    if example == Example::BookstorePostgres {
        project.database.sql("COMMENT ON TABLE drizzle.__drizzle_migrations IS 'mine'")?;
    }
    Ok(project)
}

/// Adds a pending migration to the adopted project.
pub(crate) fn with_pending(example: Example, sql: &str) -> Result<Project> {
    let project = adopted(example)?;
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", sql)])?;
    Ok(project)
}

pub(crate) fn write_history(project: &Project, migrations: &[(&str, &str)]) -> Result {
    let (dialect, version) = match project.database {
        Database::Postgres(_) => ("postgresql", "7"),
        Database::Sqlite(_) => ("sqlite", "6"),
    };
    let entry = |(idx, (tag, _)): (i64, &(&str, &str))| {
        let when = history::WHENS[0] + idx * 100_000;
        serde_json::json!({
            "idx": idx, "version": version, "when": when, "tag": tag, "breakpoints": true
        })
    };
    let entries: Vec<_> = (0..).zip(migrations).map(entry).collect();
    let journal = serde_json::json!({ "version": "7", "dialect": dialect, "entries": entries });
    project.write("drizzle/meta/_journal.json", &serde_json::to_string_pretty(&journal)?)?;
    migrations.iter().try_for_each(|(tag, sql)| project.write(&format!("drizzle/{tag}.sql"), sql))
}

const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";

/// Everything of [`IN_STEPS`] is there once, and the ledger is as if nothing had happened.
fn everything_is_applied_once(project: &Project) -> Result {
    let database = &project.database;
    for (query, expected) in [
        ("SELECT count(*) FROM notes", "1"),
        (
            "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid = 'books_title'::regclass",
            "1",
        ),
        (INVALID, "0"),
        ("SELECT count(shelf) FROM books", "0"),
        ("SELECT obj_description('drizzle.__drizzle_migrations'::regclass)", "mine"),
    ] {
        let found = database.value(query)?;
        check(found == expected, || format!("{query}: {found}"))?;
    }
    let n_rows = database.ledger()?.unwrap_or_default().len();
    check(n_rows == 2, || format!("{n_rows} rows in the ledger"))?;
    let validate = binary().run(&project.root, &["validate"])?;
    check(validate.code == 0, || validate.to_string())
}

#[track_caller]
pub(crate) fn says(run: &Run, parts: &[&str]) {
    for part in parts {
        assert!(run.stderr.contains(part) || run.stdout.contains(part), "no `{part}`: {run}");
    }
}

#[test]
fn t37_steps_can_be_killed_at_every_boundary_and_nothing_is_done_twice() -> Result {
    let project = with_pending(Example::BookstorePostgres, IN_STEPS)?;
    let traced =
        binary().env("RAINGAUGE_TRACE_BOUNDARIES", "1").run(&project.root, &["migrate"])?;
    everything_is_applied_once(&project)?;
    let names = traced.stderr.lines().filter_map(|it| it.strip_prefix("boundary "));
    let is_of_step = |it: &&str| it.starts_with("migrate/0001_more/");
    let all: Vec<_> = names.filter(is_of_step).map(str::to_owned).collect();
    assert_eq!(11, all.len(), "{all:#?}");
    let sampled =
        ["step-1-committed", "step-2-noted", "step-2-ran", "step-3-applied", "step-3-committed"];
    let is_sampled = |it: &&String| is_full() || sampled.iter().any(|end| it.ends_with(end));
    let cases: Vec<_> = all.iter().filter(is_sampled).collect();
    each(&cases, |boundary| {
        let project = with_pending(Example::BookstorePostgres, IN_STEPS)?;
        let crash =
            binary().env("RAINGAUGE_CRASH_AT", boundary).run(&project.root, &["migrate"])?;
        check(crash.code == -6, || format!("did not die: {crash}"))?;
        let again = binary().run(&project.root, &["migrate"])?;
        check(again.code == 0, || again.to_string())?;
        everything_is_applied_once(&project)
    })
}

/// A `migrate` of somebody who was told that rows do not fit, and wants to see it.
const TRIED: [&str; 3] = ["migrate", "--allow", "try:0001_more"];

const TWINS: &str = "INSERT INTO books VALUES (1, 'Emma'), (2, 'Emma')";

#[test]
fn t40_an_index_that_failed_leaves_nothing_and_what_was_committed_is_named() -> Result {
    let project = with_pending(Example::BookstorePostgres, IN_STEPS)?;
    project.database.sql(TWINS)?;
    says(&run(&project, &["migrate"], 1)?, &["rows-refuse", "1 values are there more than once"]);
    let failed = run(&project, &TRIED, 3)?;
    let parts = [
        "0001_more.sql:2",
        "23505",
        "> ",
        "first of the migration's 4 steps is committed",
        "0001_more, step 1 of 4 (line 1)",
        "invalid index \"public\".\"books_title\" that it left was removed",
        "raingauge migrate",
    ];
    says(&failed, &parts);
    assert_eq!(project.database.value(INVALID)?, "0");
    says(&run(&project, &["status"], 1)?, &["migration-unfinished", "step 1 of 4", "rows-refuse"]);
    run(&project, &["validate"], 1)?;
    run(&project, &TRIED, 3)?;
    project.database.sql("UPDATE books SET title = 'Persuasion' WHERE id = 2")?;
    run(&project, &["migrate"], 0)?;
    everything_is_applied_once(&project)
}

#[test]
fn t40_an_index_that_a_killed_build_left_invalid_is_built_again() -> Result {
    let project = with_pending(Example::BookstorePostgres, IN_STEPS)?;
    let mut reader =
        Holder::of(&project, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM books;")?;
    let mut command = binary().command(&project.root, &["migrate"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let since = Instant::now();
    while project.database.value(INVALID)? == "0" && since.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait()?;
    // The server still builds for nobody: it is waited for, not raced.
    let waiting = run(&project, &["migrate", "--wait", "1"], 1)?;
    says(&waiting, &["lock-held", "still runs in server process"]);
    project.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index")?;
    reader.end();
    assert_eq!(project.database.value(INVALID)?, "1");
    says(&run(&project, &["status"], 0)?, &["books_title", "is invalid"]);
    says(&run(&project, &["migrate"], 0)?, &["remove the invalid index"]);
    everything_is_applied_once(&project)
}

#[test]
fn t37_a_migration_that_fails_outside_of_a_transaction_takes_no_earlier_one_with_it() -> Result {
    let first = "CREATE TABLE notes (id integer);";
    let project = with_pending(Example::BookstorePostgres, first)?;
    let index = "CREATE UNIQUE INDEX CONCURRENTLY one ON books (title);";
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", first), ("0002_index", index)])?;
    project.database.sql(TWINS)?;
    let failed = run(&project, &["migrate", "--allow", "try:0002_index"], 3)?;
    says(&failed, &["0002_index.sql:1", "0001_more"]);
    assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 2);
    assert_eq!(project.database.value("SELECT count(*) FROM notes")?, "0");
    assert_eq!(project.database.value(INVALID)?, "0");
    says(&run(&project, &["status"], 1)?, &["2 recorded, 1 pending"]);
    project.database.sql("DELETE FROM books WHERE id = 2")?;
    run(&project, &["migrate"], 0)?;
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn t43_the_first_of_two_alterations_does_not_stay_when_the_second_fails() -> Result {
    // MySQL commits the first for itself; what these two can take back, they take back.
    let sql = "ALTER TABLE books ADD COLUMN name text;--> statement-breakpoint
CREATE UNIQUE INDEX one ON books (title);";
    for example in Example::ALL {
        let project = with_pending(example, sql)?;
        project.database.sql(TWINS)?;
        let before = project.database.state()?;
        says(&run(&project, &["migrate"], 1)?, &["rows-refuse"]);
        says(&run(&project, &TRIED, 2)?, &["0001_more.sql:2", "the migration was rolled back"]);
        assert_eq!(before.differences(&project.database.state()?), [""; 0]);
        project.database.sql("DELETE FROM books WHERE id = 2")?;
        run(&project, &["migrate"], 0)?;
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t38_a_commit_inside_a_file_ends_a_step_and_the_rest_can_be_corrected() -> Result {
    let sql = "CREATE TABLE a (id integer);\nCOMMIT;\nCREATE UNIQUE INDEX one ON books (title);";
    let project = with_pending(Example::BookstorePostgres, sql)?;
    project.database.sql(TWINS)?;
    says(&run(&project, &TRIED, 3)?, &["0001_more.sql:3", "step 1 of 2"]);
    let path = "drizzle/0001_more.sql";
    project.edit(path, "TABLE a (id", "TABLE a (di")?;
    says(&run(&project, &["migrate"], 1)?, &["unfinished-edited"]);
    project.edit(path, "TABLE a (di", "TABLE a (id")?;
    project.edit(path, "UNIQUE INDEX", "INDEX")?;
    run(&project, &["migrate"], 0)?;
    assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 2);
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn t38_what_another_migrator_committed_is_seen_and_gone_on_from() -> Result {
    let sql = "CREATE TABLE a (id integer);\nCOMMIT;\nCREATE TABLE b (id integer);";
    let project = with_pending(Example::BookstorePostgres, sql)?;
    project.database.sql("CREATE TABLE a (id integer)")?;
    run(&project, &["migrate"], 0)?;
    run(&project, &["validate"], 0)?;
    // With rows in between nobody can tell.
    let rows = "INSERT INTO a VALUES (1);\nCOMMIT;\nCREATE TABLE c (id integer);\nCOMMIT;\nCREATE TABLE d ();";
    let all = [("0000_books", BOOKS), ("0001_more", sql), ("0002_rows", rows)];
    write_history(&project, &all)?;
    project.database.sql("CREATE TABLE c (id integer)")?;
    says(&run(&project, &["migrate"], 1)?, &["position-ambiguous", "0002_rows"]);
    Ok(())
}

#[test]
fn t39_a_value_of_an_enum_can_be_used_by_the_migration_that_adds_it() -> Result {
    let sql = "CREATE TYPE mood AS ENUM ('a');--> statement-breakpoint
CREATE TABLE moods (mood mood);--> statement-breakpoint
COMMIT;--> statement-breakpoint
ALTER TYPE mood ADD VALUE 'b';--> statement-breakpoint
INSERT INTO moods VALUES ('b');--> statement-breakpoint
VACUUM moods;";
    let project = with_pending(Example::BookstorePostgres, sql)?;
    says(&run(&project, &["migrate"], 0)?, &["runs-in-steps"]);
    assert_eq!(project.database.value("SELECT count(*) FROM moods")?, "1");
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn t38_on_sqlite_a_transaction_of_the_files_own_is_part_of_ours() -> Result {
    let sql = [
        "BEGIN;",
        "CREATE TABLE a (id integer);",
        "COMMIT;",
        "VACUUM;",
        "CREATE UNIQUE INDEX one ON books (title);",
    ]
    .join("--> statement-breakpoint\n");
    let project = with_pending(Example::BookstoreSqlite, &sql)?;
    project.database.sql(TWINS)?;
    says(&run(&project, &TRIED, 2)?, &["0001_more.sql:5", "the migration was rolled back"]);
    assert!(!project.database.tables()?.contains(&"\"a\"".to_owned()));
    project.database.sql("DELETE FROM books WHERE id = 2")?;
    run(&project, &["migrate"], 0)?;
    run(&project, &["validate"], 0)?;
    Ok(())
}

/// A session of somebody else's, which holds on to what it has until it is ended.
pub(crate) struct Holder(Child);

impl Holder {
    pub(crate) fn of(project: &Project, sql: &str) -> Result<Self> {
        let Database::Postgres(it) = &project.database else {
            return Err(Failure::new("not PostgreSQL"));
        };
        let mut psql = it.server.psql(&it.name);
        let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        writeln!(psql.stdin.as_mut().expect("stdin is piped"), "{sql}")?;
        let mut line = String::new();
        BufReader::new(psql.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        Ok(Self(psql))
    }

    pub(crate) fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn t41_a_lock_is_not_waited_for_in_everybodys_way_and_its_holder_is_named() -> Result {
    let project =
        with_pending(Example::BookstorePostgres, "ALTER TABLE books ADD COLUMN shelf text;")?;
    let mut holder = Holder::of(&project, "BEGIN; SELECT 'read', count(*) FROM books;")?;
    let stopped = run(&project, &["migrate", "--wait", "2"], 2)?;
    let parts = [
        "lock-timeout",
        "0001_more.sql:1",
        "rolled back",
        "server process",
        "idle in",
        "SELECT 'read'",
    ];
    says(&stopped, &parts);
    let mut command = binary().command(&project.root, &["migrate", "--wait", "60"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // While it waits, nobody else waits longer than the lock timeout.
    let since = Instant::now();
    let mut longest = Duration::ZERO;
    while since.elapsed() < Duration::from_secs(4) {
        let begun = Instant::now();
        project.database.value("SELECT count(*) FROM books")?;
        longest = longest.max(begun.elapsed());
    }
    assert!(longest < Duration::from_millis(1500), "{longest:?}");
    holder.end();
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn a_statement_that_takes_too_long_is_cancelled_and_rolled_back() -> Result {
    let sql = "CREATE TABLE a (id integer);--> statement-breakpoint\nSELECT pg_sleep(count(*)) FROM books;";
    let project = with_pending(Example::BookstorePostgres, sql)?;
    project.database.sql("INSERT INTO books SELECT n, n::text FROM generate_series(1, 60) AS n")?;
    let stopped = run(&project, &["migrate", "--statement-timeout", "1"], 2)?;
    says(&stopped, &["57014", "0001_more.sql:2", "--statement-timeout", "rolled back"]);
    assert_eq!(project.database.value("SELECT to_regclass('a')")?, "");
    Ok(())
}
