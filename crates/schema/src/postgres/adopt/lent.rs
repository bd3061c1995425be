//! Names that a schema leaves open. Drizzle 1.0 knows a constraint without a name of its own by what it
//! does, so the name that live has for it stands, whoever gave it.

use super::{describe_foreign_key, describe_unique};
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::postgres::schema::{ForeignKey, PrimaryKey, Schema, Table, Unique};

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
    }
    named
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
        let explicit = uniques.chain(keys).chain(primary).filter(|it| it.1);
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

fn is_primary(object: &Object, key: &PrimaryKey) -> bool {
    object.id.kind == Kind::PrimaryKey && super::columns(object, "columns") == key.columns
}
