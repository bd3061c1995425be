//! The row tripwire: an unexplained loss of rows rolls a migration back.
//!
//! `sqlite`, `postgres` and `mysql` read the tables before and after, each in its own way; here is what all
//! ask of a migration's statements, and how they say that something is lost.

use std::collections::BTreeSet;

use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Dialect, Pair};

use super::pace::Pace;
use super::{mysql, postgres, risks, sqlite};
use crate::connect::{Session, SqlError};
use crate::history::Migration;
use crate::{Error, Result};

/// The tables that a migration names in statements that delete or change rows, and those that someone
/// consented to.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) ledger: String,
    /// No statement does more than add; only what it sets off (a trigger, a function) could.
    pub(super) only_adds: bool,
    /// What every statement does is known.
    pub(super) is_understood: bool,
    deleted: BTreeSet<String>,
    updated: BTreeSet<String>,
}

impl Named {
    pub(super) fn new<'a>(
        hazards: impl IntoIterator<Item = &'a Hazard>,
        allowed: &[String],
        ledger: String,
    ) -> Self {
        let hazards: Vec<_> = hazards.into_iter().collect();
        let only_adds = hazards.iter().all(|it| **it == Hazard::NotTransactional);
        let is_understood = !hazards.contains(&&Hazard::NotUnderstood);
        let mut named = Self { ledger, only_adds, is_understood, ..Self::default() };
        let of_hazard = |it: &'a Hazard| {
            if let Hazard::DeletesData(name) = it { Some(name.clone()) } else { None }
        };
        for name in hazards.into_iter().filter_map(of_hazard).chain(allowed.iter().cloned()) {
            match name.split_once(':') {
                Some(("update" | "retype", name)) => {
                    named.updated.insert(name.to_ascii_lowercase())
                }
                Some((_, name)) => named.deleted.insert(name.to_ascii_lowercase()),
                None => false,
            };
        }
        named
    }

    /// Whether rows of the table may go.
    pub(super) fn deleted(&self, table: &str) -> bool {
        self.deleted.contains(&table.to_ascii_lowercase())
    }

    /// Whether values of the table may change.
    pub(super) fn updated(&self, table: &str) -> bool {
        self.updated.contains(&table.to_ascii_lowercase())
    }
}

/// The tripwire of one migration, by what it may do.
#[derive(Debug)]
pub(super) enum Tripwire {
    /// It only makes new objects, and sets nothing off: nothing is watched.
    Idle(Dialect),
    /// Named until it is armed.
    Sqlite(Box<Named>),
    ArmedSqlite(Box<sqlite::Tripwire>),
    Postgres(postgres::Tripwire),
    MySql(mysql::Tripwire),
}

impl Tripwire {
    /// Prepares the connection, before the migration's transaction begins.
    pub(super) fn prepare(
        session: &mut Session,
        named: Option<Named>,
        doubts: bool,
    ) -> Result<Self, SqlError> {
        let dialect = session.dialect();
        match (session, named) {
            (Session::Sqlite(session), named) => {
                sqlite::prepare(session)?;
                let has_triggers = sqlite::has_triggers(session)?;
                let named = named.filter(|it| !it.only_adds || has_triggers);
                Ok(named.map_or(Self::Idle(dialect), |it| Self::Sqlite(Box::new(it))))
            }
            (Session::Postgres(_), None) => Ok(Self::Idle(dialect)),
            (Session::MySql(_), None) => Ok(Self::Idle(dialect)),
            (Session::MySql(_), Some(named)) => Ok(Self::MySql(mysql::Tripwire::new(named))),
            (session, Some(named)) => {
                postgres::Tripwire::prepare(session, named, doubts).map(Self::Postgres)
            }
        }
    }

    /// The statements that begin the transaction.
    pub(super) fn begin(&self, pace: &Pace) -> String {
        match self {
            Self::Idle(Dialect::Postgres) => format!("BEGIN; {}", pace.settings("SET LOCAL")),
            Self::Postgres(it) => {
                let level = it.isolation();
                format!("BEGIN ISOLATION LEVEL {level}; {}", pace.settings("SET LOCAL"))
            }
            Self::Idle(Dialect::MySql) => "START TRANSACTION".to_owned(),
            // What other sessions commit meanwhile is not seen.
            Self::MySql(_) => {
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION".to_owned()
            }
            Self::Idle(Dialect::Sqlite) | Self::Sqlite(_) | Self::ArmedSqlite(_) => {
                "BEGIN IMMEDIATE".to_owned()
            }
        }
    }

    /// Locks what has to be locked before the transaction reads anything.
    pub(super) fn lock(&self, session: &mut Session) -> Result<(), SqlError> {
        match self {
            Self::Postgres(it) => it.lock().map_or(Ok(()), |sql| session.run(&sql)),
            Self::Idle(_) | Self::Sqlite(_) | Self::ArmedSqlite(_) | Self::MySql(_) => Ok(()),
        }
    }

    /// Reads what is there.
    pub(super) fn arm(
        &mut self,
        session: &mut Session,
        migration: &Migration,
        rehearsed: Option<Pair<&Catalog>>,
    ) -> Result<()> {
        match (&mut *self, session) {
            (Self::Postgres(it), session) => it.arm(session),
            (Self::MySql(it), Session::MySql(session)) => it.arm(session),
            (Self::Sqlite(named), Session::Sqlite(session)) => {
                let effects = risks::effects_of(migration);
                let armed = sqlite::Tripwire::arm(session, (**named).clone(), effects, rehearsed)?;
                *self = Self::ArmedSqlite(Box::new(armed));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Compares with what is there now; gives what is to be told.
    ///
    /// # Errors
    /// If something is lost that no statement explains.
    pub(super) fn check(&self, session: &mut Session) -> Result<Vec<String>> {
        match (self, session) {
            (Self::Postgres(it), session) => it.check(session),
            (Self::MySql(it), Session::MySql(session)) => it.check(session),
            (Self::ArmedSqlite(it), Session::Sqlite(session)) => {
                it.check(session).map(|()| Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// What became of a migration that a transaction holds.
pub(super) const ROLLED_BACK: &str = "the migration was rolled back";

pub(super) fn lost(table: &str, before: u64, after: u64) -> Error {
    let message = format!(
        "`{table}` had {before} rows and would have {after}, although no statement names it as one to delete from; {ROLLED_BACK}"
    );
    Error::refusal("rows-lost", message)
    .next("read the migration: something in it deletes these rows (a cascade, a trigger, a function)")
    .next(format!("if that is meant: `--allow delete:{table}`"))
}

/// Rows of which only their number is known.
pub(super) fn gone(table: &str, how: &str) -> Error {
    Error::refusal(
        "rows-lost",
        format!("{how} of `{table}` would be deleted, although no statement names it as one to delete from; the migration was rolled back"),
    )
    .next("read the migration: something that it sets off deletes these rows (a cascade, a trigger, a function)")
    .next(format!("if that is meant: `--allow delete:{table}`"))
}

/// Values that an unknown statement changes.
pub(super) fn overwritten(table: &str, n_rows: u64) -> Error {
    Error::refusal(
        "rows-changed",
        format!("{n_rows} rows of `{table}` would change, although no statement names it as one to change; the migration was rolled back"),
    )
    .next(format!("if that is meant: `--allow update:{table}`"))
}

pub(super) fn changed(table: &str, before: u64, after: u64) -> Error {
    let message = if before == after {
        format!("values in the {before} rows of `{table}` would change")
    } else {
        format!("`{table}` had {before} rows and would have {after}")
    };
    Error::refusal(
        "rows-changed",
        format!("{message}, although no statement names it as one to change; {ROLLED_BACK}"),
    )
    .next(format!("if that is meant: `--allow update:{table}`"))
}

pub(super) fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        "contents-unreadable",
        "cannot read the rows before and after the migration; it was rolled back",
    )
    .caused_by(cause)
}
