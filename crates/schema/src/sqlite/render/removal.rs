//! What takes an object of a catalog away again, without anything that depends on it.

use super::super::grammar::quote_ident;
use crate::catalog::{Kind, Object};

/// The statement that drops an object. `None` if it is a part of another one's text.
#[expect(clippy::wildcard_enum_match_arm, reason = "other kinds are parts of a table's text")]
pub fn removal(object: &Object) -> Option<String> {
    let word = match object.id.kind {
        Kind::Table => "TABLE",
        Kind::View => "VIEW",
        Kind::Index => "INDEX",
        Kind::Trigger => "TRIGGER",
        Kind::Column => {
            let (table, column) = (object.id.path.first()?, object.id.name());
            return Some(format!(
                "ALTER TABLE {} DROP COLUMN {};",
                quote_ident(table),
                quote_ident(column)
            ));
        }
        _ => return None,
    };
    Some(format!("DROP {word} {};", quote_ident(object.id.name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_statement_of_its_own_goes_and_parts_of_a_table_do_not() {
        let sql = |kind, path: [&str; 2]| removal(&Object::new(kind, path));
        let column = sql(Kind::Column, ["books", "no\"te"]);
        assert_eq!(column.as_deref(), Some("ALTER TABLE \"books\" DROP COLUMN \"no\"\"te\";"));
        let index = sql(Kind::Index, ["books", "by_note"]);
        assert_eq!(index.as_deref(), Some("DROP INDEX \"by_note\";"));
        assert_eq!(sql(Kind::Check, ["books", "positive"]), None);
    }
}
