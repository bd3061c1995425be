//! Every code that a user can meet is in the manual.

use std::collections::BTreeMap;

use super::Source;

/// What comes before a code in the sources, up to white space and the quote.
const MARKS: [&str; 5] =
    ["Finding::error(", "Finding::warning(", "Finding::info(", "Error::new(", "Error::refusal("];

/// Names of local shorthands, after which a literal is a code only if it looks like one.
const SHORTHANDS: [&str; 4] = [" error(", " failed(", " refusal(", " finding("];

/// Where an error type lists its codes, one `=> "code"` per variant.
const LISTS: [&str; 2] = ["fn code(&self) -> &'static str {", "fn code(self) -> &'static str {"];

const CRATES: [&str; 4] =
    ["crates/cli/src/", "crates/engine/src/", "crates/schema/src/", "crates/tsload/src/"];

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
    let counts =
        |it: &&Source| !it.is_test() && CRATES.iter().any(|folder| it.path.starts_with(folder));
    for source in sources.iter().filter(counts) {
        let text = source.product().collect::<Vec<_>>().join("\n");
        for code in codes_of(&text) {
            codes.entry(code).or_insert_with(|| source.path.clone());
        }
    }
    codes
}

fn codes_of(text: &str) -> Vec<String> {
    let marked = MARKS.iter().flat_map(|it| after(text, it));
    let looks_like_one = |it: &String| it.contains('-') && is_kebab(it);
    let short = SHORTHANDS.iter().flat_map(|it| after(text, it)).filter(looks_like_one);
    let bodies = LISTS.iter().flat_map(|it| text.split(it).skip(1));
    let bodies = bodies.filter_map(|it| Some(it.split_once("\n    }")?.0));
    let listed = bodies.flat_map(|it| after(it, "=>"));
    marked.chain(short).chain(listed).collect()
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
    fn a_code_in_the_list_of_an_error_type_counts() {
        let list = "    pub fn code(&self) -> &'static str {\n        match self {\n            \
                    Self::A => \"not-there\",\n        }\n    }\n    fn f() { g(|it| => \"x-y\") }";
        let no = "crates/engine/src/check.rs: code `not-there` is not in docs/errors.md or docs/findings.md";
        check(list, &[no]);
    }

    #[test]
    fn a_shorthand_counts_if_what_follows_looks_like_a_code() {
        check("it.ok_or_else(|| failed(\"some sentence\"))", &[]);
        let no = "crates/engine/src/check.rs: code `not-there` is not in docs/errors.md or docs/findings.md";
        check("it.ok_or_else(|| failed(\"not-there\"))", &[no]);
    }

    #[test]
    fn codes_of_tests_and_codes_in_variables_do_not_count() {
        check("Error::new(code, m)\n#[cfg(test)]\nmod tests { Error::new(\"made-up\", m) }", &[]);
    }
}
