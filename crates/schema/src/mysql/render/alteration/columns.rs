//! The columns of a table: what comes, changes and moves.

use std::collections::BTreeSet;

use super::Changes;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::mysql::catalog::definition;
use crate::mysql::grammar::quote_ident;

/// One action for each column that is new, changes or moves, from the first to the last: each one behind one that
/// is in its place by then.
pub(super) fn actions(table: &ObjectId, changes: &Changes<'_>, order_counts: bool) -> Vec<String> {
    let (now, wanted) =
        (columns(changes.catalogs.from, table), columns(changes.catalogs.to, table));
    let is_in = |all: &[&Object], id: &ObjectId| all.iter().any(|it| it.id == *id);
    let changed: Vec<_> = changes.columns.iter().map(|it| it.to).collect();
    let places = now.iter().filter(|it| !is_in(&changes.gone, &it.id));
    let places = places.filter_map(|it| wanted.iter().position(|other| other.id == it.id));
    let places: Vec<_> = places.collect();
    let resting: BTreeSet<usize> = match order_counts {
        true => longest_rise(&places).into_iter().collect(),
        false => places.iter().copied().collect(),
    };
    let last = resting.last().copied();
    let mut actions = Vec::new();
    for (at, column) in wanted.iter().enumerate() {
        let is_new = is_in(&changes.new, &column.id);
        let is_moved = !is_new && places.contains(&at) && !resting.contains(&at);
        let Some(definition) = definition(changes.catalogs.to, column) else { continue };
        let place = match at.checked_sub(1).and_then(|it| wanted.get(it)) {
            _ if !order_counts => String::new(),
            Some(before) => format!(" AFTER {}", quote_ident(before.id.name())),
            None => " FIRST".to_owned(),
        };
        if is_new {
            let is_behind = last.is_none_or(|it| it < at);
            let is_last = is_behind && (at..wanted.len()).all(|it| !places.contains(&it));
            let place = if is_last { String::new() } else { place };
            actions.push(format!("ADD COLUMN {definition}{place}"));
        } else if is_moved {
            actions.push(format!("MODIFY COLUMN {definition}{place}"));
        } else if is_in(&changed, &column.id) && loses_its_default(changes, column) {
            actions.push(format!("ALTER COLUMN {} DROP DEFAULT", quote_ident(column.id.name())));
        } else if is_in(&changed, &column.id) {
            actions.push(format!("MODIFY COLUMN {definition}"));
        }
    }
    actions
}

/// Whether nothing changes in a column but that it has no default any more, not even NULL: no definition says that.
fn loses_its_default(changes: &Changes<'_>, column: &Object) -> bool {
    let differs = changes.difference.differs.iter().find(|it| it.id == column.id);
    let mut attributes = differs.iter().flat_map(|it| &it.attributes).peekable();
    attributes.peek().is_some()
        && attributes.all(|it| it.name == "default" && it.values.to.is_none())
        && column.get("not null") != Some("true")
}

/// The columns of a table, in their order.
fn columns<'a>(catalog: &'a Catalog, table: &'a ObjectId) -> Vec<&'a Object> {
    let mut all: Vec<_> = catalog.inside(table).filter(|it| it.id.kind == Kind::Column).collect();
    all.sort_by_key(|it| it.get("position").and_then(|it| it.parse::<u32>().ok()));
    all
}

/// The longest part of a sequence of numbers that only rises, each of them once.
fn longest_rise(numbers: &[usize]) -> Vec<usize> {
    let mut best: Vec<Vec<usize>> = Vec::new();
    for (at, number) in numbers.iter().enumerate() {
        let before = best.get(..at).unwrap_or_default().iter();
        let before = before.filter(|it| it.last() < Some(number)).max_by_key(|it| it.len());
        let mut rise = before.cloned().unwrap_or_default();
        rise.push(*number);
        best.push(rise);
    }
    best.into_iter().max_by_key(Vec::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_as_possible_are_moved() {
        for (numbers, n) in [(&[0, 1, 2][..], 3), (&[2, 0, 1], 2), (&[3, 2, 1], 1), (&[], 0)] {
            assert_eq!(longest_rise(numbers).len(), n, "{numbers:?}");
        }
    }
}
