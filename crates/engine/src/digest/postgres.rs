//! Digests of a PostgreSQL database, computed on the server.
//!
//! A row is hashed in its text form (see `record`) under pinned settings. The bytes are those of the database's
//! own encoding. Row security is switched off, which makes the server refuse to leave rows out
//! silently: <https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-ROW-SECURITY>.

use std::collections::{BTreeMap, VecDeque};

use super::{Contents, Digest, LargeObjects, TableDigest, TableName, record};
use crate::connect::{Session, SqlError, TextRow};
use crate::progress::Progress;
use crate::{Error, Result};

/// What changes how a value prints; and from version 14 on a server that notices when nobody waits for the
/// answer any more. Local to the savepoint, so that the caller's settings come back.
const PIN: &str = "SAVEPOINT raingauge_digest; \
    SET LOCAL search_path = pg_catalog; SET LOCAL row_security = off; \
    SET LOCAL extra_float_digits = 1; SET LOCAL datestyle = 'ISO, YMD'; \
    SET LOCAL intervalstyle = postgres; SET LOCAL timezone = 'UTC'; \
    SET LOCAL bytea_output = hex; SET LOCAL xmlbinary = base64; SET LOCAL lc_monetary = 'C'; \
    SET LOCAL quote_all_identifiers = off; SET LOCAL statement_timeout = 0; \
    SELECT set_config(name, '2000', true) FROM pg_settings \
        WHERE name = 'client_connection_check_interval'";

const UNPIN: &str = "ROLLBACK TO SAVEPOINT raingauge_digest; RELEASE SAVEPOINT raingauge_digest";

/// A table that somebody has just dropped has no size.
const SIZES: &str = "SELECT n.nspname, c.relname, coalesce(pg_table_size(c.oid), 0) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' \
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";

const SEQUENCES: &str = "SELECT n.nspname, c.relname FROM pg_class c \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'S' AND c.relpersistence <> 't' \
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2";

/// How long to wait for a table that somebody else has locked; tests are less patient.
pub(crate) const LOCK_WAIT_MS: u32 = if cfg!(test) { 500 } else { 30_000 };

/// How many hashes are fetched at a time.
const ROWS_PER_PAGE: usize = 10_000;

/// How many sequences one statement reads; each is a relation of its own.
const SEQUENCES_PER_QUERY: usize = 100;

/// Reads everything that the database holds, in a read-only transaction of its own.
///
/// # Errors
/// `rows-unseen` if the role may not read every row, or if the connection breaks.
pub fn contents(session: &mut Session, progress: &mut dyn Progress) -> Result<Contents> {
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").map_err(unreadable)?;
    let contents = read(session, progress);
    let ended = session.run("ROLLBACK").map_err(unreadable);
    let contents = contents?;
    ended?;
    Ok(contents)
}

/// Reads everything within the transaction that is open, and tells how much is read: after each table, for a
/// query tells nothing while it runs.
pub(crate) fn read(session: &mut Session, progress: &mut dyn Progress) -> Result<Contents> {
    pinned(session, |session| {
        let all = visible_tables(session)?;
        let sizes = sizes(session)?;
        let (mut done, total) = (0, sizes.values().sum());
        let mut tables = BTreeMap::new();
        for table in &all {
            tables.insert(table.name.clone(), digest(session, table)?);
            done += sizes.get(&table.name).unwrap_or(&0);
            progress.advance(done, total);
        }
        let sequences = sequences(session)?;
        Ok(Contents { tables, sequences, large_objects: large_objects(session)? })
    })
}

/// Reads the state of every sequence. It is never part of a snapshot: what is read is the state now.
pub(crate) fn sequence_states(session: &mut Session) -> Result<BTreeMap<String, String>> {
    pinned(session, sequences)
}

/// Reads the digests of some tables, within the transaction that is open; it has to be one.
///
/// # Errors
/// `rows-unseen` if the role may not read every row, `contents-unreadable` if a table is missing or
/// the connection breaks.
pub fn digests(session: &mut Session, tables: &[TableName]) -> Result<Vec<TableDigest>> {
    pinned(session, |session| {
        let all = all_tables(session)?;
        let find = |name: &TableName| {
            let missing =
                || Error::new("contents-unreadable", format!("there is no table `{name}`"));
            all.iter().find(|it| it.name == *name).ok_or_else(missing)
        };
        let wanted = tables.iter().map(find).collect::<Result<Vec<_>>>()?;
        refuse_unseen(wanted.iter().copied())?;
        wanted.into_iter().map(|it| digest(session, it)).collect()
    })
}

fn pinned<T>(session: &mut Session, read: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
    session.run(PIN).map_err(unreadable)?;
    let locked =
        session.run(&format!("SET LOCAL lock_timeout = {LOCK_WAIT_MS}")).map_err(unreadable);
    let result = locked.and_then(|()| read(session));
    let ended = session.run(UNPIN).map_err(unreadable);
    let result = result?;
    ended?;
    Ok(result)
}

struct Table {
    name: TableName,
    /// The expression for the text of a row.
    row: String,
    /// Why its rows cannot all be read: a phrase that ends before the table's name.
    unseen: Option<String>,
}

fn visible_tables(session: &mut Session) -> Result<Vec<Table>> {
    let tables = all_tables(session)?;
    refuse_unseen(tables.iter())?;
    Ok(tables)
}

/// Every table that holds rows of its own: a partitioned table has none, its partitions have. What a
/// temporary table holds is not the database's, and a materialized view is derived.
fn tables_query() -> String {
    format!(
        "SELECT n.nspname, c.relname, {}, \
            CASE WHEN row_security_active(c.oid) THEN 'row security hides rows of' \
                 WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'no USAGE on the schema of' \
                 WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'no SELECT on' END \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE c.relkind = 'r' AND c.relpersistence <> 't' \
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1, 2",
        record::columns_query()
    )
}

fn all_tables(session: &mut Session) -> Result<Vec<Table>> {
    let table = |row: TextRow| {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        let name =
            TableName { schema: next().unwrap_or_default(), table: next().unwrap_or_default() };
        // A table without columns has no list of them.
        let columns: Vec<_> = next().map_or(Ok(Vec::new()), |it| serde_json::from_str(&it))?;
        Ok(Table { name, row: record::text(&columns), unseen: next() })
    };
    let rows = session.rows(&tables_query()).map_err(unreadable)?;
    let tables: serde_json::Result<_> = rows.into_iter().map(table).collect();
    tables.map_err(|cause| unexpected().caused_by(cause))
}

/// How many bytes each table takes, its long values included, without indexes.
fn sizes(session: &mut Session) -> Result<BTreeMap<TableName, u64>> {
    let size = |row: TextRow| {
        let mut row = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || row.next().unwrap_or_default();
        let name = TableName { schema: next(), table: next() };
        (name, next().parse().unwrap_or(0))
    };
    let rows = session.rows(SIZES).map_err(unreadable)?;
    Ok(rows.into_iter().map(size).collect())
}

fn refuse_unseen<'a>(tables: impl Iterator<Item = &'a Table>) -> Result<()> {
    let unseen: Vec<_> =
        tables.filter_map(|it| Some(format!("{} `{}`", it.unseen.as_ref()?, it.name))).collect();
    if unseen.is_empty() {
        return Ok(());
    }
    Err(rows_unseen(&unseen.join(", ")))
}

fn rows_unseen(what: &str) -> Error {
    Error::refusal("rows-unseen", format!("the role cannot read every row: {what}")).next(
        "connect as the owner of the tables, as a role with BYPASSRLS where row security is forced, \
         or as a superuser",
    )
}

fn digest(session: &mut Session, table: &Table) -> Result<TableDigest> {
    let sql = sum_of_hashes(&table.row, &format!("ONLY {}", table.name.quoted()));
    let rows = session.rows(&sql).map_err(unreadable)?;
    let (n_rows, digest) = parse_sums(&rows).ok_or_else(unexpected)?;
    Ok(TableDigest { name: table.name.clone(), n_rows, digest })
}

/// The hashes of a table's rows in ascending order, read page by page through a cursor.
pub(super) struct RowHashes<'a> {
    session: &'a mut Session,
    page: VecDeque<i64>,
}

impl<'a> RowHashes<'a> {
    /// Opens the cursor in a transaction of its own, which ends with the value.
    pub(super) fn open(session: &'a mut Session, name: &TableName) -> Result<Self> {
        session.run(&format!("BEGIN READ ONLY; {PIN}")).map_err(unreadable)?;
        let hashes = Self { session, page: VecDeque::new() };
        let table = all_tables(hashes.session)?.into_iter().find(|it| it.name == *name);
        let table = table.ok_or_else(unexpected)?;
        refuse_unseen(std::iter::once(&table))?;
        let sql = format!(
            "DECLARE raingauge_rows NO SCROLL CURSOR FOR \
             SELECT hashtextextended({} COLLATE \"C\", 0) FROM ONLY {} ORDER BY 1",
            table.row,
            name.quoted()
        );
        hashes.session.run(&sql).map_err(unreadable)?;
        Ok(hashes)
    }

    /// The next hash; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<i64>> {
        if self.page.is_empty() {
            let sql = format!("FETCH {ROWS_PER_PAGE} FROM raingauge_rows");
            let rows = self.session.rows(&sql).map_err(unreadable)?;
            let values = rows.into_iter().flatten().flatten();
            self.page =
                values.map(|it| it.parse().map_err(|_| unexpected())).collect::<Result<_>>()?;
        }
        Ok(self.page.pop_front())
    }
}

impl Drop for RowHashes<'_> {
    fn drop(&mut self) {
        // It only read; a connection that broke has ended its transaction as well.
        let _ = self.session.run("ROLLBACK");
    }
}

fn large_objects(session: &mut Session) -> Result<LargeObjects> {
    let object = "oid || ':' || encode(sha256(lo_get(oid)), 'hex')";
    let rows =
        session.rows(&sum_of_hashes(object, "pg_largeobject_metadata")).map_err(unreadable)?;
    let (n_objects, digest) = parse_sums(&rows).ok_or_else(unexpected)?;
    Ok(LargeObjects { n_objects, digest })
}

/// Counts, and sums two 64-bit hashes of a text under different seeds; `sum(bigint)` does not
/// overflow. The offset keeps the planner from writing out each row twice. It is quoted because a
/// literal of type `integer` would need a cast, and then the planner takes it for a real offset and
/// gives up parallel workers.
fn sum_of_hashes(text: &str, from: &str) -> String {
    // The default collation of the database may be one that hashes equal words alike.
    let half = |seed: u8| format!("coalesce(sum(hashtextextended(h COLLATE \"C\", {seed})), 0)");
    format!(
        "SELECT count(*), {}, {} FROM (SELECT {text} AS h FROM {from} OFFSET '0') AS hashes",
        half(0),
        half(1),
    )
}

fn parse_sums(rows: &[TextRow]) -> Option<(u64, Digest)> {
    let mut values = rows.first()?.iter().map(Option::as_deref);
    let n_rows = values.next()??.parse().ok()?;
    let mut half = || Some(low_bits(values.next()??.parse().ok()?));
    Some((n_rows, Digest::from_halves(half()?, half()?)))
}

/// A sum of signed halves, modulo 2⁶⁴.
fn low_bits(sum: i128) -> u64 {
    u64::try_from(sum.rem_euclid(1 << 64)).expect("the remainder is below 2^64")
}

fn sequences(session: &mut Session) -> Result<BTreeMap<String, String>> {
    let rows = session.rows(SEQUENCES).map_err(unreadable)?;
    let names: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let mut row = row.into_iter().map(Option::unwrap_or_default);
            TableName {
                schema: row.next().unwrap_or_default(),
                table: row.next().unwrap_or_default(),
            }
        })
        .collect();
    let mut states = BTreeMap::new();
    for names in names.chunks(SEQUENCES_PER_QUERY) {
        let each = names.iter().enumerate().map(|(at, name)| {
            format!("SELECT {at}, last_value::text, is_called::text FROM {}", name.quoted())
        });
        let sql = format!("{} ORDER BY 1", each.collect::<Vec<_>>().join(" UNION ALL "));
        let rows = session.rows(&sql).map_err(unreadable)?;
        for (name, row) in names.iter().zip(rows) {
            let [_, Some(last_value), Some(is_called)] = row.as_slice() else {
                return Err(unexpected());
            };
            states.insert(
                name.to_string(),
                format!("last_value {last_value}, is_called {is_called}"),
            );
        }
    }
    Ok(states)
}

fn unreadable(cause: SqlError) -> Error {
    // insufficient_privilege, as the server says it for row security too.
    if cause.state == "42501" {
        return rows_unseen(&cause.message).caused_by(cause);
    }
    // lock_not_available.
    if cause.state == "55P03" {
        return Error::new("table-locked", "a table stayed locked, so its rows were not read")
            .caused_by(cause)
            .next("run it again when the other transaction has ended");
    }
    Error::new("contents-unreadable", "cannot read the rows of the database").caused_by(cause)
}

fn unexpected() -> Error {
    Error::new("contents-unreadable", "the server answered a digest query in an unknown form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn sums_of_signed_halves_wrap() {
        assert_eq!(low_bits(-1), u64::MAX);
        assert_eq!(low_bits(1 << 64), 0);
        assert_eq!(low_bits(i128::from(i64::MIN) * 3), 1 << 63);
    }

    #[test]
    fn a_table_that_stays_locked_is_not_waited_for_without_end() {
        let server = raingauge_testkit::Postgres::shared().unwrap();
        let database = server.database("locked").unwrap();
        let dsn = crate::connect::Dsn::parse(&database.url(), raingauge_schema::Dialect::Postgres);
        let open =
            || Session::open(dsn.as_ref().unwrap(), crate::connect::Access::ReadWrite).unwrap();
        let mut other = open();
        other.run("create table public.t ()").unwrap();
        other.run("begin; lock table public.t").unwrap();
        assert_eq!(contents(&mut open(), &mut Silent).unwrap_err().code, "table-locked");
        other.run("rollback").unwrap();
        assert_eq!(contents(&mut open(), &mut Silent).unwrap().n_rows(), 0);
    }
}
