//! T24: what PostgreSQL stores alike is no difference, however it was written.

use raingauge_testkit::Result;

use super::{adopt, fits_80_columns, project, said};
use crate::run::run;

const LIVE: &str = "
    create type mood as enum ('sad', 'ok', 'happy');
    create table moments (
      id int4 primary key unique,
      a varchar(20) default 'x'::varchar not null, b jsonb default '{}',
      c date default '2020-01-01'::date, d text[] default '{}'::text[],
      e integer[] default array[1, 2]::int[], f bool default 't', g numeric(10,2) default '0.00'::numeric,
      h mood default 'ok', i bigint default '5'::bigint, j double precision default 1.0, k uuid default gen_random_uuid(),
      t1 timestamptz default current_timestamp, t2 timestamptz default now(),
      t3 timestamptz default transaction_timestamp(), t4 timestamp default localtimestamp,
      t5 timestamptz(3) default current_timestamp(3), t6 date default current_date,
      s text constraint s_check check (s in ('a', 'b')),
      p int constraint p_check check (p between 1 and 5),
      q text constraint q_one unique constraint q_two unique
    );
    create index moments_lower on moments (lower(a)) where f = true;
    create view some_moments as select id, a from moments where s in ('a', 'b');
    alter table moments enable row level security;
    create policy own on moments for select using (a = current_user);
    create table keyed (id int primary key);
    alter table keyed add constraint keyed_id_unique unique (id);
";

const SCHEMA: &str = r#"
export const mood = p.pgEnum("mood", ["sad", "ok", "happy"]);
export const moments = p.pgTable("moments", {
  id: p.integer().primaryKey().unique(),
  a: p.varchar({ length: 20 }).default("x").notNull(),
  b: p.jsonb().default({}),
  c: p.date().default("2020-01-01"),
  d: p.text().array().default([]),
  e: p.integer().array().default([1, 2]),
  f: p.boolean().default(true),
  g: p.numeric({ precision: 10, scale: 2 }).default("0"),
  h: mood().default("ok"),
  i: p.bigint({ mode: "number" }).default(5),
  j: p.doublePrecision().default(1),
  k: p.uuid().defaultRandom(),
  t1: p.timestamp({ withTimezone: true }).defaultNow(),
  t2: p.timestamp({ withTimezone: true }).default(sql`CURRENT_TIMESTAMP`),
  t3: p.timestamp({ withTimezone: true }).defaultNow(),
  t4: p.timestamp().defaultNow(),
  t5: p.timestamp({ withTimezone: true, precision: 3 }).defaultNow(),
  t6: p.date().defaultNow(),
  s: p.text(),
  p: p.integer(),
  q: p.text(),
}, (t) => [
  p.check("s_check", sql`${t.s} in ('a','b')`),
  p.check("p_check", sql`${t.p} between 1 and 5`),
  p.unique("q_one").on(t.q),
  p.unique("q_two").on(t.q),
  p.index("moments_lower").using("btree", sql`lower(${t.a})`).where(sql`${t.f} = true`),
  p.pgPolicy("own", { for: "select", using: sql`${t.a} = current_user` }),
]);
export const someMoments = p.pgView("some_moments", { id: p.integer(), a: p.varchar({ length: 20 }) })
  .as(sql`select id, a from moments where s in ('a','b')`);
export const keyed = p.pgTable("keyed", { id: p.integer().primaryKey().unique() });
"#;

#[test]
fn t24_what_the_server_stores_alike_is_told_as_equivalent_and_needs_nothing() -> Result {
    let project = project(LIVE, SCHEMA)?;
    let said = adopt(&project)?;
    assert_eq!(said.subjects("equivalent"), ["schema.ts"], "{}", said.run);
    let column = |name: &str, text: &str| {
        said.says("equivalent", "schema.ts", &[&format!("column public.moments.{name}: {text}")]);
    };
    column("e", "default: live ARRAY[1, 2] · schema.ts '{1,2}'::integer[] (one value");
    column("g", "default: live 0.00 · schema.ts '0'::numeric (one value");
    column("t1", "default: live CURRENT_TIMESTAMP · schema.ts now() (both are the moment");
    column("t4", "default: live LOCALTIMESTAMP · schema.ts now()");
    column("t5", "default: live CURRENT_TIMESTAMP(3) · schema.ts now()");
    column("t6", "default: live CURRENT_DATE · schema.ts now()");
    let merged = "constraint: live (nothing) · schema.ts moments_id_unique (PostgreSQL merges it";
    said.says("equivalent", "schema.ts", &[merged, "schema.ts q_two (PostgreSQL merges it"]);
    // The second table has both: nothing was merged there.
    assert!(!said.words("equivalent", "schema.ts").contains("keyed_id_unique"));
    Ok(())
}

#[test]
fn t24_what_only_looks_alike_is_a_difference() -> Result {
    let live = LIVE
        .replace("check (s in ('a', 'b'))", "check (s in ('a', 'c'))")
        .replace("between 1 and 5", "between 1 and 6")
        .replace("where f = true", "where f is true")
        .replace("where s in ('a', 'b')", "where s in ('a')")
        .replace("using (a = current_user)", "using (a = session_user)")
        .replace("default current_timestamp,", "default clock_timestamp(),")
        .replace("default current_timestamp(3)", "default current_timestamp(2)")
        .replace("array[1, 2]::int[]", "array[2, 1]::int[]")
        .replace("'0.00'::numeric", "'0.01'::numeric");
    let project = project(&live, SCHEMA)?;
    let said = said(&project, &["analyze"], 1)?;
    let mut found = said.subjects("schema-differs");
    found.sort_unstable();
    let expected = [
        "check public.moments.p_check",
        "check public.moments.s_check",
        "column public.moments.e",
        "column public.moments.g",
        "column public.moments.t1",
        "column public.moments.t5",
        "index public.moments.moments_lower",
        "policy public.moments.own",
        "view public.some_moments",
    ];
    assert_eq!(found, expected, "{}", said.run);
    said.says(
        "schema-differs",
        "column public.moments.t1",
        &["default: live clock_timestamp() · schema.ts now()"],
    );
    fits_80_columns(&run(&project, &["analyze"], 1)?);
    Ok(())
}

#[test]
fn a_serial_is_its_expansion_and_no_identity() -> Result {
    let live = "
        create table a (id serial primary key);
        alter sequence a_id_seq rename to counter;
        create sequence b_seq;
        create table b (id integer primary key default nextval('b_seq'));
        alter sequence b_seq owned by b.id;
    ";
    let same = r#"
export const a = p.pgTable("a", { id: p.serial().primaryKey() });
export const b = p.pgTable("b", { id: p.serial().primaryKey() });
"#;
    let adopted = project(live, same)?;
    let text = "sequence public.b_seq: name: live b_seq · schema.ts b_id_seq (the sequence belongs";
    adopt(&adopted)?.says("equivalent", "schema.ts", &[text, "live counter · schema.ts a_id_seq"]);

    let live = "
        create table d (id serial primary key);
        create table e (id integer generated always as identity primary key);
        create sequence c_seq;
        create table c (id integer primary key default nextval('c_seq'));
    ";
    let other = r#"
export const c = p.pgTable("c", { id: p.serial().primaryKey() });
export const d = p.pgTable("d", { id: p.integer().primaryKey().generatedByDefaultAsIdentity() });
export const e = p.pgTable("e", { id: p.serial().primaryKey() });
"#;
    let refused = project(live, other)?;
    let said = said(&refused, &["reconcile"], 1)?;
    let says = |subject: &str, texts: &[&str]| said.says("schema-differs", subject, texts);
    says("column public.d.id", &["is a `serial` in live", "identity column in schema.ts"]);
    says("column public.e.id", &["integer().generatedAlwaysAsIdentity()"]);
    says("column public.c.id", &["ALTER SEQUENCE public.c_seq OWNED BY"]);
    // The advice holds.
    refused.database.sql("alter sequence c_seq owned by c.id")?;
    let again = super::said(&refused, &["reconcile"], 1)?;
    assert!(!again.subjects("schema-differs").contains(&"column public.c.id"), "{}", again.run);
    Ok(())
}

#[test]
fn labels_of_an_enum_differ_in_order_in_leftovers_or_in_missing_ones() -> Result {
    let live = "
        create type mood as enum ('sad', 'ok', 'old');
        create type dir as enum ('n', 's');
        create type state as enum ('a', 'c');
        create table t (id serial primary key, m mood, d dir, s state);
    ";
    let schema = r#"
export const mood = p.pgEnum("mood", ["sad", "ok"]);
export const dir = p.pgEnum("dir", ["s", "n"]);
export const state = p.pgEnum("state", ["a", "b", "c"]);
export const t = p.pgTable("t", { id: p.serial().primaryKey(), m: mood(), d: dir(), s: state() });
"#;
    let project = project(live, schema)?;
    let said = said(&project, &["reconcile"], 1)?;
    let mut errors = said.errors();
    errors.sort_unstable();
    assert_eq!(errors, ["enum-label-missing", "enum-label-undeclared", "enum-order-differs"]);
    said.says("enum-order-differs", "enum public.dir", &[r#"pgEnum(\"dir\", [\"n\", \"s\"])"#]);
    said.says(
        "enum-label-undeclared",
        "enum public.mood",
        &["the label `old`", r#"pgEnum(\"mood\", [\"sad\", \"ok\", \"old\"])"#],
    );
    said.says(
        "enum-label-missing",
        "enum public.state",
        &["the label `b`", "ADD VALUE", r#"pgEnum(\"state\", [\"a\", \"c\"])"#],
    );
    Ok(())
}

#[test]
fn a_primary_key_that_live_lacks_comes_with_the_follow_up() -> Result {
    let live = "
        create table a (id integer not null, x integer);
        create table b (x integer not null, y integer not null);
    ";
    let schema = r#"
export const a = p.pgTable("a", { id: p.integer().primaryKey(), x: p.integer() });
export const b = p.pgTable("b", { x: p.integer().notNull(), y: p.integer().notNull() },
  (t) => [p.primaryKey({ columns: [t.x, t.y] })]);
"#;
    let project = project(live, schema)?;
    adopt(&project)?;
    let follow_up = project.read("drizzle/0001_follow_up.sql")?;
    assert!(follow_up.contains("ADD PRIMARY KEY (\"id\")"), "{follow_up}");
    assert!(follow_up.contains("\"b_x_y_pk\" PRIMARY KEY(\"x\",\"y\")"), "{follow_up}");
    Ok(())
}

#[test]
fn a_unique_index_is_no_unique_constraint() -> Result {
    let live = "
        create table b (id integer primary key, isbn text, code text constraint b_code_unique unique);
        create unique index b_isbn_unique on b (isbn);
    ";
    let schema = r#"
export const b = p.pgTable("b", { id: p.integer().primaryKey(), isbn: p.text().unique(), code: p.text() },
  (t) => [p.uniqueIndex("b_code_unique").on(t.code)]);
"#;
    let said = said(&project(live, schema)?, &["reconcile"], 1)?;
    let index = "index public.b.b_isbn_unique";
    said.says(
        "schema-differs",
        index,
        &["unique index in live", r#"uniqueIndex(\"b_isbn_unique\")"#],
    );
    let constraint = "unique constraint public.b.b_code_unique";
    said.says("schema-differs", constraint, &[r#"unique(\"b_code_unique\")"#]);
    Ok(())
}
