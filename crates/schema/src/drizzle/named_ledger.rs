//! What the migrator of drizzle-orm 1.0 makes of the ledger's rows, and how it takes over a ledger of 0.x.
//!
//! 1.0 runs every folder whose name no row has; times and hashes count once only, when it gives names to
//! the rows of a ledger that has none.

use super::ledger::{Applicable, CreatedAt, LedgerRow, Record};
use crate::Dialect;

/// The positions of the migrations that drizzle-orm 1.0 would run: those whose name no row has.
pub fn pending(migrations: &[Applicable], rows: &[LedgerRow]) -> Vec<usize> {
    let is_named =
        |it: &Applicable| rows.iter().any(|row| row.name.as_deref() == Some(it.name.as_str()));
    (0..migrations.len()).filter(|at| !is_named(&migrations[*at])).collect()
}

/// What each row of a ledger of 1.0 records.
pub fn records(migrations: &[Applicable], rows: &[LedgerRow]) -> Vec<Record> {
    let record = |row: &LedgerRow| {
        let same_hash = |it: &Applicable| it.hash.as_str() == row.hash;
        let by_hash = || migrations.iter().position(same_hash);
        let Some(name) = &row.name else {
            return taken_over(migrations, row).map_or(Record::Unknown, Record::Unnamed);
        };
        match migrations.iter().position(|it| it.name == *name) {
            Some(at) if same_hash(&migrations[at]) => Record::Exact(at),
            Some(at) => Record::Edited(at),
            None => by_hash().map_or(Record::Unknown, Record::Renamed),
        }
    };
    rows.iter().map(record).collect()
}

/// The migration whose name 1.0 gives to a row of 0.x: the only one of the row's second, among several
/// the one with its hash, and where there is none of that second any with its hash. Where there is none
/// at all, `migrate` stops before it changes anything.
pub fn taken_over(migrations: &[Applicable], row: &LedgerRow) -> Option<usize> {
    let has_hash = |at: &usize| migrations[*at].hash.as_str() == row.hash;
    let second = whole_second(&row.created_at);
    let of_second: Vec<usize> =
        (0..migrations.len()).filter(|at| Some(migrations[*at].when) == second).collect();
    match of_second.as_slice() {
        [only] => Some(*only),
        // Of those with one hash, the last is the one that its map keeps.
        [] => (0..migrations.len()).rev().find(has_hash),
        several => several.iter().copied().find(has_hash),
    }
}

/// What each row of a ledger of 0.x will record once 1.0 has taken it over.
pub fn records_taken_over(migrations: &[Applicable], rows: &[LedgerRow]) -> Vec<Record> {
    let record = |row: &LedgerRow| match taken_over(migrations, row) {
        Some(at) if migrations[at].hash.as_str() == row.hash => Record::Exact(at),
        Some(at) => Record::Edited(at),
        None => Record::Unknown,
    };
    rows.iter().map(record).collect()
}

/// A time as text with `000` for its last three digits, and then as a number.
fn whole_second(created_at: &CreatedAt) -> Option<i64> {
    let text = match created_at {
        CreatedAt::Millis(it) => it.to_string(),
        CreatedAt::Text(it) => it.clone(),
        CreatedAt::Real(it) => it.to_string(),
        CreatedAt::Null | CreatedAt::Blob => return None,
    };
    let keep = text.chars().count().saturating_sub(3);
    let text: String = text.chars().take(keep).chain("000".chars()).collect();
    text.trim().parse().ok()
}

/// The statements with which 1.0 takes over a ledger of 0.x; `names` has the name of each row. `table` is
/// quoted.
///
/// MySQL commits each of them by itself, and 1.0 runs everything again where it finds the column of the names
/// without them: there the columns are called otherwise until the last statement ([`UNFINISHED_COLUMNS`]).
pub fn takeover(dialect: Dialect, table: &str, rows: &[LedgerRow], names: &[&str]) -> Vec<String> {
    let add = |exists: &str, (name, kind): (&str, &str)| {
        format!("ALTER TABLE {table} ADD COLUMN{exists} {} {kind}", dialect.quote_ident(name))
    };
    let last = "timestamp with time zone DEFAULT now()";
    let (columns, mut statements) = match dialect {
        Dialect::Postgres => {
            let exists = " IF NOT EXISTS";
            (COLUMNS, vec![add(exists, (COLUMNS[0], "text")), add(exists, (COLUMNS[1], last))])
        }
        Dialect::Sqlite => {
            (COLUMNS, vec![add("", (COLUMNS[0], "text")), add("", (COLUMNS[1], "TEXT"))])
        }
        Dialect::MySql => (UNFINISHED_COLUMNS, vec![unfinished(table, "ADD COLUMN {new} {type}")]),
    };
    for (row, name) in rows.iter().zip(names) {
        statements.push(titling(dialect, (table, columns), row, name));
    }
    if dialect == Dialect::MySql {
        statements.push(unfinished(table, "CHANGE {new} {column} {type}"));
    }
    statements
}

/// The columns that a ledger of 1.0 has more than one of 0.x.
const COLUMNS: [&str; 2] = ["name", "applied_at"];

/// What these columns are called in MySQL while a ledger is taken over.
pub const UNFINISHED_COLUMNS: [&str; 2] = ["raingauge_name", "raingauge_applied_at"];

/// One statement of MySQL's about both columns.
fn unfinished(table: &str, action: &str) -> String {
    let types = ["text", "TIMESTAMP DEFAULT CURRENT_TIMESTAMP"];
    let actions = UNFINISHED_COLUMNS.iter().zip(COLUMNS).zip(types).map(|((new, column), of)| {
        let action = action.replace("{new}", &format!("`{new}`"));
        action.replace("{column}", &format!("`{column}`")).replace("{type}", of)
    });
    format!("ALTER TABLE {table} {}", actions.collect::<Vec<_>>().join(", "))
}

/// Gives a row its name.
fn titling(
    dialect: Dialect,
    (table, columns): (&str, [&str; 2]),
    row: &LedgerRow,
    name: &str,
) -> String {
    let literal = |it: &str| dialect.quote_literal(it);
    let [name_column, stamp] = columns.map(|it| dialect.quote_ident(it));
    let [id, hash, created_at] = ["id", "hash", "created_at"].map(|it| dialect.quote_ident(it));
    // SQLite's rows of 0.x have no ids.
    let key = match (row.id, &row.created_at) {
        (Some(number), _) => format!("{id} = {number}"),
        (None, CreatedAt::Millis(when)) => {
            format!("{created_at} = {when} AND {hash} = {}", literal(&row.hash))
        }
        (None, _) => format!("{hash} = {}", literal(&row.hash)),
    };
    format!("UPDATE {table} SET {name_column} = {}, {stamp} = NULL WHERE {key}", literal(name))
}

/// The statements with which a ledger that was taken over has no names again. `table` is quoted.
pub fn handback(dialect: Dialect, table: &str) -> Vec<String> {
    let [name, stamp] = COLUMNS.map(|it| format!("DROP COLUMN {}", dialect.quote_ident(it)));
    match dialect {
        // One statement, which is done or not done.
        Dialect::Postgres | Dialect::MySql => vec![format!("ALTER TABLE {table} {name}, {stamp}")],
        Dialect::Sqlite => {
            vec![format!("ALTER TABLE {table} {name}"), format!("ALTER TABLE {table} {stamp}")]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fingerprint;

    fn hash(name: &str) -> Fingerprint {
        Fingerprint::of_bytes(name.as_bytes())
    }

    /// Migrations of these seconds; each has its name for its text.
    fn migrations(all: &[(&str, i64)]) -> Vec<Applicable> {
        let one = |(name, second): &(&str, i64)| Applicable {
            when: second * 1000,
            hash: hash(name),
            name: (*name).to_owned(),
        };
        all.iter().map(one).collect()
    }

    fn row(text: &str, created_at: CreatedAt, name: Option<&str>) -> LedgerRow {
        let name = name.map(str::to_owned);
        LedgerRow { id: None, hash: hash(text).as_str().to_owned(), created_at, name }
    }

    use CreatedAt::{Millis, Null, Text};

    #[test]
    fn t05_a_migration_merged_out_of_order_is_pending() {
        let rows = [row("a", Millis(1000), Some("a")), row("c", Millis(3000), Some("c"))];
        assert_eq!(pending(&migrations(&[("a", 1), ("b", 2), ("c", 3)]), &rows), [1]);
    }

    #[test]
    fn t12_a_renamed_folder_is_known_by_its_hash_and_would_run_again() {
        let (migrations, rows) = (migrations(&[("a", 1)]), [row("a", Millis(1000), Some("old"))]);
        assert_eq!(records(&migrations, &rows), [Record::Renamed(0)]);
        assert_eq!(pending(&migrations, &rows), [0]);
    }

    #[test]
    fn a_row_that_0_x_wrote_into_a_ledger_of_1_0_counts_for_nothing() {
        let migrations = migrations(&[("a", 1), ("b", 2)]);
        let rows = [row("a", Millis(1000), Some("a")), row("b", Millis(2345), None)];
        assert_eq!(records(&migrations, &rows), [Record::Exact(0), Record::Unnamed(1)]);
        assert_eq!(pending(&migrations, &rows), [1]);
    }

    #[test]
    fn t10_a_wrong_hash_counts_for_nothing_where_the_second_is_right() {
        let migrations = migrations(&[("a", 1), ("b", 2)]);
        for (text, created_at, expected) in [
            ("x", Millis(1999), Some(0)),
            ("x", Text("2001".to_owned()), Some(1)),
            ("b", Millis(9000), Some(1)),
            ("b", Null, Some(1)),
            ("x", Millis(9000), None),
            ("x", Null, None),
        ] {
            let found = taken_over(&migrations, &row(text, created_at.clone(), None));
            assert_eq!(found, expected, "{text} {created_at:?}");
        }
    }

    #[test]
    fn t18_of_two_migrations_of_one_second_the_hash_decides() {
        let migrations = migrations(&[("a", 1), ("b", 1)]);
        assert_eq!(taken_over(&migrations, &row("b", Millis(1000), None)), Some(1));
        assert_eq!(taken_over(&migrations, &row("x", Millis(1000), None)), None);
    }

    #[test]
    fn mysql_shows_the_names_at_once() {
        let rows = [LedgerRow { id: Some(7), ..row("a", Millis(1), None) }];
        assert_eq!(
            takeover(Dialect::MySql, "`t`", &rows, &["a"]),
            [
                "ALTER TABLE `t` ADD COLUMN `raingauge_name` text, ADD COLUMN `raingauge_applied_at` TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
                "UPDATE `t` SET `raingauge_name` = 'a', `raingauge_applied_at` = NULL WHERE `id` = 7",
                "ALTER TABLE `t` CHANGE `raingauge_name` `name` text, CHANGE `raingauge_applied_at` `applied_at` TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
            ]
        );
    }

    #[test]
    fn a_row_without_an_id_gets_its_name_by_time_and_hash() {
        let rows = [LedgerRow { id: Some(7), ..row("a", Millis(1), None) }, row("b", Null, None)];
        let [.., by_id, by_hash] = &takeover(Dialect::Sqlite, "\"t\"", &rows, &["a", "it's"])[..]
        else {
            panic!("two columns and two rows")
        };
        assert!(by_id.ends_with("SET \"name\" = 'a', \"applied_at\" = NULL WHERE \"id\" = 7"));
        assert!(by_hash.contains("'it''s'") && by_hash.contains("WHERE \"hash\" = '"));
    }
}
