//! The catalog of MySQL and MariaDB: what is read, and that nothing is lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use raingauge_engine::connect::dsn::mysql::MySqlTarget;
use raingauge_engine::connect::{Access, MySqlSession};
use raingauge_engine::introspect::mysql::catalog;
use raingauge_schema::mysql::catalog::{create_table, not_understood};
use raingauge_schema::{Catalog, Kind};
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Release, Vendor, servers};
use raingauge_testkit::postgres::PASSWORD;

use crate::postgres_flips::differences;

const EVERYTHING: &str = include_str!("sql/mysql_everything.sql");
const MYSQL_ONLY: &str = include_str!("sql/mysql_only.sql");
const MARIADB_ONLY: &str = include_str!("sql/mariadb_only.sql");

pub(crate) fn session(database: &MySqlDatabase) -> MySqlSession {
    let target = MySqlTarget::parse(&database.server.socket_url(&database.name)).unwrap();
    MySqlSession::open(&target, Access::ReadOnly).unwrap()
}

pub(crate) fn read(database: &MySqlDatabase) -> Catalog {
    catalog(&mut session(database), &["__drizzle_migrations"]).unwrap()
}

/// A database with everything that the server knows.
pub(crate) fn everything(server: &Arc<MySql>) -> MySqlDatabase {
    let database = server.database("everything").unwrap();
    let more = match server.vendor {
        Vendor::MySql => MYSQL_ONLY,
        Vendor::MariaDb => MARIADB_ONLY,
    };
    let more = known_to(server.release, more);
    database.sql(&format!("{EVERYTHING}\n{more}")).unwrap();
    database
}

/// The part of a script that servers of this release know: what stands between a line `-- since 10.10` and the next
/// line `-- end` is for that one and later ones.
fn known_to(release: Release, script: &str) -> String {
    let numbers = |it: &str| it.split('.').map(|it| it.parse().unwrap()).collect::<Vec<u32>>();
    let mut since = Vec::new();
    let mut known = String::new();
    for line in script.lines() {
        match line.strip_prefix("-- since ") {
            Some(series) => since = numbers(series),
            None if line == "-- end" => since.clear(),
            None if since <= numbers(release.series) => known = known + line + "\n",
            None => {}
        }
    }
    known
}

/// Every table's statement, made of the catalog's objects, is what the server prints.
#[track_caller]
pub(crate) fn check_statements(database: &MySqlDatabase) -> usize {
    let catalog = read(database);
    let mut session = session(database);
    let tables: Vec<_> = catalog.of_kind(Kind::Table).map(|it| it.id.clone()).collect();
    for table in &tables {
        let sql = format!("show create table `{}`", table.name());
        let printed = session.rows(&sql).unwrap().remove(0).remove(1).unwrap();
        let printed = printed.replace(&format!("`{}`.", database.name), "");
        assert_eq!(create_table(&catalog, table).unwrap(), printed, "{:?}", database.server.vendor);
    }
    assert_eq!(not_understood(&catalog).count(), 0);
    tables.len()
}

#[test]
fn every_table_is_said_again_letter_for_letter() {
    for server in servers() {
        let database = everything(&server);
        assert!(10 < check_statements(&database), "{:?}", server.vendor);
    }
}

/// Scripts of real projects. What names or makes a database is left out.
fn corpus() -> Vec<(String, String)> {
    let Some(folder) = std::env::var_os("RAINGAUGE_CORPUS").map(PathBuf::from) else {
        println!("skipped: tests on real-world schemas, because RAINGAUGE_CORPUS is not set");
        return Vec::new();
    };
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let files = [
        "sakila/mysql-sakila-schema.sql",
        "chinook/Chinook_MySql_AutoIncrementPKs.sql",
        "temporal/mysql-temporal.sql",
        "temporal/mysql-visibility.sql",
    ];
    let mut scripts: Vec<_> =
        files.iter().map(|it| ((*it).to_owned(), read(&folder.join(it)))).collect();
    let history = std::fs::read_dir(folder.join("homarr-mysql")).unwrap();
    let mut history: Vec<_> = history.map(|it| it.unwrap().path()).collect();
    history.retain(|it| it.extension().is_some_and(|it| it == "sql"));
    history.sort();
    let history: Vec<_> = history.iter().map(|it| read(it)).collect();
    let history = history.join("\n;\n").replace("--> statement-breakpoint", "\n");
    scripts.push(("homarr-mysql".to_owned(), history));
    scripts
}

fn is_structure(line: &str) -> bool {
    let line = line.to_lowercase();
    let others = ["use ", "create database", "create schema", "drop database", "drop schema"];
    !others.iter().any(|it| line.starts_with(it)) && !line.starts_with("insert into")
}

/// Every table of the scripts of real projects is said again; how many there are.
pub(crate) fn real_schemas_are_said_again(server: &Arc<MySql>) {
    let mut n_tables = 0;
    for (name, script) in corpus() {
        let database = server.database("corpus").unwrap();
        let is_history = name == "homarr-mysql";
        let lines = script.lines().filter(|it| is_history || is_structure(it));
        // Chinook's rows span lines.
        let is_row = |it: &&str| it.trim() != "(" && it.trim_start().starts_with('(');
        let lines = lines.filter(|it| is_history || !is_row(it));
        let script: String = lines.map(|it| format!("{it}\n")).collect();
        // MySQL 9 refuses what some of these histories do; what was made until then counts.
        if let Err(failure) = database.sql(&script) {
            println!("{:?}, {name}: {failure}", server.vendor);
        }
        let n = check_statements(&database);
        println!("{:?}, {name}: {n} tables", server.vendor);
        n_tables += n;
    }
    assert!(n_tables == 0 || 80 < n_tables, "{n_tables}");
}

#[test]
fn real_schemas_are_said_again_letter_for_letter() {
    for server in servers() {
        real_schemas_are_said_again(&server);
    }
}

#[track_caller]
fn value(catalog: &Catalog, id: &str, attribute: &str) -> Option<String> {
    let object = catalog.objects().find(|it| it.id.to_string() == id);
    let object = object.unwrap_or_else(|| panic!("there is no {id}"));
    object.get(attribute).map(str::to_owned)
}

#[test]
fn both_flavours_print_defaults_in_their_own_way_and_all_are_kept() {
    for server in servers() {
        let catalog = read(&everything(&server));
        let default = |column: &str| value(&catalog, &format!("column books.{column}"), "default");
        let expected = match server.vendor {
            Vendor::MariaDb => ["current_timestamp(3)", "1.50", "uuid()", "(1 + 2)", "NULL"],
            Vendor::MySql => ["CURRENT_TIMESTAMP(3)", "'1.50'", "(uuid())", "((1 + 2))", "NULL"],
        };
        let found = ["l", "c", "y", "z", "dd"].map(|it| default(it).unwrap());
        assert_eq!(found, expected);
        assert_eq!(default("gg").as_deref(), Some("'null'"), "no trap of `NULL` as a text");
        let json = match server.vendor {
            Vendor::MariaDb => ("longtext", Some("json_valid(`k`)".to_owned())),
            Vendor::MySql => ("json", None),
        };
        let column = "column books.k";
        assert_eq!(value(&catalog, column, "type").as_deref(), Some(json.0));
        assert_eq!(value(&catalog, column, "check"), json.1);
    }
}

#[test]
fn what_is_beside_the_structure_is_told_and_not_compared() {
    for server in servers() {
        let database = everything(&server);
        let before = read(&database);
        database.sql("alter table publishers auto_increment = 5000").unwrap();
        let after = read(&database);
        assert_eq!(before.fingerprint(), after.fingerprint());
        let counter = |it: &Catalog| {
            let mut beside = it.surroundings.iter();
            let table = beside.find(|it| it.id.to_string() == "table publishers").unwrap();
            table.get("auto increment").map(str::to_owned)
        };
        assert_eq!([&before, &after].map(|it| counter(it).unwrap()), ["100", "5000"]);
        let name = &database.name;
        let account = format!("'guest_{name}'@'%'");
        let grants = format!(
            "create user {account}; grant select on `{name}`.* to {account}; \
             grant insert (a, b) on `{name}`.books to {account} with grant option"
        );
        database.sql(&grants).unwrap();
        let granted = read(&database);
        database.sql(&format!("drop user {account}")).unwrap();
        assert_eq!(granted.fingerprint(), after.fingerprint());
        let grants = granted.surroundings.iter().filter(|it| it.id.kind == Kind::Grant);
        let grants = grants.filter(|it| it.id.name() == account);
        let grants: Vec<_> =
            grants.map(|it| (it.id.path.len(), it.get("privileges").unwrap())).collect();
        assert_eq!(grants, [(4, "insert*"), (4, "insert*"), (2, "select")]);
    }
}

#[test]
fn a_ledger_is_left_out_with_everything_inside_it() {
    for server in servers() {
        let database = server.database("ledger").unwrap();
        let ledger = "create table __drizzle_migrations (id serial primary key, hash text not null, created_at bigint) comment 'x'";
        database.sql(ledger).unwrap();
        let catalog = read(&database);
        assert!(catalog.is_empty(), "{:?}", catalog.objects().collect::<Vec<_>>());
        assert!(catalog.surroundings.iter().all(|it| it.id.kind != Kind::Table));
    }
}

#[test]
fn what_an_account_cannot_see_is_unknown_and_not_absent() {
    for server in servers() {
        let database = everything(&server);
        let (name, account) = (&database.name, format!("half_{}", std::process::id()));
        let grants = format!(
            "create user {account}@'%' identified by '{PASSWORD}'; \
             grant select on `{name}`.books to {account}@'%'; \
             grant select on `{name}`.cheap to {account}@'%'; \
             grant insert on `{name}`.pairs to {account}@'%'"
        );
        database.sql(&grants).unwrap();
        let target = MySqlTarget::parse(&server.url_as(&account, PASSWORD, name)).unwrap();
        let catalog =
            MySqlSession::open(&target, Access::ReadOnly).and_then(|mut it| catalog(&mut it, &[]));
        database.sql(&format!("drop user {account}@'%'")).unwrap();
        let catalog = catalog.unwrap();
        let unseen: Vec<_> = catalog.unseen.iter().map(|it| it.what.as_str()).collect();
        for what in [
            "what view cheap is made of",
            "tables on which nothing is granted",
            "triggers",
            "events",
            "routines on which nothing is granted",
        ] {
            assert!(unseen.contains(&what), "{what} is not in {unseen:?}");
        }
        let grant = catalog.unseen.iter().find(|it| it.what == "triggers").unwrap();
        assert_eq!(
            grant.grant.as_deref(),
            Some(format!("GRANT TRIGGER ON `{name}`.* TO '{account}'@'%'").as_str())
        );
        let ids: Vec<_> = catalog.objects().map(|it| it.id.to_string()).collect();
        assert!(ids.contains(&"view cheap".to_owned()), "{ids:?}");
        assert!(ids.contains(&"column books.g1".to_owned()), "{ids:?}");
    }
}

#[test]
fn what_the_server_cannot_print_as_text_is_unknown() {
    for server in servers() {
        let database = server.database("garbled").unwrap();
        let columns = match server.vendor {
            Vendor::MySql => {
                "a varchar(9) character set latin1, b varchar(9) as (concat(a, 'ä')) virtual"
            }
            Vendor::MariaDb => "a int, b varbinary(4) default x'00ff'",
        };
        let table = format!("create table garbled ({columns}, c varchar(9) default '?')");
        database.sql(&table).unwrap();
        let catalog = read(&database);
        let unseen: Vec<_> = catalog.unseen.iter().map(|it| it.what.as_str()).collect();
        // MariaDB 11.8 prints the bytes as a number.
        let is_garbled = server.release.series != "11.8";
        let expected: &[_] = if is_garbled { &["a literal of column garbled.b"] } else { &[] };
        assert_eq!(unseen, expected, "{:?} {}", server.vendor, server.release.series);
    }
}

#[test]
fn the_name_of_the_database_is_in_no_object() {
    for server in servers() {
        let (one, other) = (everything(&server), everything(&server));
        assert_eq!(differences(&read(&one), &read(&other)), Vec::<String>::new());
        let text = serde_json::to_string(&read(&one).objects().collect::<Vec<_>>()).unwrap();
        assert!(!text.contains(&one.name), "{:?}", server.vendor);
    }
}
