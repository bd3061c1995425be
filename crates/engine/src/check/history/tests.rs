//! One defect at a time in a healthy folder: exactly its finding, with its place and whom it reaches.

use std::collections::BTreeMap;
use std::fs;

use raingauge_schema::Dialect;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::snapshot::{Generation, SnapshotIds};

use super::Folder;
use crate::history::History;
use crate::meta;

type Files = BTreeMap<String, String>;

const JOURNAL: &str = "meta/_journal.json";

/// The time of the first migration, in milliseconds that a clock gave.
const FIRST: i64 = 1_760_000_000_123;

fn id(at: usize) -> String {
    format!("00000000-0000-4000-8000-00000000000{}", at + 1)
}

fn snapshot(dialect: Dialect, at: usize, prev: Option<usize>) -> String {
    let prev = prev.map(id);
    AnySnapshot::empty(dialect, Generation::V0)
        .with_ids(&SnapshotIds::after(prev.as_deref(), id(at)))
        .write()
}

/// Three migrations with their snapshots, as drizzle-kit would have written them.
fn healthy(dialect: Dialect) -> Files {
    let mut journal = Journal::new(dialect);
    let mut files = Files::new();
    for at in 0..3_usize {
        let when = FIRST + i64::try_from(at).unwrap() * 86_400_001;
        let tag = journal.append(dialect, &format!("000{at}_step"), when).tag.clone();
        files.insert(format!("{tag}.sql"), format!("CREATE TABLE t{at} (id integer);\n"));
        let prev = at.checked_sub(1);
        files.insert(format!("meta/000{at}_snapshot.json"), snapshot(dialect, at, prev));
    }
    files.insert(JOURNAL.to_owned(), journal.write());
    files
}

/// Every finding of a folder as `severity code place affects`.
fn found(files: &Files, dialect: Dialect, driver: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let history = History::read(folder.path(), dialect, None).unwrap();
    let meta = meta::read(folder.path()).unwrap();
    let examined = Folder { history: &history, meta: &meta, dialect, driver };
    let all = [history.findings.clone(), examined.files(), examined.snapshots()].concat();
    let root = format!("{}/", folder.path().display());
    let told = all.iter().map(|it| {
        let place = it.subject.replace(&root, "");
        let affects = it.affects.map_or("nobody", |it| it.word());
        format!("{} {} {place} {affects}", it.severity.word(), it.code)
    });
    told.collect()
}

#[track_caller]
fn check_in(dialect: Dialect, driver: Option<&str>, spoil: &dyn Fn(&mut Files), expected: &[&str]) {
    let mut files = healthy(dialect);
    spoil(&mut files);
    assert_eq!(found(&files, dialect, driver), expected, "{dialect}");
}

const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

/// The same finding in all dialects.
#[track_caller]
fn check(spoil: impl Fn(&mut Files), expected: &[&str]) {
    for dialect in DIALECTS {
        check_in(dialect, None, &spoil, expected);
    }
}

fn edit(files: &mut Files, path: &str, from: &str, to: &str) {
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} has no `{from}`:\n{text}");
    *text = text.replacen(from, to, 1);
}

fn sql(files: &mut Files, text: &str) {
    files.insert("0001_step.sql".to_owned(), text.to_owned());
}

#[test]
fn a_healthy_folder_is_silent() {
    check(|_| {}, &[]);
}

#[test]
fn t17_an_orphan_is_told() {
    check(
        |it| drop(it.insert("0003_x.sql".into(), "DROP TABLE t0;".into())),
        &["warning migration-orphan 0003_x.sql both"],
    );
}

#[test]
fn a_migration_that_the_application_does_not_import_is_told() {
    let bundle = |tags: &[&str]| -> String {
        tags.iter().map(|it| format!("import m from \"./{it}.sql\";\n")).collect()
    };
    let all = bundle(&["0000_step", "0001_step", "0002_step"]);
    check(|it| drop(it.insert("migrations.js".into(), all.clone())), &[]);
    check(
        |it| drop(it.insert("migrations.js".into(), bundle(&["0000_step", "0002_step"]))),
        &["warning bundle-behind migrations.js both"],
    );
}

#[test]
fn an_entry_without_a_file_reaches_everybody() {
    check(|it| drop(it.remove("0001_step.sql")), &["error migration-missing 0001_step.sql both"]);
}

#[test]
fn t05_an_entry_that_a_step_by_step_upgrade_skips_reaches_only_upgraded_databases() {
    let second = (FIRST + 86_400_001).to_string();
    let earlier = (FIRST - 5_000_002).to_string();
    check(
        |it| edit(it, JOURNAL, &second, &earlier),
        &["error when-not-increasing meta/_journal.json:16 upgraded"],
    );
    check(
        |it| edit(it, JOURNAL, &second, &FIRST.to_string()),
        &["error when-not-increasing meta/_journal.json:16 upgraded"],
    );
}

#[test]
fn t18_entries_within_a_second_are_told_once() {
    let (second, third) = (FIRST + 86_400_001, FIRST + 2 * 86_400_001);
    check(
        |it| {
            edit(it, JOURNAL, &second.to_string(), &(FIRST + 1).to_string());
            edit(it, JOURNAL, &third.to_string(), &(FIRST + 2).to_string());
        },
        &["info when-within-second meta/_journal.json:16 kit"],
    );
}

#[test]
fn a_time_typed_by_hand_is_information() {
    let second = (FIRST + 86_400_001).to_string();
    check(
        |it| edit(it, JOURNAL, &second, "1760100000000"),
        &["info when-typed meta/_journal.json:16 upgraded"],
    );
}

#[test]
fn a_tag_with_the_number_of_another_idx_is_told_and_keeps_its_snapshot() {
    check(
        |it| {
            let text = it.remove("0002_step.sql").unwrap();
            it.insert("0001_other.sql".into(), text);
            edit(it, JOURNAL, "0002_step", "0001_other");
        },
        &["warning tag-idx-mismatch meta/_journal.json:23 kit"],
    );
}

#[test]
fn a_tag_or_an_idx_that_is_listed_twice_is_told() {
    check(
        |it| edit(it, JOURNAL, "\"idx\": 2", "\"idx\": 1"),
        &[
            "error journal-repeated meta/_journal.json:23 kit",
            "warning tag-idx-mismatch meta/_journal.json:23 kit",
        ],
    );
}

#[test]
fn merge_conflicts_are_found_in_every_kind_of_file() {
    let text = "<<<<<<< HEAD\nSELECT 1;\n=======\nSELECT 2;\n>>>>>>> other\n";
    check(|it| sql(it, text), &["error conflict-markers 0001_step.sql:1 both"]);
    check(
        |it| drop(it.insert("meta/0001_snapshot.json".into(), text.into())),
        &["error conflict-markers meta/0001_snapshot.json:1 kit"],
    );
    check(
        |it| edit(it, JOURNAL, "  \"entries\"", &format!("{text}  \"entries\"")),
        &[
            "error conflict-markers meta/_journal.json:4 both",
            "warning migration-orphan 0000_step.sql both",
            "warning migration-orphan 0001_step.sql both",
            "warning migration-orphan 0002_step.sql both",
        ],
    );
}

#[test]
fn a_missing_snapshot_matters_more_where_it_is_the_last() {
    check(
        |it| drop(it.remove("meta/0001_snapshot.json")),
        &["warning snapshot-missing 0001_step.sql kit"],
    );
    check(
        |it| drop(it.remove("meta/0002_snapshot.json")),
        &["error snapshot-missing 0002_step.sql kit"],
    );
    check(
        |it| {
            it.remove("meta/0002_snapshot.json");
            it.insert("0002_step.sql".into(), "UPDATE t0 SET id = 1;".into());
        },
        &["warning snapshot-missing 0002_step.sql kit"],
    );
}

#[test]
fn a_history_without_any_snapshot_is_told_once() {
    check(
        |it| it.retain(|path, _| !path.ends_with("_snapshot.json")),
        &["warning snapshot-missing meta kit"],
    );
}

#[test]
fn a_snapshot_that_drizzle_kit_refuses_is_told() {
    check(
        |it| edit(it, "meta/0001_snapshot.json", "\"tables\"", "\"tabels\""),
        &["error snapshot-malformed meta/0001_snapshot.json kit"],
    );
    check(
        |it| drop(it.insert("meta/0001_snapshot.json".into(), String::new())),
        &["error not-json meta/0001_snapshot.json kit"],
    );
}

#[test]
fn a_copied_snapshot_is_told_once() {
    for dialect in DIALECTS {
        let copy = |it: &mut Files| {
            it.insert("meta/0002_snapshot.json".into(), snapshot(dialect, 1, Some(0)));
        };
        let expected = [
            "warning snapshot-copied meta/0002_snapshot.json kit",
            "error snapshot-collision meta/0002_snapshot.json kit",
        ];
        check_in(dialect, None, &copy, &expected);
    }
}

#[test]
fn two_snapshots_after_the_same_one_are_a_collision() {
    check(
        |it| edit(it, "meta/0002_snapshot.json", &id(1), &id(0)),
        &["error snapshot-collision meta/0002_snapshot.json kit"],
    );
}

#[test]
fn a_broken_chain_is_told_and_one_with_a_missing_link_is_not_judged() {
    check(
        |it| edit(it, "meta/0002_snapshot.json", &id(1), &id(7)),
        &["warning snapshot-chain meta/0002_snapshot.json kit"],
    );
}

#[test]
fn what_lies_about_in_meta_is_told_and_the_worst_of_it_is_an_error() {
    let copied = |from: &'static str, to: &'static str| {
        move |it: &mut Files| drop(it.insert(to.to_owned(), it[from].clone()))
    };
    check(
        copied("meta/0002_snapshot.json", "meta/0002_snapshot.json.bak"),
        &["error meta-stray meta/0002_snapshot.json.bak kit"],
    );
    check(
        copied("meta/0000_snapshot.json", "meta/0000_snapshot copy.json"),
        &["warning meta-stray meta/0000_snapshot copy.json kit"],
    );
    check(
        copied(JOURNAL, "meta/_journal.json.bak"),
        &["info meta-stray meta/_journal.json.bak kit"],
    );
    check(
        |it| drop(it.insert("meta/.DS_Store".into(), "\u{0}\u{1}".into())),
        &["error meta-stray meta/.DS_Store kit"],
    );
}

#[test]
fn a_snapshot_with_what_no_file_makes_is_told() {
    let table = |dialect| {
        let column = r#"{"name":"NAME","type":"integer","primaryKey":false,"notNull":false,"autoincrement":false}"#;
        let column = match dialect {
            Dialect::Postgres => column.replace(r#","autoincrement":false"#, ""),
            Dialect::MySql | Dialect::Sqlite => column.to_owned(),
        };
        let columns = ["id", "lost"].map(|it| format!("\"{it}\":{}", column.replace("NAME", it)));
        let more = match dialect {
            Dialect::Postgres => r#""schema":"","policies":{},"isRLSEnabled":false,"#,
            Dialect::MySql | Dialect::Sqlite => "",
        };
        let checks = if dialect == Dialect::MySql { "checkConstraint" } else { "checkConstraints" };
        format!(
            r#""tables": {{"public.t0": {{"name":"t0",{more}"columns":{{{}}},"indexes":{{}},"foreignKeys":{{}},"compositePrimaryKeys":{{}},"uniqueConstraints":{{}},"{checks}":{{}}}}}}"#,
            columns.join(",")
        )
    };
    for dialect in DIALECTS {
        let spoil = |it: &mut Files| {
            edit(it, "meta/0002_snapshot.json", "\"tables\": {}", &table(dialect));
        };
        check_in(dialect, None, &spoil, &["error snapshot-unbuilt meta/0002_snapshot.json both"]);
        let made = |it: &mut Files| {
            spoil(it);
            sql(it, "ALTER TABLE t0 ADD \"lost\" integer;");
        };
        check_in(dialect, None, &made, &[]);
    }
}

#[test]
fn names_that_postgres_cuts_to_one_are_told_and_a_long_name_alone_is_none() {
    let long = "n".repeat(70);
    let schemas = |names: &[String]| {
        let table = |name: &String| {
            format!(
                r#""public.{name}": {{"name":"{name}","schema":"","columns":{{}},"indexes":{{}},"foreignKeys":{{}},"compositePrimaryKeys":{{}},"uniqueConstraints":{{}},"policies":{{}},"checkConstraints":{{}},"isRLSEnabled":false}}"#
            )
        };
        let tables = names.iter().map(table).collect::<Vec<_>>().join(",");
        let creations = names.iter().map(|it| format!("CREATE TABLE {it} ();"));
        let creations = creations.collect::<Vec<_>>().join("\n");
        move |it: &mut Files| {
            edit(
                it,
                "meta/0002_snapshot.json",
                "\"tables\": {}",
                &format!("\"tables\": {{{tables}}}"),
            );
            sql(it, &creations);
        }
    };
    let one = schemas(&[format!("{long}a")]);
    check_in(Dialect::Postgres, None, &one, &[]);
    let kept = |it: &mut Files| {
        one(it);
        sql(it, &format!("CREATE TABLE {} ();", "n".repeat(63)));
    };
    check_in(Dialect::Postgres, None, &kept, &[]);
    let two = schemas(&[format!("{long}a"), format!("{long}b")]);
    let expected = ["error names-collide meta/0002_snapshot.json fresh"];
    check_in(Dialect::Postgres, None, &two, &expected);
}

#[test]
fn pieces_without_a_statement_are_wrong_where_the_driver_refuses_them() {
    let empty = |it: &mut Files| sql(it, "CREATE TABLE t1 (id integer);--> statement-breakpoint\n");
    check_in(Dialect::Postgres, None, &empty, &[]);
    for dialect in [Dialect::MySql, Dialect::Sqlite] {
        check_in(dialect, None, &empty, &["error piece-empty 0001_step.sql:1 fresh"]);
    }
    let remark = |it: &mut Files| sql(it, "-- Custom SQL migration file, put your code below! --");
    check_in(Dialect::Postgres, None, &remark, &[]);
    check_in(Dialect::MySql, None, &remark, &[]);
    check_in(Dialect::Sqlite, None, &remark, &["error piece-only-comments 0001_step.sql:1 fresh"]);
    let hidden = |it: &mut Files| sql(it, "-- ALTER TABLE t0 ADD b integer;");
    for dialect in [Dialect::Postgres, Dialect::MySql] {
        check_in(dialect, None, &hidden, &["info piece-only-comments 0001_step.sql:1 fresh"]);
    }
    let hash = |it: &mut Files| sql(it, "# nothing to do");
    check_in(Dialect::MySql, None, &hash, &[]);
    let mark = |it: &mut Files| sql(it, "\u{feff}CREATE TABLE t1 (id integer);");
    check_in(Dialect::MySql, None, &mark, &["error byte-order-mark 0001_step.sql fresh"]);
}

#[test]
fn t44_several_statements_in_one_piece_are_wrong_where_the_driver_takes_one() {
    let several =
        |it: &mut Files| sql(it, "CREATE TABLE t1 (id integer);\nCREATE TABLE x (id integer);\n");
    let expected = ["warning piece-several-statements 0001_step.sql:2 fresh"];
    check_in(Dialect::Sqlite, None, &several, &expected);
    check_in(Dialect::Sqlite, Some("d1-http"), &several, &[]);
    check_in(Dialect::Postgres, None, &several, &[]);
    check_in(Dialect::Postgres, Some("pglite"), &several, &expected);
    check_in(Dialect::MySql, None, &several, &expected);
    let routine = |it: &mut Files| {
        sql(
            it,
            "CREATE TRIGGER g BEFORE INSERT ON t0 FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END;",
        );
    };
    check_in(Dialect::MySql, None, &routine, &[]);
    let trigger = |it: &mut Files| {
        sql(it, "CREATE TRIGGER g AFTER INSERT ON t0 BEGIN DELETE FROM t0; DELETE FROM t0; END;");
    };
    check_in(Dialect::Sqlite, None, &trigger, &[]);
}

/// What the client takes for itself never reaches a server.
#[test]
fn a_command_of_the_engines_shell_is_told() {
    let delimiter = |it: &mut Files| {
        sql(
            it,
            "DELIMITER $$\nCREATE TRIGGER g BEFORE INSERT ON t0 FOR EACH ROW BEGIN SET @a = 1; END$$\nDELIMITER ;",
        );
    };
    check_in(Dialect::MySql, None, &delimiter, &["error shell-command 0001_step.sql:1 fresh"]);
    let read = |it: &mut Files| sql(it, "SELECT 1;\n.read more.sql\n");
    check_in(Dialect::Sqlite, None, &read, &["error shell-command 0001_step.sql:2 fresh"]);
    let include = |it: &mut Files| sql(it, "SELECT 1;\n\\i more.sql\n");
    check_in(Dialect::Postgres, None, &include, &["error shell-command 0001_step.sql:2 fresh"]);
}

#[test]
fn t38_a_file_with_its_own_transaction_is_told() {
    check(
        |it| {
            sql(
                it,
                "COMMIT;--> statement-breakpoint\nCREATE TABLE t1 (id integer);--> statement-breakpoint\nBEGIN;",
            );
        },
        &["warning transaction-in-file 0001_step.sql:1 fresh"],
    );
    check(|it| sql(it, "CREATE TABLE \"begin\" (\"commit\" integer);"), &[]);
}

#[test]
fn t37_what_cannot_run_in_a_transaction_is_told_unless_the_file_ends_it_first() {
    let alone = |it: &mut Files| {
        sql(
            it,
            "CREATE TABLE t1 (id integer);--> statement-breakpoint\nCREATE INDEX CONCURRENTLY i ON t1 (id);",
        );
    };
    check_in(Dialect::Postgres, None, &alone, &["warning statement-alone 0001_step.sql:2 fresh"]);
    let first = |it: &mut Files| {
        sql(it, "COMMIT;--> statement-breakpoint\nCREATE INDEX CONCURRENTLY i ON t0 (id);");
    };
    let expected = ["warning transaction-in-file 0001_step.sql:1 fresh"];
    check_in(Dialect::Postgres, None, &first, &expected);
    let label = |it: &mut Files| sql(it, "ALTER TYPE mood ADD VALUE 'calm';");
    check_in(Dialect::Postgres, None, &label, &[]);
}

#[test]
fn sql_of_another_engine_is_told() {
    let postgres = |it: &mut Files| sql(it, "CREATE TABLE t1 (a text DEFAULT '{}'::text);");
    check_in(Dialect::Sqlite, None, &postgres, &["error sql-dialect 0001_step.sql:1 fresh"]);
    check_in(Dialect::Postgres, None, &postgres, &[]);
    let sqlite = |it: &mut Files| sql(it, "SELECT 1;\nCREATE TABLE `t1` (`id` integer);");
    check_in(Dialect::Postgres, None, &sqlite, &["error sql-dialect 0001_step.sql:2 fresh"]);
    let increments = |it: &mut Files| sql(it, "CREATE TABLE `t1` (id integer AUTOINCREMENT);");
    check_in(Dialect::MySql, None, &postgres, &["error sql-dialect 0001_step.sql:1 fresh"]);
    check_in(Dialect::MySql, None, &increments, &["error sql-dialect 0001_step.sql:1 fresh"]);
    let own = |it: &mut Files| sql(it, "CREATE SCHEMA x;");
    check_in(Dialect::MySql, None, &own, &[]);
    let quoted = |it: &mut Files| sql(it, "CREATE TABLE t1 (a text DEFAULT '::`');");
    check_in(Dialect::MySql, None, &quoted, &[]);
    check_in(Dialect::Sqlite, None, &quoted, &[]);
    check_in(Dialect::Postgres, None, &quoted, &[]);
}

#[test]
fn contradictions_of_journal_and_snapshots_to_the_configuration_are_told() {
    let files = healthy(Dialect::Sqlite);
    let found = found(&files, Dialect::Postgres, None);
    let codes: Vec<_> = found.iter().filter_map(|it| it.split(' ').nth(1)).collect();
    let expected = [
        "journal-dialect",
        "journal-entry-version",
        "snapshot-dialect",
        "snapshot-dialect",
        "snapshot-dialect",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn prefixes_of_two_kinds_make_drizzle_kit_take_the_wrong_snapshot() {
    check(
        |it| {
            edit(it, JOURNAL, "0000_step", "20250101000000_step");
            for (from, to) in [
                ("0000_step.sql", "20250101000000_step.sql"),
                ("meta/0000_snapshot.json", "meta/20250101000000_snapshot.json"),
            ] {
                let text = it.remove(from).unwrap();
                it.insert(to.to_owned(), text);
            }
        },
        &["error snapshot-order meta/20250101000000_snapshot.json kit"],
    );
}
