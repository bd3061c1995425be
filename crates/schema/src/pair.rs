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
