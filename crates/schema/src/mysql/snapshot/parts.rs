//! What stands by itself in a snapshot, and how it gets from one into another.

use indexmap::IndexMap;

use super::Snapshot;
use crate::catalog::{Kind, ObjectId};

impl Snapshot {
    /// What it has that stands by itself: tables and views.
    pub fn objects(&self) -> Vec<ObjectId> {
        let tables = self.tables.values().map(|it| ObjectId::new(Kind::Table, [&it.name]));
        let views = self.views.values().map(|it| ObjectId::new(Kind::View, [&it.name]));
        tables.chain(views).collect()
    }

    /// Adds an object, with all that is inside it, as another snapshot says it.
    pub fn take(&mut self, wanted: &ObjectId, from: &Self) {
        let is = |kind: Kind, name: &str| wanted.kind == kind && wanted.name() == name;
        let tables: Vec<_> = from.tables.iter().filter(|it| is(Kind::Table, &it.1.name)).collect();
        for index in tables.iter().flat_map(|it| it.1.indexes.keys()) {
            let parts = from.internal.as_ref().and_then(|it| it.indexes.as_ref()?.get(index));
            if let Some(parts) = parts {
                let internal = self.internal.get_or_insert_default();
                let indexes = internal.indexes.get_or_insert_default();
                indexes.insert(index.clone(), parts.clone());
            }
        }
        self.tables.extend(tables.into_iter().map(|(key, it)| (key.clone(), it.clone())));
        let views = from.views.iter().filter(|it| is(Kind::View, &it.1.name));
        self.views.extend(views.map(|(key, it)| (key.clone(), it.clone())));
    }

    /// Lets another snapshot say what is inside a table that both have.
    pub fn take_part(&mut self, part: &ObjectId, from: &Self) {
        let [table, name] = part.path.as_slice() else { return };
        let from = from.tables.values().find(|it| it.name == *table);
        let to = self.tables.values_mut().find(|it| it.name == *table);
        let (Some(to), Some(from)) = (to, from) else { return };
        // Indexes have a part elsewhere.
        if part.kind == Kind::Column {
            replace(&mut to.columns, &from.columns, name);
        } else if part.kind == Kind::Check {
            replace(&mut to.check_constraint, &from.check_constraint, name);
        } else if part.kind == Kind::ForeignKey {
            replace(&mut to.foreign_keys, &from.foreign_keys, name);
        }
    }
}

fn replace<T: Clone>(to: &mut IndexMap<String, T>, from: &IndexMap<String, T>, name: &str) {
    if let (Some(place), Some(said)) = (to.get_mut(name), from.get(name)) {
        *place = said.clone();
    }
}
