//! What PostgreSQL spells in several ways, and what of it Drizzle can express.

mod array;
mod constant;
mod moment;

use crate::catalog::{Kind, Object};
use crate::pair::Pair;

/// Whether a text is the text form of an array.
pub(crate) fn is_array_text(text: &str) -> bool {
    array::read(text).is_some()
}

/// Whether drizzle-orm 0.x can express this object, or this attribute of it.
///
/// Partitions, and what is inside partitions, foreign tables and views, it cannot. Of a table that it
/// can express it leaves out how the table is stored and how its rows come together.
pub fn drizzle_expresses(object: &Object, attribute: Option<&str>) -> bool {
    let kind = object.id.kind;
    let is_part = object.get("of").is_some() || object.get("partition of").is_some();
    match attribute {
        None => !is_part && (!expressed(kind).is_empty() || kind == Kind::Schema),
        // Only a sequence that comes with a column has the type of that column.
        Some("type") if kind == Kind::Sequence => object.get("owned as").is_some(),
        Some(attribute) => expressed(kind).contains(&attribute),
    }
}

/// The attributes that drizzle-orm can express of a kind of object; none for kinds that it does not
/// know.
fn expressed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Enum => &["values"],
        Kind::Sequence => &["start", "increment", "min", "max", "cache", "cycle", "owned by"],
        Kind::Table => &["row security"],
        // The options of an identity are those of its sequence, where they are compared.
        Kind::Column => &["type", "not null", "default", "generated", "generated kind", "identity"],
        Kind::PrimaryKey => &["columns"],
        Kind::Unique => &["columns", "nulls not distinct"],
        Kind::ForeignKey => {
            &["columns", "references", "references columns", "on update", "on delete"]
        }
        Kind::Check => &["expression"],
        // An index of another form than expected has a definition and nothing else.
        Kind::Index => &["definition", "unique", "method", "columns", "where", "with"],
        Kind::View => &["definition", "options"],
        Kind::MaterializedView => &["definition", "options", "tablespace", "access method"],
        Kind::Policy => &["as", "for", "to", "using", "with check"],
        Kind::Extension
        | Kind::Schema
        | Kind::Role
        | Kind::Domain
        | Kind::CompositeType
        | Kind::RangeType
        | Kind::BaseType
        | Kind::Collation
        | Kind::Exclusion
        | Kind::NotNull
        | Kind::Statistics
        | Kind::Rule
        | Kind::Function
        | Kind::Procedure
        | Kind::Aggregate
        | Kind::Trigger
        | Kind::EventTrigger
        | Kind::Event
        | Kind::ForeignServer
        | Kind::ForeignTable
        | Kind::Publication
        | Kind::Subscription
        | Kind::Comment
        | Kind::Grant
        | Kind::DefaultPrivilege
        | Kind::Language
        | Kind::AccessMethod
        | Kind::Conversion
        | Kind::Cast
        | Kind::Transform
        | Kind::Operator
        | Kind::OperatorFamily
        | Kind::OperatorClass
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::TextSearchDictionary
        | Kind::TextSearchConfiguration
        | Kind::ForeignDataWrapper
        | Kind::UserMapping
        | Kind::SecurityLabel
        | Kind::Database
        | Kind::Parameter
        | Kind::Other => &[],
    }
}

/// Why two values of an attribute mean the same although they are spelled differently; `None` if they
/// do not.
///
/// Constant defaults are compared by value. A domain is the type that it is made of, since Drizzle
/// declares that. A serial column counts with a sequence of whatever name, and as far as the column
/// goes. Who owns a sequence matters only where both have an owner.
pub fn equivalent(
    objects: Pair<&Object>,
    attribute: &str,
    values: Pair<Option<&str>>,
) -> Option<&'static str> {
    let both = |name: &str| objects.from.get(name).is_some() && objects.to.get(name).is_some();
    match (objects.from.id.kind, attribute) {
        (Kind::Column, "type") => {
            let base = |it: &Object| it.get("base type").or(it.get("type")).map(str::to_owned);
            (base(objects.from) == base(objects.to))
                .then_some("a domain holds what the type that it is made of holds")
        }
        (Kind::Column, "default") if both("serial") => {
            Some("the column counts with a sequence of its own, whatever its name")
        }
        (Kind::Column, "default") => {
            constant::equal(objects.to.get("type").unwrap_or_default(), values)
        }
        (Kind::Sequence, "type" | "max") => count_alike(objects).then_some(
            "the sequence of a column counts as far as the column's type goes, not further",
        ),
        (Kind::Sequence, "owned by") => (!(values.from.is_some() && values.to.is_some()))
            .then_some(
                "one of the two belongs to a column and goes when that goes; both count alike",
            ),
        _ => None,
    }
}

/// Whether two sequences of serial columns differ only in how far they could count beyond what the
/// column holds. A sequence that somebody made by hand is a `bigint`; one of `serial` is an `integer`.
fn count_alike(sequences: Pair<&Object>) -> bool {
    let is_whole = |it: &Object| {
        let greatest = match it.get("type") {
            Some("smallint") => "32767",
            Some("integer") => "2147483647",
            Some("bigint") => "9223372036854775807",
            _ => return false,
        };
        it.get("owned as") == Some("serial") && it.get("max") == Some(greatest)
    };
    // Live's may count further than needed, never less far.
    let size = |it: &Object| it.get("max").and_then(|it| it.parse::<i64>().ok());
    is_whole(sequences.from) && is_whole(sequences.to) && size(sequences.from) >= size(sequences.to)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn column() -> Object {
        Object::new(Kind::Column, ["public", "t", "c"])
    }

    #[test]
    fn what_drizzle_cannot_say_of_a_table_is_carried() {
        let table = Object::new(Kind::Table, ["public", "t"]);
        assert!(drizzle_expresses(&table, None));
        assert!(drizzle_expresses(&table, Some("row security")));
        for attribute in
            ["force row security", "options", "persistence", "replica identity", "partition by"]
        {
            assert!(!drizzle_expresses(&table, Some(attribute)), "{attribute}");
        }
        for attribute in ["position", "collation", "storage", "statistics target", "inherited"] {
            assert!(!drizzle_expresses(&column(), Some(attribute)), "{attribute}");
        }
    }

    #[test]
    fn partitions_and_what_is_in_them_are_carried() {
        let partition = Object::new(Kind::Table, ["public", "p"]).with("partition of", "public.t");
        assert!(!drizzle_expresses(&partition, None));
        assert!(!drizzle_expresses(&column().with("of", "partition"), None));
    }

    #[test]
    fn a_domain_is_the_type_that_it_is_made_of() {
        let domain = column().with("type", "public.price").with("base type", "numeric(10,2)");
        let plain = column().with("type", "numeric(10,2)");
        let other = column().with("type", "text");
        let same = |from: &Object, to: &Object| {
            equivalent(
                Pair { from, to },
                "type",
                Pair { from: from.get("type"), to: to.get("type") },
            )
            .is_some()
        };
        assert!(same(&domain, &plain) && same(&plain, &domain));
        assert!(!same(&domain, &other));
    }

    #[test]
    fn a_serial_column_may_count_with_a_sequence_of_any_name() {
        let serial = |name: &str| {
            let default = format!("nextval('public.{name}'::regclass)");
            column().with("type", "integer").with("serial", "true").with("default", default)
        };
        let (from, to) = (serial("old_id_seq"), serial("t_id_seq"));
        let values = Pair { from: from.get("default"), to: to.get("default") };
        assert!(equivalent(Pair { from: &from, to: &to }, "default", values).is_some());
        let mut shared = to.clone();
        shared.attributes.remove("serial");
        assert!(equivalent(Pair { from: &from, to: &shared }, "default", values).is_none());
    }

    #[test]
    fn literals_with_backslashes_use_the_escape_form() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(r"a\b"), r"E'a\\b'");
        assert_eq!(quote_ident(r#"a"b"#), r#""a""b""#);
    }
}
