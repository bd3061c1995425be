//! Whether a column that is on both sides has to change (`columnAlterStatements` of drizzle-kit 1.0).

use super::super::Column;
use crate::pair::Pair;

/// Whether the column is dropped and added again: MySQL cannot alter how a column is generated.
pub(super) fn is_recreated(columns: Pair<&Column>) -> bool {
    let is_virtual = |it: &Column| it.generated.as_ref().is_some_and(|it| it.r#type == "virtual");
    let Pair { from, to } = columns;
    from.generated != to.generated
        && ((from.generated.is_some() && to.generated.is_some())
            || is_virtual(from)
            || is_virtual(to))
}

/// Whether anything differs that makes a difference. What belongs to the primary key is never null.
pub(super) fn differs(columns: Pair<&Column>, is_in_key: bool) -> bool {
    let Pair { from, to } = columns;
    let is_numbered = to.r#type == "serial" || to.auto_increment;
    let types = from.r#type != to.r#type && !commutes(&from.r#type, &to.r#type);
    let numbers =
        from.auto_increment != to.auto_increment && !(to.auto_increment && to.r#type == "serial");
    let nulls = from.not_null != to.not_null && !(from.not_null && is_numbered) && !is_in_key;
    types
        || numbers
        || nulls
        || default_differs(from.default.as_deref(), to.default.as_deref())
        || from.generated != to.generated
        || from.on_update_now != to.on_update_now
        || from.on_update_now_fsp != to.on_update_now_fsp
        || from.char_set != to.char_set
        || from.collation != to.collation
}

fn default_differs(from: Option<&str>, to: Option<&str>) -> bool {
    let is_wrapped = |it: Option<&str>, other: Option<&str>| {
        let other = [
            other.unwrap_or("null").to_owned(),
            other.map_or("undefined".to_owned(), str::to_lowercase),
        ];
        it.is_some_and(|it| other.iter().any(|other| it == format!("({other})")))
    };
    let commute = match (from, to) {
        (Some(from), Some(to)) if !from.is_empty() && !to.is_empty() => commutes(from, to),
        _ => false,
    };
    from != to && !commute && !is_wrapped(from, to) && !is_wrapped(to, from)
}

/// Types and defaults that are one to the kit.
fn commutes(from: &str, to: &str) -> bool {
    const ALIKE: [[&str; 2]; 3] =
        [["tinyint(1)", "boolean"], ["binary(1)", "binary"], ["char(1)", "char"]];
    let is_float = |one: &str, other: &str| one.starts_with("float(") && other == "float";
    let moments = (precision(from), precision(to));
    ALIKE.iter().any(|it| it.contains(&from) && it.contains(&to))
        || matches!(moments, (Some(from), Some(to)) if from == to)
        || from.replacen(", ", ",", 1) == to.replacen(", ", ",", 1)
        || is_float(from, to)
        || is_float(to, from)
}

/// The digits of `now(3)` or `CURRENT_TIMESTAMP(3)`, which may stand in parentheses.
fn precision(text: &str) -> Option<&str> {
    let text = text.strip_prefix('(').unwrap_or(text);
    let rest = text.strip_prefix("now").or_else(|| text.strip_prefix("CURRENT_TIMESTAMP"))?;
    let (digits, rest) = match rest.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?,
        None => ("", rest),
    };
    let is_whole = digits.chars().all(|it| it.is_ascii_digit()) && ["", ")"].contains(&rest);
    is_whole.then_some(digits)
}
