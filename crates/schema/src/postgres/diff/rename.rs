//! Renames in a PostgreSQL snapshot, as drizzle-kit 0.31.11 takes them.
//!
//! It puts the new name in the place of the old one and nowhere else: an index of a renamed column still
//! names the old one, so it is dropped and created as one that differs. What it does not do, and what is
//! done here: a renamed column or policy that differs in other ways too is altered as well, and the views
//! of a renamed schema go with it.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::snapshot::{Column, Snapshot, Table};
use crate::rename::{NameKind, Path, Rename};

const PUBLIC: &str = "public";

/// The types of the columns as SQL, those left out that a project makes itself.
pub fn column_types(snapshot: &Snapshot) -> BTreeMap<Path, String> {
    let of = |table: &Table| {
        let plain = table.columns.values().filter(|it| it.type_schema.is_none());
        let path =
            |name: &String| [schema_of(table), &table.name, name].map(str::to_owned).to_vec();
        plain.map(|it| (path(&it.name), it.r#type.clone())).collect::<Vec<_>>()
    };
    snapshot.tables.values().flat_map(of).collect()
}

/// The names of all parts of a kind.
pub fn names(snapshot: &Snapshot, kind: NameKind) -> Vec<Path> {
    let path = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Path>();
    let on_tables = |names: fn(&Table) -> Vec<&String>| {
        let of = |table: &Table| {
            let names = names(table).into_iter();
            names.map(|it| path(&[schema_of(table), &table.name, it])).collect::<Vec<_>>()
        };
        snapshot.tables.values().flat_map(of).collect()
    };
    match kind {
        NameKind::Schema => snapshot.schemas.values().map(|it| path(&[it])).collect(),
        NameKind::Enum => snapshot.enums.values().map(|it| path(&[&it.schema, &it.name])).collect(),
        NameKind::Sequence => {
            snapshot.sequences.values().map(|it| path(&[&it.schema, &it.name])).collect()
        }
        NameKind::Role => snapshot.roles.values().map(|it| path(&[&it.name])).collect(),
        NameKind::Table => {
            snapshot.tables.values().map(|it| path(&[schema_of(it), &it.name])).collect()
        }
        NameKind::Column => on_tables(|it| it.columns.keys().collect()),
        NameKind::Policy => on_tables(|it| it.policies.keys().collect()),
        NameKind::View => {
            let views = snapshot.views.values().filter(|it| !it.is_existing);
            views.map(|it| path(&[&it.schema, &it.name])).collect()
        }
        // The kit never asks about them: they are dropped and created.
        NameKind::Unique
        | NameKind::Check
        | NameKind::Index
        | NameKind::PrimaryKey
        | NameKind::ForeignKey => Vec::new(),
    }
}

/// Gives one part another name.
pub fn rename(snapshot: &mut Snapshot, rename: &Rename) {
    match (rename.kind, &rename.from[..], &rename.to[..]) {
        (NameKind::Schema, [old], [new]) => rename_schema(snapshot, old, new),
        (NameKind::Enum, [..], [schema, name]) => {
            rename_enum(snapshot, rename);
            at_key(&mut snapshot.enums, &rename.from, |it| {
                (it.schema, it.name) = (schema.clone(), name.clone());
                dotted(schema, name)
            });
        }
        (NameKind::Sequence, [..], [schema, name]) => {
            at_key(&mut snapshot.sequences, &rename.from, |it| {
                (it.schema, it.name) = (schema.clone(), name.clone());
                dotted(schema, name)
            });
        }
        (NameKind::Role, [..], [name]) => at_key(&mut snapshot.roles, &rename.from, |it| {
            it.name.clone_from(name);
            name.clone()
        }),
        (NameKind::Table, [..], [schema, name]) => {
            at_key(&mut snapshot.tables, &rename.from, |it| {
                it.schema = if schema == PUBLIC { String::new() } else { schema.clone() };
                it.name.clone_from(name);
                dotted(schema, name)
            });
        }
        (NameKind::Column, [schema, table, old], [.., new]) => {
            on_table(snapshot, schema, table, |it| {
                at_key(&mut it.columns, std::slice::from_ref(old), |it: &mut Column| {
                    it.name.clone_from(new);
                    new.clone()
                });
            });
        }
        (NameKind::Policy, [schema, table, old], [.., new]) => {
            on_table(snapshot, schema, table, |it| {
                at_key(&mut it.policies, std::slice::from_ref(old), |it| {
                    it.name.clone_from(new);
                    new.clone()
                });
            });
        }
        (NameKind::View, [..], [schema, name]) => at_key(&mut snapshot.views, &rename.from, |it| {
            (it.schema, it.name) = (schema.clone(), name.clone());
            dotted(schema, name)
        }),
        _ => {}
    }
}

fn schema_of(table: &Table) -> &str {
    if table.schema.is_empty() { PUBLIC } else { &table.schema }
}

fn dotted(schema: &str, name: &str) -> String {
    format!("{schema}.{name}")
}

/// Changes the entry of a name, which keeps its place under the key that comes out.
fn at_key<V>(
    all: &mut IndexMap<String, V>,
    name: &[String],
    change: impl FnOnce(&mut V) -> String,
) {
    let key = name.join(".");
    let Some((index, _, value)) = all.get_full_mut(&key) else { return };
    let new = change(value);
    // Where another has the key, nothing was renamed.
    let _taken = all.replace_index(index, new);
}

fn on_table(snapshot: &mut Snapshot, schema: &str, table: &str, change: impl FnOnce(&mut Table)) {
    if let Some(table) = snapshot.tables.get_mut(&dotted(schema, table)) {
        change(table);
    }
}

/// What stands in a schema goes with it.
fn rename_schema(snapshot: &mut Snapshot, old: &str, new: &str) {
    at_key(&mut snapshot.schemas, &[old.to_owned()], |it| {
        new.clone_into(it);
        new.to_owned()
    });
    fn move_all<V>(
        all: &mut IndexMap<String, V>,
        (old, new): (&str, &str),
        schema: fn(&mut V) -> (&mut String, &str),
    ) {
        let rekeyed = std::mem::take(all).into_iter().map(|(key, mut value)| {
            let (schema, name) = schema(&mut value);
            if schema != old {
                return (key, value);
            }
            let key = dotted(new, name);
            new.clone_into(schema);
            (key, value)
        });
        *all = rekeyed.collect();
    }
    let names = (old, new);
    move_all(&mut snapshot.tables, names, |it| (&mut it.schema, &it.name));
    move_all(&mut snapshot.enums, names, |it| (&mut it.schema, &it.name));
    move_all(&mut snapshot.sequences, names, |it| (&mut it.schema, &it.name));
    move_all(&mut snapshot.views, names, |it| (&mut it.schema, &it.name));
}

/// Columns of a renamed enum are of the same type as before. drizzle-kit forgets the arrays of it, and has
/// their tables written anew for a type that they have.
fn rename_enum(snapshot: &mut Snapshot, rename: &Rename) {
    let ([old_schema, old], [schema, name]) = (&rename.from[..], &rename.to[..]) else { return };
    let columns = snapshot.tables.values_mut().flat_map(|it| it.columns.values_mut());
    for column in columns.filter(|it| it.type_schema.as_deref().unwrap_or(PUBLIC) == old_schema) {
        let (base, brackets) = match column.r#type.split_once('[') {
            Some((base, rest)) => (base, format!("[{rest}")),
            None => (column.r#type.as_str(), String::new()),
        };
        if base == old {
            column.r#type = format!("{name}{brackets}");
            column.type_schema = Some(schema.clone());
        }
    }
}
