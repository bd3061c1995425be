//! Statements without Drizzle's breakpoint text, which says the same.
//!
//! The migrator cuts its files at that text wherever it stands, in a literal too. So what has it in a
//! literal or a name is spelled with an escape instead of one of its characters.

use raingauge_schema::drizzle::migration::BREAKPOINT;
use raingauge_schema::postgres::token::Lexer;
use raingauge_schema::script::SplitError;
use raingauge_schema::token::{Token, TokenKind};

/// The breakpoint's first two characters and the rest.
const HEAD: &str = "--";

/// The statement with every breakpoint text in it spelled otherwise.
pub(super) fn broken_up(sql: &str) -> Result<String, SplitError> {
    if !sql.contains(BREAKPOINT) {
        return Ok(sql.to_owned());
    }
    let mut lexer = Lexer::new(sql);
    let (mut result, mut end) = (String::with_capacity(sql.len() + 64), 0);
    while let Some(token) = lexer.next_token()? {
        result.push_str(sql.get(end..token.start).unwrap_or_default());
        end = token.end();
        if token.text.contains(BREAKPOINT) {
            result.push_str(&respelled(&token));
        } else {
            result.push_str(token.text);
        }
    }
    result.push_str(sql.get(end..).unwrap_or_default());
    Ok(result)
}

fn respelled(token: &Token<'_>) -> String {
    let text = token.text;
    match token.kind {
        TokenKind::Quoted if text.starts_with('"') => {
            format!("U&{}", with_escape(&text.replace('\\', "\\\\"), "\\002D"))
        }
        TokenKind::Quoted => with_escape(text, "\\002D"),
        TokenKind::Text => respelled_text(text),
        // What is left are comments, where nothing means anything.
        _ => text.replace(BREAKPOINT, "-- > statement-breakpoint"),
    }
}

fn respelled_text(text: &str) -> String {
    if text.starts_with(['e', 'E']) {
        return with_escape(text, "\\x2D");
    }
    if text.starts_with(['u', 'U']) {
        return with_escape(text, "\\002D");
    }
    let body = if text.starts_with('$') {
        let tag = text.split('$').nth(1).unwrap_or_default().len() + 2;
        text.get(tag..text.len() - tag).unwrap_or_default().replace('\'', "''")
    } else {
        // The quotes inside are doubled already.
        text.get(1..text.len() - 1).unwrap_or_default().to_owned()
    };
    with_escape(&format!("E'{}'", body.replace('\\', "\\\\")), "\\x2D")
}

/// The second hyphen of every breakpoint text as an escape.
fn with_escape(text: &str, escape: &str) -> String {
    let rest = BREAKPOINT.strip_prefix(HEAD).unwrap_or_default();
    text.replace(BREAKPOINT, &format!("-{escape}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let result = broken_up(sql).unwrap();
        assert_eq!(result, expected);
        assert!(!result.contains(BREAKPOINT));
    }

    #[test]
    fn a_breakpoint_in_a_literal_or_name_is_spelled_with_an_escape() {
        check(
            "COMMENT ON TABLE t IS 'it''s \\ --> statement-breakpoint'",
            "COMMENT ON TABLE t IS E'it''s \\\\ -\\x2D> statement-breakpoint'",
        );
        check("SELECT E'\\'--> statement-breakpoint'", "SELECT E'\\'-\\x2D> statement-breakpoint'");
        check(
            "SELECT \"a\\\"\"--> statement-breakpoint\"",
            "SELECT U&\"a\\\\\"\"-\\002D> statement-breakpoint\"",
        );
        check(
            "CREATE FUNCTION f() AS $f$ 'x' \\d --> statement-breakpoint\n$f$ LANGUAGE sql",
            "CREATE FUNCTION f() AS E' ''x'' \\\\d -\\x2D> statement-breakpoint\n' LANGUAGE sql",
        );
        check(
            "SELECT 1 --> statement-breakpoint\n + 1",
            "SELECT 1 -- > statement-breakpoint\n + 1",
        );
    }

    #[test]
    fn every_other_statement_stays_letter_for_letter() {
        check("SELECT $$-->$$, '--> statement'", "SELECT $$-->$$, '--> statement'");
    }
}
