//! Snapshots of 0.x on their way to 1.0, whatever their dialect.

use super::AnySnapshot;
use crate::drizzle::snapshot::SnapshotError;
use crate::{mysql, postgres, sqlite};

impl AnySnapshot {
    /// What `drizzle-kit up` of 1.0 makes of this snapshot of 0.x where `previous` comes before it: the
    /// file, and the state that 1.0 reads from it. One of 1.0 stays as it is.
    ///
    /// # Errors
    /// When two of its entities have one key in 1.0.
    pub fn upgraded_after(&self, previous: &Self) -> Result<(String, Self), SnapshotError> {
        let (upgraded, renames) = match self {
            Self::Postgres(it) => (postgres::rows::upgraded(it)?, Vec::new()),
            Self::MySql(it) => (mysql::rows::upgraded(it)?, Vec::new()),
            Self::Sqlite(it) => (sqlite::rows::upgraded(it)?, it.meta.lines()),
            Self::Entities(it) => (it.clone(), Vec::new()),
        };
        let Self::Entities(previous) = previous else { return Ok((self.write(), self.clone())) };
        let (text, end) = upgraded.upgraded_after(previous, renames);
        Ok((text, Self::Entities(end)))
    }

    /// The file of [`Self::upgraded_after`] with what `wanted`, a snapshot of 1.0, says, and with the names
    /// that things without one of their own have in this one.
    ///
    /// # Errors
    /// As [`Self::upgraded_after`].
    pub fn respelled_after(
        &self,
        previous: &Self,
        wanted: &Self,
    ) -> Result<(String, Self), SnapshotError> {
        let (_, upgraded) = self.upgraded_after(previous)?;
        let renames = match self {
            Self::Sqlite(it) => it.meta.lines(),
            Self::Postgres(_) | Self::MySql(_) | Self::Entities(_) => Vec::new(),
        };
        match (previous, &upgraded, wanted) {
            (Self::Entities(previous), Self::Entities(named), Self::Entities(wanted)) => {
                let (text, end) = wanted.respelled_after(previous, named, renames);
                Ok((text, Self::Entities(end)))
            }
            (Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) | Self::Entities(_), _, _) => {
                self.upgraded_after(previous)
            }
        }
    }
}
