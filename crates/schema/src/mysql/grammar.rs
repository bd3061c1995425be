//! What MySQL spells in several ways, and what of it Drizzle can express.

use crate::catalog::{Kind, Object};
use crate::pair::Pair;

/// Whether drizzle-orm 0.x can express this object, or this attribute of it.
///
/// It cannot express triggers, routines, events and partitions, nor a table's engine, character set and
/// comment.
pub fn drizzle_expresses(object: &Object, attribute: Option<&str>) -> bool {
    let kind = matches!(
        object.id.kind,
        Kind::Table
            | Kind::Column
            | Kind::PrimaryKey
            | Kind::Unique
            | Kind::ForeignKey
            | Kind::Check
            | Kind::Index
            | Kind::View
    );
    let carried = matches!(
        attribute,
        Some(
            "position"
                | "engine"
                | "row format"
                | "character set"
                | "collation"
                | "comment"
                | "partitions"
                | "definer"
                | "invisible"
        )
    );
    kind && !carried
}

/// Why two values of an attribute mean the same although they are spelled differently; `None` if they
/// do not. The server spells both sides of a comparison itself, so none do.
pub fn equivalent(
    _objects: Pair<&Object>,
    _attribute: &str,
    _values: Pair<Option<&str>>,
) -> Option<&'static str> {
    None
}

/// An identifier in backticks.
pub fn quote_ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in single quotes.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    #[test]
    fn what_is_quoted_is_one_token_and_ends_where_it_should() {
        for text in ["it's", "a\\", "\\'; drop table t; --", "`"] {
            for quoted in [quote_literal(text), quote_ident(text)] {
                assert_eq!(tokens(&quoted).unwrap().len(), 1, "{quoted}");
            }
        }
    }
}
