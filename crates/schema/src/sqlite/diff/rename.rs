//! Renames in a SQLite snapshot, as drizzle-kit 0.31.11 takes them: the new name takes the place of the
//! old one and nowhere else. Views are dropped and created.

use indexmap::IndexMap;

use super::super::snapshot::Snapshot;
use crate::rename::{NameKind, Path, Rename};

/// The names of all parts of a kind.
pub fn names(snapshot: &Snapshot, kind: NameKind) -> Vec<Path> {
    match kind {
        NameKind::Table => snapshot.tables.values().map(|it| vec![it.name.clone()]).collect(),
        NameKind::Column => {
            let tables = snapshot.tables.values();
            let columns = tables.flat_map(|table| table.columns.keys().map(|it| (&table.name, it)));
            columns.map(|(table, it)| vec![table.clone(), it.clone()]).collect()
        }
        NameKind::Schema
        | NameKind::Enum
        | NameKind::Sequence
        | NameKind::Role
        | NameKind::Unique
        | NameKind::Check
        | NameKind::Index
        | NameKind::PrimaryKey
        | NameKind::ForeignKey
        | NameKind::Policy
        | NameKind::View => Vec::new(),
    }
}

/// Gives one part another name.
pub fn rename(snapshot: &mut Snapshot, rename: &Rename) {
    match (&rename.from[..], &rename.to[..]) {
        ([old], [new]) => {
            if let Some(table) = snapshot.tables.get_mut(old) {
                table.name.clone_from(new);
            }
            rekey(&mut snapshot.tables, old, new);
        }
        ([table, old], [.., new]) => {
            let Some(table) = snapshot.tables.get_mut(table) else { return };
            if let Some(column) = table.columns.get_mut(old) {
                column.name.clone_from(new);
            }
            rekey(&mut table.columns, old, new);
        }
        _ => {}
    }
}

/// An entry keeps its place under its new key.
fn rekey<V>(all: &mut IndexMap<String, V>, old: &str, new: &str) {
    if let Some(index) = all.get_index_of(old) {
        // Where another has the key, nothing was renamed.
        let _taken = all.replace_index(index, new.to_owned());
    }
}
