//! UNIQUE constraints that PostgreSQL does not make.
//!
//! Within one `CREATE TABLE` the server makes one index of a primary key and a UNIQUE over the same
//! columns, and of two UNIQUEs over the same columns. The one that stays is the primary key, or the
//! first; if it has no name, it takes that of the other. So `.primaryKey().unique()` gives a primary key
//! called `t_id_unique` and no unique constraint, while snapshots know of the unique and live's
//! primary key has whatever name it was given.

use super::names::stored;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::{AttributeDifference, Equivalence};
use crate::pair::Pair;
use crate::postgres::schema::{Schema, Table, Unique};

/// The declared catalog without the traces of merging that mean nothing beside `live`, and what was
/// merged.
pub(super) fn settle(
    schema: &Schema,
    live: &Catalog,
    declared: &Catalog,
) -> (Catalog, Vec<Equivalence>) {
    let (mut settled, mut merged) = (declared.clone(), Vec::new());
    for table in &schema.tables {
        for unique in &table.uniques {
            let id = unique_id(table, unique);
            // It was made as declared, or its table was not made at all.
            if settled.get(&id).is_some() {
                continue;
            }
            let Some(survivor) = survivor(table, unique, &settled).cloned() else { continue };
            take_name_of_live(&survivor, (table, unique), live, &mut settled);
            match live.get(&id) {
                Some(it) if covers(it, unique) => settled.insert(it.clone()),
                Some(_) | None => merged.extend(equivalence(&id, live)),
            }
        }
    }
    (settled, merged)
}

/// Whether live's table holds what a declared UNIQUE asks for in another constraint over the same
/// columns.
pub(super) fn is_merged(table: &Table, unique: &Unique, live: &Catalog) -> bool {
    let rivals = table.uniques.iter().filter(|it| it.name != unique.name);
    let rival_columns = rivals.map(|it| it.columns.as_slice());
    let is_declared_twice = key_columns(table)
        .iter()
        .map(Vec::as_slice)
        .chain(rival_columns)
        .any(|it| it == unique.columns.as_slice());
    is_declared_twice && survivor(table, unique, live).is_some()
}

fn unique_id(table: &Table, unique: &Unique) -> ObjectId {
    let path = [table.schema.as_str(), &table.name, &unique.name];
    ObjectId::new(Kind::Unique, path.map(stored))
}

/// The columns of the primary keys that a table declares.
fn key_columns(table: &Table) -> Vec<Vec<String>> {
    let inline = table.columns.iter().filter(|it| it.primary_key).map(|it| vec![it.name.clone()]);
    inline.chain(table.primary_keys.iter().map(|it| it.columns.clone())).collect()
}

/// The constraint into which a UNIQUE went: the primary key if that has its columns, else the UNIQUE
/// that has.
fn survivor<'a>(table: &Table, unique: &Unique, catalog: &'a Catalog) -> Option<&'a Object> {
    let id = ObjectId::new(Kind::Table, [&table.schema, &table.name].map(|it| stored(it)));
    let mut keys: Vec<&Object> =
        catalog.objects().filter(|it| it.id.is_inside(&id) && covers(it, unique)).collect();
    keys.sort_by_key(|it| it.id.kind);
    keys.first().copied()
}

/// Whether a constraint is a primary key or UNIQUE over exactly these columns in this order.
fn covers(object: &Object, unique: &Unique) -> bool {
    let is_key = object.id.kind == Kind::PrimaryKey && !unique.nulls_not_distinct;
    let distinct = object.get("nulls not distinct").is_none() != unique.nulls_not_distinct;
    let is_unique = object.id.kind == Kind::Unique && distinct;
    (is_key || is_unique) && super::columns(object, "columns") == unique.columns
}

/// A primary key that has the UNIQUE's name has it by accident: schema.ts names only the UNIQUE.
fn take_name_of_live(
    survivor: &Object,
    (table, unique): (&Table, &Unique),
    live: &Catalog,
    settled: &mut Catalog,
) {
    let is_named = table.primary_keys.iter().any(|it| stored(&it.name) == survivor.id.name());
    if survivor.id.kind != Kind::PrimaryKey
        || survivor.id.name() != stored(&unique.name)
        || is_named
    {
        return;
    }
    let id = ObjectId::new(Kind::Table, survivor.id.path.iter().take(2).cloned());
    let key = live.inside(&id).find(|it| it.id.kind == Kind::PrimaryKey && covers(it, unique));
    let Some(key) = key else { return };
    *settled = settled.filtered(|it| it.id != survivor.id);
    settled.insert(Object { id: key.id.clone(), ..survivor.clone() });
}

fn equivalence(id: &ObjectId, live: &Catalog) -> Option<Equivalence> {
    let table = ObjectId::new(Kind::Table, id.path.iter().take(2).cloned());
    live.get(&table)?;
    let values = Pair { from: None, to: Some(id.name().to_owned()) };
    Some(Equivalence {
        id: id.clone(),
        attribute: AttributeDifference { name: "constraint".to_owned(), values },
        why: "PostgreSQL merges it into the other constraint over the same columns, which is unique already",
    })
}
