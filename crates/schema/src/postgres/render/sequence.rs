//! Sequences whose bounds change. PostgreSQL refuses bounds that leave out where the sequence stands,
//! which drizzle-kit does not look at: a sequence that starts at 1 cannot get 2 as its least value.

use crate::pair::Pair;

/// The options that say where a sequence may stand, absent where they are PostgreSQL's own.
#[derive(Clone, Copy, Debug)]
pub(in crate::postgres) struct Bounds<'a> {
    pub(in crate::postgres) min: Option<&'a str>,
    pub(in crate::postgres) max: Option<&'a str>,
    pub(in crate::postgres) start: Option<&'a str>,
}

/// How a sequence gets inside its new bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::postgres) enum Move {
    /// A statement before the change: as near as it can be to where it stands.
    Before(String),
    /// A clause of the change: nothing of the old numbers is left.
    Within(String),
}

/// The move that a change of bounds needs, for a sequence with a name in SQL.
pub(in crate::postgres) fn moved(name: &str, bounds: Pair<Bounds<'_>>) -> Option<Move> {
    let (old, new) = (read(bounds.from)?, read(bounds.to)?);
    if new.min <= old.start && old.start <= new.max {
        return None;
    }
    if old.max < new.min || new.max < old.min {
        return Some(Move::Within(format!(" RESTART WITH {}", new.start)));
    }
    let (min, max) = (new.min.max(old.min), new.max.min(old.max));
    let literal = format!("'{}'", name.replace('\'', "''"));
    let place = format!("least(greatest(last_value, {min}), {max})");
    let start = new.start.clamp(min, max);
    Some(Move::Before(format!(
        "SELECT setval({literal}, CASE WHEN is_called THEN {place} ELSE {start} END, is_called) FROM {name};"
    )))
}

struct Numbers {
    min: i128,
    max: i128,
    start: i128,
}

fn read(bounds: Bounds<'_>) -> Option<Numbers> {
    let number = |text: Option<&str>, otherwise: i128| match text {
        None => Some(otherwise),
        Some(text) => text.parse().ok(),
    };
    let min = number(bounds.min, 1)?;
    let max = number(bounds.max, i64::MAX.into())?;
    Some(Numbers { min, max, start: number(bounds.start, min)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_moves_only_where_its_start_is_left_out() {
        let of = |min, max, start| Bounds { min: Some(min), max: Some(max), start: Some(start) };
        let check = |from, to| moved("q", Pair { from, to });
        assert_eq!(check(of("1", "99", "5"), of("1", "50", "5")), None);
        assert_eq!(check(of("1", "99", "5"), of("5", "99", "7")), None);
        let within = Move::Within(" RESTART WITH 200".to_owned());
        assert_eq!(check(of("1", "99", "1"), of("100", "300", "200")), Some(within));
        let place = "CASE WHEN is_called THEN least(greatest(last_value, 3), 30) ELSE 4 END";
        let before = format!("SELECT setval('q', {place}, is_called) FROM q;");
        assert_eq!(check(of("1", "99", "1"), of("3", "30", "4")), Some(Move::Before(before)));
    }
}
