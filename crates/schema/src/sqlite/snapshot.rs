//! Drizzle's snapshot of a SQLite schema, version 6.
//!
//! The types are the file: their fields stand in the order in which `drizzle-kit generate` 0.31
//! writes them. `encode` makes them from a declared schema, `diff` compares two of them.

mod older;
mod parts;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::encode;
use super::schema::Schema;
use crate::drizzle::javascript;
use crate::drizzle::shape::Misfit;
use crate::drizzle::shape::Presence::Empty;
use crate::drizzle::shape::Shape::{self, *};
use crate::drizzle::shape::{filled, optional, required};
use crate::drizzle::snapshot::{
    Format, ORIGIN, Renames, SnapshotError, SnapshotIds, parse_json, present,
};

pub use crate::drizzle::remembered::{Check, ForeignKey, IndexPart, IndexParts, Unique};

/// A snapshot: a schema as Drizzle remembers it, with all defaults spelled out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub version: String,
    pub dialect: String,
    pub id: String,
    pub prev_id: String,
    pub tables: IndexMap<String, Table>,
    pub views: IndexMap<String, View>,
    /// Always empty.
    pub enums: IndexMap<String, Value>,
    #[serde(rename = "_meta")]
    pub meta: Renames,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<Internal>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    pub name: String,
    pub columns: IndexMap<String, Column>,
    /// Unique constraints are here too, as unique indexes.
    pub indexes: IndexMap<String, Index>,
    pub foreign_keys: IndexMap<String, ForeignKey>,
    pub composite_primary_keys: IndexMap<String, PrimaryKey>,
    /// Always empty in what `generate` writes.
    pub unique_constraints: IndexMap<String, Unique>,
    pub check_constraints: IndexMap<String, Check>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub name: String,
    pub r#type: String,
    pub primary_key: bool,
    pub not_null: bool,
    #[serde(default)]
    pub autoincrement: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// SQL as a text, or a number or boolean as JavaScript has it.
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// The expression with its parentheses.
    pub r#as: String,
    pub r#type: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub name: String,
    /// Names, or expressions where `internal` says so.
    pub columns: Vec<String>,
    pub is_unique: bool,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrimaryKey {
    pub columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub columns: IndexMap<String, Column>,
    pub name: String,
    pub is_existing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

/// What does not fit into the other parts: which parts of which index are expressions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Internal {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexes: Option<IndexMap<String, IndexParts>>,
}

impl Snapshot {
    /// The snapshot of a declared schema.
    ///
    /// # Errors
    /// When drizzle-kit 0.31 cannot write the schema.
    pub fn of(schema: &Schema, ids: &SnapshotIds) -> Result<Self, SnapshotError> {
        encode::snapshot(schema, ids)
    }

    /// What stands before the first snapshot: nothing.
    pub fn empty() -> Self {
        let ids = SnapshotIds { id: ORIGIN.to_owned(), prev_id: String::new() };
        Self::of(&Schema::default(), &ids).expect("an empty schema has no defaults")
    }

    /// Reads a snapshot file. What drizzle-kit wrote before 0.31 is read as its `up` turns it.
    ///
    /// # Errors
    /// When drizzle-kit 0.31 would not accept the file.
    pub fn read(json: &str) -> Result<Self, SnapshotError> {
        let parsed = parse_json(json)?;
        let value = match older::upgraded(&parsed) {
            Some(upgraded) => FORMAT.shape.fit(upgraded)?,
            None => FORMAT.accept(parsed)?,
        };
        serde_json::from_value(value).map_err(|error| {
            let problem = error.to_string();
            SnapshotError::Malformed(Misfit { path: Vec::new(), problem })
        })
    }

    /// The bytes of the file that `drizzle-kit generate` writes.
    pub fn write(&self) -> String {
        javascript::pretty(self)
    }

    /// Whether this part of the index is an expression and not a column.
    pub fn is_expression(&self, index: &str, part: &str) -> bool {
        let indexes = self.internal.as_ref().and_then(|it| it.indexes.as_ref());
        let part = indexes.and_then(|it| it.get(index)).and_then(|it| it.columns.get(part));
        part.is_some_and(|it| it.is_expression == Some(true))
    }
}

/// The bytes of the snapshot file that `drizzle-kit generate` writes for a declared schema.
///
/// # Errors
/// When drizzle-kit 0.31 cannot write the schema.
pub fn write(schema: &Schema, ids: &SnapshotIds) -> Result<String, SnapshotError> {
    Ok(Snapshot::of(schema, ids)?.write())
}

/// The bytes of the snapshot file that `drizzle-kit generate --custom` writes: the previous
/// snapshot under a new id.
///
/// # Errors
/// When drizzle-kit 0.31 would not accept the previous snapshot.
pub fn write_custom(previous: Option<&str>, id: &str) -> Result<String, SnapshotError> {
    FORMAT.custom(previous, id)
}

/// How drizzle-kit 0.31.11 validates version 6 (`src/serializer/sqliteSchema.ts`, `schema`).
pub const FORMAT: Format = Format { version: "6", dialect: "sqlite", shape: Strict(SNAPSHOT), dry };

fn dry() -> Value {
    json!({
        "version": "6", "dialect": "sqlite", "id": ORIGIN, "prevId": "",
        "tables": {}, "views": {}, "enums": {}, "_meta": { "tables": {}, "columns": {} },
    })
}

type Fields = &'static [crate::drizzle::shape::Field];

const SNAPSHOT: Fields = &[
    required("version", OneOf(&["6"])),
    required("dialect", OneOf(&["sqlite"])),
    required("tables", Record(&Strict(TABLE))),
    filled("views", Record(&Strict(VIEW)), Empty),
    required("enums", Loose(&[])),
    required("_meta", Loose(META)),
    optional("internal", Loose(INTERNAL)),
    required("id", Text),
    required("prevId", Text),
];

const TEXT_RECORD: Shape = Record(&Text);

const META: Fields = &[required("tables", TEXT_RECORD), required("columns", TEXT_RECORD)];

const INTERNAL: Fields = &[optional("indexes", Record(&Loose(INDEX_PARTS)))];

const INDEX_PARTS: Fields =
    &[required("columns", Record(&Loose(&[optional("isExpression", Flag)])))];

const TABLE: Fields = &[
    required("name", Text),
    required("columns", Record(&Strict(COLUMN))),
    required("indexes", Record(&Strict(INDEX))),
    required("foreignKeys", Record(&Strict(FOREIGN_KEY))),
    required("compositePrimaryKeys", Record(&Strict(PRIMARY_KEY))),
    filled("uniqueConstraints", Record(&Strict(UNIQUE)), Empty),
    filled("checkConstraints", Record(&Strict(CHECK)), Empty),
];

const COLUMN: Fields = &[
    required("name", Text),
    required("type", Text),
    required("primaryKey", Flag),
    required("notNull", Flag),
    optional("autoincrement", Flag),
    optional("default", Any),
    optional("generated", Loose(GENERATED)),
];

const GENERATED: Fields = &[required("type", OneOf(&["stored", "virtual"])), required("as", Text)];

const INDEX: Fields = &[
    required("name", Text),
    required("columns", Texts),
    optional("where", Text),
    required("isUnique", Flag),
];

const FOREIGN_KEY: Fields = &[
    required("name", Text),
    required("tableFrom", Text),
    required("columnsFrom", Texts),
    required("tableTo", Text),
    required("columnsTo", Texts),
    optional("onUpdate", Text),
    optional("onDelete", Text),
];

const PRIMARY_KEY: Fields = &[required("columns", Texts), optional("name", Text)];

const UNIQUE: Fields = &[required("name", Text), required("columns", Texts)];

const CHECK: Fields = &[required("name", Text), required("value", Text)];

const VIEW: Fields = &[
    required("name", Text),
    required("columns", Record(&Strict(COLUMN))),
    optional("definition", Text),
    required("isExisting", Flag),
];
