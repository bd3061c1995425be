//! A declared schema with some of its objects as live has them: what a baseline says of a difference that
//! its follow-up changes. What both say the same keeps the spelling of `schema.ts`.

use super::{columns, describe_sequence, describe_table, stored};
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::ObjectDifference;
use crate::pair::Pair;
use crate::postgres::schema::{Column, Identity, Policy, Schema, Table, View};

/// The schema with the attributes that differ as live has them. Kinds that it cannot take over stay as declared.
#[must_use]
pub fn as_live_has(schema: &Schema, live: &Catalog, differs: &[&ObjectDifference]) -> Schema {
    let mut kept = schema.clone();
    let differs_here =
        |id: &ObjectId| live.get(id).filter(|_| differs.iter().any(|it| it.id == *id));
    for table in &mut kept.tables {
        let id = table_id(table);
        let Some(found) = live.get(&id) else { continue };
        let found = describe_table(live, found);
        for it in differs.iter().filter(|it| it.id.is_inside(&id)) {
            take(table, &found, it);
        }
        for policy in &mut table.policies {
            let id = part(&id, Kind::Policy, &policy.name);
            differs_here(&id).into_iter().for_each(|live| take_policy(policy, live));
        }
        take_counters(table, live, differs);
    }
    for linked in &mut kept.policies {
        let path = [&linked.schema, &linked.on, &linked.policy.name].map(|it| stored(it));
        let live = differs_here(&ObjectId::new(Kind::Policy, path));
        live.into_iter().for_each(|live| take_policy(&mut linked.policy, live));
    }
    for view in &mut kept.views {
        differs_here(&view_id(view)).into_iter().for_each(|live| take_view(view, live));
    }
    for sequence in &mut kept.sequences {
        let path = [&sequence.schema, &sequence.name].map(|it| stored(it));
        let id = ObjectId::new(Kind::Sequence, path);
        if let Some(live) = live.get(&id).filter(|_| differs.iter().any(|it| it.id == id)) {
            sequence.options = describe_sequence(live).options;
        }
    }
    kept
}

fn part(table: &ObjectId, kind: Kind, name: &str) -> ObjectId {
    ObjectId::new(kind, table.path.iter().map(String::as_str).chain([stored(name)]))
}

fn view_id(view: &View) -> ObjectId {
    let kind = if view.materialized { Kind::MaterializedView } else { Kind::View };
    ObjectId::new(kind, [&view.schema, &view.name].map(|it| stored(it)))
}

/// The query as the server prints it.
fn take_view(view: &mut View, live: &Object) {
    if let Some(query) = live.get("definition") {
        view.definition = Some(query.trim().trim_end_matches(';').to_owned());
    }
}

fn take_policy(policy: &mut Policy, live: &Object) {
    let text = |name: &str| live.get(name).map(str::to_owned);
    let upper = |name: &str| live.get(name).map(str::to_uppercase).unwrap_or_default();
    (policy.r#as, policy.r#for) = (upper("as"), upper("for"));
    policy.to = columns(live, "to");
    (policy.using, policy.with_check) = (text("using"), text("with check"));
}

/// An identity counts by a sequence of its own, which nobody else speaks of.
fn take_counters(table: &mut Table, live: &Catalog, differs: &[&ObjectDifference]) {
    let id = table_id(table);
    for column in &mut table.columns {
        let Some(identity) = &mut column.identity else { continue };
        let owner = part(&id, Kind::Column, &column.name);
        let is_its_own = |it: &Object| {
            it.get("owned as") == Some("identity") && it.get("owned by") == Some(&*owner.dotted())
        };
        let own = differs.iter().filter_map(|it| live.get(&it.id));
        for sequence in own.filter(|it| it.id.kind == Kind::Sequence && is_its_own(it)) {
            identity.options = describe_sequence(sequence).options;
        }
    }
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
            "identity" => take_identity(to, from),
            _ => {}
        }
    }
}

/// Who may give a number: what it counts by is another question.
fn take_identity(to: &mut Column, from: &Column) {
    if let (Some(to), Some(Identity { kind, .. })) = (&mut to.identity, &from.identity) {
        to.kind.clone_from(kind);
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
