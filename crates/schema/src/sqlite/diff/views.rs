//! Views that stand in the way: SQLite refuses to rename a table, or to drop a column, while any view reads
//! what is not there, and a rebuild takes its table away for a moment. They go before and come back after.
//!
//! drizzle-kit of both generations leaves them standing.

use std::collections::BTreeSet;

use super::super::snapshot::{Snapshot, View};
use super::{Change, mentions};
use crate::pair::Pair;
use crate::rename::{NameKind, Rename};

/// What a view must not read while the changes run.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct Touched {
    /// Tables that are rebuilt or dropped, by all their names.
    pub(in crate::sqlite) tables: Vec<String>,
    /// Columns that are dropped, with their tables.
    pub(in crate::sqlite) columns: Vec<[String; 2]>,
    /// Whether SQLite looks at the views at all.
    pub(in crate::sqlite) is_checked: bool,
}

impl Touched {
    /// A table that is rebuilt; it may have got its name just before.
    pub(in crate::sqlite) fn add_rebuilt(&mut self, table: &str, renames: &[Rename]) {
        let is_its = |it: &&Rename| it.kind == NameKind::Table && it.new_name() == table;
        self.tables.extend(renames.iter().filter(is_its).map(|it| it.old_name().to_owned()));
        self.tables.push(table.to_owned());
        self.is_checked = true;
    }

    /// A column that is dropped.
    pub(in crate::sqlite) fn add_column(&mut self, table: &str, column: &str) {
        self.columns.push([table.to_owned(), column.to_owned()]);
        self.is_checked = true;
    }

    /// The views, as name and text, that read any of it, or another such view.
    pub(in crate::sqlite) fn read_by(&self, views: &[(&str, &str)]) -> BTreeSet<String> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut n_before = None;
        while self.is_checked && n_before != Some(found.len()) {
            n_before = Some(found.len());
            let reads = |text: &str| {
                self.tables.iter().chain(&found).any(|it| mentions(text, it))
                    || self.columns.iter().any(|it| it.iter().all(|it| mentions(text, it)))
            };
            let more: Vec<_> =
                views.iter().filter(|it| reads(it.1)).map(|it| it.0.into()).collect();
            found.extend(more);
        }
        found
    }
}

/// The changes with the views that stand in the way dropped first, and created again at the end.
pub(super) fn around<'a>(
    changes: Vec<Change<'a>>,
    snapshots: Pair<&'a Snapshot>,
    renames: &[Rename],
) -> Vec<Change<'a>> {
    let declared: Vec<&View> = snapshots.from.views.values().filter(|it| !it.is_existing).collect();
    let texts: Vec<_> = declared.iter().map(|it| (it.name.as_str(), text(it))).collect();
    let names = touched(&changes, renames).read_by(&texts);
    let is_one = |it: &Change<'_>| matches!(it, Change::DropView(it) | Change::CreateView(it) if names.contains(&it.name));
    let declared = declared.into_iter().filter(|it| names.contains(&it.name));
    let again = declared.clone().filter_map(|from| match snapshots.to.views.get(&from.name) {
        // From now on it is somebody else's, and stays as it is.
        Some(to) if to.is_existing => Some(from),
        to => to,
    });
    let again: Vec<_> = again.map(Change::CreateView).collect();
    let drops = declared.map(Change::DropView);
    drops.chain(changes.into_iter().filter(|it| !is_one(it))).chain(again).collect()
}

fn text(view: &View) -> &str {
    view.definition.as_deref().unwrap_or_default()
}

fn touched(changes: &[Change<'_>], renames: &[Rename]) -> Touched {
    let mut touched = Touched::default();
    for change in changes {
        match change {
            Change::RebuildTable(it) => touched.add_rebuilt(&it.to.name, renames),
            Change::DropColumn { table, column } | Change::ReplaceColumn { table, column } => {
                touched.add_column(&table.name, &column.name);
            }
            Change::DropTable(it) => touched.tables.push(it.name.clone()),
            Change::Rename(_) => touched.is_checked = true,
            Change::CreateTable(_)
            | Change::DropIndex(_)
            | Change::AddColumn { .. }
            | Change::CreateIndex(_)
            | Change::DropView(_)
            | Change::CreateView(_) => {}
        }
    }
    touched
}
