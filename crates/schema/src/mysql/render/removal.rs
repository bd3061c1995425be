//! What takes an object of a catalog away again, without anything that depends on it.

use super::super::grammar::quote_ident;
use crate::catalog::{Kind, Object};

/// The statement that drops an object. `None` if none does that alone.
#[expect(clippy::wildcard_enum_match_arm, reason = "other kinds have no statement of their own")]
pub fn removal(object: &Object) -> Option<String> {
    let name = quote_ident(object.id.name());
    let of_table = |what: &str| {
        let table = object.id.path.first()?;
        Some(format!("ALTER TABLE {} DROP {what};", quote_ident(table)))
    };
    match object.id.kind {
        Kind::Table => Some(format!("DROP TABLE {name};")),
        Kind::View => Some(format!("DROP VIEW {name};")),
        Kind::Trigger => Some(format!("DROP TRIGGER {name};")),
        Kind::Event => Some(format!("DROP EVENT {name};")),
        Kind::Sequence => Some(format!("DROP SEQUENCE {name};")),
        // A package of MariaDB, whose kind stands before its name.
        Kind::Other => Some(format!("DROP {} {name};", object.id.path.first()?.to_uppercase())),
        Kind::Procedure => Some(format!("DROP PROCEDURE {name};")),
        Kind::Function => Some(format!("DROP FUNCTION {name};")),
        Kind::Column => of_table(&format!("COLUMN {name}")),
        Kind::Index | Kind::Unique => of_table(&format!("INDEX {name}")),
        Kind::PrimaryKey => of_table("PRIMARY KEY"),
        Kind::ForeignKey => of_table(&format!("FOREIGN KEY {name}")),
        Kind::Check => of_table(&format!("CONSTRAINT {name}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_a_table_is_taken_off_it() {
        let sql = |kind, path: &[&str]| removal(&Object::new(kind, path.iter().copied()));
        let column = sql(Kind::Column, &["books", "no`te"]);
        assert_eq!(column.as_deref(), Some("ALTER TABLE `books` DROP COLUMN `no``te`;"));
        let index = sql(Kind::Index, &["books", "by_note"]);
        assert_eq!(index.as_deref(), Some("ALTER TABLE `books` DROP INDEX `by_note`;"));
        assert_eq!(sql(Kind::View, &["v"]).as_deref(), Some("DROP VIEW `v`;"));
        assert_eq!(sql(Kind::Enum, &["e"]), None);
    }
}
