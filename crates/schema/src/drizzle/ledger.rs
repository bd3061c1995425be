//! The ledger: Drizzle's table of applied migrations, and what the migrator of drizzle-orm 0.45
//! makes of its rows. What that of 1.0 makes of them is in `named_ledger`.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::Generation;
use crate::{Dialect, Fingerprint, mysql};

/// The ledger's name unless the configuration says otherwise.
pub const LEDGER_TABLE: &str = "__drizzle_migrations";

/// The PostgreSQL schema of the ledger unless the configuration says otherwise.
pub const LEDGER_SCHEMA: &str = "drizzle";

/// One row of the ledger, as it stands there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerRow {
    /// Always absent in SQLite, whose `SERIAL` is no row id.
    pub id: Option<i64>,
    pub hash: String,
    pub created_at: CreatedAt,
    /// The folder of the migration; absent in a ledger of 0.x, and in a row that 0.x wrote into one of
    /// 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `created_at` with its stored type, because SQLite keeps any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", content = "value")]
pub enum CreatedAt {
    /// The `when` of a journal entry.
    Millis(i64),
    Null,
    Text(String),
    Real(f64),
    Blob,
}

/// What the migrator looks at in a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applicable {
    /// The `when` of the journal entry.
    pub when: i64,
    /// The hash of the file.
    pub hash: Fingerprint,
    /// The tag of the journal entry, or the name of the folder.
    pub name: String,
}

/// What a ledger row says about the migrations of the folder; numbers are positions in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A migration with this time and this hash.
    Exact(usize),
    /// A migration with this time, whose file has another hash now.
    Edited(usize),
    /// A migration with this hash, but another time: the migrator may skip or repeat others.
    Retimed(usize),
    /// A migration with this hash, under another name: 1.0 runs it again.
    Renamed(usize),
    /// A migration that 0.x recorded in a ledger of 1.0, without a name: 1.0 runs it again.
    Unnamed(usize),
    /// No migration of the folder.
    Unknown,
}

/// The positions of the migrations that drizzle-orm 0.45 would run: all that are newer than the row
/// that the database sorts first by `created_at desc`, and everything when there is no row.
pub fn pending(dialect: Dialect, migrations: &[Applicable], rows: &[LedgerRow]) -> Vec<usize> {
    let newest = rows.iter().map(|it| &it.created_at).reduce(|first, it| {
        if descending(dialect, it, first) == Ordering::Less { it } else { first }
    });
    let is_pending = |when: i64| newest.is_none_or(|it| javascript_number(it) < exact(when));
    (0..migrations.len()).filter(|&index| is_pending(migrations[index].when)).collect()
}

/// What each row records.
pub fn records(migrations: &[Applicable], rows: &[LedgerRow]) -> Vec<Record> {
    rows.iter().map(|row| record(migrations, row)).collect()
}

fn record(migrations: &[Applicable], row: &LedgerRow) -> Record {
    let timed = |it: &Applicable| row.created_at == CreatedAt::Millis(it.when);
    let same = |it: &Applicable| row.hash == it.hash.as_str();
    let position = |of: &dyn Fn(&Applicable) -> bool| migrations.iter().position(of);
    if let Some(exact) = position(&|it| timed(it) && same(it)) {
        Record::Exact(exact)
    } else if let Some(edited) = position(&timed) {
        Record::Edited(edited)
    } else {
        position(&same).map_or(Record::Unknown, Record::Retimed)
    }
}

/// The statements that a migrator sends where there is no ledger yet. Only PostgreSQL has a `schema` for it.
pub fn creation(
    dialect: Dialect,
    generation: Generation,
    schema: &str,
    table: &str,
) -> Vec<String> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    match dialect {
        Dialect::Postgres => vec![
            format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema)),
            table_ddl(dialect, generation, &format!("{}.{}", quoted(schema), quoted(table))),
        ],
        Dialect::MySql => {
            vec![table_ddl(dialect, generation, &mysql::grammar::quote_ident(table))]
        }
        Dialect::Sqlite => vec![table_ddl(dialect, generation, &quoted(table))],
    }
}

/// The indentation is drizzle-orm's: SQLite keeps the text, and so may a fingerprint of it.
fn table_ddl(dialect: Dialect, generation: Generation, name: &str) -> String {
    let (id, created_at, applied_at, end) = match (dialect, generation) {
        (Dialect::Postgres, _) => {
            ("SERIAL", "bigint", "timestamp with time zone DEFAULT now()", "\n\t\t")
        }
        (Dialect::MySql, _) => {
            ("SERIAL", "bigint", "TIMESTAMP DEFAULT CURRENT_TIMESTAMP", "\n\t\t")
        }
        (Dialect::Sqlite, Generation::V0) => ("SERIAL", "numeric", "", "\n\t\t"),
        (Dialect::Sqlite, Generation::V1) => ("INTEGER", "numeric", "TEXT", ""),
    };
    let more = match generation {
        Generation::V0 => String::new(),
        Generation::V1 => format!(",\n\t\t\t\tname text,\n\t\t\t\tapplied_at {applied_at}"),
    };
    format!(
        "\n\t\t\tCREATE TABLE IF NOT EXISTS {name} (\n\t\t\t\tid {id} PRIMARY KEY,\n\t\t\t\thash \
         text NOT NULL,\n\t\t\t\tcreated_at {created_at}{more}\n\t\t\t){end}"
    )
}

/// How the database orders two values under `order by created_at desc`.
fn descending(dialect: Dialect, a: &CreatedAt, b: &CreatedAt) -> Ordering {
    storage_class(dialect, b).cmp(&storage_class(dialect, a)).then_with(|| match (a, b) {
        (CreatedAt::Text(a), CreatedAt::Text(b)) => b.cmp(a),
        _ => javascript_number(b).partial_cmp(&javascript_number(a)).unwrap_or(Ordering::Equal),
    })
}

/// SQLite orders by type before value. To it and to MySQL NULL is the lowest, to PostgreSQL the greatest.
fn storage_class(dialect: Dialect, value: &CreatedAt) -> u8 {
    match value {
        CreatedAt::Null => match dialect {
            Dialect::Postgres => 4,
            Dialect::MySql | Dialect::Sqlite => 0,
        },
        CreatedAt::Millis(_) | CreatedAt::Real(_) => 1,
        CreatedAt::Text(_) => 2,
        CreatedAt::Blob => 3,
    }
}

/// `Number(value)`: NULL is 0, and what is no number compares as false with everything.
fn javascript_number(value: &CreatedAt) -> f64 {
    match value {
        CreatedAt::Null => 0.0,
        CreatedAt::Millis(it) => exact(*it),
        CreatedAt::Real(it) => *it,
        CreatedAt::Blob => f64::NAN,
        CreatedAt::Text(it) => match it.trim() {
            "" => 0.0,
            // Rust also takes `inf` and `nan`, which JavaScript does not.
            it if it.contains(['n', 'N']) => f64::NAN,
            it => it.parse().unwrap_or(f64::NAN),
        },
    }
}

/// Milliseconds as JavaScript holds them: exact for the next 280,000 years.
#[expect(clippy::cast_precision_loss, reason = "JavaScript has only this kind of number")]
fn exact(millis: i64) -> f64 {
    millis as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrations(whens: &[i64]) -> Vec<Applicable> {
        let migration = |when: &i64| Applicable {
            when: *when,
            hash: Fingerprint::of_bytes(&when.to_le_bytes()),
            name: format!("m{when}"),
        };
        whens.iter().map(migration).collect()
    }

    fn row(created_at: CreatedAt) -> LedgerRow {
        LedgerRow { id: None, hash: "h".to_owned(), created_at, name: None }
    }

    #[track_caller]
    fn check(dialect: Dialect, whens: &[i64], rows: &[CreatedAt], expected: &[usize]) {
        let rows: Vec<_> = rows.iter().cloned().map(row).collect();
        assert_eq!(pending(dialect, &migrations(whens), &rows), expected);
    }

    use CreatedAt::{Millis, Null, Real, Text};
    use Dialect::{MySql, Postgres, Sqlite};

    #[test]
    fn everything_is_pending_without_a_row() {
        check(Postgres, &[1000, 2000], &[], &[0, 1]);
    }

    #[test]
    fn only_what_is_newer_than_the_newest_row_is_pending() {
        check(Postgres, &[1000, 2000, 3000], &[Millis(2000), Millis(1000)], &[2]);
    }

    #[test]
    fn t01_a_row_stamped_with_the_clock_hides_migrations_that_never_ran() {
        check(Postgres, &[1000, 2000], &[Millis(1_795_347_388_000)], &[]);
    }

    #[test]
    fn t02_null_makes_everything_run_again_in_postgres_and_nothing_in_mysql_and_sqlite() {
        check(Postgres, &[1000, 2000], &[Millis(2000), Null], &[0, 1]);
        check(MySql, &[1000, 2000], &[Millis(2000), Null], &[]);
        check(MySql, &[1000, 2000], &[Null], &[0, 1]);
        check(Sqlite, &[1000, 2000], &[Millis(2000), Null], &[]);
        check(Sqlite, &[1000, 2000], &[Null], &[0, 1]);
    }

    #[test]
    fn t03_a_text_hides_every_migration_in_sqlite() {
        let text = || Text("2026-01-01 00:00:00".to_owned());
        check(Sqlite, &[1000, i64::MAX], &[Millis(1000), text()], &[]);
        check(Sqlite, &[1000, 2000], &[Millis(2000), Text("1000".to_owned())], &[1]);
        check(Sqlite, &[1000, 2000], &[Real(1500.5)], &[1]);
        check(Sqlite, &[1000, 2000], &[Text("Infinity".to_owned())], &[]);
    }

    #[test]
    fn t05_a_migration_merged_out_of_order_is_passed_by() {
        check(Postgres, &[1000, 1500, 2000], &[Millis(1000), Millis(2000)], &[]);
    }

    #[test]
    fn two_migrations_of_the_same_time_run_together_but_not_later() {
        check(Postgres, &[1000, 2000, 2000], &[Millis(1000)], &[1, 2]);
        check(Postgres, &[1000, 2000, 2000], &[Millis(1000), Millis(2000)], &[]);
    }

    #[test]
    fn t11_a_row_of_an_edited_file_is_told_from_a_row_of_another_time() {
        let migrations = migrations(&[1000, 2000, 3000]);
        let recorded = |hash: usize, when| LedgerRow {
            id: None,
            hash: migrations[hash].hash.as_str().to_owned(),
            created_at: Millis(when),
            name: None,
        };
        let rows = [recorded(0, 1000), recorded(0, 2000), recorded(2, 9), row(Millis(7))];
        assert_eq!(
            records(&migrations, &rows),
            [Record::Exact(0), Record::Edited(1), Record::Retimed(2), Record::Unknown]
        );
    }

    #[test]
    fn the_ledger_is_created_as_the_migrator_creates_it() {
        assert_eq!(
            creation(Postgres, Generation::V0, LEDGER_SCHEMA, LEDGER_TABLE),
            [
                "CREATE SCHEMA IF NOT EXISTS \"drizzle\"",
                "\n\t\t\tCREATE TABLE IF NOT EXISTS \"drizzle\".\"__drizzle_migrations\" (\n\t\t\t\tid \
                 SERIAL PRIMARY KEY,\n\t\t\t\thash text NOT NULL,\n\t\t\t\tcreated_at bigint\n\t\t\t)\n\
                 \t\t"
            ]
        );
        let mysql = creation(MySql, Generation::V1, LEDGER_SCHEMA, "led`ger");
        assert_eq!(
            mysql,
            ["\n\t\t\tCREATE TABLE IF NOT EXISTS `led``ger` (\n\t\t\t\tid SERIAL PRIMARY \
                 KEY,\n\t\t\t\thash text NOT NULL,\n\t\t\t\tcreated_at bigint,\n\t\t\t\tname \
                 text,\n\t\t\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP\n\t\t\t)\n\t\t"]
        );
        let one = |generation| creation(Sqlite, generation, "", "led\"ger").pop().unwrap();
        assert!(one(Generation::V0).contains("EXISTS \"led\"\"ger\" (\n\t\t\t\tid SERIAL "));
        assert_eq!(
            one(Generation::V1),
            "\n\t\t\tCREATE TABLE IF NOT EXISTS \"led\"\"ger\" (\n\t\t\t\tid INTEGER PRIMARY \
             KEY,\n\t\t\t\thash text NOT NULL,\n\t\t\t\tcreated_at numeric,\n\t\t\t\tname \
             text,\n\t\t\t\tapplied_at TEXT\n\t\t\t)"
        );
    }
}
