//! How many rows two databases do not share, table by table.

use std::cmp::Ordering;

use raingauge_schema::Pair;

use super::{Contents, TableName, mysql, postgres, sqlite};
use crate::Result;
use crate::connect::Session;

/// The rows of one table that only one of two databases has. An edited row counts on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub table: TableName,
    pub only: Pair<u64>,
}

/// The hashes of a table's rows in ascending order.
enum Hashes<'a> {
    OnServer(postgres::RowHashes<'a>),
    Here(std::vec::IntoIter<i64>),
}

impl Hashes<'_> {
    fn next(&mut self) -> Result<Option<i64>> {
        match self {
            Self::OnServer(hashes) => hashes.next(),
            Self::Here(hashes) => Ok(hashes.next()),
        }
    }
}

/// Compares the rows of all tables whose digests differ. Both databases are of one engine and major
/// version, and `contents` are theirs.
///
/// # Errors
/// If a connection breaks.
pub fn changes(sessions: Pair<&mut Session>, contents: Pair<&Contents>) -> Result<Vec<Changes>> {
    let mut found = Vec::new();
    let names = contents.from.tables.keys().chain(contents.to.tables.keys());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    let Pair { from, to } = sessions;
    for table in names {
        let only = match (contents.from.tables.get(table), contents.to.tables.get(table)) {
            (Some(a), Some(b)) if a == b => continue,
            (Some(_), Some(_)) => count(hashes(from, table)?, hashes(to, table)?)?,
            (a, b) => Pair { from: a.map_or(0, |it| it.n_rows), to: b.map_or(0, |it| it.n_rows) },
        };
        found.push(Changes { table: table.clone(), only });
    }
    Ok(found)
}

fn hashes<'a>(session: &'a mut Session, table: &TableName) -> Result<Hashes<'a>> {
    Ok(match session {
        Session::Postgres(_) => Hashes::OnServer(postgres::RowHashes::open(session, table)?),
        Session::MySql(session) => Hashes::Here(mysql::row_hashes(session, table)?.into_iter()),
        Session::Sqlite(session) => Hashes::Here(sqlite::row_hashes(session, table)?.into_iter()),
    })
}

/// Walks both lists at once.
fn count(mut a: Hashes<'_>, mut b: Hashes<'_>) -> Result<Pair<u64>> {
    let mut only = Pair { from: 0, to: 0 };
    let (mut left, mut right) = (a.next()?, b.next()?);
    loop {
        let order = match (left, right) {
            (None, None) => return Ok(only),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.cmp(&right),
        };
        only.from += u64::from(order == Ordering::Less);
        only.to += u64::from(order == Ordering::Greater);
        if order != Ordering::Greater {
            left = a.next()?;
        }
        if order != Ordering::Less {
            right = b.next()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &[i64], b: &[i64], from: u64, to: u64) {
        let here = |it: &[i64]| Hashes::Here(Vec::from(it).into_iter());
        assert_eq!(count(here(a), here(b)).unwrap(), Pair { from, to });
    }

    #[test]
    fn rows_of_one_side_are_counted_and_duplicates_too() {
        check(&[], &[], 0, 0);
        check(&[1, 2, 3], &[1, 2, 3], 0, 0);
        check(&[1, 2, 2, 3], &[2, 3, 4, 5], 2, 2);
        check(&[], &[7, 7], 0, 2);
        check(&[i64::MIN, 0], &[0, i64::MAX], 1, 1);
    }
}
