//! What has to change to get from one PostgreSQL snapshot to another.
//!
//! Follows `applyPgSnapshotsDiff` of drizzle-kit 0.31.11 (`src/snapshotsDiffer.ts`): the same
//! comparisons, the same statement kinds, in the same order. Renames are not guessed: what nobody has
//! called renamed is dropped and created. `render` turns the changes into SQL.

pub mod alter;
pub(super) mod cast;
pub mod enums;
mod generated;
mod keys;
mod readers;
pub mod rename;
pub mod views;

use indexmap::IndexMap;

use self::alter::Alteration;
use self::enums::{EnumColumn, enums};
pub(super) use self::readers::mentions;
use self::views::{ViewAlteration, views};
use super::snapshot::{
    Check, Column, Enum, ForeignKey, Index, Policy, PrimaryKey, Role, Sequence, Snapshot, Table,
    Unique, View,
};
use crate::drizzle::javascript::compact;
use crate::order::in_phases;
use crate::pair::Pair;
use crate::rename::{NameKind, Rename};

/// One step from a snapshot to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<'a> {
    Rename(Renaming<'a>),
    Move(Renaming<'a>),
    CreateSchema(&'a str),
    CreateEnum(&'a Enum),
    AddEnumValue { to: &'a Enum, value: &'a str, before: Option<&'a str> },
    CreateSequence(&'a Sequence),
    AlterSequence(Pair<&'a Sequence>),
    DropRole(&'a Role),
    CreateRole(&'a Role),
    AlterRole(&'a Role),
    CreateTable(&'a Table),
    EnableRls(&'a Table),
    DisableRls(&'a Table),
    DropView(Dropped<'a>),
    AlterView { view: &'a View, alteration: ViewAlteration<'a> },
    DropTable(&'a Table),
    DropUnique { table: &'a Table, unique: &'a Unique },
    DropCheck { table: &'a Table, check: &'a Check },
    DropForeignKey { table: &'a Table, key: &'a ForeignKey },
    RebuildEnum { to: &'a Enum, columns: Vec<EnumColumn<'a>> },
    DropIndex { table: &'a Table, index: &'a Index },
    DropPrimaryKey { table: &'a Table, key: &'a PrimaryKey },
    AlterColumn { table: &'a Table, columns: Pair<&'a Column>, alteration: Alteration },
    AddPrimaryKey { table: &'a Table, key: &'a PrimaryKey },
    AddColumn { table: &'a Table, column: &'a Column },
    AddForeignKey { table: &'a Table, key: &'a ForeignKey, of: Of },
    CreateIndex { table: &'a Table, index: &'a Index, of: Of },
    DropColumn { table: &'a Table, column: &'a Column },
    ReplacePrimaryKey { table: &'a Table, keys: Pair<&'a PrimaryKey> },
    AddUnique { table: &'a Table, unique: &'a Unique },
    AddCheck { table: &'a Table, check: &'a Check },
    CreateView(&'a View),
    DropPolicy { table: &'a Table, policy: &'a Policy },
    CreatePolicy { table: &'a Table, policy: &'a Policy },
    AlterPolicy { table: &'a Table, policies: Pair<&'a Policy> },
    DropLinkedPolicy(&'a Policy),
    CreateLinkedPolicy(&'a Policy),
    AlterLinkedPolicy(Pair<&'a Policy>),
    DropEnum(&'a Enum),
    DropSequence(&'a Sequence),
    DropSchema(&'a str),
}

/// Whether a table is new; the keys and indexes of new tables come before those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    NewTable,
    OldTable,
}

/// A view that goes away, with the kind that it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropped<'a> {
    pub view: &'a View,
    pub materialized: bool,
}

/// Something that gets a new name where it is, or goes to another schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Renaming<'a> {
    pub rename: &'a Rename,
    /// Whether it is a materialized view.
    pub is_materialized: bool,
}

/// The way from one snapshot to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff<'a> {
    /// In the order in which they run.
    pub changes: Vec<Change<'a>>,
    /// Differences for which there is no change yet, in words. Where this is not empty the changes
    /// do not lead to the second snapshot, and nobody should act on them.
    pub not_expressed: Vec<String>,
}

/// Compares two snapshots. The first has the new names already.
pub fn diff<'a>(snapshots: Pair<&'a Snapshot>, renames: &'a [Rename]) -> Diff<'a> {
    let mut diff = Diff { changes: renamed(snapshots.from, renames), ..Diff::default() };
    schemas(snapshots, &mut diff);
    enums(snapshots, &mut diff);
    sequences(snapshots, &mut diff);
    roles(snapshots, &mut diff);
    tables(snapshots, &mut diff);
    row_security(snapshots, &mut diff);
    views(snapshots, &mut diff);
    policies(snapshots, &mut diff);
    linked_policies(snapshots, &mut diff);
    let phased = in_phases(diff.changes, |it| (it.phase(), it.step()));
    let changes = keys::in_order(enums::released_first(phased), renames);
    diff.changes = views::in_order(changes);
    diff
}

fn renamed<'a>(from: &Snapshot, renames: &'a [Rename]) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    for rename in renames {
        let is_view = rename.kind == NameKind::View;
        let view = from.views.get(&rename.to.join(".")).filter(|_| is_view);
        let is_materialized = view.is_some_and(|it| it.materialized);
        let renaming = Renaming { rename, is_materialized };
        changes.extend(rename.is_moved().then_some(Change::Move(renaming)));
        let is_renamed = rename.old_name() != rename.new_name();
        changes.extend(is_renamed.then_some(Change::Rename(renaming)));
    }
    changes
}

impl Change<'_> {
    /// The place of the kind in drizzle-kit's order (the `jsonStatements.push` calls at the end of
    /// `applyPgSnapshotsDiff`). New kinds need a line here. Renames come right after what has their phase.
    fn phase(&self) -> u8 {
        match self {
            Self::Rename(it) | Self::Move(it) => match it.rename.kind {
                NameKind::Schema => 0,
                NameKind::Enum => 1,
                NameKind::Sequence => 3,
                NameKind::Role => 4,
                NameKind::View => 11,
                NameKind::Table
                | NameKind::Column
                | NameKind::Unique
                | NameKind::Check
                | NameKind::Index
                | NameKind::PrimaryKey
                | NameKind::ForeignKey => 13,
                NameKind::Policy => 31,
            },
            Self::CreateSchema(_) => 0,
            Self::CreateEnum(_) => 1,
            Self::AddEnumValue { .. } => 2,
            Self::CreateSequence(_) => 3,
            Self::AlterSequence(_) => 4,
            Self::DropRole(_) => 5,
            Self::CreateRole(_) => 6,
            Self::AlterRole(_) => 7,
            Self::CreateTable(_) => 8,
            Self::EnableRls(_) => 9,
            Self::DisableRls(_) => 10,
            Self::DropView(_) => 11,
            Self::AlterView { .. } => 12,
            Self::DropTable(_) => 13,
            Self::DropUnique { .. } => 14,
            Self::DropCheck { .. } => 15,
            Self::DropForeignKey { .. } => 16,
            Self::RebuildEnum { .. } => 17,
            Self::DropIndex { .. } => 18,
            Self::DropPrimaryKey { .. } => 19,
            Self::AlterColumn { .. } => 20,
            Self::AddPrimaryKey { .. } => 21,
            Self::AddColumn { .. } => 22,
            Self::AddForeignKey { of: Of::NewTable, .. } => 23,
            Self::CreateIndex { of: Of::NewTable, .. } => 24,
            Self::AddForeignKey { of: Of::OldTable, .. } => 25,
            Self::CreateIndex { of: Of::OldTable, .. } => 26,
            Self::DropColumn { .. } => 27,
            Self::ReplacePrimaryKey { .. } => 28,
            Self::AddUnique { .. } => 29,
            Self::AddCheck { .. } => 30,
            Self::CreateView(_) => 31,
            Self::DropPolicy { .. } => 32,
            Self::CreatePolicy { .. } => 33,
            Self::AlterPolicy { .. } => 34,
            Self::DropLinkedPolicy(_) => 35,
            Self::CreateLinkedPolicy(_) => 36,
            Self::AlterLinkedPolicy(_) => 37,
            Self::DropEnum(_) => 38,
            Self::DropSequence(_) => 39,
            Self::DropSchema(_) => 40,
        }
    }

    /// The place within the phase. A view gets its name where it was, everything else where it goes.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only renames share the phase of others")]
    fn step(&self) -> u8 {
        match self {
            Self::Move(it) if it.rename.kind == NameKind::View => 2,
            Self::Rename(it) if it.rename.kind == NameKind::View => 1,
            Self::Move(_) => 1,
            Self::Rename(it) if it.rename.kind == NameKind::Column => 3,
            Self::Rename(_) => 2,
            _ => 0,
        }
    }
}

/// Two records, split by the side on which a key is found: dropped and kept in the order of `from`,
/// created in the order of `to`.
struct Split<'a, V> {
    dropped: Vec<&'a V>,
    created: Vec<&'a V>,
    kept: Vec<Pair<&'a V>>,
}

type Record<V> = IndexMap<String, V>;

fn split<'a, V>(from: &'a Record<V>, to: &'a Record<V>) -> Split<'a, V> {
    let missing = |(key, value), other: &Record<V>| match other.contains_key::<String>(key) {
        true => None,
        false => Some(value),
    };
    Split {
        dropped: from.iter().filter_map(|it| missing(it, to)).collect(),
        created: to.iter().filter_map(|it| missing(it, from)).collect(),
        kept: from
            .iter()
            .filter_map(|(key, from)| to.get(key).map(|to| Pair { from, to }))
            .collect(),
    }
}

fn schemas<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { dropped, created, .. } = split(&snapshots.from.schemas, &snapshots.to.schemas);
    diff.changes.extend(created.into_iter().map(|it| Change::CreateSchema(it)));
    diff.changes.extend(dropped.into_iter().map(|it| Change::DropSchema(it)));
}

fn sequences<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { dropped, created, kept } =
        split(&snapshots.from.sequences, &snapshots.to.sequences);
    diff.changes.extend(created.into_iter().map(Change::CreateSequence));
    diff.changes.extend(dropped.into_iter().map(Change::DropSequence));
    let altered = kept.into_iter().filter(|it| it.from != it.to);
    diff.changes.extend(altered.map(Change::AlterSequence));
}

fn roles<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { dropped, created, kept } = split(&snapshots.from.roles, &snapshots.to.roles);
    diff.changes.extend(dropped.into_iter().map(Change::DropRole));
    diff.changes.extend(created.into_iter().map(Change::CreateRole));
    let altered = kept.into_iter().filter(|it| it.from != it.to);
    diff.changes.extend(altered.map(|it| Change::AlterRole(it.to)));
}

fn tables<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { dropped, created, kept } = split(&snapshots.from.tables, &snapshots.to.tables);
    for table in created {
        let of = Of::NewTable;
        diff.changes.push(Change::CreateTable(table));
        let keys = table.foreign_keys.values();
        diff.changes.extend(keys.map(|key| Change::AddForeignKey { table, key, of }));
        let indexes = table.indexes.values();
        diff.changes.extend(indexes.map(|index| Change::CreateIndex { table, index, of }));
    }
    diff.changes.extend(dropped.into_iter().map(Change::DropTable));
    for pair in &kept {
        columns(snapshots, *pair, diff);
        generated::restore(snapshots, *pair, diff);
        primary_keys(*pair, diff);
        uniques(*pair, diff);
        checks(*pair, diff);
        foreign_keys(*pair, diff);
    }
    indexes(&kept, diff);
}

fn columns<'a>(snapshots: Pair<&'a Snapshot>, tables: Pair<&'a Table>, diff: &mut Diff<'a>) {
    let table = tables.to;
    let Split { dropped, created, kept } = split(&tables.from.columns, &tables.to.columns);
    diff.changes.extend(created.into_iter().map(|column| Change::AddColumn { table, column }));
    diff.changes.extend(dropped.into_iter().map(|column| Change::DropColumn { table, column }));
    let altered = kept.into_iter().filter(|it| !alter::differs_by_a_space(*it));
    let altered: Vec<_> = altered.filter(|it| alter::differs(*it)).collect();
    for columns in &altered {
        let added = columns.to.primary_key && !columns.from.primary_key;
        if added && !alter::becomes_generated(*columns) {
            let alteration = Alteration::SetPrimaryKey;
            diff.changes.push(Change::AlterColumn { table, columns: *columns, alteration });
        }
    }
    for columns in altered {
        let column = format!("{}.{}", named(table), columns.to.name);
        if let Some(what) = alter::not_alterable(columns) {
            diff.not_expressed.push(format!("column `{column}` {what}"));
        }
        let is_rebuilt = enums::is_rebuilt(snapshots, columns.to);
        let alterations = alter::alterations(columns, snapshots).into_iter();
        let alterations = alterations.filter(|it| !(is_rebuilt && *it == Alteration::SetDefault));
        diff.changes.extend(alterations.map(|alteration| Change::AlterColumn {
            table,
            columns,
            alteration,
        }));
    }
}

fn primary_keys<'a>(tables: Pair<&'a Table>, diff: &mut Diff<'a>) {
    let table = tables.to;
    let Split { dropped, created, kept } =
        split(&tables.from.composite_primary_keys, &tables.to.composite_primary_keys);
    diff.changes.extend(dropped.into_iter().map(|key| Change::DropPrimaryKey { table, key }));
    diff.changes.extend(created.into_iter().map(|key| Change::AddPrimaryKey { table, key }));
    let altered = kept.into_iter().filter(|it| it.from != it.to);
    diff.changes.extend(altered.map(|keys| Change::ReplacePrimaryKey { table, keys }));
}

fn uniques<'a>(tables: Pair<&'a Table>, diff: &mut Diff<'a>) {
    let table = tables.to;
    let Split { dropped, created, kept } =
        split(&tables.from.unique_constraints, &tables.to.unique_constraints);
    let altered: Vec<_> = kept.into_iter().filter(|it| it.from != it.to).collect();
    let dropped = dropped.into_iter().chain(altered.iter().map(|it| it.from));
    diff.changes.extend(dropped.map(|unique| Change::DropUnique { table, unique }));
    let created = created.into_iter().chain(altered.iter().map(|it| it.to));
    diff.changes.extend(created.map(|unique| Change::AddUnique { table, unique }));
}

fn checks<'a>(tables: Pair<&'a Table>, diff: &mut Diff<'a>) {
    let table = tables.to;
    let Split { dropped, created, kept } =
        split(&tables.from.check_constraints, &tables.to.check_constraints);
    let altered: Vec<_> = kept.into_iter().filter(|it| it.from != it.to).collect();
    let dropped = dropped.into_iter().chain(altered.iter().map(|it| it.from));
    diff.changes.extend(dropped.map(|check| Change::DropCheck { table, check }));
    let created = created.into_iter().chain(altered.iter().map(|it| it.to));
    diff.changes.extend(created.map(|check| Change::AddCheck { table, check }));
}

fn foreign_keys<'a>(tables: Pair<&'a Table>, diff: &mut Diff<'a>) {
    let (table, of) = (tables.to, Of::OldTable);
    let Split { dropped, created, kept } =
        split(&tables.from.foreign_keys, &tables.to.foreign_keys);
    let altered: Vec<_> = kept.into_iter().filter(|it| !it.from.means(it.to)).collect();
    let dropped = dropped.into_iter().chain(altered.iter().map(|it| it.from));
    diff.changes.extend(dropped.map(|key| Change::DropForeignKey { table, key }));
    let created = created.into_iter().chain(altered.iter().map(|it| it.to));
    diff.changes.extend(created.map(|key| Change::AddForeignKey { table, key, of }));
}

/// Indexes that change come after those that come and go, over all tables.
fn indexes<'a>(tables: &[Pair<&'a Table>], diff: &mut Diff<'a>) {
    let of = Of::OldTable;
    let mut altered = Vec::new();
    for pair in tables {
        let table = pair.to;
        let Split { dropped, created, kept } = split(&pair.from.indexes, &pair.to.indexes);
        diff.changes.extend(dropped.into_iter().map(|index| Change::DropIndex { table, index }));
        let created = created.into_iter();
        diff.changes.extend(created.map(|index| Change::CreateIndex { table, index, of }));
        for Pair { from, to } in kept.into_iter().filter(|it| !it.from.means(it.to)) {
            altered.push(Change::DropIndex { table, index: from });
            altered.push(Change::CreateIndex { table, index: to, of });
        }
    }
    diff.changes.append(&mut altered);
}

/// drizzle-kit looks at row security only when some table differs by more than columns that come
/// and go, but then at all tables.
fn row_security<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Pair { from, to } = snapshots;
    if !split(&from.tables, &to.tables).kept.into_iter().any(is_altered) {
        return;
    }
    for (key, table) in &to.tables {
        let old = from.tables.get(key);
        let had_policies = old.is_some_and(|it| !it.policies.is_empty());
        let has_policies = !table.policies.is_empty();
        let was_enabled = old.is_some_and(|it| it.is_rls_enabled);
        let is_enabled = table.is_rls_enabled;
        if (is_enabled && !was_enabled) || (has_policies && !had_policies && !is_enabled) {
            diff.changes.push(Change::EnableRls(table));
        }
        if !is_enabled && !has_policies && (was_enabled || had_policies) {
            diff.changes.push(Change::DisableRls(table));
        }
    }
    let gone =
        |(key, table): (&String, &Table)| !to.tables.contains_key(key) && !table.is_rls_enabled;
    let gone = from.tables.iter().filter(|(key, table)| gone((key, table)));
    diff.changes.extend(gone.map(|(_, table)| Change::DisableRls(table)));
}

fn is_altered(tables: Pair<&Table>) -> bool {
    let Pair { from, to } = tables;
    let columns = split(&from.columns, &to.columns).kept;
    let same_keys = same(&from.foreign_keys, &to.foreign_keys, ForeignKey::means);
    let same_indexes = same(&from.indexes, &to.indexes, Index::means);
    columns.into_iter().any(|it| alter::differs(it))
        || !same_keys
        || !same_indexes
        || from.composite_primary_keys != to.composite_primary_keys
        || from.unique_constraints != to.unique_constraints
        || from.check_constraints != to.check_constraints
        || from.policies != to.policies
        || from.is_rls_enabled != to.is_rls_enabled
}

fn same<V>(from: &Record<V>, to: &Record<V>, means: impl Fn(&V, &V) -> bool) -> bool {
    from.len() == to.len()
        && from.iter().all(|(key, from)| to.get(key).is_some_and(|to| means(from, to)))
}

fn policies<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { created, kept, .. } = split(&snapshots.from.tables, &snapshots.to.tables);
    let mut altered = Vec::new();
    for tables in kept {
        let table = tables.to;
        let Split { dropped, created, kept } = split(&tables.from.policies, &tables.to.policies);
        let dropped = dropped.into_iter();
        diff.changes.extend(dropped.map(|policy| Change::DropPolicy { table, policy }));
        let created = created.into_iter();
        diff.changes.extend(created.map(|policy| Change::CreatePolicy { table, policy }));
        for policies in kept.into_iter().filter(|it| it.from != it.to) {
            if is_replaced(policies) {
                altered.push(Change::DropPolicy { table, policy: policies.from });
                altered.push(Change::CreatePolicy { table, policy: policies.to });
            } else {
                altered.push(Change::AlterPolicy { table, policies });
            }
        }
    }
    diff.changes.append(&mut altered);
    for table in created {
        let policies = table.policies.values();
        diff.changes.extend(policies.map(|policy| Change::CreatePolicy { table, policy }));
    }
}

fn linked_policies<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { dropped, created, kept } = split(&snapshots.from.policies, &snapshots.to.policies);
    diff.changes.extend(created.into_iter().map(Change::CreateLinkedPolicy));
    diff.changes.extend(dropped.into_iter().map(Change::DropLinkedPolicy));
    for policies in kept.into_iter().filter(|it| it.from != it.to) {
        if policies.from.on != policies.to.on || is_replaced(policies) {
            diff.changes.push(Change::DropLinkedPolicy(policies.from));
            diff.changes.push(Change::CreateLinkedPolicy(policies.to));
        } else {
            diff.changes.push(Change::AlterLinkedPolicy(policies));
        }
    }
}

/// Whether the difference is one that `ALTER POLICY` cannot make. drizzle-kit forgets that it cannot
/// take a condition away, nor move a policy to another table.
fn is_replaced(policies: Pair<&Policy>) -> bool {
    let Pair { from, to } = policies;
    let loses = |from: &Option<String>, to: &Option<String>| from.is_some() && to.is_none();
    from.r#as != to.r#as
        || from.r#for != to.r#for
        || loses(&from.using, &to.using)
        || loses(&from.with_check, &to.with_check)
}

/// The table as people name it: without the schema where it is `public`.
pub(super) fn named(table: &Table) -> String {
    match table.schema.as_str() {
        "" => table.name.clone(),
        schema => format!("{schema}.{}", table.name),
    }
}

impl ForeignKey {
    /// Whether two keys are the same to drizzle-kit, which takes an absent schema as `public`.
    fn means(&self, other: &Self) -> bool {
        let normal = |it: &Self| Self {
            schema_to: Some(it.schema_to.clone().unwrap_or_else(|| "public".to_owned())),
            on_delete: Some(it.on_delete.clone().unwrap_or_default()),
            on_update: Some(it.on_update.clone().unwrap_or_default()),
            ..it.clone()
        };
        normal(self) == normal(other)
    }
}

impl Index {
    /// Whether two indexes are the same to drizzle-kit: it compares options as text.
    fn means(&self, other: &Self) -> bool {
        let rest = |it: &Self| Self { with: IndexMap::new(), ..it.clone() };
        compact(&self.with) == compact(&other.with) && rest(self) == rest(other)
    }
}
