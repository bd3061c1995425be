//! What stands by itself in a snapshot, and how it gets from one into another.

use indexmap::IndexMap;

use super::{Snapshot, View};
use crate::catalog::{Kind, ObjectId};
use crate::postgres::adopt::stored;

/// What stands by itself in a snapshot, as a catalog knows it: names as PostgreSQL keeps them.
enum Part {
    Schema(String),
    Enum(String),
    Table(String),
    Sequence(String),
    Role(String),
    Policy(String),
    View(String),
}

impl Snapshot {
    fn parts(&self) -> Vec<(ObjectId, Part)> {
        let id = |kind: Kind, schema: &str, name: &str| {
            let schema = if schema.is_empty() { "public" } else { schema };
            ObjectId::new(kind, [stored(schema), stored(name)])
        };
        let one = |kind: Kind, name: &str| ObjectId::new(kind, [stored(name)]);
        let view = |it: &View| match it.materialized {
            true => id(Kind::MaterializedView, &it.schema, &it.name),
            false => id(Kind::View, &it.schema, &it.name),
        };
        let schemas =
            self.schemas.keys().map(|it| (one(Kind::Schema, it), Part::Schema(it.clone())));
        let enums = self.enums.iter();
        let enums =
            enums.map(|(key, it)| (id(Kind::Enum, &it.schema, &it.name), Part::Enum(key.clone())));
        let tables = self.tables.iter();
        let tables = tables
            .map(|(key, it)| (id(Kind::Table, &it.schema, &it.name), Part::Table(key.clone())));
        let sequences = self.sequences.iter().map(|(key, it)| {
            (id(Kind::Sequence, &it.schema, &it.name), Part::Sequence(key.clone()))
        });
        let roles = self.roles.keys().map(|it| (one(Kind::Role, it), Part::Role(it.clone())));
        let policies = self.policies.keys();
        let policies = policies.map(|it| (one(Kind::Policy, it), Part::Policy(it.clone())));
        let views = self.views.iter().map(|(key, it)| (view(it), Part::View(key.clone())));
        let parts = schemas.chain(enums).chain(tables).chain(sequences);
        parts.chain(roles).chain(policies).chain(views).collect()
    }

    /// What it has that stands by itself: schemas, enums, tables, sequences, views, roles.
    pub fn objects(&self) -> Vec<ObjectId> {
        self.parts().into_iter().map(|it| it.0).collect()
    }

    /// Adds an object, with all that is inside it, as another snapshot says it.
    pub fn take(&mut self, wanted: &ObjectId, from: &Self) {
        fn copy<T: Clone>(to: &mut IndexMap<String, T>, from: &IndexMap<String, T>, key: &str) {
            to.extend(from.get_key_value(key).map(|(key, it)| (key.clone(), it.clone())));
        }
        for (_, part) in from.parts().into_iter().filter(|it| it.0 == *wanted) {
            match part {
                Part::Schema(key) => copy(&mut self.schemas, &from.schemas, &key),
                Part::Enum(key) => copy(&mut self.enums, &from.enums, &key),
                Part::Table(key) => copy(&mut self.tables, &from.tables, &key),
                Part::Sequence(key) => copy(&mut self.sequences, &from.sequences, &key),
                Part::Role(key) => copy(&mut self.roles, &from.roles, &key),
                Part::Policy(key) => copy(&mut self.policies, &from.policies, &key),
                Part::View(key) => copy(&mut self.views, &from.views, &key),
            }
        }
    }

    /// Lets another snapshot say what is inside a table that both have.
    pub fn take_part(&mut self, part: &ObjectId, from: &Self) {
        let Some((name, table)) = part.path.split_last() else { return };
        let table = ObjectId::new(Kind::Table, table);
        let key = |of: &Self| {
            of.parts().into_iter().find_map(|it| match it {
                (id, Part::Table(key)) if id == table => Some(key),
                _ => None,
            })
        };
        let (to_key, from_key) = (key(self), key(from));
        let from = from_key.and_then(|it| from.tables.get(&it));
        let to = to_key.and_then(|it| self.tables.get_mut(&it));
        let (Some(to), Some(from)) = (to, from) else { return };
        if part.kind == Kind::Column {
            replace(&mut to.columns, &from.columns, name);
        } else if part.kind == Kind::Index {
            replace(&mut to.indexes, &from.indexes, name);
        } else if part.kind == Kind::ForeignKey {
            replace(&mut to.foreign_keys, &from.foreign_keys, name);
        } else if part.kind == Kind::Unique {
            replace(&mut to.unique_constraints, &from.unique_constraints, name);
        } else if part.kind == Kind::Check {
            replace(&mut to.check_constraints, &from.check_constraints, name);
        }
    }
}

fn replace<T: Clone>(to: &mut IndexMap<String, T>, from: &IndexMap<String, T>, name: &str) {
    let said = from.iter().find(|it| stored(it.0) == name).map(|it| it.1);
    let place = to.iter_mut().find(|it| stored(it.0) == name).map(|it| it.1);
    if let (Some(place), Some(said)) = (place, said) {
        *place = said.clone();
    }
}
