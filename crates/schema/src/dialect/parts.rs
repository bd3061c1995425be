//! What a snapshot is made of, and how a part of it gets into another one, whichever dialect it has.

use super::AnySnapshot;
use crate::catalog::ObjectId;

impl AnySnapshot {
    /// What it has that stands by itself: schemas, enums, tables, sequences, views, roles.
    pub fn objects(&self) -> Vec<ObjectId> {
        match self {
            Self::Postgres(it) => it.objects(),
            Self::Sqlite(it) => it.objects(),
            Self::Entities(it) => it.objects(),
        }
    }

    /// Adds an object, with all that is inside it, as another snapshot of the same kind says it.
    pub fn take(&mut self, wanted: &ObjectId, from: &Self) {
        match (self, from) {
            (Self::Postgres(to), Self::Postgres(from)) => to.take(wanted, from),
            (Self::Sqlite(to), Self::Sqlite(from)) => to.take(wanted, from),
            (Self::Entities(to), Self::Entities(from)) => to.take(wanted, from),
            (Self::Postgres(_) | Self::Sqlite(_) | Self::Entities(_), _) => {}
        }
    }

    /// Adds the unique constraints that another snapshot has of a table, where they stand for themselves.
    pub fn take_uniques(&mut self, table: &ObjectId, from: &Self) {
        if let (Self::Entities(to), Self::Entities(from)) = (self, from) {
            to.take_uniques(table, from);
        }
    }

    /// Lets another snapshot of the same kind say what is inside a table that both have.
    pub fn take_part(&mut self, part: &ObjectId, from: &Self) {
        match (self, from) {
            (Self::Postgres(to), Self::Postgres(from)) => to.take_part(part, from),
            (Self::Sqlite(to), Self::Sqlite(from)) => to.take_part(part, from),
            (Self::Entities(to), Self::Entities(from)) => to.take_part(part, from),
            (Self::Postgres(_) | Self::Sqlite(_) | Self::Entities(_), _) => {}
        }
    }
}
