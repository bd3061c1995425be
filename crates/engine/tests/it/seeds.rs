//! Seed rows from init.sql to the migration: each story builds init.sql twice, lets live go its way, and
//! replays the seed migration on a database that is built like live.

use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_engine::seed::{self, SeedTable, TableState};
use raingauge_engine::{baseline, dump, introspect, replay};
use raingauge_schema::{Catalog, Dialect};

use crate::postgres_session::scratch;

/// What came of a story.
struct Told {
    tables: Vec<SeedTable>,
    states: Vec<TableState>,
    sql: String,
    fresh: ScratchDatabase,
}

impl Told {
    fn names(&self) -> Vec<String> {
        self.tables.iter().map(|it| it.id.name().to_owned()).collect()
    }

    /// Unchanged, edited, deleted and user-made rows of a table.
    fn state(&self, table: &str) -> [usize; 4] {
        let at = self.names().iter().position(|it| it == table).unwrap();
        let it = &self.states[at];
        [it.n_unchanged, it.edited.len(), it.deleted.len(), it.n_user_made]
    }

    #[track_caller]
    fn value(&mut self, query: &str) -> String {
        let rows = self.fresh.session.rows(query).unwrap();
        rows.into_iter().flatten().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn pinned(dsn: &Dsn) -> Session {
    Session::open(dsn, Access::ReadOnly).unwrap()
}

fn catalog(dsn: &Dsn) -> Catalog {
    introspect::catalog(&mut pinned(dsn), &[]).unwrap()
}

#[track_caller]
fn run(database: &mut ScratchDatabase, sql: &str) {
    if let Err(error) = database.session.run(sql) {
        panic!("{error} at {:?} of {sql}", error.position);
    }
}

fn baseline_of(live: &ScratchDatabase) -> String {
    let mut session = pinned(&live.dsn);
    let baseline = match &mut session {
        Session::Postgres(_) => {
            let dump = dump::schema_dump(&mut session, &live.dsn, &[], None).unwrap();
            baseline::from_pg_dump(&baseline::roles::without_owners(dump), &[])
        }
        Session::MySql(_) => unreachable!("no baseline of MySQL yet"),
        Session::Sqlite(_) => baseline::from_sqlite(&mut session, &[]).unwrap(),
    };
    file(&baseline.statements)
}

fn file(statements: &[String]) -> String {
    statements.join("\n--> statement-breakpoint\n")
}

/// Tells the story of `init`, and of what happened in live afterwards.
#[track_caller]
fn tell(scratch: &mut Scratch, init: &str, later: &str) -> Told {
    let mut create = |sql: &[&str]| {
        let mut database = scratch.create("seeds").unwrap();
        for it in sql {
            run(&mut database, it);
        }
        database
    };
    let (first, second) = (create(&[init]), create(&[init]));
    let (live, mut fresh) = (create(&[init, later]), create(&[]));
    let (mut built, mut reading) = (pinned(&first.dsn), pinned(&live.dsn));
    let seeds = seed::read(&mut built, &mut pinned(&second.dsn), &catalog(&first.dsn)).unwrap();
    let structure = catalog(&live.dsn);
    let mut tables = seed::fit(seeds, &structure);
    for table in &mut tables {
        seed::respell(&mut reading, table).unwrap();
    }
    let states = tables.iter().map(|it| seed::classify(&mut reading, it).unwrap()).collect();
    let written = seed::seed_file(&mut built, &mut reading, &structure, &tables).unwrap();
    let sql = file(&written.statements);
    replay::file(&mut fresh.session, "baseline", &baseline_of(&live)).unwrap();
    for round in ["first", "second"] {
        if let Err(error) = replay::file(&mut fresh.session, round, &sql) {
            panic!("{error}\n{:?}\n{sql}", error.source.detail);
        }
        let after = catalog(&fresh.dsn).fingerprint();
        assert_eq!(after, structure.fingerprint(), "the structure is as before\n{sql}");
        for table in &tables {
            let difference = seed::difference(&mut pinned(&fresh.dsn), table).unwrap();
            assert_eq!(difference, None, "{} after the {round} replay\n{sql}", table.id);
        }
    }
    Told { tables, states, sql, fresh }
}

fn sqlite() -> Scratch {
    Scratch::open(ScratchOptions::new(Dialect::Sqlite)).unwrap()
}

#[test]
fn rows_of_types_without_equality_are_compared() {
    let Some(mut scratch) = scratch() else { return };
    let told = tell(
        &mut scratch,
        "create table public.notes (body json, place point, doc xml); \
         insert into public.notes values ('{\"a\": 1}', '(1,2)', '<a/>'), (null, null, null)",
        "insert into public.notes values ('{}', '(3,4)', '<b/>')",
    );
    assert_eq!(told.state("notes"), [2, 0, 0, 1]);
}

#[test]
fn materialized_views_show_the_seeds_whatever_they_read_them_through() {
    let Some(mut scratch) = scratch() else { return };
    let mut told = tell(
        &mut scratch,
        "create table public.books (id integer primary key, title text); create table public.empty (id integer); \
         insert into public.books values (1, 'a'), (2, 'b'); \
         create materialized view public.by_title as select title, count(*) as n from public.books group by 1; \
         create view public.titles as select title from public.by_title; \
         create materialized view public.\"All\" as select count(*) as n from public.titles; \
         create materialized view public.never as select id from public.books with no data; \
         create materialized view public.other as select id from public.empty",
        "",
    );
    let counts =
        told.value("select sum(n) from public.by_title union all select n from public.\"All\"");
    assert_eq!(counts, "2 2", "{}", told.sql);
    assert_eq!(told.sql.matches("REFRESH").count(), 2, "{}", told.sql);
}

#[test]
fn generated_keys_that_others_refer_to_are_in_the_file() {
    let Some(mut scratch) = scratch() else { return };
    let mut told = tell(
        &mut scratch,
        "create table public.parent (id uuid primary key default gen_random_uuid(), name text, made timestamptz default clock_timestamp()); \
         create table public.child (id uuid primary key default gen_random_uuid(), parent uuid not null default gen_random_uuid() references public.parent, name text); \
         insert into public.parent (name) values ('a'), ('b'); \
         insert into public.child (parent, name) select id, name || '1' from public.parent",
        "insert into public.parent (name) values ('c')",
    );
    assert_eq!(told.names(), ["parent", "child"]);
    assert_eq!(told.state("parent"), [2, 0, 0, 1]);
    assert_eq!(told.state("child"), [2, 0, 0, 0]);
    let joined = "select string_agg(c.name || p.name, ' ' order by c.name) from public.child c join public.parent p on p.id = c.parent";
    assert_eq!(told.value(joined), "a1a b1b");
    assert!(!told.sql.contains("\"made\""), "{}", told.sql);
}

#[test]
fn random_keys_are_the_same_in_every_run() {
    let Some(mut scratch) = scratch() else { return };
    let init = "create table public.parent (id uuid primary key default gen_random_uuid(), name text); \
         create table public.child (parent uuid not null references public.parent, name text); \
         insert into public.parent (name) values ('a'), ('b'); \
         insert into public.child select id, name || '1' from public.parent";
    let told = tell(&mut scratch, init, "");
    assert_eq!(told.sql, tell(&mut scratch, init, "").sql);
    let random = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(6)))";
    let init = format!(
        "create table parent (id text primary key, name text); create table child (parent text references parent, name text); \
         insert into parent values ({random}, 'a'), ({random}, 'b'); insert into child select id, name || '1' from parent order by name"
    );
    let told = tell(&mut sqlite(), &init, "");
    assert_eq!(told.sql, tell(&mut sqlite(), &init, "").sql);
}

#[test]
fn only_what_live_still_has_is_written() {
    let Some(mut scratch) = scratch() else { return };
    let told = tell(
        &mut scratch,
        "create table public.gone (id serial primary key); insert into public.gone default values; \
         create sequence public.loose; select nextval('public.loose'); \
         create table public.kept (id serial primary key, old text, name text, price numeric(6,1)); \
         insert into public.kept (old, name, price) values ('x', 'a', 1.5), ('y', 'b', 2)",
        "drop table public.gone; drop sequence public.loose; alter table public.kept drop column old; \
         alter table public.kept add column extra text, alter column price type numeric(8,2), alter column id type bigint; \
         alter sequence public.kept_id_seq rename to other_seq; update public.kept set name = 'c' where id = 2",
    );
    assert_eq!(told.names(), ["kept"]);
    assert_eq!(told.state("kept"), [1, 1, 0, 0]);
    assert!(!told.sql.contains("gone") && !told.sql.contains("loose"), "{}", told.sql);
    assert!(told.sql.contains("\"other_seq\""), "{}", told.sql);
}

#[test]
fn foreign_keys_in_a_cycle_wait_for_the_last_row() {
    let Some(mut scratch) = scratch() else { return };
    tell(
        &mut scratch,
        "create table public.a (id int primary key, b int not null); \
         create table public.b (id int primary key, a int not null references public.a deferrable); \
         alter table public.a add constraint \"To B\" foreign key (b) references public.b deferrable initially deferred; \
         create table public.c (id int primary key, d int not null); \
         create table public.d (id int primary key, c int references public.c); \
         create function public.noop() returns trigger language plpgsql as 'begin return new; end'; \
         create trigger t before insert on public.c for each row execute function public.noop(); \
         begin; insert into public.a values (1, 1), (2, 2); insert into public.b values (1, 2), (2, 1); commit; \
         insert into public.d values (1); insert into public.c values (1, 1); update public.d set c = 1; \
         alter table public.c add foreign key (d) references public.d",
        "",
    );
}

#[test]
fn rows_that_refer_to_rows_of_their_table_go_in_together() {
    let Some(mut scratch) = scratch() else { return };
    let init = "create table staff (id int primary key, boss int not null references staff); \
         insert into staff select i, least(i + 600, 1200) from generate_series(1, 1200) i";
    let init = format!("set search_path = public; {init}");
    assert_eq!(tell(&mut scratch, &init, "").state("staff"), [1200, 0, 0, 0]);
    let init = "pragma foreign_keys = on; create table staff (id integer primary key, boss integer not null references staff); \
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 1200) \
         insert into staff select i, min(i + 600, 1200) from n";
    assert_eq!(tell(&mut sqlite(), init, "").state("staff"), [1200, 0, 0, 0]);
}

#[test]
fn triggers_and_rules_do_not_run_again() {
    let Some(mut scratch) = scratch() else { return };
    let told = tell(
        &mut scratch,
        "create table public.books (id int primary key, title text); \
         create table public.audit (note text); create table public.copies (id int); \
         create function public.note() returns trigger language plpgsql as $$ begin \
            insert into public.audit values (tg_name || new.title); new.title := upper(new.title); return new; end $$; \
         create trigger on_insert before insert on public.books for each row execute function public.note(); \
         create trigger \"Always\" before insert on public.books for each row execute function public.note(); \
         alter table public.books enable always trigger \"Always\"; \
         create trigger off before insert on public.books for each row execute function public.note(); \
         alter table public.books disable trigger off; \
         create rule copy as on insert to public.audit do also insert into public.copies values (1); \
         insert into public.books values (1, 'a'), (2, 'b')",
        "insert into public.books values (3, 'c')",
    );
    assert_eq!(told.state("books"), [2, 0, 0, 1]);
    assert_eq!(told.state("audit"), [4, 0, 0, 2]);
}

#[test]
fn rows_of_heirs_and_partitions_are_seeds_once() {
    let Some(mut scratch) = scratch() else { return };
    let told = tell(
        &mut scratch,
        "create table public.place (name text); create table public.town (mayor text) inherits (public.place); \
         insert into public.place values ('sea'); insert into public.town values ('Rome', 'R'); \
         create table public.log (id int, at date) partition by range (at); \
         create table public.log_1 partition of public.log for values from ('2025-01-01') to ('2026-01-01'); \
         create table public.log_2 partition of public.log default; \
         create function public.noop() returns trigger language plpgsql as 'begin return new; end'; \
         create trigger t before insert on public.log for each row execute function public.noop(); \
         insert into public.log values (1, '2025-02-03'), (2, '1999-01-01')",
        "",
    );
    assert_eq!(told.names(), ["log", "place", "town"]);
    assert_eq!(told.state("place"), [1, 0, 0, 0]);
    assert_eq!(told.state("log"), [2, 0, 0, 0]);
}

#[test]
fn keys_with_odd_names_are_found() {
    let Some(mut scratch) = scratch() else { return };
    let init = "create table odd (\"Group\" int, \"select\" int, \"a, b\" int, \"my-col\" int, name text, \
         primary key (\"Group\", \"select\", \"a, b\", \"my-col\")); insert into odd values (1, 2, 3, 4, 'x')";
    let later = "update odd set name = 'y'";
    let public = |sql: &str| format!("set search_path = public; {sql}");
    assert_eq!(tell(&mut scratch, &public(init), &public(later)).state("odd"), [0, 1, 0, 0]);
    assert_eq!(tell(&mut sqlite(), init, later).state("odd"), [0, 1, 0, 0]);
    let init = "create table t (\"Group\" text primary key, name); insert into t values ('a', 'x')";
    assert_eq!(tell(&mut sqlite(), init, "update t set name = 'y'").state("t"), [0, 1, 0, 0]);
}

#[test]
fn t48_a_column_that_live_lost_is_never_read_as_its_name() {
    let told = tell(
        &mut sqlite(),
        "create table t (id integer primary key, old text, name text); insert into t values (1, 'x', 'a')",
        "alter table t drop column old",
    );
    assert_eq!(told.state("t"), [1, 0, 0, 0]);
    assert!(!told.sql.contains("old"), "{}", told.sql);
}

#[test]
fn a_cycle_and_triggers_are_overcome_in_sqlite_too() {
    let told = tell(
        &mut sqlite(),
        "pragma foreign_keys = off; \
         create table a (id integer primary key, b integer not null references b(id)); \
         create table b (id integer primary key, a integer not null references a); \
         create table audit (note text); \
         create trigger \"On A\" after insert on A begin insert into audit values ('a' || new.id || ';'); end; \
         insert into a values (1, 1), (2, 2); insert into b values (1, 2), (2, 1); pragma foreign_keys = on",
        "",
    );
    assert_eq!(told.state("audit"), [2, 0, 0, 0]);
}

#[test]
fn every_value_of_sqlite_survives() {
    let told = tell(
        &mut sqlite(),
        "create table t (id integer primary key, v); \
         insert into t (v) values (cast(x'610062' as text)), (x'00ff'), (0.1), (1e300), (9e999), (-9e999), \
            (9223372036854775807), ('😀'), ('a' || char(13, 10) || 'b'), (null), ('it''s'), (1.0), ('1'), (''), (x''), \
            ('a --> statement-breakpoint b'), (char(0)), (5e-324), (0.30000000000000004)",
        "update t set v = cast(x'610063' as text) where id = 1",
    );
    assert_eq!(told.state("t"), [18, 1, 0, 0]);
}

#[test]
fn every_value_of_postgresql_survives() {
    let Some(mut scratch) = scratch() else { return };
    let told = tell(
        &mut scratch,
        "create table public.t (id int primary key, a text, b bytea, c float8, d timestamptz, e interval, f text[], g jsonb); \
         insert into public.t values (1, E'a\\\\b\\r\\n''😀', '\\x00ff', 'NaN', '2026-01-02 03:04:05.678+09', '1 mon -2 days', '{a,NULL,\"b,c\"}', '{\"a\": [1]}'), \
            (2, 'x --> statement-breakpoint y', null, 0.30000000000000004, 'infinity', null, null, null)",
        "",
    );
    assert_eq!(told.state("t"), [2, 0, 0, 0]);
}

#[test]
fn settings_of_the_database_do_not_make_rows_look_edited() {
    let Some(mut scratch) = scratch() else { return };
    let odd = "do $$ begin execute format('alter database %I set datestyle = ''SQL, DMY''', current_database()); \
         execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database()); end $$";
    let told = tell(
        &mut scratch,
        "create table public.t (id int primary key, at timestamptz); insert into public.t values (1, '2026-01-02 03:04:05+00')",
        odd,
    );
    assert_eq!(told.state("t"), [1, 0, 0, 0]);
}
