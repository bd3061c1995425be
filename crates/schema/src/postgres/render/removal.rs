//! What takes an object of a catalog away again, without anything that depends on it.

use crate::catalog::{Kind, Object};
use crate::postgres::grammar::quote_ident;

/// The statement that drops an object. `None` if it goes with another one, or if no statement takes it
/// away alone.
#[expect(clippy::wildcard_enum_match_arm, reason = "most kinds have no statement here")]
pub fn removal(object: &Object) -> Option<String> {
    let path: Vec<_> = object.id.path.iter().map(|it| quote_ident(it)).collect();
    let is_part = object.get("inherited").is_some() || object.get("partition of").is_some();
    if is_part && object.id.kind != Kind::Table {
        return None;
    }
    match object.id.kind {
        Kind::Sequence if object.get("owned as").is_some() => None,
        Kind::Function | Kind::Procedure | Kind::Aggregate => routine(object),
        Kind::Index => Some(format!("DROP INDEX {}.{};", path.first()?, path.last()?)),
        Kind::Column => inside(&path, |column| format!("DROP COLUMN {column}")),
        Kind::PrimaryKey | Kind::Unique | Kind::ForeignKey | Kind::Check | Kind::Exclusion => {
            inside(&path, |name| format!("DROP CONSTRAINT {name}"))
        }
        Kind::Trigger | Kind::Rule | Kind::Policy => {
            let (name, table) = path.split_last()?;
            let word = object.id.kind.word().to_uppercase();
            Some(format!("DROP {word} {name} ON {};", table.join(".")))
        }
        kind => Some(format!("DROP {} {};", alone(kind)?, path.join("."))),
    }
}

fn inside(path: &[String], action: impl Fn(&str) -> String) -> Option<String> {
    let (name, table) = path.split_last()?;
    Some(format!("ALTER TABLE {} {};", table.join("."), action(name)))
}

/// The words for what stands for itself.
fn alone(kind: Kind) -> Option<&'static str> {
    let words = [
        (Kind::Extension, "EXTENSION"),
        (Kind::Schema, "SCHEMA"),
        (Kind::Enum, "TYPE"),
        (Kind::CompositeType, "TYPE"),
        (Kind::RangeType, "TYPE"),
        (Kind::Domain, "DOMAIN"),
        (Kind::Collation, "COLLATION"),
        (Kind::Sequence, "SEQUENCE"),
        (Kind::Table, "TABLE"),
        (Kind::View, "VIEW"),
        (Kind::MaterializedView, "MATERIALIZED VIEW"),
    ];
    words.into_iter().find(|it| it.0 == kind).map(|it| it.1)
}

/// The path of a routine ends with its name and the types of its arguments: `area(integer, text)`.
fn routine(object: &Object) -> Option<String> {
    let (schema, signature) = (object.id.path.first()?, object.id.name());
    let (name, arguments) = signature.strip_suffix(')')?.split_once('(')?;
    let arguments = match (object.id.kind, arguments) {
        (Kind::Aggregate, "") => "*",
        (_, arguments) => arguments,
    };
    let word = object.id.kind.word().to_uppercase();
    Some(format!("DROP {word} {}.{}({arguments});", quote_ident(schema), quote_ident(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, path: &str, expected: Option<&str>) {
        let object = Object::new(kind, path.split('/'));
        assert_eq!(removal(&object).as_deref(), expected);
    }

    #[test]
    fn each_kind_goes_by_its_own_statement_and_takes_nothing_with_it() {
        check(Kind::Table, "public/my books", Some("DROP TABLE \"public\".\"my books\";"));
        check(
            Kind::Column,
            "public/books/note",
            Some("ALTER TABLE \"public\".\"books\" DROP COLUMN \"note\";"),
        );
        check(Kind::Index, "shop/books/by_note", Some("DROP INDEX \"shop\".\"by_note\";"));
        check(Kind::Trigger, "public/b/t", Some("DROP TRIGGER \"t\" ON \"public\".\"b\";"));
        check(
            Kind::Function,
            "public/area(integer, text)",
            Some("DROP FUNCTION \"public\".\"area\"(integer, text);"),
        );
        check(Kind::Aggregate, "public/n()", Some("DROP AGGREGATE \"public\".\"n\"(*);"));
        check(Kind::Enum, "public/mood", Some("DROP TYPE \"public\".\"mood\";"));
        check(Kind::Grant, "table/public/books/app", None);
    }

    #[test]
    fn what_belongs_to_a_column_or_a_parent_goes_with_it() {
        let sequence = Object::new(Kind::Sequence, ["public", "s"]).with("owned as", "serial");
        assert_eq!(removal(&sequence), None);
        let column = Object::new(Kind::Column, ["public", "t", "c"]).with("inherited", "true");
        assert_eq!(removal(&column), None);
    }
}
