//! A declared schema as it has to be said while live still differs from it, whichever dialect it has.

use super::AnySchema;
use crate::catalog::{Catalog, ObjectId};
use crate::compare::ObjectDifference;
use crate::pair::Pair;
use crate::{postgres, sqlite};

impl AnySchema {
    /// The schema with the attributes that differ as live has them, `from` live.
    #[must_use]
    pub fn as_live_has(&self, live: &Catalog, differs: &[&ObjectDifference]) -> Self {
        match self {
            Self::Postgres(it) => Self::Postgres(postgres::adopt::as_live_has(it, live, differs)),
            Self::Sqlite(it) => Self::Sqlite(sqlite::adopt::as_live_has(it, live, differs)),
            // Live is not read there.
            Self::MySql(_) => self.clone(),
        }
    }

    /// The schema with other names for constraints and indexes, `from` its own.
    #[must_use]
    pub fn named_as(&self, names: &[Pair<ObjectId>]) -> Self {
        match self {
            Self::Postgres(it) => Self::Postgres(postgres::adopt::named_as(it, names)),
            Self::Sqlite(it) => Self::Sqlite(sqlite::adopt::named_as(it, names)),
            Self::MySql(_) => self.clone(),
        }
    }
}
