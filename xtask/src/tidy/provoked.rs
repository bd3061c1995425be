//! Every code of the manual is provoked by a test, or it is said why none can.

use std::collections::BTreeSet;

use super::Source;

/// Codes that no test can provoke, and why.
const EXCUSED: [(&str, &str); 24] = [
    ("baseline-differs", NET),
    ("baseline-dump-differs", NET),
    ("certificate-withheld", NET),
    ("diff-unproven", NET),
    ("dump-unreadable", NET),
    ("follow-up-differs", NET),
    ("seed-changes-structure", NET),
    ("snapshot-branches", NET),
    ("upgrade-differs", NET),
    ("live-changing", "a ledger that changes twenty times in a row, each time while it is read"),
    ("mysql-too-old", "no server that old runs where the tests run"),
    ("postgres-too-old", "no server that old runs where the tests run"),
    ("rows-unreadable", BREAK),
    ("scratch-broken", BREAK),
    ("seeds-unreadable", BREAK),
    (
        "snapshot-unwritable",
        "the schema's own codes come first: `bigint-default`, `enum-values`, `snapshot-clash`",
    ),
    (
        "access-method-missing",
        "a dump makes access methods itself, and one of an extension is `extension-unavailable`",
    ),
    (
        "scratch-wrong-engine",
        "the command line reads the address as the project's engine: `url-wrong-engine`",
    ),
    ("seed-replay-differs", NET),
    ("database-named", "MySQL, a program that names its own database: not provoked yet"),
    ("session-lost", "MySQL, killed behind a variable of the session: not provoked yet"),
    ("undo-failed", BREAK),
    (
        "upgrade-row",
        "what the ledger has wrong is told before: `ledger-repeated`, `ledger-unknown-row`",
    ),
    ("table-kept-whole", "the servers of the tests print nothing that is not taken apart"),
];

/// Reached only where raingauge itself has a defect.
const NET: &str = "a net under what is proven before: no database is known that falls into it";
/// Between two statements that say the same whenever they are sent.
const BREAK: &str = "a connection that breaks at one statement";

/// Codes of the manual that no test names, and excuses that nobody needs.
pub(super) fn problems(sources: &[Source], manual: &str) -> Vec<String> {
    with_excuses(sources, manual, &EXCUSED)
}

fn with_excuses(sources: &[Source], manual: &str, excused: &[(&str, &str)]) -> Vec<String> {
    let words: BTreeSet<&str> = sources.iter().flat_map(tests).flat_map(words_of).collect();
    let listed: BTreeSet<&str> = manual.lines().filter_map(code_of).collect();
    let is_excused = |code: &str| excused.iter().any(|it| it.0 == code);
    let unnamed = listed.iter().filter(|it| !words.contains(*it) && !is_excused(it)).map(|it| {
        format!(
            "`{it}` of the manual is named by no test: provoke it, or delete what nobody can meet"
        )
    });
    let needless = excused.iter().filter(|it| words.contains(it.0) || !listed.contains(it.0));
    unnamed.chain(needless.map(|it| format!("the excuse for `{}` is not needed", it.0))).collect()
}

/// The first cell of a row: `| `code` | …`.
fn code_of(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once("` |").map(|it| it.0)
}

/// The lines of tests: all of a test file, those behind the product's elsewhere.
fn tests(source: &Source) -> Vec<&str> {
    let n_product = if source.is_test() { 0 } else { source.product().count() };
    source.text.lines().skip(n_product).collect()
}

/// What is between anything that cannot be in a code.
fn words_of(line: &str) -> impl Iterator<Item = &str> {
    line.split(|it: char| !it.is_ascii_lowercase() && !it.is_ascii_digit() && it != '-')
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    const MANUAL: &str = "| code | what |\n|---|---|\n| `orphan-rows` | rows | see `other-one` |";

    #[track_caller]
    fn check(path: &str, text: &str, excused: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(with_excuses(&[source(path, text)], MANUAL, excused), expected);
    }

    const UNNAMED: &str = "`orphan-rows` of the manual is named by no test: provoke it, or delete what nobody can meet";

    #[test]
    fn a_code_of_the_manual_is_named_by_a_test() {
        check("crates/cli/tests/it/a.rs", "says(\"error[orphan-rows]\")", &[], &[]);
        check("crates/cli/tests/it/a.rs", "says(\"orphan-rows-too\")", &[], &[UNNAMED]);
    }

    #[test]
    fn the_product_does_not_provoke_itself() {
        let product = "Finding::error(\"orphan-rows\")\n";
        check("crates/engine/src/a.rs", product, &[], &[UNNAMED]);
        let tested = format!("{product}#[cfg(test)]\nmod tests {{\n\"orphan-rows\"\n}}");
        check("crates/engine/src/a.rs", &tested, &[], &[]);
    }

    #[test]
    fn an_excuse_has_to_be_needed() {
        let excuse = ("orphan-rows", "nobody has any");
        check("crates/cli/tests/it/a.rs", "", &[excuse], &[]);
        let needless = "the excuse for `orphan-rows` is not needed";
        check("crates/cli/tests/it/a.rs", "orphan-rows", &[excuse], &[needless]);
    }
}
