//! A snapshot of 0.31 as rows, as `drizzle-kit up` of 1.0 turns it (`updateToV7`,
//! `src/cli/commands/up-sqlite.ts`), but that expressions of indexes stay expressions and keys without a
//! name get one: 1.0 cannot read what its own `up` makes of the latter, and rebuilds the former.

use super::super::snapshot;
use super::types::TYPES;
use super::{Check, Column, ForeignKey, Generated, Index, IndexColumn, Key, Table, View};
use crate::drizzle::entities::{Clash, Entities, row};
use crate::drizzle::javascript;

/// The rows of a snapshot of 0.31.
pub(super) fn entities(from: &snapshot::Snapshot) -> Result<Entities, Clash> {
    let mut rows = Entities::new(TYPES);
    for it in from.tables.values() {
        add_table(&mut rows, from, it)?;
    }
    for it in from.views.values() {
        let (name, definition) = (it.name.clone(), it.definition.clone());
        let is_existing = it.is_existing;
        rows.add(row("views", &View { name, definition, is_existing, error: None }))?;
    }
    Ok(rows)
}

fn add_table(
    rows: &mut Entities,
    from: &snapshot::Snapshot,
    it: &snapshot::Table,
) -> Result<(), Clash> {
    rows.add(row("tables", &Table { name: it.name.clone() }))?;
    for column in it.columns.values() {
        rows.add(row("columns", &self::column(it, column)))?;
        if column.primary_key {
            let name = format!("{}_pk", it.name);
            rows.add(row("pks", &key(it, (name, vec![column.name.clone()]), false)))?;
        }
    }
    for pk in it.composite_primary_keys.values() {
        let default = format!("{}_{}_pk", it.name, pk.columns.join("_"));
        let name = pk.name.clone().unwrap_or_else(|| default.clone());
        let is_explicit = name != default;
        rows.add(row("pks", &key(it, (name, pk.columns.clone()), is_explicit)))?;
    }
    for index in it.indexes.values() {
        rows.add(row("indexes", &self::index(from, it, index)))?;
    }
    for unique in it.unique_constraints.values() {
        let default = format!("{}_{}_unique", it.name, unique.columns.join("_"));
        let named = (unique.name.clone(), unique.columns.clone());
        rows.add(row("uniques", &key(it, named, unique.name != default)))?;
    }
    for check in it.check_constraints.values() {
        let (name, value) = (check.name.clone(), check.value.clone());
        rows.add(row("checks", &Check { table: it.name.clone(), name, value }))?;
    }
    for key in it.foreign_keys.values() {
        rows.add(row("fks", &foreign_key(it, key)))?;
    }
    Ok(())
}

fn column(table: &snapshot::Table, it: &snapshot::Column) -> Column {
    Column {
        table: table.name.clone(),
        name: it.name.clone(),
        r#type: it.r#type.clone(),
        not_null: it.not_null && !it.primary_key,
        autoincrement: Some(it.autoincrement),
        default: it.default.as_ref().map(javascript::text),
        generated: it
            .generated
            .as_ref()
            .map(|it| Generated { r#as: it.r#as.clone(), r#type: it.r#type.clone() }),
    }
}

fn key(table: &snapshot::Table, named: (String, Vec<String>), name_explicit: bool) -> Key {
    let (name, columns) = named;
    Key { table: table.name.clone(), name, columns, name_explicit }
}

fn index(from: &snapshot::Snapshot, table: &snapshot::Table, it: &snapshot::Index) -> Index {
    let column = |value: &String| IndexColumn {
        value: value.clone(),
        is_expression: from.is_expression(&it.name, value),
    };
    Index {
        table: table.name.clone(),
        name: it.name.clone(),
        columns: it.columns.iter().map(column).collect(),
        is_unique: it.is_unique,
        condition: it.condition.clone(),
        origin: "manual".to_owned(),
    }
}

fn foreign_key(table: &snapshot::Table, it: &snapshot::ForeignKey) -> ForeignKey {
    let (from, to) = (it.columns_from.join("_"), it.columns_to.join("_"));
    let default = format!("{}_{from}_{}_{to}_fk", table.name, it.table_to);
    let action = |it: &Option<String>| it.as_deref().unwrap_or("no action").to_uppercase();
    ForeignKey {
        table: table.name.clone(),
        name: it.name.clone(),
        columns: it.columns_from.clone(),
        table_to: it.table_to.clone(),
        columns_to: it.columns_to.clone(),
        on_update: action(&it.on_update),
        on_delete: action(&it.on_delete),
        name_explicit: it.name != default,
    }
}
