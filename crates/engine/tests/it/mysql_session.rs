//! Sessions of MySQL and MariaDB: who is let in, how it is refused, and that reading writes nothing.

use raingauge_engine::Error;
use raingauge_engine::connect::dsn::mysql::MySqlTarget;
use raingauge_engine::connect::{Access, MySqlSession};
use raingauge_engine::introspect::mysql::catalog;
use raingauge_testkit::MySql;
use raingauge_testkit::mysql::{ACCOUNT, Vendor, servers};
use raingauge_testkit::postgres::PASSWORD;

use crate::mysql_catalog::{everything, read, session};

fn open(url: &str) -> Result<MySqlSession, Error> {
    MySqlSession::open(&MySqlTarget::parse(url).unwrap(), Access::ReadOnly)
}

#[test]
fn t21_a_session_that_reads_cannot_write() {
    for server in servers() {
        let database = server.database("readonly").unwrap();
        database.sql("create table t (a int); insert into t values (1)").unwrap();
        let mut session = session(&database);
        for sql in [
            "insert into t values (2)",
            "update t set a = 3",
            "delete from t",
            "create table u (a int)",
            "create view v as select 1",
            "alter table t add b int",
            "create index i on t (a)",
            "truncate t",
            "drop table t",
            "create procedure p() select 1",
        ] {
            let error = session.run(sql).expect_err(sql);
            assert_eq!(error.state, "1792", "{sql}: {error}");
        }
        assert_eq!(database.sql("select count(*), sum(a) from t").unwrap().trim(), "1\t1");
    }
}

#[test]
fn an_error_of_any_statement_of_several_is_told() {
    for server in servers() {
        let database = server.database("several").unwrap();
        let mut session = session(&database);
        for sql in [
            "set @a = 1; select * from nowhere",
            "select 1; select * from nowhere",
            "set @a = 1; select 1; select * from nowhere; select 2",
        ] {
            let error = session.run(sql).expect_err(sql);
            assert_eq!(error.state, "1146", "{:?} {sql}: {error}", server.vendor);
            assert_eq!(session.rows("select 7").unwrap(), [[Some("7".to_owned())]]);
        }
    }
}

#[test]
fn who_is_not_let_in_is_told_why_and_no_password_is_shown() {
    for server in servers() {
        let database = server.database("login").unwrap();
        let name = &database.name;
        let identity = open(&server.url(name)).unwrap().identity().unwrap();
        assert_eq!((&identity.database, identity.local), (name, true));
        assert_eq!(identity.role, format!("{ACCOUNT}@%"));
        let wrong = "teapot-7319-walrus";
        let cases = [
            (server.url_as(ACCOUNT, wrong, name), "mysql-login-failed"),
            (server.url("nowhere"), "mysql-database-missing"),
            (format!("mysql://{ACCOUNT}:{wrong}@127.0.0.1:1/{name}"), "mysql-unreachable"),
            (format!("mysql://{ACCOUNT}:{wrong}@no-such-host.invalid/{name}"), "mysql-unreachable"),
        ];
        for (url, code) in cases {
            let error = open(&url).expect_err(&url);
            assert_eq!(error.code, code);
            assert!(!error.next.is_empty());
            let text = format!("{error} {error:?} {:?}", error.causes());
            assert!(!text.contains(wrong) && !text.contains(PASSWORD), "{text}");
        }
    }
}

#[test]
fn encryption_is_refused_where_it_proves_nothing() {
    for server in servers() {
        let database = server.database("tls").unwrap();
        let url = server.url(&database.name);
        let cipher = |query: &str| {
            let mut session = open(&format!("{url}?{query}"))?;
            let rows = session.rows("show session status like 'Ssl_cipher'").unwrap();
            Ok::<_, Error>(rows[0][1].clone().unwrap_or_default())
        };
        assert_eq!(cipher("ssl-mode=DISABLED").unwrap(), "");
        match server.vendor {
            // Since 11.4 it makes one for itself, of which only an account's password could tell whose it is.
            Vendor::MariaDb if ["11.4", "11.8"].contains(&server.release.series) => {
                assert_ne!(cipher("ssl-mode=PREFERRED").unwrap(), "");
                assert_ne!(cipher("ssl-mode=REQUIRED").unwrap(), "");
                assert_eq!(cipher("ssl=true").unwrap_err().code, "mysql-tls");
            }
            // This one has no certificate.
            Vendor::MariaDb => {
                assert_eq!(cipher("ssl-mode=PREFERRED").unwrap(), "");
                assert_eq!(cipher("ssl-mode=REQUIRED").unwrap_err().code, "mysql-tls");
            }
            // This one has made one for itself, with an authority that nobody knows.
            Vendor::MySql => {
                assert_ne!(cipher("ssl-mode=PREFERRED").unwrap(), "");
                assert_ne!(cipher("ssl-mode=REQUIRED").unwrap(), "");
                assert_eq!(cipher("ssl=true").unwrap_err().code, "mysql-tls");
                let authority = server.folder.join("data/ca.pem");
                let authority = format!("ssl-ca={}", authority.display());
                // The driver looks at the name with either mode, and this certificate has none.
                for mode in ["VERIFY_CA", "VERIFY_IDENTITY"] {
                    let error = cipher(&format!("ssl-mode={mode}&{authority}")).unwrap_err();
                    assert_eq!(error.code, "mysql-tls");
                    assert!(error.causes().concat().contains("name"), "{:?}", error.causes());
                }
            }
        }
    }
}

#[test]
fn the_servers_settings_do_not_change_what_is_read() {
    // Its settings are everybody's, so it is a server of its own.
    let server = match MySql::start(Vendor::MariaDb) {
        Ok(server) => std::sync::Arc::new(server),
        Err(failure) => return println!("skipped: {failure}"),
    };
    let database = everything(&server);
    let before = read(&database);
    database
        .sql("set global sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'; set global time_zone = '+05:00'; set global sql_quote_show_create = 0; set global character_set_results = latin1")
        .unwrap();
    let after = catalog(&mut session(&database), &[]).unwrap();
    assert_eq!(crate::postgres_flips::differences(&before, &after), Vec::<String>::new());
}
