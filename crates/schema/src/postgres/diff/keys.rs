//! The order of foreign keys and what they need: a key is added after the uniqueness that it refers to,
//! and goes away before it, and before the table. drizzle-kit 0.31 has it the other way round, which
//! PostgreSQL refuses.

use super::Change;
use super::generated::refers_to;
use crate::postgres::snapshot::{ForeignKey, Index, IndexColumn, Table};
use crate::rename::{NameKind, Rename};

/// Moves only what has to be moved.
pub(super) fn in_order<'a>(changes: Vec<Change<'a>>, renames: &[Rename]) -> Vec<Change<'a>> {
    let added = keys(&changes, |it| matches!(it, Change::AddForeignKey { .. }));
    let dropped = keys(&changes, |it| matches!(it, Change::DropForeignKey { .. }));
    let (early, rest) = changes.into_iter().partition(|it| makes_unique(it, &added));
    let (late, mut rest): (Vec<_>, Vec<_>) =
        Vec::into_iter(rest).partition(|it| ends_unique(it, &dropped, renames));
    let is_added = |it: &Change<'_>| matches!(it, Change::AddForeignKey { .. });
    let at = rest.iter().position(is_added).unwrap_or(rest.len());
    rest.splice(at..at, Vec::into_iter(early));
    let is_dropped = |it: &Change<'_>| matches!(it, Change::DropForeignKey { .. });
    let at = rest.iter().rposition(is_dropped).map_or(0, |it| it + 1);
    rest.splice(at..at, late);
    before_tables(rest)
}

/// `DROP TABLE … CASCADE` takes the keys of other tables along, so they cannot be dropped after it.
fn before_tables(changes: Vec<Change<'_>>) -> Vec<Change<'_>> {
    let dropped: Vec<&Table> = changes
        .iter()
        .filter_map(|it| if let Change::DropTable(it) = it { Some(*it) } else { None })
        .collect();
    let refers = |it: &Change<'_>| {
        let Change::DropForeignKey { key, .. } = it else { return false };
        dropped.iter().any(|table| refers_to(key, table))
    };
    let (first, mut rest): (Vec<_>, Vec<_>) = changes.into_iter().partition(refers);
    let at = rest.iter().position(|it| matches!(it, Change::DropTable(_))).unwrap_or(0);
    rest.splice(at..at, first);
    rest
}

fn keys<'a>(changes: &[Change<'a>], is: impl Fn(&Change<'a>) -> bool) -> Vec<&'a ForeignKey> {
    let keys = changes.iter().filter(|it| is(it)).filter_map(|it| {
        if let Change::AddForeignKey { key, .. } | Change::DropForeignKey { key, .. } = it {
            return Some(*key);
        }
        None
    });
    keys.collect()
}

fn makes_unique(change: &Change<'_>, keys: &[&ForeignKey]) -> bool {
    if let Change::AddUnique { table, unique } = change {
        return is_needed(table, &unique.columns, keys);
    }
    let Change::CreateIndex { table, index, .. } = change else { return false };
    unique_columns(index).is_some_and(|it| is_needed(table, &it, keys))
}

fn ends_unique(change: &Change<'_>, keys: &[&ForeignKey], renames: &[Rename]) -> bool {
    let Change::DropUnique { table, unique } = change else { return false };
    is_needed(&as_it_was(table, renames), &unique.columns, keys)
}

/// The table under the name that keys know which were there before.
fn as_it_was(table: &Table, renames: &[Rename]) -> Table {
    let mut old = table.clone();
    for rename in renames.iter().rev() {
        let schema = if old.schema.is_empty() { "public" } else { &old.schema };
        match (&rename.from[..], &rename.to[..]) {
            ([from_schema, from], [to_schema, to])
                if rename.kind == NameKind::Table && schema == to_schema && old.name == *to =>
            {
                (old.schema, old.name) = (from_schema.clone(), from.clone());
            }
            ([from], [to]) if rename.kind == NameKind::Schema && schema == to => {
                old.schema.clone_from(from);
            }
            _ => {}
        }
    }
    old
}

fn is_needed(table: &Table, columns: &[String], keys: &[&ForeignKey]) -> bool {
    let sorted = |it: &[String]| {
        let mut it = it.to_vec();
        it.sort();
        it
    };
    let needs =
        |it: &&ForeignKey| refers_to(it, table) && sorted(&it.columns_to) == sorted(columns);
    keys.iter().any(needs)
}

fn unique_columns(index: &Index) -> Option<Vec<String>> {
    if !index.is_unique || index.condition.is_some() {
        return None;
    }
    let column = |it: &IndexColumn| match it {
        IndexColumn::Column(it) => Some(it.expression.clone()),
        IndexColumn::Expression(_) => None,
    };
    index.columns.iter().map(column).collect()
}
