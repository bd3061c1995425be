//! Indexes, unique constraints, foreign keys and checks of tables that stay, and of new ones what
//! `CREATE TABLE` does not say.

use super::super::{Check, Column, ForeignKey, Index, Unique};
use super::columns::Recreated;
use super::{Change, Sides};
use crate::pair::Pair;
use crate::rename::NameKind;

/// Everything between the altered columns and the views.
pub(super) fn changes(sides: &Sides<'_>, recreated: &Recreated) -> Vec<Change> {
    let indexes = Indexes::of(sides, recreated);
    let mut steps: Vec<_> = indexes.replaced.into_iter().map(Change::ReplaceIndex).collect();
    steps.extend(sides.renamed(NameKind::Unique));
    let mut uniques: Vec<Unique> = sides.created_of_kept("uniques");
    add_missing(&mut uniques, &recreated.uniques);
    steps.extend(uniques.into_iter().map(Change::AddUnique));
    let altered = sides.altered::<Unique>("uniques").filter(|it| is_meant(&it.1));
    steps.extend(altered.map(|it| Change::ReplaceUnique(it.0)));
    steps.extend(indexes.created.into_iter().map(Change::CreateIndex));
    let keys = sides.created("fks").chain(recreated.keys.iter().cloned());
    steps.extend(keys.map(Change::AddForeignKey));
    let altered = sides.altered::<ForeignKey>("fks").filter(|it| is_meant(&it.1));
    let altered = altered.map(|it| it.0.to).filter(|it| !recreated.keys.contains(it));
    steps.extend(altered.map(Change::ReplaceForeignKey));
    let checks = sides.created_of_kept::<Check>("checks").into_iter();
    steps.extend(checks.chain(recreated.checks.iter().cloned()).map(Change::AddCheck));
    let checks = sides.altered::<Check>("checks");
    steps.extend(checks.map(|it| Change::ReplaceCheck(it.0.to)));
    steps
}

/// Whether more differs than who gave the name.
fn is_meant(fields: &[String]) -> bool {
    fields.iter().any(|it| it != "nameExplicit")
}

fn add_missing<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    for it in more {
        if !all.contains(it) {
            all.push(it.clone());
        }
    }
}

/// Indexes of one name that are on another table now.
pub(super) fn moved_indexes(sides: &Sides<'_>) -> Vec<Pair<Index>> {
    let altered = sides.altered::<Index>("indexes").map(|it| it.0);
    altered.filter(|it| it.from.table != it.to.table).collect()
}

#[derive(Default)]
struct Indexes {
    replaced: Vec<Index>,
    created: Vec<Index>,
}

impl Indexes {
    fn of(sides: &Sides<'_>, recreated: &Recreated) -> Self {
        let mut all = Self { created: sides.created("indexes").collect(), ..Self::default() };
        all.created.extend(moved_indexes(sides).into_iter().map(|it| it.to));
        let dropped: Vec<Column> = sides.dropped("columns").collect();
        for (indexes, fields) in sides.altered::<Index>("indexes") {
            let Pair { from, to } = indexes;
            let counts = ["columns", "isUnique", "where", "with", "method"];
            if from.table != to.table || !fields.iter().any(|it| counts.contains(&it.as_str())) {
                continue;
            }
            // Dropping a column has dropped the index.
            let is_gone = dropped.iter().any(|column| {
                let is_on = column.schema == to.schema && column.table == to.table;
                is_on && from.columns.iter().any(|it| it.value == column.name)
            });
            if is_gone { all.created.push(to) } else { all.replaced.push(to) }
        }
        add_missing(&mut all.created, &recreated.indexes);
        all
    }
}
