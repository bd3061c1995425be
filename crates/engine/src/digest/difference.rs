//! Where two databases hold different things, as facts.

use std::collections::BTreeSet;
use std::fmt;

use raingauge_schema::Pair;

use super::{Contents, LargeObjects, TableName};

/// One place where contents differ. `from` is what was expected, `to` what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The table is only on one side; the count is of the side that has it.
    Table {
        table: TableName,
        n_rows: Pair<Option<u64>>,
    },
    /// Another number of rows.
    Count {
        table: TableName,
        n_rows: Pair<u64>,
    },
    /// As many rows, but not the same ones.
    Rows {
        table: TableName,
        n_rows: u64,
    },
    Sequence {
        name: String,
        states: Pair<Option<String>>,
    },
    LargeObjects(Pair<LargeObjects>),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { table, n_rows } => match n_rows.from {
                Some(n) => write!(f, "table `{table}` with {n} rows is missing"),
                None => write!(f, "table `{table}` was not expected"),
            },
            Self::Count { table, n_rows } => {
                write!(f, "table `{table}` has {} rows instead of {}", n_rows.to, n_rows.from)
            }
            Self::Rows { table, n_rows } => {
                write!(f, "table `{table}` has {n_rows} rows as expected, but other values in them")
            }
            Self::Sequence { name, states } => {
                let say = |it: &Option<String>| it.clone().unwrap_or_else(|| "missing".to_owned());
                let (from, to) = (say(&states.from), say(&states.to));
                write!(f, "sequence `{name}` stands at {to} instead of {from}")
            }
            Self::LargeObjects(it) if it.from.n_objects == it.to.n_objects => {
                write!(f, "{} large objects as expected, but other bytes in them", it.to.n_objects)
            }
            Self::LargeObjects(it) => {
                write!(f, "{} large objects instead of {}", it.to.n_objects, it.from.n_objects)
            }
        }
    }
}

pub(super) fn between(from: &Contents, to: &Contents) -> Vec<Difference> {
    let mut found = tables(from, to);
    found.extend(sequences(from, to));
    if from.large_objects != to.large_objects {
        found.push(Difference::LargeObjects(Pair {
            from: from.large_objects,
            to: to.large_objects,
        }));
    }
    found
}

fn tables(from: &Contents, to: &Contents) -> Vec<Difference> {
    let names: BTreeSet<_> = from.tables.keys().chain(to.tables.keys()).collect();
    let difference = |name: &TableName| {
        let table = name.clone();
        let (from, to) = match (from.tables.get(name), to.tables.get(name)) {
            (Some(from), Some(to)) => (from, to),
            (from, to) => {
                let n_rows = Pair { from: from.map(|it| it.n_rows), to: to.map(|it| it.n_rows) };
                return Some(Difference::Table { table, n_rows });
            }
        };
        if from.n_rows != to.n_rows {
            let n_rows = Pair { from: from.n_rows, to: to.n_rows };
            return Some(Difference::Count { table, n_rows });
        }
        (from.digest != to.digest).then_some(Difference::Rows { table, n_rows: from.n_rows })
    };
    names.into_iter().filter_map(difference).collect()
}

fn sequences(from: &Contents, to: &Contents) -> Vec<Difference> {
    let names: BTreeSet<_> = from.sequences.keys().chain(to.sequences.keys()).collect();
    let states = |name: &String| Pair {
        from: from.sequences.get(name).cloned(),
        to: to.sequences.get(name).cloned(),
    };
    let all = names.into_iter().map(|it| (it, states(it)));
    all.filter(|(_, states)| states.from != states.to)
        .map(|(name, states)| Difference::Sequence { name: name.clone(), states })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Digest, TableDigest};
    use super::*;

    fn contents(tables: &[(&str, u64, u64)]) -> Contents {
        let table = |(name, n_rows, digest): &(&str, u64, u64)| {
            let name = TableName::new("", *name);
            let digest = Digest::from_halves(0, *digest);
            (name.clone(), TableDigest { name, n_rows: *n_rows, digest })
        };
        Contents { tables: tables.iter().map(table).collect(), ..Contents::default() }
    }

    #[track_caller]
    fn check(from: &Contents, to: &Contents, expected: &[&str]) {
        let found: Vec<_> = from.differences(to).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn equal_contents_do_not_differ() {
        check(&contents(&[("a", 1, 2)]), &contents(&[("a", 1, 2)]), &[]);
    }

    #[test]
    fn each_table_is_told_apart() {
        check(
            &contents(&[("a", 1, 2), ("b", 3, 3), ("gone", 4, 4)]),
            &contents(&[("a", 2, 2), ("b", 3, 9), ("new", 0, 0)]),
            &[
                "table `a` has 2 rows instead of 1",
                "table `b` has 3 rows as expected, but other values in them",
                "table `gone` with 4 rows is missing",
                "table `new` was not expected",
            ],
        );
    }

    #[test]
    fn a_sequence_that_moved_or_is_missing_differs() {
        let with = |states: &[(&str, &str)]| Contents {
            sequences: states
                .iter()
                .map(|(name, state)| ((*name).to_owned(), (*state).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            ..Contents::default()
        };
        check(
            &with(&[("a", "1"), ("b", "1")]),
            &with(&[("a", "2")]),
            &[
                "sequence `a` stands at 2 instead of 1",
                "sequence `b` stands at missing instead of 1",
            ],
        );
    }
}
