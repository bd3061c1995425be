//! Writes rows into the ledger as the installed drizzle-orm does: its table comes first, made or taken over
//! where it has to be.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::creation;
use raingauge_schema::drizzle::named_ledger::{taken_over, takeover};

use crate::connect::{Session, SqlError};
use crate::history::History;
use crate::ledger::{self, LedgerName, NewRow};

/// Where rows go, and what they record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) ledger: &'a LedgerName,
    pub(super) history: &'a History,
}

impl Target<'_> {
    /// Writes rows; the caller has a transaction open.
    pub(super) fn insert(self, session: &mut Session, rows: &[NewRow<'_>]) -> Result<(), SqlError> {
        self.prepare(session)?;
        let dialect = session.dialect();
        rows.iter().try_for_each(|it| session.run(&ledger::record(dialect, self.ledger, *it)))
    }

    /// A row of a history of 1.0 needs a column for its name. A ledger of 0.x gets it as the migrator of
    /// 1.0 would do it; one that this migrator cannot take over is refused when the plan is made.
    pub(super) fn prepare(self, session: &mut Session) -> Result<(), SqlError> {
        let (dialect, generation) = (session.dialect(), self.history.generation);
        let statements = match ledger::read_if_there(session, self.ledger)? {
            None => creation(dialect, generation, &self.ledger.schema, &self.ledger.table),
            Some(it) if it.generation == Generation::V0 && generation == Generation::V1 => {
                let migrations = self.history.applicable();
                let name = |at: usize| migrations[at].name.as_str();
                let names: Option<Vec<&str>> =
                    it.rows.iter().map(|row| taken_over(&migrations, row).map(name)).collect();
                let names = names.ok_or_else(unexplained)?;
                ledger::discard_unfinished(session, self.ledger)?;
                takeover(dialect, &self.ledger.quoted_in(dialect), &it.rows, &names)
            }
            Some(_) => Vec::new(),
        };
        // Together they are one transaction, also where the caller has none.
        if statements.is_empty() { Ok(()) } else { session.run(&statements.join(";\n")) }
    }
}

/// Somebody wrote to the ledger after the plan was made.
fn unexplained() -> SqlError {
    SqlError {
        message: "the ledger has a row that no migration of the history explains".to_owned(),
        state: String::new(),
        position: None,
        detail: None,
    }
}
