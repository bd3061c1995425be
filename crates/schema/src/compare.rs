//! Where two catalogs differ, and what of it matters to whom.
//!
//! `Catalog` × `Catalog` → [`Comparison`]. Objects are paired by identity; what is left over on both
//! sides but equal in everything except its name is told apart as *renamed*, because a constraint's
//! name is a smaller matter than its absence.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::pair::Pair;

/// One attribute with its value on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeDifference {
    pub name: String,
    pub values: Pair<Option<String>>,
}

/// One object that is on both sides, with the attributes in which it differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectDifference {
    pub id: ObjectId,
    pub attributes: Vec<AttributeDifference>,
}

/// The outcome of comparing two catalogs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    pub n_same: usize,
    pub only_from: Vec<Object>,
    pub only_to: Vec<Object>,
    /// Equal in everything but the name.
    pub renamed: Vec<Pair<ObjectId>>,
    pub differs: Vec<ObjectDifference>,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.only_from.is_empty()
            && self.only_to.is_empty()
            && self.renamed.is_empty()
            && self.differs.is_empty()
    }

    /// How many objects differ in any way.
    pub fn n_differences(&self) -> usize {
        self.only_from.len() + self.only_to.len() + self.renamed.len() + self.differs.len()
    }
}

/// Compares everything, attribute by attribute.
pub fn compare(catalogs: Pair<&Catalog>) -> Comparison {
    compare_with(catalogs, |_, _| true, |_, _, values| values.from == values.to)
}

/// Compares the attributes that `counts` lets through, by the equality that `equal` states.
///
/// `equal` gets both objects, the attribute and both values, so that a dialect can recognise two
/// spellings of one constant.
pub fn compare_with(
    catalogs: Pair<&Catalog>,
    counts: impl Fn(&Object, &str) -> bool,
    equal: impl Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> bool,
) -> Comparison {
    let mut result = Comparison::default();
    for from in catalogs.from.objects() {
        let Some(to) = catalogs.to.get(&from.id) else {
            result.only_from.push(from.clone());
            continue;
        };
        let attributes = attribute_differences(Pair { from, to }, &counts, &equal);
        if attributes.is_empty() {
            result.n_same += 1;
        } else {
            result.differs.push(ObjectDifference { id: from.id.clone(), attributes });
        }
    }
    result.only_to =
        catalogs.to.objects().filter(|it| catalogs.from.get(&it.id).is_none()).cloned().collect();
    find_renamed(&mut result, &counts, &equal);
    result
}

fn attribute_differences(
    objects: Pair<&Object>,
    counts: &impl Fn(&Object, &str) -> bool,
    equal: &impl Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> bool,
) -> Vec<AttributeDifference> {
    let mut names: Vec<_> =
        objects.from.attributes.keys().chain(objects.to.attributes.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| counts(objects.from, name))
        .filter_map(|name| {
            let values = Pair { from: objects.from.get(name), to: objects.to.get(name) };
            let differs = !equal(objects, name, values);
            differs.then(|| AttributeDifference {
                name: name.clone(),
                values: Pair {
                    from: values.from.map(str::to_owned),
                    to: values.to.map(str::to_owned),
                },
            })
        })
        .collect()
}

/// Moves pairs of leftovers that are equal but for their name into `renamed`.
///
/// Only things inside a table and sequences of a column take part: a table without its twin is never
/// guessed to be a rename.
fn find_renamed(
    result: &mut Comparison,
    counts: &impl Fn(&Object, &str) -> bool,
    equal: &impl Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> bool,
) {
    let mut taken = BTreeMap::new();
    for from in result.only_from.iter().filter(|it| has_mere_name(it)) {
        let twin = result.only_to.iter().find(|to| {
            to.id.kind == from.id.kind
                && to.id.path.len() == from.id.path.len()
                && to.id.path.split_last().map(|it| it.1)
                    == from.id.path.split_last().map(|it| it.1)
                && !taken.values().any(|it| *it == to.id)
                && attribute_differences(Pair { from, to }, counts, equal).is_empty()
        });
        if let Some(to) = twin {
            taken.insert(from.id.clone(), to.id.clone());
        }
    }
    result.only_from.retain(|it| !taken.contains_key(&it.id));
    result.only_to.retain(|it| !taken.values().any(|to| *to == it.id));
    result.renamed = taken.into_iter().map(|(from, to)| Pair { from, to }).collect();
}

/// Whether the name of such a thing is only a label: nothing but DDL refers to it.
fn has_mere_name(object: &Object) -> bool {
    let belongs_to_column = object.id.kind == Kind::Sequence && object.get("owned by").is_some();
    belongs_to_column
        || matches!(
            object.id.kind,
            Kind::PrimaryKey
                | Kind::Unique
                | Kind::ForeignKey
                | Kind::Check
                | Kind::Exclusion
                | Kind::NotNull
                | Kind::Index
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(name: &str, columns: &str) -> Object {
        Object::new(Kind::Unique, ["public", "books", name]).with("columns", columns)
    }

    #[track_caller]
    fn check(from: Vec<Object>, to: Vec<Object>, expected: &str) {
        let it = compare(Pair { from: &Catalog::new(from), to: &Catalog::new(to) });
        let found = format!(
            "={} -{} +{} ~{} !{}",
            it.n_same,
            it.only_from.len(),
            it.only_to.len(),
            it.renamed.len(),
            it.differs.len()
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn an_equal_constraint_under_another_name_is_renamed_not_missing() {
        check(vec![unique("a_key", "isbn")], vec![unique("a_unique", "isbn")], "=0 -0 +0 ~1 !0");
    }

    #[test]
    fn another_constraint_under_another_name_is_missing() {
        check(vec![unique("a_key", "isbn")], vec![unique("b", "title")], "=0 -1 +1 ~0 !0");
    }

    #[test]
    fn two_equal_constraints_need_two_twins() {
        let from = vec![unique("a", "isbn"), unique("b", "isbn")];
        check(from, vec![unique("c", "isbn")], "=0 -1 +0 ~1 !0");
    }

    #[test]
    fn the_same_name_with_another_attribute_differs() {
        check(vec![unique("a", "isbn")], vec![unique("a", "title")], "=0 -0 +0 ~0 !1");
    }
}
