//! What has to change to get from one set of MySQL rows to another.
//!
//! Follows `ddlDiff` of drizzle-kit 1.0.0-rc.5 (`src/dialects/mysql/diff.ts`): the same comparisons, the
//! same statement kinds, in the same order. Renames are not guessed: what nobody has called
//! renamed is dropped and created.

mod column;

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::grammar::{mentions, quote_ident};
use super::{Check, Column, ForeignKey, Index, PrimaryKey, Table, View, rows};
use crate::drizzle::entities::Entities;
use crate::pair::Pair;
use crate::rename::{NameKind, Rename};

/// One step from one set of rows to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    CreateTable(FullTable),
    DropForeignKey {
        key: ForeignKey,
        with_index: bool,
    },
    DropTable(String),
    /// Of a table, a column or a view.
    Rename(Rename),
    DropView(String),
    AlterView(View),
    DropCheck(Check),
    DropIndex(Index),
    DropPrimaryKey(String),
    AlterColumn {
        columns: Pair<Column>,
        becomes_key: bool,
    },
    RecreateColumn {
        columns: Pair<Column>,
        is_key: bool,
    },
    AddColumn {
        column: Column,
        is_key: bool,
    },
    AddPrimaryKey(PrimaryKey),
    CreateIndex(Index),
    AddForeignKey(ForeignKey),
    AddCheck(Check),
    DropColumn(Column),
    CreateView {
        view: View,
        replace: bool,
    },
}

/// A table with all that is created along with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FullTable {
    pub name: String,
    pub columns: Vec<Column>,
    pub key: Option<PrimaryKey>,
    pub uniques: Vec<Index>,
    pub foreign_keys: Vec<ForeignKey>,
    pub checks: Vec<Check>,
}

/// The way from one set of rows to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Diff {
    /// In the order in which they run.
    pub changes: Vec<Change>,
    /// Differences for which drizzle-kit writes nothing, in words. Where this is not empty the changes
    /// do not lead to the second set, and nobody should act on them.
    pub not_expressed: Vec<String>,
}

/// Which views select from which others: what is selected from is created first.
pub(super) type Dependencies = BTreeMap<String, Vec<String>>;

/// Compares two sets of rows; `from` has the new names already, and `to` those that `from` has for what the
/// schema does not name.
pub(super) fn diff(
    entities: Pair<&Entities>,
    dependencies: &Dependencies,
    renames: &[Rename],
) -> Diff {
    let sides = Pair { from: Side::of(entities.from), to: Side::of(entities.to) };
    let both = Both {
        created: names_only_in(&sides.to.tables, &sides.from.tables),
        dropped: names_only_in(&sides.from.tables, &sides.to.tables),
        sides,
    };
    let mut changes = Vec::new();
    changes.extend(both.create_tables());
    changes.extend(both.drop_foreign_keys());
    changes.extend(both.dropped.iter().cloned().map(Change::DropTable));
    let renamed =
        |kind| renames.iter().filter(move |it| it.kind == kind).cloned().map(Change::Rename);
    changes.extend(renamed(NameKind::Table));
    let spoken_of = both.checks_of_renamed(renames);
    changes.extend(spoken_of.iter().map(|it| Change::DropCheck(it.from.clone())));
    changes.extend(renamed(NameKind::Column));
    changes.extend(both.drop_views());
    changes.extend(renamed(NameKind::View));
    changes.extend(both.alter_views());
    changes.extend(both.drop_checks());
    changes.extend(both.drop_indexes());
    changes.extend(both.drop_primary_keys());
    changes.extend(both.alter_columns());
    changes.extend(both.recreate_columns());
    let added = both.add_columns();
    let keys = both.add_primary_keys(&changes, &added);
    changes.extend(added);
    changes.extend(keys);
    changes.extend(both.create_indexes());
    changes.extend(both.add_foreign_keys());
    changes.extend(both.add_checks());
    changes.extend(spoken_of.iter().map(|it| Change::AddCheck(it.to.clone())));
    changes.extend(both.drop_columns());
    changes.extend(both.create_views(dependencies));
    Diff { changes, not_expressed: both.not_expressed(renames) }
}

/// The rows of one side, typed.
struct Side {
    tables: Vec<Table>,
    columns: Vec<Column>,
    keys: Vec<PrimaryKey>,
    foreign_keys: Vec<ForeignKey>,
    indexes: Vec<Index>,
    checks: Vec<Check>,
    views: Vec<View>,
}

impl Side {
    fn of(entities: &Entities) -> Self {
        Self {
            tables: rows(entities, "tables"),
            columns: rows(entities, "columns"),
            keys: rows(entities, "pks"),
            foreign_keys: rows(entities, "fks"),
            indexes: rows(entities, "indexes"),
            checks: rows(entities, "checks"),
            views: rows(entities, "views"),
        }
    }

    fn key(&self, table: &str) -> Option<&PrimaryKey> {
        self.keys.iter().find(|it| it.table == table)
    }

    /// Whether the server needs no index of its own for a key. drizzle-kit drops one all the same.
    fn has_index_for(&self, key: &ForeignKey) -> bool {
        let begins = |columns: &[String]| columns.starts_with(&key.columns);
        let indexes = self.indexes.iter().filter(|it| it.table == key.table);
        let plain = |it: &Index| it.columns.iter().map(|it| it.value.clone()).collect::<Vec<_>>();
        let others = self.foreign_keys.iter().filter(|it| it.table == key.table);
        let mut others = others.filter(|it| it.name != key.name);
        self.key(&key.table).is_some_and(|it| begins(&it.columns))
            || indexes.map(plain).any(|it| begins(&it))
            || others.any(|it| begins(&it.columns) || key.columns.starts_with(&it.columns))
    }

    /// Whether the column alone is the primary key.
    fn is_key(&self, it: &Column) -> bool {
        self.key(&it.table).is_some_and(|key| key.columns == [it.name.as_str()])
    }

    fn is_in_key(&self, it: &Column) -> bool {
        self.key(&it.table).is_some_and(|key| key.columns.contains(&it.name))
    }
}

/// A row with its place.
trait Placed {
    fn place(&self) -> (&str, &str);
}

macro_rules! placed {
    ($($row:ty),* $(,)?) => {$(
        impl Placed for $row {
            fn place(&self) -> (&str, &str) {
                (&self.table, &self.name)
            }
        }
    )*};
}

placed!(Column, PrimaryKey, ForeignKey, Index, Check);

impl Placed for Table {
    fn place(&self) -> (&str, &str) {
        ("", &self.name)
    }
}

impl Placed for View {
    fn place(&self) -> (&str, &str) {
        ("", &self.name)
    }
}

fn only_in<'a, T: Placed>(these: &'a [T], others: &[T]) -> Vec<&'a T> {
    let others: BTreeMap<_, _> = others.iter().map(|it| (it.place(), ())).collect();
    these.iter().filter(|it| !others.contains_key(&it.place())).collect()
}

fn names_only_in(these: &[Table], others: &[Table]) -> Vec<String> {
    only_in(these, others).into_iter().map(|it| it.name.clone()).collect()
}

/// What is on both sides and differs, in the order of `from`.
fn altered<'a, T: Placed + PartialEq>(sides: Pair<&'a [T]>) -> Vec<Pair<&'a T>> {
    let others: BTreeMap<_, _> = sides.to.iter().map(|it| (it.place(), it)).collect();
    let pair = |from: &'a T| Some(Pair { from, to: *others.get(&from.place())? });
    sides.from.iter().filter_map(pair).filter(|it| it.from != it.to).collect()
}

struct Both {
    sides: Pair<Side>,
    /// Names of tables on one side only.
    created: Vec<String>,
    dropped: Vec<String>,
}

impl Both {
    fn is_new(&self, table: &str) -> bool {
        self.created.iter().any(|it| it == table)
    }

    fn is_gone(&self, table: &str) -> bool {
        self.dropped.iter().any(|it| it == table)
    }

    fn create_tables(&self) -> Vec<Change> {
        let to = &self.sides.to;
        let of = |name: &String| {
            let mut table = FullTable {
                name: name.clone(),
                columns: to.columns.iter().filter(|it| it.table == *name).cloned().collect(),
                key: to.key(name).cloned(),
                uniques: Vec::new(),
                foreign_keys: Vec::new(),
                checks: to.checks.iter().filter(|it| it.table == *name).cloned().collect(),
            };
            let uniques = to.indexes.iter().filter(|it| it.is_unique && it.table == *name);
            table.uniques.extend(uniques.cloned());
            // With several tables the keys follow, when all tables are there.
            if self.created.len() == 1 {
                let keys = to.foreign_keys.iter().filter(|it| it.table == *name);
                table.foreign_keys.extend(keys.cloned());
            }
            Change::CreateTable(table)
        };
        self.created.iter().map(of).collect()
    }

    fn drop_foreign_keys(&self) -> Vec<Change> {
        let Pair { from, to } = &self.sides;
        let gone = only_in(&from.foreign_keys, &to.foreign_keys);
        let gone =
            gone.into_iter().filter(|it| !self.is_gone(&it.table) || self.is_gone(&it.table_to));
        let drop = |it: &ForeignKey| {
            let keeps_index = to.indexes.iter().any(|index| index.place() == it.place());
            let with_index = !keeps_index && !self.is_gone(&it.table) && !from.has_index_for(it);
            Change::DropForeignKey { key: it.clone(), with_index }
        };
        let redone = self.redone_foreign_keys().into_iter();
        let redone = redone.map(|key| Change::DropForeignKey { key, with_index: false });
        gone.map(drop).chain(redone).collect()
    }

    /// Keys that refer to a primary key that changes, and keys with other actions.
    fn redone_foreign_keys(&self) -> Vec<ForeignKey> {
        let to = &self.sides.to;
        let mut redone = Vec::new();
        for key in self.altered_keys() {
            let refers = |it: &&ForeignKey| {
                it.table_to == key.from.table
                    && it.columns_to.len() == key.from.columns.len()
                    && it.columns_to.iter().all(|it| key.from.columns.contains(it))
            };
            redone.extend(to.foreign_keys.iter().filter(refers).cloned());
        }
        let acts = |it: &ForeignKey| (it.on_delete.clone(), it.on_update.clone());
        let altered = self.altered_foreign_keys().into_iter();
        redone.extend(altered.filter(|it| acts(it.from) != acts(it.to)).map(|it| it.to.clone()));
        redone
    }

    fn altered_foreign_keys(&self) -> Vec<Pair<&ForeignKey>> {
        let Pair { from, to } = &self.sides;
        altered(Pair { from: &from.foreign_keys, to: &to.foreign_keys })
    }

    fn altered_keys(&self) -> Vec<Pair<&PrimaryKey>> {
        altered(Pair { from: &self.sides.from.keys, to: &self.sides.to.keys })
    }

    fn drop_views(&self) -> Vec<Change> {
        let gone = only_in(&self.sides.from.views, &self.sides.to.views);
        gone.into_iter().map(|it| Change::DropView(it.name.clone())).collect()
    }

    fn alter_views(&self) -> Vec<Change> {
        let pairs = altered(Pair { from: &self.sides.from.views, to: &self.sides.to.views });
        let alter = |it: Pair<&View>| {
            // `undefined` is what the server takes anyway.
            let algorithm = it.from.algorithm != it.to.algorithm && it.to.algorithm != "undefined";
            let differs = algorithm
                || it.from.definition != it.to.definition
                || it.from.sql_security != it.to.sql_security
                || it.from.with_check_option != it.to.with_check_option;
            match it.from.definition == it.to.definition {
                _ if !differs => None,
                true => Some(Change::AlterView(it.to.clone())),
                false => Some(Change::CreateView { view: it.to.clone(), replace: true }),
            }
        };
        pairs.into_iter().filter_map(alter).collect()
    }

    fn drop_checks(&self) -> Vec<Change> {
        let gone = only_in(&self.sides.from.checks, &self.sides.to.checks).into_iter();
        gone.filter(|it| !self.is_gone(&it.table)).cloned().map(Change::DropCheck).collect()
    }

    /// Checks that stay and speak of a column that gets another name: MySQL renames it only without them.
    fn checks_of_renamed(&self, renames: &[Rename]) -> Vec<Pair<&Check>> {
        let Pair { from, to } = &self.sides;
        let columns = renames.iter().filter(|it| it.kind == NameKind::Column);
        let columns: Vec<_> = columns.map(|it| (it.to[0].as_str(), it.old_name())).collect();
        let speaks = |it: &Check| {
            columns.iter().any(|(table, name)| it.table == *table && mentions(&it.value, name))
        };
        let speaking = from.checks.iter().filter(|it| speaks(it));
        let pair = |from| {
            let place = |it: &&Check| it.place() == Placed::place(from);
            to.checks.iter().find(place).map(|to| Pair { from, to })
        };
        speaking.filter_map(pair).collect()
    }

    fn drop_indexes(&self) -> Vec<Change> {
        let gone = only_in(&self.sides.from.indexes, &self.sides.to.indexes).into_iter();
        gone.filter(|it| !self.is_gone(&it.table)).cloned().map(Change::DropIndex).collect()
    }

    fn drop_primary_keys(&self) -> Vec<Change> {
        let Pair { from, to } = &self.sides;
        // MySQL has no automatic numbers without a key.
        let is_numbered = |key: &PrimaryKey| match key.columns.as_slice() {
            [name] => to
                .columns
                .iter()
                .any(|it| it.auto_increment && it.table == key.table && it.name == *name),
            _ => false,
        };
        let gone = only_in(&from.keys, &to.keys).into_iter();
        let gone = gone.filter(|it| !self.is_gone(&it.table) && !is_numbered(it));
        let altered = self.altered_keys().into_iter().map(|it| it.from);
        gone.chain(altered).map(|it| Change::DropPrimaryKey(it.table.clone())).collect()
    }

    fn altered_columns(&self) -> Vec<Pair<&Column>> {
        altered(Pair { from: &self.sides.from.columns, to: &self.sides.to.columns })
    }

    fn alter_columns(&self) -> Vec<Change> {
        let Pair { from, to } = &self.sides;
        let alter = |it: Pair<&Column>| {
            let differs = column::differs(it, to.is_in_key(it.to)) && !column::is_recreated(it);
            differs.then(|| Change::AlterColumn {
                columns: it.map_cloned(),
                becomes_key: to.is_key(it.to) && !from.is_key(it.from),
            })
        };
        self.altered_columns().into_iter().filter_map(alter).collect()
    }

    fn recreate_columns(&self) -> Vec<Change> {
        let recreated = self.altered_columns().into_iter().filter(|it| column::is_recreated(*it));
        recreated
            .map(|it| Change::RecreateColumn {
                is_key: self.sides.to.is_key(it.to),
                columns: it.map_cloned(),
            })
            .collect()
    }

    /// New and lost columns of tables that stay, table by table: those that get one come first.
    fn columns_by_table(&self) -> IndexMap<&str, Pair<Vec<&Column>>> {
        let Pair { from, to } = &self.sides;
        let mut tables: IndexMap<&str, Pair<Vec<&Column>>> = IndexMap::new();
        let entry = || Pair { from: Vec::new(), to: Vec::new() };
        for it in only_in(&to.columns, &from.columns) {
            if !self.is_new(&it.table) {
                tables.entry(&it.table).or_insert_with(entry).to.push(it);
            }
        }
        for it in only_in(&from.columns, &to.columns) {
            if !self.is_gone(&it.table) {
                tables.entry(&it.table).or_insert_with(entry).from.push(it);
            }
        }
        tables
    }

    fn add_columns(&self) -> Vec<Change> {
        let added = self.columns_by_table().into_values().flat_map(|it| it.to);
        let add = |it: &Column| Change::AddColumn {
            column: it.clone(),
            is_key: self.sides.to.is_key(it),
        };
        added.map(add).collect()
    }

    fn drop_columns(&self) -> Vec<Change> {
        let gone = self.columns_by_table().into_values().flat_map(|it| it.from);
        gone.cloned().map(Change::DropColumn).collect()
    }

    /// A column that says `PRIMARY KEY` itself needs no other statement for it.
    fn add_primary_keys(&self, changes: &[Change], added: &[Change]) -> Vec<Change> {
        let Pair { from, to } = &self.sides;
        let is_said = |key: &PrimaryKey| {
            let says = |it: &Change| match it {
                Change::AddColumn { column, is_key } => *is_key && column.table == key.table,
                Change::RecreateColumn { columns, is_key } => {
                    *is_key && columns.to.table == key.table
                }
                Change::AlterColumn { columns, becomes_key } => {
                    *becomes_key && columns.to.table == key.table
                }
                Change::CreateTable(_)
                | Change::DropForeignKey { .. }
                | Change::DropTable(_)
                | Change::Rename(_)
                | Change::DropView(_)
                | Change::AlterView(_)
                | Change::DropCheck(_)
                | Change::DropIndex(_)
                | Change::DropPrimaryKey(_)
                | Change::AddPrimaryKey(_)
                | Change::CreateIndex(_)
                | Change::AddForeignKey(_)
                | Change::AddCheck(_)
                | Change::DropColumn(_)
                | Change::CreateView { .. } => false,
            };
            changes.iter().chain(added).any(says)
        };
        let new = only_in(&to.keys, &from.keys).into_iter().filter(|it| !self.is_new(&it.table));
        let altered = self.altered_keys().into_iter().map(|it| it.to);
        let keys = new.chain(altered).filter(|it| !is_said(it));
        keys.cloned().map(Change::AddPrimaryKey).collect()
    }

    fn create_indexes(&self) -> Vec<Change> {
        let new = only_in(&self.sides.to.indexes, &self.sides.from.indexes).into_iter();
        let new = new.filter(|it| !it.is_unique || !self.is_new(&it.table));
        new.cloned().map(Change::CreateIndex).collect()
    }

    fn add_foreign_keys(&self) -> Vec<Change> {
        let new = only_in(&self.sides.to.foreign_keys, &self.sides.from.foreign_keys).into_iter();
        let new = new.filter(|it| self.created.len() >= 2 || !self.is_new(&it.table)).cloned();
        new.chain(self.redone_foreign_keys()).map(Change::AddForeignKey).collect()
    }

    fn add_checks(&self) -> Vec<Change> {
        let new = only_in(&self.sides.to.checks, &self.sides.from.checks).into_iter();
        new.filter(|it| !self.is_new(&it.table)).cloned().map(Change::AddCheck).collect()
    }

    fn create_views(&self, dependencies: &Dependencies) -> Vec<Change> {
        let new = only_in(&self.sides.to.views, &self.sides.from.views);
        let views: IndexMap<&str, &View> =
            new.into_iter().map(|it| (it.name.as_str(), it)).collect();
        let mut sorted = Vec::new();
        for name in views.keys() {
            visit(name, &views, dependencies, &mut (Vec::new(), &mut sorted));
        }
        let create = |it: &View| Change::CreateView { view: it.clone(), replace: false };
        sorted.into_iter().map(create).collect()
    }

    fn not_expressed(&self, renames: &[Rename]) -> Vec<String> {
        let Pair { from, to } = &self.sides;
        let indexes = altered(Pair { from: &from.indexes, to: &to.indexes }).into_iter();
        let indexes = indexes.filter(|it| {
            // Whether the schema names it makes no difference.
            Index { name_explicit: it.to.name_explicit, ..it.from.clone() } != *it.to
        });
        let indexes = indexes.map(|it| format!("index `{}.{}`", it.to.table, it.to.name));
        let checks = altered(Pair { from: &from.checks, to: &to.checks }).into_iter();
        // The server renames what a check speaks of along with it.
        let checks = checks.filter(|it| respelled(&it.from.value, renames) != it.to.value);
        let checks = checks.map(|it| format!("check `{}.{}`", it.to.table, it.to.name));
        let keys = self.altered_foreign_keys().into_iter().filter(|it| {
            it.from.columns != it.to.columns
                || it.from.table_to != it.to.table_to
                || it.from.columns_to != it.to.columns_to
        });
        let keys = keys.map(|it| format!("foreign key `{}.{}`", it.to.table, it.to.name));
        let all = indexes.chain(checks).chain(keys);
        all.map(|it| {
            format!("{it} changes under its name, for which drizzle-kit 1.0 writes nothing")
        })
        .collect()
    }
}

/// An expression with the new names of tables and columns, which are qualified.
fn respelled(expression: &str, renames: &[Rename]) -> String {
    renames.iter().fold(expression.to_owned(), |text, it| match (&it.from[..], &it.to[..]) {
        ([old], [new]) => {
            text.replace(&format!("{}.", quote_ident(old)), &format!("{}.", quote_ident(new)))
        }
        ([table, old], [.., new]) => {
            let named = |name: &str| format!("{}.{}", quote_ident(table), quote_ident(name));
            text.replace(&named(old), &named(new))
        }
        _ => text,
    })
}

/// Views after those that they select from; `done` has who was visited, and the views in order.
fn visit<'a>(
    name: &str,
    views: &IndexMap<&str, &'a View>,
    dependencies: &Dependencies,
    done: &mut (Vec<String>, &mut Vec<&'a View>),
) {
    let Some(view) = views.get(name) else { return };
    if done.0.iter().any(|it| it == name) || done.1.iter().any(|it| it.name == name) {
        return;
    }
    done.0.push(name.to_owned());
    for it in dependencies.get(name).into_iter().flatten() {
        visit(it, views, dependencies, done);
    }
    done.1.push(view);
}

impl Pair<&Column> {
    fn map_cloned(self) -> Pair<Column> {
        Pair { from: self.from.clone(), to: self.to.clone() }
    }
}
