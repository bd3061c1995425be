//! What MySQL spells in several ways, and what of it Drizzle can express.

use crate::catalog::{Kind, Object};
use crate::pair::Pair;

/// Attributes of the catalog that Drizzle cannot express; and so are the options of storage engines and the
/// periods of tables.
const CARRIED: [&str; 43] = [
    "autoextend size",
    "avg row length",
    "charset",
    "checksum",
    "client charset",
    "collation",
    "collation clause",
    "column format",
    "compressed",
    "compression",
    "connection",
    "connection collation",
    "data directory",
    "delay key write",
    "encryption",
    "enforced",
    "engine",
    "engine attribute",
    "ignored",
    "index directory",
    "insert method",
    "invisible",
    "key block size",
    "max rows",
    "min rows",
    "pack keys",
    "page checksum",
    "parser",
    "partitions",
    "position",
    "row format",
    "secondary engine",
    "secondary engine attribute",
    "srid",
    "stats auto recalc",
    "stats persistent",
    "stats sample pages",
    "storage",
    "system versioning",
    "tablespace",
    "transactional",
    "union",
    "unversioned",
];

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
    let carried = attribute.is_some_and(|it| {
        CARRIED.contains(&it) || it.starts_with("option ") || it.starts_with("period ")
    });
    kind && !carried
}

/// Why two values of an attribute mean the same although they are spelled differently; `None` if they
/// do not. The server spells both sides of a comparison itself, so few do.
pub fn equivalent(
    objects: Pair<&Object>,
    attribute: &str,
    values: Pair<Option<&str>>,
) -> Option<&'static str> {
    let is_action = objects.from.id.kind == Kind::ForeignKey && attribute.starts_with("on ");
    let refuses = |it: Option<&str>| matches!(it, None | Some("no action" | "restrict"));
    (is_action && refuses(values.from) && refuses(values.to)).then_some(
        "the server checks at once, whether it is called `no action`, `restrict` or nothing",
    )
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
    fn what_a_foreign_key_does_about_nothing_has_three_names() {
        let key = Object::new(Kind::ForeignKey, ["t", "fk"]);
        let is_same = |attribute: &str, from: Option<&str>, to: Option<&str>| {
            equivalent(Pair { from: &key, to: &key }, attribute, Pair { from, to }).is_some()
        };
        assert!(is_same("on delete", None, Some("no action")));
        assert!(is_same("on update", Some("restrict"), Some("no action")));
        assert!(!is_same("on delete", None, Some("cascade")));
        assert!(!is_same("columns", None, Some("restrict")));
    }

    #[test]
    fn what_is_quoted_is_one_token_and_ends_where_it_should() {
        for text in ["it's", "a\\", "\\'; drop table t; --", "`"] {
            for quoted in [quote_literal(text), quote_ident(text)] {
                assert_eq!(tokens(&quoted).unwrap().len(), 1, "{quoted}");
            }
        }
    }
}
