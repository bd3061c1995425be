//! Constant expressions by value: `0` and `'0'::numeric`, `ARRAY[1, 2]` and `'{1,2}'::integer[]`,
//! `now()` and `CURRENT_TIMESTAMP`.

use super::array;
use super::moment::{Moment, moment};
use crate::pair::Pair;

/// Why two defaults of a column of this type are constants of one value, `None` if they are not. No
/// default and `NULL` are one value too.
pub(super) fn equal(column_type: &str, values: Pair<Option<&str>>) -> Option<&'static str> {
    let read = |text: Option<&str>| match text {
        None => Some(Constant::Null),
        Some(text) => transaction_start(text, column_type).or_else(|| constant(text)),
    };
    let (from, to) =
        (read(values.from)?.of_type(column_type), read(values.to)?.of_type(column_type));
    (from == to).then_some(match from {
        Constant::Null => "`NULL` is what a column without a default gets",
        Constant::Start(_) => "both are the moment at which the transaction began",
        Constant::Literal(_) | Constant::List(_) => "one value, spelled in two ways",
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    Null,
    /// The time at which the transaction began, under whichever name.
    Start(Moment),
    /// The characters of a literal, without quotes and casts.
    Literal(String),
    List(Vec<Self>),
}

impl Constant {
    /// The literal in the one spelling that its type gives it.
    fn of_type(self, column_type: &str) -> Self {
        if let Some(element) = column_type.strip_suffix("[]") {
            let elements = match self {
                Self::List(it) => it,
                Self::Literal(text) => match array::read(&text) {
                    Some(elements) => elements,
                    None => return Self::Literal(text),
                },
                Self::Null | Self::Start(_) => return self,
            };
            // `text[]` is the type of arrays of any depth.
            let inner = |it: Self| {
                let is_array = matches!(it, Self::List(_));
                it.of_type(if is_array { column_type } else { element })
            };
            return Self::List(elements.into_iter().map(inner).collect());
        }
        let Self::Literal(text) = self else { return self };
        let name = column_type.split('(').next().unwrap_or_default();
        let canonical = match name {
            "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => {
                decimal(&text)
            }
            "boolean" => truth(&text),
            _ => None,
        };
        Self::Literal(canonical.unwrap_or(text))
    }
}

/// The beginning of the transaction, as a column of this type stores it. A cast to the column's own
/// type changes nothing.
fn transaction_start(expression: &str, column_type: &str) -> Option<Constant> {
    let text = without_parentheses(expression.trim());
    let bare = match split_cast(text) {
        Some((inner, cast)) if cast == column_type => without_parentheses(inner.trim()),
        Some(_) => return None,
        None => text,
    };
    moment(bare, column_type).map(Constant::Start)
}

/// The constant that an expression is, `None` if it is not one, or if a cast may change its value.
fn constant(expression: &str) -> Option<Constant> {
    let text = without_parentheses(expression.trim());
    if text == "NULL" {
        return Some(Constant::Null);
    }
    if let Some((inner, cast)) = split_cast(text) {
        return constant(inner).filter(|it| is_type(cast) && keeps_value(it, cast));
    }
    if let Some(inner) = text.strip_prefix("ARRAY[").and_then(|it| it.strip_suffix(']')) {
        return elements(inner)?
            .into_iter()
            .map(constant)
            .collect::<Option<_>>()
            .map(Constant::List);
    }
    let is_word = matches!(text, "true" | "false") || decimal(text).is_some();
    if is_word { Some(Constant::Literal(text.to_owned())) } else { quoted(text) }
}

/// The elements between the brackets of `ARRAY[…]`.
fn elements(inner: &str) -> Option<Vec<&str>> {
    let depths = depths(inner);
    if inner.trim().is_empty() || depths.iter().any(|it| *it < 0) {
        return inner.trim().is_empty().then(Vec::new);
    }
    let mut elements = Vec::new();
    let mut start = 0;
    for (at, _) in inner.match_indices(',').filter(|it| depths[it.0] == 0) {
        elements.push(inner.get(start..at)?);
        start = at + 1;
    }
    elements.push(inner.get(start..)?);
    Some(elements)
}

/// Whether a text is a type's name and not the rest of a longer expression.
fn is_type(text: &str) -> bool {
    const LONG: [&str; 4] = ["double precision", "character varying", "bit varying", "time"];
    let has_long_name = LONG.iter().any(|it| text.starts_with(it));
    let is_allowed = |it: char| it.is_alphanumeric() || "_\".,()[]".contains(it);
    text.chars().all(|it| is_allowed(it) || it == ' ' && has_long_name)
}

/// Whether a cast leaves the characters of a constant alone.
fn keeps_value(constant: &Constant, cast: &str) -> bool {
    let text = match constant {
        Constant::Null => return true,
        Constant::Start(_) => return false,
        Constant::List(elements) => {
            let element = cast.strip_suffix("[]");
            return element.is_some_and(|cast| elements.iter().all(|it| keeps_value(it, cast)));
        }
        Constant::Literal(text) => text,
    };
    // Its elements would have to be looked at one by one.
    if cast.ends_with("[]") && cast.contains('(') {
        return false;
    }
    let (name, size) = cast.split_once('(').unwrap_or((cast, ""));
    // These words are a moment that depends on when they are cast.
    if matches!(text.as_str(), "now" | "today" | "tomorrow" | "yesterday") {
        return false;
    }
    match name {
        "numeric" => fits(text, size),
        "\"char\"" | "name" | "character" | "bpchar" | "bit" | "bit varying" | "money" => false,
        _ => size.is_empty() && !name.starts_with("reg"),
    }
}

/// Whether `numeric(precision,scale)` keeps all decimals of a number.
fn fits(text: &str, size: &str) -> bool {
    let scale = size.trim_end_matches(')').split(',').nth(1).unwrap_or("0");
    let n_decimals = decimal(text).and_then(|it| Some(it.split_once('.')?.1.len())).unwrap_or(0);
    size.is_empty() || scale.trim().parse().is_ok_and(|it: usize| n_decimals <= it)
}

/// `(…)` without its parentheses, as often as they enclose the whole.
fn without_parentheses(text: &str) -> &str {
    let inner = text.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    match inner {
        Some(inner) if depths(inner).iter().all(|it| *it >= 0) => without_parentheses(inner.trim()),
        _ => text,
    }
}

/// `inner::type`, at the last `::` that stands outside literals and parentheses.
fn split_cast(text: &str) -> Option<(&str, &str)> {
    let depths = depths(text);
    let at = text.match_indices("::").map(|it| it.0).filter(|at| depths[*at] == 0).last()?;
    Some((text.get(..at)?, text.get(at + 2..)?.trim()))
}

/// How deep in parentheses and brackets each byte is; far down inside literals, so that nothing there counts.
fn depths(text: &str) -> Vec<i32> {
    const INSIDE_LITERAL: i32 = 1 << 20;
    let (mut depth, mut quote) = (0, None);
    let mut depths = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth -= 1,
            (None, _) => {}
        }
        depths.push(if quote.is_some() { INSIDE_LITERAL } else { depth });
    }
    depths
}

/// The characters of a literal in single quotes.
fn quoted(text: &str) -> Option<Constant> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let undoubled = inner.replace("''", "\u{0}");
    (!undoubled.contains('\'')).then(|| Constant::Literal(undoubled.replace('\u{0}', "'")))
}

/// A decimal number without superfluous zeros, `None` for anything else.
fn decimal(text: &str) -> Option<String> {
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(digits) => ("-", digits.trim()),
        None => ("", text.trim()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    Some(match (whole, fraction) {
        ("", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        ("", fraction) => format!("{sign}0.{fraction}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

/// What PostgreSQL takes for a truth value, as it prints it.
fn truth(text: &str) -> Option<String> {
    let word = match text.trim().to_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => "true",
        "f" | "false" | "n" | "no" | "off" | "0" => "false",
        _ => return None,
    };
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(column_type: &str, from: &str, to: &str, expected: bool) {
        let some = |it| (it != "-").then_some(it);
        assert_eq!(
            equal(column_type, Pair { from: some(from), to: some(to) }).is_some(),
            expected,
            "{from} ~ {to}"
        );
        assert_eq!(
            equal(column_type, Pair { from: some(to), to: some(from) }).is_some(),
            expected,
            "{to} ~ {from}"
        );
    }

    #[test]
    fn numbers_are_compared_by_value() {
        check("numeric(10,2)", "0", "'0'::numeric", true);
        check("numeric(10,2)", "0", "0.00", true);
        check("integer", "'-1'::integer", "(-1)", true);
        check("numeric", "(0)::numeric(10,2)", "0", true);
        check("numeric", "0.005::numeric(10,2)", "0.005", false);
        check("integer", "1", "2", false);
        check("text", "'0'::text", "'0.0'::text", false);
    }

    #[test]
    fn casts_to_another_type_of_text_do_not_matter() {
        check("character varying(20)", "'x'::text", "'x'::character varying", true);
        check("text", "'it''s'::text", "'it''s'::character varying", true);
        check("text", "'x'::text", "'X'::text", false);
        check("text", "'a)::b'::text", "'a)::b'", true);
        check("app.mood", "'ok'::app.mood", "'ok'::text::app.mood", true);
    }

    #[test]
    fn a_cast_that_may_change_the_value_matters() {
        check("text", "'abc'::character varying(2)", "'abc'::text", false);
        check("character(3)", "'a'::bpchar", "'a'::text", false);
        check(
            "timestamp without time zone",
            "'now'::text",
            "'now'::timestamp without time zone",
            false,
        );
    }

    #[test]
    fn the_current_time_has_several_names() {
        check("timestamp with time zone", "now()", "CURRENT_TIMESTAMP", true);
        check("timestamp with time zone", "now()", "clock_timestamp()", false);
        check("timestamp(3) with time zone", "CURRENT_TIMESTAMP(3)", "CURRENT_TIMESTAMP", true);
        check("timestamp(2) with time zone", "CURRENT_TIMESTAMP(3)", "CURRENT_TIMESTAMP", false);
        check("timestamp with time zone", "now()", "statement_timestamp()", false);
        check("date", "(now())::date", "CURRENT_DATE", true);
        check("timestamp without time zone", "(now())::date", "now()", false);
    }

    #[test]
    fn arrays_are_compared_element_by_element() {
        check("integer[]", "ARRAY[1, 2]", "'{1,2}'::integer[]", true);
        check("integer[]", "ARRAY[1, 2]", "'{2,1}'::integer[]", false);
        check("text[]", "ARRAY[]::text[]", "'{}'::text[]", true);
        check("text[]", "ARRAY['a,b'::text, NULL::text]", "'{\"a,b\",NULL}'::text[]", true);
        check("text[]", "ARRAY['NULL'::text]", "'{NULL}'::text[]", false);
        check("text[]", "(ARRAY['a'::character varying])::text[]", "'{a}'::text[]", true);
        check("numeric(10,2)[]", "ARRAY[1.50]", "'{1.5}'::numeric[]", true);
        check("numeric(10,2)[]", "'{0.005}'::numeric(10,2)[]", "'{0.005}'::numeric[]", false);
        check("integer[]", "ARRAY[ARRAY[1, 2], ARRAY[3, 4]]", "'{{1,2},{3,4}}'::integer[]", true);
        check("integer[]", "ARRAY[1] || ARRAY[2]", "'{1,2}'::integer[]", false);
        check("text", "'{a}'::text", "'{\"a\"}'::text", false);
    }

    #[test]
    fn no_default_is_null() {
        check("text", "NULL::character varying", "-", true);
        check("text", "''::text", "-", false);
        check("integer", "lower('x')", "-", false);
    }

    #[test]
    fn truth_has_several_spellings() {
        check("boolean", "'t'::boolean", "true", true);
        check("boolean", "false", "true", false);
    }

    #[test]
    fn what_is_computed_is_no_constant() {
        check("integer", "(1 + 1)", "2", false);
        check("integer", "(1) + (1)", "2", false);
        check("text", "'a' || 'b'", "'ab'", false);
        check("text", "'a'::text || 'b'::text", "'a'::text || 'b'::text::text", false);
    }
}
