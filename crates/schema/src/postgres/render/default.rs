//! Defaults as SQL. drizzle-kit 0.31 puts texts between quotes as they are, and numbers of points and lines
//! without any: what comes out so is put right here, where it can be told what was meant.

use crate::drizzle::javascript;
use crate::postgres::grammar::is_array_text;
use crate::postgres::snapshot::Column;
use crate::postgres::token::tokens;
use crate::token::{Token, TokenKind};

/// The default of a column, or nothing that can be read as one.
pub(super) fn default(it: &Column) -> String {
    let text = it.default.as_ref().map(javascript::text).unwrap_or_default();
    let base = it.r#type.split(['[', '(']).next().unwrap_or_default();
    match base {
        "point" if is_numbers(&text) => format!("'{text}'"),
        "line" if is_numbers(&text) => format!("'{{{text}}}'"),
        "json" | "jsonb" if !it.r#type.contains('[') => as_json(&with_quotes(&text, false)),
        _ => with_quotes(&text, it.r#type.contains('[')),
    }
}

/// A text that is no JSON was meant as a string of JSON.
fn as_json(text: &str) -> String {
    let inner = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    let Some(inner) = inner.map(|it| it.replace("''", "'")).filter(|_| is_literal(text)) else {
        return text.to_owned();
    };
    match serde_json::from_str::<serde_json::Value>(&inner) {
        Ok(_) => text.to_owned(),
        Err(_) => format!("'{}'", serde_json::json!(inner).to_string().replace('\'', "''")),
    }
}

fn is_literal(text: &str) -> bool {
    tokens(text).is_ok_and(|it| matches!(it.as_slice(), [it] if it.kind == TokenKind::Text))
}

fn is_numbers(text: &str) -> bool {
    let mut numbers = text.split(',');
    text.contains(',') && numbers.all(|it| it.trim().parse::<f64>().is_ok())
}

/// The text with the quotes inside of it doubled, unless it is a literal as it is.
fn with_quotes(text: &str, is_array: bool) -> String {
    let (literal, cast) = match text.rsplit_once("'::") {
        Some((literal, cast)) if cast.chars().all(|it| it.is_ascii_alphanumeric()) => {
            (format!("{literal}'"), format!("::{cast}"))
        }
        _ => (text.to_owned(), String::new()),
    };
    let inner = literal.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    let Some(inner) = inner.filter(|_| literal.len() > 1) else { return text.to_owned() };
    let elements = inner.strip_prefix("{\"").and_then(|it| it.strip_suffix("\"}"));
    if let Some(elements) = elements.filter(|_| is_array && !is_array_text(inner)) {
        return format!("'{}'{cast}", rebuilt(elements).replace('\'', "''"));
    }
    if !ends_early(&literal) {
        return text.to_owned();
    }
    format!("'{}'{cast}", inner.replace('\'', "''"))
}

/// An array whose elements were put between quotes as they are.
fn rebuilt(elements: &str) -> String {
    let escaped = |it: &str| format!("\"{}\"", it.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", elements.split("\",\"").map(escaped).collect::<Vec<_>>().join(","))
}

/// Whether a literal ends at a quote that was meant to be in it: a word follows at once.
fn ends_early(text: &str) -> bool {
    let follows = |it: &Token<'_>| matches!(it.kind, TokenKind::Word | TokenKind::Number);
    tokens(text).map_or(true, |it| match it.as_slice() {
        [first, next, ..] => next.start == first.end() && follows(next),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(sql_type: &str, given: &str, expected: &str) {
        let column = json!({
            "name": "c", "type": sql_type, "primaryKey": false, "notNull": false, "default": given,
        });
        assert_eq!(default(&serde_json::from_value(column).unwrap()), expected);
    }

    #[test]
    fn texts_that_end_too_early_are_quoted() {
        check("jsonb", r#"'{"a":"it's"}'::jsonb"#, r#"'{"a":"it''s"}'::jsonb"#);
        check("jsonb", "'text'", "'\"text\"'");
        check("jsonb", "'it''s'", "'\"it''s\"'");
        check("jsonb", "'[1]'", "'[1]'");
        check("text[]", r#"'{"b'c","d"e","f\g",""}'"#, r#"'{"b''c","d\"e","f\\g",""}'"#);
        check("point", "1,2", "'1,2'");
        check("line", "1,2,3", "'{1,2,3}'");
    }

    #[test]
    fn what_is_sql_stays() {
        for text in ["'it''s'", "now()", "'{\"a\"}'", "'a' || 'b'", "''", "1", "E'\\''"] {
            check("text", text, text);
        }
        check("jsonb", "'{\"a\": \"it''s\"}'::jsonb", "'{\"a\": \"it''s\"}'::jsonb");
        check("text[]", r#"'{"a","b"}'"#, r#"'{"a","b"}'"#);
    }
}
