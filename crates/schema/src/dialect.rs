//! The only place that asks which dialect it has.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::Object;
use crate::compare::{Comparison, compare_with};
use crate::pair::Pair;
use crate::{Catalog, postgres, sqlite};

/// A database dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// The word that `drizzle.config.ts` and the journal use.
    pub fn drizzle_name(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Sqlite => "sqlite",
        }
    }

    /// Whether Drizzle can express this object, or this attribute of it. What it cannot express is
    /// *carried*.
    pub fn expresses(self, object: &Object, attribute: Option<&str>) -> bool {
        match self {
            Self::Postgres => postgres::grammar::drizzle_expresses(object, attribute),
            Self::Sqlite => sqlite::grammar::drizzle_expresses(object, attribute),
        }
    }

    /// Compares what Drizzle can express: carried objects and attributes are left out, and constants
    /// are compared by value.
    pub fn compare_managed(self, catalogs: Pair<&Catalog>) -> Comparison {
        let managed = |it: &Catalog| it.filtered(|object| self.expresses(object, None));
        let (from, to) = (managed(catalogs.from), managed(catalogs.to));
        compare_with(
            Pair { from: &from, to: &to },
            |object, attribute| self.expresses(object, Some(attribute)),
            |objects, attribute, values| self.equivalent(objects, attribute, values),
        )
    }

    fn equivalent(
        self,
        objects: Pair<&Object>,
        attribute: &str,
        values: Pair<Option<&str>>,
    ) -> bool {
        values.from == values.to
            || match self {
                Self::Postgres => postgres::grammar::equivalent(objects, attribute, values),
                Self::Sqlite => sqlite::grammar::equivalent(objects, attribute, values),
            }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}
