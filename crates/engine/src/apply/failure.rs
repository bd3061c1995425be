//! What is said when a statement of a migration fails.

use raingauge_schema::Dialect;
use raingauge_schema::steps::Placed;

use super::pace::LOCKED;
use crate::Error;
use crate::connect::SqlError;
use crate::history::Migration;

/// Somebody, or a limit, ended it: PostgreSQL, MySQL, MariaDB.
const CANCELLED: [&str; 3] = ["57014", "1317", "1969"];

/// MySQL's and MariaDB's errors about a value, a constraint or a key that rows do not fit.
const ROWS_OF_MYSQL: [&str; 23] = [
    "1022", "1048", "1062", "1138", "1216", "1217", "1264", "1265", "1292", "1366", "1406", "1411",
    "1416", "1451", "1452", "1526", "1586", "1690", "1761", "1762", "3140", "3819", "4025",
];

/// How many lines of a statement are shown.
const MAX_LINES: usize = 6;

/// The error for a statement that the engine refused; `state_of_all` says what became of everything
/// else: `the migration was rolled back`.
pub(super) fn failed(
    (dialect, migration): (Dialect, &Migration),
    statement: &Placed,
    state_of_all: &str,
    cause: SqlError,
) -> Error {
    let line = statement.line + lines_before(&statement.sql, cause.position);
    let place = format!("{}:{line}", migration.path.display());
    let state = &cause.state;
    let error = |code, what: &str| Error::new(code, format!("`{place}` {what}; {state_of_all}"));
    let error = if speaks_of_rows(dialect, state) {
        error("migration-failed", &format!("does not fit rows that live has ({state})"))
            .next("find and repair these rows: the engine names the constraint or the value below")
            .next("then run `raingauge migrate` again; if the migration is wrong, correct it first")
    } else if speaks_of_others(dialect, state) {
        error(LOCKED, &format!("came in the way of other sessions ({state})"))
            .next("run `raingauge migrate` again when the other sessions are done")
    } else if CANCELLED.contains(&state.as_str()) {
        error("migration-failed", &format!("was cancelled, or took too long ({state})"))
            .next("if it may take longer: `raingauge migrate --statement-timeout SECONDS`")
    } else {
        error("migration-failed", &format!("failed ({state})"))
            .next("correct the migration, then run `raingauge migrate` again")
    };
    shown(statement, line).into_iter().fold(error.caused_by(cause), Error::excerpt)
}

/// How many line breaks stand before the place that the engine names, or before the first word.
fn lines_before(sql: &str, position: Option<usize>) -> usize {
    let n_blank = sql.chars().take_while(|it| it.is_whitespace()).count();
    let before = position.map_or(n_blank, |it| it.saturating_sub(1).max(n_blank));
    sql.chars().take(before).filter(|it| *it == '\n').count()
}

/// The statement with the numbers of its lines and a mark at the one that failed.
fn shown(statement: &Placed, failed: usize) -> Option<String> {
    let lines = (statement.line..).zip(statement.sql.lines());
    let lines = lines.skip_while(|it| it.1.trim().is_empty()).skip_while(|it| it.0 + 2 < failed);
    let marked = |(line, text): (usize, &str)| {
        let mark = if line == failed { '>' } else { ' ' };
        format!("{mark} {line:>4} | {text}")
    };
    let lines: Vec<_> = lines.take(MAX_LINES).map(marked).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Whether the rows are what the engine objects to: a constraint that they break, a value that does
/// not fit. PostgreSQL has classes for both; SQLite's extended codes end with that of a constraint; MySQL
/// has a number for each.
fn speaks_of_rows(dialect: Dialect, state: &str) -> bool {
    const CONSTRAINT: i32 = 19;
    match dialect {
        Dialect::Postgres => state.starts_with("23") || state.starts_with("22"),
        Dialect::MySql => ROWS_OF_MYSQL.contains(&state),
        Dialect::Sqlite => state.parse::<i32>().is_ok_and(|it| it & 0xff == CONSTRAINT),
    }
}

/// Whether what other sessions do is what stopped it: a lock, a deadlock, rows changed meanwhile.
fn speaks_of_others(dialect: Dialect, state: &str) -> bool {
    const BUSY: i32 = 5;
    match dialect {
        Dialect::Postgres => ["40001", "40P01", "55P03"].contains(&state),
        // A lock that is not had in time, a deadlock, a table changed since the snapshot, a lock not waited for.
        Dialect::MySql => ["1205", "1213", "1412", "3572"].contains(&state),
        Dialect::Sqlite => state.parse::<i32>().is_ok_and(|it| it & 0xff == BUSY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_and_values_are_told_from_other_failures() {
        use Dialect::{MySql, Postgres, Sqlite};
        let rows = |dialect, state: &str| speaks_of_rows(dialect, state);
        assert!(["23505", "23502", "22001"].into_iter().all(|it| rows(Postgres, it)));
        assert!(["2067", "1299", "19"].into_iter().all(|it| rows(Sqlite, it)));
        assert!(["1062", "1406", "3819", "4025"].into_iter().all(|it| rows(MySql, it)));
        assert!(!["42P07", "42601", ""].into_iter().any(|it| rows(Postgres, it)));
        assert!(!["1", "5", ""].into_iter().any(|it| rows(Sqlite, it)));
        // SQLite's 1299 is a NOT NULL, MySQL's is none.
        assert!(!["1299", "1050", "1060", "1205"].into_iter().any(|it| rows(MySql, it)));
        let others = |dialect, state: &str| speaks_of_others(dialect, state);
        assert!(["55P03", "40P01"].into_iter().all(|it| others(Postgres, it)));
        assert!(["5", "517"].into_iter().all(|it| others(Sqlite, it)));
        assert!(["1205", "1213"].into_iter().all(|it| others(MySql, it)));
        assert!(!["42P07", "25001", ""].into_iter().any(|it| others(Postgres, it)));
        assert!(!["1062", "517", "1317"].into_iter().any(|it| others(MySql, it)));
    }

    #[test]
    fn the_line_that_failed_is_marked() {
        let sql = "\nCREATE TABLE a (\n  x int,\n  y itn\n);".to_owned();
        assert_eq!(lines_before(&sql, Some(32)), 3);
        let found = shown(&Placed { sql, line: 4 }, 7).unwrap();
        assert_eq!(
            found,
            "     5 | CREATE TABLE a (\n     6 |   x int,\n>    7 |   y itn\n     8 | );"
        );
    }
}
