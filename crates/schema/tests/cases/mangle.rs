//! Spoilt files: something that was valid once, cut, doubled, mixed with words that matter to its reader.
//! Also used by the fuzz target of `raingauge-tsload`.

use std::time::{Duration, Instant};

use arbtest::arbitrary::{Result, Unstructured};

/// How often a word may be repeated: enough to make a reader that calls itself run out of stack.
const REPEATS: [usize; 5] = [1, 2, 10, 1000, 20_000];

/// Longer than any file of this size may take, on a machine that has other work.
const HANG: Duration = Duration::from_secs(10);

/// How long a target runs: a moment by default, a minute with `RAINGAUGE_FULL`.
pub(crate) fn budget() -> Duration {
    let is_full = std::env::var_os("RAINGAUGE_FULL").is_some();
    if is_full { Duration::from_secs(60) } else { Duration::from_millis(1500) }
}

/// One of the seeds, or nothing, after a few accidents.
pub(crate) fn mangled(
    u: &mut Unstructured<'_>,
    seeds: &[String],
    words: &[&str],
) -> Result<String> {
    let seed = if u.ratio(1, 10)? { "" } else { u.choose(seeds)?.as_str() };
    let mut text: Vec<char> = seed.chars().collect();
    for _ in 0..u.int_in_range(0..=6)? {
        accident(u, &mut text, words)?;
    }
    Ok(text.into_iter().collect())
}

fn accident(u: &mut Unstructured<'_>, text: &mut Vec<char>, words: &[&str]) -> Result<()> {
    let from = u.int_in_range(0..=text.len())?;
    let to = (from + u.int_in_range(0..=40)?).min(text.len());
    match u.int_in_range(0..=4)? {
        0 => drop(text.drain(from..to)),
        1 => text.truncate(from),
        2 => {
            let again: Vec<_> = text[from..to].to_vec();
            text.splice(from..from, again);
        }
        3 => {
            let word = u.choose(words)?.repeat(*u.choose(&REPEATS)?);
            text.splice(from..to, word.chars());
        }
        _ => text.splice(from..to, u.arbitrary::<char>()).for_each(drop),
    }
    Ok(())
}

/// Gives a reader the text; it may refuse it, but neither panic nor hang.
pub(crate) fn within_time<T>(text: &str, read: impl FnOnce(&str) -> T) -> T {
    let begun = Instant::now();
    let answer = read(text);
    assert!(begun.elapsed() < HANG, "it took {:?}", begun.elapsed());
    answer
}
