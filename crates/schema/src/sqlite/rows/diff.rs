//! What has to change to get from one set of rows to another.
//!
//! Follows `ddlDiff` of drizzle-kit 1.0.0-rc.5 (`src/dialects/sqlite/diff.ts`): the same comparisons,
//! the same statement kinds, in the same order. Renames are not guessed: what nobody has called renamed
//! is dropped and created. `render` turns the changes into SQL.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Check, Column, ForeignKey, Index, Key, Table, View};
use crate::drizzle::entities::{Altered, Changes, Entities, Row, type_of};
use crate::pair::Pair;
use crate::rename::{NameKind, Rename};
use crate::sqlite::diff::mentions;
use crate::sqlite::diff::views::Touched;

/// One step from a set of rows to the next, in the kit's order.
#[derive(Clone, Debug)]
pub(super) enum Change {
    CreateTable(Whole),
    /// Of a table or a column.
    Rename(Rename),
    AddColumn {
        column: Column,
        key: Option<ForeignKey>,
    },
    /// Dropped and added again: a generated expression that differs.
    ReplaceColumn {
        column: Column,
        key: Option<ForeignKey>,
    },
    RebuildTable(Pair<Whole>),
    DropIndex(Index),
    CreateIndex(Index),
    DropTable(Table),
    DropColumn(Column),
    DropView(View),
    CreateView(View),
}

/// A table with all that stands on it.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) key: Option<Key>,
    pub(super) references: Vec<ForeignKey>,
    pub(super) uniques: Vec<Key>,
    pub(super) checks: Vec<Check>,
    pub(super) indexes: Vec<Index>,
}

struct Sides<'a> {
    to: &'a Entities,
    from: &'a Entities,
    changes: Changes,
    created: BTreeSet<String>,
    dropped: BTreeSet<String>,
}

/// Compares two sets of rows. The first has the new names already.
pub(super) fn diff(entities: Pair<&Entities>, renames: &[Rename]) -> Vec<Change> {
    let changes = entities.from.changes(entities.to);
    let names = |rows: &[Row]| {
        let tables = rows.iter().filter(|it| type_of(it) == "tables");
        tables.filter_map(|it| it["name"].as_str()).map(str::to_owned).collect()
    };
    let (created, dropped) = (names(&changes.created), names(&changes.dropped));
    let sides = Sides { to: entities.to, from: entities.from, changes, created, dropped };
    let rebuilt = sides.rebuilt();
    let tables = sides.come::<Table>("tables");
    let mut steps: Vec<_> =
        tables.iter().map(|it| Change::CreateTable(whole(sides.to, &it.name))).collect();
    let renamed = |kind| renames.iter().filter(move |it| it.kind == kind).cloned();
    steps.extend(renamed(NameKind::Table).map(Change::Rename));
    steps.extend(renamed(NameKind::Column).map(Change::Rename));
    steps.extend(sides.added_columns());
    steps.extend(sides.replaced_columns(&rebuilt));
    steps.extend(rebuilt.iter().map(|it| {
        Change::RebuildTable(Pair { from: whole(sides.from, it), to: whole(sides.to, it) })
    }));
    steps.extend(sides.gone("indexes").into_iter().map(Change::DropIndex));
    steps.extend(sides.created_indexes(&rebuilt).into_iter().map(Change::CreateIndex));
    steps.extend(sides.gone("tables").into_iter().map(Change::DropTable));
    let columns = sides.gone::<Column>("columns").into_iter();
    let columns = columns.filter(|it| !rebuilt.contains(&it.table) && sides.stays(&it.table));
    steps.extend(columns.map(Change::DropColumn));
    steps.extend(sides.views());
    sides.around_views(steps, renames)
}

fn whole(entities: &Entities, name: &str) -> Whole {
    fn of<T: DeserializeOwned>(entities: &Entities, entity: &str, table: &str) -> Vec<T> {
        entities.of(entity).filter(|it| it["table"] == table).map(typed).collect()
    }
    Whole {
        name: name.to_owned(),
        columns: of(entities, "columns", name),
        key: of(entities, "pks", name).into_iter().next(),
        references: of(entities, "fks", name),
        uniques: of(entities, "uniques", name),
        checks: of(entities, "checks", name),
        indexes: of(entities, "indexes", name),
    }
}

/// A row as its type. Rows were validated when they were read.
fn typed<T: DeserializeOwned>(row: &Row) -> T {
    let fields = row.iter().filter(|it| it.0 != "entityType");
    let fields = fields.map(|(key, value)| (key.clone(), value.clone())).collect();
    serde_json::from_value(Value::Object(fields)).expect("rows fit their types")
}

fn table_of(row: &Row) -> String {
    row.get("table").and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Sides<'_> {
    fn come<T: DeserializeOwned>(&self, entity: &str) -> Vec<T> {
        self.changes.created.iter().filter(|it| type_of(it) == entity).map(typed).collect()
    }

    fn gone<T: DeserializeOwned>(&self, entity: &str) -> Vec<T> {
        self.changes.dropped.iter().filter(|it| type_of(it) == entity).map(typed).collect()
    }

    fn stays(&self, table: &str) -> bool {
        !self.dropped.contains(table)
    }

    fn new_columns(&self) -> impl Iterator<Item = Column> {
        let columns = self.come::<Column>("columns").into_iter();
        columns.filter(|it| !self.created.contains(&it.table))
    }

    /// Columns that differ, with the fields that count.
    fn altered_columns(&self) -> Vec<(Column, Vec<String>)> {
        let altered = self.changes.altered.iter().filter(|it| type_of(&it.to) == "columns");
        let meant = altered.map(|it| (typed(&it.to), self.meaningful(it)));
        meant.filter(|it: &(Column, Vec<String>)| !it.1.is_empty()).collect()
    }

    fn meaningful(&self, it: &Altered) -> Vec<String> {
        let (from, to): (Column, Column) = (typed(&it.from), typed(&it.to));
        let keys = self.to.of("pks").map(typed::<Key>);
        let mut keys = keys.filter(|key| key.table == to.table);
        let is_key = keys.any(|key| key.columns == [to.name.clone()]);
        let mut fields = it.fields.clone();
        if is_key {
            fields.retain(|it| it != "notNull");
        }
        if is_same_default(&from, &to) {
            fields.retain(|it| it != "default");
        }
        fields
    }

    /// The tables that `ALTER TABLE` cannot change, in the kit's order.
    fn rebuilt(&self) -> IndexSet<String> {
        let Changes { created, dropped, altered } = &self.changes;
        let new_virtual: Vec<_> = self.new_columns().filter(|it| !is_stored(it)).collect();
        let differs = |entity: &'static str| {
            let rows = created.iter().chain(dropped).filter(move |it| type_of(it) == entity);
            rows.filter(move |it| entity == "checks" || self.stays(&table_of(it)))
        };
        let keys = differs("fks").filter(|it| {
            let key: ForeignKey = typed(it);
            let is_new =
                |it: &Column| it.table == key.table && key.columns.first() == Some(&it.name);
            !key.columns.is_empty() && !new_virtual.iter().any(is_new)
        });
        let rows = differs("checks").chain(differs("uniques")).chain(differs("pks")).chain(keys);
        let mut tables: IndexSet<String> = rows.map(table_of).collect();
        let columns = self.altered_columns();
        let becomes = columns.iter().filter(|it| it.1.iter().any(|it| it == "generated"));
        // drizzle-kit also drops what something stands on, and the values of a column that becomes plain.
        let needs = |it: &Column| {
            is_stored(it) || it.generated.is_none() || is_stood_on(self.from, &it.table, &it.name)
        };
        tables.extend(becomes.filter(|it| needs(&it.0)).map(|it| it.0.table.clone()));
        tables.extend(self.new_columns().filter(is_stored).map(|it| it.table));
        tables.retain(|it| !self.created.contains(it) && self.stays(it));
        let counts = ["type", "default", "autoincrement", "notNull"];
        let columns =
            columns.iter().filter(|it| it.1.iter().any(|it| counts.contains(&it.as_str())));
        tables.extend(columns.map(|it| it.0.table.clone()));
        for entity in ["pks", "fks", "uniques", "checks"] {
            let altered = altered.iter().filter(|it| type_of(&it.to) == entity && is_meant(it));
            tables.extend(altered.map(|it| table_of(&it.to)));
        }
        tables
    }

    fn reference_of(&self, column: &Column) -> Option<ForeignKey> {
        let mut keys = self.to.of("fks").map(typed::<ForeignKey>);
        keys.find(|it| it.table == column.table && it.columns == [column.name.clone()])
    }

    /// New columns, table by table; stored ones come with the rebuild.
    fn added_columns(&self) -> Vec<Change> {
        let columns: Vec<_> = self.new_columns().filter(|it| !is_stored(it)).collect();
        let tables: IndexSet<&str> = columns.iter().map(|it| it.table.as_str()).collect();
        let sorted = tables.iter().flat_map(|table| columns.iter().filter(|it| it.table == *table));
        let add = |column: &Column| Change::AddColumn {
            key: self.reference_of(column),
            column: column.clone(),
        };
        sorted.map(add).collect()
    }

    fn replaced_columns(&self, rebuilt: &IndexSet<String>) -> Vec<Change> {
        let columns = self.altered_columns().into_iter().map(|it| it.0);
        let columns = columns.filter(|it| !rebuilt.contains(&it.table));
        columns
            .map(|it| Change::ReplaceColumn { key: self.reference_of(&it), column: it })
            .collect()
    }

    /// Those of rebuilt tables first: the rebuild has dropped them.
    fn created_indexes(&self, rebuilt: &IndexSet<String>) -> Vec<Index> {
        let mut indexes: Vec<Index> =
            rebuilt.iter().flat_map(|it| whole(self.to, it).indexes).collect();
        let new = self.come::<Index>("indexes").into_iter();
        let new: Vec<_> = new.filter(|it| !rebuilt.contains(&it.table)).collect();
        let rows = self.changes.created.iter().chain(&self.changes.dropped);
        let tables: IndexSet<String> =
            rows.filter(|it| type_of(it) == "indexes").map(table_of).collect();
        for table in &tables {
            indexes.extend(new.iter().filter(|it| it.table == *table).cloned());
        }
        indexes
    }

    /// The changes with the views that stand in the way dropped first, and created again at the end.
    fn around_views(&self, changes: Vec<Change>, renames: &[Rename]) -> Vec<Change> {
        let typed_of = |it: &Entities| it.of("views").map(typed::<View>).collect::<Vec<_>>();
        let (from, to) = (typed_of(self.from), typed_of(self.to));
        let declared: Vec<&View> = from.iter().filter(|it| !it.is_existing).collect();
        let text = |it: &View| it.definition.clone().unwrap_or_default();
        let texts: Vec<_> = declared.iter().map(|it| (it.name.clone(), text(it))).collect();
        let texts: Vec<_> = texts.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
        let names = touched(&changes, renames).read_by(&texts);
        let is_one = |it: &Change| matches!(it, Change::DropView(it) | Change::CreateView(it) if names.contains(&it.name));
        let declared = declared.into_iter().filter(|it| names.contains(&it.name));
        let again = declared.clone().filter_map(|from| {
            // From now on it is somebody else's, and stays as it is.
            let to = to.iter().find(|it| it.name == from.name)?;
            Some(if to.is_existing { from } else { to })
        });
        let again: Vec<_> = again.cloned().map(Change::CreateView).collect();
        let drops = declared.cloned().map(Change::DropView);
        drops.chain(changes.into_iter().filter(|it| !is_one(it))).chain(again).collect()
    }

    fn views(&self) -> Vec<Change> {
        let declared = |it: &View| !it.is_existing;
        let gone = self.gone::<View>("views").into_iter().filter(declared);
        let mut drops: Vec<_> = gone.map(Change::DropView).collect();
        let mut views: Vec<_> = self.come::<View>("views").into_iter().filter(declared).collect();
        let altered = self.changes.altered.iter().filter(|it| type_of(&it.to) == "views");
        for it in altered.filter(|it| declared(&typed(&it.to))) {
            if it.fields.iter().any(|it| it == "isExisting" || it == "definition") {
                drops.push(Change::DropView(typed(&it.to)));
                views.push(typed(&it.to));
            }
        }
        let mut sorted = Vec::new();
        for index in 0..views.len() {
            visit(&views, index, &mut Vec::new(), &mut sorted);
        }
        drops
            .into_iter()
            .chain(sorted.into_iter().map(|it| Change::CreateView(views[it].clone())))
            .collect()
    }
}

fn touched(changes: &[Change], renames: &[Rename]) -> Touched {
    let mut touched = Touched::default();
    for change in changes {
        match change {
            Change::RebuildTable(it) => touched.add_rebuilt(&it.to.name, renames),
            Change::DropColumn(column) | Change::ReplaceColumn { column, .. } => {
                touched.add_column(&column.table, &column.name);
            }
            Change::DropTable(it) => touched.tables.push(it.name.clone()),
            Change::Rename(_) => touched.is_checked = true,
            Change::CreateTable(_)
            | Change::AddColumn { .. }
            | Change::DropIndex(_)
            | Change::CreateIndex(_)
            | Change::DropView(_)
            | Change::CreateView(_) => {}
        }
    }
    touched
}

/// Puts a view after those that it reads.
fn visit(views: &[View], index: usize, open: &mut Vec<usize>, sorted: &mut Vec<usize>) {
    if open.contains(&index) || sorted.contains(&index) {
        return;
    }
    open.push(index);
    let definition = views[index].definition.as_deref().unwrap_or_default();
    for (other, view) in views.iter().enumerate() {
        if definition.contains(&format!("\"{}\"", view.name)) {
            visit(views, other, open, sorted);
        }
    }
    sorted.push(index);
}

fn is_stored(it: &Column) -> bool {
    it.generated.as_ref().is_some_and(|it| it.r#type == "stored")
}

/// Whether an index, a check, a key or another column of the table needs the column. Where a text cannot
/// be read, it does.
fn is_stood_on(entities: &Entities, table: &str, column: &str) -> bool {
    let whole = whole(entities, table);
    let named = |names: &[String]| names.iter().any(|it| it == column);
    let others = whole.columns.iter().filter(|it| it.name != column);
    let mut others = others.filter_map(|it| it.generated.as_ref());
    whole.indexes.iter().any(|it| {
        let mut texts = it.columns.iter().map(|it| &it.value).chain(&it.condition);
        texts.any(|it| mentions(it, column))
    }) || whole.key.iter().chain(&whole.uniques).any(|it| named(&it.columns))
        || whole.references.iter().any(|it| named(&it.columns))
        || whole.checks.iter().any(|it| mentions(&it.value, column))
        || others.any(|it| mentions(&it.r#as, column))
}

/// Whether more differs than who gave the name, or the order of a primary key's columns.
fn is_meant(it: &Altered) -> bool {
    let sorted = |row: &Row| {
        let mut names: Vec<_> = row["columns"].as_array().cloned().unwrap_or_default();
        names.sort_by_key(ToString::to_string);
        names
    };
    let same_key = type_of(&it.to) == "pks" && sorted(&it.from) == sorted(&it.to);
    let counts = |field: &String| field != "nameExplicit" && !(same_key && field == "columns");
    it.fields.iter().any(counts)
}

fn is_same_default(from: &Column, to: &Column) -> bool {
    let (Some(a), Some(b)) = (&from.default, &to.default) else { return false };
    if *a == format!("({b})") || *b == format!("({a})") {
        return true;
    }
    let number = |it: &str| it.trim_matches(['\'', '"']).parse::<i64>().ok();
    let (Some(a), Some(b)) = (number(a), number(b)) else { return false };
    // The kit takes one of two numbers for a time in seconds and the other for one in milliseconds.
    to.r#type.starts_with("integer") && (a == b || a.checked_mul(1000) == Some(b))
}
