//! Names that a schema leaves open. Drizzle 1.0 knows a foreign key or a unique index without a name of its own
//! by what it does, so the name that live has for it stands, whoever gave it: 0.x, or the server.

use super::{foreign_key, index};
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::mysql::schema::{ForeignKey, Schema, Table, Unique};

/// The schema with live's names for what has none of its own.
#[must_use]
pub fn with_names_of(schema: &Schema, live: &Catalog) -> Schema {
    let mut named = schema.clone();
    for table in &mut named.tables {
        let lender = Lender::of(table, live);
        for it in table.foreign_keys.iter_mut().filter(|it| !it.name_explicit) {
            if let Some(name) = lender.name(|found| is_key(found, it)) {
                (it.name, it.name_lent) = (name, true);
            }
        }
        for it in table.uniques.iter_mut().filter(|it| !it.name_explicit) {
            if let Some(name) = lender.name(|found| is_unique(found, it)) {
                (it.name, it.name_lent) = (name, true);
            }
        }
    }
    named
}

/// Live's keys and indexes of one table.
struct Lender<'a> {
    objects: Vec<&'a Object>,
    /// Names that stay with whoever declares them.
    taken: Vec<String>,
}

impl<'a> Lender<'a> {
    fn of(table: &Table, live: &'a Catalog) -> Self {
        let id = ObjectId::new(Kind::Table, [&table.name]);
        let uniques = table.uniques.iter().map(|it| (&it.name, it.name_explicit));
        let keys = table.foreign_keys.iter().map(|it| (&it.name, it.name_explicit));
        let indexes = table.indexes.iter().map(|it| (&it.name, true));
        let explicit = uniques.chain(keys).chain(indexes).filter(|it| it.1);
        let taken = explicit.map(|it| it.0.clone()).collect();
        Self { objects: live.objects().filter(|it| it.id.is_inside(&id)).collect(), taken }
    }

    /// The name of the only thing that is the same, unless somebody declares it.
    fn name(&self, is_same: impl Fn(&Object) -> bool) -> Option<String> {
        let is_open = |it: &&&Object| !self.taken.iter().any(|name| name == it.id.name());
        let same: Vec<_> = self.objects.iter().filter(|it| is_same(it)).filter(is_open).collect();
        let [only] = same[..] else { return None };
        Some(only.id.name().to_owned())
    }
}

fn is_key(object: &Object, key: &ForeignKey) -> bool {
    // Both check at once in MySQL, and a catalog says neither.
    let action = |it: &str| if it == "restrict" { "no action" } else { it }.to_owned();
    object.id.kind == Kind::ForeignKey && {
        let found = foreign_key(object);
        found.columns == key.columns
            && found.table_to == key.table_to
            && found.columns_to == key.columns_to
            && action(&found.on_delete.to_lowercase()) == action(&key.on_delete)
            && action(&found.on_update.to_lowercase()) == action(&key.on_update)
    }
}

fn is_unique(object: &Object, unique: &Unique) -> bool {
    let is_index = object.id.kind == Kind::Index && object.get("kind").is_none();
    is_index && {
        let found = index(object);
        let is_plain = unique.columns.iter().all(|it| !it.is_expression);
        found.unique && is_plain && found.columns == unique.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_only_one_that_does_the_same_lends_its_name() {
        let table = json!({
            "name": "t", "columns": [],
            "foreignKeys": [{
                "name": "t_a_o_id_fk", "columns": ["a"], "tableTo": "o", "columnsTo": ["id"],
                "onDelete": "cascade", "onUpdate": "no action"
            }],
            "uniques": [
                { "name": "t_a_unique", "columns": [{ "expression": "a", "isExpression": false }] },
                { "name": "mine", "nameExplicit": true, "columns": [{ "expression": "b", "isExpression": false }] },
                { "name": "t_b_unique", "columns": [{ "expression": "b", "isExpression": false }] }
            ]
        });
        let schema: Schema = serde_json::from_value(json!({ "tables": [table] })).unwrap();
        let key = |name: &str, action: &str| {
            Object::new(Kind::ForeignKey, ["t", name])
                .with("columns", "`a`")
                .with("references", "`o`")
                .with("references columns", "`id`")
                .with("on delete", action)
        };
        let unique = |name: &str, columns: &str| {
            Object::new(Kind::Index, ["t", name]).with("unique", "true").with("columns", columns)
        };
        let names = |live: Vec<Object>| -> Vec<String> {
            let named = with_names_of(&schema, &Catalog::new(live));
            let [table] = named.tables.as_slice() else { panic!("one table") };
            let keys = table.foreign_keys.iter().filter(|it| it.name_lent).map(|it| &it.name);
            let uniques = table.uniques.iter().filter(|it| it.name_lent).map(|it| &it.name);
            keys.chain(uniques).cloned().collect()
        };
        assert_eq!(names(vec![key("t_ibfk_1", "cascade"), unique("a", "`a`")]), ["t_ibfk_1", "a"]);
        assert_eq!(names(vec![key("t_ibfk_1", "set null"), unique("a", "`a`,`b`")]), [""; 0]);
        assert_eq!(names(vec![unique("a", "`a`"), unique("a_2", "`a`")]), [""; 0]);
        // One of the two over `b` has a name of its own.
        assert_eq!(names(vec![unique("mine", "`b`"), unique("b", "`b`")]), ["b"]);
    }
}
