//! The only place that asks which dialect it has. Reading order: this file (the dialect itself) ·
//! `schema` · `snapshot` · `parts` · `upgrade`.

mod kept;
mod parts;
mod schema;
mod snapshot;
mod upgrade;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::{Kind, Object, ObjectId};
use crate::compare::{AttributeDifference, Comparison, Equivalence, Sameness, compare_with};
use crate::drizzle::chain::EntityFormat;
use crate::drizzle::migration::split as split_file;
use crate::drizzle::snapshot::{SnapshotError, version_of};
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::script::{Piece, SplitError};
use crate::steps::Bound;
use crate::token::Token;
use crate::{Catalog, mysql, postgres, sqlite};
pub use schema::AnySchema;
pub use snapshot::{AnySnapshot, Difference};

/// A database dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    Sqlite,
}

impl Dialect {
    /// The word that `drizzle.config.ts` and the journal use.
    pub fn drizzle_name(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
        }
    }

    /// A name, as a statement has to spell it.
    pub fn quote_ident(self, name: &str) -> String {
        match self {
            Self::Postgres => postgres::grammar::quote_ident(name),
            Self::MySql => mysql::grammar::quote_ident(name),
            Self::Sqlite => sqlite::grammar::quote_ident(name),
        }
    }

    /// A text, as a statement has to spell it.
    pub fn quote_literal(self, text: &str) -> String {
        match self {
            Self::Postgres => postgres::grammar::quote_literal(text),
            Self::MySql => mysql::grammar::quote_literal(text),
            Self::Sqlite => sqlite::grammar::quote_literal(text),
        }
    }

    /// Whether Drizzle can express this object, or this attribute of it. What it cannot express is
    /// *carried*.
    pub fn expresses(self, object: &Object, attribute: Option<&str>) -> bool {
        match self {
            Self::Postgres => postgres::grammar::drizzle_expresses(object, attribute),
            Self::MySql => mysql::grammar::drizzle_expresses(object, attribute),
            Self::Sqlite => sqlite::grammar::drizzle_expresses(object, attribute),
        }
    }

    /// Compares what Drizzle can express: carried objects and attributes are left out, and constants
    /// are compared by value.
    pub fn compare_managed(self, catalogs: Pair<&Catalog>) -> Comparison {
        // What Drizzle expresses on either side counts on both: a partition may be declared as a table.
        let managed = |it: &Catalog, other: &Catalog| {
            let is_managed = |object: &Object| self.expresses(object, None);
            it.filtered(|object| {
                is_managed(object) || other.get(&object.id).is_some_and(is_managed)
            })
        };
        let from = managed(catalogs.from, catalogs.to);
        let to = managed(catalogs.to, catalogs.from);
        let mut comparison = compare_with(
            Pair { from: &from, to: &to },
            |object, attribute| self.expresses(object, Some(attribute)),
            |objects, attribute, values| self.judge(objects, attribute, values),
        );
        // Nobody but the column itself speaks of its sequence.
        let (sequences, renamed) =
            comparison.renamed.into_iter().partition(|it| it.from.kind == Kind::Sequence);
        comparison.renamed = renamed;
        comparison.equivalent.extend(Vec::into_iter(sequences).map(sequence_of_column));
        comparison
    }

    /// Cuts a script into statements, as the engine's own shell does.
    ///
    /// # Errors
    /// If something is opened and never closed.
    pub fn split(self, script: &str) -> Result<Vec<Piece>, SplitError> {
        match self {
            Self::Postgres => postgres::split::split(script),
            Self::MySql => mysql::split::split(script),
            Self::Sqlite => sqlite::split::split(script),
        }
    }

    /// The tokens of a text, comments left out.
    ///
    /// # Errors
    /// If something does not end.
    pub fn tokens(self, sql: &str) -> Result<Vec<Token<'_>>, SplitError> {
        match self {
            Self::Postgres => postgres::token::tokens(sql),
            Self::MySql => mysql::token::tokens(sql),
            Self::Sqlite => sqlite::token::tokens(sql),
        }
    }

    /// The risks of the statements of a piece.
    pub fn hazards(self, sql: &str) -> Vec<Hazard> {
        match self {
            Self::Postgres => postgres::hazard::hazards(sql),
            Self::MySql => mysql::hazard::hazards(sql),
            Self::Sqlite => sqlite::hazard::hazards(sql),
        }
    }

    /// The statement that takes an object away again, if one does that alone.
    pub fn removal(self, object: &Object) -> Option<String> {
        match self {
            Self::Postgres => postgres::render::removal::removal(object),
            Self::MySql => mysql::render::removal::removal(object),
            Self::Sqlite => sqlite::render::removal::removal(object),
        }
    }

    /// What a statement asks of the transaction around it.
    pub fn bound(self, sql: &str) -> Bound {
        match self {
            Self::Postgres => postgres::hazard::bound(sql),
            Self::MySql => mysql::hazard::bound(sql),
            Self::Sqlite => sqlite::hazard::bound(sql),
        }
    }

    /// Whether a migration file may write rows: a statement of it begins with a word that can, or
    /// cannot be read. What it creates can be seen in a catalog, the rows cannot.
    pub fn writes_rows(self, file: &str) -> bool {
        const WORDS: [&str; 12] = [
            "insert", "update", "delete", "replace", "merge", "copy", "load", "do", "select",
            "with", "call", "truncate",
        ];
        let statements = split_file(file).into_iter().map(|it| self.split(it.sql));
        let begins = |sql: &str| {
            self.tokens(sql).map_or(true, |it| {
                it.first().is_some_and(|it| WORDS.iter().any(|word| it.is_word(word)))
            })
        };
        // Our own guard around a grant writes none.
        let is_grant = |sql: &str| sql.trim_start().starts_with("DO $raingauge$");
        statements.into_iter().any(|it| {
            it.map_or(true, |pieces| pieces.iter().any(|it| begins(&it.sql) && !is_grant(&it.sql)))
        })
    }

    /// The statements in a form that lets others go on meanwhile, with the same end; nothing where the
    /// engine knows none, because it locks everything for every write.
    pub fn online(self, statements: Vec<Statement>) -> Option<Vec<Statement>> {
        match self {
            Self::Postgres => Some(postgres::render::online::online(statements)),
            Self::MySql => Some(mysql::render::online::online(statements)),
            Self::Sqlite => None,
        }
    }

    /// The risks of a whole migration, given as the pieces that are sent one by one.
    pub fn hazards_of_migration(self, pieces: &[&str]) -> Vec<Hazard> {
        match self {
            Self::Postgres | Self::MySql => {
                let mut all: Vec<_> = pieces.iter().flat_map(|it| self.hazards(it)).collect();
                all.sort();
                all.dedup();
                all
            }
            Self::Sqlite => sqlite::hazard::of_migration(pieces),
        }
    }

    /// What `generate --custom` writes as a snapshot after `previous`.
    ///
    /// # Errors
    /// If the previous snapshot is not one that drizzle-kit 0.31 reads.
    pub fn custom_snapshot(
        self,
        previous: Option<&str>,
        id: &str,
    ) -> Result<String, SnapshotError> {
        match self {
            Self::Postgres => postgres::snapshot::write_custom(previous, id),
            Self::MySql => mysql::snapshot::write_custom(previous, id),
            Self::Sqlite => sqlite::snapshot::write_custom(previous, id),
        }
    }

    /// Describes a catalog as a Drizzle schema, as far as Drizzle can say it.
    pub fn describe(self, live: &Catalog) -> AnySchema {
        match self {
            Self::Postgres => AnySchema::Postgres(postgres::adopt::describe(live)),
            Self::MySql => AnySchema::MySql(mysql::adopt::describe(live)),
            Self::Sqlite => AnySchema::Sqlite(sqlite::adopt::describe(live)),
        }
    }

    /// Why drizzle-kit 0.31 refuses a snapshot file that can be read: it was written before 0.31, and
    /// the kit wants it turned by its `up` first.
    pub fn refused_by_kit(self, json: &str) -> Option<SnapshotError> {
        match self {
            Self::Postgres => postgres::snapshot::FORMAT.refused_as_other(json),
            Self::MySql => mysql::snapshot::FORMAT.refused_as_other(json),
            Self::Sqlite => sqlite::snapshot::FORMAT.refused_as_other(json),
        }
    }

    /// Whether a preview of Drizzle 1.0 wrote a snapshot file, in a version that 1.0 itself does not read.
    pub fn is_of_preview(self, json: &str) -> bool {
        let older = self.entities().older;
        version_of(json).is_some_and(|it| older.contains(&it.as_str()))
    }

    /// How Drizzle 1.0's snapshots of this dialect look.
    pub(crate) fn entities(self) -> &'static EntityFormat {
        match self {
            Self::Postgres => &postgres::rows::FORMAT,
            Self::MySql => &mysql::rows::FORMAT,
            Self::Sqlite => &sqlite::rows::FORMAT,
        }
    }

    fn judge(
        self,
        objects: Pair<&Object>,
        attribute: &str,
        values: Pair<Option<&str>>,
    ) -> Sameness {
        if values.from == values.to {
            return Sameness::Same;
        }
        let why = match self {
            Self::Postgres => postgres::grammar::equivalent(objects, attribute, values),
            Self::MySql => mysql::grammar::equivalent(objects, attribute, values),
            Self::Sqlite => sqlite::grammar::equivalent(objects, attribute, values),
        };
        why.map_or(Sameness::Different, Sameness::Equivalent)
    }
}

fn sequence_of_column(pair: Pair<ObjectId>) -> Equivalence {
    let name = |it: &ObjectId| Some(it.name().to_owned());
    let values = Pair { from: name(&pair.from), to: name(&pair.to) };
    Equivalence {
        attribute: AttributeDifference { name: "name".to_owned(), values },
        id: pair.from,
        why: "the sequence belongs to its column, which counts with it whatever its name",
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::Sqlite => "SQLite",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t20_a_migration_that_writes_rows_is_told_from_one_that_only_builds() {
        for (file, expected) in [
            ("CREATE TABLE t (a int);--> statement-breakpoint\nCREATE INDEX i ON t (a);", false),
            ("CREATE TABLE t (a int);--> statement-breakpoint\nINSERT INTO t VALUES (1);", true),
            ("CREATE TABLE t (a int); /* more */ update t set a = 1", true),
            ("-- insert\nCREATE TABLE t (a text DEFAULT 'insert')", false),
            ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", true),
        ] {
            assert_eq!(Dialect::Sqlite.writes_rows(file), expected, "{file}");
            assert_eq!(Dialect::Postgres.writes_rows(file), expected, "{file}");
            assert_eq!(Dialect::MySql.writes_rows(file), expected, "{file}");
        }
        assert!(Dialect::Postgres.writes_rows("SELECT setval('s', 3)"));
        assert!(!Dialect::Postgres.writes_rows("DO $raingauge$ BEGIN NULL; END $raingauge$"));
    }
}
