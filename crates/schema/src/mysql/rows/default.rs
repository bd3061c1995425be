//! Defaults as drizzle-kit 1.0 encodes them (`defaultFromColumn`, `src/dialects/mysql/grammar.ts`).

use serde_json::Value;

use super::super::schema::{Column, DefaultValue};
use crate::drizzle::javascript::{self, quoted_json};

/// The default as SQL.
pub(super) fn encode(column: &Column) -> Option<String> {
    let default = column.default.as_ref()?;
    if let DefaultValue::Sql(sql) = default {
        return Some(if sql.starts_with('(') { sql.clone() } else { format!("({sql})") });
    }
    Some(Form::of(&column.sql_type.to_lowercase()).encode(default))
}

/// How the values of a type are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// As JavaScript prints them: numbers, and whatever type the kit does not know.
    Plain,
    Nothing,
    Decimal,
    Text,
    /// Of types that take expressions only.
    LongText,
    Bytes,
    Blob,
    Json,
    Moment,
    Date,
    Time,
}

impl Form {
    fn of(sql_type: &str) -> Self {
        let word = sql_type.split(|it: char| it.is_whitespace() || it == '(').next();
        match word.unwrap_or_default() {
            "serial" => Self::Nothing,
            "numeric" | "decimal" => Self::Decimal,
            "char" | "character" | "varchar" | "nvarchar" | "enum" => Self::Text,
            "tinytext" | "mediumtext" | "text" | "longtext" if is_bare(sql_type) => Self::LongText,
            "binary" => Self::LongText,
            "varbinary" => Self::Bytes,
            "tinyblob" | "mediumblob" | "longblob" | "blob" if is_bare(sql_type) => Self::Blob,
            "json" if is_bare(sql_type) => Self::Json,
            "timestamp" | "datetime" => Self::Moment,
            "date" if is_bare(sql_type) => Self::Date,
            "time" => Self::Time,
            _ => Self::Plain,
        }
    }

    fn encode(self, default: &DefaultValue) -> String {
        let escaped = || printed(default).replace('\\', "\\\\").replace('\'', "''");
        match self {
            Self::Plain => printed(default),
            Self::Nothing => String::new(),
            Self::Decimal => format!("({})", printed(default)),
            Self::Text => format!("'{}'", escaped()),
            Self::LongText => format!("('{}')", escaped()),
            Self::Bytes => format!("(0x{})", hex(default)),
            Self::Blob => match bytes(default) {
                Some(hex) => format!("(0x{hex})"),
                None => format!("('{}')", escaped()),
            },
            Self::Json => format!("('{}')", quoted_json(&value(default))),
            Self::Moment => match moment(default) {
                Some(iso) => {
                    let cut: String = iso.replacen('T', " ", 1).chars().take(23).collect();
                    format!("'{cut}'")
                }
                None => format!("'{}'", printed(default)),
            },
            Self::Date => match moment(default) {
                Some(iso) => format!("'{}'", iso.split('T').next().unwrap_or(iso)),
                None => format!("'{}'", printed(default)),
            },
            Self::Time => format!("'{}'", printed(default)),
        }
    }
}

fn is_bare(sql_type: &str) -> bool {
    !sql_type.trim().contains(|it: char| it.is_whitespace() || it == '(')
}

/// `String(value)`.
fn printed(default: &DefaultValue) -> String {
    match default {
        DefaultValue::Bytes(hex) => String::from_utf8_lossy(&javascript::bytes(hex)).into_owned(),
        DefaultValue::Sql(text)
        | DefaultValue::Text(text)
        | DefaultValue::Date(text)
        | DefaultValue::BigInt(text) => text.clone(),
        DefaultValue::Json(value) => javascript::text(value),
    }
}

fn bytes(default: &DefaultValue) -> Option<&str> {
    if let DefaultValue::Bytes(hex) = default { Some(hex) } else { None }
}

fn moment(default: &DefaultValue) -> Option<&str> {
    if let DefaultValue::Date(iso) = default { Some(iso) } else { None }
}

fn hex(default: &DefaultValue) -> String {
    let of_text = || printed(default).bytes().map(|it| format!("{it:02x}")).collect();
    bytes(default).map_or_else(of_text, str::to_owned)
}

fn value(default: &DefaultValue) -> Value {
    match default {
        DefaultValue::Json(value) => value.clone(),
        // A number of any size is written as it is.
        DefaultValue::BigInt(digits) => {
            serde_json::from_str(digits).unwrap_or_else(|_| digits.as_str().into())
        }
        DefaultValue::Sql(_)
        | DefaultValue::Text(_)
        | DefaultValue::Date(_)
        | DefaultValue::Bytes(_) => printed(default).into(),
    }
}
