//! The only place that asks which dialect it has.

mod parts;
mod upgrade;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::{Kind, Object, ObjectId};
use crate::compare::{AttributeDifference, Comparison, Equivalence, Sameness, compare_with};
use crate::drizzle::chain::{self, EntityFormat, EntitySnapshot};
use crate::drizzle::entities::Row;
use crate::drizzle::migration::split as split_file;
use crate::drizzle::snapshot::{Generation, ORIGIN, SnapshotError, SnapshotIds, version_of};
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::postgres::adopt::stored;
use crate::rename::{NameKind, Named, Path, Rename};
use crate::script::{Piece, SplitError};
use crate::steps::Bound;
use crate::token::Token;
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
            Self::Sqlite => sqlite::token::tokens(sql),
        }
    }

    /// The risks of the statements of a piece.
    pub fn hazards(self, sql: &str) -> Vec<Hazard> {
        match self {
            Self::Postgres => postgres::hazard::hazards(sql),
            Self::Sqlite => sqlite::hazard::hazards(sql),
        }
    }

    /// The statement that takes an object away again, if one does that alone.
    pub fn removal(self, object: &Object) -> Option<String> {
        match self {
            Self::Postgres => postgres::render::removal::removal(object),
            Self::Sqlite => sqlite::render::removal::removal(object),
        }
    }

    /// What a statement asks of the transaction around it.
    pub fn bound(self, sql: &str) -> Bound {
        match self {
            Self::Postgres => postgres::hazard::bound(sql),
            Self::Sqlite => sqlite::hazard::bound(sql),
        }
    }

    /// Whether a migration file may write rows: a statement of it begins with a word that can, or
    /// cannot be read. What it creates can be seen in a catalog, the rows cannot.
    pub fn writes_rows(self, file: &str) -> bool {
        const WORDS: [&str; 10] = [
            "insert", "update", "delete", "merge", "copy", "do", "select", "with", "call",
            "truncate",
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
            Self::Sqlite => None,
        }
    }

    /// The risks of a whole migration, given as the pieces that are sent one by one.
    pub fn hazards_of_migration(self, pieces: &[&str]) -> Vec<Hazard> {
        match self {
            Self::Postgres => {
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
            Self::Sqlite => sqlite::snapshot::write_custom(previous, id),
        }
    }

    /// Describes a catalog as a Drizzle schema, as far as Drizzle can say it.
    pub fn describe(self, live: &Catalog) -> AnySchema {
        match self {
            Self::Postgres => AnySchema::Postgres(postgres::adopt::describe(live)),
            Self::Sqlite => AnySchema::Sqlite(sqlite::adopt::describe(live)),
        }
    }

    /// Why drizzle-kit 0.31 refuses a snapshot file that can be read: it was written before 0.31, and
    /// the kit wants it turned by its `up` first.
    pub fn refused_by_kit(self, json: &str) -> Option<SnapshotError> {
        match self {
            Self::Postgres => postgres::snapshot::FORMAT.refused_as_other(json),
            Self::Sqlite => sqlite::snapshot::FORMAT.refused_as_other(json),
        }
    }

    /// Whether a preview of Drizzle 1.0 wrote a snapshot file, in a version that 1.0 itself does not read.
    pub fn is_of_preview(self, json: &str) -> bool {
        let older = self.entities().older;
        version_of(json).is_some_and(|it| older.contains(&it.as_str()))
    }

    /// How Drizzle 1.0's snapshots of this dialect look.
    fn entities(self) -> &'static EntityFormat {
        match self {
            Self::Postgres => &postgres::rows::FORMAT,
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
            Self::Sqlite => "SQLite",
        })
    }
}

/// A declared schema of whichever dialect.
#[derive(Clone, Debug, PartialEq)]
pub enum AnySchema {
    Postgres(postgres::schema::Schema),
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
            Self::Sqlite(_) => Dialect::Sqlite.compare_managed(Pair { from: live, to: built }),
        }
    }

    /// The names of whatever is declared that the engine would cut to one and the same.
    pub fn collisions(&self) -> Vec<postgres::adopt::Collision> {
        match self {
            Self::Postgres(it) => postgres::adopt::collisions(it),
            // SQLite keeps names whole.
            Self::Sqlite(_) => Vec::new(),
        }
    }

    /// The part that live has.
    #[must_use]
    pub fn present_in(&self, live: &Catalog) -> Self {
        match self {
            Self::Postgres(it) => Self::Postgres(postgres::adopt::present(it, live)),
            Self::Sqlite(it) => Self::Sqlite(sqlite::adopt::present(it, live)),
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
            // SQLite's constraints have no names that a catalog compares.
            Self::Sqlite(_) => self.clone(),
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
            (Self::Sqlite(it), Generation::V0) => {
                AnySnapshot::Sqlite(sqlite::snapshot::Snapshot::of(it, ids)?)
            }
            (Self::Postgres(it), Generation::V1) => {
                AnySnapshot::Entities(postgres::rows::snapshot(it, ids)?)
            }
            (Self::Sqlite(it), Generation::V1) => {
                AnySnapshot::Entities(sqlite::rows::snapshot(it, ids)?)
            }
        })
    }
}

/// A snapshot of whichever dialect and generation.
#[derive(Clone, Debug)]
pub enum AnySnapshot {
    Postgres(postgres::snapshot::Snapshot),
    Sqlite(sqlite::snapshot::Snapshot),
    /// Drizzle 1.0's, of any dialect.
    Entities(EntitySnapshot),
}

/// The way from one snapshot to another.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    pub statements: Vec<Statement>,
    /// What no statement expresses yet; where there is any, the statements must not be used.
    pub not_expressed: Vec<String>,
}

impl AnySnapshot {
    /// The snapshot of an empty schema, which stands before the first.
    pub fn empty(dialect: Dialect, generation: Generation) -> Self {
        match (dialect, generation) {
            (Dialect::Postgres, Generation::V0) => {
                Self::Postgres(postgres::snapshot::Snapshot::empty())
            }
            (Dialect::Sqlite, Generation::V0) => Self::Sqlite(sqlite::snapshot::Snapshot::empty()),
            (dialect, Generation::V1) => Self::Entities(EntitySnapshot::empty(dialect.entities())),
        }
    }

    /// Reads a snapshot file that says everything by itself.
    ///
    /// # Errors
    /// If it is not one that drizzle-kit of this generation reads.
    pub fn read(
        dialect: Dialect,
        generation: Generation,
        json: &str,
    ) -> Result<Self, SnapshotError> {
        let mut all = Self::read_history(dialect, generation, &[json]);
        all.pop().expect("one for each file")
    }

    /// Reads the snapshot files of a history, the oldest first: what stands after each, or why that is
    /// not known. Drizzle 1.0's PostgreSQL files after the first say only what changed.
    pub fn read_history(
        dialect: Dialect,
        generation: Generation,
        files: &[&str],
    ) -> Vec<Result<Self, SnapshotError>> {
        let read = |json: &&str| match dialect {
            Dialect::Postgres => postgres::snapshot::Snapshot::read(json).map(Self::Postgres),
            Dialect::Sqlite => sqlite::snapshot::Snapshot::read(json).map(Self::Sqlite),
        };
        match generation {
            Generation::V0 => files.iter().map(read).collect(),
            Generation::V1 => {
                let states = chain::read(dialect.entities(), files).into_iter();
                states.map(|it| it.map(Self::Entities)).collect()
            }
        }
    }

    /// The same content at another place of the chain.
    #[must_use]
    pub fn with_ids(&self, ids: &SnapshotIds) -> Self {
        let mut moved = self.clone();
        let SnapshotIds { id, prev_id } = ids.clone();
        match &mut moved {
            Self::Postgres(it) => (it.id, it.prev_id) = (id, prev_id),
            Self::Sqlite(it) => (it.id, it.prev_id) = (id, prev_id),
            Self::Entities(it) => (it.id, it.prev_ids) = (id, vec![prev_id]),
        }
        moved
    }

    /// Gives it an id of its own.
    pub fn set_id(&mut self, id: String) {
        match self {
            Self::Postgres(it) => it.id = id,
            Self::Sqlite(it) => it.id = id,
            Self::Entities(it) => it.id = id,
        }
    }

    /// The tables that it has.
    pub fn tables(&self) -> Vec<ObjectId> {
        let named = |names: Vec<&str>| ObjectId::new(Kind::Table, names);
        match self {
            Self::Postgres(it) => {
                let schema = |it: &str| if it.is_empty() { "public" } else { it }.to_owned();
                let id = |it: &postgres::snapshot::Table| {
                    ObjectId::new(Kind::Table, [&schema(&it.schema), &it.name].map(|it| stored(it)))
                };
                it.tables.values().map(id).collect()
            }
            Self::Sqlite(it) => it.tables.values().map(|it| named(vec![&it.name])).collect(),
            Self::Entities(it) => {
                let id = |row: &Row| {
                    let names = ["schema", "name"].into_iter().filter_map(|it| row.get(it));
                    ObjectId::new(Kind::Table, names.filter_map(Value::as_str).map(stored))
                };
                it.entities.of("tables").map(id).collect()
            }
        }
    }

    /// The bytes of the file, where nothing or only something that does not matter comes before it.
    pub fn write(&self) -> String {
        match self {
            Self::Postgres(it) => it.write(),
            Self::Sqlite(it) => it.write(),
            Self::Entities(it) => it.write_after(&EntitySnapshot::empty(it.format)),
        }
    }

    /// The bytes of the file after another snapshot. What the schema does not name keeps the name that
    /// it has there.
    pub fn write_after(&self, previous: &Self) -> String {
        match (self, previous) {
            (Self::Entities(it), Self::Entities(previous)) => it.write_after(previous),
            (it, _) => it.write(),
        }
    }

    /// The same where some of `previous` got other names.
    pub fn write_after_renames(&self, previous: &Self, renames: &[Rename]) -> String {
        match (self, previous) {
            (Self::Entities(it), Self::Entities(previous)) => {
                it.write_after_renames(previous, renames)
            }
            (Self::Sqlite(it), _) => {
                let mut noted = it.clone();
                sqlite::diff::rename::note(&mut noted, renames);
                noted.write()
            }
            (it, _) => it.write(),
        }
    }

    /// What `generate --custom` writes as a snapshot after this one.
    ///
    /// # Errors
    /// If drizzle-kit does not read this one.
    pub fn write_custom(&self, id: &str) -> Result<String, SnapshotError> {
        match self {
            Self::Postgres(it) => postgres::snapshot::write_custom(Some(&it.write()), id),
            Self::Sqlite(it) => sqlite::snapshot::write_custom(Some(&it.write()), id),
            Self::Entities(it) => Ok(it.write_custom(id)),
        }
    }

    /// The snapshot's own id.
    pub fn id(&self) -> &str {
        match self {
            Self::Postgres(it) => &it.id,
            Self::Sqlite(it) => &it.id,
            Self::Entities(it) => &it.id,
        }
    }

    /// The id of the snapshot before it; of the first of them after a merge.
    pub fn prev_id(&self) -> &str {
        match self {
            Self::Postgres(it) => &it.prev_id,
            Self::Sqlite(it) => &it.prev_id,
            Self::Entities(it) => it.prev_ids.first().map_or(ORIGIN, String::as_str),
        }
    }

    /// The ids of all snapshots before it.
    pub fn prev_ids(&self) -> Vec<&str> {
        match self {
            Self::Postgres(_) | Self::Sqlite(_) => vec![self.prev_id()],
            Self::Entities(it) => it.prev_ids.iter().map(String::as_str).collect(),
        }
    }

    /// Which Drizzle writes it.
    pub fn generation(&self) -> Generation {
        match self {
            Self::Postgres(_) | Self::Sqlite(_) => Generation::V0,
            Self::Entities(_) => Generation::V1,
        }
    }

    /// The statements that lead to another snapshot, as drizzle-kit of their generation writes them. Snapshots of
    /// two dialects have no way between them.
    pub fn difference_to(&self, to: &Self) -> Difference {
        self.difference_by(&[], to)
    }

    /// The same where some of this got other names on the way.
    pub fn difference_by(&self, renames: &[Rename], to: &Self) -> Difference {
        // Most migrations rename nothing, and a schema may be large.
        let mut from = Cow::Borrowed(self);
        for rename in renames {
            from.to_mut().rename(rename);
        }
        match (from.as_ref(), to) {
            (Self::Postgres(from), Self::Postgres(to)) => {
                let diff = postgres::diff::diff(Pair { from, to }, renames);
                let statements = postgres::render::statements(&diff);
                Difference { statements, not_expressed: diff.not_expressed }
            }
            (Self::Sqlite(from), Self::Sqlite(to)) => {
                let diff = sqlite::diff::diff(Pair { from, to }, renames);
                let statements = sqlite::render::statements(&diff);
                Difference { statements, not_expressed: Vec::new() }
            }
            (Self::Entities(from), Self::Entities(to)) if from.format == to.format => {
                let to = to.settled_after(from);
                let entities = Pair { from: &from.entities, to: &to.entities };
                let statements = match from.format == Dialect::Postgres.entities() {
                    true => postgres::rows::statements(entities, renames),
                    false => sqlite::rows::statements(entities, renames),
                };
                Difference { statements, not_expressed: Vec::new() }
            }
            (Self::Postgres(_) | Self::Sqlite(_) | Self::Entities(_), _) => {
                let not_expressed = vec!["the snapshots are of two kinds".to_owned()];
                Difference { statements: Vec::new(), not_expressed }
            }
        }
    }
}

impl Named for AnySnapshot {
    fn names(&self, kind: NameKind) -> Vec<Path> {
        match self {
            Self::Postgres(it) => postgres::diff::rename::names(it, kind),
            Self::Sqlite(it) => sqlite::diff::rename::names(it, kind),
            Self::Entities(it) => it.names(kind),
        }
    }

    fn rename(&mut self, rename: &Rename) {
        match self {
            Self::Postgres(it) => postgres::diff::rename::rename(it, rename),
            Self::Sqlite(it) => sqlite::diff::rename::rename(it, rename),
            Self::Entities(it) => it.rename(rename),
        }
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
        }
        assert!(Dialect::Postgres.writes_rows("SELECT setval('s', 3)"));
        assert!(!Dialect::Postgres.writes_rows("DO $raingauge$ BEGIN NULL; END $raingauge$"));
    }
}
