//! Enums whose values change: those that come are added; where one goes away or moves, the type is built
//! anew and its columns are carried over as text.

use super::readers::readers;
use super::{Change, Diff, Split, named, split};
use crate::pair::Pair;
use crate::postgres::diff::alter::Alteration;
use crate::postgres::snapshot::{Column, Enum, Snapshot, Table};

/// A column of a type that is built anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnumColumn<'a> {
    pub table: &'a Table,
    pub column: &'a Column,
}

pub(super) fn enums<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { dropped, created, kept } = split(&snapshots.from.enums, &snapshots.to.enums);
    diff.changes.extend(created.into_iter().map(Change::CreateEnum));
    diff.changes.extend(dropped.into_iter().map(Change::DropEnum));
    for pair in kept.into_iter().filter(|it| it.from.values != it.to.values) {
        match added_values(pair) {
            Some(added) => diff.changes.extend(added),
            None => rebuild(snapshots, pair.to, diff),
        }
    }
}

/// The values to add when none goes away and the others keep their order.
fn added_values<'a>(enums: Pair<&'a Enum>) -> Option<Vec<Change<'a>>> {
    let Pair { from, to } = enums;
    let is_old = |value: &String| from.values.contains(value);
    if !to.values.iter().filter(|it| is_old(it)).eq(&from.values) {
        return None;
    }
    let added = |(index, value): (usize, &'a String)| {
        let before = to.values.iter().skip(index).find(|it| is_old(it)).map(String::as_str);
        Change::AddEnumValue { to, value, before }
    };
    Some(to.values.iter().enumerate().filter(|(_, it)| !is_old(it)).map(added).collect())
}

/// drizzle-kit also carries columns over that are not there yet.
fn rebuild<'a>(snapshots: Pair<&'a Snapshot>, to: &'a Enum, diff: &mut Diff<'a>) {
    let mut columns = Vec::new();
    for (key, table) in &snapshots.to.tables {
        let old = snapshots.from.tables.get(key);
        let is_there = |it: &&Column| old.is_none_or(|old| old.columns.contains_key(&it.name));
        let of_enum = table.columns.values().filter(|it| is_of(it, to));
        columns.extend(of_enum.filter(is_there).map(|column| EnumColumn { table, column }));
    }
    for EnumColumn { table, column } in &columns {
        for reader in readers(snapshots, table, &column.name, |_| true) {
            let (schema, name) = (&to.schema, &to.name);
            let column = format!("{}.{}", named(table), column.name);
            diff.not_expressed.push(format!(
                "enum `{schema}.{name}` loses values or gets them in another order, and {reader} reads `{column}`"
            ));
        }
    }
    diff.changes.push(Change::RebuildEnum { to, columns });
}

fn is_of(column: &Column, it: &Enum) -> bool {
    let base = column.r#type.split('[').next().unwrap_or_default();
    base == it.name && column.type_schema.as_deref() == Some(&it.schema)
}

/// Whether the column's type is built anew, which sets its default, too.
pub(super) fn is_rebuilt(snapshots: Pair<&Snapshot>, column: &Column) -> bool {
    let kept = split(&snapshots.from.enums, &snapshots.to.enums).kept.into_iter();
    let mut rebuilt =
        kept.filter(|it| it.from.values != it.to.values && added_values(*it).is_none());
    rebuilt.any(|it| is_of(column, it.to))
}

/// Puts before the rebuild of an enum what still holds the old type: columns and defaults that go
/// away. drizzle-kit lets them go afterwards, which is too late to drop the type.
pub(super) fn released_first(changes: Vec<Change<'_>>) -> Vec<Change<'_>> {
    let mut sorted: Vec<Change<'_>> = Vec::with_capacity(changes.len());
    let mut rest = changes;
    while let Some(index) = rest.iter().position(|it| matches!(it, Change::RebuildEnum { .. })) {
        let later = rest.split_off(index + 1);
        let Some(Change::RebuildEnum { to, columns }) = rest.pop() else { break };
        sorted.append(&mut rest);
        let (released, others) = later.into_iter().partition(|it| releases(it, to));
        sorted.extend::<Vec<_>>(released);
        sorted.push(Change::RebuildEnum { to, columns });
        rest = others;
    }
    sorted.append(&mut rest);
    sorted
}

fn releases(change: &Change<'_>, it: &Enum) -> bool {
    if let Change::DropColumn { column, .. } = change {
        return is_of(column, it);
    }
    let Change::AlterColumn { columns, alteration, .. } = change else { return false };
    is_of(columns.from, it) && (!is_of(columns.to, it) || *alteration == Alteration::DropDefault)
}
