//! Matches the entities of two schemas by key: the first stage of a diff.

use std::collections::BTreeMap;

/// The same thing on both sides of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<T> {
    pub from: T,
    pub to: T,
}

/// One kind of entity, split by the side it was found on. `dropped` is in key order, `created` and
/// `kept` in the order of `to`.
#[derive(Debug)]
pub struct Pairing<'a, E> {
    pub dropped: Vec<&'a E>,
    pub created: Vec<&'a E>,
    pub kept: Vec<Pair<&'a E>>,
}

/// Something with a key that is unique within its schema.
pub trait Entity {
    /// The key: equal on both sides means the same thing.
    fn key(&self) -> String;
}

/// Makes the name of each type its key.
macro_rules! named {
    ($($entity:ty),* $(,)?) => {$(
        impl $crate::pair::Entity for $entity {
            fn key(&self) -> String {
                self.name.clone()
            }
        }
    )*};
}

pub(crate) use named;

/// Splits two lists of entities into dropped, created and kept.
pub fn pair<'a, E: Entity>(from: &'a [E], to: &'a [E]) -> Pairing<'a, E> {
    let mut unmatched: BTreeMap<_, _> = from.iter().map(|it| (it.key(), it)).collect();
    let (mut created, mut kept) = (Vec::new(), Vec::new());
    for to in to {
        match unmatched.remove(&to.key()) {
            Some(from) => kept.push(Pair { from, to }),
            None => created.push(to),
        }
    }
    Pairing { dropped: unmatched.into_values().collect(), created, kept }
}

/// Things of both sides that are alike, one or more on each.
#[derive(Debug)]
pub struct Matches<'a, E> {
    pub from: Vec<&'a E>,
    pub to: Vec<&'a E>,
}

/// Gathers what is alike on both sides, in the order of `from`. Only things in one place are compared;
/// what is alike nothing on the other side is left out.
pub fn match_up<'a, E, P: Ord>(
    sides: Pair<&'a [E]>,
    place: impl Fn(&E) -> P,
    alike: impl Fn(&E, &E) -> bool,
) -> Vec<Matches<'a, E>> {
    let mut places: BTreeMap<P, Vec<Matches<'a, E>>> =
        sides.to.iter().map(|it| (place(it), Vec::new())).collect();
    for from in sides.from {
        let Some(groups) = places.get_mut(&place(from)) else { continue };
        match groups.iter_mut().find(|it| alike(it.from[0], from)) {
            Some(group) => group.from.push(from),
            None => groups.push(Matches { from: vec![from], to: Vec::new() }),
        }
    }
    for to in sides.to {
        let groups = places.get_mut(&place(to));
        let group = groups.and_then(|it| it.iter_mut().find(|it| alike(it.from[0], to)));
        if let Some(group) = group {
            group.to.push(to);
        }
    }
    places.into_values().flatten().filter(|it| !it.to.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Entity for String {
        fn key(&self) -> String {
            self.clone()
        }
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        let parse = |it: &str| it.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (from, to) = (parse(from), parse(to));
        let Pairing { dropped, created, kept } = pair(&from, &to);
        assert_eq!(format!("-{} +{} ={}", dropped.len(), created.len(), kept.len()), expected);
    }

    #[test]
    fn a_rename_without_a_hint_is_a_drop_and_a_create() {
        check("old same", "same new", "-1 +1 =1");
    }
}
