//! Every code that a user can meet is in the manual.

use std::collections::BTreeMap;

use super::Source;

/// What comes before a code in the sources, up to white space and the quote.
const MARKS: [&str; 4] = ["Finding::error(", "Finding::warning(", "Finding::info(", "Error::new("];
const CRATES: [&str; 2] = ["crates/engine/src/", "crates/cli/src/"];

/// Codes that are badly spelled or that the manual does not list between backticks.
pub(super) fn problems(sources: &[Source], manual: &str) -> Vec<String> {
    let in_manual = |it: &str| manual.contains(&format!("`{it}`"));
    let problem = |(code, path): (String, String)| {
        if !is_kebab(&code) {
            Some(format!("{path}: code `{code}` is not kebab-case"))
        } else if !in_manual(&code) {
            Some(format!("{path}: code `{code}` is not in docs/errors.md or docs/findings.md"))
        } else {
            None
        }
    };
    codes(sources).into_iter().filter_map(problem).collect()
}

/// Every code with the first file that has it.
fn codes(sources: &[Source]) -> BTreeMap<String, String> {
    let mut codes = BTreeMap::new();
    for source in
        sources.iter().filter(|it| CRATES.iter().any(|crate_| it.path.starts_with(crate_)))
    {
        let text = source.product().collect::<Vec<_>>().join("\n");
        for code in MARKS.iter().flat_map(|mark| after(&text, mark)) {
            codes.entry(code).or_insert_with(|| source.path.clone());
        }
    }
    codes
}

/// The string literals that follow a mark directly.
fn after(text: &str, mark: &str) -> Vec<String> {
    let rests = text.split(mark).skip(1);
    let literals = rests.filter_map(|it| it.trim_start().strip_prefix('"')?.split_once('"'));
    literals.map(|it| it.0.to_owned()).collect()
}

fn is_kebab(code: &str) -> bool {
    let is_word = |it: &str| {
        !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    code.split('-').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let manual = "| `orphan-rows` | rows that point at nothing |";
        assert_eq!(problems(&[source("crates/engine/src/check.rs", text)], manual), expected);
    }

    #[test]
    fn a_code_is_in_the_manual() {
        check("Finding::error(\"orphan-rows\", s, m)", &[]);
        let no = "crates/engine/src/check.rs: code `new-one` is not in docs/errors.md or docs/findings.md";
        check("Error::new(\n        \"new-one\",\n        m)", &[no]);
    }

    #[test]
    fn a_code_is_kebab_case() {
        let no = "crates/engine/src/check.rs: code `NewOne` is not kebab-case";
        check("Finding::info(\"NewOne\", s, m)", &[no]);
    }

    #[test]
    fn codes_of_tests_and_codes_in_variables_do_not_count() {
        check("Error::new(code, m)\n#[cfg(test)]\nmod tests { Error::new(\"made-up\", m) }", &[]);
    }
}
