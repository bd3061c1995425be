//! Names: cut, colliding, different, alike, swapped, and perhaps changed.

use raingauge_testkit::{Result, judge};

use super::{adopt, declare, fits_80_columns, project, said};
use crate::refusals::refuses;
use crate::run::run;

const LEGACY: &str = "
    create table authors (id serial primary key, email text unique, constraint email_given check (email <> ''));
    create table books (
      id integer generated always as identity constraint pk_books primary key,
      isbn text constraint books_isbn_key unique, title text,
      author_id integer references authors (id)
    );
    create index idx_title on books (title);
";

const AUTHORS: &str = r#"
export const authors = p.pgTable("authors", { id: p.serial().primaryKey(), email: p.text().unique(AUTHORS_EMAIL) },
  (t) => [p.check("CHECK", sql`${t.email} <> ''`)]);
"#;

#[test]
fn t26_names_are_taken_from_live_and_then_drizzle_finds_nothing() -> Result {
    let authors = AUTHORS.replace("AUTHORS_EMAIL", "").replace("CHECK", "authors_email_check");
    let books = r#"
export const books = p.pgTable("books", {
  id: p.integer().generatedAlwaysAsIdentity(), isbn: p.text().unique(), title: p.text(),
  authorId: p.integer("author_id").references(() => authors.id),
}, (t) => [p.index("books_title_index").on(t.title), p.primaryKey({ columns: [t.id] })]);
"#;
    let project = project(LEGACY, &format!("{authors}{books}"))?;
    let refused = refuses(&project, &["execute", "--confirm"], 1, "name-differs")?;
    let found = refused.document["findings"].as_array().into_iter().flatten();
    let mut told: Vec<_> = found
        .filter(|it| it["code"] == "name-differs")
        .map(|it| (it["subject"].as_str().unwrap_or_default(), it.to_string()))
        .collect();
    told.sort();
    let expected = [
        (
            "check public.authors.email_given",
            r#"\"email_given\" in place of \"authors_email_check\""#,
        ),
        (
            "foreign key public.books.books_author_id_fkey",
            r#"foreignKey({ name: \"books_author_id_fkey\""#,
        ),
        (
            "index public.books.idx_title",
            r#"ALTER INDEX \"public\".\"idx_title\" RENAME TO \"books_title_index\""#,
        ),
        ("primary key public.books.pk_books", r#"primaryKey({ name: \"pk_books\""#),
        ("unique constraint public.authors.authors_email_key", r#".unique(\"authors_email_key\")"#),
        (
            "unique constraint public.books.books_isbn_key",
            r#"RENAME CONSTRAINT \"books_isbn_key\" TO \"books_isbn_unique\""#,
        ),
    ];
    assert_eq!(told.len(), expected.len(), "{}", refused.run);
    for ((subject, words), (expected, text)) in told.iter().zip(expected) {
        assert_eq!(*subject, expected);
        assert!(words.contains(text), "`{text}` is not in {words}");
    }
    assert!(told[1].1.contains("(author_id) references public.authors (id)"), "{}", told[1].1);
    fits_80_columns(&run(&project, &["reconcile"], 1)?);

    let authors =
        AUTHORS.replace("AUTHORS_EMAIL", "\"authors_email_key\"").replace("CHECK", "email_given");
    let books = r#"
export const books = p.pgTable("books", {
  id: p.integer().generatedAlwaysAsIdentity(), isbn: p.text().unique("books_isbn_key"), title: p.text(),
  authorId: p.integer("author_id"),
}, (t) => [p.index("idx_title").on(t.title), p.primaryKey({ name: "pk_books", columns: [t.id] }),
  p.foreignKey({ name: "books_author_id_fkey", columns: [t.authorId], foreignColumns: [authors.id] })]);
"#;
    declare(&project, &format!("{authors}{books}"))?;
    adopt(&project)?;
    Ok(())
}

/// A table of 62 bytes, whose things have names that only begin alike.
const LONG: &str = "memberships_and_invitations_of_organisations_with_all_details";

#[test]
fn names_that_postgresql_cuts_are_the_same_names() -> Result {
    let umlauts = "überprüfungsergebnisse_der_jährlichen_qualitätsmaßnahmen_für_öfen";
    let live = format!(
        "create table {LONG} (id serial primary key, parent integer, email text);
         create index {LONG}_email_index on {LONG} (email);
         alter table {LONG} add constraint u_{LONG}_email_unique unique (email);
         alter table {LONG} add constraint {LONG}_parent_{LONG}_id_fk foreign key (parent) references {LONG} (id);
         create table {umlauts} (id serial primary key);"
    );
    let schema = r#"
export const t = p.pgTable("LONG", { id: p.serial().primaryKey(), parent: p.integer(), email: p.text() }, (t) => [
  p.index("LONG_email_index").on(t.email),
  p.unique("u_LONG_email_unique").on(t.email),
  p.foreignKey({ columns: [t.parent], foreignColumns: [t.id] }),
]);
export const u = p.pgTable("UMLAUTS", { id: p.serial().primaryKey() });
"#;
    let project = project(&live, &schema.replace("LONG", LONG).replace("UMLAUTS", umlauts))?;
    let said = adopt(&project)?;
    let cut = "überprüfungsergebnisse_der_jährlichen_qualitätsmaßnahmen_f";
    let name =
        format!("name: live {cut} · schema.ts {umlauts} (PostgreSQL keeps the first 63 bytes");
    said.says(
        "equivalent",
        "schema.ts",
        &[&name, &format!("schema.ts {LONG}_parent_{LONG}_id_fk")],
    );
    // The snapshot has the names as the kit writes them.
    assert!(project.read("drizzle/meta/0000_snapshot.json")?.contains(umlauts));
    Ok(())
}

#[test]
fn names_that_postgresql_would_cut_to_one_are_found_before_anything_is_written() -> Result {
    let live = format!("create table {LONG} (id serial primary key, a text, b text)");
    let schema = r#"
export const t = p.pgTable("LONG", { id: p.serial().primaryKey(), a: p.text(), b: p.text() }, (t) => [
  p.index("LONG_of_a").on(t.a), p.index("LONG_of_b").on(t.b),
]);
"#;
    let project = project(&live, &schema.replace("LONG", LONG))?;
    for command in [&["execute", "--confirm"][..], &["reconcile"], &["analyze"], &["validate"]] {
        let refused = refuses(&project, command, 1, "names-collide")?;
        refused.says(&format!("index `{LONG}_of_a`"));
        refused.says(&format!("index `{LONG}_of_b`"));
        refused.says(&format!("would be called `{LONG}_o`"));
    }
    Ok(())
}

#[test]
fn alike_things_with_other_names_are_not_paired_by_guess() -> Result {
    let live = "
        create table t (id serial primary key, a text, b text, c text);
        create index one on t (a); create index two on t (a);
        create index x on t (b); create index y on t (c);
    ";
    let schema = r#"
export const t = p.pgTable("t", { id: p.serial().primaryKey(), a: p.text(), b: p.text(), c: p.text() }, (t) => [
  p.index("three").on(t.a), p.index("four").on(t.a), p.index("x").on(t.c), p.index("y").on(t.b),
]);
"#;
    let project = project(live, schema)?;
    let said = said(&project, &["reconcile"], 1)?;
    assert_eq!(said.subjects("name-ambiguous"), ["index public.t.one"], "{}", said.run);
    let texts = ["(`one`, `two`)", "(`four`, `three`)", r#"index(\"one\")"#, r#"index(\"two\")"#];
    said.says("name-ambiguous", "index public.t.one", &texts);
    assert_eq!(said.subjects("name-differs"), ["index public.t.x", "index public.t.y"]);
    said.says("name-differs", "index public.t.x", &["called `y`", "the names are swapped"]);
    assert_eq!(said.subjects("schema-differs"), [""; 0]);
    Ok(())
}

#[test]
fn what_looks_renamed_is_said_and_never_assumed() -> Result {
    let live = "
        create table users (id serial primary key, name text not null, note text);
        create table logs (id integer primary key, line text);
    ";
    let schema = r#"
export const users = p.pgTable("users", { id: p.serial().primaryKey(), fullName: p.text("full_name").notNull(), note: p.text() });
export const journal = p.pgTable("journal", { id: p.integer().primaryKey(), line: p.text() });
"#;
    let project = project(live, schema)?;
    let said = said(&project, &["reconcile"], 1)?;
    let mut found = said.subjects("possible-rename");
    found.sort_unstable();
    assert_eq!(found, ["column public.users.name", "table public.logs"], "{}", said.run);
    said.says("possible-rename", "column public.users.name", &["`full_name`"]);
    said.says("possible-rename", "table public.logs", &["`journal`"]);
    // It still is a column that schema.ts lacks, and one that has no values.
    assert_eq!(said.subjects("schema-differs"), ["column public.users.name"]);
    assert_eq!(said.subjects("column-needs-default"), ["column public.users.full_name"]);
    assert!(said.words("unmanaged", "schema.ts").contains("table public.logs"));
    Ok(())
}

#[test]
fn t27_indexes_of_every_form_survive_and_keep_their_names() -> Result {
    let live = r#"
        create table t (id serial primary key, a text, b integer, c jsonb);
        create index t_desc on t (a desc nulls last, b);
        create index t_partial on t (b) where b > 0;
        create index t_lower on t (lower(a));
        create index t_ops on t (a text_pattern_ops);
        create index t_gin on t using gin (c jsonb_path_ops);
        create index t_collate on t (a collate "C" desc) include (b) with (fillfactor = 70);
        create unique index t_coalesce on t (coalesce(a, ''), b);
    "#;
    let schema = r#"
export const t = p.pgTable("t", { id: p.serial().primaryKey(), a: p.text(), b: p.integer(), c: p.jsonb() }, (t) => [
  p.index("t_desc").on(t.a.desc().nullsLast(), t.b),
  p.index("t_partial").on(t.b).where(sql`${t.b} > 0`),
  p.index("t_lower").using("btree", sql`lower(${t.a})`),
  p.index("t_ops").on(t.a.op("text_pattern_ops")),
  p.index("t_gin").using("gin", t.c.op("jsonb_path_ops")),
]);
"#;
    let project = project(live, schema)?;
    let said = adopt(&project)?;
    let undeclared = ["index public.t.t_coalesce", "index public.t.t_collate"];
    assert_eq!(said.subjects("undeclared"), undeclared, "{}", said.run);
    let fresh = judge::fresh_build(&project, judge::Migrator::Kit)?;
    let built = fresh.database.schema()?;
    for text in [
        "a DESC NULLS LAST, b",
        "WHERE (b > 0)",
        "lower(a)",
        "text_pattern_ops",
        "jsonb_path_ops",
        "COLLATE \"C\" DESC",
        "INCLUDE (b)",
        "fillfactor='70'",
        "COALESCE(a, ",
    ] {
        assert!(built.contains(text), "`{text}` is not in\n{built}");
    }
    Ok(())
}
