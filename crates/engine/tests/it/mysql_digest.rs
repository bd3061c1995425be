//! Digests of MySQL and MariaDB: one changed value shows, another order of the rows does not.

use std::collections::BTreeMap;

use raingauge_engine::connect::dsn::mysql::MySqlTarget;
use raingauge_engine::connect::{Access, MySqlSession};
use raingauge_engine::digest::{Contents, mysql};
use raingauge_engine::progress::Silent;
use raingauge_testkit::mysql::{MySqlDatabase, Vendor, servers};

fn open(database: &MySqlDatabase) -> MySqlSession {
    let target = MySqlTarget::parse(&database.server.url(&database.name)).unwrap();
    MySqlSession::open(&target, Access::ReadWrite).unwrap()
}

fn contents(session: &mut MySqlSession) -> Contents {
    mysql::contents(session, &mut Silent).unwrap()
}

/// The digests of the tables by name.
fn digests(session: &mut MySqlSession) -> BTreeMap<String, String> {
    let tables = contents(session).tables;
    tables.into_iter().map(|(name, it)| (name.table, it.digest.to_string())).collect()
}

/// A type, and values that are all different although many of them print, sort or compare alike.
const VALUES: [(&str, &[&str]); 34] = [
    ("tinyint", &["0", "1", "-1"]),
    ("bigint unsigned", &["0", "18446744073709551615", "18446744073709551614", "10", "1"]),
    ("int(6) zerofill", &["0", "42", "420"]),
    ("decimal(30,10)", &["0", "1.1", "1.1000000001", "-1.1", "12345678901234567890.1234567891"]),
    ("float", &["0", "5592405", "5592405.5", "5592406", "1e-40", "3.4028235e38", "3.402823e38"]),
    ("float not null", &["0", "16777216", "16777215", "0.1", "0.10000001"]),
    ("float(10,3)", &["1.234", "1.235", "1234567.875"]),
    ("double", &["0", "0.1e0+0.2e0", "0.3e0", "5e-324", "1e-323", "1.7976931348623157e308"]),
    ("double(20,5)", &["0", "0.00001", "123456789.12345"]),
    ("bit(1)", &["0", "1"]),
    ("bit(64)", &["0", "1", "x'FFFFFFFFFFFFFFFF'", "x'FFFFFFFFFFFFFFFE'", "x'31'", "49 << 8"]),
    ("enum('a','A ','','1')", &["'a'", "1 + 1", "3", "4", "'no such label'"]),
    ("set('a','b','')", &["''", "'a'", "'a,b'", "4", "5"]),
    ("char(5)", &["'ab'", "'AB'", "'äb'", "''", "'n'"]),
    ("varchar(20) collate utf8mb4_general_ci", &["'ab'", "'AB'", "'ab '", "'äb'", "'n'", "'0'"]),
    ("varchar(20)", &["'zwei\nZeilen'", "'zwei Zeilen'", "'🐘'", "'🐕'", "'|'", "'1|a'", "'1:a'"]),
    ("varchar(20) character set latin1", &["'é'", "'e'", "'É'", "'Ã©'"]),
    ("binary(3)", &["'a'", "'A'", "x'610020'", "x'00'"]),
    ("varbinary(9)", &["x'00'", "x'0000'", "''", "'n'", "x'ff'", "x'fe'"]),
    ("tinytext", &["'a'", "'A'", "''", "'n'", "'a '"]),
    ("longtext", &["'a'", "'A'", "repeat('a', 100000)", "concat(repeat('a', 99999), 'b')"]),
    ("longtext character set latin1", &["'é'", "'e'"]),
    ("longblob", &["'a'", "'A'", "x'00'", "x'0000'", "''", "repeat(x'ff', 300000)"]),
    ("json", &["'1'", "'1.0'", "'\"1\"'", "'null'", "'[1, 2]'", "'[2, 1]'", "'{\"a\": \"🐘\"}'"]),
    ("date", &["'2020-01-01'", "'0000-00-00'", "'2020-00-01'", "'9999-12-31'"]),
    ("datetime", &["'2020-01-01'", "'2020-01-01 00:00:01'", "'0000-00-00'"]),
    ("datetime(6)", &["'2020-01-01'", "'2020-01-01 00:00:00.000001'"]),
    ("timestamp null", &["'2020-01-01'", "'2020-01-01 00:00:01'", "0"]),
    ("timestamp(3) null", &["'2020-01-01'", "'2020-01-01 00:00:00.001'"]),
    ("time(6)", &["'00:00:00'", "'-00:00:00.000001'", "'00:00:00.000001'", "'838:59:59'"]),
    ("year", &["2020", "2021", "0"]),
    ("geometry", &["point(1, 2)", "point(2, 1)", "st_geomfromtext('LINESTRING(1 2, 2 1)')"]),
    (
        "point",
        &["point(1, 2)", "st_geomfromtext('POINT(1 2)', 3857)", "point(1, 2.0000000000000004)"],
    ),
    ("polygon", &["st_geomfromtext('POLYGON((0 0, 0 1, 1 1, 0 0))')"]),
];

const MYSQL_VALUES: [(&str, &[&str]); 3] = [
    ("float", &["0e0", "-0e0"]),
    ("double", &["0e0", "-0e0"]),
    ("vector(2)", &["to_vector('[1,2]')", "to_vector('[2,1]')"]),
];

const MARIADB_VALUES: [(&str, &[&str]); 3] = [
    ("uuid", &["'00000000-0000-0000-0000-000000000001'", "'10000000-0000-0000-0000-000000000001'"]),
    ("inet6", &["'::1'", "'::2'", "'::ffff:1.2.3.4'"]),
    ("longtext compressed", &["'a'", "'A'", "repeat('a', 10000)"]),
];

#[test]
fn two_values_never_make_one_digest() {
    for server in servers() {
        let database = server.database("digest").unwrap();
        let mut session = open(&database);
        let more = match server.vendor {
            Vendor::MySql => MYSQL_VALUES,
            Vendor::MariaDb => MARIADB_VALUES,
        };
        for (kind, values) in VALUES.into_iter().chain(more) {
            session
                .run(&format!("create table t (v {kind})"))
                .unwrap_or_else(|it| panic!("{kind}: {it}"));
            let mut seen = BTreeMap::new();
            let null = if kind.ends_with("not null") { "'7e7'" } else { "null" };
            for value in values.iter().chain([&null]) {
                let sql = format!("delete from t; insert into t values ({value})");
                session.run(&sql).unwrap_or_else(|it| panic!("{kind} {value}: {it}"));
                let digest = digests(&mut session)["t"].clone();
                let other = seen.insert(digest, value);
                assert_eq!(other, None, "{:?} {kind}: {value}", server.vendor);
            }
            session.run("drop table t").unwrap();
        }
    }
}

/// Whether two lists of rows of `(a varchar, b varchar)` have one digest.
#[track_caller]
fn check(session: &mut MySqlSession, from: &str, to: &str, equal: bool) {
    let mut with = |rows: &str| {
        session.run(&format!("delete from t; insert into t values {rows}")).unwrap();
        digests(session)
    };
    assert_eq!(with(from) == with(to), equal, "{from} / {to}");
}

#[test]
fn order_does_not_matter_and_everything_else_does_on_mysql() {
    for server in servers() {
        let database = server.database("order").unwrap();
        let mut session = open(&database);
        session.run("create table t (a varchar(20), b varchar(20))").unwrap();
        let it = &mut session;
        check(it, "(1, 'x'), (2, 'y')", "(2, 'y'), (1, 'x')", true);
        check(it, "(1, 'x'), (1, 'x')", "(1, 'x')", false);
        check(it, "(1, 'x'), (1, 'x')", "(1, 'y'), (1, 'y')", false);
        check(it, "(1, 'x'), (1, 'x'), (1, 'y')", "(1, 'x'), (1, 'y'), (1, 'y')", false);
        check(it, "(1, null)", "(null, 1)", false);
        check(it, "(null, null)", "('n', 'n')", false);
        check(it, "('ab', 'c')", "('a', 'bc')", false);
        check(it, "('1|x', 'y')", "('1', 'x|y')", false);
        check(it, "('n', null)", "(null, 'n')", false);
        check(it, "('', null)", "(null, '')", false);
        check(it, "(1, 'x'), (2, 'y')", "(1, 'y'), (2, 'x')", false);
    }
}

#[test]
fn hidden_columns_partitions_and_tables_without_keys_are_read_in_full() {
    for server in servers() {
        let database = server.database("tables").unwrap();
        let mut session = open(&database);
        session
            .run(
                "create table hidden (a int, b int invisible); \
                 insert into hidden (a, b) values (1, 1); \
                 create table made (a int, v int as (a * 2) virtual, s int as (a * 3) stored); \
                 insert into made (a) values (1); \
                 create table parts (a int, b int) partition by range (a) \
                    (partition p values less than (10), partition q values less than maxvalue); \
                 insert into parts values (1, 1), (20, 2); \
                 create table old (a int) engine = myisam; insert into old values (1), (1); \
                 create table `we``ird |\"'` (`a ``b` int); insert into `we``ird |\"'` values (1); \
                 create view seen as select * from parts",
            )
            .unwrap();
        let before = contents(&mut session);
        let counts: Vec<_> = before.tables.values().map(|it| it.n_rows).collect();
        assert_eq!(counts, [1, 1, 2, 2, 1]);
        for (flip, table) in [
            ("update hidden set b = 2", "hidden"),
            ("update made set a = 2", "made"),
            ("update parts set b = 3 where a = 20", "parts"),
            ("update old set a = 2 limit 1", "old"),
            ("update `we``ird |\"'` set `a ``b` = 2", "we`ird |\"'"),
        ] {
            let before = digests(&mut session);
            session.run(flip).unwrap();
            let after = digests(&mut session);
            let changed: Vec<_> =
                after.iter().filter(|it| before[it.0] != *it.1).map(|it| it.0).collect();
            assert_eq!(changed, [table], "{:?}", server.vendor);
        }
    }
}

#[test]
fn counters_sequences_and_history_are_part_of_the_contents() {
    for server in servers() {
        let database = server.database("counters").unwrap();
        let mut session = open(&database);
        session
            .run(
                "create table fresh (id int auto_increment primary key); \
                 create table ahead (id int auto_increment primary key) auto_increment = 50; \
                 create table emptied (id bigint unsigned auto_increment primary key) engine = myisam; \
                 insert into emptied values (), (), (); delete from emptied; \
                 create table plain (id int primary key) engine = myisam",
            )
            .unwrap();
        let state = |name: &str, next: &str| (name.to_owned(), next.to_owned());
        let mut expected = BTreeMap::from([
            state("fresh", "next_value 1"),
            state("ahead", "next_value 50"),
            state("emptied", "next_value 4"),
        ]);
        assert_eq!(contents(&mut session).sequences, expected);
        session.run("insert into fresh values (), ()").unwrap();
        expected.extend([state("fresh", "next_value 3")]);
        assert_eq!(contents(&mut session).sequences, expected, "{:?}", server.vendor);
        if server.vendor == Vendor::MySql {
            continue;
        }
        session
            .run(
                "create sequence s start 5 maxvalue 12 cycle nocache; do nextval(s); \
                 create table h (a int) with system versioning; insert into h values (1)",
            )
            .unwrap();
        expected.extend([state("s", "next_value 6, cycles 0")]);
        assert_eq!(contents(&mut session).sequences, expected);
        let before = contents(&mut session);
        session.run("update h set a = 2; update h set a = 1").unwrap();
        let after = contents(&mut session);
        let n_rows =
            |it: &Contents| it.tables.values().find(|it| it.name.table == "h").unwrap().n_rows;
        assert_eq!((n_rows(&before), n_rows(&after)), (1, 3));
    }
}

#[test]
fn a_snapshot_hides_what_is_committed_later() {
    for server in servers() {
        let database = server.database("snapshot").unwrap();
        let (mut session, mut other) = (open(&database), open(&database));
        other.run("create table t (a int); insert into t values (1)").unwrap();
        let before = contents(&mut session);
        other.run("begin; insert into t values (2)").unwrap();
        assert_eq!(contents(&mut session), before);
        other.run("commit").unwrap();
        assert_ne!(contents(&mut session), before);
    }
}

#[test]
fn t52_whoever_may_not_read_every_column_is_refused() {
    for server in servers() {
        let database = server.database("rights").unwrap();
        database.sql("create table t (a int, b int); insert into t values (1, 2)").unwrap();
        let name = &database.name;
        database
            .sql(&format!(
                "create user if not exists 'half_{name}'@'%' identified by 'pw'; \
                 grant select (a) on `{name}`.t to 'half_{name}'@'%'"
            ))
            .unwrap();
        let url = server.url_as(&format!("half_{name}"), "pw", name);
        let target = MySqlTarget::parse(&url).unwrap();
        let mut session = MySqlSession::open(&target, Access::ReadOnly).unwrap();
        let error = mysql::contents(&mut session, &mut Silent).unwrap_err();
        database.sql(&format!("drop user 'half_{name}'@'%'")).unwrap();
        assert_eq!((error.code, error.exit_code()), ("rows-unseen", 1));
    }
}
