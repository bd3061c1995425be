//! Live → what a Drizzle schema would say of it: the content of a baseline's snapshot.
//!
//! Where `schema.ts` declares what live has, its spelling is taken ([`present`]), so that the real
//! `drizzle-kit generate` finds nothing; without a `schema.ts` the catalog is described ([`describe`]).

mod kept;
mod lent;
mod merged;
mod names;

use super::schema::{
    Check, Column, DefaultValue, Enum, ForeignKey, Generated, Identity, Index, IndexColumn,
    PrimaryKey, Schema, Sequence, SequenceOptions, Table, Unique,
};
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::Equivalence;
use crate::pair::Pair;

pub use kept::{as_live_has, named_as};
pub use lent::{with_names_of, with_names_written};
pub use names::{Collision, collisions, stored};

/// The declared catalog as it has to be compared with live, and what in it is only another spelling.
pub fn settle(schema: &Schema, live: &Catalog, declared: &Catalog) -> (Catalog, Vec<Equivalence>) {
    let (settled, mut equivalent) = merged::settle(schema, live, declared);
    equivalent.extend(names::cut(schema, Pair { from: live, to: &settled }));
    (settled, equivalent)
}

/// The part of a declared schema that live has. Whether what both have is equal is for the comparison
/// of catalogs to say, before this is used.
pub fn present(schema: &Schema, live: &Catalog) -> Schema {
    let has = |kind: Kind, path: &[&str]| {
        live.get(&ObjectId::new(kind, path.iter().map(|it| stored(it)))).is_some()
    };
    let mut kept = schema.clone();
    kept.schemas.retain(|it| has(Kind::Schema, &[it]));
    kept.enums.retain(|it| has(Kind::Enum, &[&it.schema, &it.name]));
    kept.sequences.retain(|it| has(Kind::Sequence, &[&it.schema, &it.name]));
    kept.views.retain(|it| {
        let kind = if it.materialized { Kind::MaterializedView } else { Kind::View };
        it.existing || has(kind, &[&it.schema, &it.name])
    });
    kept.policies.retain(|it| has(Kind::Policy, &[&it.schema, &it.on, &it.policy.name]));
    kept.tables = schema.tables.iter().filter_map(|it| present_table(it, live)).collect();
    kept
}

fn present_table(table: &Table, live: &Catalog) -> Option<Table> {
    let path = [table.schema.as_str(), table.name.as_str()];
    live.get(&ObjectId::new(Kind::Table, path.map(stored)))?;
    let has = |kind: Kind, name: &str| {
        let path = [&table.schema, &table.name, name];
        live.get(&ObjectId::new(kind, path.map(stored))).is_some()
    };
    let mut kept = table.clone();
    kept.columns.retain(|it| has(Kind::Column, &it.name));
    // Under whichever name: a column's own `.primaryKey()` has none.
    let id = ObjectId::new(Kind::Table, path.map(stored));
    if !live.inside(&id).any(|it| it.id.kind == Kind::PrimaryKey) {
        kept.primary_keys.clear();
        kept.columns.iter_mut().for_each(|it| it.primary_key = false);
    }
    kept.indexes.retain(|it| has(Kind::Index, &it.name));
    kept.foreign_keys.retain(|it| has(Kind::ForeignKey, &it.name));
    kept.uniques.retain(|it| has(Kind::Unique, &it.name) || merged::is_merged(table, it, live));
    kept.checks.retain(|it| has(Kind::Check, &it.name));
    kept.policies.retain(|it| has(Kind::Policy, &it.name));
    Some(kept)
}

/// The catalog as a Drizzle schema, as far as Drizzle can say it: tables with what is inside them, enums,
/// schemas and free sequences. Views and policies stay carried until somebody declares them.
pub fn describe(live: &Catalog) -> Schema {
    let name = |it: &Object| it.id.name().to_owned();
    let schemas = live.of_kind(Kind::Schema).map(name).filter(|it| it != "public");
    let is_plain = |it: &&Object| {
        ["partition by", "partition of", "inherits", "of type"]
            .iter()
            .all(|name| it.get(name).is_none())
    };
    Schema {
        schemas: schemas.collect(),
        enums: live.of_kind(Kind::Enum).map(describe_enum).collect(),
        tables: live
            .of_kind(Kind::Table)
            .filter(is_plain)
            .map(|it| describe_table(live, it))
            .collect(),
        sequences: live
            .of_kind(Kind::Sequence)
            .filter(|it| it.get("owned as").is_none())
            .map(describe_sequence)
            .collect(),
        ..Schema::default()
    }
}

fn describe_enum(object: &Object) -> Enum {
    Enum {
        schema: schema_of(object),
        name: object.id.name().to_owned(),
        values: labels(object.get("values").unwrap_or_default()),
    }
}

/// The labels of an enum, out of the list that the catalog has of them.
pub fn labels(values: &str) -> Vec<String> {
    if values.is_empty() {
        return Vec::new();
    }
    let one = |it: String| match it.strip_prefix('E') {
        Some(escaped) => unquoted(escaped).replace("\\\\", "\\"),
        None => unquoted(&it),
    };
    split_keys(values).into_iter().map(one).collect()
}

fn describe_sequence(object: &Object) -> Sequence {
    let option = |name: &str| object.get(name).map(str::to_owned);
    let options = SequenceOptions {
        increment: option("increment"),
        start_with: option("start"),
        min_value: option("min"),
        max_value: option("max"),
        cache: option("cache"),
        cycle: Some(object.get("cycle") == Some("true")),
    };
    Sequence { schema: schema_of(object), name: object.id.name().to_owned(), options }
}

fn describe_table(live: &Catalog, table: &Object) -> Table {
    let inside = |kind: Kind| {
        let mut objects: Vec<&Object> =
            live.inside(&table.id).filter(|it| it.id.kind == kind).collect();
        objects.sort_by_key(|it| it.get("position").and_then(|it| it.parse::<u32>().ok()));
        objects
    };
    let name = table.id.name();
    let key = inside(Kind::PrimaryKey).first().copied();
    // Only a key of one column under PostgreSQL's own name is what `.primaryKey()` makes.
    let inline = key
        .filter(|it| it.id.name() == format!("{name}_pkey") && columns(it, "columns").len() == 1);
    let key_column = inline.and_then(|it| columns(it, "columns").pop());
    let named_key = key.filter(|_| inline.is_none()).map(|it| PrimaryKey {
        name: it.id.name().to_owned(),
        name_explicit: true,
        name_lent: false,
        columns: columns(it, "columns"),
    });
    Table {
        schema: schema_of(table),
        name: name.to_owned(),
        columns: inside(Kind::Column)
            .into_iter()
            .map(|it| describe_column(live, it, key_column.as_deref() == Some(it.id.name())))
            .collect(),
        indexes: inside(Kind::Index).into_iter().map(describe_index).collect(),
        foreign_keys: inside(Kind::ForeignKey)
            .into_iter()
            .filter_map(|it| describe_foreign_key(live, it))
            .collect(),
        primary_keys: named_key.into_iter().collect(),
        uniques: inside(Kind::Unique).into_iter().map(describe_unique).collect(),
        checks: inside(Kind::Check).into_iter().map(describe_check).collect(),
        policies: Vec::new(),
        rls: table.get("row security") == Some("true"),
    }
}

fn describe_column(live: &Catalog, column: &Object, primary_key: bool) -> Column {
    let catalog_type = column.get("type").unwrap_or_default();
    let is_serial = column.get("serial") == Some("true");
    let (sql_type, type_schema) = drizzle_type(live, catalog_type, is_serial);
    let identity = column.get("identity").map(|kind| Identity {
        kind: if kind == "always" { "always" } else { "byDefault" }.to_owned(),
        options: SequenceOptions::default(),
        name: None,
    });
    let default = column.get("default").filter(|_| !is_serial && identity.is_none());
    Column {
        name: column.id.name().to_owned(),
        sql_type,
        type_schema,
        primary_key,
        not_null: column.get("not null") == Some("true"),
        generated: column.get("generated").map(|it| Generated { expression: it.to_owned() }),
        identity,
        default: default.map(|it| DefaultValue::Sql(without_cast(it).to_owned())),
    }
}

/// A type as drizzle-orm spells it, and the schema of the enum that it is.
fn drizzle_type(live: &Catalog, catalog_type: &str, is_serial: bool) -> (String, Option<String>) {
    if is_serial {
        return (catalog_type.replace("integer", "int").replace("int", "serial"), None);
    }
    let (base, brackets) = match catalog_type.find("[]") {
        Some(at) => catalog_type.split_at(at),
        None => (catalog_type, ""),
    };
    if let Some(it) = live.of_kind(Kind::Enum).find(|it| it.id.dotted() == base) {
        return (format!("{}{brackets}", it.id.name()), Some(schema_of(it)));
    }
    // drizzle-kit quotes a name that it does not know as a whole.
    let spelled = base
        .strip_prefix("public.")
        .unwrap_or(base)
        .replace("character varying", "varchar")
        .replace("character(", "char(")
        .replace(" without time zone", "")
        .replace("timestamp(", "timestamp (");
    let spelled = if base.starts_with("numeric(") { spelled.replace(',', ", ") } else { spelled };
    (format!("{spelled}{brackets}"), None)
}

/// A constant without the cast that the server adds.
fn without_cast(expression: &str) -> &str {
    let literal_end = expression.strip_prefix('\'').and_then(|it| it.rfind("'::"));
    literal_end.and_then(|at| expression.get(..at + 2)).unwrap_or(expression)
}

fn describe_index(index: &Object) -> Index {
    Index {
        name: index.id.name().to_owned(),
        name_explicit: true,
        columns: split_keys(index.get("columns").unwrap_or_default())
            .iter()
            .map(|it| describe_key(it))
            .collect(),
        unique: index.get("unique") == Some("true"),
        condition: index.get("where").map(str::to_owned),
        concurrently: false,
        method: index.get("method").unwrap_or("btree").to_owned(),
        with: index
            .get("with")
            .into_iter()
            .flat_map(|it| it.split(", "))
            .filter_map(|it| it.split_once('='))
            .map(|(name, value)| (name.to_owned(), unquoted(value).into()))
            .collect(),
    }
}

/// The keys of an index: commas inside parentheses and quotes do not divide.
fn split_keys(keys: &str) -> Vec<String> {
    let (mut depth, mut quote, mut parts) = (0_i32, None, vec![String::new()]);
    for letter in keys.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            (Some(_) | None, _) => {}
        }
        parts.last_mut().expect("there is always a part").push(letter);
    }
    parts.into_iter().map(|it| it.trim().to_owned()).collect()
}

fn describe_key(key: &str) -> IndexColumn {
    let (key, nulls) = match key.rsplit_once(" NULLS ") {
        Some((key, order)) => (key, Some(order.to_lowercase())),
        None => (key, None),
    };
    let (key, asc) = match key.strip_suffix(" DESC") {
        Some(key) => (key, false),
        None => (key, true),
    };
    let nulls = nulls.unwrap_or_else(|| if asc { "last" } else { "first" }.to_owned());
    let is_expression = key.contains('(');
    let (name, opclass) = match key.rsplit_once(' ') {
        Some((name, opclass)) if !is_expression && !key.ends_with('"') => {
            (name, Some(opclass.to_owned()))
        }
        _ => (key, None),
    };
    let expression = if is_expression { name.to_owned() } else { unquoted(name) };
    IndexColumn { expression, is_expression, asc, nulls, opclass }
}

fn describe_foreign_key(live: &Catalog, key: &Object) -> Option<ForeignKey> {
    let references = key.get("references")?;
    let target = live.of_kind(Kind::Table).find(|it| it.id.dotted() == references)?;
    Some(ForeignKey {
        name: key.id.name().to_owned(),
        name_explicit: true,
        name_lent: false,
        columns: columns(key, "columns"),
        schema_to: schema_of(target),
        table_to: target.id.name().to_owned(),
        columns_to: columns(key, "references columns"),
        on_delete: key.get("on delete").unwrap_or("no action").to_owned(),
        on_update: key.get("on update").unwrap_or("no action").to_owned(),
    })
}

fn describe_unique(unique: &Object) -> Unique {
    Unique {
        name: unique.id.name().to_owned(),
        name_explicit: true,
        name_lent: false,
        of_column: false,
        columns: columns(unique, "columns"),
        nulls_not_distinct: unique.get("nulls not distinct") == Some("true"),
    }
}

fn describe_check(check: &Object) -> Check {
    Check {
        name: check.id.name().to_owned(),
        value: check.get("expression").unwrap_or_default().to_owned(),
    }
}

fn schema_of(object: &Object) -> String {
    object.id.path.first().cloned().unwrap_or_default()
}

fn columns(object: &Object, attribute: &str) -> Vec<String> {
    list(object, attribute).iter().map(|it| unquoted(it)).collect()
}

fn list(object: &Object, attribute: &str) -> Vec<String> {
    object.get(attribute).map(split_keys).unwrap_or_default()
}

fn unquoted(name: &str) -> String {
    let inner = |quote: char| name.strip_prefix(quote).and_then(|it| it.strip_suffix(quote));
    match (inner('"'), inner('\'')) {
        (Some(it), _) => it.replace("\"\"", "\""),
        (None, Some(it)) => it.replace("''", "'"),
        (None, None) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_get_drizzles_spelling() {
        let live = Catalog::new([Object::new(Kind::Enum, ["shop", "mood"])]);
        for (catalog_type, is_serial, expected) in [
            ("character varying(120)", false, "varchar(120)"),
            ("timestamp(3) without time zone", false, "timestamp (3)"),
            ("numeric(10,2)", false, "numeric(10, 2)"),
            ("integer", true, "serial"),
            ("bigint", true, "bigserial"),
            ("smallint", true, "smallserial"),
            ("shop.mood[]", false, "mood[]"),
        ] {
            assert_eq!(drizzle_type(&live, catalog_type, is_serial).0, expected);
        }
    }

    #[test]
    fn keys_of_an_index_fall_into_their_parts() {
        let keys: Vec<_> = split_keys("lower(a, b) DESC, \"x,y\" text_pattern_ops NULLS FIRST")
            .iter()
            .map(|it| describe_key(it))
            .collect();
        assert_eq!(
            (keys[0].expression.as_str(), keys[0].is_expression, keys[0].asc),
            ("lower(a, b)", true, false)
        );
        assert_eq!(
            (keys[1].expression.as_str(), keys[1].opclass.as_deref()),
            ("x,y", Some("text_pattern_ops"))
        );
        assert_eq!((keys[0].nulls.as_str(), keys[1].nulls.as_str()), ("first", "first"));
    }

    #[test]
    fn labels_lose_their_quotes() {
        assert_eq!(labels(r"'a, b', 'it''s', E'back\\slash'"), ["a, b", "it's", r"back\slash"]);
        assert_eq!(labels(""), [""; 0]);
    }

    #[test]
    fn a_constant_loses_the_servers_cast() {
        assert_eq!(without_cast("'x'::character varying"), "'x'");
        assert_eq!(without_cast("lower('x'::text)"), "lower('x'::text)");
    }
}
