//! Where live stands in its history: the migration up to which a replay equals live.
//!
//! States are catalogs after each migration, read in scratch with the reader that reads live. Nothing
//! here looks at the ledger: what is recorded and what is true are compared by the callers.

use raingauge_schema::catalog::{Catalog, ObjectId};
use raingauge_schema::compare::{Comparison, compare};
use raingauge_schema::pair::Pair;

use crate::midway::Within;
use crate::side::States;

/// Where live stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// How many migrations a replay needs to equal live in the full catalog; `None` is nowhere.
    pub proven: Option<usize>,
    /// The state with the fewest differences, and those (`from` live, `to` replay).
    pub nearest: usize,
    pub differences: Comparison,
    /// What of each migration is in effect in live.
    pub effects: Vec<Effect>,
    /// How far into the next migration, if that runs in several steps.
    pub within: Option<Within>,
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
    let fingerprint = live.fingerprint();
    let equal: Vec<usize> =
        states.read().filter(|it| it.1.fingerprint() == fingerprint).map(|it| it.0).collect();
    let proven = if equal.contains(&hint) { Some(hint) } else { equal.last().copied() };
    let nearest = proven.unwrap_or_else(|| nearest(live, states));
    let differences = states
        .get(nearest)
        .map(|state| compare(Pair { from: live, to: state }))
        .unwrap_or_default();
    let each = tags.iter().enumerate();
    let effects = each.filter_map(|(at, tag)| effect(live, states, at, tag)).collect();
    Position { proven, nearest, differences, effects, within: None }
}

fn nearest(live: &Catalog, states: &States) -> usize {
    let distance = |it: &(usize, &Catalog)| compare(Pair { from: live, to: it.1 }).n_differences();
    states.read().min_by_key(distance).map_or(0, |it| it.0)
}

/// An object that a migration touched is present when live has it as this migration left it, or as a
/// later one did.
fn effect(live: &Catalog, states: &States, at: usize, tag: &str) -> Option<Effect> {
    let (before, after) = (states.get(at)?, states.get(at + 1)?);
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
        let found = live.get(id).map(raingauge_schema::Object::fingerprint);
        let mut later = states.read().map(|it| it.1).skip_while(|it| !std::ptr::eq(*it, after));
        later.any(|state| state.get(id).map(raingauge_schema::Object::fingerprint) == found)
    });
    let extent = match (present.is_empty(), absent.is_empty()) {
        (true, true) => Extent::NotProvable,
        (false, true) => Extent::All,
        (true, false) => Extent::None,
        (false, false) => Extent::Partial,
    };
    Some(Effect { tag: tag.to_owned(), extent, present, absent })
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
        assert_eq!(position.proven, proven);
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
        assert_eq!((position.proven, position.effects.len()), (Some(2), 2));
        assert_eq!(locate(&catalog("a"), &states, &tags, 1).proven, None);
        assert!(!states.are_all_read());
    }

    #[test]
    fn t20_a_database_between_two_migrations_is_nowhere_and_the_migration_partial() {
        check("a b", 1, None, "all, partial, not provable, none");
    }
}
