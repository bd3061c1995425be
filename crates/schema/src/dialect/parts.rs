//! What a snapshot is made of, and how a part of it gets into another one, whichever dialect it has.

use super::AnySnapshot;
use crate::catalog::ObjectId;

impl AnySnapshot {
    /// What it has that stands by itself: schemas, enums, tables, sequences, views, roles.
    pub fn objects(&self) -> Vec<ObjectId> {
        match self {
            Self::Postgres(it) => it.objects(),
            Self::MySql(it) => it.objects(),
            Self::Sqlite(it) => it.objects(),
            Self::Entities(it) => it.objects(),
        }
    }

    /// Adds an object, with all that is inside it, as another snapshot of the same kind says it.
    pub fn take(&mut self, wanted: &ObjectId, from: &Self) {
        match (self, from) {
            (Self::Postgres(to), Self::Postgres(from)) => to.take(wanted, from),
            (Self::MySql(to), Self::MySql(from)) => to.take(wanted, from),
            (Self::Sqlite(to), Self::Sqlite(from)) => to.take(wanted, from),
            (Self::Entities(to), Self::Entities(from)) => to.take(wanted, from),
            (Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) | Self::Entities(_), _) => {}
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
            (Self::MySql(to), Self::MySql(from)) => to.take_part(part, from),
            (Self::Sqlite(to), Self::Sqlite(from)) => to.take_part(part, from),
            (Self::Entities(to), Self::Entities(from)) => to.take_part(part, from),
            (Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) | Self::Entities(_), _) => {}
        }
    }

    /// Whether drizzle-kit finds nothing to change on the way to another one.
    pub fn says_the_same_as(&self, to: &Self) -> bool {
        match (self, to) {
            (Self::Entities(from), Self::Entities(to)) => from.changed_rows(to).is_empty(),
            (from, to) => {
                let difference = from.difference_to(to);
                difference.statements.is_empty() && difference.not_expressed.is_empty()
            }
        }
    }

    /// What drizzle-kit would find to change on the way to another snapshot of 1.0, one line for each row.
    /// Empty for those of 0.x, whose way has statements.
    pub fn changed_rows(&self, to: &Self) -> Vec<String> {
        match (self, to) {
            (Self::Entities(from), Self::Entities(to)) => from.changed_rows(to),
            (Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) | Self::Entities(_), _) => {
                Vec::new()
            }
        }
    }

    /// What two snapshots of 1.0 that follow this one both changed; empty for those of 0.x, which stand in one row.
    pub fn contradictions(&self, one: &Self, other: &Self) -> Vec<String> {
        match (self, one, other) {
            (Self::Entities(base), Self::Entities(one), Self::Entities(other)) => {
                base.contradictions(one, other)
            }
            (Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) | Self::Entities(_), _, _) => {
                Vec::new()
            }
        }
    }
}
