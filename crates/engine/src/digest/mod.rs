//! What a database holds, as evidence: per table a content digest and a row count, the state of
//! every sequence, and the large objects.
//!
//! A [`Digest`] is the sum of 128 bits of a hash of every row: the order of the rows does not matter,
//! a duplicate counts twice. [`postgres`] computes it on the server, with the server's own fast hash
//! under two seeds, [`mysql`] on the server as well, with the only hash that all its versions have, and
//! [`sqlite`] in our own process, where that server is, with XXH3. Two digests
//! compare only within one engine and major version. Different rows hardly ever give one digest by
//! accident: 2⁻¹²⁸ for SQLite, 2⁻¹¹⁴ for MySQL, and for PostgreSQL at least 2⁻⁹⁶, the width of its hash's
//! state. Somebody who makes rows to that end can do better, so a digest is no signature.

mod changes;
mod difference;
pub mod mysql;
pub mod postgres;
mod record;
pub mod sqlite;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use changes::{Changes, changes};
pub use difference::Difference;

use crate::Result;
use crate::connect::Session;
use crate::progress::{Progress, Silent};

/// A table's name. SQLite has no schemas: there the first part is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema: String,
    pub table: String,
}

impl TableName {
    /// A name from its parts.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }

    /// The name as SQL, both parts in double quotes.
    pub fn quoted(&self) -> String {
        let table = quote_ident(&self.table);
        if self.schema.is_empty() {
            table
        } else {
            format!("{}.{table}", quote_ident(&self.schema))
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.schema.is_empty() {
            write!(f, "{}.", quote_if_needed(&self.schema))?;
        }
        f.write_str(&quote_if_needed(&self.table))
    }
}

/// Two names never print alike.
fn quote_if_needed(name: &str) -> String {
    if name.is_empty() || name.contains(['.', '"']) { quote_ident(name) } else { name.to_owned() }
}

fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An order-independent hash of rows: 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u128);

impl Digest {
    /// The digest of a multiset of rows, given the sums of the upper and lower halves of their hashes.
    pub(crate) fn from_halves(upper: u64, lower: u64) -> Self {
        Self(u128::from(upper) << 64 | u128::from(lower))
    }

    /// Counts one row more, given the first 128 bits of its hash.
    pub(crate) fn add(&mut self, row: u128) {
        self.0 = self.0.wrapping_add(row);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What one table holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    #[serde(flatten)]
    pub name: TableName,
    pub n_rows: u64,
    pub digest: Digest,
}

/// The large objects of a PostgreSQL database: how many, and what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeObjects {
    pub n_objects: u64,
    pub digest: Digest,
}

/// Everything that a database holds besides its structure; the ledger is one of the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    #[serde(with = "as_list")]
    pub tables: BTreeMap<TableName, TableDigest>,
    /// Name to state, as the engine says it: `last_value 7, is_called true`.
    pub sequences: BTreeMap<String, String>,
    pub large_objects: LargeObjects,
}

impl Contents {
    /// How many rows there are in all tables together.
    pub fn n_rows(&self) -> u64 {
        self.tables.values().map(|it| it.n_rows).sum()
    }

    /// Where `other` holds something else, by table and by sequence; empty means equal contents.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        difference::between(self, other)
    }
}

/// Reads everything that the database holds, at one instant.
///
/// # Errors
/// `rows-unseen` if the role may not read every row, or if the connection breaks.
pub fn contents(session: &mut Session) -> Result<Contents> {
    contents_told(session, &mut Silent)
}

/// The same, and tells how many bytes of the tables are read. The servers say so after each table.
///
/// # Errors
/// As [`contents`].
pub fn contents_told(session: &mut Session, progress: &mut dyn Progress) -> Result<Contents> {
    match session {
        Session::Postgres(_) => postgres::contents(session, progress),
        Session::MySql(session) => mysql::contents(session, progress),
        Session::Sqlite(session) => sqlite::contents(session, progress),
    }
}

/// Reads the digests of some tables, within the caller's transaction if one is open.
///
/// # Errors
/// `rows-unseen` if the role may not read every row, or if a table is missing or the connection breaks.
pub fn digests(session: &mut Session, tables: &[TableName]) -> Result<Vec<TableDigest>> {
    match session {
        Session::Postgres(_) => postgres::digests(session, tables),
        Session::MySql(session) => mysql::digests(session, tables),
        Session::Sqlite(session) => sqlite::digests(session, tables),
    }
}

/// Tables are written as a plain list, since a name cannot be a JSON key.
mod as_list {
    use super::{BTreeMap, TableDigest, TableName};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        tables: &BTreeMap<TableName, TableDigest>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(tables.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<TableName, TableDigest>, D::Error> {
        let list = Vec::<TableDigest>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|it| (it.name.clone(), it)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_survive_json() {
        let name = TableName::new("public", "books");
        let digest = Digest::from_halves(u64::MAX, 7);
        let table = TableDigest { name: name.clone(), n_rows: 3, digest };
        let contents = Contents { tables: [(name, table)].into(), ..Contents::default() };
        let json = serde_json::to_string(&contents).unwrap();
        assert!(json.contains("\"digest\":\"ffffffffffffffff0000000000000007\""), "{json}");
        assert_eq!(serde_json::from_str::<Contents>(&json).unwrap(), contents);
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_a_duplicate_does() {
        let sum = |rows: &[u128]| {
            let mut digest = Digest::default();
            rows.iter().for_each(|it| digest.add(*it));
            digest
        };
        assert_eq!(sum(&[1, u128::MAX, 5]), sum(&[5, 1, u128::MAX]));
        assert_ne!(sum(&[5, 5]), sum(&[5]));
    }
}
