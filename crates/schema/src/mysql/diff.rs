//! What has to change to get from one MySQL snapshot to another.
//!
//! Follows `applyMysqlSnapshotsDiff` of drizzle-kit 0.31.11 (`src/snapshotsDiffer.ts`,
//! `src/jsonStatements.ts`): the same comparisons, the same statement kinds, in the same order. Renames
//! are not guessed: what nobody has called renamed is dropped and created. `render` turns the changes into
//! SQL.

mod column;
mod order;
pub mod rename;

use indexmap::IndexMap;

use super::snapshot::{
    Check, Column, ForeignKey, Index, PrimaryKey, Snapshot, Table, Unique, View,
};
use crate::drizzle::javascript::in_key_order;
use crate::pair::Pair;
use crate::rename::{NameKind, Rename};
pub use column::Modification;

/// One step from a snapshot to the next. `table` is the table's name.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<'a> {
    CreateTable {
        table: &'a Table,
        uniques: Vec<UniqueOn<'a>>,
    },
    DropTable(&'a Table),
    /// Of a table, a column or a view.
    Rename(&'a Rename),
    DropView(&'a View),
    AlterView(&'a View),
    DropUnique {
        table: &'a str,
        name: &'a str,
    },
    DropCheck {
        table: &'a str,
        name: &'a str,
    },
    DropForeignKey {
        table: &'a str,
        name: &'a str,
    },
    DropIndex {
        table: &'a str,
        name: &'a str,
    },
    DropPrimaryKey {
        table: &'a str,
    },
    ModifyColumn {
        table: &'a str,
        columns: Pair<&'a Column>,
        modification: Modification,
    },
    AddPrimaryKey {
        table: &'a str,
        key: &'a PrimaryKey,
    },
    AddColumn {
        table: &'a str,
        column: &'a Column,
        /// The key that a column which counts cannot be without.
        key: Option<&'a PrimaryKey>,
    },
    AddUnique {
        table: &'a str,
        unique: UniqueOn<'a>,
    },
    AddForeignKey(&'a ForeignKey),
    CreateIndex {
        table: &'a str,
        index: &'a Index,
        expressions: Vec<&'a str>,
    },
    AddCheck {
        table: &'a str,
        check: &'a Check,
    },
    DropColumn {
        table: &'a str,
        column: &'a Column,
    },
    ReplacePrimaryKey {
        table: &'a str,
        key: &'a PrimaryKey,
    },
    CreateView {
        view: &'a View,
        replace: bool,
    },
}

/// A unique constraint or a unique index: to the kit they are one when it writes SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct UniqueOn<'a> {
    pub name: &'a str,
    pub columns: &'a [String],
    /// The parts that are expressions.
    pub expressions: Vec<&'a str>,
}

/// The way from one snapshot to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff<'a> {
    /// In the order in which they run.
    pub changes: Vec<Change<'a>>,
    /// Differences for which there is no change, in words. Where this is not empty the changes
    /// do not lead to the second snapshot, and nobody should act on them.
    pub not_expressed: Vec<String>,
}

/// Compares two snapshots. The first has the new names already.
pub fn diff<'a>(snapshots: Pair<&'a Snapshot>, renames: &'a [Rename]) -> Diff<'a> {
    let tables = split(&snapshots.from.tables, &snapshots.to.tables);
    let altered: Vec<_> =
        tables.kept.iter().map(|it| Altered::of(snapshots, *it, renames)).collect();
    let mut freed = freeing(&altered, renames);
    let checks = order::checks_of_renamed(&altered, renames);
    let views = Views::of(snapshots);
    let mut changes = Vec::new();
    for table in &tables.created {
        let uniques = uniques(snapshots.to, table).into_values().collect();
        changes.push(Change::CreateTable { table, uniques });
    }
    changes.extend(tables.dropped.iter().map(|it| Change::DropTable(it)));
    let renamed =
        |kind: NameKind| renames.iter().filter(move |it| it.kind == kind).map(Change::Rename);
    changes.extend(renamed(NameKind::Table));
    changes.extend(checks.iter().cloned());
    changes.extend(renamed(NameKind::Column));
    changes.extend(views.dropped);
    changes.extend(renamed(NameKind::View));
    changes.extend(views.altered);
    changes.extend(freed.iter().cloned());
    freed.extend(checks);
    let mut each = |of: fn(&Altered<'a>) -> Vec<Change<'a>>| {
        let found = altered.iter().flat_map(of);
        changes.extend(found.filter(|it| !freed.contains(it)));
    };
    each(Altered::drop_uniques);
    each(Altered::drop_checks);
    each(Altered::drop_foreign_keys);
    each(Altered::drop_indexes);
    each(Altered::drop_altered_indexes);
    each(Altered::drop_primary_keys);
    each(Altered::modify_columns);
    each(Altered::add_primary_keys);
    each(Altered::add_columns);
    each(Altered::add_uniques);
    for table in &tables.created {
        changes.extend(table.foreign_keys.values().map(Change::AddForeignKey));
    }
    for table in &tables.created {
        let plain = table.indexes.values().filter(|it| !it.is_unique);
        changes.extend(plain.map(|it| create_index(snapshots.to, &table.name, it)));
    }
    let mut each =
        |of: fn(&Altered<'a>) -> Vec<Change<'a>>| changes.extend(altered.iter().flat_map(of));
    each(Altered::add_checks);
    each(Altered::add_foreign_keys);
    each(Altered::create_indexes);
    each(Altered::create_altered_indexes);
    each(Altered::drop_columns);
    each(Altered::replace_primary_keys);
    changes.extend(order::views_in_order(views.created));
    let changes = order::around_keys(&altered, changes);
    let not_expressed = altered.iter().flat_map(Altered::not_expressed);
    let not_expressed = not_expressed.chain(order::too_long(&changes)).collect();
    Diff { changes, not_expressed }
}

/// The foreign keys that go and stand on a unique index that goes: MySQL drops it only after them. The kit does
/// not look.
fn freeing<'a>(altered: &[Altered<'a>], renames: &[Rename]) -> Vec<Change<'a>> {
    let now = |table: &str| {
        let renamed = renames.iter().find(|it| it.kind == NameKind::Table && it.from == [table]);
        renamed.map_or(table.to_owned(), |it| it.new_name().to_owned())
    };
    let gone: Vec<_> = altered
        .iter()
        .flat_map(|it| it.gone_uniques().into_iter().map(|unique| (it.name(), unique.columns)))
        .collect();
    let stands = |it: &&ForeignKey| {
        let to = now(&it.table_to);
        gone.iter().any(|(table, columns)| *table == to && **columns == it.columns_to[..])
    };
    let freed = altered.iter().flat_map(|table| {
        let keys = table.gone_foreign_keys().into_iter().filter(stands);
        keys.map(|it| Change::DropForeignKey { table: table.name(), name: &it.name })
    });
    freed.collect()
}

fn create_index<'a>(to: &'a Snapshot, table: &'a str, index: &'a Index) -> Change<'a> {
    Change::CreateIndex { table, index, expressions: expressions(to, index) }
}

fn expressions<'a>(of: &'a Snapshot, index: &'a Index) -> Vec<&'a str> {
    let parts = index.columns.iter().map(String::as_str);
    parts.filter(|part| of.is_expression(&index.name, part)).collect()
}

/// The unique constraints of a table, then its unique indexes.
fn uniques<'a>(of: &'a Snapshot, table: &'a Table) -> IndexMap<String, UniqueOn<'a>> {
    let constraint =
        |it: &'a Unique| UniqueOn { name: &it.name, columns: &it.columns, expressions: Vec::new() };
    let index = |it: &'a Index| UniqueOn {
        name: &it.name,
        columns: &it.columns,
        expressions: expressions(of, it),
    };
    let constraints = table.unique_constraints.values().map(constraint);
    let indexes = table.indexes.values().filter(|it| it.is_unique).map(index);
    in_key_order(constraints.chain(indexes).map(|it| (it.name.to_owned(), it)).collect())
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
    let only = |these: &'a Record<V>, others: &Record<V>| {
        these.iter().filter(|(key, _)| !others.contains_key(*key)).map(|(_, it)| it).collect()
    };
    let pair = |(key, from): (&String, &'a V)| to.get(key).map(|to| Pair { from, to });
    Split {
        dropped: only(from, to),
        created: only(to, from),
        kept: from.iter().filter_map(pair).collect(),
    }
}

/// What happens to views.
struct Views<'a> {
    dropped: Vec<Change<'a>>,
    altered: Vec<Change<'a>>,
    created: Vec<Change<'a>>,
}

impl<'a> Views<'a> {
    fn of(snapshots: Pair<&'a Snapshot>) -> Self {
        let Split { dropped, created, kept } = split(&snapshots.from.views, &snapshots.to.views);
        let ours = |it: &&'a View| !it.is_existing;
        let create = |view, replace| Change::CreateView { view, replace };
        let mut views = Self {
            dropped: dropped.into_iter().filter(ours).map(Change::DropView).collect(),
            altered: Vec::new(),
            created: created.into_iter().filter(ours).map(|it| create(it, false)).collect(),
        };
        for Pair { from, to } in kept.into_iter().filter(|it| !it.to.is_existing) {
            let options = |it: &View| {
                (it.algorithm.clone(), it.sql_security.clone(), it.with_check_option.clone())
            };
            // The kit drops here what never was its own.
            if from.is_existing {
                views.dropped.push(Change::DropView(to));
                views.created.push(create(to, false));
            } else if from.definition != to.definition {
                views.created.push(create(to, true));
            } else if options(from) != options(to) {
                views.altered.push(Change::AlterView(to));
            }
        }
        views
    }
}

/// A table that is on both sides.
struct Altered<'a> {
    to: &'a Snapshot,
    tables: Pair<&'a Table>,
    is_renamed: bool,
    columns: Split<'a, Column>,
    keys: Split<'a, PrimaryKey>,
    checks: Split<'a, Check>,
    foreign_keys: Split<'a, ForeignKey>,
    indexes: Pair<Record<&'a Index>>,
    uniques: Pair<Record<UniqueOn<'a>>>,
}

impl<'a> Altered<'a> {
    fn of(snapshots: Pair<&'a Snapshot>, tables: Pair<&'a Table>, renames: &[Rename]) -> Self {
        let Pair { from, to } = tables;
        let plain = |it: &'a Table| {
            let plain = it.indexes.iter().filter(|it| !it.1.is_unique);
            plain.map(|(key, it)| (key.clone(), it)).collect()
        };
        Self {
            to: snapshots.to,
            tables,
            is_renamed: renames
                .iter()
                .any(|it| it.kind == NameKind::Table && it.to == [to.name.as_str()]),
            columns: split(&from.columns, &to.columns),
            keys: split(&from.composite_primary_keys, &to.composite_primary_keys),
            checks: split(&from.check_constraint, &to.check_constraint),
            foreign_keys: split(&from.foreign_keys, &to.foreign_keys),
            indexes: Pair { from: plain(from), to: plain(to) },
            uniques: Pair { from: uniques(snapshots.from, from), to: uniques(snapshots.to, to) },
        }
    }

    fn name(&self) -> &'a str {
        &self.tables.to.name
    }

    fn gone_uniques(&self) -> Vec<UniqueOn<'a>> {
        let Split { dropped, kept, .. } = split(&self.uniques.from, &self.uniques.to);
        let altered = kept.into_iter().filter(|it| it.from.columns != it.to.columns);
        dropped.into_iter().chain(altered.map(|it| it.from)).cloned().collect()
    }

    fn drop_uniques(&self) -> Vec<Change<'a>> {
        let gone = self.gone_uniques().into_iter();
        gone.map(|it| Change::DropUnique { table: self.name(), name: it.name }).collect()
    }

    fn gone_checks(&self) -> Vec<&'a Check> {
        let altered = self.checks.kept.iter().filter(|it| it.from != it.to).map(|it| it.from);
        self.checks.dropped.iter().copied().chain(altered).collect()
    }

    fn drop_checks(&self) -> Vec<Change<'a>> {
        let gone = self.gone_checks().into_iter();
        gone.map(|it| Change::DropCheck { table: self.name(), name: &it.name }).collect()
    }

    fn gone_foreign_keys(&self) -> Vec<&'a ForeignKey> {
        let altered = self.foreign_keys.kept.iter().filter(|it| !it.from.means(it.to));
        self.foreign_keys.dropped.iter().copied().chain(altered.map(|it| it.from)).collect()
    }

    fn drop_foreign_keys(&self) -> Vec<Change<'a>> {
        let gone = self.gone_foreign_keys().into_iter();
        gone.map(|it| Change::DropForeignKey { table: self.name(), name: &it.name }).collect()
    }

    fn drop_indexes(&self) -> Vec<Change<'a>> {
        let gone = split(&self.indexes.from, &self.indexes.to).dropped;
        gone.iter().map(|it| Change::DropIndex { table: self.name(), name: &it.name }).collect()
    }

    fn altered_indexes(&self) -> Vec<Pair<&'a Index>> {
        let kept = split(&self.indexes.from, &self.indexes.to).kept;
        let pairs = kept.into_iter().map(|it| Pair { from: *it.from, to: *it.to });
        pairs.filter(|it| it.from != it.to).collect()
    }

    fn drop_altered_indexes(&self) -> Vec<Change<'a>> {
        let gone = self.altered_indexes().into_iter();
        gone.map(|it| Change::DropIndex { table: self.name(), name: &it.from.name }).collect()
    }

    /// The key of a renamed table has another name to the kit, and to MySQL it has none: a column that counts
    /// cannot be without it.
    fn keeps_key(&self) -> bool {
        match (&self.keys.dropped[..], &self.keys.created[..]) {
            ([from], [to]) => self.is_renamed && from.columns == to.columns,
            _ => false,
        }
    }

    fn drop_primary_keys(&self) -> Vec<Change<'a>> {
        let gone = self.keys.dropped.iter().filter(|_| !self.keeps_key());
        // Equal statements are written once.
        gone.take(1).map(|_| Change::DropPrimaryKey { table: self.name() }).collect()
    }

    fn modify_columns(&self) -> Vec<Change<'a>> {
        column::modifications(&self.columns.kept)
            .into_iter()
            .map(|(columns, modification)| Change::ModifyColumn {
                table: self.name(),
                columns,
                modification,
            })
            .collect()
    }

    fn add_primary_keys(&self) -> Vec<Change<'a>> {
        let was_key = |key: &&&PrimaryKey| match key.columns.as_slice() {
            [name] => self.tables.from.columns.get(name).is_some_and(|it| it.primary_key),
            _ => false,
        };
        let added = self.keys.created.iter().filter(|it| !was_key(it) && !self.keeps_key());
        added.map(|key| Change::AddPrimaryKey { table: self.name(), key }).collect()
    }

    fn add_columns(&self) -> Vec<Change<'a>> {
        let added = self.columns.created.iter();
        added.map(|column| Change::AddColumn { table: self.name(), column, key: None }).collect()
    }

    fn add_uniques(&self) -> Vec<Change<'a>> {
        let Split { created, kept, .. } = split(&self.uniques.from, &self.uniques.to);
        let altered = kept.into_iter().filter(|it| it.from.columns != it.to.columns);
        let added = created.into_iter().chain(altered.map(|it| it.to));
        added.map(|it| Change::AddUnique { table: self.name(), unique: it.clone() }).collect()
    }

    fn add_checks(&self) -> Vec<Change<'a>> {
        let altered = self.checks.kept.iter().filter(|it| it.from != it.to).map(|it| it.to);
        let added = self.checks.created.iter().copied().chain(altered);
        added.map(|check| Change::AddCheck { table: self.name(), check }).collect()
    }

    fn add_foreign_keys(&self) -> Vec<Change<'a>> {
        let altered = self.foreign_keys.kept.iter().filter(|it| !it.from.means(it.to));
        let added = self.foreign_keys.created.iter().copied().chain(altered.map(|it| it.to));
        added.map(Change::AddForeignKey).collect()
    }

    fn create_indexes(&self) -> Vec<Change<'a>> {
        let added = split(&self.indexes.from, &self.indexes.to).created;
        added.into_iter().map(|it| create_index(self.to, self.name(), it)).collect()
    }

    fn create_altered_indexes(&self) -> Vec<Change<'a>> {
        let altered = self.altered_indexes().into_iter();
        altered.map(|it| create_index(self.to, self.name(), it.to)).collect()
    }

    fn drop_columns(&self) -> Vec<Change<'a>> {
        let gone = self.columns.dropped.iter();
        gone.map(|column| Change::DropColumn { table: self.name(), column }).collect()
    }

    fn replace_primary_keys(&self) -> Vec<Change<'a>> {
        let altered = self.keys.kept.iter().filter(|it| it.from.columns != it.to.columns);
        altered.map(|it| Change::ReplacePrimaryKey { table: self.name(), key: it.to }).collect()
    }

    fn not_expressed(&self) -> Vec<String> {
        let columns = self.columns.kept.iter();
        columns.flat_map(|it| column::not_expressed(self.name(), *it)).collect()
    }
}
