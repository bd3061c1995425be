//! Digests of a MySQL or MariaDB database, computed on the server.
//!
//! A row becomes one text in which no two rows look alike, [`row`] says how, and SHA2 of it one number of 38
//! digits: each hexadecimal digit modulo ten, because the server adds decimals exactly and has no integer of
//! that width. Six of the ten digits are twice as likely as the others, so different rows make one digest by
//! accident with a chance of at most 2⁻¹¹⁴. The sum is kept modulo 2¹²⁸.
//!
//! Rows that were not committed at the instant of the caller's snapshot are not seen; tables of
//! engines without transactions are read as they are.

pub(crate) mod row;

use std::collections::BTreeMap;

use self::row::{Column, Table};
use super::{Contents, Digest, LargeObjects, TableDigest, TableName};
use crate::connect::{MySqlSession, SqlError, TextRow};
use crate::progress::Progress;
use crate::{Error, Result};

/// What changes how a value prints. The counters of tables come from the tables and not from a cache, and nobody
/// waits for a lock without end.
const PIN: &str = "set names utf8mb4; set session sql_mode = ''; set session time_zone = '+00:00'";

/// How long to wait for a table whose definition somebody is changing, in seconds.
const LOCK_WAIT: &str = "set session lock_wait_timeout = 30";

/// Tables that hold rows of their own, with their sizes and counters. Sequences of MariaDB are tables too.
const TABLES: &str = "select t.table_name, t.table_type, t.auto_increment, t.data_length, t.engine, e.transactions \
    from information_schema.tables t left join information_schema.engines e on e.engine = t.engine \
    where t.table_schema = database() and t.table_type in ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')";

const COLUMNS: &str = "select table_name, column_name, data_type, is_nullable, extra, generation_expression \
    from information_schema.columns where table_schema = database() order by table_name, ordinal_position";

/// Reads everything that the database holds, in a transaction of its own.
///
/// # Errors
/// `rows-unseen` if the account may not read every row, or if the connection breaks. A table on which nothing
/// at all is granted cannot be told from none: the catalog says what is hidden.
pub fn contents(session: &mut MySqlSession, progress: &mut dyn Progress) -> Result<Contents> {
    within(session, |session| read(session, progress))
}

/// Reads the digests of some tables, within the caller's transaction if one is open.
///
/// # Errors
/// As [`contents`]; `contents-unreadable` if a table is missing.
pub fn digests(session: &mut MySqlSession, names: &[TableName]) -> Result<Vec<TableDigest>> {
    let all = tables(session)?;
    names.iter().map(|it| digest(session, find(&all, it)?)).collect()
}

/// Everything is read as of one instant, as far as the engines of the tables know one.
fn within<T>(
    session: &mut MySqlSession,
    read: impl FnOnce(&mut MySqlSession) -> Result<T>,
) -> Result<T> {
    session.run(BEGIN).map_err(unreadable)?;
    let result = read(session);
    let ended = session.run("rollback").map_err(unreadable);
    let result = result?;
    ended?;
    Ok(result)
}

/// Opens a transaction that reads what was committed at this instant.
pub(crate) const BEGIN: &str = "set session transaction isolation level repeatable read; \
    start transaction with consistent snapshot";

/// Reads everything within the transaction that is open, and tells after each table how much is read.
pub(crate) fn read(session: &mut MySqlSession, progress: &mut dyn Progress) -> Result<Contents> {
    let all = tables(session)?;
    let (mut done, total) = (0, all.iter().map(|it| it.bytes).sum());
    let mut found = BTreeMap::new();
    for table in all.iter().filter(|it| !it.is_sequence) {
        found.insert(TableName::new("", &table.name), digest(session, table)?);
        done += table.bytes;
        progress.advance(done, total);
    }
    let sequences = states(session, &all)?;
    Ok(Contents { tables: found, sequences, large_objects: LargeObjects::default() })
}

/// The digests of tables whose engine knows no snapshot: what is read is what stands there now.
pub(crate) fn unfixed(session: &mut MySqlSession) -> Result<Vec<TableDigest>> {
    let all = tables(session)?;
    let unfixed = all.iter().filter(|it| !it.is_sequence && !it.is_transactional);
    unfixed.map(|it| digest(session, it)).collect()
}

/// The state of every sequence and the next value of every counter. Neither is ever part of a snapshot.
pub(crate) fn sequence_states(session: &mut MySqlSession) -> Result<BTreeMap<String, String>> {
    let all = tables(session)?;
    states(session, &all)
}

fn find<'a>(all: &'a [Table], name: &TableName) -> Result<&'a Table> {
    let missing = || Error::new("contents-unreadable", format!("there is no table `{name}`"));
    let is_it = |it: &&Table| it.name == name.table && name.schema.is_empty();
    all.iter().find(is_it).ok_or_else(missing)
}

/// What [`PIN`] and [`LOCK_WAIT`] change, kept before and given back after.
const KEEP: &str = "set @raingauge_mode = @@sql_mode, @raingauge_zone = @@time_zone, \
    @raingauge_wait = @@lock_wait_timeout, @raingauge_client = @@character_set_client, \
    @raingauge_results = @@character_set_results, @raingauge_collation = @@collation_connection";
const GIVE_BACK: &str = "set sql_mode = @raingauge_mode, time_zone = @raingauge_zone, \
    lock_wait_timeout = @raingauge_wait, character_set_client = @raingauge_client, \
    character_set_results = @raingauge_results, collation_connection = @raingauge_collation";

/// Reads in a session in which statements of others run: it has its own settings again afterwards.
pub(crate) fn aside<T>(
    session: &mut MySqlSession,
    read: impl FnOnce(&mut MySqlSession) -> Result<T>,
) -> Result<T> {
    session.run(KEEP).map_err(unreadable)?;
    let found = read(session);
    let given_back = session.run(GIVE_BACK).map_err(unreadable);
    let found = found?;
    given_back?;
    Ok(found)
}

/// The digest of some columns of a table, whatever their order is.
pub(crate) fn of_columns(
    session: &mut MySqlSession,
    mut table: Table,
    is_kept: impl Fn(&Column) -> bool,
) -> Result<TableDigest> {
    table.columns.retain(is_kept);
    table.columns.sort_by(|a, b| a.name.cmp(&b.name));
    if !table.columns.is_empty() {
        return digest(session, &table);
    }
    let rows = ask(session, &table, &format!("select count(*), 0 from {}", table.all_rows()))?;
    let (n_rows, digest) = parse_sum(&rows).ok_or_else(unexpected)?;
    Ok(TableDigest { name: TableName::new("", &table.name), n_rows, digest })
}

/// Every table that holds rows, in the order of their names' bytes.
pub(crate) fn tables(session: &mut MySqlSession) -> Result<Vec<Table>> {
    session.run(PIN).map_err(unreadable)?;
    session.run(LOCK_WAIT).map_err(unreadable)?;
    let rows = session.rows(TABLES).map_err(unreadable)?;
    let mut tables: Vec<_> = rows.into_iter().map(Table::of).collect();
    // By bytes, which is no order of the server's.
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    for row in session.rows(COLUMNS).map_err(unreadable)? {
        let (table, column) = Column::of(row);
        let table = tables.binary_search_by(|it| it.name.cmp(&table)).ok();
        if let Some(table) = table.and_then(|it| tables.get_mut(it)) {
            table.columns.push(column);
        }
    }
    Ok(tables)
}

pub(crate) fn digest(session: &mut MySqlSession, table: &Table) -> Result<TableDigest> {
    let rows = ask(session, table, &table.sum())?;
    let (n_rows, digest) = parse_sum(&rows).ok_or_else(unexpected)?;
    Ok(TableDigest { name: TableName::new("", &table.name), n_rows, digest })
}

/// The hashes of a table's rows, cut to 64 bits, in ascending order: 8 bytes of memory for each.
pub(super) fn row_hashes(session: &mut MySqlSession, name: &TableName) -> Result<Vec<i64>> {
    within(session, |session| {
        let all = tables(session)?;
        let table = find(&all, name)?;
        let rows = ask(session, table, &table.hashes())?;
        let number = |row: TextRow| row.into_iter().next().flatten()?.parse::<u64>().ok();
        let hashes = rows.into_iter().map(|it| number(it).map(u64::cast_signed));
        let mut hashes: Vec<_> = hashes.collect::<Option<_>>().ok_or_else(unexpected)?;
        hashes.sort_unstable();
        Ok(hashes)
    })
}

/// Sends a query over all rows of a table. A column that the account may not read is not among those that the
/// server lists, so all of them are named once more, as `*`.
fn ask(session: &mut MySqlSession, table: &Table, query: &str) -> Result<Vec<TextRow>> {
    let mut found = Vec::new();
    let all = format!("select * from {} limit 0; {query}; show warnings", table.quoted());
    let mut cut = None;
    let sent = session.each_row(&all, |n, row| match n {
        // A text that would be longer than `max_allowed_packet` becomes NULL, which no sum counts.
        2 => cut = cut.take().or_else(|| row.into_iter().nth(2).flatten()),
        _ => found.push(row),
    });
    sent.map_err(|it| unreadable_table(table, it))?;
    match cut {
        None => Ok(found),
        Some(warning) => Err(Error::new(
            "contents-unreadable",
            format!("the rows of `{}` cannot be counted for certain", table.name),
        )
        .caused_by(warning)
        .next("a larger `max_allowed_packet` of the server lets long rows pass")),
    }
}

fn parse_sum(rows: &[TextRow]) -> Option<(u64, Digest)> {
    let mut values = rows.first()?.iter().map(Option::as_deref);
    let n_rows = values.next()??.parse().ok()?;
    let mut sum = 0_u128;
    for digit in values.next()??.chars() {
        sum = sum.wrapping_mul(10).wrapping_add(digit.to_digit(10)?.into());
    }
    Some((n_rows, Digest(sum)))
}

/// What comes next of every sequence and every counter.
fn states(session: &mut MySqlSession, all: &[Table]) -> Result<BTreeMap<String, String>> {
    let mut states = BTreeMap::new();
    for table in all {
        let state = match table.is_sequence {
            false if table.counts() => format!("next_value {}", table.next_value),
            false => continue,
            true => {
                let sql =
                    format!("select next_not_cached_value, cycle_count from {}", table.quoted());
                let rows = session.rows(&sql).map_err(|it| unreadable_table(table, it))?;
                let [Some(next), Some(cycles)] = rows.first().ok_or_else(unexpected)?.as_slice()
                else {
                    return Err(unexpected());
                };
                format!("next_value {next}, cycles {cycles}")
            }
        };
        states.insert(table.name.clone(), state);
    }
    Ok(states)
}

/// Denied on a table or a column.
const DENIED: [&str; 3] = ["1142", "1143", "1044"];

fn unreadable_table(table: &Table, cause: SqlError) -> Error {
    let name = &table.name;
    if DENIED.contains(&cause.state.as_str()) {
        let message = format!("the account cannot read every row: no SELECT on all of `{name}`");
        return Error::refusal("rows-unseen", message)
            .caused_by(cause)
            .next("connect with an account that has SELECT on the whole database");
    }
    // Lock wait timeout.
    if cause.state == "1205" {
        return Error::new(
            "table-locked",
            format!("`{name}` stayed locked, so its rows were not read"),
        )
        .caused_by(cause)
        .next("run it again when the other statement has ended");
    }
    Error::new("contents-unreadable", format!("cannot read the rows of `{name}`")).caused_by(cause)
}

fn unreadable(cause: SqlError) -> Error {
    Error::new("contents-unreadable", "cannot read the rows of the database").caused_by(cause)
}

fn unexpected() -> Error {
    Error::new("contents-unreadable", "the server answered a digest query in an unknown form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_decimals_wraps() {
        let sum = |text: &str| {
            let row = vec![Some("7".to_owned()), Some(text.to_owned())];
            parse_sum(&[row]).map(|it| it.1)
        };
        assert_eq!(sum("0"), Some(Digest::default()));
        assert_eq!(sum("340282366920938463463374607431768211456"), Some(Digest::default()));
        assert_eq!(sum("340282366920938463463374607431768211455"), Some(Digest(u128::MAX)));
        assert_eq!(sum("1.5"), None);
    }
}
