//! Drizzle's snapshot of a MySQL schema, version 5.
//!
//! The types are the file: their fields stand in the order in which `drizzle-kit generate` 0.31
//! writes them. `encode` makes them from a declared schema, `diff` compares two of them.

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
use crate::drizzle::snapshot::{Format, ORIGIN, Renames, SnapshotError, SnapshotIds, present};

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
    pub indexes: IndexMap<String, Index>,
    pub foreign_keys: IndexMap<String, ForeignKey>,
    /// Primary keys of one column are here too.
    pub composite_primary_keys: IndexMap<String, PrimaryKey>,
    pub unique_constraints: IndexMap<String, Unique>,
    /// In the singular, as Drizzle has it.
    pub check_constraint: IndexMap<String, Check>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub name: String,
    pub r#type: String,
    /// Always false in what `generate` writes.
    pub primary_key: bool,
    pub not_null: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoincrement: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_update: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// SQL as a text, or a number or boolean as JavaScript has it.
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrimaryKey {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub columns: IndexMap<String, Column>,
    pub name: String,
    pub is_existing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_check_option: Option<String>,
    pub algorithm: String,
    pub sql_security: String,
}

/// What does not fit into the other parts: which parts of which index are expressions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Internal {
    /// What `pull` noted about defaults; always empty in what `generate` writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<IndexMap<String, Value>>,
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

    /// Reads a snapshot file.
    ///
    /// # Errors
    /// When drizzle-kit 0.31 would not accept the file.
    pub fn read(json: &str) -> Result<Self, SnapshotError> {
        let value = FORMAT.parse(json)?;
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

/// How drizzle-kit 0.31.11 validates version 5 (`src/serializer/mysqlSchema.ts`, `schema`).
pub const FORMAT: Format = Format { version: "5", dialect: "mysql", shape: Loose(SNAPSHOT), dry };

fn dry() -> Value {
    json!({
        "version": "5", "dialect": "mysql", "id": ORIGIN, "prevId": "",
        "tables": {}, "views": {}, "_meta": { "tables": {}, "columns": {} },
    })
}

type Fields = &'static [crate::drizzle::shape::Field];

const SNAPSHOT: Fields = &[
    required("version", OneOf(&["5"])),
    required("dialect", OneOf(&["mysql"])),
    required("tables", Record(&Strict(TABLE))),
    filled("views", Record(&Loose(VIEW)), Empty),
    required("_meta", Loose(META)),
    optional("internal", Loose(INTERNAL)),
    required("id", Text),
    required("prevId", Text),
];

const TEXT_RECORD: Shape = Record(&Text);

const META: Fields = &[required("tables", TEXT_RECORD), required("columns", TEXT_RECORD)];

const INTERNAL: Fields = &[
    optional("tables", Record(&Loose(TABLE_NOTES))),
    optional("indexes", Record(&Loose(INDEX_PARTS))),
];

const TABLE_NOTES: Fields =
    &[required("columns", Record(&Loose(&[optional("isDefaultAnExpression", Flag)])))];

const INDEX_PARTS: Fields =
    &[required("columns", Record(&Loose(&[optional("isExpression", Flag)])))];

const TABLE: Fields = &[
    required("name", Text),
    required("columns", Record(&Strict(COLUMN))),
    required("indexes", Record(&Strict(INDEX))),
    required("foreignKeys", Record(&Strict(FOREIGN_KEY))),
    required("compositePrimaryKeys", Record(&Strict(NAMED_COLUMNS))),
    filled("uniqueConstraints", Record(&Strict(NAMED_COLUMNS)), Empty),
    filled("checkConstraint", Record(&Strict(CHECK)), Empty),
];

const COLUMN: Fields = &[
    required("name", Text),
    required("type", Text),
    required("primaryKey", Flag),
    required("notNull", Flag),
    optional("autoincrement", Flag),
    optional("default", Any),
    optional("onUpdate", Any),
    optional("generated", Loose(GENERATED)),
];

const GENERATED: Fields = &[required("type", OneOf(&["stored", "virtual"])), required("as", Text)];

const INDEX: Fields = &[
    required("name", Text),
    required("columns", Texts),
    required("isUnique", Flag),
    optional("using", OneOf(&["btree", "hash"])),
    optional("algorithm", OneOf(&["default", "inplace", "copy"])),
    optional("lock", OneOf(&["default", "none", "shared", "exclusive"])),
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

const NAMED_COLUMNS: Fields = &[required("name", Text), required("columns", Texts)];

const CHECK: Fields = &[required("name", Text), required("value", Text)];

const VIEW: Fields = &[
    required("name", Text),
    required("columns", Record(&Strict(COLUMN))),
    optional("definition", Text),
    required("isExisting", Flag),
    required("algorithm", OneOf(&["undefined", "merge", "temptable"])),
    required("sqlSecurity", OneOf(&["definer", "invoker"])),
    optional("withCheckOption", OneOf(&["local", "cascaded"])),
];
