//! What takes an object of a catalog away again, without anything that depends on it.

use super::about::address;
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
        Kind::Cast
        | Kind::Operator
        | Kind::OperatorClass
        | Kind::OperatorFamily
        | Kind::Transform
        | Kind::UserMapping => {
            let address = address(object.id.kind, &object.id.path)?;
            Some(format!("DROP {address};"))
        }
        Kind::DefaultPrivilege => default_privileges(object),
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
        (Kind::BaseType, "TYPE"),
        (Kind::Domain, "DOMAIN"),
        (Kind::Collation, "COLLATION"),
        (Kind::Sequence, "SEQUENCE"),
        (Kind::Table, "TABLE"),
        (Kind::View, "VIEW"),
        (Kind::MaterializedView, "MATERIALIZED VIEW"),
        (Kind::Statistics, "STATISTICS"),
        (Kind::EventTrigger, "EVENT TRIGGER"),
        (Kind::Publication, "PUBLICATION"),
        (Kind::ForeignTable, "FOREIGN TABLE"),
        (Kind::ForeignServer, "SERVER"),
        (Kind::ForeignDataWrapper, "FOREIGN DATA WRAPPER"),
        (Kind::Conversion, "CONVERSION"),
        (Kind::Language, "LANGUAGE"),
        (Kind::AccessMethod, "ACCESS METHOD"),
        (Kind::TextSearchConfiguration, "TEXT SEARCH CONFIGURATION"),
        (Kind::TextSearchDictionary, "TEXT SEARCH DICTIONARY"),
        (Kind::TextSearchTemplate, "TEXT SEARCH TEMPLATE"),
        (Kind::TextSearchParser, "TEXT SEARCH PARSER"),
    ];
    words.into_iter().find(|it| it.0 == kind).map(|it| it.1)
}

/// The path of a routine ends with its name and the types of its arguments: `area(integer, text)`.
fn routine(object: &Object) -> Option<String> {
    let (schema, signature) = (object.id.path.first()?, object.id.name());
    let (name, arguments) = signature.strip_suffix(')')?.rsplit_once('(')?;
    let arguments = match (object.id.kind, arguments) {
        (Kind::Aggregate, "") => "*",
        (_, arguments) => arguments,
    };
    let word = object.id.kind.word().to_uppercase();
    Some(format!("DROP {word} {}.{}({arguments});", quote_ident(schema), quote_ident(name)))
}

/// What takes back what a role grants by default. What holds in all schemas stands in place of what the
/// server gives by itself, which comes back.
fn default_privileges(object: &Object) -> Option<String> {
    let [role, schema, sort] = object.id.path.as_slice() else { return None };
    let place = match schema.as_str() {
        "" => String::new(),
        schema => format!(" IN SCHEMA {}", quote_ident(schema)),
    };
    let head = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{place}", quote_ident(role));
    let sort = sort.to_uppercase();
    let said = object.get("privileges")?.split("; ").map(|it| it.split_once(": "));
    let grantees = said.collect::<Option<Vec<_>>>()?.into_iter().map(|it| it.0);
    let revoke = |it: &str| {
        let it = if it == "public" { "PUBLIC" } else { it };
        format!("{head} REVOKE ALL ON {sort} FROM {it};")
    };
    let mut statements: Vec<_> = grantees.map(revoke).collect();
    if schema.is_empty() {
        statements.push(format!("{head} GRANT ALL ON {sort} TO {};", quote_ident(role)));
        let usual = [("FUNCTIONS", "EXECUTE"), ("TYPES", "USAGE")];
        let usual = usual.into_iter().find(|it| it.0 == sort);
        statements.extend(usual.map(|it| format!("{head} GRANT {} ON {sort} TO PUBLIC;", it.1)));
    }
    Some(statements.join("\n"))
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
    fn what_has_no_name_of_its_own_goes_by_what_it_is_about() {
        check(
            Kind::Operator,
            "public/===(integer, integer)",
            Some("DROP OPERATOR \"public\".===(integer, integer);"),
        );
        check(Kind::Cast, "public.price as text", Some("DROP CAST (public.price AS text);"));
        check(
            Kind::OperatorClass,
            "public/by size using btree",
            Some("DROP OPERATOR CLASS \"public\".\"by size\" USING \"btree\";"),
        );
        check(
            Kind::Transform,
            "public.price for plpython3u",
            Some("DROP TRANSFORM FOR public.price LANGUAGE \"plpython3u\";"),
        );
        check(Kind::UserMapping, "far/app", Some("DROP USER MAPPING FOR \"app\" SERVER \"far\";"));
        let object = Object::new(Kind::DefaultPrivilege, ["app", "", "functions"])
            .with("privileges", "app: execute; reader: execute*");
        let expected = "ALTER DEFAULT PRIVILEGES FOR ROLE \"app\" REVOKE ALL ON FUNCTIONS FROM app;\n\
            ALTER DEFAULT PRIVILEGES FOR ROLE \"app\" REVOKE ALL ON FUNCTIONS FROM reader;\n\
            ALTER DEFAULT PRIVILEGES FOR ROLE \"app\" GRANT ALL ON FUNCTIONS TO \"app\";\n\
            ALTER DEFAULT PRIVILEGES FOR ROLE \"app\" GRANT EXECUTE ON FUNCTIONS TO PUBLIC;";
        assert_eq!(removal(&object).as_deref(), Some(expected));
    }

    #[test]
    fn what_belongs_to_a_column_or_a_parent_goes_with_it() {
        let sequence = Object::new(Kind::Sequence, ["public", "s"]).with("owned as", "serial");
        assert_eq!(removal(&sequence), None);
        let column = Object::new(Kind::Column, ["public", "t", "c"]).with("inherited", "true");
        assert_eq!(removal(&column), None);
    }
}
