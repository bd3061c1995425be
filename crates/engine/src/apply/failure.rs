//! What is said when a statement of a migration fails.

use crate::Error;
use crate::connect::SqlError;
use crate::history::Migration;

/// The error for a statement that the engine refused.
pub(super) fn failed(migration: &Migration, line: usize, cause: SqlError) -> Error {
    let place = format!("{}:{line}", migration.path.display());
    let state = &cause.state;
    let error = |what: &str| {
        Error::new("migration-failed", format!("`{place}` {what}; the migration was rolled back"))
    };
    let error = if speaks_of_rows(state) {
        error(&format!("does not fit rows that live has ({state})"))
            .next("find and repair these rows: the engine names the constraint or the value below")
            .next("then run `raingauge migrate` again; if the migration is wrong, correct it first")
    } else if ["40001", "40P01", "55P03"].contains(&state.as_str()) || state == "5" {
        error(&format!("came in the way of other sessions ({state})"))
            .next("run `raingauge migrate` again when the other sessions are done")
    } else {
        error(&format!("failed ({state})"))
            .next("correct the migration, then run `raingauge migrate` again")
    };
    error.caused_by(cause)
}

/// Whether the rows are what the engine objects to: a constraint that they break, a value that does
/// not fit. PostgreSQL has classes for both; SQLite's extended codes end with that of a constraint.
fn speaks_of_rows(state: &str) -> bool {
    const SQLITE_CONSTRAINT: i32 = 19;
    let is_sqlite = state.len() < 5;
    match state.parse::<i32>() {
        Ok(code) if is_sqlite => code & 0xff == SQLITE_CONSTRAINT,
        _ => !is_sqlite && (state.starts_with("23") || state.starts_with("22")),
    }
}

#[cfg(test)]
mod tests {
    use super::speaks_of_rows;

    #[test]
    fn constraints_and_values_are_told_from_other_failures() {
        assert!(["23505", "23502", "22001", "2067", "1299", "19"].into_iter().all(speaks_of_rows));
        assert!(!["42P07", "42601", "1", "5", ""].into_iter().any(speaks_of_rows));
    }
}
