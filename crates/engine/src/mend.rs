//! What a faulty ledger has to say, given where live is proven to be.
//!
//! The position comes from a replay that equals live, never from the ledger. A row that no migration
//! explains, or that records more than live is, cannot be mended: then nothing is proposed.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::ledger::{CreatedAt, LedgerRow, Record, records};
use raingauge_schema::drizzle::named_ledger;
use serde::{Deserialize, Serialize};

use crate::check::spelling;
use crate::history::History;
use crate::ledger::LedgerName;

/// The findings that a mended ledger no longer has; those of times, with a journal whose times are mended,
/// and a second ledger only if this history explains it.
pub const MENDED: [&str; 11] = [
    "ledger-retimed",
    "ledger-null-time",
    "ledger-time-type",
    "ledger-repeated",
    "migration-skipped",
    "migration-would-repeat",
    "ledger-ahead",
    "ledger-second",
    "when-future",
    "when-not-increasing",
    "ledger-unnamed",
];

/// Those of them that [`naming()`] mends.
pub const NAMED: [&str; 2] = ["ledger-unnamed", "migration-would-repeat"];

/// T04: the times that entries ahead of the clock have to get, by position; `None` if there are none, or no
/// time is left for them between their neighbours.
pub fn retimed(history: &History, now: i64) -> Option<BTreeMap<usize, i64>> {
    /// Drizzle 1.0 tells migrations apart by whole seconds.
    const STEP: i64 = 1000;
    let whens: Vec<_> = history.migrations.iter().map(|it| it.entry.when).collect();
    let late: Vec<_> = (0..whens.len()).filter(|at| now < whens[*at]).collect();
    let mut times = whens.clone();
    for at in late.iter().rev() {
        // From the end, so that the next one is right already.
        let next = times.get(at + 1).copied().unwrap_or(now + 1);
        times[*at] = next - STEP;
    }
    for at in &late {
        // As early as may be: what other branches generated meanwhile stays newer.
        let before = at.checked_sub(1).map(|it| times[it] + STEP);
        times[*at] = before.map_or(times[*at], |it| it.min(times[*at]));
    }
    let is_rising = times.windows(2).all(|it| it[0] < it[1]);
    (!late.is_empty() && is_rising).then(|| late.iter().map(|at| (*at, times[*at])).collect())
}

/// The history with these times.
#[must_use]
pub fn with_times(history: &History, times: &BTreeMap<usize, i64>) -> History {
    let mut retimed = history.clone();
    for (at, when) in times {
        retimed.migrations[*at].entry.when = *when;
        let tag = &history.migrations[*at].entry.tag;
        let entries = retimed.journal.iter_mut().flat_map(|it| &mut it.entries);
        entries.filter(|it| it.tag == *tag).for_each(|it| it.when = *when);
    }
    retimed
}

/// As [`mending()`], for a history whose times change too.
pub fn mending_with_times(
    dialect: Dialect,
    (history, times): (&History, &BTreeMap<usize, i64>),
    rows: &[LedgerRow],
    n: usize,
) -> Option<Mending> {
    let retimed = with_times(history, times);
    let mut first = Mending::default();
    let mut rows = rows.to_vec();
    for row in &mut rows {
        let is_late = |it: &(&usize, &i64)| {
            row.created_at == CreatedAt::Millis(history.migrations[*it.0].entry.when)
        };
        if let Some((at, to)) = times.iter().find(is_late) {
            if n <= *at {
                return None;
            }
            let (tag, hash) = (history.migrations[*at].entry.tag.clone(), row.hash.clone());
            let from = std::mem::replace(&mut row.created_at, CreatedAt::Millis(*to));
            first.push(Mend::Retime { tag, hash, from, to: *to });
        }
    }
    let rest = mending_of(dialect, &retimed, &rows, n)?;
    rest.mends.into_iter().for_each(|it| first.push(it));
    Some(Mending { missing: rest.missing, ..first })
}

/// Whether every row of a ledger records one of the first `n` migrations.
pub fn is_explained(history: &History, rows: &[LedgerRow], n: usize) -> bool {
    positions(history, rows).is_some_and(|it| it.iter().all(|at| *at < n))
}

/// The migrations that the rows of another ledger record; `None` if one of them records none.
pub fn positions(history: &History, rows: &[LedgerRow]) -> Option<Vec<usize>> {
    let found = records(&history.applicable(), rows);
    let position = |(row, record): (&LedgerRow, Record)| match record {
        Record::Exact(at) | Record::Edited(at) | Record::Retimed(at) => Some(at),
        Record::Unknown => spelling::named(row, history).map(|it| it.0),
        Record::Renamed(_) | Record::Unnamed(_) => None,
    };
    rows.iter().zip(found).map(position).collect()
}

/// One change to rows of the ledger. Made twice it does the same as once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "mend")]
pub enum Mend {
    /// The row of a migration gets the migration's time.
    Retime { tag: String, hash: String, from: CreatedAt, to: i64 },
    /// A row with a wrong time goes, because its migration has another one that is right.
    Remove { tag: String, hash: String, from: CreatedAt },
    /// Of rows that are the same only the first stays.
    Keep { tag: String, hash: String, when: i64 },
    /// A row that 0.x wrote into a ledger of 1.0 gets the name of its migration.
    Name { tag: String, hash: String, when: CreatedAt },
}

/// All that is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mending {
    pub mends: Vec<Mend>,
    /// Positions of migrations that need a row of their own.
    pub missing: Vec<usize>,
}

/// What makes the ledger say that exactly the first `n` migrations are applied; `None` if a row cannot be
/// explained, or speaks of a later migration.
pub fn mending(
    dialect: Dialect,
    history: &History,
    rows: &[LedgerRow],
    n: usize,
) -> Option<Mending> {
    let mending = mending_of(dialect, history, rows, n)?;
    let is_needed = !mending.mends.is_empty() || !mending.missing.is_empty();
    is_needed.then_some(mending)
}

fn mending_of(
    dialect: Dialect,
    history: &History,
    rows: &[LedgerRow],
    n: usize,
) -> Option<Mending> {
    let found = records(&history.applicable(), rows);
    let mut kept: BTreeMap<usize, &str> = BTreeMap::new();
    let mut mending = Mending::default();
    let mut wrong = Vec::new();
    for (row, record) in rows.iter().zip(found) {
        let (at, is_right) = match record {
            Record::Exact(at) | Record::Edited(at) => (at, true),
            Record::Retimed(at) => (at, false),
            Record::Unknown => (spelling::named(row, history)?.0, false),
            // Those are of 1.0, which goes by names.
            Record::Renamed(_) | Record::Unnamed(_) => return None,
        };
        let is_text = matches!(row.created_at, CreatedAt::Text(_) | CreatedAt::Real(_));
        // In PostgreSQL the whole column is of another type then; in SQLite it is this one value.
        if n <= at || row.created_at == CreatedAt::Blob || is_text && dialect == Dialect::Postgres {
            return None;
        }
        if is_right { mending.keep(history, &mut kept, at, row) } else { wrong.push((at, row)) }
    }
    for (at, row) in wrong {
        let (tag, hash) = (history.migrations[at].entry.tag.clone(), row.hash.clone());
        let from = row.created_at.clone();
        match kept.get(&at) {
            None => {
                let to = history.migrations[at].entry.when;
                kept.insert(at, &row.hash);
                mending.mends.push(Mend::Retime { tag, hash, from, to });
            }
            Some(_) => mending.remove_again(history, at, row),
        }
    }
    mending.missing = (0..n).filter(|at| !kept.contains_key(at)).collect();
    Some(mending)
}

/// What gives the rows without a name in a ledger of 1.0 those of their migrations, of which live has had the
/// first `n`; `None` if there are none, or if any row is not of one of these, or not the only one of it.
pub fn naming(history: &History, rows: &[LedgerRow], n: usize) -> Option<Mending> {
    let found = named_ledger::records(&history.applicable(), rows);
    let (mut mending, mut known) = (Mending::default(), BTreeSet::new());
    for (row, record) in rows.iter().zip(found) {
        let at = match record {
            Record::Exact(at) | Record::Edited(at) => at,
            Record::Unnamed(at) => {
                let tag = history.migrations[at].entry.tag.clone();
                let (hash, when) = (row.hash.clone(), row.created_at.clone());
                mending.push(Mend::Name { tag, hash, when });
                at
            }
            Record::Retimed(_) | Record::Renamed(_) | Record::Unknown => return None,
        };
        if n <= at || !known.insert(at) {
            return None;
        }
    }
    mending.missing = (0..n).filter(|at| !known.contains(at)).collect();
    (!mending.mends.is_empty()).then_some(mending)
}

impl Mending {
    fn keep<'a>(
        &mut self,
        history: &History,
        kept: &mut BTreeMap<usize, &'a str>,
        at: usize,
        row: &'a LedgerRow,
    ) {
        let entry = &history.migrations[at].entry;
        match kept.get(&at) {
            None => drop(kept.insert(at, &row.hash)),
            Some(hash) if *hash == row.hash => {
                let (tag, hash) = (entry.tag.clone(), row.hash.clone());
                self.push(Mend::Keep { tag, hash, when: entry.when });
            }
            Some(_) => self.push(Mend::Remove {
                tag: entry.tag.clone(),
                hash: row.hash.clone(),
                from: row.created_at.clone(),
            }),
        }
    }

    /// A second row with a wrong time: of the same text, it was given the right time with the first one.
    fn remove_again(&mut self, history: &History, at: usize, row: &LedgerRow) {
        let entry = &history.migrations[at].entry;
        let (tag, hash, from) = (entry.tag.clone(), row.hash.clone(), row.created_at.clone());
        let first = Mend::Retime { tag, hash, from, to: entry.when };
        let (tag, hash) = (entry.tag.clone(), row.hash.clone());
        let mend = if self.mends.contains(&first) {
            Mend::Keep { tag, hash, when: entry.when }
        } else {
            Mend::Remove { tag, hash, from: row.created_at.clone() }
        };
        self.push(mend);
    }

    fn push(&mut self, mend: Mend) {
        if !self.mends.contains(&mend) {
            self.mends.push(mend);
        }
    }
}

impl Mend {
    /// The change for people.
    pub fn words(&self) -> String {
        match self {
            Self::Retime { tag, from, to, .. } => {
                format!("`{tag}`: created_at {} becomes {to}", shown(from))
            }
            Self::Remove { tag, from, .. } => {
                format!("`{tag}`: a second row, with created_at {}, is taken away", shown(from))
            }
            Self::Keep { tag, .. } => format!("`{tag}`: of several equal rows one stays"),
            Self::Name { tag, .. } => format!("`{tag}`: a row without a name gets it"),
        }
    }

    /// The statement, of which a second run changes nothing.
    pub fn statement(&self, dialect: Dialect, name: &LedgerName) -> String {
        let (table, hash) = (name.quoted_in(dialect), dialect.quote_literal(self.hash()));
        let [hash_is, time] = ["hash", "created_at"].map(|it| dialect.quote_ident(it));
        let hash_is = format!("{hash_is} = {hash}");
        let (is, place) = match dialect {
            Dialect::Postgres => ("IS NOT DISTINCT FROM", "ctid"),
            Dialect::MySql => ("<=>", "id"),
            Dialect::Sqlite => ("IS", "rowid"),
        };
        match self {
            Self::Retime { from, to, .. } => format!(
                "UPDATE {table} SET {time} = {to} WHERE {hash_is} AND {time} {is} {}",
                literal(dialect, from)
            ),
            Self::Remove { from, .. } => format!(
                "DELETE FROM {table} WHERE {hash_is} AND {time} {is} {}",
                literal(dialect, from)
            ),
            Self::Keep { when, .. } => {
                let same = format!("{hash_is} AND {time} = {when}");
                // MySQL does not read a table that it deletes from, unless it is behind a name.
                let first =
                    format!("SELECT {place} FROM {table} WHERE {same} ORDER BY {place} LIMIT 1");
                let first = match dialect {
                    Dialect::MySql => format!("SELECT {place} FROM ({first}) AS kept"),
                    Dialect::Postgres | Dialect::Sqlite => first,
                };
                format!("DELETE FROM {table} WHERE {same} AND {place} <> ({first})")
            }
            Self::Name { tag, when, .. } => format!(
                "UPDATE {table} SET {0} = {1} WHERE {0} IS NULL AND {hash_is} AND {time} {is} {2}",
                dialect.quote_ident("name"),
                dialect.quote_literal(tag),
                literal(dialect, when)
            ),
        }
    }

    fn hash(&self) -> &str {
        match self {
            Self::Retime { hash, .. }
            | Self::Remove { hash, .. }
            | Self::Keep { hash, .. }
            | Self::Name { hash, .. } => hash,
        }
    }
}

fn shown(value: &CreatedAt) -> String {
    match value {
        CreatedAt::Millis(it) => it.to_string(),
        CreatedAt::Null => "NULL".to_owned(),
        CreatedAt::Text(it) => format!("'{it}'"),
        CreatedAt::Real(it) => it.to_string(),
        CreatedAt::Blob => "a blob".to_owned(),
    }
}

fn literal(dialect: Dialect, value: &CreatedAt) -> String {
    match value {
        CreatedAt::Text(it) => dialect.quote_literal(it),
        CreatedAt::Millis(_) | CreatedAt::Null | CreatedAt::Real(_) | CreatedAt::Blob => {
            shown(value)
        }
    }
}
