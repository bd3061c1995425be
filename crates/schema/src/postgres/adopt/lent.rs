//! Names that a schema leaves open. Drizzle 1.0 knows a constraint without a name of its own by what it
//! does, so the name that live has for it stands, whoever gave it.

use super::{describe_foreign_key, describe_index, describe_unique};
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::postgres::schema::{ForeignKey, Index, PrimaryKey, Schema, Table, Unique};

/// The schema with live's names for what has none of its own.
#[must_use]
pub fn with_names_of(schema: &Schema, live: &Catalog) -> Schema {
    let mut named = schema.clone();
    for table in &mut named.tables {
        let lender = Lender::of(table, live);
        for it in &mut table.foreign_keys {
            let name = lender.name((&it.name, it.name_explicit), |found| lender.is_key(found, it));
            it.name_lent = name.is_some();
            it.name = name.unwrap_or_else(|| it.name.clone());
        }
        for it in &mut table.uniques {
            let name = lender.name((&it.name, it.name_explicit), |found| is_unique(found, it));
            it.name_lent = name.is_some();
            it.name = name.unwrap_or_else(|| it.name.clone());
        }
        for it in &mut table.primary_keys {
            let name = lender.name((&it.name, it.name_explicit), |found| is_primary(found, it));
            it.name_lent = name.is_some();
            it.name = name.unwrap_or_else(|| it.name.clone());
        }
        for it in &mut table.indexes {
            let name = lender.name((&it.name, it.name_explicit), |found| is_index(found, it));
            it.name = name.unwrap_or_else(|| it.name.clone());
        }
        let key = own_key(table, &lender);
        if let Some(key) = key {
            table.columns.iter_mut().for_each(|it| it.primary_key = false);
            table.primary_keys.push(key);
        }
    }
    named
}

/// A column's own `.primaryKey()` has no place for a name: under live's it is a key of the table.
fn own_key(table: &Table, lender: &Lender<'_>) -> Option<PrimaryKey> {
    let mut own = table.columns.iter().filter(|it| it.primary_key);
    let (Some(column), None, true) = (own.next(), own.next(), table.primary_keys.is_empty()) else {
        return None;
    };
    let key = PrimaryKey {
        name: format!("{}_pkey", table.name),
        name_explicit: false,
        name_lent: true,
        columns: vec![column.name.clone()],
    };
    let name = lender.name((&key.name, false), |found| is_primary(found, &key))?;
    Some(PrimaryKey { name, ..key })
}

/// The schema with every name of a unique constraint written out, in tables that live has. `CREATE TABLE`
/// of 1.0 leaves them to the server, which knows nothing of the names that were there before.
#[must_use]
pub fn with_names_written(schema: &Schema, live: &Catalog) -> Schema {
    let mut written = schema.clone();
    for table in &mut written.tables {
        let path = [&table.schema, &table.name].map(|it| super::stored(it));
        if live.get(&ObjectId::new(Kind::Table, path)).is_some() {
            table.uniques.iter_mut().for_each(|it| it.name_explicit = true);
        }
    }
    written
}

/// Live's constraints of one table.
struct Lender<'a> {
    live: &'a Catalog,
    objects: Vec<&'a Object>,
    /// Names that stay with whoever declares them.
    taken: Vec<String>,
}

impl<'a> Lender<'a> {
    fn of(table: &Table, live: &'a Catalog) -> Self {
        let id =
            ObjectId::new(Kind::Table, [&table.schema, &table.name].map(|it| super::stored(it)));
        let uniques = table.uniques.iter().map(|it| (&it.name, it.name_explicit));
        let keys = table.foreign_keys.iter().map(|it| (&it.name, it.name_explicit));
        let primary = table.primary_keys.iter().map(|it| (&it.name, it.name_explicit));
        let indexes = table.indexes.iter().map(|it| (&it.name, it.name_explicit));
        let explicit = uniques.chain(keys).chain(primary).chain(indexes).filter(|it| it.1);
        let taken = explicit.map(|it| it.0.clone()).collect();
        Self { live, objects: live.objects().filter(|it| it.id.is_inside(&id)).collect(), taken }
    }

    /// The name of the only constraint that is the same, unless live has one of the declared name.
    fn name(
        &self,
        (name, is_explicit): (&str, bool),
        is_same: impl Fn(&Object) -> bool,
    ) -> Option<String> {
        let same: Vec<_> = self.objects.iter().filter(|it| is_same(it)).collect();
        let has_name = same.iter().any(|it| it.id.name() == super::stored(name));
        let [only] = same[..] else { return None };
        let lent = only.id.name().to_owned();
        (!is_explicit && !has_name && !self.taken.contains(&lent)).then_some(lent)
    }

    fn is_key(&self, object: &Object, key: &ForeignKey) -> bool {
        let found =
            (object.id.kind == Kind::ForeignKey).then(|| describe_foreign_key(self.live, object));
        let named = |it: ForeignKey| ForeignKey {
            name: key.name.clone(),
            name_explicit: key.name_explicit,
            name_lent: key.name_lent,
            ..it
        };
        found.flatten().map(named).as_ref() == Some(key)
    }
}

fn is_unique(object: &Object, unique: &Unique) -> bool {
    object.id.kind == Kind::Unique && {
        let found = describe_unique(object);
        found.columns == unique.columns && found.nulls_not_distinct == unique.nulls_not_distinct
    }
}

/// Expressions and conditions are spelled by the server in its own way, so their indexes keep their names.
fn is_index(object: &Object, index: &Index) -> bool {
    let is_plain = index.condition.is_none() && index.columns.iter().all(|it| !it.is_expression);
    object.id.kind == Kind::Index && is_plain && {
        let found = describe_index(object);
        found.columns == index.columns
            && found.unique == index.unique
            && found.condition.is_none()
            && found.method == index.method
            && found.with.is_empty()
            && index.with.is_empty()
    }
}

fn is_primary(object: &Object, key: &PrimaryKey) -> bool {
    object.id.kind == Kind::PrimaryKey && super::columns(object, "columns") == key.columns
}
