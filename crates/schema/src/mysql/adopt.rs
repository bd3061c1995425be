//! Live → what a Drizzle schema would say of it: the content of a baseline's snapshot.

use super::schema::Schema;
use crate::catalog::{Catalog, Kind, ObjectId};

/// The part of a declared schema that live has. Whether what both have is equal is for the comparison
/// of catalogs to say, before this is used.
pub fn present(schema: &Schema, live: &Catalog) -> Schema {
    let has = |kind: Kind, path: &[&String]| {
        live.get(&ObjectId::new(kind, path.iter().copied())).is_some()
    };
    let mut kept = schema.clone();
    kept.tables.retain(|it| has(Kind::Table, &[&it.name]));
    for table in &mut kept.tables {
        table.columns.retain(|it| has(Kind::Column, &[&table.name, &it.name]));
        table.indexes.retain(|it| has(Kind::Index, &[&table.name, &it.name]));
        table.uniques.retain(|it| has(Kind::Index, &[&table.name, &it.name]));
    }
    kept.views.retain(|it| it.existing || has(Kind::View, &[&it.name]));
    kept
}
