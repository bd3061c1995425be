//! Defaults as drizzle-kit 1.0 encodes them (`defaultFromColumn`, `src/dialects/sqlite/grammar.ts`).

use serde_json::Value;

use super::super::schema::{Column, DefaultValue};
use crate::drizzle::javascript::{self, quoted_json};

/// The default as SQL.
pub(super) fn encode(column: &Column) -> Option<String> {
    let affinity = Affinity::of(&column.sql_type);
    Some(match column.default.as_ref()? {
        DefaultValue::Sql(sql) => sql.clone(),
        DefaultValue::Text(text) => affinity.text(text),
        DefaultValue::BigInt(digits) if affinity == Affinity::Plain => digits.clone(),
        DefaultValue::BigInt(digits) => format!("'{digits}'"),
        DefaultValue::Bytes(hex) => format!("X'{}'", hex.to_uppercase()),
        DefaultValue::Date(iso) if affinity == Affinity::Other => {
            format!("'{}'", quoted_json(&Value::String(iso.clone())))
        }
        DefaultValue::Date(iso) => iso.clone(),
        DefaultValue::Json(value @ (Value::Array(_) | Value::Object(_) | Value::Null))
            if affinity == Affinity::Other =>
        {
            format!("'{}'", quoted_json(value))
        }
        DefaultValue::Json(value) => javascript::text(value),
    })
}

/// What the kit makes of a type's name.
#[derive(Clone, Copy, PartialEq)]
enum Affinity {
    /// Types of whole numbers.
    Integer,
    /// Types that are printed as JavaScript does.
    Plain,
    Numeric,
    /// Text and blobs.
    Other,
}

impl Affinity {
    fn of(sql_type: &str) -> Self {
        const INTEGERS: &[&str] = &[
            "int",
            "integer",
            "tiniint",
            "smallint",
            "mediumint",
            "bigint",
            "unsigned big int",
            "int2",
            "int8",
        ];
        const TEXTS: &[&str] = &[
            "text",
            "character",
            "varchar",
            "varying character",
            "nchar",
            "native character",
            "nvarchar",
            "clob",
        ];
        let lower = sql_type.to_lowercase();
        let base = lower.split('(').next().unwrap_or_default();
        match base {
            _ if INTEGERS.contains(&lower.as_str()) => Self::Integer,
            "numeric" | "decimal" => Self::Numeric,
            _ if ["boolean", "date", "datetime"].contains(&lower.as_str()) => Self::Numeric,
            _ if TEXTS.contains(&base) || base.starts_with("blob") => Self::Other,
            _ => Self::Plain,
        }
    }

    fn text(self, text: &str) -> String {
        match self {
            Self::Integer | Self::Plain => text.to_owned(),
            Self::Numeric => format!("'{text}'"),
            Self::Other => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        }
    }
}
