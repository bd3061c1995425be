//! Whether a body runs text that it puts together itself, so that nobody can tell how far it reaches.
//!
//! `EXECUTE format('ALTER TABLE %I …')` begins with words that say what it is; `EXECUTE command` and
//! `EXECUTE 'ALTER ' || what` do not.

use raingauge_schema::postgres::token::{literal, tokens};
use raingauge_schema::token::Token;

/// Statements that stay in their database whatever follows these words.
const INSIDE: [&[&str]; 36] = [
    &["insert", "into"],
    &["update"],
    &["delete", "from"],
    &["select"],
    &["with"],
    &["truncate"],
    &["analyze"],
    &["lock", "table"],
    &["refresh", "materialized"],
    &["set"],
    &["create", "table"],
    &["create", "temp"],
    &["create", "temporary"],
    &["create", "unlogged"],
    &["create", "index"],
    &["create", "unique"],
    &["create", "view"],
    &["create", "materialized"],
    &["create", "or", "replace", "view"],
    &["create", "trigger"],
    &["create", "schema"],
    &["create", "type"],
    &["create", "domain"],
    &["create", "sequence"],
    &["create", "policy"],
    &["alter", "table"],
    &["alter", "index"],
    &["alter", "view"],
    &["alter", "type"],
    &["alter", "sequence"],
    &["alter", "schema"],
    &["drop", "table"],
    &["drop", "index"],
    &["drop", "trigger"],
    &["drop", "policy"],
    &["drop", "view"],
];

/// Whether one of a body's `EXECUTE` runs something whose first words do not stand there.
pub(super) fn is_opaque(body: &[Token<'_>]) -> bool {
    let is_execute = |at: usize| {
        body[at].is_word("execute")
            && !body.get(at + 1).is_some_and(|it| {
                ["function", "procedure", "on"].iter().any(|word| it.is_word(word))
            })
    };
    (0..body.len()).filter(|at| is_execute(*at)).any(|at| {
        let rest = &body[at + 1..];
        let end = rest.iter().position(|it| it.is_symbol(';')).unwrap_or(rest.len());
        !is_evident(&rest[..end])
    })
}

/// Whether the text begins with the words of a statement that stays inside, and is one statement.
fn is_evident(operand: &[Token<'_>]) -> bool {
    let is_wrapping = |it: &&Token<'_>| it.is_symbol('(') || it.is_word("format");
    let Some(first) = operand.iter().find(|it| !is_wrapping(it)).and_then(literal) else {
        return false;
    };
    let is_one = |it: String| !it.trim().trim_end_matches(';').contains(';');
    starts_inside(&first) && operand.iter().filter_map(literal).all(is_one)
}

fn starts_inside(text: &str) -> bool {
    // The last word may go on in the next part of the text.
    let ends_a_word = text.ends_with(|it: char| !it.is_alphanumeric() && it != '_');
    let Ok(words) = tokens(text) else { return false };
    let is =
        |it: &[&str]| it.len() <= words.len() && it.iter().zip(&words).all(|(a, b)| b.is_word(a));
    let known = INSIDE.iter().find(|it| is(it));
    let is_whole = |n: usize| n < words.len() || ends_a_word;
    known.map_or_else(|| is_grant_on(&words), |it| is_whole(it.len()))
}

/// `GRANT … ON` and what it is on; membership has no `ON`, and the caller looks for databases.
fn is_grant_on(words: &[Token<'_>]) -> bool {
    let is_grant = words
        .first()
        .is_some_and(|it| ["grant", "revoke", "comment"].iter().any(|word| it.is_word(word)));
    let on = words.iter().position(|it| it.is_word("on"));
    is_grant && on.is_some_and(|at| at + 2 < words.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, opaque: bool) {
        assert_eq!(is_opaque(&tokens(body).unwrap()), opaque, "{body}");
    }

    #[test]
    fn a_statement_that_says_what_it_is_is_not_opaque() {
        check("BEGIN EXECUTE 'CREATE TABLE t (a int)'; END", false);
        check(
            "BEGIN EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY;', name); END",
            false,
        );
        check("BEGIN EXECUTE 'DROP TABLE ' || quote_ident(name) || ' CASCADE'; END", false);
        check("BEGIN EXECUTE 'SELECT count(*) FROM ' || t INTO n USING x; END", false);
        check("BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO app', s); END", false);
        check("CREATE TRIGGER x EXECUTE FUNCTION f(); GRANT EXECUTE ON FUNCTION f TO app", false);
    }

    #[test]
    fn a_statement_whose_words_are_put_together_is_opaque() {
        check("BEGIN EXECUTE command; END", true);
        check("BEGIN EXECUTE 'ALTER ' || what || name; END", true);
        check("BEGIN EXECUTE 'CREATE TABLE' || 'SPACE x'; END", true);
        check("BEGIN EXECUTE format('%s ROLE x', verb); END", true);
        check("BEGIN EXECUTE 'SELECT 1; ALTER ' || what; END", true);
        check("BEGIN EXECUTE 'GRANT ' || a || ' TO ' || b; END", true);
        check("BEGIN EXECUTE 'GRANT ALL ON ' || kind || ' x TO y'; END", true);
    }
}
