//! The folders of a 1.0 history: what drizzle-orm's migrator makes of their names.
//!
//! A name begins with a time, `20261122112828_init`. The migrator takes the folders in the order of
//! `localeCompare` and the first fourteen characters for the time, whatever they are; drizzle-kit sorts
//! paths as text.

use std::cmp::Ordering;

/// The file with the statements of a migration.
pub const MIGRATION_FILE: &str = "migration.sql";

/// The file with the schema after it, or with what it changes.
pub const SNAPSHOT_FILE: &str = "snapshot.json";

/// How many characters of a name are its time.
const STAMP_LENGTH: usize = 14;

/// The text before the name itself: `20261122112828` of `20261122112828_init`, if it is a time as
/// drizzle-kit writes it.
pub fn stamp(folder: &str) -> Option<&str> {
    let (stamp, _) = folder.split_once('_')?;
    let is_time = stamp.len() == STAMP_LENGTH && stamp.bytes().all(|it| it.is_ascii_digit());
    is_time.then_some(stamp)
}

/// The time in a folder's name in milliseconds, as the migrator reads it: what lies beyond the end of a
/// month goes on into the next. `None` where it gets no number.
pub fn millis(folder: &str) -> Option<i64> {
    let units: Vec<u16> = folder.encode_utf16().take(STAMP_LENGTH).collect();
    let part = |from: usize, to: usize| {
        let end = to.min(units.len());
        parse_int(&String::from_utf16_lossy(units.get(from..end)?))
    };
    let year = match part(0, 4)? {
        short @ 0..=99 => 1900 + short,
        year => year,
    };
    let days = days_before(year, part(4, 6)? - 1) + part(6, 8)? - 1;
    let seconds = part(8, 10)? * 3600 + part(10, 12)? * 60 + part(12, 14)?;
    Some((days * 86_400 + seconds) * 1000)
}

/// `parseInt(text, 10)`: the digits at the beginning.
fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|it: char| !it.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, _) = digits.split_at(end);
    Some(sign * digits.parse::<i64>().ok()?)
}

/// Days from 1970 to the first of a month; months are counted from 0, and may lie in another year.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12));
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 - 719_468
}

/// The order of two names under `localeCompare`. Exact for ASCII; other characters come last, in the
/// order of their code points.
pub fn locale_order(a: &str, b: &str) -> Ordering {
    let primary = |it: &str| -> Vec<u32> { it.chars().map(weight).collect() };
    // Small letters come before large ones, where nothing else tells two names apart.
    let case = |it: &str| -> Vec<bool> { it.chars().map(|it| it.is_ascii_uppercase()).collect() };
    primary(a).cmp(&primary(b)).then_with(|| case(a).cmp(&case(b)))
}

/// Punctuation and signs in the order of the root collation; digits and letters follow.
const SIGNS: &str = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

fn weight(character: char) -> u32 {
    let letter = character.to_ascii_lowercase();
    match SIGNS.chars().zip(0..).find(|it| it.0 == character) {
        Some((_, at)) => at,
        None => 100 + u32::from(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_folder_is_that_of_date_utc() {
        // As `formatToMillis` of drizzle-orm 1.0.0-rc.5 answers under Node 20.
        for (name, expected) in [
            ("20261122112828_init", Some(1_795_346_908_000)),
            ("19700101000000_x", Some(0)),
            ("20240229235959_leap", Some(1_709_251_199_000)),
            ("20261332256199_over", Some(1_801_533_759_000)),
            ("20261122112828", Some(1_795_346_908_000)),
            ("00991231000000_x", Some(946_598_400_000)),
            ("20260001000000_x", Some(1_764_547_200_000)),
            ("2026-122112828_x", Some(1_763_810_908_000)),
            ("0000_init", None),
            ("20261122_init", None),
            ("init", None),
            ("", None),
        ] {
            assert_eq!(millis(name), expected, "{name}");
        }
    }

    #[test]
    fn a_stamp_is_fourteen_digits_before_the_first_underscore() {
        assert_eq!(stamp("20261122112828_a_b"), Some("20261122112828"));
        assert_eq!(stamp("20261122112828"), None);
        assert_eq!(stamp("2026112211282_a"), None);
        assert_eq!(stamp("+0261122112828_a"), None);
    }

    #[test]
    fn names_sort_as_under_locale_compare() {
        let mut names =
            ["1_b", "1_A", "1_a", "1-a", "1_B", "10_a", "1__a", "1_10", "1_9", "Z", "a"];
        names.sort_by(|a, b| locale_order(a, b));
        // As `[…].sort((a, b) => a.localeCompare(b))` under Node 20.
        let expected = ["1__a", "1_10", "1_9", "1_a", "1_A", "1_b", "1_B", "1-a", "10_a", "a", "Z"];
        assert_eq!(names, expected);
    }
}
