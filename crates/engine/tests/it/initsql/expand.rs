//! What psql and sqlite3 would make of scripts.

use std::io::Write;

use raingauge_engine::initsql::expand;
use raingauge_schema::Dialect;

use super::{codes, expanded, found_in, project, shown};

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) -> Vec<String> {
    let expansion = expanded(files, Dialect::Postgres);
    assert_eq!(shown(&expansion.pieces), expected);
    codes(&expansion.findings)
}

#[test]
fn files_are_included_where_psql_looks_for_them() {
    let findings = check(
        &[
            (
                "db/init.sql",
                "select 1;\n\\i 'sql/a b.sql'\n\\ir ../x.sql\n\\include db/y.sql;\n\\i gone.sql\nselect 2;",
            ),
            ("sql/a b.sql", "select 'a'; \\ir b.sql\n"),
            ("sql/b.sql", "\n\nselect 'b'"),
            ("x.sql", "select 'x';"),
            ("db/y.sql", "select 'y';"),
        ],
        &[
            "db/init.sql:1: select 1",
            "sql/a b.sql:1: select 'a'",
            "sql/b.sql:3: select 'b'",
            "x.sql:1: select 'x'",
            "db/y.sql:1: select 'y'",
            "db/init.sql:6: select 2",
        ],
    );
    assert_eq!(findings, ["init-sql-include-missing db/init.sql:5"]);
}

#[test]
fn paths_inside_the_container_are_found_on_this_machine() {
    let compose = "services: { db: { image: postgres, volumes: ['./i:/docker-entrypoint-initdb.d', './lib:/sql'] } }";
    let folder = project(&[
        ("compose.yml", compose),
        ("i/1.sql", "\\i /sql/a.sql\n\\ir ../sql/a.sql\n\\i sql/a.sql\n"),
        ("lib/a.sql", "select 1;"),
    ]);
    let expansion = expand(&found_in(folder.path(), &[]), Dialect::Postgres).unwrap();
    assert_eq!(shown(&expansion.pieces), ["lib/a.sql:1: select 1"; 3]);
    assert!(expansion.findings.is_empty());
}

#[test]
fn files_that_include_each_other_are_reported() {
    let findings = check(
        &[("a.sql", "\\ir b.sql\nselect 1;"), ("b.sql", "\\ir a.sql\nselect 2;")],
        &["b.sql:2: select 2", "a.sql:2: select 1"],
    );
    assert_eq!(findings, ["init-sql-include-cycle b.sql:1"]);
}

#[test]
fn variables_hold_names_values_and_whole_statements() {
    let findings = check(
        &[(
            "a.sql",
            "\\set t 'my table'\n\\set n 4 2\n\\set both 'select 1; select '\ncreate table :\"t\" (a int default :n, b text default :'t');\n\
             :both :n;\n\\unset n\nselect :n, ':t', a::t;\n",
        )],
        &[
            "a.sql:4: create table \"my table\" (a int default 42, b text default 'my table')",
            "a.sql:5: select 1",
            "a.sql:5: select  42",
            "a.sql:7: select :n, ':t', a::t",
        ],
    );
    assert!(findings.is_empty());
}

#[test]
fn conditions_choose_as_in_psql() {
    let findings = check(
        &[(
            "a.sql",
            "\\if :{?x}\nselect 1;\n\\elif yes\nselect\n\\if off\n 2\n\\else\n 3\n\\endif\n;\n\\else\n\\i gone.sql\nselect 4;\n\\endif\n\\if 0\n\\if 1\nselect 5;\n\\endif\n\\else\nselect 6;\n\\endif\n\\if maybe\nselect 7;\n\\endif\n",
        )],
        &["a.sql:4: select\n3\n", "a.sql:20: select 6"],
    );
    assert_eq!(findings, ["init-sql-command a.sql:22"]);
}

#[test]
fn connections_are_told_with_database_and_server() {
    check(
        &[(
            "a.sql",
            "\\c app;\n\\connect \"my App\" me\n\\c - - db.example.com 5433\n\\connect -reuse-previous=on \"dbname='x'\"\n\\c postgresql://u:p@h/y\n\\c\n",
        )],
        &[
            "a.sql:1: → app",
            "a.sql:2: → my App",
            "a.sql:3: → same on db.example.com",
            "a.sql:4: → x",
            "a.sql:5: → y on h",
            "a.sql:6: → same",
        ],
    );
}

#[test]
fn rows_are_copied_from_the_script_and_from_files() {
    let findings = check(
        &[
            (
                "a.sql",
                "copy t from stdin;\n1\n\\.\n\\copy t (a) from stdin csv\n2\n\\.\n\\copy t from 'data/t.csv' with (format csv);\n\\copy t to 'x'\n\\copy t from program 'ls'\n\\copy u from gone.csv csv\n",
            ),
            ("data/t.csv", "3\n"),
        ],
        &[
            "a.sql:1: copy t from stdin <1\n>",
            "a.sql:4: COPY t (a) FROM STDIN csv <2\n>",
            "a.sql:7: COPY t FROM STDIN with (format csv) <3\n>",
        ],
    );
    assert_eq!(findings, ["init-sql-command a.sql:9", "init-sql-include-missing a.sql:10"]);
}

#[test]
fn what_only_shows_is_passed_over_and_what_is_not_known_is_reported() {
    let findings = check(
        &[(
            "a.sql",
            "\\echo hi\n\\timing on\n\\pset pager off\n\\dt+ public.*\n\\restrict x\n\\x\n\\o /dev/null\nselect 1 \\g\nselect 2 \\gset\nselect 'drop table ' || t from u \\gexec\n\
             \\! rm -rf /\n\\lo_import x\n\\encoding LATIN1\n\\unknown\nselect 3 \\r\nselect 4;\n\\q\nselect 5;",
        )],
        &["a.sql:8: select 1", "a.sql:9: select 2", "a.sql:16: select 4"],
    );
    let lines = [9, 10, 11, 12, 13, 14].map(|it| format!("init-sql-command a.sql:{it}"));
    assert_eq!(findings, lines);
}

#[test]
fn a_database_that_is_made_if_it_is_missing_is_recognised() {
    check(
        &[(
            "a.sql",
            "SELECT 'CREATE DATABASE app' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'app')\\gexec\n\\c app\n",
        )],
        &["a.sql:1: CREATE DATABASE app", "a.sql:2: → app"],
    );
}

#[test]
fn the_environment_of_the_container_is_known_without_a_shell() {
    let compose = "services: { db: { image: postgres, environment: { POSTGRES_DB: shop, APP_USER: app }, volumes: ['./a.sql:/docker-entrypoint-initdb.d/a.sql'] } }";
    let script = "\\set u `echo \"$APP_USER\"`\n\\getenv d POSTGRES_DB\nselect :'u', :'d', :'DBNAME';\n\\set x `date`\n";
    let folder = project(&[("compose.yml", compose), ("a.sql", script)]);
    let expansion = expand(&found_in(folder.path(), &[]), Dialect::Postgres).unwrap();
    assert_eq!(shown(&expansion.pieces), ["a.sql:3: select 'app', 'shop', 'shop'"]);
    assert_eq!(codes(&expansion.findings), ["init-sql-command a.sql:4"]);
}

#[test]
fn compressed_files_are_unpacked() {
    let folder = project(&[]);
    let file = std::fs::File::create(folder.path().join("a.sql.gz")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gz.write_all(b"\xef\xbb\xbfselect 1;").unwrap();
    gz.finish().unwrap();
    let expansion = expand(&found_in(folder.path(), &["a.sql.gz"]), Dialect::Postgres).unwrap();
    assert_eq!(shown(&expansion.pieces), ["a.sql.gz:1: select 1"]);
}

#[test]
fn files_that_are_cut_off_or_in_another_encoding_are_refused() {
    let folder = project(&[("a.sql", "select 1;\nselect 'x\n\n")]);
    let error = expand(&found_in(folder.path(), &["a.sql"]), Dialect::Postgres).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        ("init-sql-unfinished", "`a.sql:2`: the text literal does not end")
    );
    std::fs::write(folder.path().join("a.sql"), b"\nselect '\xe9'").unwrap();
    let error = expand(&found_in(folder.path(), &["a.sql"]), Dialect::Postgres).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        ("init-sql-encoding", "`a.sql` is not in UTF-8 from line 2 on")
    );
}

#[test]
fn the_shell_of_sqlite_includes_and_ends() {
    let files = [
        (
            "init.sql",
            ".bail on\n.read 'more/b.sql'\nselect 1;\n.system ls\n.open x.db\n.import a b\n.read '|ls'\n.quit\nselect 2;",
        ),
        ("more/b.sql", "create trigger t begin select 1; end;\n.read init.sql\n"),
    ];
    let expansion = expanded(&files, Dialect::Sqlite);
    assert_eq!(
        shown(&expansion.pieces),
        ["more/b.sql:1: create trigger t begin select 1; end", "init.sql:3: select 1"]
    );
    let lines = [
        "init-sql-include-cycle more/b.sql:2",
        "init-sql-command init.sql:4",
        "init-sql-command init.sql:5",
        "init-sql-command init.sql:6",
        "init-sql-command init.sql:7",
    ];
    assert_eq!(codes(&expansion.findings), lines);
}

#[test]
fn the_client_of_mysql_includes_and_knows_its_delimiter() {
    let files = [
        (
            "init.sql",
            "delimiter //\ncreate procedure p() begin select 1; end //\ndelimiter ;\nsource more/b.sql\n\\. gone.sql\n\\! ls\nselect 2;",
        ),
        ("more/b.sql", "/*!50003 select 'b;' */;\nsource init.sql\n"),
    ];
    let expansion = expanded(&files, Dialect::MySql);
    assert_eq!(
        shown(&expansion.pieces),
        [
            "init.sql:2: create procedure p() begin select 1; end",
            "more/b.sql:1: /*!50003 select 'b;' */",
            "init.sql:7: select 2",
        ]
    );
    let lines = [
        "init-sql-include-cycle more/b.sql:2",
        "init-sql-include-missing init.sql:5",
        "init-sql-command init.sql:6",
    ];
    assert_eq!(codes(&expansion.findings), lines);
}
