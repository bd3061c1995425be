//! Columns that become generated: only by being dropped and added again, and with them goes what stands
//! on them. drizzle-kit does not make that again.

use super::readers::{Reader, mentions, readers};
use super::{Change, Diff, Of, named};
use crate::pair::Pair;
use crate::postgres::diff::alter::Alteration;
use crate::postgres::snapshot::{ForeignKey, Snapshot, Table};

/// Takes away what stands on such columns before them, and makes it again after them.
pub(super) fn restore<'a>(
    snapshots: Pair<&'a Snapshot>,
    tables: Pair<&'a Table>,
    diff: &mut Diff<'a>,
) {
    let replaced = |it: &Change<'a>| {
        let Change::AlterColumn { table, columns, alteration } = it else { return None };
        let is_here = std::ptr::eq(*table, tables.to) && *alteration == Alteration::SetGenerated;
        is_here.then_some(columns.to.name.as_str())
    };
    let columns: Vec<&str> = diff.changes.iter().filter_map(replaced).collect();
    if columns.is_empty() {
        return;
    }
    let of = |names: &[String]| names.iter().any(|it| columns.contains(&it.as_str()));
    let named_in = |text: &str| columns.iter().any(|it| mentions(text, it));
    restore_constraints(tables, &of, &named_in, diff);
    restore_foreign_keys(snapshots, tables, &of, diff);
    for column in columns {
        let blocks = |it| it != Reader::Part;
        for reader in readers(snapshots, tables.to, column, blocks) {
            let column = format!("{}.{column}", named(tables.to));
            diff.not_expressed
                .push(format!("column `{column}` becomes generated, and {reader} reads it"));
        }
    }
}

fn restore_constraints<'a>(
    tables: Pair<&'a Table>,
    of: &dyn Fn(&[String]) -> bool,
    named_in: &dyn Fn(&str) -> bool,
    diff: &mut Diff<'a>,
) {
    let Pair { from, to: table } = tables;
    for (key, unique) in &table.unique_constraints {
        if of(&unique.columns) && from.unique_constraints.get(key) == Some(unique) {
            diff.changes.push(Change::DropUnique { table, unique });
            diff.changes.push(Change::AddUnique { table, unique });
        }
    }
    for (key, it) in &table.composite_primary_keys {
        if of(&it.columns) && from.composite_primary_keys.get(key) == Some(it) {
            diff.changes.push(Change::DropPrimaryKey { table, key: it });
            diff.changes.push(Change::AddPrimaryKey { table, key: it });
        }
    }
    for (key, check) in &table.check_constraints {
        if named_in(&check.value) && from.check_constraints.get(key) == Some(check) {
            diff.changes.push(Change::DropCheck { table, check });
            diff.changes.push(Change::AddCheck { table, check });
        }
    }
    for (key, index) in &table.indexes {
        let part = index.columns.iter().map(|it| it.expression());
        let mut texts = part.chain(index.condition.as_deref());
        let is_on = texts.any(|it| of(&[it.to_owned()]) || named_in(it));
        if is_on && from.indexes.get(key).is_some_and(|it| it.means(index)) {
            diff.changes.push(Change::DropIndex { table, index });
            diff.changes.push(Change::CreateIndex { table, index, of: Of::OldTable });
        }
    }
}

fn restore_foreign_keys<'a>(
    snapshots: Pair<&'a Snapshot>,
    tables: Pair<&'a Table>,
    of: &dyn Fn(&[String]) -> bool,
    diff: &mut Diff<'a>,
) {
    for (name, table) in &snapshots.to.tables {
        let Some(old) = snapshots.from.tables.get(name) else { continue };
        for (name, key) in &table.foreign_keys {
            let from_here = std::ptr::eq(table, tables.to) && of(&key.columns_from);
            let to_here = refers_to(key, tables.to) && of(&key.columns_to);
            let is_kept = old.foreign_keys.get(name).is_some_and(|it| it.means(key));
            if is_kept && (from_here || to_here) {
                diff.changes.push(Change::DropForeignKey { table, key });
                diff.changes.push(Change::AddForeignKey { table, key, of: Of::OldTable });
            }
        }
    }
}

pub(super) fn refers_to(key: &ForeignKey, table: &Table) -> bool {
    let schema = |it: Option<&str>| it.filter(|it| !it.is_empty()).unwrap_or("public").to_owned();
    key.table_to == table.name && schema(key.schema_to.as_deref()) == schema(Some(&table.schema))
}
