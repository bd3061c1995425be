//! Drizzle's ledger: the table of applied migrations, wherever it is.
//!
//! Ledgers are recognised by their shape, never assumed to be where the configuration says: an
//! application may keep its own beside the one of `drizzle-kit`.

pub mod foreign;
mod mysql;
mod postgres;
mod sqlite;
pub mod wrangler;

use std::fmt;

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::{CreatedAt, LEDGER_SCHEMA, LEDGER_TABLE, LedgerRow};
use raingauge_schema::{Dialect, Fingerprint};
use serde::{Deserialize, Serialize};

use crate::connect::{PgSession, Session, SqlError};

/// Where a ledger is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LedgerName {
    /// Empty for SQLite, and for MySQL, where it is in the database that the session is connected to.
    pub schema: String,
    pub table: String,
}

/// A ledger with its rows, in the order in which they were written.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    pub name: LedgerName,
    /// Whose columns it has.
    pub generation: Generation,
    pub rows: Vec<LedgerRow>,
}

/// A row to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    pub hash: &'a str,
    /// In milliseconds.
    pub when: i64,
    /// The name of the migration's folder, for a ledger of 1.0.
    pub name: Option<&'a str>,
}

impl fmt::Display for LedgerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema.is_empty() {
            f.write_str(&self.table)
        } else {
            write!(f, "{}.{}", self.schema, self.table)
        }
    }
}

impl LedgerName {
    /// Where Drizzle's migrators keep it if nobody says otherwise.
    pub fn usual(dialect: Dialect) -> Self {
        let schema = match dialect {
            Dialect::Postgres => LEDGER_SCHEMA.to_owned(),
            Dialect::MySql | Dialect::Sqlite => String::new(),
        };
        Self { schema, table: LEDGER_TABLE.to_owned() }
    }

    /// The name as SQL of a dialect: MySQL has quotes of its own.
    pub fn quoted_in(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::MySql => dialect.quote_ident(&self.table),
            Dialect::Postgres | Dialect::Sqlite => self.quoted(),
        }
    }

    /// The name as SQL of PostgreSQL and SQLite.
    pub fn quoted(&self) -> String {
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        if self.schema.is_empty() {
            quote(&self.table)
        } else {
            format!("{}.{}", quote(&self.schema), quote(&self.table))
        }
    }
}

/// Finds every table that is a ledger of Drizzle by its columns and its name, and the configured one
/// whatever its columns.
///
/// # Errors
/// If the connection breaks.
pub fn find(session: &mut Session, configured: &LedgerName) -> Result<Vec<LedgerName>, SqlError> {
    match session {
        Session::Postgres(session) => postgres::find(session, configured),
        Session::MySql(session) => mysql::find(session, configured),
        Session::Sqlite(session) => sqlite::find(session, configured),
    }
}

/// Those of the named ledgers that a PostgreSQL database has.
pub(crate) fn find_in_postgres(
    session: &mut PgSession,
    names: &[LedgerName],
) -> Result<Vec<LedgerName>, SqlError> {
    let mut found = Vec::new();
    for name in names {
        found.extend(postgres::find(session, name)?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Reads all rows of a ledger.
///
/// # Errors
/// If the role may not read it, or it has not a ledger's columns.
pub fn read(session: &mut Session, name: &LedgerName) -> Result<Ledger, SqlError> {
    let (generation, rows) = match session {
        Session::Postgres(session) => postgres::read(session, name)?,
        Session::MySql(session) => mysql::read(session, name)?,
        Session::Sqlite(session) => sqlite::read(session, name)?,
    };
    Ok(Ledger { name: name.clone(), generation, rows })
}

/// The hash of a ledger's rows; a missing ledger is like an empty one.
pub fn fingerprint(ledger: Option<&Ledger>) -> Fingerprint {
    let rows = ledger.map(|it| it.rows.as_slice()).unwrap_or_default();
    let text = |it: &LedgerRow| format!("{:?} {:?} {:?}", it.hash, it.created_at, it.name);
    let each: Vec<_> = rows.iter().map(text).collect();
    Fingerprint::of_parts(each.iter().map(String::as_str))
}

/// Reads a ledger that may not exist yet.
///
/// # Errors
/// If the role may not read it, or it has not a ledger's columns.
pub fn read_if_there(session: &mut Session, name: &LedgerName) -> Result<Option<Ledger>, SqlError> {
    if find(session, name)?.contains(name) { read(session, name).map(Some) } else { Ok(None) }
}

/// Takes away what a run left that was cut off while it took over a ledger. Only MySQL leaves anything.
///
/// # Errors
/// If the account may not alter the ledger.
pub fn discard_unfinished(session: &mut Session, name: &LedgerName) -> Result<(), SqlError> {
    match session {
        Session::MySql(session) => mysql::discard_unfinished(session, name),
        Session::Postgres(_) | Session::Sqlite(_) => Ok(()),
    }
}

/// The statement that records a migration as applied, as the migrator of 0.45 or, with a name, of 1.0
/// sends it.
pub fn record(dialect: Dialect, ledger: &LedgerName, row: NewRow<'_>) -> String {
    let literal = |text: &str| dialect.quote_literal(text);
    let mut row_values = vec![("hash", literal(row.hash)), ("created_at", row.when.to_string())];
    if let Some(name) = row.name {
        row_values.push(("name", literal(name)));
        if dialect == Dialect::Sqlite {
            // As `toISOString` writes it; PostgreSQL has a default for it.
            row_values.push(("applied_at", "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')".to_owned()));
        }
    }
    let columns: Vec<_> = row_values.iter().map(|it| dialect.quote_ident(it.0)).collect();
    let values: Vec<_> = row_values.into_iter().map(|it| it.1).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    format!("INSERT INTO {} ({columns}) VALUES ({values})", ledger.quoted_in(dialect))
}

/// A table with a column `name` is one of 1.0, whatever made it; its migrator decides by that too.
fn generation(columns: &[String]) -> Generation {
    if columns.iter().any(|it| it == "name") { Generation::V1 } else { Generation::V0 }
}

/// A row as both engines give it: id, hash, time, the time's type and, in a ledger of 1.0, the name.
fn ledger_row(row: Vec<Option<String>>) -> LedgerRow {
    let mut values = row.into_iter();
    let id = values.next().flatten().and_then(|it| it.parse().ok());
    let hash = values.next().flatten().unwrap_or_default();
    let time = values.next().flatten();
    let kind = values.next().flatten().unwrap_or_default();
    LedgerRow { id, hash, created_at: created_at(&kind, time), name: values.next().flatten() }
}

/// A text as the type that the column really holds.
fn created_at(kind: &str, text: Option<String>) -> CreatedAt {
    match (kind, text) {
        (_, None) => CreatedAt::Null,
        ("integer", Some(text)) => match text.parse() {
            Ok(millis) => CreatedAt::Millis(millis),
            Err(_) => CreatedAt::Text(text),
        },
        ("real", Some(text)) => text.parse().map_or(CreatedAt::Text(text), CreatedAt::Real),
        ("blob", Some(_)) => CreatedAt::Blob,
        (_, Some(text)) => CreatedAt::Text(text),
    }
}
