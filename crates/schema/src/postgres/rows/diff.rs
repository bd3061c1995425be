//! What has to change to get from one set of rows to another.
//!
//! Follows `ddlDiff` of drizzle-kit 1.0.0-rc.5 (`src/dialects/postgres/diff.ts`): the same comparisons,
//! the same statement kinds, in the same order. Renames are not guessed: what nobody has called renamed
//! is dropped and created. `render` turns the changes into SQL.

mod columns;
mod enums;
mod keys;
mod policies;
mod views;

use serde::de::DeserializeOwned;

use super::{
    Check, Column, Enum, ForeignKey, Index, Policy, PrimaryKey, Role, Schema, Sequence, Table,
    Unique, View,
};
use crate::drizzle::entities::{Altered, Entities, Row, type_of};
use crate::pair::Pair;
use crate::rename::{NameKind, Rename};

pub(super) use columns::ColumnChange;
pub(super) use enums::{ColumnOfEnum, EnumValue};

/// One step from a set of rows to the next, in the kit's order.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A new name in the same schema.
    Rename {
        rename: Rename,
        is_materialized: bool,
    },
    /// Another schema.
    Move {
        rename: Rename,
        is_materialized: bool,
    },
    CreateSchema(Schema),
    CreateEnum(Enum),
    AddEnumValue {
        to: Enum,
        value: EnumValue,
    },
    CreateSequence(Sequence),
    AlterSequence(Pair<Sequence>),
    CreateRole(Role),
    AlterRole(Pair<Role>),
    CreateTable(Whole),
    DropView(View),
    AlterView(Pair<View>),
    DropPolicy(Policy),
    DropForeignKey(ForeignKey),
    DropTable {
        table: Table,
        policies: Vec<Policy>,
    },
    SetRls(Table),
    DropUnique(Unique),
    DropCheck(Check),
    DropIndex(Index),
    DropPrimaryKey(PrimaryKey),
    AddColumn {
        column: Column,
        in_key: bool,
    },
    AddPrimaryKey(PrimaryKey),
    RebuildEnum {
        to: Enum,
        columns: Vec<ColumnOfEnum>,
    },
    ReplaceColumn {
        column: Column,
        is_key: bool,
    },
    DropColumn(Column),
    ReplacePrimaryKey {
        key: PrimaryKey,
        is_gone: bool,
    },
    AlterColumn(Box<ColumnChange>),
    ReplaceIndex(Index),
    AddUnique(Unique),
    ReplaceUnique(Pair<Unique>),
    CreateIndex(Index),
    AddForeignKey(ForeignKey),
    ReplaceForeignKey(ForeignKey),
    AddCheck(Check),
    ReplaceCheck(Check),
    CreateView(View),
    CreatePolicy(Policy),
    ReplacePolicy(Policy),
    AlterPolicy(Policy),
    DropRole(Role),
    DropEnum(Enum),
    DropSequence(Sequence),
    DropSchema(Schema),
}

/// A table with all that `CREATE TABLE` says.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) table: Table,
    pub(super) columns: Vec<Column>,
    pub(super) key: Option<PrimaryKey>,
    pub(super) uniques: Vec<Unique>,
    pub(super) checks: Vec<Check>,
    pub(super) has_policies: bool,
}

/// Both sides and what differs, by types.
pub(super) struct Sides<'a> {
    pub(super) from: &'a Entities,
    pub(super) to: &'a Entities,
    created: Vec<Row>,
    dropped: Vec<Row>,
    altered: Vec<Altered>,
    renames: &'a [Rename],
}

/// Compares two sets of rows. The first has the new names already.
pub(super) fn diff(entities: Pair<&Entities>, renames: &[Rename]) -> Vec<Change> {
    let changes = entities.from.changes(entities.to);
    let sides = Sides {
        from: entities.from,
        to: entities.to,
        created: changes.created,
        dropped: changes.dropped,
        altered: changes.altered,
        renames,
    };
    let recreated = columns::recreated(&sides);
    let enums = enums::changes(&sides);
    let mut steps = begin(&sides, &enums.added);
    steps.extend(views::dropped(&sides));
    steps.extend(drops(&sides, &recreated.keys));
    steps.extend(sides.created_of_kept("columns").into_iter().map(|column| {
        let in_key = columns::is_in_key(sides.to, &column);
        Change::AddColumn { column, in_key }
    }));
    steps.extend(sides.created_of_kept("pks").into_iter().map(Change::AddPrimaryKey));
    steps.extend(sides.renamed(NameKind::PrimaryKey));
    steps.extend(columns::changes(&sides, enums, &recreated.columns));
    steps.extend(keys::changes(&sides, &recreated));
    steps.extend(views::created(&sides));
    steps.extend(sides.renamed(NameKind::Policy));
    steps.extend(policies::changes(&sides));
    steps.extend(end(&sides));
    enums::in_order(steps)
}

fn begin(sides: &Sides<'_>, values: &[(Enum, EnumValue)]) -> Vec<Change> {
    let mut steps: Vec<_> = sides.created("schemas").map(Change::CreateSchema).collect();
    steps.extend(sides.renamed(NameKind::Schema));
    steps.extend(sides.created("enums").map(Change::CreateEnum));
    steps.extend(sides.moved(NameKind::Enum));
    steps.extend(sides.renamed(NameKind::Enum));
    let values = values.iter().cloned();
    steps.extend(values.map(|(to, value)| Change::AddEnumValue { to, value }));
    steps.extend(sides.created("sequences").map(Change::CreateSequence));
    steps.extend(sides.moved(NameKind::Sequence));
    steps.extend(sides.renamed(NameKind::Sequence));
    steps.extend(sides.altered("sequences").map(|(it, _)| Change::AlterSequence(it)));
    steps.extend(sides.renamed(NameKind::Role));
    steps.extend(sides.created("roles").map(Change::CreateRole));
    steps.extend(sides.altered("roles").map(|(it, _)| Change::AlterRole(it)));
    steps.extend(sides.created("tables").map(|it| Change::CreateTable(whole(sides.to, it))));
    steps
}

fn end(sides: &Sides<'_>) -> Vec<Change> {
    let mut steps: Vec<_> = sides.dropped("roles").map(Change::DropRole).collect();
    steps.extend(sides.dropped("enums").map(Change::DropEnum));
    steps.extend(sides.dropped("sequences").map(Change::DropSequence));
    steps.extend(sides.dropped("schemas").map(Change::DropSchema));
    steps
}

/// What goes away before anything is added to tables that stay, and what gets another name.
fn drops(sides: &Sides<'_>, replaced: &[ForeignKey]) -> Vec<Change> {
    let mut steps = sides.renamed(NameKind::Table);
    let is_moved = |schema: &str, table: &str| {
        let mut moved =
            sides.renames.iter().filter(|it| it.kind == NameKind::Table && it.is_moved());
        moved.any(|it| it.to == [schema, table])
    };
    let policies = sides.dropped("policies");
    let (later_policies, policies): (Vec<Policy>, Vec<_>) =
        policies.partition(|it: &Policy| is_moved(&it.schema, &it.table));
    let keys = sides.dropped("fks").filter(|it: &ForeignKey| {
        let of_dropped = sides.is_dropped(&it.schema, &it.table);
        let to_dropped = it.table != it.table_to && sides.is_dropped(&it.schema_to, &it.table_to);
        !of_dropped || to_dropped
    });
    let (later_keys, keys): (Vec<ForeignKey>, Vec<_>) =
        keys.chain(replaced.iter().cloned()).partition(|it| is_moved(&it.schema, &it.table));
    steps.extend(policies.into_iter().map(Change::DropPolicy));
    steps.extend(keys.into_iter().map(Change::DropForeignKey));
    // The kit looks for their policies where they are no more.
    let tables = sides.dropped("tables");
    steps.extend(tables.map(|table| Change::DropTable { table, policies: Vec::new() }));
    steps.extend(sides.moved(NameKind::Table));
    steps.extend(later_policies.into_iter().map(Change::DropPolicy));
    steps.extend(later_keys.into_iter().map(Change::DropForeignKey));
    steps.extend(policies::row_security(sides).into_iter().map(Change::SetRls));
    steps.extend(sides.renamed(NameKind::Column));
    steps.extend(constraints(sides));
    steps
}

/// What goes away from tables that stay, but for columns.
fn constraints(sides: &Sides<'_>) -> Vec<Change> {
    let mut steps = Vec::new();
    steps.extend(sides.dropped_of_kept("uniques").into_iter().map(Change::DropUnique));
    steps.extend(sides.dropped_of_kept("checks").into_iter().map(Change::DropCheck));
    steps.extend(sides.renamed(NameKind::Check));
    steps.extend(sides.renamed(NameKind::Index));
    steps.extend(sides.dropped_of_kept("indexes").into_iter().map(Change::DropIndex));
    let moved = keys::moved_indexes(sides);
    steps.extend(moved.iter().map(|it| Change::DropIndex(it.from.clone())));
    steps.extend(sides.dropped_of_kept("pks").into_iter().map(Change::DropPrimaryKey));
    steps.extend(sides.renamed(NameKind::ForeignKey));
    steps
}

fn whole(entities: &Entities, table: Table) -> Whole {
    let (schema, name) = (table.schema.clone(), table.name.clone());
    let of = |row: &&Row| row["schema"] == schema.as_str() && row["table"] == name.as_str();
    Whole {
        columns: entities.of("columns").filter(of).map(typed).collect(),
        key: entities.of("pks").find(of).map(typed),
        uniques: entities.of("uniques").filter(of).map(typed).collect(),
        checks: entities.of("checks").filter(of).map(typed).collect(),
        has_policies: entities.of("policies").any(|it| of(&it)),
        table,
    }
}

/// A row as its type. Rows were validated when they were read.
pub(super) fn typed<T: DeserializeOwned>(row: &Row) -> T {
    let fields = row.iter().filter(|it| it.0 != "entityType");
    let fields = fields.map(|(key, value)| (key.clone(), value.clone())).collect();
    serde_json::from_value(serde_json::Value::Object(fields)).expect("rows fit their types")
}

impl Sides<'_> {
    /// What gets another name where it is.
    pub(super) fn renamed(&self, kind: NameKind) -> Vec<Change> {
        let renames =
            self.renames.iter().filter(|it| it.kind == kind && it.old_name() != it.new_name());
        let change = |it: &Rename| Change::Rename {
            rename: it.clone(),
            is_materialized: self.is_materialized(it),
        };
        renames.map(change).collect()
    }

    /// What goes to another schema.
    pub(super) fn moved(&self, kind: NameKind) -> Vec<Change> {
        let renames = self.renames.iter().filter(|it| it.kind == kind && it.is_moved());
        let change = |it: &Rename| Change::Move {
            rename: it.clone(),
            is_materialized: self.is_materialized(it),
        };
        renames.map(change).collect()
    }

    fn is_materialized(&self, rename: &Rename) -> bool {
        let mut views = self.from.of("views");
        rename.kind == NameKind::View
            && views.any(|it| {
                it["schema"] == *rename.to[0]
                    && it["name"] == *rename.new_name()
                    && it["materialized"] == true
            })
    }

    pub(super) fn created<T: DeserializeOwned>(&self, entity: &str) -> impl Iterator<Item = T> {
        self.created.iter().filter(move |it| type_of(it) == entity).map(typed)
    }

    pub(super) fn dropped<T: DeserializeOwned>(&self, entity: &str) -> impl Iterator<Item = T> {
        self.dropped.iter().filter(move |it| type_of(it) == entity).map(typed)
    }

    /// What differs, with the names of the fields.
    pub(super) fn altered<T: DeserializeOwned>(
        &self,
        entity: &str,
    ) -> impl Iterator<Item = (Pair<T>, Vec<String>)> {
        let altered = self.altered.iter().filter(move |it| type_of(&it.to) == entity);
        altered.map(|it| (Pair { from: typed(&it.from), to: typed(&it.to) }, it.fields.clone()))
    }

    /// What is new on tables that are not.
    fn created_of_kept<T: DeserializeOwned>(&self, entity: &str) -> Vec<T> {
        let is_new = |it: &&Row| type_of(it) == entity && !self.is_on(it, &self.created);
        self.created.iter().filter(is_new).map(typed).collect()
    }

    /// What goes away from tables that stay.
    fn dropped_of_kept<T: DeserializeOwned>(&self, entity: &str) -> Vec<T> {
        let goes = |it: &&Row| type_of(it) == entity && !self.is_on(it, &self.dropped);
        self.dropped.iter().filter(goes).map(typed).collect()
    }

    fn is_on(&self, row: &Row, tables: &[Row]) -> bool {
        let mut tables = tables.iter().filter(|it| type_of(it) == "tables");
        tables.any(|it| it["schema"] == row["schema"] && it["name"] == row["table"])
    }

    fn is_dropped(&self, schema: &str, table: &str) -> bool {
        let mut tables = self.dropped::<Table>("tables");
        tables.any(|it| it.schema == schema && it.name == table)
    }

    pub(super) fn is_created(&self, schema: &str, table: &str) -> bool {
        let mut tables = self.created::<Table>("tables");
        tables.any(|it| it.schema == schema && it.name == table)
    }
}
