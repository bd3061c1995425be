//! Renames in the rows of Drizzle 1.0: a row gets its new name, and the rows that point at it follow.

use serde_json::Value;

use super::entities::{Delta, Entities, Row};
use crate::rename::{NameKind, Path, Rename};

/// The type of rows that have names of a kind.
fn entity(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Schema => "schemas",
        NameKind::Enum => "enums",
        NameKind::Sequence => "sequences",
        NameKind::Role => "roles",
        NameKind::Table => "tables",
        NameKind::Column => "columns",
        NameKind::Unique => "uniques",
        NameKind::Check => "checks",
        NameKind::Index => "indexes",
        NameKind::PrimaryKey => "pks",
        NameKind::ForeignKey => "fks",
        NameKind::Policy => "policies",
        NameKind::View => "views",
    }
}

fn path(row: &Row) -> Path {
    let parts = ["schema", "table", "name"].into_iter().filter_map(|it| row.get(it));
    parts.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The names of all rows of a kind.
pub(super) fn names(entities: &Entities, kind: NameKind) -> Vec<Path> {
    entities.of(entity(kind)).map(path).collect()
}

/// Gives a row its new name, and says it as a file does. Nothing where there is no such row, or where
/// another has the name.
pub(super) fn rename(entities: &mut Entities, rename: &Rename) -> Option<Delta> {
    let old = entities.of(entity(rename.kind)).find(|it| path(it) == rename.from)?;
    let key = entities.full_key(old);
    let schema = rename.to.first().filter(|_| rename.is_moved()).cloned();
    let fields = [("name", Some(rename.new_name().to_owned())), ("schema", schema)];
    let changed = fields.into_iter().filter_map(|(field, value)| {
        let value = value.filter(|it| old.get(field).is_some_and(|old| old != it.as_str()))?;
        Some((field.to_owned(), value.into()))
    });
    let set: Row = changed.collect();
    entities.set(&key, &set).ok()?;
    Some(Delta::Rename { key, set })
}
