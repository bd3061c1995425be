//! Where live stands in its history: the migration up to which a replay equals live.
//!
//! States are catalogs after each migration, read in scratch with the reader that reads live. Nothing
//! here looks at the ledger: what is recorded and what is true are compared by the callers.

use std::collections::BTreeMap;

use raingauge_schema::catalog::{Catalog, Object, ObjectId};
use raingauge_schema::compare::{Comparison, compare, side_by_side};
use raingauge_schema::pair::Pair;

use crate::midway::Within;
use crate::side::States;

/// A place in the history at which a replay equals live, object by object. Only the comparison of the two makes
/// one ([`locate`], and [`crate::midway`] between two steps), so that what takes one cannot be reached without:
/// ledger rows of migrations that did not run here, and the migrations that go on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenPosition {
    at: usize,
}

impl ProvenPosition {
    /// Live equals the state between two steps of the migration at `at`.
    pub(crate) fn within(within: &Within) -> Self {
        Self { at: within.at }
    }

    /// How many migrations a replay needs to get there.
    pub fn at(self) -> usize {
        self.at
    }

    /// Of these migrations those that lead there, with the objects that show it.
    pub fn shows(self, positions: impl IntoIterator<Item = usize>, effects: &[Effect]) -> Shown {
        let is_before = positions.into_iter().filter(|it| *it < self.at);
        let shown =
            |at: usize| (at, effects.get(at).map(|it| it.present.clone()).unwrap_or_default());
        Shown(is_before.map(shown).collect())
    }
}

/// Migrations that live is proven to have had, each with the objects that were probed; none where a
/// migration changes no structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown(Vec<(usize, Vec<ObjectId>)>);

impl Shown {
    /// Their positions in the history.
    pub fn positions(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|it| it.0)
    }

    /// Each position with what was probed.
    pub fn each(&self) -> impl Iterator<Item = (usize, &[ObjectId])> {
        self.0.iter().map(|it| (it.0, it.1.as_slice()))
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where live stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Where a replay equals live in the full catalog; `None` is nowhere.
    pub proven: Option<ProvenPosition>,
    /// The state with the fewest differences, and those (`from` live, `to` replay).
    pub nearest: usize,
    pub differences: Comparison,
    /// What of each migration is in effect in live.
    pub effects: Vec<Effect>,
    /// How far into the next migration, if that runs in several steps.
    pub within: Option<Within>,
    /// Between which statements of a migration, if it was cut off there or run by hand.
    pub inside: Option<Inside>,
}

impl Position {
    /// How many migrations a replay needs to equal live.
    pub fn at(&self) -> Option<usize> {
        self.proven.map(ProvenPosition::at)
    }

    /// The migrations that are in effect only in part, by position.
    pub fn partial(&self) -> impl Iterator<Item = usize> {
        let is_partial = |it: &(usize, &Effect)| it.1.extent == Extent::Partial;
        self.effects.iter().enumerate().filter(is_partial).map(|it| it.0)
    }
}

/// Live is what a migration leaves after some of its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// The migration's position in the history.
    pub at: usize,
    /// After how many of its statements; several numbers where statements between write rows alone, which
    /// nobody can tell.
    pub done: Vec<usize>,
    pub of: usize,
    /// The line of the first statement that is surely not in effect.
    pub next_line: usize,
}

impl Inside {
    /// Finds live among the states after each statement but the last, given with the line of the next one.
    pub fn find(live: &Catalog, at: usize, states: &[(Catalog, usize)]) -> Option<Self> {
        let is_here = |it: &(usize, &(Catalog, usize))| it.1.0.has_same_structure(live);
        let found: Vec<_> = (1..).zip(states).filter(is_here).collect();
        let next_line = found.last()?.1.1;
        let done = found.iter().map(|it| it.0).collect();
        Some(Self { at, done, of: states.len() + 1, next_line })
    }

    /// The statements in words: `2 of 5 statements`.
    pub fn words(&self) -> String {
        let done: Vec<_> = self.done.iter().map(ToString::to_string).collect();
        format!("{} of {} statements", done.join(" or "), self.of)
    }
}

/// What of one migration is in effect in live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub tag: String,
    pub extent: Extent,
    pub present: Vec<ObjectId>,
    pub absent: Vec<ObjectId>,
}

/// How much of a migration is in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    All,
    None,
    Partial,
    /// It changes no structure, so the catalog cannot tell.
    NotProvable,
}

impl Extent {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::None => "none",
            Self::Partial => "partial",
            Self::NotProvable => "not provable",
        }
    }
}

/// Finds live among the states that were read. The first is the empty database, the `n`th the one after
/// the migration `tags[n - 1]`. `hint` is preferred among several equal states.
pub fn locate(live: &Catalog, states: &States, tags: &[String], hint: usize) -> Position {
    let is_equal = |it: &(usize, &Catalog)| it.1.has_same_structure(live);
    let equal: Vec<usize> = states.read().filter(is_equal).map(|it| it.0).collect();
    let proven = if equal.contains(&hint) { Some(hint) } else { equal.last().copied() };
    let proven = proven.map(|at| ProvenPosition { at });
    let nearest = proven.map_or_else(|| nearest(live, states), ProvenPosition::at);
    let differences = states
        .get(nearest)
        .map(|state| compare(Pair { from: live, to: state }))
        .unwrap_or_default();
    let versions = Versions::of(states);
    let each = tags.iter().enumerate();
    let effects = each.filter_map(|(at, tag)| versions.effect(live, at, tag)).collect();
    Position { proven, nearest, differences, effects, within: None, inside: None }
}

fn nearest(live: &Catalog, states: &States) -> usize {
    let differing = |state: &Catalog| {
        let pairs = side_by_side(Pair { from: live, to: state });
        pairs.filter(|(from, to)| !are_same(*from, *to)).count()
    };
    let mut states: Vec<_> = states.read().map(|(at, it)| (differing(it), at, it)).collect();
    states.sort_by_key(|it| (it.0, it.1));
    let mut best = (usize::MAX, 0);
    for (differing, at, state) in states {
        // Two objects under two names may be one difference, and no more than two are.
        if best.0 < differing.div_ceil(2) {
            break;
        }
        let distance = compare(Pair { from: live, to: state }).n_differences();
        best = best.min((distance, at));
    }
    best.1
}

fn are_same(one: Option<&Object>, other: Option<&Object>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other) || one.attributes == other.attributes,
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// What a history makes of each object, one version after the other.
struct Versions<'a> {
    states: &'a States,
    /// From which state on it is so.
    of_object: BTreeMap<&'a ObjectId, Vec<(usize, Option<&'a Object>)>>,
}

impl<'a> Versions<'a> {
    fn of(states: &'a States) -> Self {
        let mut of_object: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((_, from), (at, to)) in states.read().zip(states.read().skip(1)) {
            for (before, after) in side_by_side(Pair { from, to }) {
                let id = before.or(after).map(|it| &it.id).filter(|_| !are_same(before, after));
                if let Some(id) = id {
                    of_object.entry(id).or_default().push((at, after));
                }
            }
        }
        Self { states, of_object }
    }

    /// An object that a migration touched is present when live has it as this migration left it, or as a
    /// later one did.
    fn effect(&self, live: &Catalog, at: usize, tag: &str) -> Option<Effect> {
        let (before, after) = (self.states.get(at)?, self.states.get(at + 1)?);
        let change = compare(Pair { from: before, to: after });
        let touched = change
            .only_to
            .iter()
            .map(|it| it.id.clone())
            .chain(change.differs.iter().map(|it| it.id.clone()))
            .chain(change.only_from.iter().map(|it| it.id.clone()))
            .chain(change.renamed.iter().map(|it| it.to.clone()))
            .chain(change.ambiguous.iter().flat_map(|it| it.to.iter().cloned()));
        let (present, absent): (Vec<_>, Vec<_>) = touched.partition(|id| {
            let mut versions = self.of_object.get(id).into_iter().flatten();
            versions.any(|it| at < it.0 && are_same(it.1, live.get(id)))
        });
        let extent = match (present.is_empty(), absent.is_empty()) {
            (true, true) => Extent::NotProvable,
            (false, true) => Extent::All,
            (true, false) => Extent::None,
            (false, false) => Extent::Partial,
        };
        Some(Effect { tag: tag.to_owned(), extent, present, absent })
    }
}

#[cfg(test)]
mod tests {
    use raingauge_schema::{Kind, Object};

    use super::*;

    fn catalog(tables: &str) -> Catalog {
        Catalog::new(tables.split_whitespace().map(|it| Object::new(Kind::Table, [it])))
    }

    /// States of a history that adds table after table, then drops `a`.
    fn states() -> (States, Vec<String>) {
        let after = ["", "a", "a b c", "a b c", "b c"].map(|it| Some(catalog(it))).to_vec();
        (
            States { after, ..States::default() },
            ["one", "two", "data", "drop"].map(str::to_owned).to_vec(),
        )
    }

    #[track_caller]
    fn check(live: &str, hint: usize, proven: Option<usize>, effects: &str) {
        let (states, tags) = states();
        let position = locate(&catalog(live), &states, &tags, hint);
        assert_eq!(position.at(), proven);
        let found: Vec<_> = position.effects.iter().map(|it| it.extent.word()).collect();
        assert_eq!(found.join(", "), effects);
    }

    #[test]
    fn live_is_found_after_the_last_equal_migration() {
        check("a", 0, Some(1), "all, none, not provable, none");
        check("b c", 0, Some(4), "all, all, not provable, all");
    }

    #[test]
    fn the_ledger_decides_between_states_that_only_data_tells_apart() {
        check("a b c", 2, Some(2), "all, all, not provable, none");
        check("a b c", 0, Some(3), "all, all, not provable, none");
    }

    #[test]
    fn states_that_were_not_read_are_no_answer() {
        let (mut states, tags) = states();
        states.after[1] = None;
        let position = locate(&catalog("a b c"), &states, &tags, 2);
        assert_eq!((position.at(), position.effects.len()), (Some(2), 2));
        assert_eq!(locate(&catalog("a"), &states, &tags, 1).proven, None);
        assert!(!states.are_all_read());
    }

    #[test]
    fn live_is_found_between_two_statements_and_data_is_told_as_not_provable() {
        // `a`, then rows, then `b`, then `c`.
        let states = [("a", 2), ("a", 5), ("a b", 7)].map(|it| (catalog(it.0), it.1));
        let find = |live| Inside::find(&catalog(live), 3, &states);
        let found = find("a").unwrap();
        assert_eq!((found.words().as_str(), found.next_line), ("1 or 2 of 4 statements", 5));
        assert_eq!(find("a b").unwrap().words(), "3 of 4 statements");
        assert_eq!(find("b"), None);
    }

    #[test]
    fn t20_only_what_leads_to_the_proven_place_is_shown_with_its_objects() {
        let (states, tags) = states();
        let position = locate(&catalog("a b c"), &states, &tags, 2);
        let shown = position.proven.unwrap().shows(0..4, &position.effects);
        assert_eq!(shown.positions().collect::<Vec<_>>(), [0, 1]);
        let probed: Vec<_> = shown.each().map(|it| it.1.len()).collect();
        assert_eq!(probed, [1, 2]);
    }

    #[test]
    fn t20_a_database_between_two_migrations_is_nowhere_and_the_migration_partial() {
        check("a b", 1, None, "all, partial, not provable, none");
    }
}
