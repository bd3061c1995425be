//! A declared schema with some of its objects as live has them: what a baseline says of a difference that
//! its follow-up changes. What both say the same keeps the spelling of `schema.ts`.

use super::describe_table;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::ObjectDifference;
use crate::pair::Pair;
use crate::sqlite::grammar::spell_identifier;
use crate::sqlite::schema::{Column, Schema, Table};

/// What a view of live asks, in the spelling of its catalog. Nothing for one with names of its own for the
/// columns, which Drizzle cannot say.
fn view_query(view: &Object) -> Option<String> {
    let text = view.get("definition")?.strip_prefix("create view ")?;
    let rest = text.strip_prefix(spell_identifier(view.id.name()).as_str())?;
    Some(rest.strip_prefix(" as ")?.trim_end_matches([';', ' ']).to_owned())
}

/// The schema with the attributes that differ as live has them. Kinds that it cannot take over stay as declared.
#[must_use]
pub fn as_live_has(schema: &Schema, live: &Catalog, differs: &[&ObjectDifference]) -> Schema {
    let mut kept = schema.clone();
    for table in &mut kept.tables {
        let id = ObjectId::new(Kind::Table, [&table.name]);
        let Some(found) = live.get(&id) else { continue };
        let found = describe_table(live, found);
        for it in differs.iter().filter(|it| it.id.is_inside(&id)) {
            take(table, &found, it);
        }
    }
    for view in &mut kept.views {
        let id = ObjectId::new(Kind::View, [&view.name]);
        let found = live.get(&id).filter(|_| differs.iter().any(|it| it.id == id));
        if let Some(query) = found.and_then(view_query) {
            view.definition = Some(query);
        }
    }
    kept
}

fn take(table: &mut Table, live: &Table, difference: &ObjectDifference) {
    let name = difference.id.name();
    macro_rules! replace {
        ($list:ident) => {{
            let from = live.$list.iter().find(|it| it.name.eq_ignore_ascii_case(name));
            let to = table.$list.iter_mut().find(|it| it.name.eq_ignore_ascii_case(name));
            if let (Some(from), Some(to)) = (from, to) {
                from.clone_into(to);
            }
        }};
    }
    let kind = difference.id.kind;
    if kind == Kind::Column {
        let from = live.columns.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        let to = table.columns.iter_mut().find(|it| it.name.eq_ignore_ascii_case(name));
        if let (Some(from), Some(to)) = (from, to) {
            take_column(to, from, difference);
        }
    } else if kind == Kind::Index {
        replace!(indexes);
    } else if kind == Kind::Check {
        replace!(checks);
    } else if kind == Kind::ForeignKey {
        take_keys(table, live, &difference.id);
    }
}

/// A foreign key has no name in the catalog: its columns and the table that they point to tell which it is.
fn take_keys(table: &mut Table, live: &Table, id: &ObjectId) {
    for to in &mut table.foreign_keys {
        let is_meant =
            format!("{} -> {}", to.columns.join(", "), to.table_to).eq_ignore_ascii_case(id.name());
        let same = live.foreign_keys.iter().find(|it| {
            it.columns == to.columns && it.table_to == to.table_to && it.columns_to == to.columns_to
        });
        if let Some(from) = same.filter(|_| is_meant) {
            to.on_delete.clone_from(&from.on_delete);
            to.on_update.clone_from(&from.on_update);
        }
    }
}

fn take_column(to: &mut Column, from: &Column, difference: &ObjectDifference) {
    for attribute in &difference.attributes {
        match attribute.name.as_str() {
            "type" => to.sql_type.clone_from(&from.sql_type),
            "not null" => to.not_null = from.not_null,
            "default" => to.default.clone_from(&from.default),
            "generated" | "generated kind" => to.generated.clone_from(&from.generated),
            _ => {}
        }
    }
}

/// The schema with other names for indexes: `from` what it calls them, `to` what they are called then. `.unique()` makes
/// an index too.
#[must_use]
pub fn named_as(schema: &Schema, names: &[Pair<ObjectId>]) -> Schema {
    let mut named = schema.clone();
    for table in &mut named.tables {
        let id = ObjectId::new(Kind::Table, [&table.name]);
        let of_table = names.iter().filter(|it| it.from.is_inside(&id));
        for Pair { from, to } in of_table.filter(|it| it.from.kind == Kind::Index) {
            let is_it = |name: &String| name.eq_ignore_ascii_case(from.name());
            let indexes = table.indexes.iter_mut().map(|it| &mut it.name);
            let uniques = table.uniques.iter_mut().map(|it| &mut it.name);
            for name in indexes.chain(uniques).filter(|it| is_it(it)) {
                to.name().clone_into(name);
            }
        }
    }
    named
}
