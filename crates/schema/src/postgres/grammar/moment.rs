//! The names of the moment at which a transaction began, and what a column makes of it.
//!
//! `now()` in a `date` column is `CURRENT_DATE`; in a `timestamp(3)` column `CURRENT_TIMESTAMP(3)` is
//! `now()`, in others it is not. See
//! <https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT>.

/// What a column of a certain type stores of the beginning of the transaction. Equal moments are equal
/// in every session and at every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    source: Source,
    /// To how many digits the value is rounded before the column rounds it; `None` for all.
    rounding: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Timestamp,
    LocalTimestamp,
    Date,
    Time,
    LocalTime,
}

/// The moment that an expression without casts and outer parentheses is in a column of this type.
pub(super) fn moment(expression: &str, column_type: &str) -> Option<Moment> {
    const ALL_DIGITS: u8 = 6;
    let (source, digits) = read(expression)?;
    let (family, precision) = family(column_type);
    let rounding = digits.filter(|it| *it < ALL_DIGITS);
    // Rounding a timestamp may end on the next day; rounding a time does not.
    let is_own_rounding = match family.as_str() {
        "timestamp with time zone" | "timestamp without time zone" => true,
        "time without time zone" | "time with time zone" => {
            matches!(source, Source::Time | Source::LocalTime)
        }
        _ => false,
    };
    let rounding = rounding.filter(|it| !(is_own_rounding && precision == Some(*it)));
    // Rounded before, what a timestamp and a time become is not the same.
    let is_exact = rounding.is_none();
    let source = match (family.as_str(), source) {
        ("timestamp without time zone", Source::LocalTimestamp) => Source::Timestamp,
        ("date", Source::LocalTimestamp | Source::Date) if is_exact => Source::Timestamp,
        ("time without time zone", Source::LocalTimestamp | Source::Time | Source::LocalTime)
            if is_exact =>
        {
            Source::Timestamp
        }
        ("time with time zone", Source::Time) if is_exact => Source::Timestamp,
        (_, source) => source,
    };
    Some(Moment { source, rounding })
}

fn read(expression: &str) -> Option<(Source, Option<u8>)> {
    let (name, digits) = match expression {
        "now()" | "transaction_timestamp()" => ("CURRENT_TIMESTAMP", None),
        _ => match expression.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')')?.parse().ok()?)),
            None => (expression, None),
        },
    };
    let source = match name {
        "CURRENT_TIMESTAMP" => Source::Timestamp,
        "LOCALTIMESTAMP" => Source::LocalTimestamp,
        "CURRENT_DATE" => Source::Date,
        "CURRENT_TIME" => Source::Time,
        "LOCALTIME" => Source::LocalTime,
        _ => return None,
    };
    Some((source, digits))
}

/// A type without its precision, and the precision.
fn family(column_type: &str) -> (String, Option<u8>) {
    let parts = column_type.split_once('(').and_then(|(name, rest)| {
        let (digits, zone) = rest.split_once(')')?;
        Some((format!("{name}{zone}"), digits.parse().ok()))
    });
    parts.unwrap_or_else(|| (column_type.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(column_type: &str, from: &str, to: &str, expected: bool) {
        let (from, to) = (moment(from, column_type), moment(to, column_type));
        assert!(from.is_some() && to.is_some());
        assert_eq!(from == to, expected, "{from:?} ~ {to:?} in {column_type}");
    }

    #[test]
    fn a_timestamp_with_a_zone_knows_three_names_of_one_moment() {
        let column = "timestamp with time zone";
        check(column, "now()", "CURRENT_TIMESTAMP", true);
        check(column, "transaction_timestamp()", "CURRENT_TIMESTAMP(6)", true);
        check(column, "now()", "LOCALTIMESTAMP", false);
        check(column, "now()", "CURRENT_DATE", false);
    }

    #[test]
    fn precision_matters_unless_the_column_rounds_alike() {
        check("timestamp with time zone", "now()", "CURRENT_TIMESTAMP(3)", false);
        check("timestamp(3) with time zone", "now()", "CURRENT_TIMESTAMP(3)", true);
        check("timestamp(0) with time zone", "now()", "CURRENT_TIMESTAMP(1)", false);
        check("timestamp(3) without time zone", "LOCALTIMESTAMP(3)", "CURRENT_TIMESTAMP", true);
        check("time(3) without time zone", "LOCALTIME(3)", "now()", true);
        check("time(3) without time zone", "CURRENT_TIMESTAMP(3)", "now()", false);
    }

    #[test]
    fn what_a_column_leaves_out_need_not_be_told_apart() {
        check("timestamp without time zone", "now()", "LOCALTIMESTAMP", true);
        check("date", "now()", "CURRENT_DATE", true);
        check("date", "CURRENT_TIMESTAMP(0)", "CURRENT_DATE", false);
        check("time without time zone", "now()", "LOCALTIME", true);
        check("time with time zone", "now()", "LOCALTIME", false);
    }

    #[test]
    fn other_clocks_are_no_such_moment() {
        for other in ["clock_timestamp()", "statement_timestamp()", "now() + x", "timeofday()"] {
            assert_eq!(moment(other, "timestamp with time zone"), None, "{other}");
        }
    }
}
