//! A declared schema with some of its objects as live has them: what a baseline says of a difference that
//! its follow-up changes. What both say the same keeps the spelling of `schema.ts`.

use super::{describe_table, stored};
use crate::catalog::{Catalog, Kind, ObjectId};
use crate::compare::ObjectDifference;
use crate::pair::Pair;
use crate::postgres::schema::{Column, Schema, Table};

/// The schema with the attributes that differ as live has them. Kinds that it cannot take over stay as declared.
#[must_use]
pub fn as_live_has(schema: &Schema, live: &Catalog, differs: &[&ObjectDifference]) -> Schema {
    let mut kept = schema.clone();
    for table in &mut kept.tables {
        let id = table_id(table);
        let Some(found) = live.get(&id) else { continue };
        let found = describe_table(live, found);
        for it in differs.iter().filter(|it| it.id.is_inside(&id)) {
            take(table, &found, it);
        }
    }
    kept
}

fn table_id(table: &Table) -> ObjectId {
    ObjectId::new(Kind::Table, [&table.schema, &table.name].map(|it| stored(it)))
}

fn take(table: &mut Table, live: &Table, difference: &ObjectDifference) {
    let name = difference.id.name();
    macro_rules! replace {
        ($list:ident, $($same:ident),*) => {{
            let from = live.$list.iter().find(|it| it.name == name);
            let to = table.$list.iter_mut().find(|it| stored(&it.name) == name);
            if let (Some(from), Some(to)) = (from, to) {
                let declared = to.clone();
                *to = from.clone();
                to.name = declared.name;
                $(to.$same = declared.$same;)*
            }
        }};
    }
    let kind = difference.id.kind;
    if kind == Kind::Column {
        let from = live.columns.iter().find(|it| it.name == name);
        let to = table.columns.iter_mut().find(|it| stored(&it.name) == name);
        if let (Some(from), Some(to)) = (from, to) {
            take_column(to, from, difference);
        }
    } else if kind == Kind::Index {
        replace!(indexes, name_explicit, concurrently);
    } else if kind == Kind::ForeignKey {
        replace!(foreign_keys, name_explicit, name_lent);
    } else if kind == Kind::Unique {
        replace!(uniques, name_explicit, name_lent, of_column);
    } else if kind == Kind::Check {
        replace!(checks,);
    }
}

fn take_column(to: &mut Column, from: &Column, difference: &ObjectDifference) {
    for attribute in &difference.attributes {
        match attribute.name.as_str() {
            "type" => {
                to.sql_type.clone_from(&from.sql_type);
                to.type_schema.clone_from(&from.type_schema);
            }
            "not null" => to.not_null = from.not_null,
            "default" => to.default.clone_from(&from.default),
            "generated" | "generated kind" => to.generated.clone_from(&from.generated),
            _ => {}
        }
    }
}

/// The schema with other names for constraints and indexes: `from` what it calls them, `to` what they are called then.
/// A primary key that only its column declares has no name.
#[must_use]
pub fn named_as(schema: &Schema, names: &[Pair<ObjectId>]) -> Schema {
    let mut named = schema.clone();
    for table in &mut named.tables {
        let id = table_id(table);
        for Pair { from, to } in names.iter().filter(|it| it.from.is_inside(&id)) {
            let new = to.name();
            macro_rules! rename {
                ($list:ident) => {
                    table
                        .$list
                        .iter_mut()
                        .filter(|it| stored(&it.name) == from.name())
                        .for_each(|it| new.clone_into(&mut it.name))
                };
            }
            if from.kind == Kind::Index {
                rename!(indexes);
            } else if from.kind == Kind::ForeignKey {
                rename!(foreign_keys);
            } else if from.kind == Kind::Unique {
                rename!(uniques);
            } else if from.kind == Kind::Check {
                rename!(checks);
            } else if from.kind == Kind::PrimaryKey {
                rename!(primary_keys);
            }
        }
    }
    named
}
