//! Drizzle's snapshot of a PostgreSQL schema, version 7.
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
use crate::drizzle::shape::Presence::{Default, Empty, False};
use crate::drizzle::shape::Shape::{self, *};
use crate::drizzle::shape::{filled, optional, required};
use crate::drizzle::snapshot::{
    Format, ORIGIN, SnapshotError, SnapshotIds, empty_meta, parse_json, present,
};

/// A snapshot: a schema as Drizzle remembers it, with all defaults spelled out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub id: String,
    pub prev_id: String,
    pub version: String,
    pub dialect: String,
    /// By `schema.name`, `public` included, like enums, sequences and views.
    pub tables: IndexMap<String, Table>,
    pub enums: IndexMap<String, Enum>,
    pub schemas: IndexMap<String, String>,
    pub sequences: IndexMap<String, Sequence>,
    pub roles: IndexMap<String, Role>,
    /// Policies on tables that the schema files do not declare.
    pub policies: IndexMap<String, Policy>,
    pub views: IndexMap<String, View>,
    #[serde(rename = "_meta")]
    pub meta: Value,
    /// What `drizzle-kit pull` notes about columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    pub name: String,
    /// Empty for `public`.
    pub schema: String,
    pub columns: IndexMap<String, Column>,
    pub indexes: IndexMap<String, Index>,
    pub foreign_keys: IndexMap<String, ForeignKey>,
    pub composite_primary_keys: IndexMap<String, PrimaryKey>,
    pub unique_constraints: IndexMap<String, Unique>,
    pub policies: IndexMap<String, Policy>,
    pub check_constraints: IndexMap<String, Check>,
    #[serde(rename = "isRLSEnabled")]
    pub is_rls_enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub name: String,
    pub r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_schema: Option<String>,
    pub primary_key: bool,
    pub not_null: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// SQL as a text, or a number, boolean or list as JavaScript has it.
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
pub struct Identity {
    pub r#type: String,
    #[serde(flatten)]
    pub sequence: Sequence,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sequence {
    pub name: String,
    pub schema: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_with: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub name: String,
    pub columns: Vec<IndexColumn>,
    pub is_unique: bool,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    pub concurrently: bool,
    pub method: String,
    #[serde(default)]
    pub with: IndexMap<String, Value>,
}

/// Drizzle writes the fields of an expression in another order than those of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "AnyIndexColumn", untagged)]
pub enum IndexColumn {
    Expression(IndexExpression),
    Column(IndexedColumn),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexExpression {
    pub expression: String,
    pub asc: bool,
    pub is_expression: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nulls: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexedColumn {
    pub expression: String,
    pub is_expression: bool,
    pub asc: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nulls: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyIndexColumn {
    expression: String,
    is_expression: bool,
    asc: bool,
    nulls: Option<String>,
    opclass: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignKey {
    pub name: String,
    pub table_from: String,
    pub table_to: String,
    /// Absent for `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_to: Option<String>,
    pub columns_from: Vec<String>,
    pub columns_to: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_update: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrimaryKey {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unique {
    pub name: String,
    pub nulls_not_distinct: bool,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#as: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_check: Option<String>,
    /// Only where the table is not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The quoted table, only where it is not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enum {
    pub name: String,
    pub schema: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_db: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_role: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherit: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub columns: IndexMap<String, Column>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    pub name: String,
    pub schema: String,
    pub is_existing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<IndexMap<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_no_data: Option<bool>,
    pub materialized: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
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

impl View {
    /// The options in the order in which drizzle-kit writes them into SQL, which is not that of the
    /// file.
    pub fn options(&self) -> impl Iterator<Item = (&str, &Value)> {
        let given = |key| self.with.as_ref().and_then(|it| it.get(key));
        VIEW_OPTIONS.iter().filter_map(move |it| given(it.key).map(|value| (it.key, value)))
    }
}

impl IndexColumn {
    /// Whether it is not just a column.
    pub fn is_expression(&self) -> bool {
        matches!(self, Self::Expression(_))
    }

    /// The column's name, or the expression.
    pub fn expression(&self) -> &str {
        match self {
            Self::Expression(it) => &it.expression,
            Self::Column(it) => &it.expression,
        }
    }
}

impl From<AnyIndexColumn> for IndexColumn {
    fn from(it: AnyIndexColumn) -> Self {
        let AnyIndexColumn { expression, is_expression, asc, nulls, opclass } = it;
        if is_expression {
            Self::Expression(IndexExpression { expression, asc, is_expression, nulls, opclass })
        } else {
            Self::Column(IndexedColumn { expression, is_expression, asc, nulls, opclass })
        }
    }
}

/// How drizzle-kit 0.31.11 validates version 7 (`src/serializer/pgSchema.ts`, `pgSchema`).
pub const FORMAT: Format =
    Format { version: "7", dialect: "postgresql", shape: Loose(SNAPSHOT), dry };

fn dry() -> Value {
    json!({
        "version": "7", "dialect": "postgresql", "id": ORIGIN, "prevId": "",
        "tables": {}, "enums": {}, "schemas": {}, "_meta": empty_meta(),
    })
}

type Fields = &'static [crate::drizzle::shape::Field];

const SNAPSHOT: Fields = &[
    required("version", OneOf(&["7"])),
    required("dialect", OneOf(&["postgresql"])),
    required("tables", Record(&Strict(TABLE))),
    required("enums", Record(&Strict(ENUM))),
    required("schemas", TEXT_RECORD),
    filled("views", Record(&Strict(VIEW)), Empty),
    filled("sequences", Record(&Strict(SEQUENCE)), Empty),
    filled("roles", Record(&Strict(ROLE)), Empty),
    filled("policies", Record(&Strict(POLICY)), Empty),
    required("_meta", Loose(META)),
    optional("internal", Any),
    required("id", Text),
    required("prevId", Text),
];

const TEXT_RECORD: Shape = Record(&Text);

const META: Fields = &[
    required("schemas", TEXT_RECORD),
    required("tables", TEXT_RECORD),
    required("columns", TEXT_RECORD),
];

const TABLE: Fields = &[
    required("name", Text),
    required("schema", Text),
    required("columns", Record(&Strict(COLUMN))),
    required("indexes", Record(&Strict(INDEX))),
    required("foreignKeys", Record(&Strict(FOREIGN_KEY))),
    required("compositePrimaryKeys", Record(&Strict(PRIMARY_KEY))),
    filled("uniqueConstraints", Record(&Strict(UNIQUE)), Empty),
    filled("policies", Record(&Strict(POLICY)), Empty),
    filled("checkConstraints", Record(&Strict(CHECK)), Empty),
    filled("isRLSEnabled", Flag, False),
];

const COLUMN: Fields = &[
    required("name", Text),
    required("type", Text),
    optional("typeSchema", Text),
    required("primaryKey", Flag),
    required("notNull", Flag),
    optional("default", Any),
    optional("isUnique", Any),
    optional("uniqueName", Text),
    optional("nullsNotDistinct", Flag),
    optional("generated", Loose(&[required("type", OneOf(&["stored"])), required("as", Text)])),
    optional("identity", Strict(IDENTITY)),
];

const SEQUENCE: Fields = &[
    required("name", Text),
    optional("increment", Text),
    optional("minValue", Text),
    optional("maxValue", Text),
    optional("startWith", Text),
    optional("cache", Text),
    optional("cycle", Flag),
    required("schema", Text),
];

const IDENTITY: Fields = &[
    required("name", Text),
    optional("increment", Text),
    optional("minValue", Text),
    optional("maxValue", Text),
    optional("startWith", Text),
    optional("cache", Text),
    optional("cycle", Flag),
    required("schema", Text),
    required("type", OneOf(&["always", "byDefault"])),
];

const INDEX: Fields = &[
    required("name", Text),
    required("columns", List(&Loose(INDEX_COLUMN))),
    required("isUnique", Flag),
    optional("with", Record(&Any)),
    filled("method", Text, Default("btree")),
    optional("where", Text),
    filled("concurrently", Flag, False),
];

const INDEX_COLUMN: Fields = &[
    required("expression", Text),
    required("isExpression", Flag),
    required("asc", Flag),
    optional("nulls", Text),
    optional("opclass", Text),
];

const FOREIGN_KEY: Fields = &[
    required("name", Text),
    required("tableFrom", Text),
    required("columnsFrom", Texts),
    required("tableTo", Text),
    optional("schemaTo", Text),
    required("columnsTo", Texts),
    optional("onUpdate", Text),
    optional("onDelete", Text),
];

const PRIMARY_KEY: Fields = &[required("name", Text), required("columns", Texts)];

const UNIQUE: Fields =
    &[required("name", Text), required("columns", Texts), required("nullsNotDistinct", Flag)];

const CHECK: Fields = &[required("name", Text), required("value", Text)];

const POLICY: Fields = &[
    required("name", Text),
    optional("as", OneOf(&["PERMISSIVE", "RESTRICTIVE"])),
    optional("for", OneOf(&["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"])),
    optional("to", Texts),
    optional("using", Text),
    optional("withCheck", Text),
    optional("on", Text),
    optional("schema", Text),
];

const ENUM: Fields = &[required("name", Text), required("schema", Text), required("values", Texts)];

const ROLE: Fields = &[
    required("name", Text),
    optional("createDb", Flag),
    optional("createRole", Flag),
    optional("inherit", Flag),
];

const VIEW: Fields = &[
    required("name", Text),
    required("schema", Text),
    required("columns", Record(&Strict(COLUMN))),
    optional("definition", Text),
    required("materialized", Flag),
    optional("with", Strict(VIEW_OPTIONS)),
    required("isExisting", Flag),
    optional("withNoData", Flag),
    optional("using", Text),
    optional("tablespace", Text),
];

const VIEW_OPTIONS: Fields = &[
    optional("checkOption", OneOf(&["local", "cascaded"])),
    optional("securityBarrier", Flag),
    optional("securityInvoker", Flag),
    optional("fillfactor", Number),
    optional("toastTupleTarget", Number),
    optional("parallelWorkers", Number),
    optional("autovacuumEnabled", Flag),
    optional("vacuumIndexCleanup", OneOf(&["auto", "off", "on"])),
    optional("vacuumTruncate", Flag),
    optional("autovacuumVacuumThreshold", Number),
    optional("autovacuumVacuumScaleFactor", Number),
    optional("autovacuumVacuumCostDelay", Number),
    optional("autovacuumVacuumCostLimit", Number),
    optional("autovacuumFreezeMinAge", Number),
    optional("autovacuumFreezeMaxAge", Number),
    optional("autovacuumFreezeTableAge", Number),
    optional("autovacuumMultixactFreezeMinAge", Number),
    optional("autovacuumMultixactFreezeMaxAge", Number),
    optional("autovacuumMultixactFreezeTableAge", Number),
    optional("logAutovacuumMinDuration", Number),
    optional("userCatalogTable", Flag),
];
