//! Enums whose values change: values that come are added, for one that goes the type is built anew.

use super::super::{Column, Enum};
use super::{Change, Sides, typed};
use crate::pair::Pair;

/// A value that comes, before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct EnumValue {
    pub(in super::super) value: String,
    pub(in super::super) before: Option<String>,
}

/// A column of a type that is built anew.
#[derive(Clone, Debug)]
pub(in super::super) struct ColumnOfEnum {
    pub(in super::super) from: Column,
    pub(in super::super) default: Pair<Option<String>>,
}

/// What happens to enums that stay.
#[derive(Default)]
pub(super) struct EnumChanges {
    pub(super) added: Vec<(Enum, EnumValue)>,
    pub(super) rebuilt: Vec<Change>,
    /// The columns of the rebuilt ones.
    pub(super) columns: Vec<Column>,
}

pub(super) fn changes(sides: &Sides<'_>) -> EnumChanges {
    let mut changes = EnumChanges::default();
    for (enums, _) in sides.altered::<Enum>("enums") {
        match added_values(&enums) {
            Some(values) => {
                changes.added.extend(values.into_iter().map(|it| (enums.to.clone(), it)));
            }
            None => {
                let columns = columns_of(sides, &enums.to);
                changes.columns.extend(columns.iter().map(|it| it.from.clone()));
                changes.rebuilt.push(Change::RebuildEnum { to: enums.to, columns });
            }
        }
    }
    changes
}

/// The values to add when none goes away and the others keep their order.
fn added_values(enums: &Pair<Enum>) -> Option<Vec<EnumValue>> {
    let Pair { from, to } = enums;
    let is_old = |value: &String| from.values.contains(value);
    if !to.values.iter().filter(|it| is_old(it)).eq(&from.values) {
        return None;
    }
    let added = |(index, value): (usize, &String)| EnumValue {
        value: value.clone(),
        before: to.values.iter().skip(index).find(|it| is_old(it)).cloned(),
    };
    Some(to.values.iter().enumerate().filter(|(_, it)| !is_old(it)).map(added).collect())
}

fn columns_of(sides: &Sides<'_>, it: &Enum) -> Vec<ColumnOfEnum> {
    let columns = sides.from.of("columns").map(typed::<Column>);
    let of_enum = columns.filter(|column| column.r#type == it.name);
    let both = of_enum.filter_map(|from| {
        let mut after = sides.to.of("columns").map(typed::<Column>);
        let to = after.find(|to| {
            to.schema == from.schema && to.table == from.table && to.name == from.name
        })?;
        let same_type = (to.r#type == from.r#type).then_some(to.type_schema).flatten();
        let schema = from.type_schema.clone().or(same_type);
        let default = Pair { from: from.default.clone(), to: to.default };
        let from = Column { type_schema: schema, ..from };
        (from.type_schema.as_deref() == Some(&it.schema)).then_some(ColumnOfEnum { from, default })
    });
    both.collect()
}

/// Puts before the rebuild of an enum the columns of it that go away, and behind it those that come.
/// drizzle-kit has it the other way round, and the type cannot be dropped.
pub(super) fn in_order(changes: Vec<Change>) -> Vec<Change> {
    let mut sorted = changes;
    let rebuilds: Vec<Enum> = sorted
        .iter()
        .filter_map(
            |it| if let Change::RebuildEnum { to, .. } = it { Some(to.clone()) } else { None },
        )
        .collect();
    for it in rebuilds {
        let is_of = |column: &Column| {
            column.r#type == it.name && column.type_schema.as_deref() == Some(&it.schema)
        };
        let goes = |change: &Change| matches!(change, Change::DropColumn(column) if is_of(column));
        let comes =
            |change: &Change| matches!(change, Change::AddColumn { column, .. } if is_of(column));
        let is_rebuild =
            |change: &Change| matches!(change, Change::RebuildEnum { to, .. } if *to == it);
        let (first, rest): (Vec<_>, Vec<_>) = sorted.into_iter().partition(goes);
        let (last, mut rest): (Vec<_>, Vec<_>) = Vec::into_iter(rest).partition(comes);
        let at = rest.iter().position(is_rebuild).unwrap_or(0);
        rest.splice(at + 1..at + 1, last);
        rest.splice(at..at, first);
        sorted = rest;
    }
    sorted
}
