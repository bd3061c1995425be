//! The catalogs of one scratch database, one after the other: each takes little longer than what changed.
//!
//! How a change is noticed is the dialect's (`postgres::catalog::series`, `sqlite::catalog`). What is decided on rests
//! on nothing but whole readings: [`Series::confirm`] reads everything and compares.

use std::sync::atomic::{AtomicUsize, Ordering};

use raingauge_schema::{Catalog, postgres, sqlite};

use super::{catalog, postgres as server, unreadable};
use crate::Result;
use crate::connect::Session;
use crate::ledger::LedgerName;

/// In the names of what a series leaves in its session.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Reads the catalog of a database again and again. Nobody else may change the database meanwhile.
#[derive(Debug, Default)]
pub struct Series {
    postgres: Option<postgres::catalog::Series>,
    sqlite: sqlite::catalog::Series,
    /// Whether each reading is a whole one: where the series pays less than it costs, where a whole reading said
    /// something else, and where the server does not say what changed.
    is_whole: bool,
    n_failed: usize,
}

impl Series {
    /// A series that reads everything each time.
    pub fn whole() -> Self {
        Self { is_whole: true, ..Self::default() }
    }

    /// What [`super::catalog`] would say of the objects. The session must not be inside a transaction.
    ///
    /// # Errors
    /// As [`super::catalog`].
    pub fn next(&mut self, session: &mut Session, ledgers: &[LedgerName]) -> Result<Catalog> {
        if self.is_whole {
            return catalog(session, ledgers);
        }
        match session {
            Session::MySql(_) => catalog(session, ledgers),
            Session::Sqlite(session) => {
                let is_ledger = |table: &str| ledgers.iter().any(|it| it.table == table);
                super::sqlite::catalog(session, &mut self.sqlite, is_ledger)
                    .map_err(|it| unreadable().caused_by(it))
            }
            Session::Postgres(postgres) => {
                if self.postgres.is_none() {
                    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                    self.postgres = Some(server::series(postgres, number)?);
                }
                let series = self.postgres.as_mut().expect("just made");
                match server::next(postgres, series, ledgers) {
                    Ok(catalog) => Ok(catalog),
                    Err(_) => {
                        // A migration may have taken the session's statements away.
                        self.postgres = None;
                        self.n_failed += 1;
                        self.is_whole = 3 <= self.n_failed;
                        catalog(session, ledgers)
                    }
                }
            }
        }
    }

    /// How often the server did not say what changed, so that everything was read.
    pub fn n_failed(&self) -> usize {
        self.n_failed
    }

    /// Whether a whole reading says what the series said last; if not, nothing that it said may be used. What SQLite
    /// says of a text depends on nothing else, and MySQL is always read in full, so that there is nothing to confirm.
    ///
    /// # Errors
    /// As [`super::catalog`].
    pub fn confirm(
        &mut self,
        session: &mut Session,
        ledgers: &[LedgerName],
        said: &Catalog,
    ) -> Result<bool> {
        if self.is_whole || !matches!(session, Session::Postgres(_)) {
            return Ok(true);
        }
        Ok(catalog(session, ledgers)?.has_same_structure(said))
    }
}
