//! A declared schema, whichever dialect it has.

use super::{AnySnapshot, Dialect};
use crate::catalog::{Kind, ObjectId};
use crate::compare::Comparison;
use crate::drizzle::snapshot::{Generation, SnapshotError, SnapshotIds};
use crate::pair::Pair;
use crate::postgres::adopt::stored;
use crate::{Catalog, mysql, postgres, sqlite};

/// A declared schema of whichever dialect.
#[derive(Clone, Debug, PartialEq)]
pub enum AnySchema {
    Postgres(postgres::schema::Schema),
    MySql(mysql::schema::Schema),
    Sqlite(sqlite::schema::Schema),
}

impl AnySchema {
    /// The tables that it declares.
    pub fn tables(&self) -> Vec<ObjectId> {
        match self {
            Self::Postgres(it) => {
                let id = |it: &postgres::schema::Table| {
                    ObjectId::new(Kind::Table, [&it.schema, &it.name].map(|it| stored(it)))
                };
                it.tables.iter().map(id).collect()
            }
            // Of another database than its own drizzle-kit knows nothing.
            Self::MySql(it) => {
                let own = it.tables.iter().filter(|it| it.schema.is_none());
                own.map(|it| ObjectId::new(Kind::Table, [&it.name])).collect()
            }
            Self::Sqlite(it) => {
                it.tables.iter().map(|it| ObjectId::new(Kind::Table, [&it.name])).collect()
            }
        }
    }

    /// Compares live with what was built of this schema: what Drizzle can express, `from` live `to`
    /// declared.
    pub fn compare(&self, live: &Catalog, built: &Catalog) -> Comparison {
        match self {
            Self::Postgres(it) => {
                let (settled, equivalent) = postgres::adopt::settle(it, live, built);
                let mut comparison =
                    Dialect::Postgres.compare_managed(Pair { from: live, to: &settled });
                comparison.equivalent.extend(equivalent);
                comparison
            }
            Self::MySql(it) => {
                let (settled, equivalent) = mysql::adopt::settle(it, live, built);
                let mut comparison =
                    Dialect::MySql.compare_managed(Pair { from: live, to: &settled });
                comparison.equivalent.extend(equivalent);
                comparison
            }
            Self::Sqlite(_) => {
                let settled = sqlite::adopt::settle(live, built);
                let mut comparison =
                    Dialect::Sqlite.compare_managed(Pair { from: live, to: &settled.catalog });
                comparison.equivalent.extend(settled.equivalent);
                comparison.only_to.extend(settled.missing);
                comparison
            }
        }
    }

    /// The names of whatever is declared that the engine would cut to one and the same.
    pub fn collisions(&self) -> Vec<postgres::adopt::Collision> {
        match self {
            Self::Postgres(it) => postgres::adopt::collisions(it),
            // MySQL refuses names that are too long, and SQLite keeps them whole.
            Self::MySql(_) | Self::Sqlite(_) => Vec::new(),
        }
    }

    /// The part that live has, as far as drizzle-kit of a generation means the same by it.
    #[must_use]
    pub fn present_in(&self, live: &Catalog, generation: Generation) -> Self {
        match self {
            Self::Postgres(it) => Self::Postgres(postgres::adopt::present(it, live)),
            Self::MySql(it) => Self::MySql(mysql::adopt::present(it, live)),
            Self::Sqlite(it) => Self::Sqlite(sqlite::adopt::present(it, live, generation)),
        }
    }

    /// Defaults that drizzle-kit of a generation writes so that the server reads another text.
    pub fn misread_defaults(&self, generation: Generation) -> Vec<mysql::schema::MisreadDefault> {
        match (self, generation) {
            (Self::MySql(it), Generation::V0) => it.misread_defaults(),
            (Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_), _) => Vec::new(),
        }
    }

    /// The schema with the names that drizzle-kit of a generation gives to what it does not name.
    #[must_use]
    pub fn named_by(self, generation: Generation) -> Self {
        match (self, generation) {
            (Self::Postgres(it), Generation::V1) => Self::Postgres(postgres::rows::named(&it)),
            (it, _) => it,
        }
    }

    /// The schema as 1.0 takes it beside live: what it does not name keeps the name that live has for it.
    #[must_use]
    pub fn with_names_of(&self, live: &Catalog) -> Self {
        match self {
            Self::Postgres(it) => Self::Postgres(postgres::adopt::with_names_of(it, live)),
            Self::MySql(it) => Self::MySql(mysql::adopt::with_names_of(it, live)),
            // SQLite's constraints have no names that a catalog compares.
            Self::Sqlite(_) => self.clone(),
        }
    }

    /// The schema as it has to be built to be compared with live: with every name that 1.0 would leave to
    /// the server, although live has one for it.
    #[must_use]
    pub fn with_names_written(&self, live: &Catalog) -> Self {
        match self {
            Self::Postgres(it) => Self::Postgres(postgres::adopt::with_names_written(it, live)),
            Self::MySql(_) | Self::Sqlite(_) => self.clone(),
        }
    }

    /// The snapshot that drizzle-kit of a generation writes for it.
    ///
    /// # Errors
    /// If that drizzle-kit cannot write the schema either.
    pub fn snapshot(
        &self,
        generation: Generation,
        ids: &SnapshotIds,
    ) -> Result<AnySnapshot, SnapshotError> {
        Ok(match (self, generation) {
            (Self::Postgres(it), Generation::V0) => {
                AnySnapshot::Postgres(postgres::snapshot::Snapshot::of(it, ids)?)
            }
            (Self::MySql(it), Generation::V0) => {
                AnySnapshot::MySql(mysql::snapshot::Snapshot::of(it, ids)?)
            }
            (Self::Sqlite(it), Generation::V0) => {
                AnySnapshot::Sqlite(sqlite::snapshot::Snapshot::of(it, ids)?)
            }
            (Self::Postgres(it), Generation::V1) => {
                AnySnapshot::Entities(postgres::rows::snapshot(it, ids)?)
            }
            (Self::MySql(it), Generation::V1) => {
                AnySnapshot::Entities(mysql::rows::snapshot(it, ids)?)
            }
            (Self::Sqlite(it), Generation::V1) => {
                AnySnapshot::Entities(sqlite::rows::snapshot(it, ids)?)
            }
        })
    }
}
