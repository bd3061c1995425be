//! Scripts and migrations on real databases.

use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::initsql::{Fence, Sourced, expand, fence};
use raingauge_engine::replay;
use raingauge_schema::Dialect;
use raingauge_testkit::{Database, Postgres};

use super::{codes, found_in, project};

/// An empty database, or the reason why there is none.
pub(crate) fn postgres(label: &str) -> Option<Database> {
    match Postgres::shared().and_then(|it| it.database(label)) {
        Ok(database) => Some(database),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

pub(super) fn session(database: &Database) -> Session {
    let dialect =
        if matches!(database, Database::Postgres(_)) { Dialect::Postgres } else { Dialect::Sqlite };
    let access = if dialect == Dialect::Sqlite { Access::Create } else { Access::ReadWrite };
    Session::open_plain(&Dsn::parse(&database.url(), dialect).unwrap(), access).unwrap()
}

fn pieces(files: &[(&str, &str)], given: &[&str], dialect: Dialect) -> Vec<Sourced> {
    let folder = project(files);
    let expansion = expand(&found_in(folder.path(), given), dialect).unwrap();
    let rules = Fence { dialect, shared: false, database: "shop", container_database: None };
    fence(expansion.pieces, &rules).pieces
}

#[test]
fn t32_a_script_that_fails_says_where_and_how_far_it_came() {
    let Some(database) = postgres("broken") else { return };
    let files = [
        ("1.sql", "create table a (id int);\ninsert into a values (1);\n"),
        ("2.sql", "create table b (id int);\n"),
        (
            "3.sql",
            "insert into b values (2);\n\n-- note\ninsert into missing\n values (3);\nselect 4;\n",
        ),
    ];
    let pieces = pieces(&files, &["1.sql", "2.sql", "3.sql"], Dialect::Postgres);
    let error = replay::script(&mut session(&database), &pieces).unwrap_err();
    assert_eq!(
        (error.file.as_str(), error.line, error.source.state.as_str()),
        ("3.sql", 4, "42P01")
    );
    assert_eq!((error.ran.n_statements, error.ran.n_files, error.n_left), (4, 2, 2));
    assert_eq!(error.statement, "insert into missing values (3)");
    let finding = error.finding("init-sql-broken", "cannot be built on an empty database");
    assert_eq!(codes(&[finding]), ["init-sql-broken 3.sql:4"]);
    assert_eq!(database.value("select count(*) from a, b").unwrap(), "1");
}

#[test]
fn each_file_has_a_session_of_its_own() {
    let Some(database) = postgres("fresh") else { return };
    let files = [
        (
            "1.sql",
            "create schema s; set search_path = s; create table t (); create temp table x (); begin; create table lost ();",
        ),
        ("2.sql", "create table t (); create temp table x ();"),
    ];
    let pieces = pieces(&files, &["1.sql", "2.sql"], Dialect::Postgres);
    let ran = replay::script(&mut session(&database), &pieces).unwrap();
    assert_eq!((ran.n_statements, ran.n_files), (8, 2));
    assert_eq!(database.tables().unwrap().len(), 2);
}

#[test]
fn rows_roles_and_bodies_arrive() {
    let Some(database) = postgres("rows") else { return };
    let script = "begin;\ncreate role rg_replay_role;\ncreate user rg_replay_role with password 'it''s \\';\ncreate table t (a int, b text);\ncopy t from stdin;\n1\tone;\n2\t\\N\n\\.\n\
        create function f() returns int begin atomic select 1; select count(*)::int from t; end;\ncommit;\n";
    let pieces = pieces(&[("1.sql", script)], &["1.sql"], Dialect::Postgres);
    let ran = replay::script(&mut session(&database), &pieces);
    let value = database.value("select f(), max(b) from t");
    database.sql("drop role rg_replay_role").unwrap();
    assert_eq!(ran.unwrap().n_statements, 7);
    assert_eq!(value.unwrap(), "2|one;");
}

#[test]
fn a_migration_is_one_transaction_on_postgresql_unless_it_says_otherwise() {
    let Some(database) = postgres("migration") else { return };
    let mut session = session(&database);
    let good = "CREATE TABLE a (id int); CREATE TABLE b (id int);\n--> statement-breakpoint\nBEGIN;INSERT INTO a VALUES (1);COMMIT;";
    // Three of its statements are left when the two that begin and end a transaction are taken out.
    assert_eq!(replay::file(&mut session, "0000_a.sql", good).unwrap().n_statements, 3);
    let bad = "CREATE TABLE c (id int);--> statement-breakpoint\n\nCREATE TABLE a (id int);";
    let error = replay::file(&mut session, "0001_b.sql", bad).unwrap_err();
    assert_eq!(
        (error.file.as_str(), error.line, error.source.state.as_str()),
        ("0001_b.sql", 3, "42P07")
    );
    assert_eq!((error.ran.n_statements, error.n_left), (1, 1));
    assert_eq!(database.tables().unwrap().len(), 2);
    let alone = "CREATE INDEX CONCURRENTLY i ON a (id);";
    assert_eq!(replay::file(&mut session, "0002_c.sql", alone).unwrap().n_statements, 1);
    let own = "CREATE TABLE d (id int); COMMIT; CREATE TABLE a (id int);";
    assert_eq!(replay::file(&mut session, "0003_d.sql", own).unwrap_err().n_left, 1);
    assert_eq!(database.tables().unwrap().len(), 3);
}

#[test]
fn a_migration_is_one_transaction_on_sqlite() {
    let database =
        Database::Sqlite(raingauge_testkit::sqlite::SqliteDatabase::temporary("m").unwrap());
    let mut session = session(&database);
    let good = "CREATE TABLE a (id);--> statement-breakpoint\nBEGIN; INSERT INTO a VALUES (1); COMMIT;--> statement-breakpoint\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;";
    assert_eq!(replay::file(&mut session, "0000_a.sql", good).unwrap().n_statements, 3);
    let bad = "CREATE TABLE c (id);--> statement-breakpoint\nINSERT INTO gone VALUES (1);";
    let error = replay::file(&mut session, "0001_b.sql", bad).unwrap_err();
    assert_eq!((error.line, error.ran.n_statements), (2, 1));
    drop(session);
    assert_eq!(database.tables().unwrap(), ["\"a\""]);
}

const LEAVING: &str = "
CREATE DATABASE escaped;
CREATE ROLE escaped LOGIN SUPERUSER;
ALTER SYSTEM SET work_mem = '5MB';
CREATE TABLE kept (id int); CREATE TABLE books (id int);
INSERT INTO LIVE.public.books VALUES (9);
DO $$ BEGIN CREATE ROLE escaped; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN EXECUTE 'ALTER DATABASE LIVE SET search_path = gone'; END $$;
UPDATE pg_catalog.pg_database SET datconnlimit = 0 WHERE datname = 'LIVE';
COPY kept TO PROGRAM 'cat > /tmp/raingauge-escaped';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid();
DROP DATABASE IF EXISTS other_than_live;
\\c LIVE
TRUNCATE books;
\\c template1
CREATE TABLE escaped (id int);
\\c LIVE
USE LIVE;
DROP TABLE IF EXISTS books;
INSERT INTO kept VALUES (1);
";

/// Everything of a server that is not inside one of its databases.
fn server_state(live: &Database) -> Vec<String> {
    let queries = [
        "select rolname, rolsuper from pg_roles order by 1",
        "select datname, datconnlimit from pg_database where datname not like 'scratch%' order by 1",
        "select * from pg_db_role_setting order by 1, 2",
        "select name, setting from pg_file_settings where sourcefile like '%auto.conf'",
    ];
    queries.map(|it| live.sql(it).unwrap()).into()
}

#[test]
fn a_script_that_tries_to_leave_scratch_leaves_live_beside_it_as_it_was() {
    let Ok(server) = Postgres::start().map(std::sync::Arc::new) else {
        return println!("skipped: no PostgreSQL server");
    };
    let live = server.database("live").unwrap();
    live.sql("create table books (id int); insert into books values (1), (2)").unwrap();
    let scratch = server.database("scratch").unwrap();
    let Database::Postgres(it) = &live else { panic!("not PostgreSQL") };
    let script = LEAVING.replace("LIVE", &it.name);
    let before = (live.state().unwrap(), server_state(&live));

    let folder = project(&[("init.sql", script.as_str())]);
    let expansion = expand(&found_in(folder.path(), &["init.sql"]), Dialect::Postgres).unwrap();
    let rules = Fence {
        dialect: Dialect::Postgres,
        shared: true,
        database: &it.name,
        container_database: None,
    };
    let fenced = fence(expansion.pieces, &rules);
    replay::script(&mut session(&scratch), &fenced.pieces).unwrap();

    assert_eq!((live.state().unwrap(), server_state(&live)), before);
    assert_eq!(scratch.rows("kept").unwrap().len(), 1);
    let mut held = codes(&fenced.findings);
    held.sort();
    assert_eq!(
        held,
        [
            "init-sql-beyond init.sql:10",
            "init-sql-beyond init.sql:4",
            "init-sql-database init.sql:2",
            "init-sql-other-database init.sql:16",
            "init-sql-outside init.sql:12",
            "init-sql-outside init.sql:3",
            "init-sql-outside init.sql:6",
            "init-sql-outside init.sql:8",
        ]
    );
}
