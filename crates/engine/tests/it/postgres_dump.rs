//! The engine's own dump, the second witness.

use raingauge_engine::baseline::roles::without_owners;
use raingauge_engine::client::ProgramSource;
use raingauge_engine::connect::{Dsn, Session};
use raingauge_engine::dump::schema_dump;
use raingauge_engine::scratch::ScratchDatabase;

use crate::postgres_catalog::{EVERYTHING, ledger, read, run};
use crate::postgres_session::{role, scratch, target};

#[track_caller]
fn dump(session: &mut Session, dsn: &Dsn) -> String {
    without_owners(schema_dump(session, dsn, &[ledger()], None).unwrap()).text()
}

#[track_caller]
fn dump_of(database: &mut ScratchDatabase) -> String {
    dump(&mut database.session, &database.dsn)
}

#[test]
fn a_dump_rebuilds_the_same_catalog_and_the_same_dump() {
    let Some(mut scratch) = scratch() else { return };
    let mut live = scratch.create("live").unwrap();
    run(&mut live, EVERYTHING);
    let text = dump_of(&mut live);
    assert!(!text.contains("drizzle"), "{text}");
    let mut rebuilt = scratch.create("rebuilt").unwrap();
    run(&mut rebuilt, &text);
    let mut session =
        Session::open_plain(&rebuilt.dsn, raingauge_engine::connect::Access::ReadWrite).unwrap();
    assert_eq!(dump(&mut session, &rebuilt.dsn), text);
    assert_eq!(read(&rebuilt.dsn).fingerprint(), read(&live.dsn).fingerprint());
}

#[test]
fn a_ledger_does_not_show_in_a_dump() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, "create table public.books (id int primary key)");
    let before = dump_of(&mut database);
    run(&mut database, &role("app", "nologin"));
    run(
        &mut database,
        "create schema drizzle; comment on schema drizzle is 'ours'; \
         grant usage on schema drizzle to app",
    );
    assert_eq!(dump_of(&mut database), before);
    run(
        &mut database,
        "create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)",
    );
    assert_eq!(dump_of(&mut database), before);
    run(&mut database, "create table drizzle.mine ()");
    assert!(dump_of(&mut database).contains("CREATE SCHEMA drizzle;"));
}

#[test]
fn a_dump_that_fails_says_why_and_keeps_the_password() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, "create table public.hidden (id int)");
    run(&mut database, &role("ro", "login"));
    let mut address = target(&database.dsn);
    address.user = "ro".to_owned();
    address.password = Some("s3cr3t-word".to_owned());
    let error = schema_dump(&mut database.session, &Dsn::Postgres(address), &[], None).unwrap_err();
    assert_eq!(error.code, "pg-dump-failed");
    let said = format!("{error} {error:?}");
    assert!(said.contains("hidden") && !said.contains("s3cr3t-word"), "{said}");
}

#[test]
fn a_folder_without_pg_dump_is_refused_by_name() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    let nowhere = ProgramSource::Folder("/nonexistent".into());
    let error = schema_dump(&mut database.session, &database.dsn, &[], Some(&nowhere)).unwrap_err();
    assert_eq!(error.code, "pg-dump-missing");
}
