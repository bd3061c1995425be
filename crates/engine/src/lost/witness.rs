//! What a lost snapshot said, by those who stood beside it: the snapshot before, the next one or
//! `schema.ts`, and the replay.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::snapshot::SnapshotIds;
use raingauge_schema::{Catalog, Dialect, Fingerprint, Kind, Object, ObjectId};

/// A snapshot with what it builds.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) snapshot: AnySnapshot,
    pub(super) catalog: Catalog,
    /// Of `schema.ts`.
    pub(super) schema: Option<AnySchema>,
}

/// Those who stood beside a lost snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witnesses<'a> {
    pub(super) dialect: Dialect,
    pub(super) before: &'a Said,
    /// What the replay had before the migration, and has after it.
    pub(super) before_was: &'a Catalog,
    pub(super) after_is: &'a Catalog,
    /// The next one that is known, and the replay at its place.
    pub(super) later: Option<(&'a Said, &'a Catalog)>,
}

/// How an object is spelled.
enum Spelled<'a> {
    /// As another snapshot says it.
    Said(&'a AnySnapshot),
    /// As `schema.ts` declares it, or the catalog describes it.
    Anew,
}

/// Who may spell an object, the best first.
pub(super) struct Sources<'a> {
    witnesses: &'a Witnesses<'a>,
    managed: &'a Catalog,
    /// What `schema.ts` declares of it.
    declared: Option<AnySnapshot>,
    /// What the catalog says.
    described: AnySnapshot,
}

impl Witnesses<'_> {
    /// What of the replay Drizzle manages. What it did not manage before it does not now; of what is new
    /// the next witness speaks.
    ///
    /// # Errors
    /// Something new of which nobody speaks, and which a history may well have beside Drizzle.
    pub(super) fn managed(&self) -> Result<Catalog, ObjectId> {
        let kept = self.after_is.filtered(|it| self.is_managed(it));
        let whole = kept.filtered(|it| self.is_whole(&kept, it));
        let open = whole.objects().find(|it| {
            matches!(it.id.kind, Kind::View | Kind::MaterializedView | Kind::Policy)
                && self.before_was.get(&it.id).is_none()
                && self.later.is_none_or(|(_, then)| then.get(&it.id).is_none())
        });
        open.map_or(Ok(()), |it| Err(it.id.clone()))?;
        Ok(whole)
    }

    fn is_managed(&self, object: &Object) -> bool {
        if self.before_was.get(&object.id).is_some() {
            return self.before.catalog.get(&object.id).is_some();
        }
        match self.later {
            Some((said, then)) if then.get(&object.id).is_some() => {
                said.catalog.get(&object.id).is_some()
            }
            Some(_) | None => true,
        }
    }

    /// What is inside a table that is not managed is not either.
    fn is_whole(&self, kept: &Catalog, object: &Object) -> bool {
        let table = object.id.path.split_last().map(|(_, path)| ObjectId::new(Kind::Table, path));
        let table = table.filter(|it| self.after_is.get(it).is_some());
        table.is_none_or(|it| kept.get(&it).is_some())
    }

    /// Who may spell what; `None` where drizzle-kit cannot write it.
    pub(super) fn sources<'a>(
        &'a self,
        managed: &'a Catalog,
        generation: Generation,
    ) -> Option<Sources<'a>> {
        let ids = SnapshotIds::after(None, "");
        let schema = self.later.and_then(|(said, _)| said.schema.as_ref());
        let declared =
            schema.map(|it| it.present_in(managed, generation).snapshot(generation, &ids));
        Some(Sources {
            witnesses: self,
            managed,
            declared: declared.transpose().ok()?,
            described: self.dialect.describe(managed).snapshot(generation, &ids).ok()?,
        })
    }

    /// Whether an object and all that is inside it are the same in two catalogs.
    fn is_same(&self, id: &ObjectId, one: &Catalog, other: &Catalog) -> bool {
        let of = |catalog: &Catalog| -> BTreeSet<Fingerprint> {
            let objects = catalog.inside(id).chain(catalog.get(id));
            let expressed = objects.filter(|it| self.dialect.expresses(it, None));
            expressed.map(Object::fingerprint).collect()
        };
        of(one) == of(other)
    }
}

/// How far an object's spelling is doubted: whose part it is, the more the less is taken from others.
pub(super) type Doubts = BTreeMap<ObjectId, Doubt>;

/// What of others' spelling is still taken for an object that did not turn out right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Columns and constraints that did not change.
    Whole,
    Parts,
}

impl Sources<'_> {
    /// The snapshot, with what is doubted as the catalog describes it.
    pub(super) fn snapshot(&self, mut empty: AnySnapshot, doubts: &Doubts) -> AnySnapshot {
        let later = self.witnesses.later.map(|(said, _)| &said.snapshot);
        let all = [Some(&self.witnesses.before.snapshot), later, Some(&self.described)];
        let mut done = BTreeSet::new();
        for id in all.into_iter().flatten().flat_map(AnySnapshot::objects) {
            if !done.insert(id.clone()) {
                continue;
            }
            let spelled = self.of(&id);
            let is_described = match (spelled, doubts.get(&id)) {
                (None, _) => continue,
                (Some(Spelled::Said(source)), None) => {
                    empty.take(&id, source);
                    continue;
                }
                (Some(_), doubt) => doubt != Some(&Doubt::Parts),
            };
            let declared = self.declared.as_ref().filter(|it| it.objects().contains(&id));
            match declared.filter(|_| !doubts.contains_key(&id)) {
                Some(declared) => empty.take(&id, declared),
                None => empty.take(&id, &self.described),
            }
            if is_described {
                self.take_parts(&mut empty, &id);
            }
        }
        empty
    }

    /// What is inside a table and did not change keeps its spelling.
    fn take_parts(&self, snapshot: &mut AnySnapshot, table: &ObjectId) {
        let it = self.witnesses;
        if it.dialect == Dialect::Sqlite {
            // The catalog knows them by their columns alone.
            if uniques_of(it.before_was, table) == uniques_of(it.after_is, table) {
                snapshot.take_uniques(table, &it.before.snapshot);
            } else if let Some((said, then)) = it.later
                && uniques_of(it.after_is, table) == uniques_of(then, table)
            {
                snapshot.take_uniques(table, &said.snapshot);
            }
        }
        for part in self.managed.inside(table) {
            let same = |one: &Catalog, other: &Catalog| {
                let of = |catalog: &Catalog| catalog.get(&part.id).map(Object::fingerprint);
                of(one).is_some() && of(one) == of(other)
            };
            if same(it.before_was, it.after_is) {
                snapshot.take_part(&part.id, &it.before.snapshot);
            } else if let Some((said, then)) = it.later
                && same(it.after_is, then)
            {
                snapshot.take_part(&part.id, &said.snapshot);
            }
        }
    }

    /// Who spells an object; nobody where it is not there or not managed.
    fn of(&self, id: &ObjectId) -> Option<Spelled<'_>> {
        let it = self.witnesses;
        let has = |snapshot: &AnySnapshot| snapshot.objects().contains(id);
        if id.kind == Kind::Role {
            // Roles belong to the server: only another snapshot can say when one went.
            let later_has = it.later.is_none_or(|(said, _)| has(&said.snapshot));
            let before = Some(&it.before.snapshot).filter(|it| has(it) && later_has);
            return before.map(Spelled::Said);
        }
        self.managed.get(id)?;
        if has(&it.before.snapshot) && it.is_same(id, it.before_was, it.after_is) {
            return Some(Spelled::Said(&it.before.snapshot));
        }
        if let Some((said, then)) = it.later
            && has(&said.snapshot)
            && it.is_same(id, it.after_is, then)
        {
            return Some(Spelled::Said(&said.snapshot));
        }
        Some(Spelled::Anew)
    }
}

fn uniques_of<'a>(catalog: &'a Catalog, table: &'a ObjectId) -> Vec<&'a ObjectId> {
    catalog.inside(table).map(|it| &it.id).filter(|it| it.kind == Kind::Unique).collect()
}

/// The unique constraints of all tables. SQLite's are no part of what is compared as managed: 0.x has only
/// unique indexes.
pub(super) fn uniques(catalog: &Catalog) -> BTreeSet<&ObjectId> {
    catalog.of_kind(Kind::Unique).map(|it| &it.id).collect()
}
