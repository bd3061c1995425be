//! Live → what a Drizzle schema would say of it: the content of a baseline's snapshot.
//!
//! Where `schema.ts` declares what live has, its spelling is taken ([`present`]), so that the real
//! `drizzle-kit generate` finds nothing; without a `schema.ts` the catalog is described ([`describe`]).

mod kept;

use super::grammar::spell_identifier;
use super::schema::{
    Check, Column, DefaultValue, ForeignKey, Generated, Index, IndexColumn, PrimaryKey, Schema,
    Table, View,
};
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::{AttributeDifference, Equivalence};
use crate::drizzle::Generation;
use crate::pair::Pair;

/// The declared catalog as it has to be compared with live.
#[derive(Clone, Debug)]
pub struct Settled {
    pub catalog: Catalog,
    /// What in it is only another way to the same.
    pub equivalent: Vec<Equivalence>,
    /// Unique constraints that live has in no way.
    pub missing: Vec<Object>,
}

/// Settles how `.unique()` is kept: Drizzle 0.x makes a unique index, 1.0 a UNIQUE constraint, and live may
/// have either. Only in catalogs that 1.0 built are there constraints to settle.
pub fn settle(live: &Catalog, declared: &Catalog) -> Settled {
    let mut settled =
        Settled { catalog: declared.clone(), equivalent: Vec::new(), missing: Vec::new() };
    for unique in declared.of_kind(Kind::Unique).filter(|it| live.get(&it.id).is_none()) {
        let columns = unique.get("columns").unwrap_or_default();
        let Some(index) = unique_index(&unique.id, columns, live) else {
            settled.missing.push(unique.clone());
            continue;
        };
        settled.catalog.insert(index.clone());
        let values = Pair { from: Some(index.id.to_string()), to: Some(unique.id.to_string()) };
        settled.equivalent.push(Equivalence {
            id: index.id.clone(),
            attribute: AttributeDifference { name: "unique".to_owned(), values },
            why: "SQLite keeps the same rows out by a unique index as by a UNIQUE constraint",
        });
    }
    settled
}

/// Whether a UNIQUE constraint of its table keeps out the rows that a unique index did: Drizzle 1.0 puts
/// one into the new table where it makes a table anew.
pub fn is_constraint_now(index: &Object, after: &Catalog) -> bool {
    let table = ObjectId::new(Kind::Table, index.id.path.split_last().map_or(&[][..], |it| it.1));
    let mut uniques = after.of_kind(Kind::Unique).filter(|it| it.id.is_inside(&table));
    index.get("unique") == Some("true")
        && index.get("where").is_none()
        && uniques.any(|it| it.get("columns") == index.get("columns"))
}

/// The unique index over all rows of the table in which another object is.
fn unique_index<'a>(inside: &ObjectId, columns: &str, live: &'a Catalog) -> Option<&'a Object> {
    let table = ObjectId::new(Kind::Table, inside.path.split_last()?.1);
    let is_same = |it: &&Object| {
        it.id.is_inside(&table)
            && it.get("unique") == Some("true")
            && it.get("where").is_none()
            && it.get("columns") == Some(columns)
    };
    live.of_kind(Kind::Index).find(is_same)
}

pub use kept::{as_live_has, named_as};

/// The part of a declared schema that live has. Whether what both have is equal is for the comparison
/// of catalogs to say, before this is used.
pub fn present(schema: &Schema, live: &Catalog, generation: Generation) -> Schema {
    let tables =
        schema.tables.iter().filter_map(|it| present_table(it, live, generation)).collect();
    let has_view =
        |it: &&View| it.existing || live.get(&ObjectId::new(Kind::View, [&it.name])).is_some();
    Schema { tables, views: schema.views.iter().filter(has_view).cloned().collect() }
}

fn present_table(table: &Table, live: &Catalog, generation: Generation) -> Option<Table> {
    live.get(&ObjectId::new(Kind::Table, [&table.name]))?;
    let has =
        |kind: Kind, name: &str| live.get(&ObjectId::new(kind, [&table.name, name])).is_some();
    let mut kept = table.clone();
    kept.columns.retain(|it| has(Kind::Column, &it.name));
    kept.indexes.retain(|it| has(Kind::Index, &it.name));
    kept.uniques.retain(|it| match generation {
        Generation::V0 => has(Kind::Index, &it.name),
        Generation::V1 => is_unique(&table.name, &it.columns, live),
    });
    Some(kept)
}

/// Whether live's table has a UNIQUE constraint or a unique index over exactly these columns.
fn is_unique(table: &str, columns: &[String], live: &Catalog) -> bool {
    let columns: Vec<_> = columns.iter().map(|it| spell_identifier(it)).collect();
    let columns = columns.join(", ");
    let unique = ObjectId::new(Kind::Unique, [table, &format!("unique({columns})")]);
    live.get(&unique).is_some() || unique_index(&unique, &columns, live).is_some()
}

/// The catalog as a Drizzle schema, as far as Drizzle can say it.
pub fn describe(live: &Catalog) -> Schema {
    let is_plain = |it: &&Object| it.get("virtual").is_none() && it.get("definition").is_none();
    let tables = live.of_kind(Kind::Table).filter(is_plain).map(|it| describe_table(live, it));
    Schema { tables: tables.collect(), views: Vec::new() }
}

fn describe_table(live: &Catalog, table: &Object) -> Table {
    let inside = |kind: Kind| {
        let mut objects: Vec<&Object> =
            live.inside(&table.id).filter(|it| it.id.kind == kind).collect();
        objects.sort_by_key(|it| it.get("position").and_then(|it| it.parse::<u32>().ok()));
        objects
    };
    let key = inside(Kind::PrimaryKey).first().copied();
    let name = table.id.name();
    let key_columns = key.map(|it| columns(live, name, it, "columns")).unwrap_or_default();
    Table {
        name: name.to_owned(),
        columns: inside(Kind::Column)
            .into_iter()
            .map(|it| describe_column(it, key, &key_columns))
            .collect(),
        indexes: inside(Kind::Index).into_iter().map(|it| describe_index(live, name, it)).collect(),
        foreign_keys: inside(Kind::ForeignKey)
            .into_iter()
            .map(|it| describe_foreign_key(live, name, it))
            .collect(),
        primary_keys: composite_key(name, &key_columns),
        uniques: Vec::new(),
        checks: inside(Kind::Check).into_iter().map(describe_check).collect(),
    }
}

fn describe_column(column: &Object, key: Option<&Object>, key_columns: &[String]) -> Column {
    let name = column.id.name();
    let is_key = matches!(key_columns, [only] if only == name);
    Column {
        name: name.to_owned(),
        sql_type: column.get("type").unwrap_or_default().to_owned(),
        primary_key: is_key,
        not_null: column.get("not null") == Some("true"),
        autoincrement: is_key && key.and_then(|it| it.get("autoincrement")) == Some("true"),
        generated: column.get("generated").map(|expression| Generated {
            expression: format!("({expression})"),
            kind: column.get("generated kind").unwrap_or("virtual").to_owned(),
        }),
        default: column.get("default").map(|it| DefaultValue::Sql(as_default(it))),
    }
}

/// A default as a statement has to say it: whatever is no plain value, in parentheses.
fn as_default(expression: &str) -> String {
    let is_word = ["null", "true", "false", "current_time", "current_date", "current_timestamp"]
        .iter()
        .any(|it| expression.eq_ignore_ascii_case(it));
    let is_quoted = ['\'', '"'].iter().any(|it| expression.starts_with(*it));
    let is_number = expression.replace(' ', "").parse::<f64>().is_ok();
    if is_word || is_number || is_quoted && !expression.contains("||") {
        return expression.to_owned();
    }
    let is_blob = expression.strip_prefix(['x', 'X']).is_some_and(|it| it.starts_with('\''));
    if is_blob { expression.to_owned() } else { format!("({expression})") }
}

fn composite_key(table: &str, columns: &[String]) -> Vec<PrimaryKey> {
    if columns.len() < 2 {
        return Vec::new();
    }
    let name = format!("{table}_{}_pk", columns.join("_"));
    vec![PrimaryKey { name, name_explicit: false, columns: columns.to_vec() }]
}

fn describe_index(live: &Catalog, table: &str, index: &Object) -> Index {
    let parts = columns(live, table, index, "columns").into_iter().map(|part| {
        let is_expression = part.contains(' ') || part.contains('(');
        IndexColumn { expression: part, is_expression }
    });
    Index {
        name: index.id.name().to_owned(),
        columns: parts.collect(),
        unique: index.get("unique") == Some("true"),
        condition: index.get("where").map(str::to_owned),
    }
}

fn describe_foreign_key(live: &Catalog, table: &str, key: &Object) -> ForeignKey {
    let table_to = key.get("references").unwrap_or_default().to_owned();
    let from = columns(live, table, key, "columns");
    let to = columns(live, &table_to, key, "references columns");
    ForeignKey {
        name_lent: false,
        name: format!("{table}_{}_{table_to}_{}_fk", from.join("_"), to.join("_")),
        name_explicit: false,
        columns: from,
        table_to,
        columns_to: to,
        on_delete: key.get("on delete").unwrap_or("no action").to_owned(),
        on_update: key.get("on update").unwrap_or("no action").to_owned(),
    }
}

fn describe_check(check: &Object) -> Check {
    let value = check.get("expression").unwrap_or_default().to_owned();
    Check { name: check.id.name().to_owned(), value }
}

/// The columns that an attribute lists, spelled as their table spells them: names compare without
/// case in SQLite, so the catalog lists them in lower case.
fn columns(live: &Catalog, table: &str, object: &Object, attribute: &str) -> Vec<String> {
    let table = ObjectId::new(Kind::Table, [table]);
    let spelled = |name: &str| {
        let name = name.trim_matches('"');
        let mut columns = live.inside(&table).filter(|it| it.id.kind == Kind::Column);
        let found = columns.find(|it| it.id.name().eq_ignore_ascii_case(name));
        found.map_or_else(|| name.to_owned(), |it| it.id.name().to_owned())
    };
    let list = object.get(attribute).unwrap_or_default();
    list.split(", ").filter(|it| !it.is_empty()).map(spelled).collect()
}
