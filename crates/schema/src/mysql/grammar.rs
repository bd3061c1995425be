//! What MySQL spells in several ways, and what of it Drizzle can express.

use super::token::tokens;
use crate::catalog::{Kind, Object};
use crate::pair::Pair;
use crate::token::TokenKind;

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
/// do not.
pub fn equivalent(
    objects: Pair<&Object>,
    attribute: &str,
    values: Pair<Option<&str>>,
) -> Option<&'static str> {
    let is_action = objects.from.id.kind == Kind::ForeignKey && attribute.starts_with("on ");
    let refuses = |it: Option<&str>| matches!(it, None | Some("no action" | "restrict"));
    if is_action && refuses(values.from) && refuses(values.to) {
        return Some(
            "the server checks at once, whether it is called `no action`, `restrict` or nothing",
        );
    }
    let is_expression = EXPRESSIONS.contains(&attribute);
    let both = is_expression.then(|| values.from.zip(values.to)).flatten();
    let (from, to) = both.map(|(from, to)| (without_introducers(from), without_introducers(to)))?;
    (from.is_some() && from == to)
        .then_some("MySQL names the character set of a literal anew with each change of the table")
}

/// Attributes that hold expressions.
const EXPRESSIONS: [&str; 5] = ["default", "generated", "check", "expression", "columns"];

/// The words of an expression without the names of character sets in front of ASCII literals: those mean
/// the same in each. `None` if it cannot be read.
fn without_introducers(expression: &str) -> Option<Vec<&str>> {
    let tokens = tokens(expression).ok()?;
    let is_dropped = |at: usize| {
        let literal = tokens.get(at + 1).filter(|it| it.kind == TokenKind::Text);
        tokens[at].kind == TokenKind::Word
            && tokens[at].text.starts_with('_')
            && literal.is_some_and(|it| it.text.is_ascii() && !it.text.contains('?'))
    };
    Some((0..tokens.len()).filter(|&at| !is_dropped(at)).map(|at| tokens[at].text).collect())
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
    fn a_literal_may_name_another_character_set_if_it_is_ascii() {
        let check = Object::new(Kind::Check, ["t", "c"]);
        let is_same = |from: &str, to: &str| {
            let values = Pair { from: Some(from), to: Some(to) };
            equivalent(Pair { from: &check, to: &check }, "expression", values).is_some()
        };
        assert!(is_same(r"(`f` <> _latin1'it\'s')", r"(`f` <> _utf8mb4'it\'s')"));
        assert!(!is_same("(`f` <> _latin1'a')", "(`f` <> _utf8mb4'b')"));
        assert!(!is_same("(`f` <> _latin1'ä')", "(`f` <> _utf8mb4'ä')"));
        assert!(!is_same("(`f` <> _latin1'?')", "(`f` <> _utf8mb4'?')"));
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
