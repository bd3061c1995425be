//! What has to change to get from one SQLite snapshot to another.
//!
//! Follows `applySqliteSnapshotsDiff` and `sqliteCombineStatements` of drizzle-kit 0.31.11
//! (`src/snapshotsDiffer.ts`, `src/statementCombiner.ts`): the same comparisons, the same statement
//! kinds, in the same order. Renames are not guessed: what nobody has called renamed is dropped and
//! created. `render` turns the changes into SQL.

pub mod rename;
pub(super) mod views;

use indexmap::IndexMap;

use super::snapshot::{Column, ForeignKey, Index, Snapshot, Table, View};
use super::token::tokens;
use crate::drizzle::javascript::in_key_order;
use crate::pair::Pair;
use crate::rename::{NameKind, Rename};

/// One step from a snapshot to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<'a> {
    CreateTable(&'a Table),
    DropTable(&'a Table),
    /// Of a table or a column.
    Rename(&'a Rename),
    DropIndex(&'a Index),
    /// What `ALTER TABLE` cannot do: a new table, filled from the old one, takes its place. The
    /// indexes follow as changes of their own.
    RebuildTable(Pair<&'a Table>),
    /// Dropped and added again: a virtual column whose expression differs.
    ReplaceColumn {
        table: &'a Table,
        column: &'a Column,
    },
    AddColumn {
        table: &'a Table,
        column: &'a Column,
        references: Option<&'a ForeignKey>,
    },
    CreateIndex(IndexOn<'a>),
    DropColumn {
        table: &'a Table,
        column: &'a Column,
    },
    DropView(&'a View),
    CreateView(&'a View),
}

/// An index with what its snapshot keeps elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexOn<'a> {
    pub table: &'a Table,
    pub index: &'a Index,
    /// The parts that are expressions.
    pub expressions: Vec<&'a str>,
}

/// The way from one snapshot to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff<'a> {
    /// In the order in which they run.
    pub changes: Vec<Change<'a>>,
}

/// Compares two snapshots. The first has the new names already.
pub fn diff<'a>(snapshots: Pair<&'a Snapshot>, renames: &'a [Rename]) -> Diff<'a> {
    let tables = split(&snapshots.from.tables, &snapshots.to.tables);
    let altered: Vec<_> = tables.kept.into_iter().map(|it| Altered::of(snapshots.to, it)).collect();
    let mut steps = Vec::new();
    for table in &tables.created {
        steps.push(Step::plain(&table.name, Change::CreateTable(table)));
    }
    for table in &tables.dropped {
        steps.push(Step::plain(&table.name, Change::DropTable(table)));
    }
    for kind in [NameKind::Table, NameKind::Column] {
        let renames = renames.iter().filter(|it| it.kind == kind);
        steps.extend(renames.map(|it| Step::plain(&it.to[0], Change::Rename(it))));
    }
    let mut before =
        |of: fn(&Altered<'a>) -> Vec<Step<'a>>| steps.extend(altered.iter().flat_map(of));
    before(Altered::rebuild_for_drops);
    before(Altered::drop_indexes);
    before(Altered::drop_altered_indexes);
    before(Altered::rebuild_for_columns);
    before(Altered::replace_columns);
    before(Altered::add_columns);
    for table in &tables.created {
        steps.extend(table.indexes.values().map(|it| create_index(snapshots.to, table, it)));
    }
    let mut after =
        |of: fn(&Altered<'a>) -> Vec<Step<'a>>| steps.extend(altered.iter().flat_map(of));
    after(Altered::create_indexes);
    after(Altered::create_altered_indexes);
    after(Altered::rebuild_for_checks);
    after(Altered::add_foreign_keys);
    after(Altered::drop_columns);
    steps.extend(changed_views(snapshots));
    Diff { changes: views::around(combine(steps, snapshots), snapshots, renames) }
}

/// A change before the changes of each table are combined.
struct Step<'a> {
    /// The table, or nothing for views.
    table: Option<&'a str>,
    action: Action<'a>,
}

enum Action<'a> {
    Plain(Change<'a>),
    /// Only a rebuild of the table makes this change.
    Rebuild,
    /// So does this one, unless the column that refers is new and brings the key along.
    Reference(&'a ForeignKey),
}

impl<'a> Step<'a> {
    fn plain(table: &'a str, change: Change<'a>) -> Self {
        Self { table: Some(table), action: Action::Plain(change) }
    }

    fn rebuild(table: &'a str) -> Self {
        Self { table: Some(table), action: Action::Rebuild }
    }
}

/// Groups the steps by table, in the order in which the tables first occur. A rebuild takes the
/// place of everything else that happens to its table.
fn combine<'a>(steps: Vec<Step<'a>>, snapshots: Pair<&'a Snapshot>) -> Vec<Change<'a>> {
    let mut groups: IndexMap<String, Vec<Change<'a>>> = IndexMap::new();
    for Step { table, action } in steps {
        let group = groups.entry(table.unwrap_or("undefined").to_owned()).or_default();
        let is_rebuilt = group.iter().any(|it| matches!(it, Change::RebuildTable(_)));
        match action {
            _ if is_rebuilt => {}
            Action::Plain(change) => group.push(change),
            Action::Reference(key) if comes_with_column(key, group) => {}
            Action::Rebuild | Action::Reference(_) => {
                rebuild_after(group, rebuild(table.unwrap_or_default(), snapshots));
            }
        }
    }
    let changes = in_key_order(groups).into_values().flatten();
    let (renames, others): (Vec<_>, Vec<_>) =
        changes.partition(|it| matches!(it, Change::Rename(_)));
    let (columns, tables): (Vec<_>, Vec<_>) = renames
        .into_iter()
        .partition(|it| matches!(it, Change::Rename(it) if it.kind == NameKind::Column));
    tables.into_iter().chain(columns).chain(others).collect()
}

/// Puts a rebuild in the place of what happens to a table. drizzle-kit keeps all that comes before where
/// the table is renamed, and forgets even a renamed column where it is not.
fn rebuild_after<'a>(group: &mut Vec<Change<'a>>, rebuild: Vec<Change<'a>>) {
    let is_of_table =
        |it: &Change<'_>| matches!(it, Change::Rename(it) if it.kind == NameKind::Table);
    if !group.iter().any(is_of_table) {
        group.retain(|it| matches!(it, Change::Rename(_)));
    }
    group.extend(rebuild);
}

fn comes_with_column(key: &ForeignKey, group: &[Change<'_>]) -> bool {
    let is_from = |name: &String| {
        group
            .iter()
            .any(|it| matches!(it, Change::AddColumn { column, .. } if column.name == *name))
    };
    matches!(key.columns_from.as_slice(), [name] if is_from(name))
}

fn rebuild<'a>(table: &str, snapshots: Pair<&'a Snapshot>) -> Vec<Change<'a>> {
    let (from, to) = (snapshots.from.tables.get(table), snapshots.to.tables.get(table));
    let (Some(from), Some(to)) = (from, to) else { return Vec::new() };
    let indexes = to.indexes.values().map(|it| Change::CreateIndex(index_on(snapshots.to, to, it)));
    [Change::RebuildTable(Pair { from, to })].into_iter().chain(indexes).collect()
}

fn create_index<'a>(to: &'a Snapshot, table: &'a Table, index: &'a Index) -> Step<'a> {
    Step::plain(&table.name, Change::CreateIndex(index_on(to, table, index)))
}

fn index_on<'a>(to: &'a Snapshot, table: &'a Table, index: &'a Index) -> IndexOn<'a> {
    let parts = index.columns.iter().map(String::as_str);
    let expressions = parts.filter(|part| to.is_expression(&index.name, part)).collect();
    IndexOn { table, index, expressions }
}

fn changed_views<'a>(snapshots: Pair<&'a Snapshot>) -> Vec<Step<'a>> {
    let Split { dropped, created, kept } = split(&snapshots.from.views, &snapshots.to.views);
    let ours = |it: &&'a View| !it.is_existing;
    let replaced: Vec<_> = kept
        .into_iter()
        .filter(|it| !it.to.is_existing)
        .filter(|it| it.from.is_existing || it.from.definition != it.to.definition)
        .collect();
    let dropped = dropped.into_iter().filter(ours).chain(replaced.iter().map(|it| it.to));
    let created = created.into_iter().filter(ours).chain(replaced.iter().map(|it| it.to));
    dropped
        .map(Change::DropView)
        .chain(created.map(Change::CreateView))
        .map(|change| Step { table: None, action: Action::Plain(change) })
        .collect()
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

/// A table that is on both sides.
struct Altered<'a> {
    to: &'a Snapshot,
    tables: Pair<&'a Table>,
    columns: Split<'a, Column>,
    indexes: Split<'a, Index>,
    foreign_keys: Split<'a, ForeignKey>,
}

impl<'a> Altered<'a> {
    fn of(to: &'a Snapshot, tables: Pair<&'a Table>) -> Self {
        Self {
            to,
            tables,
            columns: split(&tables.from.columns, &tables.to.columns),
            indexes: split(&tables.from.indexes, &tables.to.indexes),
            foreign_keys: split(&tables.from.foreign_keys, &tables.to.foreign_keys),
        }
    }

    fn name(&self) -> &'a str {
        &self.tables.to.name
    }

    fn rebuild_if(&self, needed: bool) -> Vec<Step<'a>> {
        if needed { vec![Step::rebuild(self.name())] } else { Vec::new() }
    }

    /// Foreign keys and checks that go away or change.
    fn rebuild_for_drops(&self) -> Vec<Step<'a>> {
        let Pair { from, to } = self.tables;
        let checks = split(&from.check_constraints, &to.check_constraints);
        let keys = &self.foreign_keys;
        self.rebuild_if(
            !keys.dropped.is_empty()
                || keys.kept.iter().any(|it| !it.from.means(it.to))
                || !checks.dropped.is_empty()
                || checks.kept.iter().any(|it| it.from != it.to),
        )
    }

    fn drop_indexes(&self) -> Vec<Step<'a>> {
        let dropped = self.indexes.dropped.iter();
        dropped.map(|it| Step::plain(self.name(), Change::DropIndex(it))).collect()
    }

    fn drop_altered_indexes(&self) -> Vec<Step<'a>> {
        let altered = self.indexes.kept.iter().filter(|it| !it.from.means(it.to));
        altered.map(|it| Step::plain(self.name(), Change::DropIndex(it.from))).collect()
    }

    /// Columns and primary keys that change.
    fn rebuild_for_columns(&self) -> Vec<Step<'a>> {
        let Pair { from, to } = self.tables;
        let keys = split(&from.composite_primary_keys, &to.composite_primary_keys);
        let added = keys.created.last().map(|it| &it.columns);
        let dropped = keys.dropped.last().map(|it| &it.columns);
        let altered = keys.kept.iter().any(|it| it.from.columns != it.to.columns);
        let kept = &self.columns.kept;
        self.rebuild_if(
            added != dropped
                || altered
                || kept.iter().any(|it| is_altered(*it) || self.is_regenerated_by_rebuild(*it)),
        )
    }

    /// Virtual columns whose expression differs, unless something stands on them.
    fn replace_columns(&self) -> Vec<Step<'a>> {
        let table = self.tables.to;
        let replace =
            |column: &'a Column| Step::plain(self.name(), Change::ReplaceColumn { table, column });
        let regenerated =
            self.columns.kept.iter().filter(|it| it.from.generated != it.to.generated);
        regenerated.map(|it| replace(it.to)).collect()
    }

    /// Whether only a rebuild changes the expression of a column: `ALTER TABLE` neither adds a stored column
    /// nor drops one on which something stands, and a column that is generated no more keeps its values.
    fn is_regenerated_by_rebuild(&self, columns: Pair<&Column>) -> bool {
        let Pair { from, to } = columns;
        let is_virtual = to.generated.as_ref().is_some_and(|it| it.r#type == "virtual");
        from.generated != to.generated && (!is_virtual || is_stood_on(self.tables.from, &to.name))
    }

    fn add_columns(&self) -> Vec<Step<'a>> {
        let table = self.tables.to;
        let add = |column: &&'a Column| {
            let column = *column;
            // drizzle-kit only warns where a stored column comes.
            let is_stored = column.generated.as_ref().is_some_and(|it| it.r#type == "stored");
            if column.primary_key || is_stored {
                return Step::rebuild(self.name());
            }
            let mut keys = self.foreign_keys.created.iter().copied();
            let references = keys.find(|it| it.columns_from.contains(&column.name));
            Step::plain(self.name(), Change::AddColumn { table, column, references })
        };
        self.columns.created.iter().map(add).collect()
    }

    fn create_indexes(&self) -> Vec<Step<'a>> {
        let created = self.indexes.created.iter();
        created.map(|it| create_index(self.to, self.tables.to, it)).collect()
    }

    fn create_altered_indexes(&self) -> Vec<Step<'a>> {
        let altered = self.indexes.kept.iter().filter(|it| !it.from.means(it.to));
        altered.map(|it| create_index(self.to, self.tables.to, it.to)).collect()
    }

    fn rebuild_for_checks(&self) -> Vec<Step<'a>> {
        let Pair { from, to } = self.tables;
        let checks = split(&from.check_constraints, &to.check_constraints);
        self.rebuild_if(!checks.created.is_empty())
    }

    fn add_foreign_keys(&self) -> Vec<Step<'a>> {
        let created = self.foreign_keys.created.iter();
        created.map(|it| Step { table: Some(self.name()), action: Action::Reference(it) }).collect()
    }

    fn drop_columns(&self) -> Vec<Step<'a>> {
        let table = self.tables.to;
        let drop =
            |column: &&'a Column| Step::plain(self.name(), Change::DropColumn { table, column });
        self.columns.dropped.iter().map(drop).collect()
    }
}

/// Whether an index, a check, a key or another column of the table needs the column. Where a text cannot
/// be read, it does.
fn is_stood_on(table: &Table, column: &str) -> bool {
    let named = |names: &[String]| names.iter().any(|it| it == column);
    let indexes = table.indexes.values().any(|it| {
        named(&it.columns) || it.columns.iter().chain(&it.condition).any(|it| mentions(it, column))
    });
    let others = table.columns.values().filter(|it| it.name != column);
    let mut others = others.filter_map(|it| it.generated.as_ref());
    indexes
        || table.unique_constraints.values().any(|it| named(&it.columns))
        || table.composite_primary_keys.values().any(|it| named(&it.columns))
        || table.foreign_keys.values().any(|it| named(&it.columns_from))
        || table.check_constraints.values().any(|it| mentions(&it.value, column))
        || others.any(|it| mentions(&it.r#as, column))
        || table.columns.get(column).is_some_and(|it| it.primary_key)
}

/// Whether a name stands in a text, as far as the text can be read.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let is_name = |it: Option<String>| it.is_some_and(|it| it.eq_ignore_ascii_case(name));
    !tokens(text).is_ok_and(|it| !it.iter().any(|it| is_name(it.identifier())))
}

/// Whether a column differs so that the table has to be rebuilt. drizzle-kit passes over a column
/// whose types differ by a space only, whatever else differs.
fn is_altered(columns: Pair<&Column>) -> bool {
    let Pair { from, to } = columns;
    let same_type = from.r#type == to.r#type;
    if !same_type && from.r#type.replacen(" (", "(", 1) == to.r#type.replacen(" (", "(", 1) {
        return false;
    }
    !same_type
        || from.primary_key != to.primary_key
        || from.not_null != to.not_null
        || from.autoincrement != to.autoincrement
        || from.default != to.default
}

impl Index {
    /// Whether two indexes are the same to drizzle-kit.
    fn means(&self, other: &Self) -> bool {
        let normal = |it: &Self| Self {
            condition: Some(it.condition.clone().unwrap_or_default()),
            ..it.clone()
        };
        normal(self) == normal(other)
    }
}
