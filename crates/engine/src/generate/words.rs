//! Names for migrations that nobody has named: two words, always the same for the same content.

use raingauge_schema::Fingerprint;

const FIRST: [&str; 32] = [
    "amber", "bright", "brisk", "calm", "clear", "cold", "cool", "crisp", "dark", "deep", "early",
    "faint", "fresh", "gentle", "gray", "green", "heavy", "high", "late", "light", "long", "low",
    "mild", "quiet", "silver", "slow", "soft", "steady", "swift", "warm", "white", "wide",
];

const SECOND: [&str; 32] = [
    "basin", "bay", "breeze", "brook", "cloud", "coast", "creek", "current", "delta", "dew",
    "estuary", "fjord", "fog", "ford", "frost", "glacier", "harbor", "lagoon", "lake", "marsh",
    "mist", "ocean", "pond", "rapids", "reef", "ripple", "river", "shore", "spring", "stream",
    "tide", "wave",
];

/// `quiet_harbor`.
pub(super) fn two_words(content: &str) -> String {
    let hash = Fingerprint::of_bytes(content.as_bytes());
    let word = |words: [&'static str; 32], from: usize| {
        let digits: String = hash.as_str().chars().skip(from).take(4).collect();
        let at = usize::from_str_radix(&digits, 16).unwrap_or_default();
        words[at % words.len()]
    };
    format!("{}_{}", word(FIRST, 0), word(SECOND, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_has_the_same_two_words() {
        assert_eq!(two_words("a"), two_words("a"));
        let different: std::collections::BTreeSet<_> =
            (0..200).map(|it| two_words(&it.to_string())).collect();
        assert!(150 < different.len(), "{}", different.len());
    }
}
