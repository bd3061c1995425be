//! The row tripwire of MySQL and MariaDB, for statements that a transaction can take back: tables that no
//! statement names have to keep their rows.
//!
//! Before and after are read in the migration's own transaction, which sees other sessions' writes at neither
//! moment, so that every difference is its own. What a statement reaches without naming it: tables
//! whose keys cascade; and any table, where there are triggers or a statement is not understood.

use std::collections::BTreeSet;

use raingauge_schema::mysql::grammar::quote_ident;

use super::tripwire::{Named, lost, unreadable};
use crate::Result;
use crate::connect::{Session, SqlError};
use crate::midway::store::STEPS;

/// What was there before the statements of one transaction.
#[derive(Debug)]
pub(super) struct Tripwire {
    named: Named,
    tables: Vec<(String, u64)>,
}

impl Tripwire {
    pub(super) fn new(named: Named) -> Self {
        Self { named, tables: Vec::new() }
    }

    /// Reads what is there; inside the transaction, whose snapshot begins with it.
    pub(super) fn arm(&mut self, session: &mut Session) -> Result<()> {
        let watched = self.watched(session).map_err(unreadable)?;
        for table in watched {
            let n = counted(session, &table).map_err(unreadable)?;
            self.tables.push((table, n));
        }
        Ok(())
    }

    /// Compares with what the transaction has made of it.
    ///
    /// # Errors
    /// `rows-lost`.
    pub(super) fn check(&self, session: &mut Session) -> Result<()> {
        for (table, before) in &self.tables {
            let after = counted(session, table).map_err(unreadable)?;
            if after < *before {
                return Err(lost(table, *before, after));
            }
        }
        Ok(())
    }

    fn watched(&self, session: &mut Session) -> Result<Vec<String>, SqlError> {
        let has_triggers = "SELECT trigger_name FROM information_schema.triggers \
                            WHERE trigger_schema = database() LIMIT 1";
        let reached = if !self.named.is_understood || !list(session, has_triggers)?.is_empty() {
            list(
                session,
                "SELECT table_name FROM information_schema.tables WHERE table_schema = database() \
                 AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
            )?
        } else {
            self.cascades(session)?
        };
        let is_own = |it: &String| *it == self.named.ledger || it == STEPS;
        Ok(reached.into_iter().filter(|it| !is_own(it) && !self.named.deleted(it)).collect())
    }

    /// The tables whose rows go with those of a table that a statement deletes from, however far.
    fn cascades(&self, session: &mut Session) -> Result<Vec<String>, SqlError> {
        let rows = session.rows(
            "SELECT table_name, referenced_table_name FROM information_schema.referential_constraints \
             WHERE constraint_schema = database() AND delete_rule = 'CASCADE'",
        )?;
        let pair = |row: Vec<Option<String>>| {
            let mut values = row.into_iter().flatten();
            Some((values.next()?, values.next()?))
        };
        let keys: Vec<_> = rows.into_iter().filter_map(pair).collect();
        let mut reached = BTreeSet::new();
        loop {
            let goes = |parent: &String| self.named.deleted(parent) || reached.contains(parent);
            let more: Vec<_> =
                keys.iter().filter(|it| goes(&it.1) && !reached.contains(&it.0)).cloned().collect();
            if more.is_empty() {
                return Ok(reached.into_iter().collect());
            }
            reached.extend(more.into_iter().map(|it| it.0));
        }
    }
}

fn list(session: &mut Session, sql: &str) -> Result<Vec<String>, SqlError> {
    Ok(session.rows(sql)?.into_iter().flatten().flatten().collect())
}

fn counted(session: &mut Session, table: &str) -> Result<u64, SqlError> {
    let rows = session.rows(&format!("SELECT count(*) FROM {}", quote_ident(table)))?;
    Ok(rows.into_iter().flatten().flatten().next().and_then(|it| it.parse().ok()).unwrap_or(0))
}

/// The rows of a table, if it is there.
pub(super) fn count(session: &mut Session, table: &str) -> Option<u64> {
    counted(session, table).ok()
}
