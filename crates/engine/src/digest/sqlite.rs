//! Digests of a SQLite file: its rows are hashed as they are read, since SQLite runs in this process.

mod instant;
mod row;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use self::row::RowText;
use super::{Contents, Digest, LargeObjects, TableDigest, TableName};
use crate::connect::SqliteSession;
use crate::progress::{Progress, watch};
use crate::{Error, Result};

pub(crate) use instant::at_one_instant;

/// Tables that hold rows of their own. A virtual table keeps its rows in shadow tables, which are
/// here; SQLite's own tables are either derived (`sqlite_stat1`) or read as sequences.
const TABLES: &str = "SELECT name FROM pragma_table_list WHERE schema = 'main' \
    AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Smaller files are read before further connections are open.
const LARGE: u64 = 16 << 20;

/// Reads everything that the file holds, in the caller's transaction or else at one instant of its own.
///
/// # Errors
/// If the file cannot be read.
pub fn contents(session: &mut SqliteSession, progress: &mut dyn Progress) -> Result<Contents> {
    let total = bytes_in_use(session.connection()).map_err(unreadable)?;
    let done = AtomicU64::new(0);
    let told = || done.load(Ordering::Relaxed);
    if total < LARGE || !session.connection().is_autocommit() {
        let work = || in_one_transaction(session.connection(), |it| read([it], &done));
        return watch(progress, total, told, work).map_err(unreadable);
    }
    let mut sessions = at_one_instant(session.target(), n_readers())?;
    let work = || read(sessions.iter_mut().map(SqliteSession::connection), &done);
    watch(progress, total, told, work).map_err(unreadable)
}

/// As many connections as can read at a time.
pub(crate) fn n_readers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Reads the digests of some tables.
///
/// # Errors
/// If there is no such table, or if the file cannot be read.
pub fn digests(session: &mut SqliteSession, tables: &[TableName]) -> Result<Vec<TableDigest>> {
    let done = AtomicU64::new(0);
    let each = |connection: &mut Connection| {
        tables.iter().map(|it| digest(connection, it, &done)).collect()
    };
    in_one_transaction(session.connection(), each).map_err(unreadable)
}

pub(crate) fn unreadable(cause: rusqlite::Error) -> Error {
    Error::new("contents-unreadable", "cannot read the rows of the database").caused_by(cause)
}

fn in_one_transaction<T>(
    connection: &mut Connection,
    read: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    if !connection.is_autocommit() {
        return read(connection);
    }
    connection.execute_batch("BEGIN")?;
    let result = read(connection);
    connection.execute_batch("ROLLBACK")?;
    result
}

/// How many bytes of the file are not free. Indexes are in it too, so this is more than there is to read.
pub(crate) fn bytes_in_use(connection: &Connection) -> rusqlite::Result<u64> {
    let size = "SELECT (page_count - freelist_count) * page_size \
        FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    let bytes: i64 = connection.query_row(size, [], |row| row.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Reads everything, each of the connections a table at a time. All are in transactions that see one instant.
/// `done` counts the bytes of the values that have been read.
pub(crate) fn read<'a>(
    connections: impl IntoIterator<Item = &'a mut Connection>,
    done: &AtomicU64,
) -> rusqlite::Result<Contents> {
    let mut connections = connections.into_iter();
    let Some(first) = connections.next() else { return Ok(Contents::default()) };
    let (names, sequences) = (column(first, TABLES)?, sequences(first)?);
    let waiting = Mutex::new(names.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |connection: &mut Connection| -> rusqlite::Result<Vec<TableDigest>> {
        let names = std::iter::from_fn(next).map(|it| TableName::new("", it));
        names.map(|it| digest(connection, &it, done)).collect()
    };
    let tables = std::thread::scope(|scope| {
        let others: Vec<_> = connections.map(|it| scope.spawn(|| work(it))).collect();
        let mut tables = work(first)?;
        for other in others {
            tables.extend(other.join().unwrap_or_else(|it| std::panic::resume_unwind(it))?);
        }
        Ok::<_, rusqlite::Error>(tables)
    })?;
    let tables = tables.into_iter().map(|it| (it.name.clone(), it)).collect();
    Ok(Contents { tables, sequences, large_objects: LargeObjects::default() })
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

/// How many bytes are read before they are told.
const STEP: u64 = 1 << 20;

fn digest(
    connection: &Connection,
    name: &TableName,
    done: &AtomicU64,
) -> rusqlite::Result<TableDigest> {
    let all = format!("SELECT * FROM main.{}", name.quoted());
    let mut untold = 0;
    let (n_rows, digest) = digest_told(connection, &all, &mut |bytes| {
        untold += bytes;
        if STEP <= untold {
            done.fetch_add(std::mem::take(&mut untold), Ordering::Relaxed);
        }
    })?;
    done.fetch_add(untold, Ordering::Relaxed);
    Ok(TableDigest { name: name.clone(), n_rows, digest })
}

/// The hashes of a table's rows, cut to 64 bits, in ascending order: 8 bytes of memory for each.
pub(super) fn row_hashes(session: &mut SqliteSession, table: &TableName) -> Result<Vec<i64>> {
    let read = |connection: &mut Connection| {
        let mut hashes = Vec::new();
        let all = format!("SELECT * FROM main.{}", table.quoted());
        for_each_row(connection, &all, |hash, _| {
            let upper = u64::try_from(hash >> 64).expect("64 bits are left");
            hashes.push(upper.cast_signed());
        })?;
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
    let (mut n_rows, mut digest) = (0, Digest::default());
    for_each_row(connection, query, |hash, bytes| {
        n_rows += 1;
        digest.add(hash);
        told(bytes);
    })?;
    Ok((n_rows, digest))
}

/// Gives each row's hash and how many bytes it has.
fn for_each_row(
    connection: &Connection,
    query: &str,
    mut each: impl FnMut(u128, u64),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(query)?;
    let n_columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut text = RowText::default();
    while let Some(row) = rows.next()? {
        let (hash, bytes) = text.hash(row, n_columns)?;
        each(hash, bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_is_read_is_told() {
        let five = "create table t as with recursive n (n) as (select 1 union all select n + 1 from n \
            where n < 500) select randomblob(10000) as b from n";
        let (mut connection, done) = (open(five), AtomicU64::new(0));
        let total = bytes_in_use(&connection).unwrap();
        read([&mut connection], &done).unwrap();
        let done = done.into_inner();
        assert!(5_000_000 == done && done <= total && total < 2 * done, "{done} of {total}");
    }

    fn open(sql: &str) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    fn read_from(sql: &str) -> Contents {
        read([&mut open(sql)], &AtomicU64::new(0)).unwrap()
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
