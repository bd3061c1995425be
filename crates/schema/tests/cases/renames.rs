//! Compares what we write of renames with what both generations of the real drizzle-kit write, byte for
//! byte. A recording has both schemas, the answers that the kit got as its own hints, and what it wrote.

use std::fs;
use std::path::Path;

use indexmap::IndexMap;
use raingauge_schema::Dialect;
use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::drizzle::snapshot::{Generation, ORIGIN, SnapshotIds};
use raingauge_schema::rename::{Hints, Rename, settle};
use serde::Deserialize;
use serde_json::Value;

/// Where a kit is wrong; `cases/known-differences.md` says how.
const OTHERWISE: &[(&str, &str)] = &[
    // The key of a renamed table is dropped and added, which a column that counts refuses.
    ("mysql.0", "table"),
    ("mysql.0", "table and column"),
    ("mysql.0", "table alone"),
    ("mysql.0", "table with a counter"),
    // A unique index is dropped before the foreign key that needs it.
    ("mysql.0", "column with check"),
    // A check keeps its column from being renamed.
    ("mysql.1", "column with check"),
    // Arrays of a renamed enum are cast to the type that they have, which rewrites their tables.
    ("postgres.0", "enum"),
    // A unique constraint is dropped before the foreign key that needs it.
    ("postgres.0", "column"),
    ("postgres.0", "table and column"),
    // The same, and the new type is forgotten.
    ("postgres.0", "column and type"),
    // The renamed column is forgotten, and a text with its name is copied into all rows.
    ("sqlite.0", "column of keys"),
    ("sqlite.0", "column with check"),
    ("sqlite.0", "column and type"),
    // Foreign keys are on while the second table is rebuilt.
    ("sqlite.0", "table"),
    ("sqlite.0", "table and column"),
    // A view reads a table while it is away.
    ("sqlite.1", "column with check"),
];

#[derive(Deserialize)]
struct Case {
    hints: Value,
    declared: [Value; 2],
    migration: String,
    /// What the snapshot says of renames: 0.x, 1.0 for MySQL and SQLite, 1.0 for PostgreSQL.
    meta: Option<Value>,
    renames: Option<Value>,
    deltas: Option<Value>,
}

#[derive(Deserialize)]
struct Recording {
    cases: IndexMap<String, Case>,
}

struct Ours {
    questions: usize,
    unused: Vec<String>,
    sql: String,
    snapshot: Value,
}

#[test]
fn renames_are_written_as_both_kits_write_them() {
    let (mut count, mut problems) = (0, Vec::new());
    each(|file, name, case, ours| {
        count += 1;
        let is_listed = OTHERWISE.contains(&(file, name));
        if (case.migration == ours.sql) == is_listed {
            problems.push(format!("{file} `{name}`:\n{}\n-- ours:\n{}", case.migration, ours.sql));
        }
    });
    assert!(problems.is_empty(), "{} of {count}:\n\n{}", problems.len(), problems.join("\n\n"));
    assert!(count >= 65, "only {count} cases were found");
}

#[test]
fn snapshots_tell_of_renames_as_those_of_both_kits() {
    each(|file, name, case, ours| {
        for (key, expected) in
            [("_meta", &case.meta), ("renames", &case.renames), ("deltas", &case.deltas)]
        {
            if let Some(expected) = expected {
                assert_eq!(ours.snapshot[key], *expected, "{file} `{name}`");
            }
        }
    });
}

#[test]
fn a_state_after_deltas_with_renames_is_the_declared_one() {
    each(|file, name, case, _| {
        let (dialect, generation) = place(file);
        if generation == Generation::V0 {
            return;
        }
        let [from, to] = states(dialect, generation, case);
        let renames = renames(&from, &to, case);
        let files = [from.write(), to.write_after_renames(&from, &renames)];
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let read = AnySnapshot::read_history(dialect, generation, &files).pop().unwrap().unwrap();
        assert_eq!(read.changed_rows(&to), Vec::<String>::new(), "{file} `{name}`");
        assert!(read.difference_to(&to).statements.is_empty(), "{file} `{name}`");
    });
}

/// The kit's mistakes are not ours.
#[test]
fn a_renamed_column_of_sqlite_is_renamed_before_its_table_is_rebuilt() {
    each(|file, name, _, ours| {
        if OTHERWISE.contains(&(file, name)) && file == "sqlite.0" && name.starts_with("column") {
            let at = |text: &str| ours.sql.find(text).unwrap();
            assert!(at(" RENAME COLUMN ") < at("CREATE TABLE"), "`{name}`: {}", ours.sql);
        }
    });
}

#[test]
fn a_unique_constraint_goes_after_the_foreign_key_that_needs_it() {
    each(|file, name, _, ours| {
        if OTHERWISE.contains(&(file, name)) && file == "postgres.0" && name != "enum" {
            let at = |text: &str| ours.sql.find(text).unwrap();
            assert!(at("DROP CONSTRAINT \"fk\"") < at("DROP CONSTRAINT \"uq\""), "{}", ours.sql);
            assert!(at("ADD CONSTRAINT \"uq\"") < at("ADD CONSTRAINT \"fk\""), "{}", ours.sql);
        }
    });
}

#[test]
fn a_renamed_table_of_mysql_keeps_its_key_and_a_unique_index_waits_for_the_foreign_key() {
    each(|file, name, case, ours| {
        if file != "mysql.0" || !OTHERWISE.contains(&(file, name)) {
            return;
        }
        if name.starts_with("table") {
            assert!(case.migration.contains("DROP PRIMARY KEY"), "`{name}`: {}", case.migration);
            assert!(!ours.sql.contains("PRIMARY KEY"), "`{name}`: {}", ours.sql);
        } else {
            let at = |text: &str| ours.sql.find(text).unwrap();
            assert!(at("DROP FOREIGN KEY `fk`") < at("DROP INDEX `uq`"), "{}", ours.sql);
            assert!(at("UNIQUE(`k`)") < at("ADD CONSTRAINT `fk`"), "{}", ours.sql);
        }
    });
}

#[test]
fn a_renamed_column_gets_its_new_type() {
    each(|file, name, _, ours| {
        if (file, name) == ("postgres.0", "column and type") {
            assert!(ours.sql.contains("ALTER COLUMN \"k\" SET DATA TYPE text"), "{}", ours.sql);
        }
    });
}

#[test]
fn without_an_answer_every_rename_is_a_question() {
    each(|file, name, case, _| {
        let (dialect, generation) = place(file);
        let [from, to] = states(dialect, generation, case);
        let settled = settle(&from, &to, &Hints::default());
        let hints = case.hints.as_array().unwrap();
        let is_asked = |it: &&Value| {
            let silent = ["unique", "check", "index", "primary_key", "foreign key"];
            !silent.contains(&it["kind"].as_str().unwrap())
        };
        // What stands on a table is asked about once the table is settled.
        let n_asked = hints.iter().filter(is_asked).count().min(1);
        assert_eq!(
            (settled.renames.len(), settled.questions.len()),
            (0, n_asked),
            "{file} `{name}`"
        );
    });
}

fn each(mut check: impl FnMut(&str, &str, &Case, &Ours)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/renames");
    for file in ["mysql.0", "mysql.1", "postgres.0", "postgres.1", "sqlite.0", "sqlite.1"] {
        let text = fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
        let recording: Recording = serde_json::from_str(&text).unwrap();
        for (name, case) in &recording.cases {
            check(file, name, case, &ours(file, case));
        }
    }
}

fn ours(file: &str, case: &Case) -> Ours {
    let (dialect, generation) = place(file);
    let [from, to] = states(dialect, generation, case);
    let mut hints = Hints::default();
    hints.read(&case.hints.to_string()).unwrap();
    let settled = settle(&from, &to, &hints);
    let difference = from.difference_by(&settled.renames, &to);
    assert!(difference.not_expressed.is_empty(), "{:?}", difference.not_expressed);
    let snapshot = to.write_after_renames(&from, &settled.renames);
    let ours = Ours {
        questions: settled.questions.len(),
        unused: settled.unused,
        sql: join(difference.statements.iter().map(|it| it.sql.as_str()), true),
        snapshot: serde_json::from_str(&snapshot).unwrap(),
    };
    assert_eq!((ours.questions, &ours.unused[..]), (0, &[][..]));
    ours
}

fn renames(from: &AnySnapshot, to: &AnySnapshot, case: &Case) -> Vec<Rename> {
    let mut hints = Hints::default();
    hints.read(&case.hints.to_string()).unwrap();
    settle(from, to, &hints).renames
}

fn place(file: &str) -> (Dialect, Generation) {
    let (dialect, generation) = file.split_once('.').unwrap();
    let dialect = match dialect {
        "mysql" => Dialect::MySql,
        "postgres" => Dialect::Postgres,
        _ => Dialect::Sqlite,
    };
    (dialect, if generation == "0" { Generation::V0 } else { Generation::V1 })
}

fn states(dialect: Dialect, generation: Generation, case: &Case) -> [AnySnapshot; 2] {
    let id = |last: u8| format!("00000000-0000-4000-8000-00000000000{last}");
    let state = |at: usize| {
        let declared = case.declared[at].clone();
        let schema = match dialect {
            Dialect::Postgres => AnySchema::Postgres(serde_json::from_value(declared).unwrap()),
            Dialect::MySql => AnySchema::MySql(serde_json::from_value(declared).unwrap()),
            Dialect::Sqlite => AnySchema::Sqlite(serde_json::from_value(declared).unwrap()),
        };
        let prev_id = if at == 0 { ORIGIN.to_owned() } else { id(1) };
        let ids = SnapshotIds { id: id(u8::try_from(at).unwrap() + 1), prev_id };
        schema.snapshot(generation, &ids).unwrap()
    };
    [state(0), state(1)]
}
