//! The text form of an array: `{1,NULL,"a b",{2,3}}`.
//!
//! See <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>.

use std::iter::Peekable;
use std::str::Chars;

use super::constant::Constant;

/// The elements of an array, `None` if the text is none, or gives its bounds.
pub(super) fn read(text: &str) -> Option<Vec<Constant>> {
    let mut letters = text.trim().chars().peekable();
    let elements = list(&mut letters)?;
    letters.next().is_none().then_some(elements)
}

fn list(letters: &mut Peekable<Chars<'_>>) -> Option<Vec<Constant>> {
    letters.next_if_eq(&'{')?;
    let mut elements = Vec::new();
    if letters.next_if_eq(&'}').is_some() {
        return Some(elements);
    }
    loop {
        elements.push(element(letters)?);
        match letters.next()? {
            ',' => {}
            '}' => return Some(elements),
            _ => return None,
        }
    }
}

fn element(letters: &mut Peekable<Chars<'_>>) -> Option<Constant> {
    if letters.peek() == Some(&'{') {
        return list(letters).map(Constant::List);
    }
    let is_quoted = letters.next_if_eq(&'"').is_some();
    let mut text = String::new();
    loop {
        match letters.peek()? {
            '"' if is_quoted => break,
            ',' | '}' if !is_quoted => break,
            '"' | '{' if !is_quoted => return None,
            _ => {}
        }
        let letter = letters.next()?;
        text.push(if letter == '\\' { letters.next()? } else { letter });
    }
    if is_quoted {
        letters.next();
        return Some(Constant::Literal(text));
    }
    let text = text.trim();
    let is_null = text.eq_ignore_ascii_case("null");
    Some(if is_null { Constant::Null } else { Constant::Literal(text.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(format!("{:?}", read(text)), expected);
    }

    #[test]
    fn elements_are_told_from_their_quotes() {
        check(
            r#"{a,"b \"c\",}",NULL,"NULL"}"#,
            r#"Some([Literal("a"), Literal("b \"c\",}"), Null, Literal("NULL")])"#,
        );
        check("{}", "Some([])");
        check("{{1},{2}}", r#"Some([List([Literal("1")]), List([Literal("2")])])"#);
    }

    #[test]
    fn what_is_no_array_is_none() {
        for text in ["", "a", "{a", "{a}b", "[0:1]={1,2}", r#"{a"b"}"#] {
            check(text, "None");
        }
    }
}
