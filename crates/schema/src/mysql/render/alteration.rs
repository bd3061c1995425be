//! What gives a table of a MySQL catalog another form: the actions of `ALTER TABLE`.
//!
//! The server carries out all actions of one statement or none, so that they belong into one: a counter and the key
//! that it needs come and go together. They stand in an order in which they can also run one by one.

mod columns;
mod options;
mod sequence;

use super::super::catalog::definition;
use super::super::grammar::quote_ident;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::{Comparison, ObjectDifference};
use crate::pair::Pair;

pub use options::partitioning;
pub use sequence::sequence;

/// The actions that lead a table to what the second catalog says of it. Foreign keys, partitions and triggers
/// are none of them. Columns are moved where `order_counts`.
pub fn actions(
    table: &ObjectId,
    catalogs: Pair<&Catalog>,
    difference: &Comparison,
    order_counts: bool,
) -> Vec<String> {
    let changes = Changes::of(table, catalogs, difference);
    let Changes { gone, new, renamed, .. } = &changes;
    let mut actions: Vec<String> = Vec::new();
    actions.extend(gone.iter().filter_map(|it| removal(it)));
    actions.extend(renamed.iter().map(|it| {
        format!("RENAME INDEX {} TO {}", quote_ident(it.from.name()), quote_ident(it.to.name()))
    }));
    actions.extend(changes.hidden.iter().map(|it| visibility(*it)));
    actions.extend(changes.of_table().flat_map(|it| options::actions(it, catalogs.to)));
    actions.extend(columns::actions(table, &changes, order_counts));
    let parts = new.iter().filter(|it| it.id.kind != Kind::Column);
    actions.extend(parts.filter_map(|it| Some(format!("ADD {}", definition(catalogs.to, it)?))));
    actions.extend(options::comment(table, catalogs, difference));
    actions
}

/// What differs inside a table.
struct Changes<'a> {
    catalogs: Pair<&'a Catalog>,
    difference: &'a Comparison,
    table: &'a ObjectId,
    /// What has to go; also what comes back in another form.
    gone: Vec<&'a Object>,
    new: Vec<&'a Object>,
    /// Columns that change where they are.
    columns: Vec<Pair<&'a Object>>,
    /// Indexes of which nothing changes but whether queries see them.
    hidden: Vec<Pair<&'a Object>>,
    /// Indexes that take a name that is free.
    renamed: Vec<Pair<&'a ObjectId>>,
}

impl<'a> Changes<'a> {
    fn of(table: &'a ObjectId, catalogs: Pair<&'a Catalog>, difference: &'a Comparison) -> Self {
        let is_part = |it: &&Object| is_part(&it.id, table);
        let mut changes = Self {
            catalogs,
            difference,
            table,
            gone: difference.only_from.iter().filter(is_part).collect(),
            new: difference.only_to.iter().filter(is_part).collect(),
            columns: Vec::new(),
            hidden: Vec::new(),
            renamed: Vec::new(),
        };
        changes.rename();
        for objects in changes.both() {
            changes.change(objects);
        }
        // In the order of the kinds: what reads a column goes before it.
        changes.gone.sort_by_key(|it| (std::cmp::Reverse(it.id.kind), it.id.clone()));
        changes
    }

    fn rename(&mut self) {
        let pairs = self.difference.renamed.iter().map(|it| (Some(&it.from), Some(&it.to)));
        let ambiguous = self.difference.ambiguous.iter().flat_map(|it| {
            let n = it.from.len().max(it.to.len());
            (0..n).map(|at| (it.from.get(at), it.to.get(at)))
        });
        for (from, to) in pairs.chain(ambiguous) {
            let is_here = |it: Option<&ObjectId>| it.is_some_and(|it| is_part(it, self.table));
            if from == to || !is_here(from) && !is_here(to) {
                continue;
            }
            match (from, to) {
                (Some(from), Some(to))
                    if from.kind == Kind::Index && self.catalogs.from.get(to).is_none() =>
                {
                    self.renamed.push(Pair { from, to });
                }
                (from, to) => {
                    self.gone.extend(from.and_then(|it| self.catalogs.from.get(it)));
                    self.new.extend(to.and_then(|it| self.catalogs.to.get(it)));
                }
            }
        }
    }

    /// The parts that both sides have, with something different in them or in what is said about them.
    fn both(&self) -> Vec<Pair<&'a Object>> {
        let comments = self.difference.only_from.iter().chain(&self.difference.only_to);
        let ids = comments.map(|it| &it.id).chain(self.difference.differs.iter().map(|it| &it.id));
        let about = |id: &ObjectId| -> Option<ObjectId> {
            let kind = match (id.kind, id.path.first().map(String::as_str)) {
                (Kind::Comment, Some("column")) => Kind::Column,
                (Kind::Comment, Some("index")) => Kind::Index,
                _ => return Some(id.clone()),
            };
            Some(ObjectId::new(kind, id.path.get(1..)?))
        };
        let mut ids: Vec<_> = ids.filter_map(about).filter(|it| is_part(it, self.table)).collect();
        ids.sort();
        ids.dedup();
        let Pair { from, to } = self.catalogs;
        let both = |it: &ObjectId| Some(Pair { from: from.get(it)?, to: to.get(it)? });
        ids.iter().filter_map(both).collect()
    }

    fn change(&mut self, objects: Pair<&'a Object>) {
        let kind = |it: &Object| it.get("generated kind").map(str::to_owned);
        let is_of = |it: &&ObjectDifference| it.id == objects.to.id;
        let differs = self.difference.differs.iter().find(is_of);
        let is_only = |names: &[&str]| {
            let mut attributes = differs.iter().flat_map(|it| &it.attributes).peekable();
            attributes.peek().is_some()
                && attributes.all(|it| names.contains(&it.name.as_str()))
                && !self.is_commented_anew(&objects.to.id)
        };
        let is_column = objects.to.id.kind == Kind::Column;
        if is_column && is_only(&["position"]) {
            // Moved, if that counts.
        } else if is_column && !is_computed_otherwise(kind(objects.from), kind(objects.to)) {
            self.columns.push(objects);
        } else if is_only(&["invisible", "ignored"]) {
            self.hidden.push(objects);
        } else {
            self.gone.push(objects.from);
            self.new.push(objects.to);
        }
    }

    fn is_commented_anew(&self, id: &ObjectId) -> bool {
        let word = id.kind.word().to_owned();
        let path = std::iter::once(word).chain(id.path.iter().cloned());
        let comment = ObjectId::new(Kind::Comment, path);
        let text = |it: &Catalog| it.get(&comment).and_then(|it| it.get("text")).map(str::to_owned);
        text(self.catalogs.from) != text(self.catalogs.to)
    }

    /// What differs in the table itself.
    fn of_table(&self) -> impl Iterator<Item = &'a ObjectDifference> {
        self.difference.differs.iter().filter(|it| it.id == *self.table)
    }
}

/// Whether an object is a part of a table's statement that `ALTER TABLE` changes together with others.
fn is_part(id: &ObjectId, table: &ObjectId) -> bool {
    let kinds = [Kind::Column, Kind::PrimaryKey, Kind::Index, Kind::Check];
    kinds.contains(&id.kind) && id.is_inside(table)
}

/// The server neither keeps what it only computed nor computes what it kept; what becomes a kept result is
/// computed in its place.
fn is_computed_otherwise(from: Option<String>, to: Option<String>) -> bool {
    match (from.as_deref(), to.as_deref()) {
        (Some("virtual"), None) => false,
        (Some(from), Some(to)) => from != to,
        (None, Some(to)) => to == "virtual",
        _ => false,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is a part of a table here")]
fn removal(part: &Object) -> Option<String> {
    let name = quote_ident(part.id.name());
    match part.id.kind {
        Kind::Column => Some(format!("DROP COLUMN {name}")),
        Kind::PrimaryKey => Some("DROP PRIMARY KEY".to_owned()),
        Kind::Index => Some(format!("DROP INDEX {name}")),
        Kind::Check => Some(format!("DROP CONSTRAINT {name}")),
        _ => None,
    }
}

/// MySQL hides an index, MariaDB ignores it.
fn visibility(index: Pair<&Object>) -> String {
    let differs = |name: &str| index.from.get(name) != index.to.get(name);
    let word = match (differs("ignored"), index.to.get("ignored"), index.to.get("invisible")) {
        (true, Some(_), _) => "IGNORED",
        (true, None, _) => "NOT IGNORED",
        (false, _, Some(_)) => "INVISIBLE",
        (false, _, None) => "VISIBLE",
    };
    format!("ALTER INDEX {} {word}", quote_ident(index.to.id.name()))
}
