//! Defaults as drizzle-kit 1.0 encodes them (`defaultFromColumn`, `src/dialects/postgres/grammar.ts`).

use serde_json::Value;

use super::super::schema::{Column, DefaultValue};
use super::encode::element_type;
use crate::drizzle::javascript::{self, wrapped};

/// The default as SQL, without casts.
pub(super) fn encode(column: &Column) -> Option<String> {
    let default = column.default.as_ref()?;
    if let DefaultValue::Sql(sql) = default {
        return Some(without_casts(sql));
    }
    let (element, dimensions) = element_type(&column.sql_type);
    let form = if column.type_schema.is_some() { Form::Enum } else { Form::of(&element) };
    match default {
        DefaultValue::Json(Value::Array(items)) if dimensions > 0 => {
            Some(form.array(items, &element, dimensions))
        }
        DefaultValue::Json(value) => Some(form.single(value, &element)),
        DefaultValue::Date(iso) => Some(form.date(iso)),
        DefaultValue::Text(text) | DefaultValue::BigInt(text) if form == Form::Plain => {
            Some(text.clone())
        }
        DefaultValue::BigInt(text) if form == Form::Json => Some(format!("'{text}'")),
        DefaultValue::BigInt(text) | DefaultValue::Text(text) | DefaultValue::Sql(text) => {
            Some(form.single(&Value::String(text.clone()), &element))
        }
        DefaultValue::Bytes(hex) => Some(String::from_utf8_lossy(&javascript::bytes(hex)).into()),
    }
}

/// Removes what casts an expression at its end, as the kit's pattern finds it.
pub(super) fn without_casts(sql: &str) -> String {
    let sql = sql.strip_suffix("[]").unwrap_or(sql);
    let start = sql.match_indices("::").map(|it| it.0).find(|it| {
        let rest = sql.get(*it..).unwrap_or_default();
        is_casts(rest)
    });
    start.and_then(|it| sql.get(..it)).unwrap_or(sql).to_owned()
}

/// Whether the text is `::type` one or more times.
fn is_casts(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("::") else { return false };
    let is_part = |it: char| {
        it.is_ascii_alphanumeric() || matches!(it, '_' | '"' | '.' | '-') || it.is_whitespace()
    };
    let after = rest.trim_start_matches(is_part);
    if after.len() == rest.len() {
        return false;
    }
    let after = match after.strip_prefix('(') {
        Some(inside) => {
            let Some((_, rest)) = inside.split_once(')') else { return false };
            zone_cut(rest)
        }
        None => after,
    };
    let after = after.strip_prefix("[]").unwrap_or(after);
    after.is_empty() || is_casts(after)
}

/// The text without ` with time zone` before it.
fn zone_cut(text: &str) -> &str {
    let zones = [" with time zone", " without time zone"];
    zones.iter().find_map(|it| text.strip_prefix(it)).unwrap_or(text)
}

/// How literals of a type are spelled.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// As JavaScript prints them.
    Plain,
    Boolean,
    /// In quotes, nothing escaped.
    Quoted,
    /// In quotes, elements of arrays in double quotes.
    Interval,
    Text,
    Enum,
    Json,
    Time,
    TimeTz,
    Date,
    Timestamp,
    TimestampTz,
    Vector,
    Sparse,
    Point,
    Line,
    Geometry,
}

impl Form {
    fn of(sql_type: &str) -> Self {
        let text = sql_type.trim().to_lowercase();
        let base = text.split('(').next().unwrap_or_default().trim();
        let is_zoned = text.ends_with(" with time zone");
        match base {
            "boolean" => Self::Boolean,
            "uuid" | "inet" | "cidr" | "macaddr" | "macaddr8" | "bit" => Self::Quoted,
            "text" => Self::Text,
            "json" | "jsonb" => Self::Json,
            "date" => Self::Date,
            "time with time zone" => Self::TimeTz,
            "time" if is_zoned => Self::TimeTz,
            "time" => Self::Time,
            "timestamp with time zone" => Self::TimestampTz,
            "timestamp" if is_zoned => Self::TimestampTz,
            "timestamp" => Self::Timestamp,
            "vector" | "halfvec" => Self::Vector,
            "sparsevec" => Self::Sparse,
            "point" => Self::Point,
            "line" => Self::Line,
            "geometry" => Self::Geometry,
            it if it.starts_with("numeric") || it.ends_with("decimal") => Self::Quoted,
            it if it.starts_with("char") || it.starts_with("varchar") => Self::Text,
            it if it.starts_with("interval") => Self::Interval,
            _ => Self::Plain,
        }
    }

    fn single(self, value: &Value, sql_type: &str) -> String {
        let text = javascript::text(value);
        match self {
            Self::Plain | Self::Boolean => text,
            Self::Quoted | Self::Interval => format!("'{text}'"),
            Self::Text => format!("'{}'", escaped(&text)),
            Self::Enum if text.is_empty() => text,
            Self::Enum => format!("'{}'", text.replace('\'', "''")),
            Self::Json => format!("'{}'", javascript::quoted_json(value)),
            Self::Time | Self::Date | Self::Timestamp | Self::Sparse => wrapped(&text, '\''),
            Self::TimeTz | Self::TimestampTz => wrapped(&with_zone(&text), '\''),
            Self::Vector => format!("'[{}]'", text.replace(' ', "")),
            Self::Point | Self::Line | Self::Geometry => {
                format!("'{}'", self.shape(value, sql_type))
            }
        }
    }

    fn date(self, iso: &str) -> String {
        let day = iso.split('T').next().unwrap_or(iso);
        let spaced = iso.replacen('T', " ", 1);
        if self == Self::Date {
            wrapped(day, '\'')
        } else if self == Self::Timestamp {
            wrapped(&spaced.chars().take(23).collect::<String>(), '\'')
        } else if self == Self::TimestampTz {
            wrapped(&spaced.replacen('Z', "+00", 1), '\'')
        } else {
            self.single(&Value::String(iso.to_owned()), "")
        }
    }

    fn array(self, items: &[Value], sql_type: &str, dimensions: usize) -> String {
        if is_empty(items) {
            return "'{}'".to_owned();
        }
        let brackets = if self == Self::Geometry { ("ARRAY[", "]") } else { ("{", "}") };
        let text = match self == Self::Json {
            true => json_array(&Value::Array(items.to_vec()), dimensions, 0),
            false => self.nested(items, sql_type, brackets),
        };
        if self == Self::Geometry { text } else { wrapped(&text, '\'') }
    }

    fn nested(self, items: &[Value], sql_type: &str, brackets: (&str, &str)) -> String {
        let has_lists = matches!(self, Self::Vector | Self::Point | Self::Line | Self::Geometry);
        let item = |it: &Value| match it.as_array() {
            Some(inner) if !has_lists || inner.iter().any(Value::is_array) => {
                self.nested(inner, sql_type, brackets)
            }
            Some(_) | None => self.element(it, sql_type),
        };
        let items: Vec<_> = items.iter().map(item).collect();
        format!("{}{}{}", brackets.0, items.join(","), brackets.1)
    }

    fn element(self, value: &Value, sql_type: &str) -> String {
        let text = javascript::text(value);
        match self {
            Self::Plain | Self::Quoted | Self::Time | Self::Date | Self::Json => text,
            Self::Boolean => if *value == true { "t" } else { "f" }.to_owned(),
            Self::Interval => format!("\"{text}\""),
            Self::Text => {
                let escaped = escaped(&text).replace('"', "\\\"");
                let is_plain = !text.is_empty() && !text.contains(['\\', '"', ',']);
                if is_plain { escaped } else { format!("\"{escaped}\"") }
            }
            Self::Enum => {
                let escaped = escaped(&text).replace('"', "\\\"");
                if text.contains(['\\', '"', ',']) { format!("\"{escaped}\"") } else { escaped }
            }
            Self::TimeTz => with_zone(&text),
            Self::Timestamp => wrapped(&text, '"'),
            Self::TimestampTz => wrapped(&with_zone(&text), '"'),
            Self::Vector => format!("\"[{}]\"", text.replace(' ', "")),
            Self::Sparse => format!("\"{}\"", text.replace(' ', "")),
            Self::Point | Self::Line => format!("\"{}\"", self.shape(value, sql_type)),
            Self::Geometry => format!("'{}'", self.shape(value, sql_type)),
        }
    }

    /// A point or a line, given as a list or by names.
    fn shape(self, value: &Value, sql_type: &str) -> String {
        let names: &[&str] = if self == Self::Line { &["a", "b", "c"] } else { &["x", "y"] };
        let part = |(index, name): (usize, &&str)| match value.as_array() {
            Some(items) => items.get(index).map(javascript::text).unwrap_or_default(),
            None => javascript::text(&value[*name]),
        };
        let parts: Vec<_> = names.iter().enumerate().map(part).collect();
        if self == Self::Line {
            format!("{{{}}}", parts.join(","))
        } else if self == Self::Geometry {
            let srid = sql_type.split_once(',').map(|it| it.1.trim_end_matches(')'));
            let srid = srid.filter(|it| *it != "0").map(|it| format!("SRID={it};"));
            format!("{}POINT({})", srid.unwrap_or_default(), parts.join(" "))
        } else {
            format!("({})", parts.join(","))
        }
    }
}

fn is_empty(items: &[Value]) -> bool {
    items.iter().all(|it| it.as_array().is_some_and(|it| is_empty(it)))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "''")
}

/// The kit knows `+00`, `+00:00` and `Z`.
fn with_zone(text: &str) -> String {
    let offset = text.rfind(['+', '-']).and_then(|it| text.get(it + 1..)).unwrap_or_default();
    let digits: Vec<&str> = offset.split(':').collect();
    let is_two = |it: &&str| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit());
    let has_zone = (1..=2).contains(&digits.len()) && digits.iter().all(is_two);
    let has_zone = has_zone || text.ends_with(['Z', 'z']);
    if has_zone { text.to_owned() } else { format!("{text}+00") }
}

fn json_array(value: &Value, dimensions: usize, depth: usize) -> String {
    match value.as_array() {
        Some(items) if depth < dimensions => {
            let items = items.iter().map(|it| json_array(it, dimensions, depth + 1));
            let inner = items.collect::<Vec<_>>().join(",");
            if depth == 0 { format!("{{{inner}}}") } else { inner }
        }
        Some(_) | None => {
            let text = javascript::quoted_json(value);
            if depth == dimensions { format!("\"{}\"", text.replace('"', "\\\"")) } else { text }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(sql_type: &str, default: DefaultValue, expected: &str) {
        let column = json!({ "name": "c", "sqlType": sql_type });
        let mut column: Column = serde_json::from_value(column).unwrap();
        column.default = Some(default);
        assert_eq!(encode(&column).as_deref(), Some(expected));
    }

    #[test]
    fn casts_at_the_end_of_an_expression_go() {
        let sql = |text: &str| DefaultValue::Sql(text.to_owned());
        check("text", sql("'a'::text"), "'a'");
        check("text", sql("'a'::character varying(20)[]"), "'a'");
        check("text", sql("'a::b'"), "'a::b'");
        check("text", sql("now()::timestamp(3) with time zone::text"), "now()");
        check("text", sql("(a::text || 'b')"), "(a::text || 'b')");
    }

    #[test]
    fn a_time_with_a_zone_gets_none() {
        let text = |text: &str| DefaultValue::Text(text.to_owned());
        check("time with time zone", text("10:00:00"), "'10:00:00+00'");
        check("time(3) with time zone", text("10:00:00-07"), "'10:00:00-07'");
        check("timestamp with time zone", text("2020-01-02"), "'2020-01-02'");
    }
}
