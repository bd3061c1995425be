//! Where two catalogs differ, and what of it matters to whom.
//!
//! `Catalog` × `Catalog` → [`Comparison`]. Objects are paired by identity; what is left over on both
//! sides is matched by structure (`pair`): what is equal in everything except its name is *renamed* or
//! *ambiguous*, because a constraint's name is a smaller matter than its absence.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::pair::{Matches, Pair, match_up};

/// How two values of an attribute relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    Same,
    /// Two spellings of one effect, with the reason in words.
    Equivalent(&'static str),
    Different,
}

impl Sameness {
    /// Same or different, with nothing in between.
    pub fn of(is_same: bool) -> Self {
        if is_same { Self::Same } else { Self::Different }
    }
}

/// Two spellings of one effect: no difference, but good to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivalence {
    pub id: ObjectId,
    pub attribute: AttributeDifference,
    pub why: &'static str,
}

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
    /// Equal in everything but the name, and more than one on a side: nothing says which is which.
    pub ambiguous: Vec<Pair<Vec<ObjectId>>>,
    pub differs: Vec<ObjectDifference>,
    /// Columns, tables and enums in `only_from` and `only_to` that look like one under two names.
    pub alike: Vec<Pair<ObjectId>>,
    /// No differences: two spellings of one effect.
    pub equivalent: Vec<Equivalence>,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.n_differences() == 0
    }

    /// How many objects differ in any way.
    pub fn n_differences(&self) -> usize {
        let ambiguous = self.ambiguous.iter().map(|it| it.from.len().max(it.to.len()));
        self.only_from.len()
            + self.only_to.len()
            + self.renamed.len()
            + ambiguous.sum::<usize>()
            + self.differs.len()
    }
}

/// Compares everything, attribute by attribute.
pub fn compare(catalogs: Pair<&Catalog>) -> Comparison {
    compare_with(catalogs, |_, _| true, |_, _, values| Sameness::of(values.from == values.to))
}

/// Compares the attributes that `counts` lets through, by what `judge` says of their values.
///
/// `judge` gets both objects, the attribute and both values, so that a dialect can recognise two
/// spellings of one constant.
pub fn compare_with(
    catalogs: Pair<&Catalog>,
    counts: impl Fn(&Object, &str) -> bool,
    judge: impl Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> Sameness,
) -> Comparison {
    let eye = Eye { counts, judge };
    let mut result = Comparison::default();
    for (from, to) in side_by_side(catalogs) {
        match (from, to) {
            (Some(from), None) => result.only_from.push(from.clone()),
            (None, to) => result.only_to.extend(to.cloned()),
            // Catalogs of one database at several times share what did not change.
            (Some(from), Some(to)) if std::ptr::eq(from, to) => result.n_same += 1,
            (Some(from), Some(to)) => {
                let (attributes, equivalent) = eye.look(Pair { from, to });
                if attributes.is_empty() {
                    result.n_same += 1;
                    result.equivalent.extend(equivalent);
                } else {
                    result.differs.push(ObjectDifference { id: from.id.clone(), attributes });
                }
            }
        }
    }
    find_renamed(&mut result, catalogs, &eye);
    find_alike(&mut result, catalogs, &eye);
    result
}

/// Every object of either side, in the order of identities, with the one of the other side.
pub fn side_by_side(
    catalogs: Pair<&Catalog>,
) -> impl Iterator<Item = (Option<&Object>, Option<&Object>)> {
    let mut from = catalogs.from.objects().peekable();
    let mut to = catalogs.to.objects().peekable();
    std::iter::from_fn(move || {
        let order = match (from.peek(), to.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(from), Some(to)) if std::ptr::eq::<Object>(*from, *to) => Ordering::Equal,
            (Some(from), Some(to)) => from.id.cmp(&to.id),
        };
        let is_here = order != Ordering::Greater;
        let is_there = order != Ordering::Less;
        Some((from.next_if(|_| is_here), to.next_if(|_| is_there)))
    })
}

/// How attributes are looked at.
struct Eye<C, J> {
    counts: C,
    judge: J,
}

impl<C, J> Eye<C, J>
where
    C: Fn(&Object, &str) -> bool,
    J: Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> Sameness,
{
    /// The attributes that differ, and those that are only spelled differently.
    fn look(&self, objects: Pair<&Object>) -> (Vec<AttributeDifference>, Vec<Equivalence>) {
        let names: BTreeSet<_> =
            objects.from.attributes.keys().chain(objects.to.attributes.keys()).collect();
        let (mut differs, mut equivalent) = (Vec::new(), Vec::new());
        for name in names.into_iter().filter(|it| (self.counts)(objects.from, it)) {
            let values = Pair { from: objects.from.get(name), to: objects.to.get(name) };
            let attribute = || AttributeDifference {
                name: name.to_owned(),
                values: Pair {
                    from: values.from.map(str::to_owned),
                    to: values.to.map(str::to_owned),
                },
            };
            match (self.judge)(objects, name, values) {
                Sameness::Same => {}
                Sameness::Different => differs.push(attribute()),
                Sameness::Equivalent(why) => equivalent.push(Equivalence {
                    id: objects.from.id.clone(),
                    attribute: attribute(),
                    why,
                }),
            }
        }
        (differs, equivalent)
    }

    /// Whether two objects of one kind are equal but for their names. Where a column stands says
    /// nothing of whether it is the same one.
    fn are_twins(&self, from: &Object, to: &Object) -> bool {
        let differs = self.look(Pair { from, to }).0;
        differs.iter().all(|it| from.id.kind == Kind::Column && it.name == "position")
    }
}

/// Moves things that are equal but for their name into `renamed`, or into `ambiguous` where there are
/// several. Two names that were swapped are renamed twice.
///
/// Only things inside a table and sequences of a column take part: a table without its twin is never
/// guessed to be a rename.
fn find_renamed<C, J>(result: &mut Comparison, catalogs: Pair<&Catalog>, eye: &Eye<C, J>)
where
    C: Fn(&Object, &str) -> bool,
    J: Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> Sameness,
{
    let named = |catalog: &Catalog, only: &[Object]| -> Vec<Object> {
        let differing = result.differs.iter().filter_map(|it| catalog.get(&it.id)).cloned();
        only.iter().cloned().chain(differing).filter(has_mere_name).collect()
    };
    let from = named(catalogs.from, &result.only_from);
    let to = named(catalogs.to, &result.only_to);
    let owner = |it: &Object| it.get("owned by").map(str::to_owned);
    let place = |it: &Object| (it.id.kind, parent(&it.id).to_vec(), owner(it));
    let matches =
        match_up(Pair { from: &from, to: &to }, place, |from, to| eye.are_twins(from, to));
    let mut pairs: Vec<Pair<ObjectId>> = Vec::new();
    let mut ambiguous: Vec<Pair<Vec<ObjectId>>> = Vec::new();
    for Matches { from, to } in matches {
        let ids = |it: Vec<&Object>| it.into_iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        match (from.as_slice(), to.as_slice()) {
            ([from], [to]) => pairs.push(Pair { from: from.id.clone(), to: to.id.clone() }),
            _ => ambiguous.push(Pair { from: ids(from), to: ids(to) }),
        }
    }
    let has_both = |id: &ObjectId| result.differs.iter().any(|it| it.id == *id);
    ambiguous.retain(|it| !it.from.iter().chain(&it.to).any(has_both));
    close_cycles(&mut pairs, has_both);
    let froms: BTreeSet<_> =
        pairs.iter().map(|it| &it.from).chain(ambiguous.iter().flat_map(|it| &it.from)).collect();
    let tos: BTreeSet<_> =
        pairs.iter().map(|it| &it.to).chain(ambiguous.iter().flat_map(|it| &it.to)).collect();
    result.only_from.retain(|it| !froms.contains(&it.id));
    result.only_to.retain(|it| !tos.contains(&it.id));
    result.differs.retain(|it| !froms.contains(&it.id));
    pairs.sort_by(|a, b| a.from.cmp(&b.from));
    result.renamed = pairs;
    result.ambiguous = ambiguous;
}

/// Leaves out pairs in which a name that both sides have is explained on one side alone: it stays a
/// difference.
fn close_cycles(pairs: &mut Vec<Pair<ObjectId>>, has_both: impl Fn(&ObjectId) -> bool) {
    loop {
        let froms: BTreeSet<_> = pairs.iter().map(|it| it.from.clone()).collect();
        let tos: BTreeSet<_> = pairs.iter().map(|it| it.to.clone()).collect();
        let is_closed = |id: &ObjectId| !has_both(id) || froms.contains(id) && tos.contains(id);
        let before = pairs.len();
        pairs.retain(|it| is_closed(&it.from) && is_closed(&it.to));
        if pairs.len() == before {
            return;
        }
    }
}

/// Says which leftover columns, tables and enums look like one thing under two names.
fn find_alike<C, J>(result: &mut Comparison, catalogs: Pair<&Catalog>, eye: &Eye<C, J>)
where
    C: Fn(&Object, &str) -> bool,
    J: Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> Sameness,
{
    let of = |only: &[Object], kind: Kind| -> Vec<Object> {
        only.iter().filter(|it| it.id.kind == kind).cloned().collect()
    };
    let mut alike = Vec::new();
    for kind in [Kind::Enum, Kind::Table, Kind::Column] {
        let (from, to) = (of(&result.only_from, kind), of(&result.only_to, kind));
        let place = |it: &Object| {
            let catalog =
                if catalogs.from.get(&it.id).is_some() { catalogs.from } else { catalogs.to };
            (parent(&it.id).to_vec(), names_inside(catalog, it))
        };
        let twins = |from: &Object, to: &Object| {
            eye.are_twins(from, to) && have_twin_columns(catalogs, Pair { from, to }, eye)
        };
        for Matches { from, to } in match_up(Pair { from: &from, to: &to }, place, twins) {
            let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (from, to)));
            alike.extend(pairs.map(|(from, to)| Pair { from: from.id.clone(), to: to.id.clone() }));
        }
    }
    result.alike = alike;
}

/// What has to be equal before a closer look is worth it: a table's columns, an enum's labels.
fn names_inside(catalog: &Catalog, object: &Object) -> Vec<String> {
    if object.id.kind == Kind::Table {
        let inside = catalog.inside(&object.id).filter(|it| it.id.kind == Kind::Column);
        return inside.map(|it| it.id.name().to_owned()).collect();
    }
    object.get("values").map(str::to_owned).into_iter().collect()
}

/// Whether the columns of two tables are the same; for anything but tables it is so.
fn have_twin_columns<C, J>(catalogs: Pair<&Catalog>, tables: Pair<&Object>, eye: &Eye<C, J>) -> bool
where
    C: Fn(&Object, &str) -> bool,
    J: Fn(Pair<&Object>, &str, Pair<Option<&str>>) -> Sameness,
{
    if tables.from.id.kind != Kind::Table {
        return true;
    }
    let mut columns =
        catalogs.from.inside(&tables.from.id).filter(|it| it.id.kind == Kind::Column).peekable();
    columns.peek().is_some()
        && columns.all(|from| {
            let path = tables.to.id.path.iter().map(String::as_str).chain([from.id.name()]);
            let to = catalogs.to.get(&ObjectId::new(Kind::Column, path));
            to.is_some_and(|to| have_one_type(from, to) || eye.are_twins(from, to))
        })
}

/// Defaults of a renamed table's columns name its sequences, and say nothing of whether it is the same.
fn have_one_type(from: &Object, to: &Object) -> bool {
    ["type", "not null", "identity"].iter().all(|it| from.get(it) == to.get(it))
}

fn parent(id: &ObjectId) -> &[String] {
    id.path.split_last().map_or(&[], |it| it.1)
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

    /// Uniques as `name:columns`.
    fn uniques(text: &str) -> Catalog {
        let parts = text.split_whitespace().map(|it| it.split_once(':').unwrap());
        Catalog::new(parts.map(|(name, columns)| unique(name, columns)))
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        let it = compare(Pair { from: &uniques(from), to: &uniques(to) });
        let found = format!(
            "={} -{} +{} ~{} !{} ?{}",
            it.n_same,
            it.only_from.len(),
            it.only_to.len(),
            it.renamed.len(),
            it.differs.len(),
            it.ambiguous.len()
        );
        assert_eq!(found, expected);
        assert_eq!(it.is_equal(), !expected.starts_with("=0") && expected.ends_with("~0 !0 ?0"));
    }

    #[test]
    fn an_equal_constraint_under_another_name_is_renamed_not_missing() {
        check("a_key:isbn", "a_unique:isbn", "=0 -0 +0 ~1 !0 ?0");
    }

    #[test]
    fn another_constraint_under_another_name_is_missing() {
        check("a_key:isbn", "b:title", "=0 -1 +1 ~0 !0 ?0");
    }

    #[test]
    fn the_same_name_with_another_attribute_differs() {
        check("a:isbn", "a:title", "=0 -0 +0 ~0 !1 ?0");
    }

    #[test]
    fn alike_constraints_with_other_names_are_ambiguous_and_none_is_guessed() {
        check("a:isbn b:isbn", "c:isbn d:isbn", "=0 -0 +0 ~0 !0 ?1");
        check("a:isbn b:isbn", "c:isbn", "=0 -0 +0 ~0 !0 ?1");
        check("a:isbn", "c:isbn d:isbn", "=0 -0 +0 ~0 !0 ?1");
    }

    #[test]
    fn of_alike_constraints_the_ones_with_equal_names_belong_together() {
        check("a:isbn b:isbn", "b:isbn c:isbn", "=1 -0 +0 ~1 !0 ?0");
    }

    #[test]
    fn swapped_names_are_renamed_twice() {
        check("a:isbn b:title", "a:title b:isbn", "=0 -0 +0 ~2 !0 ?0");
        check("a:x b:y c:z", "a:y b:z c:x", "=0 -0 +0 ~3 !0 ?0");
    }

    #[test]
    fn a_name_that_only_one_side_explains_stays_a_difference() {
        check("a:isbn", "a:title b:isbn", "=0 -0 +1 ~0 !1 ?0");
    }

    fn table(name: &str, columns: &str) -> Vec<Object> {
        let column = |(at, it): (usize, &str)| {
            let (column, kind) = it.split_once(':').unwrap();
            Object::new(Kind::Column, [name, column])
                .with("type", kind)
                .with("position", at.to_string())
        };
        let columns = columns.split_whitespace().enumerate().map(column);
        std::iter::once(Object::new(Kind::Table, [name])).chain(columns).collect()
    }

    #[track_caller]
    fn check_alike(from: Vec<Object>, to: Vec<Object>, expected: &[&str]) {
        let (from, to) = (Catalog::new(from), Catalog::new(to));
        let found = compare(Pair { from: &from, to: &to });
        let pairs = found.alike.iter().map(|it| format!("{} → {}", it.from, it.to.dotted()));
        assert_eq!(pairs.collect::<Vec<_>>(), expected);
        assert!(!found.only_from.is_empty() && !found.only_to.is_empty(), "nothing is assumed");
    }

    #[test]
    fn a_column_of_the_same_type_under_another_name_may_be_renamed() {
        let old = table("users", "id:integer name:text");
        let new = |it: &str| table("users", &format!("id:integer {it}"));
        check_alike(old.clone(), new("full_name:text"), &["column users.name → users.full_name"]);
        check_alike(old.clone(), new("age:integer"), &[]);
        let both = ["column users.name → users.a", "column users.name → users.b"];
        check_alike(old, new("a:text b:text"), &both);
    }

    #[test]
    fn a_table_with_the_same_columns_under_another_name_may_be_renamed() {
        let old = table("users", "id:integer name:text");
        check_alike(
            old.clone(),
            table("people", "id:integer name:text"),
            &["table users → people"],
        );
        check_alike(old.clone(), table("people", "id:integer name:integer"), &[]);
        check_alike(old, table("people", "id:integer"), &[]);
    }
}
