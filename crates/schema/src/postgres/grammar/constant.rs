//! Constant expressions by value: `0` and `'0'::numeric`, `now()` and `CURRENT_TIMESTAMP`.

use crate::pair::Pair;

/// Whether two defaults of a column of this type are constants of one value. No default and `NULL` are
/// one value too.
pub(super) fn equal(column_type: &str, values: Pair<Option<&str>>) -> bool {
    let read = |text: Option<&str>| text.map_or(Some(Constant::Null), constant);
    match (read(values.from), read(values.to)) {
        (Some(from), Some(to)) => from.of_type(column_type) == to.of_type(column_type),
        _ => false,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Constant {
    Null,
    /// The time at which the transaction began, under whichever name.
    Now,
    /// The characters of a literal, without quotes and casts.
    Literal(String),
}

impl Constant {
    /// The literal in the one spelling that its type gives it.
    fn of_type(self, column_type: &str) -> Self {
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

/// The constant that an expression is, `None` if it is not one, or if a cast may change its value.
fn constant(expression: &str) -> Option<Constant> {
    let text = without_parentheses(expression.trim());
    if matches!(text, "now()" | "CURRENT_TIMESTAMP" | "transaction_timestamp()") {
        return Some(Constant::Now);
    }
    if text == "NULL" {
        return Some(Constant::Null);
    }
    if let Some((inner, cast)) = split_cast(text) {
        return constant(inner).filter(|it| is_type(cast) && keeps_value(it, cast));
    }
    let is_word = matches!(text, "true" | "false") || decimal(text).is_some();
    if is_word { Some(Constant::Literal(text.to_owned())) } else { quoted(text) }
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
    let Constant::Literal(text) = constant else { return *constant == Constant::Null };
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

/// How deep in parentheses each byte is; far down inside literals, so that nothing there counts.
fn depths(text: &str) -> Vec<i32> {
    const INSIDE_LITERAL: i32 = 1 << 20;
    let (mut depth, mut quote) = (0, None);
    let mut depths = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => depth -= 1,
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
            equal(column_type, Pair { from: some(from), to: some(to) }),
            expected,
            "{from} ~ {to}"
        );
        assert_eq!(
            equal(column_type, Pair { from: some(to), to: some(from) }),
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
        check("timestamp(3) with time zone", "CURRENT_TIMESTAMP(3)", "CURRENT_TIMESTAMP", false);
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
