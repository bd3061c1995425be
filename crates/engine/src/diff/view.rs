//! What counts as a difference between two sides.

use raingauge_schema::compare::{ObjectDifference, Sameness, compare_with};
use raingauge_schema::dialect::AnySchema;
use raingauge_schema::{Catalog, Comparison, Dialect, Kind, Object, ObjectId, Pair};

use crate::filters::Filters;

/// How two sides are looked at.
#[derive(Clone, Debug)]
pub struct View {
    pub dialect: Dialect,
    /// Whether only what Drizzle can express counts: one of the sides says nothing else.
    pub is_managed: bool,
    /// What the second side declares, if `schema.ts` is it.
    pub declared: Option<AnySchema>,
    /// What the configuration leaves out.
    pub filters: Option<Filters>,
    /// What the first side has beyond what counts. It stays.
    pub kept: Catalog,
}

impl View {
    /// Everything that the catalogs hold.
    pub fn whole(dialect: Dialect) -> Self {
        let kept = Catalog::default();
        Self { dialect, is_managed: false, declared: None, filters: None, kept }
    }

    /// The differences that count. PostgreSQL puts a new column behind the others, and no statement moves
    /// one, so that where a column stands is none: see [`moved_columns`].
    pub fn compare(&self, catalogs: Pair<&Catalog>) -> Comparison {
        if !self.is_managed {
            let is_place = |object: &Object, name: &str| {
                self.dialect == Dialect::Postgres
                    && object.id.kind == Kind::Column
                    && name == "position"
            };
            return compare_with(
                catalogs,
                |object, name| !is_place(object, name),
                |_, _, values| Sameness::of(values.from == values.to),
            );
        }
        let looked_at = self.filters.as_ref().map(|it| it.managed(catalogs.from));
        let from = looked_at.as_ref().unwrap_or(catalogs.from);
        let mut comparison = match &self.declared {
            Some(schema) => schema.compare(from, catalogs.to),
            None => self.dialect.compare_managed(Pair { from, to: catalogs.to }),
        };
        comparison.only_to.extend(self.gone(catalogs.from).cloned());
        comparison.differs.extend(self.changed(catalogs));
        comparison
    }

    /// What the way has to lead to: the second side, and what only the first one can say.
    pub fn goal(&self, to: &Catalog) -> Catalog {
        let mut goal = to.clone();
        for kept in self.kept.objects() {
            let Some(object) = goal.get(&kept.id) else { continue };
            let mut object = object.clone();
            for (name, value) in kept.attributes.iter().filter(|it| self.is_kept(kept, it.0)) {
                object.attributes.insert(name.to_owned(), value);
            }
            goal.insert(object);
        }
        goal
    }

    fn is_kept(&self, object: &Object, attribute: &str) -> bool {
        self.dialect.expresses(object, None)
            && !self.dialect.expresses(object, Some(attribute))
            && attribute != "position"
    }

    /// What had to go on the way and is to come back: what Drizzle cannot say, on things that are there.
    fn gone<'a>(&'a self, now: &'a Catalog) -> impl Iterator<Item = &'a Object> {
        self.kept.objects().filter(|it| {
            !self.dialect.expresses(it, None) && now.get(&it.id).is_none() && has_place(it, now)
        })
    }

    /// What Drizzle cannot say of things that stayed, and that changed on the way.
    fn changed(&self, catalogs: Pair<&Catalog>) -> Vec<ObjectDifference> {
        let here = self.kept.filtered(|it| catalogs.to.get(&it.id).is_some());
        let changed = compare_with(
            Pair { from: catalogs.from, to: &here },
            |object, name| self.is_kept(object, name),
            |_, _, values| Sameness::of(values.from == values.to),
        );
        changed.differs
    }
}

/// Whether what an object lies in, or is about, is there.
fn has_place(object: &Object, now: &Catalog) -> bool {
    let id = &object.id;
    if let Some(subject) = subject(id) {
        return now.get(&subject).is_some();
    }
    let kinds = [Kind::Table, Kind::View, Kind::MaterializedView, Kind::ForeignTable];
    let is_there =
        |path: &[String]| kinds.iter().any(|it| now.get(&ObjectId::new(*it, path)).is_some());
    match (id.kind, id.path.split_last()) {
        (Kind::Trigger | Kind::Rule | Kind::Policy | Kind::Exclusion, Some((_, table))) => {
            is_there(table)
        }
        _ => id.path.len() < 3 || id.path.get(..2).is_some_and(is_there),
    }
}

/// What a comment, a grant or a label is about.
pub(super) fn subject(id: &ObjectId) -> Option<ObjectId> {
    let rest = match id.kind {
        Kind::Comment => id.path.get(1..)?,
        Kind::Grant | Kind::SecurityLabel => id.path.get(1..id.path.len().saturating_sub(1))?,
        _ => return None,
    };
    let kind =
        Kind::ALL.into_iter().find(|it| id.path.first().is_some_and(|word| it.word() == word))?;
    Some(ObjectId::new(kind, rest))
}

/// The tables whose columns both sides have, in another order.
pub fn moved_columns(catalogs: Pair<&Catalog>) -> Vec<ObjectId> {
    let order = |catalog: &Catalog, other: &Catalog, table: &ObjectId| -> Vec<String> {
        let both = catalog
            .inside(table)
            .filter(|it| it.id.kind == Kind::Column && other.get(&it.id).is_some());
        let place = |it: &Object| it.get("position").and_then(|it| it.parse::<u32>().ok());
        let mut places: Vec<_> = both.map(|it| (place(it), it.id.name().to_owned())).collect();
        places.sort();
        places.into_iter().map(|it| it.1).collect()
    };
    let tables = catalogs.from.of_kind(Kind::Table).map(|it| &it.id);
    let Pair { from, to } = catalogs;
    let is_moved = |it: &&ObjectId| order(from, to, it) != order(to, from, it);
    tables.filter(is_moved).cloned().collect()
}
