//! What PostgreSQL spells in several ways, and what of it Drizzle can express.

use crate::catalog::{Kind, Object};
use crate::pair::Pair;

/// Whether drizzle-orm 0.x can express this object, or this attribute of it.
pub fn drizzle_expresses(object: &Object, attribute: Option<&str>) -> bool {
    let kind = matches!(
        object.id.kind,
        Kind::Schema
            | Kind::Enum
            | Kind::Sequence
            | Kind::Table
            | Kind::Column
            | Kind::PrimaryKey
            | Kind::Unique
            | Kind::ForeignKey
            | Kind::Check
            | Kind::Index
            | Kind::View
            | Kind::MaterializedView
            | Kind::Policy
    );
    kind && attribute.is_none_or(|_| true)
}

/// Whether two values of an attribute mean the same although they are spelled differently.
pub fn equivalent(_objects: Pair<&Object>, _attribute: &str, values: Pair<Option<&str>>) -> bool {
    values.from == values.to
}

/// An identifier in double quotes.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in single quotes; backslashes need the escape form, whatever the server's settings.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}
