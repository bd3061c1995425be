//! psql's variables: `:name`, `:'name'`, `:"name"` and `:{?name}`, in SQL and in arguments.

use std::collections::BTreeMap;

use raingauge_schema::postgres::token::Lexer;
use raingauge_schema::token::{Token, TokenKind};

/// psql's variables and their values.
pub(super) type Variables = BTreeMap<String, String>;

/// Puts the values of variables into SQL, where psql does: not in literals, quoted names, comments
/// and casts. Names without a value stay as they are.
pub(super) fn substitute(sql: &str, variables: &Variables) -> String {
    /// Values may name variables; psql refuses to go round in circles, this gives up.
    const DEPTH: usize = 8;
    let mut text = sql.to_owned();
    for _ in 0..DEPTH {
        let next = substitute_once(&text, variables);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn substitute_once(sql: &str, variables: &Variables) -> String {
    let tokens = all_tokens(sql);
    let (mut result, mut copied) = (String::new(), 0);
    let mut index = 0;
    while index < tokens.len() {
        let before_is_colon = index
            .checked_sub(1)
            .is_some_and(|it| tokens[it].is_symbol(':') && tokens[it].end() == tokens[index].start);
        let starts = tokens[index].is_symbol(':') && !before_is_colon;
        match starts
            .then(|| reference(&tokens[index + 1..], tokens[index].end(), variables))
            .flatten()
        {
            Some((value, end)) => {
                result.push_str(sql.get(copied..tokens[index].start).unwrap_or_default());
                result.push_str(&value);
                copied = end;
                index += tokens[index..].iter().take_while(|it| it.start < end).count();
            }
            None => index += 1,
        }
    }
    result.push_str(sql.get(copied..).unwrap_or_default());
    result
}

/// What does not end is not for here to report.
fn all_tokens(sql: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer::new(sql);
    std::iter::from_fn(|| lexer.next_token().ok().flatten()).collect()
}

/// The value of the reference whose colon ended at `at`, and where the reference ends.
fn reference(tokens: &[Token<'_>], at: usize, variables: &Variables) -> Option<(String, usize)> {
    let next = tokens.first().filter(|it| it.start == at)?;
    match next.kind {
        TokenKind::Word | TokenKind::Number => {
            let name: String = next.text.chars().take_while(|it| is_name(*it)).collect();
            Some((variables.get(&name)?.clone(), at + name.len()))
        }
        TokenKind::Text => {
            let name = next.text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some((quoted_literal(variables.get(name)?), next.end()))
        }
        TokenKind::Quoted => {
            let name = next.text.strip_prefix('"')?.strip_suffix('"')?;
            Some((quoted_name(variables.get(name)?), next.end()))
        }
        TokenKind::Symbol if next.text == "{" => is_set(tokens, variables),
        TokenKind::Symbol | TokenKind::Comment => None,
    }
}

fn is_set(tokens: &[Token<'_>], variables: &Variables) -> Option<(String, usize)> {
    let [_, question, name, close, ..] = tokens else { return None };
    let value = if variables.contains_key(name.text) { "TRUE" } else { "FALSE" };
    let whole = question.is_symbol('?') && close.is_symbol('}');
    whole.then(|| (value.to_owned(), close.end()))
}

fn is_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_' || !it.is_ascii()
}

fn quoted_literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if value.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

fn quoted_name(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// One argument of a command, and whether a shell would have to run for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) value: String,
    /// What stood in backquotes, which is never run.
    pub(super) shell: Option<String>,
}

/// Cuts the text after a command's name into arguments, as psql does.
pub(super) fn arguments(text: &str, variables: &Variables) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (argument, after) = argument(rest, variables);
        arguments.push(argument);
        rest = after.trim_start();
    }
    arguments
}

fn argument<'a>(text: &'a str, variables: &Variables) -> (Argument, &'a str) {
    let mut argument = Argument::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next().filter(|it| !it.is_whitespace()) {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            '\'' => single_quoted(after, &mut argument.value),
            '"' => {
                let (inside, after) = after.split_once('"').unwrap_or((after, ""));
                argument.value.extend(["\"", inside, "\""]);
                after
            }
            '`' => {
                let (inside, after) = after.split_once('`').unwrap_or((after, ""));
                argument.shell = Some(inside.to_owned());
                after
            }
            ':' => {
                let end = after.find(|it: char| it.is_whitespace()).unwrap_or(after.len());
                let word = rest.get(..=end).unwrap_or(rest);
                let value = substitute(word, variables);
                let known = value != word;
                argument.value.push_str(if known { &value } else { ":" });
                if known { rest.get(word.len()..).unwrap_or_default() } else { after }
            }
            other => {
                argument.value.push(other);
                after
            }
        };
    }
    (argument, rest)
}

fn single_quoted<'a>(text: &'a str, value: &mut String) -> &'a str {
    let mut chars = text.chars();
    while let Some(it) = chars.next() {
        match it {
            '\'' if chars.as_str().starts_with('\'') => {
                chars.next();
                value.push('\'');
            }
            '\'' => break,
            '\\' => value.extend(chars.next().map(|it| match it {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            })),
            other => value.push(other),
        }
    }
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        [
            ("a", "x"),
            ("b", "it's"),
            ("c", "a\\b"),
            ("n", "\"q\""),
            ("again", ":a"),
            ("loop", ":loop "),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(substitute(sql, &variables()), expected);
    }

    #[test]
    fn variables_are_put_in_where_psql_puts_them_in() {
        check(
            "select :a, :'b', :\"n\", :'c', :again from :a.t",
            "select x, 'it''s', \"\"\"q\"\"\",  E'a\\\\b', x from x.t",
        );
        check("select :{?a}, :{?z}, :a$1", "select TRUE, FALSE, x$1");
    }

    #[test]
    fn literals_casts_slices_and_unknown_names_stay() {
        for sql in [
            "select ':a', \":a\", $$:a$$ -- :a",
            "select 1::a, v[1:2], v[:z], b := 2, :'z', :\"z\"",
            "/* :a */ select E'\\':a'",
        ] {
            check(sql, sql);
        }
    }

    #[test]
    fn arguments_are_cut_as_psql_cuts_them() {
        let found = arguments("app 'a b''c\\n' :a pre:'b' \"Q q\" `date` :z/x", &variables());
        let values: Vec<_> = found.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["app", "a b'c\n", "x", "pre'it''s'", "\"Q q\"", "", ":z/x"]);
        assert_eq!(found[5].shell.as_deref(), Some("date"));
    }
}
