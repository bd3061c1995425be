//! Both ways out of a difference: `schema.ts` says what live has, or the follow-up changes live.

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, judge};

use super::{adopt, fits_80_columns, project, said};
use crate::refusals::Witness;
use crate::run::run;

const LIVE: &str = "
    create table books (
      id integer generated always as identity primary key, title text, pages integer,
      isbn varchar(10) default 'none', code text constraint books_code_key unique, year text
    );
    create view titles as select title from books;
    insert into books (title, pages, isbn, code, year) values ('Emma', 1, '1', 'a', '1815'), ('Pnin', 2, '2', 'b', '1957');
    analyze books;
";

const SCHEMA: &str = r#"
export const books = p.pgTable("books", {
  id: p.integer().primaryKey().generatedAlwaysAsIdentity(),
  title: p.text("title").notNull(),
  pages: p.bigint({ mode: "number" }),
  isbn: p.varchar({ length: 20 }),
  code: p.text().unique(),
  year: p.integer("year"),
}, (t) => [p.index("books_pages_index").on(t.pages)]);
"#;

const COLUMNS: [&str; 4] = ["title", "pages", "isbn", "year"];

const ALL: [&str; 5] = [
    "change:books.title",
    "change:books.pages",
    "change:books.isbn",
    "change:books.year",
    "change:books.books_code_key",
];

/// `execute` with everything allowed that is named.
fn execute<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let flags = names.into_iter().flat_map(|it| ["--allow", it]);
    ["execute", "--confirm"].into_iter().chain(flags).collect()
}

#[test]
fn each_difference_is_told_with_both_ways_out_and_their_price() -> Result {
    let project = project(LIVE, SCHEMA)?;
    let said = said(&project, &["analyze"], 1)?;
    let column = |name: &str| format!("column public.books.{name}");
    let of = |name: &str, texts: &[&str]| said.says("schema-differs", &column(name), texts);
    let both = |edit: &'static str, name: &'static str| [edit, name, "every row of live fits"];
    of("title", &both("p.text(\\\"title\\\") in place of p.text", "--allow change:books.title"));
    of("title", &["SET NOT NULL", "ACCESS EXCLUSIVE", "about 2, all read", "schema.ts:6"]);
    of("pages", &both("p.integer() in place of p.bigint", "--allow change:books.pages"));
    of("pages", &["SET DATA TYPE bigint", "about 2, all written anew"]);
    let isbn = "p.varchar({ length: 10 }).default(sql`'none'::character varying`)";
    of("isbn", &both(isbn, "--allow change:books.isbn"));
    let flags = "--allow change:books.year --allow retype:books.year";
    of("year", &both("p.text(\\\"year\\\") in place of p.integer(\\\"year\\\")", flags));
    of("year", &["USING"]);
    let unique = "unique constraint public.books.books_code_key";
    let texts = [
        "p.text().unique(\\\"books_code_key\\\") in place of p.text().unique()",
        "RENAME CONSTRAINT",
        "--allow change:books.books_code_key",
    ];
    said.says("name-differs", unique, &texts);
    let index = ["CREATE INDEX", "SHARE: others read, writers wait", "schema.ts:11"];
    said.says("follow-up-adds", "index public.books.books_pages_index", &index);
    fits_80_columns(&run(&project, &["reconcile"], 1)?);
    Ok(())
}

#[test]
fn the_follow_up_changes_live_where_somebody_says_so_and_keeps_what_is_there() -> Result {
    let live = LIVE.replace("create view titles as select title from books;", "");
    let project = project(&live, SCHEMA)?;
    let witness = Witness::of(&project)?;
    // Part of it is not enough, and neither is a new type without a word about its values.
    let refused = run(&project, &execute(ALL), 1)?;
    witness.nothing_changed(&refused)?;
    everything_is_changed(&project, 5)?;
    let follow_up = project.read("drizzle/0001_follow_up.sql")?;
    assert!(follow_up.contains("RENAME CONSTRAINT \"books_code_key\" TO \"books_code_unique\""));
    assert!(!follow_up.contains("DROP CONSTRAINT"), "{follow_up}");
    let baseline = project.read("drizzle/meta/0000_snapshot.json")?;
    assert!(baseline.contains("books_code_key") && baseline.contains("varchar(10)"), "{baseline}");
    Ok(())
}

#[test]
fn the_follow_up_changes_live_in_folders_too() -> Result {
    let live = LIVE.replace("create view titles as select title from books;", "");
    let project = project(&live, SCHEMA)?;
    project.install_drizzle_1()?;
    // The name of the constraint can stay: there it says that nobody has given it.
    everything_is_changed(&project, 4)
}

/// Agrees to all changes of [`LIVE`]; the real kit has nothing to add, and every value is there.
fn everything_is_changed(project: &Project, n: usize) -> Result {
    let all = ALL.into_iter().chain(["retype:books.year"]);
    let done = said(project, &execute(all), 0)?;
    assert_eq!(done.subjects("live-changes").len(), n, "{}", done.run);
    let verdict = judge::verdict(project, None)?;
    assert!(verdict.is_good(), "{verdict}\n{}", done.run);
    let rows = "select string_agg(title || pages || isbn || year, ',' order by id) from books";
    assert_eq!(project.database.value(rows)?, "Emma111815,Pnin221957");
    Ok(())
}

/// A view, a policy and an identity that schema.ts declares otherwise.
const OTHERS: &str = "
    create table books (id integer generated by default as identity primary key, title text, owner text);
    alter table books enable row level security;
    create policy mine on books for select using (owner = current_user);
    create view titles as select title from books where title <> '`';
    insert into books (title, owner) values ('Emma', 'Ada'), ('Pnin', 'Bo');
";

const DECLARED: &str = r#"
export const books = p.pgTable("books", {
  id: p.integer().primaryKey().generatedAlwaysAsIdentity(),
  title: p.text(),
  owner: p.text(),
}, () => [p.pgPolicy("mine", { for: "update", using: sql`true`, withCheck: sql`owner is not null` })]);
export const titles = p.pgView("titles").as((qb) => qb.select({ id: books.id, title: books.title }).from(books));
"#;

#[test]
fn views_policies_and_identities_are_changed_in_live_where_somebody_says_so_in_both_layouts()
-> Result {
    let names = ["change:titles", "change:books.mine", "change:books.id"];
    for generation in [0, 1] {
        let project = project(OTHERS, DECLARED)?;
        if generation == 1 {
            project.install_drizzle_1()?;
        }
        let told = said(&project, &["analyze"], 1)?;
        let query = "SELECT books.title FROM public.books WHERE (books.title <> '\\\\`'::text)";
        for (subject, edit, name) in [
            ("view public.titles", format!("sql`{query}`"), names[0]),
            ("policy public.books.mine", "for: \\\"select\\\"".to_owned(), names[1]),
            ("policy public.books.mine", "} without withCheck".to_owned(), names[1]),
            ("column public.books.id", ".generatedByDefaultAsIdentity(".to_owned(), names[2]),
        ] {
            told.says("schema-differs", subject, &[&edit, &format!("--allow {name}")]);
        }
        let witness = Witness::of(&project)?;
        let refused = run(&project, &execute(names.into_iter().take(2)), 1)?;
        witness.nothing_changed(&refused)?;
        let done = said(&project, &execute(names), 0)?;
        assert_eq!(done.subjects("live-changes").len(), 3, "{}", done.run);
        let verdict = judge::verdict(&project, None)?;
        assert!(verdict.is_good(), "{verdict}\n{}", done.run);
        for (query, expected) in [
            ("select string_agg(id || title, ',' order by id) from titles", "1Emma,2Pnin"),
            ("select polcmd::text || pg_get_expr(polqual, polrelid) from pg_policy", "wtrue"),
            (
                "select attidentity from pg_attribute where attname = 'id' and attrelid = 'books'::regclass",
                "a",
            ),
        ] {
            assert_eq!(project.database.value(query)?, expected, "{generation} {query}");
        }
    }
    Ok(())
}

#[test]
fn a_view_of_sqlite_is_changed_where_somebody_says_so() -> Result {
    let live = "CREATE TABLE books (id integer PRIMARY KEY, title text);
        CREATE VIEW titles AS SELECT title FROM books;
        INSERT INTO books VALUES (1, 'Emma');";
    let schema = r#"
export const books = sqliteTable("books", { id: integer("id").primaryKey(), title: text("title") });
export const titles = sqliteView("titles").as((qb) => qb.select().from(books));
"#;
    let project = sqlite(live, schema)?;
    let imports =
        project.read("src/db/schema.ts")?.replacen("sqliteTable,", "sqliteTable, sqliteView,", 1);
    project.write("src/db/schema.ts", &imports)?;
    let told = said(&project, &["analyze"], 1)?;
    let both = ["for this view: .as(sql`select title from books`)", "--allow change:titles"];
    told.says("schema-differs", "view titles", &both);
    let done = said(&project, &execute(["change:titles"]), 0)?;
    let verdict = judge::verdict(&project, None)?;
    assert!(verdict.is_good(), "{verdict}\n{}", done.run);
    assert_eq!(project.database.value("SELECT id || title FROM titles")?, "1Emma");
    Ok(())
}

#[test]
fn the_printed_edits_make_schema_ts_say_what_live_is() -> Result {
    let project = project(LIVE, SCHEMA)?;
    let told = said(&project, &["reconcile"], 1)?;
    let mut schema = project.read("src/db/schema.ts")?;
    let mut n = 0;
    for finding in told.findings() {
        let first = finding["next"][0].as_str().unwrap_or_default();
        let Some((place, edit)) = first.split_once(".ts:").filter(|it| it.0.starts_with("to keep"))
        else {
            continue;
        };
        assert!(place.ends_with("in src/db/schema"), "{first}");
        let (line, edit) = edit.split_once(": ").expect("a line stands before the edit");
        let (new, old) = edit.split_once(" in place of ").expect("an edit says both");
        let line: usize = line.parse().expect("it is the number of a line");
        assert!(schema.lines().nth(line - 1).is_some_and(|it| it.contains(old)), "{first}");
        schema = schema.replace(old, new);
        n += 1;
    }
    assert_eq!(n, COLUMNS.len() + 1, "{}", told.run);
    project.write("src/db/schema.ts", &schema)?;
    adopt(&project)?;
    Ok(())
}

#[test]
fn rows_that_are_in_the_way_are_counted_and_live_is_left_alone() -> Result {
    let live = LIVE.replace("'Emma'", "null").replace("'1957'", "'1957?'");
    let schema = SCHEMA.replace("p.index(\"books_pages_index\")", "p.uniqueIndex(\"one\")");
    let project = project(&format!("{live} update books set pages = 1;"), &schema)?;
    let witness = Witness::of(&project)?;
    let all: Vec<_> = ALL.into_iter().chain(["retype:books.year"]).collect();
    let refused = said(&project, &execute(all), 1)?;
    let says = |name: &str, texts: &[&str]| {
        refused.says("schema-differs", &format!("column public.books.{name}"), texts);
    };
    says("title", &["1 rows of table public.books have NULL", "IS NULL", "repair those rows"]);
    says("year", &["a value cannot be cast (SQLSTATE 22P02)"]);
    let twice = ["1 values are there more than once", "nothing was changed"];
    refused.says("rows-refuse", "index public.books.one", &twice);
    witness.nothing_changed(&refused.run)?;
    Ok(())
}

#[test]
fn what_depends_on_a_column_stops_its_change_before_anything_is_written() -> Result {
    let live = LIVE.replace("select title from", "select pages from");
    let project = project(&live, SCHEMA)?;
    let witness = Witness::of(&project)?;
    let all: Vec<_> = ALL.into_iter().chain(["retype:books.year"]).collect();
    let refused = said(&project, &execute(all), 1)?;
    assert_eq!(refused.errors(), ["replay-failed"], "{}", refused.run);
    witness.nothing_changed(&refused.run)?;
    Ok(())
}

/// A project on SQLite whose live is what a script makes.
fn sqlite(live: &str, schema: &str) -> Result<Project> {
    let project = Project::new(Example::BookstoreSqlite, Age::Empty)?;
    std::fs::remove_file(project.path("db/init.sql"))?;
    let imports = "import { sqliteTable, integer, text, real, index, uniqueIndex } from \"drizzle-orm/sqlite-core\";\nimport { sql } from \"drizzle-orm\";\n";
    project.write("src/db/schema.ts", &format!("{imports}{schema}"))?;
    project.database.sql(live)?;
    Ok(project)
}

const SQLITE_LIVE: &str = "
    CREATE TABLE books (id integer PRIMARY KEY, title text, pages text, isbn text DEFAULT 'none');
    CREATE INDEX old_name ON books (title);
    CREATE TRIGGER kept AFTER INSERT ON books BEGIN SELECT 1; END;
    INSERT INTO books VALUES (1, 'Emma', '7', 'a'), (2, 'Pnin', '8', 'b');
";

const SQLITE_SCHEMA: &str = r#"
export const books = sqliteTable("books", {
  id: integer("id").primaryKey(),
  title: text("title").notNull(),
  pages: integer("pages"),
  isbn: text("isbn"),
}, (t) => [index("new_name").on(t.title), uniqueIndex("pages_once").on(t.pages)]);
"#;

#[test]
fn a_table_of_sqlite_is_rebuilt_by_its_follow_up_with_all_that_hangs_on_it() -> Result {
    let project = sqlite(SQLITE_LIVE, SQLITE_SCHEMA)?;
    let told = said(&project, &["analyze"], 1)?;
    let of = |name: &str, texts: &[&str]| {
        told.says("schema-differs", &format!("column books.{name}"), texts);
    };
    let rebuilt = "2 rows of `books` are copied into a new table";
    let fits = "every row of live fits";
    of("title", &["text(\\\"title\\\") in place of", rebuilt, fits, "change:books.title"]);
    of("isbn", &["text(\\\"isbn\\\").default(sql`'none'`) in place of text(\\\"isbn\\\")"]);
    told.says("name-differs", "index books.old_name", &["in place of \\\"new_name\\\""]);
    told.says("follow-up-adds", "index books.pages_once", &["2 rows of `books` are read"]);
    let names = ["change:books.title", "change:books.pages", "change:books.isbn"];
    let done = said(&project, &execute(names.into_iter().chain(["change:books.old_name"])), 0)?;
    let verdict = judge::verdict(&project, None)?;
    assert!(verdict.is_good(), "{verdict}\n{}", done.run);
    assert_eq!(
        project.database.value("SELECT group_concat(title || pages) FROM books")?,
        "Emma7,Pnin8"
    );
    assert_eq!(
        project.database.value("SELECT count(*) FROM sqlite_schema WHERE name = 'kept'")?,
        "1"
    );
    Ok(())
}

#[test]
fn rows_of_sqlite_that_are_in_the_way_are_counted() -> Result {
    let live = SQLITE_LIVE.replace("'Emma'", "NULL").replace("'8'", "'7'");
    let project = sqlite(&live, SQLITE_SCHEMA)?;
    let witness = Witness::of(&project)?;
    let refused = said(&project, &execute(["change:books.title"]), 1)?;
    refused.says("schema-differs", "column books.title", &["1 rows of table books have NULL"]);
    refused.says("rows-refuse", "index books.pages_once", &["1 values are there more than once"]);
    witness.nothing_changed(&refused.run)?;
    Ok(())
}

#[test]
fn a_sequence_takes_other_options_and_keeps_its_place_where_somebody_says_so() -> Result {
    let live = "
        create sequence tickets increment by 2 start with 10 maxvalue 5000;
        select nextval('tickets'), nextval('tickets');
        create table people (id integer primary key);
    ";
    let schema = r#"
export const tickets = p.pgSequence("tickets", { startWith: 10, increment: 5, maxValue: 9000, cycle: true });
export const people = p.pgTable("people", { id: p.integer().primaryKey() });
"#;
    let project = project(live, schema)?;
    let told = said(&project, &["analyze"], 1)?;
    let edit = "{ cycle: false, increment: \\\"2\\\", maxValue: \\\"5000\\\" }";
    let both = [edit, "ALTER SEQUENCE", "--allow change:tickets"];
    told.says("schema-differs", "sequence public.tickets", &both);
    let done = said(&project, &execute(["change:tickets"]), 0)?;
    assert_eq!(done.subjects("live-changes").len(), 1, "{}", done.run);
    let verdict = judge::verdict(&project, None)?;
    assert!(verdict.is_good(), "{verdict}\n{}", done.run);
    assert_eq!(project.database.value("select nextval('tickets')")?, "17");
    Ok(())
}
