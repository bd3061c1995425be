//! What the history says that there is: the snapshot that the next one follows.

use raingauge_schema::Dialect;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::snapshot::{ORIGIN, SnapshotError};

use crate::check::history::chain;
use crate::history::History;
use crate::report::{Affected, Finding};

/// The last snapshot of a history, or what several say together that none follows.
#[derive(Debug)]
pub struct Stand {
    pub state: AnySnapshot,
    /// The file's text; absent where nothing comes before.
    pub file: Option<String>,
}

impl Stand {
    /// The last snapshot, or nothing where there is none.
    ///
    /// # Errors
    /// A finding, if it cannot be read, or if branches contradict one another.
    pub fn of(history: &History, dialect: Dialect) -> Result<Self, Box<Finding>> {
        let generation = history.generation;
        let file =
            history.migrations.iter().rev().find_map(|it| it.snapshot.as_ref().map(|_| it.clone()));
        let Some(migration) = file else {
            return Ok(Self { state: AnySnapshot::empty(dialect, generation), file: None });
        };
        let file = migration.snapshot.unwrap_or_default();
        let unreadable = |error: SnapshotError| {
            let tag = migration.entry.tag.clone();
            Box::new(Finding::error(error.code(), tag, error.to_string()).affects(Affected::Kit))
        };
        let state = match generation {
            Generation::V0 => AnySnapshot::read(dialect, generation, &file).map_err(unreadable)?,
            Generation::V1 => chain::leaf(history, dialect)?,
        };
        Ok(Self { state, file: Some(file) })
    }

    /// The id that the next snapshot follows; the first of them where it follows several.
    pub fn id(&self) -> &str {
        match (&self.file, self.state.id()) {
            (None, _) => ORIGIN,
            (Some(_), "") => self.state.prev_id(),
            (Some(_), id) => id,
        }
    }
}
