//! Columns that differ: altered, or dropped and added where a generated expression comes.

use super::super::{Check, Column, ForeignKey, Index, PrimaryKey, Unique};
use super::enums::EnumChanges;
use super::{Change, Sides, typed};
use crate::drizzle::entities::Entities;
use crate::pair::Pair;
use crate::postgres::diff::mentions;

/// A column on both sides, and what of it is altered.
#[derive(Clone, Debug)]
pub(in super::super) struct ColumnChange {
    pub(in super::super) from: Column,
    pub(in super::super) to: Column,
    pub(in super::super) fields: Vec<String>,
    pub(in super::super) is_enum: bool,
    pub(in super::super) was_enum: bool,
}

impl ColumnChange {
    pub(in super::super) fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|it| it == field)
    }
}

/// What columns that are dropped and added take with them.
#[derive(Default)]
pub(super) struct Recreated {
    pub(super) columns: Vec<Change>,
    pub(super) indexes: Vec<Index>,
    pub(super) uniques: Vec<Unique>,
    pub(super) keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
}

pub(super) fn is_in_key(entities: &Entities, it: &Column) -> bool {
    keys_of(entities, it).any(|key| key.columns.contains(&it.name))
}

fn keys_of<'a>(entities: &'a Entities, it: &'a Column) -> impl Iterator<Item = PrimaryKey> + 'a {
    let keys = entities.of("pks").map(typed::<PrimaryKey>);
    keys.filter(|key| key.schema == it.schema && key.table == it.table)
}

/// The columns that differ, without differences that mean nothing.
fn altered(sides: &Sides<'_>) -> Vec<(Pair<Column>, Vec<String>)> {
    let altered = sides.altered::<Column>("columns");
    let meant = altered.map(|(columns, fields)| {
        let fields = meaningful(&columns, fields);
        (columns, fields)
    });
    meant.filter(|it| !it.1.is_empty()).collect()
}

fn meaningful(columns: &Pair<Column>, mut fields: Vec<String>) -> Vec<String> {
    let Pair { from, to } = columns;
    let same_type = is_same_type(&from.r#type, &to.r#type);
    let has_type = from.r#type != to.r#type;
    if is_same_json(columns) || (!has_type && is_same_default(columns)) {
        fields.retain(|it| it != "default");
    }
    if same_type {
        fields.retain(|it| it != "type");
    }
    let typed = fields.iter().any(|it| it == "type");
    if !typed && (from.type_schema.is_none() || to.type_schema.is_none()) {
        fields.retain(|it| it != "typeSchema");
    }
    fields
}

/// `decimal` is `numeric`, a scale of 0 is none, and so is a reference system of 0.
fn is_same_type(from: &str, to: &str) -> bool {
    let is_decimal = |a: &str, b: &str| a == b.replacen("numeric", "decimal", 1);
    let is_point = |it: &str| it.starts_with("geometry(point");
    let system = |it: &str| it.split_once(',').map(|it| it.1.replacen(')', "", 1));
    let same_system = matches!(
        (system(from).as_deref(), system(to).as_deref()),
        (None, Some("0")) | (Some("0"), None)
    );
    is_decimal(from, to)
        || is_decimal(to, from)
        || (is_point(from) && is_point(to) && same_system)
        || from.replacen(",0)", ")", 1) == to
}

fn is_same_json(columns: &Pair<Column>) -> bool {
    let Pair { from, to } = columns;
    let is_json = |it: &str| from.r#type == it && to.r#type == it;
    let (Some(a), Some(b)) = (&from.default, &to.default) else { return false };
    let parse = |it: &str| {
        let text = it.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')).unwrap_or(it);
        serde_json::from_str::<serde_json::Value>(text).ok()
    };
    (is_json("json") || is_json("jsonb")) && parse(a).is_some_and(|a| parse(b) == Some(a))
}

fn is_same_default(columns: &Pair<Column>) -> bool {
    let Pair { from, to } = columns;
    let (Some(a), Some(b)) = (&from.default, &to.default) else { return false };
    let in_parentheses = *a == format!("({b})") || *b == format!("({a})");
    in_parentheses || (to.r#type.starts_with("vector") && a.replace(".0", "") == *b)
}

/// Columns that become generated, and what has to be made again with them.
pub(super) fn recreated(sides: &Sides<'_>) -> Recreated {
    let mut all = Recreated::default();
    for (columns, fields) in altered(sides) {
        let column = columns.to;
        if !fields.iter().any(|it| it == "generated") || column.generated.is_none() {
            continue;
        }
        let is_here = |schema: &str, table: &str| schema == column.schema && table == column.table;
        let indexes = sides.to.of("indexes").map(typed::<Index>);
        all.indexes.extend(indexes.filter(|it| {
            let named = it.columns.iter().any(|it| it.value.trim_matches('`') == column.name);
            is_here(&it.schema, &it.table) && named
        }));
        let uniques = sides.to.of("uniques").map(typed::<Unique>);
        all.uniques.extend(
            uniques
                .filter(|it| is_here(&it.schema, &it.table) && it.columns.contains(&column.name)),
        );
        let keys: Vec<ForeignKey> = sides.to.of("fks").map(typed).collect();
        let from_here =
            |it: &&ForeignKey| is_here(&it.schema, &it.table) && it.columns.contains(&column.name);
        let to_here = |it: &&ForeignKey| {
            is_here(&it.schema_to, &it.table_to) && it.columns_to.contains(&column.name)
        };
        for key in keys.iter().filter(from_here).chain(keys.iter().filter(to_here)) {
            if !all.keys.contains(key) {
                all.keys.push(key.clone());
            }
        }
        let is_key = keys_of(sides.to, &column).any(|it| it.columns == [column.name.clone()]);
        for check in checks_on(sides, &column) {
            all.columns.push(Change::DropCheck(check.clone()));
            all.checks.push(check);
        }
        all.columns.push(Change::ReplaceColumn { column, is_key });
    }
    let created: Vec<ForeignKey> = sides.created("fks").collect();
    all.keys.retain(|it| !created.contains(it));
    all
}

/// Checks that stay and name the column. They would go with it, which drizzle-kit forgets.
fn checks_on(sides: &Sides<'_>, column: &Column) -> Vec<Check> {
    let old: Vec<Check> = sides.from.of("checks").map(typed).collect();
    let checks = sides.to.of("checks").map(typed::<Check>);
    let is_on = |it: &Check| {
        it.schema == column.schema && it.table == column.table && mentions(&it.value, &column.name)
    };
    checks.filter(|it| is_on(it) && old.contains(it)).collect()
}

/// Everything between the added columns and the indexes.
pub(super) fn changes(sides: &Sides<'_>, enums: EnumChanges, recreated: &[Change]) -> Vec<Change> {
    let EnumChanges { rebuilt, columns: of_enums, .. } = enums;
    let mut steps = rebuilt;
    steps.extend(recreated.iter().cloned());
    let dropped = sides.dropped_of_kept::<Column>("columns");
    steps.extend(dropped.iter().cloned().map(Change::DropColumn));
    let dropped: Vec<Column> = sides.dropped("columns").collect();
    for (keys, fields) in sides.altered::<PrimaryKey>("pks") {
        if fields.iter().any(|it| it == "columns") {
            let is_gone = dropped.iter().any(|it| keys.from.columns.contains(&it.name));
            steps.push(Change::ReplacePrimaryKey { key: keys.to, is_gone });
        }
    }
    let altered = altered(sides).into_iter().filter_map(|it| alter(sides, &of_enums, it));
    steps.extend(altered.map(|it| Change::AlterColumn(Box::new(it))));
    steps
}

fn alter(
    sides: &Sides<'_>,
    of_enums: &[Column],
    (columns, mut fields): (Pair<Column>, Vec<String>),
) -> Option<ColumnChange> {
    let Pair { from, to } = columns;
    if fields.iter().any(|it| it == "generated") && to.generated.is_some() {
        return None;
    }
    let is_rebuilt =
        |it: &Column| it.schema == to.schema && it.table == to.table && it.name == to.name;
    let forbids_null = to.generated.is_some() || to.identity.is_some();
    if of_enums.iter().any(is_rebuilt) {
        fields.retain(|it| it != "default");
    }
    if (to.not_null && forbids_null) || is_in_key(sides.to, &to) {
        fields.retain(|it| it != "notNull");
    }
    let has = |field: &str| fields.iter().any(|it| it == field);
    let retyped = has("type") || has("typeSchema") || has("dimensions");
    let is_enum = names_enum(sides.to, &to);
    let was_enum = retyped && names_enum(sides.from, &from);
    (!fields.is_empty()).then_some(ColumnChange { from, to, fields, is_enum, was_enum })
}

fn names_enum(entities: &Entities, it: &Column) -> bool {
    let schema = it.type_schema.as_deref().unwrap_or("public");
    entities.of("enums").any(|row| row["schema"] == schema && row["name"] == it.r#type.as_str())
}
