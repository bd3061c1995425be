//! `diff`: any two sides, and a script that makes the first what the second is, with the rows that it had.

mod sides;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, Run};
use serde_json::Value;

use crate::run::run;

fn project(example: Example) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    for gone in ["db/init.sql", "lived.sql", "docker-compose.yml"] {
        std::fs::remove_file(project.path(gone))?;
    }
    Ok(project)
}

/// The codes of the findings of a report, with their subjects.
fn findings(run: &Run) -> Result<Vec<(String, String)>> {
    let document: Value = run.json()?;
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    Ok(findings.iter().map(|it| (text(it, "code"), text(it, "subject"))).collect())
}

#[track_caller]
fn has(findings: &[(String, String)], code: &str, subject: &str) {
    let is_it = |it: &&(String, String)| it.0 == code && it.1.contains(subject);
    assert!(findings.iter().any(|it| is_it(&it)), "no {code} {subject} in {findings:?}");
}

/// Compares, applies what `--sql` prints to the database of the project, and compares again.
#[track_caller]
fn lead(project: &Project, from: &str, to: &str) -> Result<String> {
    let before = project.files()?;
    let script = run(project, &["diff", "--sql", from, to], 1)?.stdout;
    assert_eq!(project.files()?, before, "a file was written");
    project.database.sql(&script)?;
    let again = run(project, &["diff", "--sql", from, to], 0)?;
    assert!(again.stdout.contains("equal"), "{again}");
    Ok(script)
}

/// What no configuration of Drizzle can say, a part of which the other side has in another form.
const FROM: &str = "create type mood as enum ('sad', 'ok');
create table authors (id int primary key, name varchar(10) not null, old text);
create table books (id serial primary key, author int references authors, mood mood default 'ok',
    price numeric(8,2) check (price > 0), note text);
create index by_note on books (note);
create view cheap as select id, price from books where price < 5;
create function area(a int) returns int language sql as 'select a';
create table log (day date not null) partition by range (day);
create table log_1 partition of log for values from ('2026-01-01') to ('2026-02-01');
comment on table books is 'all of them';
insert into authors values (1, 'Ada', 'x');
insert into books (author, price, note) values (1, 9.5, 'first');
";

const TO: &str = "create type mood as enum ('sad', 'fine', 'ok');
create table authors (id int primary key, name varchar(20) not null, born date);
create table books (id serial primary key, author int references authors on delete cascade, mood mood default 'ok',
    price numeric(10,2) check (price >= 0), note text not null default '');
create unique index by_note on books (note);
create view cheap as select id, price from books where price < 7;
create function area(a int) returns int language sql as 'select a * a';
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touched before update on books for each row execute function touch();
create table log (day date not null) partition by range (day);
create table log_1 partition of log for values from ('2026-01-01') to ('2026-03-01');
create materialized view totals as select author, count(*) as n from books group by author;
comment on column books.note is 'a; note';
grant select on books to public;
";

#[test]
fn what_diff_prints_makes_a_postgres_database_what_a_script_builds_and_keeps_its_rows() -> Result {
    let project = project(Example::BookstorePostgres)?;
    project.database.sql(FROM)?;
    project.write("to.sql", TO)?;
    let url = project.database.url();
    let report = run(&project, &["diff", &url, "to.sql", "--format", "json"], 1)?;
    let found = findings(&report)?;
    for (code, subject) in [
        ("sides-differ", "to.sql"),
        ("deletes-data", "drop:authors.old"),
        ("diff-tried", "statements"),
    ] {
        has(&found, code, subject);
    }
    let script = lead(&project, &url, "to.sql")?;
    assert!(script.contains("-- deletes data (drop:authors.old)\n"), "{script}");
    assert!(script.contains("-- tried in scratch"), "{script}");
    let rows = project.database.sql(
        "select name from authors; select price, note, mood from books; select n from totals",
    )?;
    for value in ["Ada", "9.50", "first", "ok"] {
        assert!(rows.contains(value), "{rows}");
    }
    Ok(())
}

#[test]
fn what_schema_ts_cannot_say_is_told_and_stays() -> Result {
    let project = project(Example::BookstorePostgres)?;
    // A partition would go with its table, and that is refused.
    let lines = FROM.lines().filter(|it| !it.contains("log"));
    project.database.sql(&lines.collect::<Vec<_>>().join("\n"))?;
    project.write(
        "src/db/schema.ts",
        "import { sql } from \"drizzle-orm\";\nimport { pgTable, integer, text, bigint } from \"drizzle-orm/pg-core\";\n\
         export const authors = pgTable(\"authors\", { id: bigint(\"id\", { mode: \"number\" }).primaryKey(), name: text(\"name\").notNull() });\n",
    )?;
    let url = project.database.url();
    let report = run(&project, &["diff", &url, "src/db/schema.ts", "--format", "json"], 1)?;
    let found = findings(&report)?;
    has(&found, "not-compared", "schema.ts");
    has(&found, "deletes-data", "drop:books");
    lead(&project, &url, "src/db/schema.ts")?;
    let left = project.database.sql("select area(7), name from authors")?;
    assert!(left.contains("Ada") && left.contains('7'), "{left}");
    // The configuration names the same file.
    run(&project, &["diff", "drizzle.config.ts", "src/db/schema.ts"], 0)?;
    Ok(())
}

/// The index calls a function by a name that only the settings of this database lead to: no other can build it.
const NOT_TO_BE_COPIED: &str = "create schema app; set search_path = app;
create table books (a int);
create function one(a int) returns int immutable language sql as 'select a';
create function two(a int) returns int immutable language sql as 'select one(a)';
create index doubled on books (two(a));
";

#[test]
fn what_no_copy_can_be_made_of_is_told_and_its_statements_are_given_untried() -> Result {
    let project = project(Example::BookstorePostgres)?;
    project.database.sql(NOT_TO_BE_COPIED)?;
    project.write("to.sql", &format!("{NOT_TO_BE_COPIED}create table more (b text);\n"))?;
    let url = project.database.url();
    let report = run(&project, &["diff", &url, "to.sql", "--format", "json"], 1)?;
    let found = findings(&report)?;
    has(&found, "diff-not-tried", "statements");
    assert!(!found.iter().any(|it| it.0 == "diff-tried"), "{report}");
    assert!(report.stdout.contains("one(integer) does not exist"), "{report}");
    let script = lead(&project, &url, "to.sql")?;
    assert!(script.contains("-- not tried: "), "{script}");
    Ok(())
}

#[test]
fn what_cannot_be_expressed_is_told_by_name_and_the_script_is_refused() -> Result {
    let project = project(Example::BookstorePostgres)?;
    project.write("a.sql", "create table log (day date not null) partition by range (day);")?;
    project.write("b.sql", "create table log (day date not null); create table more (a int);")?;
    let sides = ["--dialect", "postgresql", "a.sql", "b.sql"];
    let report = run(&project, &[&["diff", "--format", "json"], &sides[..]].concat(), 1)?;
    has(&findings(&report)?, "diff-not-expressed", "table public.log");
    let refused = run(&project, &[&["diff", "--sql"], &sides[..]].concat(), 1)?;
    assert_eq!(refused.stdout, "");
    assert!(refused.stderr.contains("diff-not-expressed"), "{refused}");
    assert!(refused.stderr.contains("table public.log"), "{refused}");
    Ok(())
}

#[test]
fn a_history_its_snapshot_and_schema_ts_are_equal_and_a_sqlite_file_is_led_there_with_its_rows()
-> Result {
    let project = project(Example::BookstoreSqlite)?;
    project.write(
        "src/db/schema.ts",
        "import { sqliteTable, integer, text } from \"drizzle-orm/sqlite-core\";\n\
         export const users = sqliteTable(\"users\", { id: integer(\"id\").primaryKey({ autoIncrement: true }), name: text(\"name\").notNull() });\n\
         export const posts = sqliteTable(\"posts\", { id: integer(\"id\").primaryKey(), user: integer(\"user\").references(() => users.id, { onDelete: \"cascade\" }) });\n",
    )?;
    run(&project, &["generate"], 0)?;
    for side in ["src/db/schema.ts", "drizzle/meta/0000_snapshot.json", "drizzle.config.ts"] {
        run(&project, &["diff", "drizzle", side], 0)?;
        run(&project, &["diff", side, "drizzle"], 0)?;
    }
    project.database.sql(
        "create table users (id integer primary key autoincrement, name text, gone text);
         create table posts (id integer primary key, user integer references users (id) on delete cascade);
         create trigger t after insert on posts begin update users set name = 'x' where id = 0; end;
         insert into users values (7, 'Ada', 'g'); insert into posts values (1, 7);",
    )?;
    let url = project.database.url();
    // Who takes the statements out of the report needs the settings too: posts refer to users.
    let report: Value = run(&project, &["diff", "--format", "json", &url, "drizzle"], 1)?.json()?;
    let first = report["sections"]["statements"][0]["statement"].as_str();
    assert_eq!(first, Some("PRAGMA foreign_keys = OFF;"), "{report}");
    let script = lead(&project, &url, "drizzle")?;
    assert!(script.contains("-- deletes data (drop:users.gone)"), "{script}");
    let rows =
        project.database.sql("select u.name || p.id from users u join posts p on p.user = u.id")?;
    assert!(rows.contains("Ada1"), "{rows}");
    Ok(())
}

#[test]
fn what_is_no_side_is_refused_and_no_password_is_shown() -> Result {
    let project = project(Example::BookstoreSqlite)?;
    project.write("a.sql", "create table t (a int);")?;
    let unknown = run(&project, &["diff", "a.sql", "nowhere.sql"], 2)?;
    assert!(unknown.stderr.contains("side-unknown"), "{unknown}");
    let unsaid = run(&project, &["diff", "a.sql", "a.sql"], 2)?;
    assert!(unsaid.stderr.contains("dialect-unknown"), "{unsaid}");
    let two = run(&project, &["diff", "postgresql://u:secret@localhost:1/x", "file:a.db"], 1)?;
    assert!(two.stderr.contains("sides-of-two-engines"), "{two}");
    assert!(!two.stderr.contains("secret"), "{two}");
    run(&project, &["diff", "--dialect", "sqlite", "a.sql", "a.sql"], 0)?;
    Ok(())
}
