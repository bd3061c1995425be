//! A snapshot, whichever dialect and generation it has: read, written, compared.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::Dialect;
use crate::catalog::{Kind, ObjectId};
use crate::drizzle::branches;
use crate::drizzle::chain::{self, EntitySnapshot};
use crate::drizzle::entities::Row;
use crate::drizzle::snapshot::{Generation, ORIGIN, SnapshotError, SnapshotIds};
use crate::pair::Pair;
use crate::plan::Statement;
use crate::postgres::adopt::stored;
use crate::rename::{NameKind, Named, Path, Rename};
use crate::{mysql, postgres, sqlite};

/// A snapshot of whichever dialect and generation.
#[derive(Clone, Debug)]
pub enum AnySnapshot {
    Postgres(postgres::snapshot::Snapshot),
    MySql(mysql::snapshot::Snapshot),
    Sqlite(sqlite::snapshot::Snapshot),
    /// Drizzle 1.0's, of any dialect.
    Entities(EntitySnapshot),
}

/// Those of Drizzle 1.0.
fn entities<'a>(history: &[&'a AnySnapshot]) -> Vec<&'a EntitySnapshot> {
    let of_1_0 = |it: &&'a AnySnapshot| match it {
        AnySnapshot::Entities(it) => Some(it),
        AnySnapshot::Postgres(_) | AnySnapshot::MySql(_) | AnySnapshot::Sqlite(_) => None,
    };
    history.iter().filter_map(of_1_0).collect()
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
            (Dialect::MySql, Generation::V0) => Self::MySql(mysql::snapshot::Snapshot::empty()),
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
            Dialect::MySql => mysql::snapshot::Snapshot::read(json).map(Self::MySql),
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
            Self::MySql(it) => (it.id, it.prev_id) = (id, prev_id),
            Self::Sqlite(it) => (it.id, it.prev_id) = (id, prev_id),
            Self::Entities(it) => (it.id, it.prev_ids) = (id, vec![prev_id]),
        }
        moved
    }

    /// What the ends of a history of Drizzle 1.0 say together, of its snapshots in their order; `None` where they
    /// contradict one another.
    pub fn merged(history: &[&Self]) -> Option<Self> {
        branches::merged(&entities(history)).map(Self::Entities)
    }

    /// Puts it behind another one; behind all of several branches where that is what they say together.
    pub fn follow(&mut self, before: &Self) {
        if let (Self::Entities(it), Self::Entities(before)) = (self, before) {
            it.prev_ids = before.next_prev_ids();
        }
    }

    /// Gives it an id of its own.
    pub fn set_id(&mut self, id: String) {
        match self {
            Self::Postgres(it) => it.id = id,
            Self::MySql(it) => it.id = id,
            Self::Sqlite(it) => it.id = id,
            Self::Entities(it) => it.id = id,
        }
    }

    /// The types of PostgreSQL's columns as SQL, by the columns' names as [`Named::names`] says them. Those that a
    /// project makes itself, lists of Drizzle 1.0 and other engines' are left out.
    pub fn column_types(&self) -> BTreeMap<Path, String> {
        match self {
            Self::Postgres(it) => postgres::diff::rename::column_types(it),
            Self::Entities(it) if it.format.dialect == "postgres" => {
                let texts = |row: &Row, names: &[&str]| -> Option<Vec<String>> {
                    names.iter().map(|it| Some(row.get(*it)?.as_str()?.to_owned())).collect()
                };
                let is_plain = |row: &&Row| row["typeSchema"].is_null() && row["dimensions"] == 0;
                let columns = it.entities.of("columns").filter(is_plain);
                let one = |row| {
                    let path = texts(row, &["schema", "table", "name"])?;
                    Some((path, texts(row, &["type"])?.pop()?))
                };
                columns.filter_map(one).collect()
            }
            Self::Entities(_) | Self::MySql(_) | Self::Sqlite(_) => BTreeMap::new(),
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
            Self::MySql(it) => it.tables.values().map(|it| named(vec![&it.name])).collect(),
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
            Self::MySql(it) => it.write(),
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
            (Self::MySql(it), _) => {
                let mut noted = it.clone();
                noted.meta.note(renames);
                noted.write()
            }
            (Self::Sqlite(it), _) => {
                let mut noted = it.clone();
                noted.meta.note(renames);
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
            Self::MySql(it) => mysql::snapshot::write_custom(Some(&it.write()), id),
            Self::Sqlite(it) => sqlite::snapshot::write_custom(Some(&it.write()), id),
            Self::Entities(it) => Ok(it.write_custom(id)),
        }
    }

    /// The snapshot's own id.
    pub fn id(&self) -> &str {
        match self {
            Self::Postgres(it) => &it.id,
            Self::MySql(it) => &it.id,
            Self::Sqlite(it) => &it.id,
            Self::Entities(it) => &it.id,
        }
    }

    /// The id of the snapshot before it; of the first of them after a merge.
    pub fn prev_id(&self) -> &str {
        match self {
            Self::Postgres(it) => &it.prev_id,
            Self::MySql(it) => &it.prev_id,
            Self::Sqlite(it) => &it.prev_id,
            Self::Entities(it) => it.prev_ids.first().map_or(ORIGIN, String::as_str),
        }
    }

    /// The ids of all snapshots before it.
    pub fn prev_ids(&self) -> Vec<&str> {
        match self {
            Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) => vec![self.prev_id()],
            Self::Entities(it) => it.prev_ids.iter().map(String::as_str).collect(),
        }
    }

    /// Which Drizzle writes it.
    pub fn generation(&self) -> Generation {
        match self {
            Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) => Generation::V0,
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
            (Self::MySql(from), Self::MySql(to)) => {
                let diff = mysql::diff::diff(Pair { from, to }, renames);
                let statements = mysql::render::statements(&diff);
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
                let (statements, not_expressed) = if from.format == Dialect::Postgres.entities() {
                    (postgres::rows::statements(entities, renames), Vec::new())
                } else if from.format == Dialect::MySql.entities() {
                    mysql::rows::statements(entities, renames)
                } else {
                    (sqlite::rows::statements(entities, renames), Vec::new())
                };
                Difference { statements, not_expressed }
            }
            (Self::Postgres(_) | Self::MySql(_) | Self::Sqlite(_) | Self::Entities(_), _) => {
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
            Self::MySql(it) => mysql::diff::rename::names(it, kind),
            Self::Sqlite(it) => sqlite::diff::rename::names(it, kind),
            Self::Entities(it) => it.names(kind),
        }
    }

    fn rename(&mut self, rename: &Rename) {
        match self {
            Self::Postgres(it) => postgres::diff::rename::rename(it, rename),
            Self::MySql(it) => mysql::diff::rename::rename(it, rename),
            Self::Sqlite(it) => sqlite::diff::rename::rename(it, rename),
            Self::Entities(it) => it.rename(rename),
        }
    }
}
