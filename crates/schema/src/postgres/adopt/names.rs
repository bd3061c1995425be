//! Names as PostgreSQL keeps them: the first 63 bytes, without a letter cut in two.
//!
//! Drizzle's own names for foreign keys and indexes are often longer. Snapshots have them whole, the
//! database has them cut, and the server says no more of it than a notice.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Kind, ObjectId};
use crate::compare::{AttributeDifference, Equivalence};
use crate::pair::Pair;
use crate::postgres::schema::{Schema, Table};

/// How many bytes of a name PostgreSQL keeps, unless it was compiled otherwise.
const MAX_BYTES: usize = 63;

/// The part of a name that PostgreSQL keeps.
pub fn stored(name: &str) -> &str {
    let ends = name.char_indices().map(|(at, it)| at + it.len_utf8());
    let end = ends.take_while(|it| *it <= MAX_BYTES).last().unwrap_or(0);
    name.get(..end).unwrap_or(name)
}

/// Declared names that become one when PostgreSQL cuts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// Where the name would have to be the only one: `schema public`, `table public.books`.
    pub place: String,
    /// What is left of all of them.
    pub stored: String,
    /// The things with their declared names: `index books_…`.
    pub names: Vec<String>,
}

/// The declared names that cannot stand beside each other although they differ.
pub fn collisions(schema: &Schema) -> Vec<Collision> {
    let mut places: BTreeMap<(String, &str), Vec<Declared<'_>>> = BTreeMap::new();
    for it in all(schema) {
        for space in it.spaces() {
            places.entry((space, stored(it.name))).or_default().push(it);
        }
    }
    let mut found: Vec<Collision> = Vec::new();
    for ((place, stored), declared) in places {
        let mut distinct: Vec<_> = declared.iter().map(|it| it.name).collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 2 {
            continue;
        }
        let names = declared.iter().map(|it| format!("{} `{}`", it.kind.word(), it.name)).collect();
        let place = place.rsplit(": ").next().unwrap_or_default().to_owned();
        let collision = Collision { place, stored: stored.to_owned(), names };
        // A unique constraint is the name of a relation and of a constraint.
        if !found.iter().any(|it| it.stored == collision.stored && it.names == collision.names) {
            found.push(collision);
        }
    }
    found
}

/// The declared names that both catalogs have cut.
pub(super) fn cut(schema: &Schema, catalogs: Pair<&Catalog>) -> Vec<Equivalence> {
    let is_long = |it: &Declared<'_>| stored(it.name) != it.name;
    let named = all(schema).into_iter().filter(is_long).filter_map(|it| {
        let id = it.id();
        catalogs.from.get(&id).and(catalogs.to.get(&id))?;
        let values = Pair { from: Some(id.name().to_owned()), to: Some(it.name.to_owned()) };
        let attribute = AttributeDifference { name: "name".to_owned(), values };
        Some(Equivalence { id, attribute, why: "PostgreSQL keeps the first 63 bytes of a name" })
    });
    named.collect()
}

/// Something with a name, and where it is declared.
#[derive(Clone, Copy)]
struct Declared<'a> {
    kind: Kind,
    schema: &'a str,
    table: Option<&'a str>,
    name: &'a str,
}

impl Declared<'_> {
    fn id(&self) -> ObjectId {
        let path = [Some(self.schema), self.table, Some(self.name)];
        ObjectId::new(self.kind, path.into_iter().flatten().map(stored))
    }

    /// The name spaces in which the name has to be the only one, with the place for people behind the
    /// colon.
    fn spaces(&self) -> Vec<String> {
        let schema = format!("relations: schema {}", self.schema);
        let types = format!("types: schema {}", self.schema);
        let table = |what: &str| {
            let table = self.table.unwrap_or_default();
            format!("{what}: table {}.{table}", self.schema)
        };
        if matches!(self.kind, Kind::Index | Kind::Sequence) {
            vec![schema]
        } else if matches!(self.kind, Kind::Table | Kind::View | Kind::MaterializedView) {
            // A relation with rows is a type as well.
            vec![schema, types]
        } else if self.kind == Kind::Enum {
            vec![types]
        } else if matches!(self.kind, Kind::Unique | Kind::PrimaryKey) {
            vec![schema, table("constraints")]
        } else if matches!(self.kind, Kind::ForeignKey | Kind::Check) {
            vec![table("constraints")]
        } else {
            vec![table(self.kind.word())]
        }
    }
}

fn all(schema: &Schema) -> Vec<Declared<'_>> {
    let top = |kind: Kind, schema, name| Declared { kind, schema, table: None, name };
    let enums = schema.enums.iter().map(|it| top(Kind::Enum, it.schema.as_str(), it.name.as_str()));
    let sequences = schema.sequences.iter().map(|it| top(Kind::Sequence, &it.schema, &it.name));
    let views = schema.views.iter().filter(|it| !it.existing).map(|it| {
        let kind = if it.materialized { Kind::MaterializedView } else { Kind::View };
        top(kind, &it.schema, &it.name)
    });
    let tables = schema
        .tables
        .iter()
        .flat_map(|it| std::iter::once(top(Kind::Table, &it.schema, &it.name)).chain(inside(it)));
    enums.chain(sequences).chain(views).chain(tables).collect()
}

fn inside(table: &Table) -> Vec<Declared<'_>> {
    let of =
        |kind: Kind, name| Declared { kind, schema: &table.schema, table: Some(&table.name), name };
    let columns = table.columns.iter().map(|it| of(Kind::Column, it.name.as_str()));
    let keys = table.primary_keys.iter().map(|it| of(Kind::PrimaryKey, &it.name));
    let uniques = table.uniques.iter().map(|it| of(Kind::Unique, &it.name));
    let foreign = table.foreign_keys.iter().map(|it| of(Kind::ForeignKey, &it.name));
    let checks = table.checks.iter().map(|it| of(Kind::Check, &it.name));
    let indexes = table.indexes.iter().map(|it| of(Kind::Index, &it.name));
    let policies = table.policies.iter().map(|it| of(Kind::Policy, &it.name));
    columns
        .chain(keys)
        .chain(uniques)
        .chain(foreign)
        .chain(checks)
        .chain(indexes)
        .chain(policies)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_after_63_bytes_and_never_inside_a_letter() {
        assert_eq!(stored("short"), "short");
        assert_eq!(stored(&"a".repeat(64)), "a".repeat(63));
        // 31 letters of two bytes are 62; half of the next would be the 63rd.
        assert_eq!(stored(&"ü".repeat(40)), "ü".repeat(31));
        assert_eq!(stored(&format!("x{}", "ü".repeat(40))), format!("x{}", "ü".repeat(31)));
        assert_eq!(stored(&"🦀".repeat(16)), "🦀".repeat(15));
    }

    fn table(name: &str, indexes: &[&str]) -> Table {
        let index = |it: &&str| serde_json::json!({ "name": it, "columns": [], "unique": false, "method": "btree" });
        let indexes: Vec<_> = indexes.iter().map(index).collect();
        let json = serde_json::json!({
            "schema": "public", "name": name, "columns": [], "indexes": indexes
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn names_that_become_one_collide_wherever_relations_share_a_schema() {
        let (a, b) = (format!("{}_one", "x".repeat(63)), format!("{}_two", "x".repeat(63)));
        let schema = Schema {
            tables: vec![table("t", &[&a]), table("u", &[&b, "short"])],
            ..Schema::default()
        };
        let found = collisions(&schema);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, "schema public");
        assert_eq!(found[0].stored, "x".repeat(63));
        assert_eq!(found[0].names, [format!("index `{a}`"), format!("index `{b}`")]);
    }

    #[test]
    fn names_of_different_spaces_do_not_collide() {
        let (a, b) = (format!("{}_one", "x".repeat(63)), format!("{}_two", "x".repeat(63)));
        let mut schema = Schema { tables: vec![table("t", &[&a])], ..Schema::default() };
        schema.enums.push(
            serde_json::from_value(serde_json::json!({
                "schema": "public", "name": b, "values": []
            }))
            .unwrap(),
        );
        assert_eq!(collisions(&schema), []);
    }
}
