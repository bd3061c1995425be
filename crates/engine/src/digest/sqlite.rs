//! Digests of a SQLite file: its rows are hashed as they are read, since SQLite runs in this process.
//!
//! A value is hashed with its storage class, so `1`, `1.0`, `'1'` and `x'31'` are four values.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest as _, Sha256};

use super::{Contents, Digest, LargeObjects, TableDigest, TableName};
use crate::connect::SqliteSession;
use crate::progress::Progress;
use crate::{Error, Result};

/// Tables that hold rows of their own. A virtual table keeps its rows in shadow tables, which are
/// here; SQLite's own tables are either derived (`sqlite_stat1`) or read as sequences.
const TABLES: &str = "SELECT name FROM pragma_table_list WHERE schema = 'main' \
    AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Reads everything that the file holds, in the caller's transaction or else in one of its own.
///
/// # Errors
/// If the file cannot be read.
pub fn contents(session: &mut SqliteSession, progress: &mut dyn Progress) -> Result<Contents> {
    in_one_transaction(session.connection(), |it| read(it, progress)).map_err(unreadable)
}

/// Reads the digests of some tables.
///
/// # Errors
/// If there is no such table, or if the file cannot be read.
pub fn digests(session: &mut SqliteSession, tables: &[TableName]) -> Result<Vec<TableDigest>> {
    let each = |connection: &Connection| {
        tables.iter().map(|it| digest(connection, it, &mut |_| ())).collect()
    };
    in_one_transaction(session.connection(), each).map_err(unreadable)
}

fn unreadable(cause: rusqlite::Error) -> Error {
    Error::new("contents-unreadable", "cannot read the rows of the database").caused_by(cause)
}

fn in_one_transaction<T>(
    connection: &mut Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    if !connection.is_autocommit() {
        return read(connection);
    }
    let transaction = connection.transaction()?;
    let result = read(&transaction)?;
    transaction.rollback()?;
    Ok(result)
}

/// Reads everything, within the transaction that is open.
pub(crate) fn read(
    connection: &Connection,
    progress: &mut dyn Progress,
) -> rusqlite::Result<Contents> {
    let pragma = |name: &str| {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
    };
    // Indexes are in it too, so this is more than there is to read.
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    let total = u64::try_from(pages * pragma("page_size")?).unwrap_or(0);
    let mut told = Told { done: 0, next: STEP, total, progress };
    let names = column(connection, TABLES)?;
    let tables = names
        .into_iter()
        .map(|it| {
            let name = TableName::new("", it);
            digest(connection, &name, &mut |bytes| told.add(bytes)).map(|it| (name, it))
        })
        .collect::<rusqlite::Result<_>>()?;
    let large_objects = LargeObjects::default();
    Ok(Contents { tables, sequences: sequences(connection)?, large_objects })
}

/// How many bytes pass between two looks at the clock.
const STEP: u64 = 1 << 20;

/// Tells how many bytes of values have been read.
struct Told<'a> {
    done: u64,
    next: u64,
    total: u64,
    progress: &'a mut dyn Progress,
}

impl Told<'_> {
    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if self.next <= self.done {
            self.next = self.done + STEP;
            self.progress.advance(self.done, self.total);
        }
    }
}

fn column(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// The counters of AUTOINCREMENT; SQLite makes their table with the first such column.
fn sequences(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let exists = "SELECT name FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if column(connection, exists)?.is_empty() {
        return Ok(BTreeMap::new());
    }
    let states = "SELECT name, coalesce(CAST(seq AS TEXT), 'null') FROM sqlite_sequence";
    connection.prepare(states)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn digest(
    connection: &Connection,
    name: &TableName,
    told: &mut dyn FnMut(u64),
) -> rusqlite::Result<TableDigest> {
    let all = format!("SELECT * FROM main.{}", name.quoted());
    let (n_rows, digest) = digest_told(connection, &all, told)?;
    Ok(TableDigest { name: name.clone(), n_rows, digest })
}

/// The hashes of a table's rows, cut to 64 bits, in ascending order: 8 bytes of memory for each.
pub(super) fn row_hashes(session: &mut SqliteSession, table: &TableName) -> Result<Vec<i64>> {
    let read = |connection: &Connection| {
        let mut statement =
            connection.prepare(&format!("SELECT * FROM main.{}", table.quoted()))?;
        let n_columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut hashes = Vec::new();
        while let Some(row) = rows.next()? {
            let upper = u64::try_from(hash(row, n_columns)? >> 64).expect("64 bits are left");
            hashes.push(upper.cast_signed());
        }
        hashes.sort_unstable();
        Ok(hashes)
    };
    in_one_transaction(session.connection(), read).map_err(unreadable)
}

/// How many rows a query gives, and their digest.
pub(crate) fn digest_of(connection: &Connection, query: &str) -> rusqlite::Result<(u64, Digest)> {
    digest_told(connection, query, &mut |_| ())
}

/// The same, and tells how many bytes each row has.
fn digest_told(
    connection: &Connection,
    query: &str,
    told: &mut dyn FnMut(u64),
) -> rusqlite::Result<(u64, Digest)> {
    let mut statement = connection.prepare(query)?;
    let n_columns = statement.column_count();
    let mut rows = statement.query([])?;
    let (mut n_rows, mut digest) = (0, Digest::default());
    while let Some(row) = rows.next()? {
        n_rows += 1;
        digest.add(hash(row, n_columns)?);
        told(size(row, n_columns)?);
    }
    Ok((n_rows, digest))
}

fn size(row: &Row<'_>, n_columns: usize) -> rusqlite::Result<u64> {
    let mut bytes = 0;
    for at in 0..n_columns {
        bytes += match row.get_ref(at)? {
            ValueRef::Text(it) | ValueRef::Blob(it) => it.len() as u64,
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 8,
        };
    }
    Ok(bytes)
}

fn hash(row: &Row<'_>, n_columns: usize) -> rusqlite::Result<u128> {
    let mut hasher = Sha256::new();
    for at in 0..n_columns {
        match row.get_ref(at)? {
            ValueRef::Null => hasher.update([0]),
            ValueRef::Integer(it) => update(&mut hasher, 1, &it.to_le_bytes()),
            ValueRef::Real(it) => update(&mut hasher, 2, &it.to_bits().to_le_bytes()),
            ValueRef::Text(it) => update(&mut hasher, 3, it),
            ValueRef::Blob(it) => update(&mut hasher, 4, it),
        }
    }
    let hash = hasher.finalize();
    let (upper, _) = hash.split_first_chunk().expect("a sha-256 has 32 bytes");
    Ok(u128::from_be_bytes(*upper))
}

/// Each value carries its storage class and length, so that moving a boundary changes the hash.
fn update(hasher: &mut Sha256, class: u8, bytes: &[u8]) {
    hasher.update([class]);
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    /// What was told: done and total.
    #[derive(Default)]
    struct Ticks(Vec<(u64, u64)>);

    impl Progress for Ticks {
        fn begin(&mut self, _what: &str) {}

        fn boundary(&mut self, _name: &str) {}

        fn advance(&mut self, done: u64, total: u64) {
            self.0.push((done, total));
        }
    }

    #[test]
    fn how_much_is_read_is_told_while_a_large_table_is_read() {
        let five = "create table t as with recursive n (n) as (select 1 union all select n + 1 from n \
            where n < 500) select randomblob(10000) as b from n";
        let mut ticks = Ticks::default();
        read(&open(five), &mut ticks).unwrap();
        let done: Vec<_> = ticks.0.iter().map(|it| it.0).collect();
        assert!((4..=5).contains(&done.len()) && done.is_sorted(), "{done:?}");
        let (last, total) = ticks.0[done.len() - 1];
        assert!(last <= total && total < 2 * last, "{last} of {total}");
    }

    fn open(sql: &str) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    fn read_from(sql: &str) -> Contents {
        read(&open(sql), &mut Silent).unwrap()
    }

    /// Whether two lists of rows, each `VALUES …`, have one digest.
    #[track_caller]
    fn check(from: &str, to: &str, equal: bool) {
        let with = |rows| read_from(&format!("create table t (a, b); insert into t {rows}"));
        assert_eq!(with(from) == with(to), equal, "{from} / {to}");
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        check("values (1, 'x'), (2, 'y')", "values (2, 'y'), (1, 'x')", true);
        check("values (1, 'x'), (1, 'x')", "values (1, 'x')", false);
        check("values (1, 'x'), (1, 'x')", "values (1, 'y'), (1, 'y')", false);
        check("values (1, null)", "values (null, 1)", false);
        check("values (1, null)", "values (1, '')", false);
        check("values (1, 'x')", "values (1.0, 'x')", false);
        check("values (1, '1')", "values (1, x'31')", false);
        check("values ('ab', 'c')", "values ('a', 'bc')", false);
        check("values (1, 'zwei\nZeilen 🐘')", "values (1, 'zwei Zeilen 🐘')", false);
        check("values (1, x'00ff')", "values (1, x'00fe')", false);
    }

    #[test]
    fn every_kind_of_table_is_read_once() {
        let contents = read_from(
            "create table \"a \"\"b\" (x integer primary key autoincrement, y as (x * 2));
             insert into \"a \"\"b\" (x) values (7);
             create table w (k text primary key) without rowid;
             create table s (k int) strict;
             create virtual table f using fts5(body);
             insert into f values ('hello');
             create view v as select * from w; analyze;",
        );
        let names: Vec<_> = contents.tables.keys().map(|it| it.table.as_str()).collect();
        assert_eq!(names[..1], ["a \"b"]);
        assert_eq!(names[1..], ["f_config", "f_content", "f_data", "f_docsize", "f_idx", "s", "w"]);
        assert_eq!(contents.sequences["a \"b"], "7");
        assert_eq!(contents.tables[&TableName::new("", "f_content")].n_rows, 1);
    }

    #[test]
    fn text_that_is_not_utf8_is_hashed_as_bytes() {
        check("values (1, cast(x'ff' as text))", "values (1, cast(x'fe' as text))", false);
    }
}
