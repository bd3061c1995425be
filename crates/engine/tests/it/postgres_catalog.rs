//! What the catalog of a real PostgreSQL database says.

use raingauge_engine::connect::{Access, Dsn, PgSession, Session};
use raingauge_engine::introspect;
use raingauge_engine::ledger::LedgerName;
use raingauge_engine::scratch::ScratchDatabase;
use raingauge_schema::{Catalog, Kind, Object, ObjectId};

use crate::postgres_session::{role, scratch, target};

pub(crate) const EVERYTHING: &str = include_str!("sql/everything.sql");

/// Runs a script and panics with the server's sentence if it refuses.
#[track_caller]
pub(crate) fn run(database: &mut ScratchDatabase, sql: &str) {
    if let Err(error) = database.session.run(sql) {
        panic!("{error} at {:?} of {sql}", error.position);
    }
}

#[track_caller]
pub(crate) fn read(dsn: &Dsn) -> Catalog {
    let mut session = Session::open(dsn, Access::ReadOnly).unwrap();
    introspect::catalog(&mut session, &[ledger()]).unwrap()
}

/// Where Drizzle notes its migrations by default.
pub(crate) fn ledger() -> LedgerName {
    LedgerName { schema: "drizzle".to_owned(), table: "__drizzle_migrations".to_owned() }
}

fn get<'a>(catalog: &'a Catalog, kind: Kind, path: &[&str], attribute: &str) -> Option<&'a str> {
    let object = catalog.get(&ObjectId::new(kind, path.iter().copied()));
    object.unwrap_or_else(|| panic!("no {kind:?} {path:?}")).get(attribute)
}

#[test]
fn an_empty_database_has_only_what_every_database_has() {
    let Some(mut scratch) = scratch() else { return };
    let database = scratch.create("test").unwrap();
    let catalog = read(&database.dsn);
    let found: Vec<_> = catalog.objects().map(|it| it.id.to_string()).collect();
    assert_eq!(
        found,
        [
            "extension plpgsql",
            "schema public",
            "comment on extension.plpgsql",
            "comment on schema.public",
            "grant on schema.public.public"
        ]
    );
    assert!(catalog.unseen.is_empty());
}

#[test]
fn every_kind_of_object_is_in_the_catalog() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, EVERYTHING);
    let catalog = read(&database.dsn);
    let lines: Vec<_> = catalog
        .objects()
        .map(|it| {
            let attributes =
                it.attributes.iter().map(|(name, value)| format!("\n    {name}: {value}"));
            format!("{}{}", it.id, attributes.collect::<String>())
        })
        .collect();
    let text = lines.join("\n");
    if let Ok(path) = std::env::var("RAINGAUGE_TEST_DUMP") {
        std::fs::write(path, &text).unwrap();
    }
    // A subscription holds its database, so that it has a test of its own; labels need a provider. Events
    // are MySQL's.
    let elsewhere = [
        Kind::Event,
        Kind::Role,
        Kind::NotNull,
        Kind::Subscription,
        Kind::SecurityLabel,
        Kind::Database,
        Kind::Parameter,
        Kind::Other,
    ];
    for kind in Kind::ALL.into_iter().filter(|it| !elsewhere.contains(it)) {
        assert!(catalog.of_kind(kind).next().is_some(), "no {kind:?} in\n{text}");
    }
    assert!(!text.contains("s3cr3t-word"));
    assert!(!text.contains("drizzle"), "the ledger is in\n{text}");
    let is_member = |it: &Object| it.id.name().contains("citext_");
    assert!(!catalog.objects().any(is_member), "members of an extension are in\n{text}");
}

#[test]
fn two_databases_of_one_script_have_one_fingerprint() {
    let Some(mut scratch) = scratch() else { return };
    let mut first = scratch.create("one").unwrap();
    run(&mut first, EVERYTHING);
    let mut second = scratch.create("two").unwrap();
    // Objects with other oids come first.
    run(&mut second, "create table public.early (); drop table public.early");
    run(&mut second, EVERYTHING);
    assert_eq!(read(&first.dsn).fingerprint(), read(&second.dsn).fingerprint());
}

#[test]
fn t23_the_fingerprint_does_not_depend_on_the_search_path_or_other_settings() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, "create schema app; create type app.k as enum ('x')");
    run(
        &mut database,
        "create table public.t (k app.k default 'x', at timestamptz default '2026-01-01 00:00+00', \
         cash money default '1.50', b bytea default '\\x00', f float8 default 0.1)",
    );
    let expected = read(&database.dsn);
    assert_eq!(get(&expected, Kind::Column, &["public", "t", "k"], "default"), Some("'x'::app.k"));
    let name = target(&database.dsn).database;
    for setting in [
        "search_path = app, public",
        "datestyle = 'SQL, DMY'",
        "timezone = 'Asia/Tokyo'",
        "extra_float_digits = -5",
        "bytea_output = 'escape'",
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
    ] {
        run(&mut database, &format!("alter database {name} set {setting}"));
        assert_eq!(read(&database.dsn).fingerprint(), expected.fingerprint(), "{setting}");
        // A session with the database's own settings sees the same.
        let mut plain = Session::open_plain(&database.dsn, Access::ReadWrite).unwrap();
        let catalog = introspect::catalog(&mut plain, &[]).unwrap();
        assert_eq!(catalog.fingerprint(), expected.fingerprint(), "{setting}");
    }
}

#[test]
fn t22_a_role_that_may_only_select_sees_every_table_and_constraint() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(
        &mut database,
        "create table public.seen (id int primary key, n int unique check (n > 0)); \
         create table public.\"Hid den\" (id int primary key); create schema secret; create table secret.s (id int); \
         create schema other",
    );
    run(&mut database, &role("ro", "login"));
    run(&mut database, "grant usage on schema other to ro; grant select on public.seen to ro");
    let all = read(&database.dsn);
    let mut address = target(&database.dsn);
    address.user = "ro".to_owned();
    let limited = read(&Dsn::Postgres(address));
    assert_eq!(limited.fingerprint(), all.fingerprint());
    let unseen: Vec<_> = limited
        .unseen
        .iter()
        .map(|it| format!("{}: {}", it.what, it.grant.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        unseen,
        [
            "contents of schema secret: GRANT USAGE ON SCHEMA secret TO ro",
            "rows of table public.Hid den: GRANT SELECT ON public.\"Hid den\" TO ro",
            "rows of table secret.s: GRANT SELECT ON secret.s TO ro",
        ]
    );
    // The statements that are shown really help.
    for unseen in &limited.unseen {
        run(&mut database, unseen.grant.as_deref().unwrap());
    }
    let mut address = target(&database.dsn);
    address.user = "ro".to_owned();
    assert!(read(&Dsn::Postgres(address)).unseen.is_empty());
}

#[test]
fn a_name_that_the_server_cut_inside_a_letter_is_refused_and_the_session_goes_on() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    let name = format!("a{}", "ö".repeat(31));
    run(&mut database, &format!("create type \"{name}\" as range (subtype = numeric)"));
    let mut reader = Session::open(&database.dsn, Access::ReadOnly).unwrap();
    let error = introspect::catalog(&mut reader, &[]).unwrap_err();
    assert_eq!(error.code, "catalog-unreadable");
    assert!(format!("{error:?}").contains("not UTF-8"), "{error:?}");
    assert_eq!(reader.rows("select 1").unwrap(), [[Some("1".to_owned())]]);
}

#[test]
fn t24_expressions_are_compared_as_the_server_stores_them() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(
        &mut database,
        "create table public.a (s text constraint c check (s in ('a', 'b')), n int constraint d check (n between 1 and 2)); \
         create table public.b (s text constraint c check (s = any (array['a', 'b'])), \
                                n int constraint d check (n >= 1 and n <= 2))",
    );
    let catalog = read(&database.dsn);
    for name in ["c", "d"] {
        assert_eq!(
            get(&catalog, Kind::Check, &["public", "a", name], "expression"),
            get(&catalog, Kind::Check, &["public", "b", name], "expression")
        );
    }
}

#[test]
fn reading_writes_nothing_and_leaves_no_transaction() {
    let Some(mut scratch) = scratch() else { return };
    let database = scratch.create("test").unwrap();
    let mut session =
        Session::Postgres(PgSession::open(&target(&database.dsn), Access::ReadWrite).unwrap());
    introspect::catalog(&mut session, &[]).unwrap();
    let rows = session.rows("select pg_catalog.pg_current_xact_id_if_assigned()").unwrap();
    assert_eq!(rows, [[None]]);
    session.run("create table public.t (a int)").unwrap();
    assert_eq!(session.rows("select count(*) from public.t").unwrap(), [[Some("0".to_owned())]]);
}
