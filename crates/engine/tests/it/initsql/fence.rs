//! What may be sent to scratch.

use raingauge_engine::initsql::{Fence, Fenced, fence};
use raingauge_schema::Dialect;

use super::{codes, expanded};

fn fenced(script: &str, shared: bool, dialect: Dialect) -> Fenced {
    let expansion = expanded(&[("a.sql", script)], dialect);
    let rules = Fence { dialect, shared, database: "shop", container_database: Some("postgres") };
    fence(expansion.pieces, &rules)
}

#[track_caller]
fn check(script: &str, shared: bool, sent: &[&str], held: &[&str]) {
    let fenced = fenced(script, shared, Dialect::Postgres);
    let pieces: Vec<_> = fenced.pieces.iter().map(|it| it.piece.sql.as_str()).collect();
    assert_eq!(pieces, sent);
    assert_eq!(codes(&fenced.findings), held);
}

/// Statements of which each alone is held back.
#[track_caller]
fn check_held(statements: &[&str], shared: bool, code: &str) {
    for sql in statements {
        let fenced = fenced(sql, shared, Dialect::Postgres);
        assert!(fenced.pieces.is_empty(), "sent: {sql}");
        assert_eq!(codes(&fenced.findings), [format!("{code} a.sql:1")], "{sql}");
    }
}

const SERVER: [&str; 32] = [
    "create role app login",
    "CREATE USER app WITH PASSWORD 'x'",
    "create group g",
    "alter role app superuser",
    "alter user app set search_path = x",
    "drop role if exists app",
    "drop user app",
    "grant admin to app",
    "revoke admin from app",
    "alter database shop set timezone = 'UTC'",
    "drop database other",
    "grant connect on database shop to app",
    "comment on database shop is 'x'",
    "comment on role app is 'x'",
    "reassign owned by a to b",
    "drop owned by a",
    "checkpoint",
    "prepare transaction 'x'",
    "reindex database shop",
    "select pg_catalog.pg_terminate_backend(pid) from pg_stat_activity",
    "select pg_reload_conf()",
    "select pg_create_logical_replication_slot('a', 'b')",
    "update pg_database set datallowconn = false where datname = 'shop'",
    "delete from pg_catalog.pg_authid",
    "insert into shop.public.books values (1)",
    "create table other.public.t (a int)",
    "drop table if exists \"Other\".public.t",
    "do $$ begin if not exists (select from pg_roles) then create role app; end if; end $$",
    "do $$ begin execute 'alter role ' || quote_ident('x') || ' login'; end $$",
    "do $$ declare q text := 'create user x'; begin execute q; end $$",
    "create function f() returns void language plpgsql as $$ begin alter database shop rename to x; end $$",
    "do $$ begin perform pg_cancel_backend(1); end $$",
];

const BEYOND: [&str; 24] = [
    "alter system set archive_command = 'x'",
    "copy t from '/etc/passwd'",
    "copy (select 1) to program 'sh'",
    "copy t to '/tmp/x' csv",
    "load 'x'",
    "select pg_read_file('x')",
    "select * from pg_ls_dir('.')",
    "select lo_import('/etc/passwd')",
    "create extension plpython3u",
    "create extension if not exists file_fdw schema x",
    "create language plperlu",
    "create function f() returns int language c as 'x', 'y'",
    "create function f() returns int as $$ import os $$ language 'plpython3u'",
    "do language plpython3u $$ x $$",
    "create tablespace x location '/x'",
    "create server s foreign data wrapper postgres_fdw",
    "create user mapping for a server s",
    "create foreign table f (a int) server s",
    "import foreign schema public from server s into x",
    "create subscription s connection 'x' publication p",
    "select * from dblink('host=x', 'select 1') as t(a int)",
    "do $$ begin execute format('copy t from program %L', 'ls'); end $$",
    "create function f() returns text language sql as $$ select pg_read_file('x') $$",
    "explain analyze select extensions.http_get('x')",
];

#[test]
fn what_belongs_to_the_server_is_not_sent_beside_live() {
    check_held(&SERVER, true, "init-sql-outside");
}

#[test]
fn what_reaches_the_machine_or_other_servers_is_never_sent() {
    check_held(&BEYOND, true, "init-sql-beyond");
    check_held(&BEYOND, false, "init-sql-beyond");
}

#[test]
fn an_own_server_takes_roles_but_not_databases() {
    for sql in SERVER {
        let fenced = fenced(sql, false, Dialect::Postgres);
        assert!(
            codes(&fenced.findings).iter().all(|it| it == "init-sql-database a.sql:1"),
            "{sql}"
        );
    }
    check(
        "create role app; grant admin to app; drop role app; alter database shop set a = 1",
        false,
        &["create role app", "grant admin to app"],
        &["init-sql-database a.sql:1"],
    );
}

#[test]
fn what_stays_inside_is_sent() {
    let inside = [
        "create table role (\"user\" text, load int, comment text)",
        "comment on table t is 'create role x'",
        "insert into t values ('alter system', 'drop database shop')",
        "create function f() returns trigger language plpgsql as $$ begin raise exception 'cannot create user %', new.name; end $$",
        "create trigger t after insert on a for each row execute function f()",
        "create function g() returns trigger language plpgsql as $$ begin insert into log values ('create role'); return new; end $$",
        "do $$ begin create type a as enum ('b'); exception when duplicate_object then null; end $$",
        "grant select on all tables in schema public to app",
        "alter default privileges in schema public grant select on tables to app",
        "alter table t owner to app",
        "select extract(year from s.t.c), a is distinct from s.t.d from s.t",
        "update s.t set a = s.t.b",
        "create extension if not exists pgcrypto",
        "create extension dblink",
        "create policy p on t to app using (current_user = name)",
        "set role app",
        "create publication p for all tables",
        "copy t from stdin",
        "create view v as select pg_database.datname from pg_database",
    ];
    for sql in inside {
        let fenced = fenced(sql, true, Dialect::Postgres);
        assert_eq!(fenced.pieces.len(), 1, "{sql}: {:?}", fenced.findings);
        assert!(fenced.findings.is_empty(), "{sql}");
    }
}

#[test]
fn the_database_that_the_script_makes_is_the_scratch_database() {
    let script =
        "drop database if exists chinook;\ncreate database chinook;\n\\c chinook;\nselect 1;\n";
    check(script, true, &["select 1"], &["init-sql-database a.sql:1"]);
    check(
        "use shop; select 1; copy t to stdout",
        true,
        &["select 1"],
        &["init-sql-database a.sql:1"],
    );
    check(
        "\\c shop\nselect 1;\n\\c - app\nselect 2;",
        true,
        &["select 1", "select 2"],
        &["init-sql-database a.sql:1"],
    );
}

#[test]
fn what_belongs_to_another_database_is_not_sent() {
    let script = "create database keycloak;\nselect 1;\n\\c keycloak\nselect 2;\nselect 3;\n\\c shop\nselect 4;\n";
    check(
        script,
        true,
        &["select 1", "select 4"],
        &["init-sql-database a.sql:1", "init-sql-other-database a.sql:4"],
    );
    check(
        script,
        false,
        &["select 1", "select 4"],
        &["init-sql-database a.sql:1", "init-sql-other-database a.sql:4"],
    );
    check(
        "create database a; create database b;\n\\c b\nselect 1;\n\\c a\nselect 2;",
        true,
        &["select 1"],
        &["init-sql-database a.sql:1", "init-sql-other-database a.sql:5"],
    );
    check("\\c app\nselect 1;", true, &[], &["init-sql-other-database a.sql:2"]);
    check("\\c shop u otherhost\nselect 1;", true, &[], &["init-sql-other-database a.sql:2"]);
}

#[test]
fn every_file_begins_in_the_database_of_the_container() {
    let folder = super::project(&[("1.sql", "\\c other\nselect 1;"), ("2.sql", "select 2;")]);
    let found = super::found_in(folder.path(), &["1.sql", "2.sql"]);
    let expansion = raingauge_engine::initsql::expand(&found, Dialect::Postgres).unwrap();
    let rules = Fence {
        dialect: Dialect::Postgres,
        shared: true,
        database: "shop",
        container_database: None,
    };
    let fenced = fence(expansion.pieces, &rules);
    assert_eq!(fenced.pieces.len(), 1);
    assert_eq!((fenced.pieces[0].place().as_str(), fenced.pieces[0].entry), ("2.sql:1", 1));
    assert_eq!(fenced.n_held_back, 1);
}

#[test]
fn evidence_names_the_statements() {
    let script = "create role a;\n".repeat(12);
    let fenced = fenced(&script, true, Dialect::Postgres);
    let evidence = &fenced.findings[0].evidence;
    assert_eq!(
        (evidence[0].as_str(), evidence[10].as_str()),
        ("a.sql:1: create role a", "and 2 more")
    );
}

#[test]
fn sqlite_scripts_stay_in_their_file() {
    let script = "attach 'x.db' as aux;\ncreate table aux.t (a);\ncreate table t (aux);\nselect load_extension('x');\nvacuum into 'y';\ninsert into t select aux.t.a from aux.t;\ndetach aux;\n";
    let fenced = fenced(script, false, Dialect::Sqlite);
    let sent: Vec<_> = fenced.pieces.iter().map(|it| it.piece.sql.as_str()).collect();
    assert_eq!(sent, ["create table t (aux)"]);
    assert_eq!(
        codes(&fenced.findings),
        ["init-sql-beyond a.sql:1", "init-sql-other-database a.sql:2"]
    );
}

#[test]
fn a_quote_after_a_backslash_hides_nothing() {
    check(
        "set standard_conforming_strings = off; select 'it\\'s', pg_reload_conf()",
        true,
        &["set standard_conforming_strings = off"],
        &["init-sql-outside a.sql:1"],
    );
    check("select 'it\\', pg_reload_conf(), 'x'", true, &[], &["init-sql-outside a.sql:1"]);
    check("select 'it\\'", true, &["select 'it\\'"], &[]);
}

#[track_caller]
fn check_mysql(script: &str, shared: bool, sent: &[&str], held: &[&str]) {
    let fenced = fenced(script, shared, Dialect::MySql);
    let pieces: Vec<_> = fenced.pieces.iter().map(|it| it.piece.sql.as_str()).collect();
    assert_eq!(
        (pieces.as_slice(), codes(&fenced.findings).as_slice()),
        (sent, held_of(held).as_slice())
    );
}

fn held_of(held: &[&str]) -> Vec<String> {
    held.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn scripts_of_mysql_use_the_scratch_database_in_the_place_of_live() {
    let dump = "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop`;\nUSE `shop`;\ncreate table t (a int);\nuse other;\ncreate table u (a int);\nuse shop;\ncreate table v (a int);";
    check_mysql(
        dump,
        true,
        &["create table t (a int)", "create table v (a int)"],
        &["init-sql-database a.sql:1", "init-sql-other-database a.sql:4"],
    );
    // A dump of one database, whatever it was called there.
    check_mysql(
        "use prod;\ncreate table t (a int);",
        true,
        &["create table t (a int)"],
        &["init-sql-database a.sql:1"],
    );
}

#[test]
fn what_leaves_the_database_of_mysql_is_not_sent_beside_live() {
    // What is done now is done to scratch; what a program does later would be done to live.
    for shared in [true, false] {
        check_mysql("drop table shop.t", shared, &["drop table t"], &[]);
    }
    for sql in [
        "create procedure p() delete from shop.t",
        "create user a",
        "/*!50003 grant all on *.* to a */",
        "set global x = 1",
    ] {
        check_mysql(sql, true, &[], &["init-sql-outside a.sql:1"]);
        check_mysql(sql, false, &[sql], &[]);
    }
    for sql in ["load data infile 'x' into table t", "create table t (a int) engine=federated"] {
        check_mysql(sql, false, &[], &["init-sql-beyond a.sql:1"]);
    }
}
