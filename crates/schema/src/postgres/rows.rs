//! Drizzle 1.0's snapshot of a PostgreSQL schema: flat rows, versions 8 and 9.
//!
//! The types are the rows: their fields stand in the order in which `drizzle-kit generate` 1.0 writes
//! them. `encode` makes them from a declared schema, `diff` and `render` say how to get from one set of
//! rows to another.

mod default;
mod diff;
mod encode;
mod render;
mod types;
mod upgrade;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema;
use super::snapshot::Snapshot;
use crate::drizzle::chain::{EntityFormat, EntitySnapshot};
use crate::drizzle::entities::Entities;
use crate::drizzle::snapshot::{SnapshotError, SnapshotIds};
use crate::pair::Pair;
use crate::plan::Statement;
use crate::rename::{NameKind, Rename};

/// How the files look.
pub const FORMAT: EntityFormat = EntityFormat {
    dialect: "postgres",
    version: "9",
    older: &["8"],
    types: types::TYPES,
    has_deltas: true,
    renames: &NameKind::ALL,
    notes_renames: false,
    upgraded_header: ["version", "dialect", "id", "prevIds"],
};

/// The schema with the names that drizzle-kit 1.0 gives to what it does not name. drizzle-orm itself still
/// says those of 0.x.
#[must_use]
pub fn named(schema: &schema::Schema) -> schema::Schema {
    let mut named = schema.clone();
    for table in &mut named.tables {
        let names = encode::names(table);
        for (it, name) in table.foreign_keys.iter_mut().zip(names.foreign_keys) {
            it.name = name;
        }
        for (it, name) in table.primary_keys.iter_mut().zip(names.primary_keys) {
            it.name = name;
        }
        for (it, name) in table.uniques.iter_mut().zip(names.uniques) {
            it.name = name;
        }
    }
    named
}

/// The snapshot of a declared schema.
///
/// # Errors
/// When drizzle-kit 1.0 cannot tell two of its entities apart.
pub fn snapshot(
    schema: &schema::Schema,
    ids: &SnapshotIds,
) -> Result<EntitySnapshot, SnapshotError> {
    Ok(EntitySnapshot::new(&FORMAT, encode::entities(schema)?, ids))
}

/// A snapshot of 0.31 as one of 1.0, at the same place of the chain.
///
/// # Errors
/// When two of its entities have one key.
pub fn upgraded(from: &Snapshot) -> Result<EntitySnapshot, SnapshotError> {
    let ids = SnapshotIds { id: from.id.clone(), prev_id: from.prev_id.clone() };
    Ok(EntitySnapshot::new(&FORMAT, upgrade::entities(from)?, &ids))
}

/// The statements that lead from one set of rows to another, as drizzle-kit 1.0 writes them. The first has
/// the new names already.
pub fn statements(entities: Pair<&Entities>, renames: &[Rename]) -> Vec<Statement> {
    render::statements(&diff::diff(entities, renames))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// Also where a table has policies.
    pub is_rls_enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enum {
    pub schema: String,
    pub name: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub schema: String,
    pub table: String,
    pub name: String,
    /// Of the element where it is an array.
    pub r#type: String,
    pub type_schema: Option<String>,
    pub not_null: bool,
    pub dimensions: usize,
    pub default: Option<String>,
    pub generated: Option<Generated>,
    pub identity: Option<Identity>,
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
    pub name: String,
    pub increment: Option<String>,
    pub start_with: Option<String>,
    pub min_value: Option<String>,
    pub max_value: Option<String>,
    pub cache: Option<Value>,
    pub cycle: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema: String,
    pub table: String,
    pub name: String,
    pub name_explicit: bool,
    pub columns: Vec<IndexColumn>,
    pub is_unique: bool,
    #[serde(rename = "where")]
    pub condition: Option<String>,
    pub with: String,
    pub method: String,
    pub concurrently: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexColumn {
    pub value: String,
    pub is_expression: bool,
    pub asc: bool,
    pub nulls_first: bool,
    pub opclass: Option<OperatorClass>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorClass {
    pub name: String,
    pub default: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignKey {
    pub schema: String,
    pub table: String,
    pub name: String,
    pub name_explicit: bool,
    pub columns: Vec<String>,
    pub schema_to: String,
    pub table_to: String,
    pub columns_to: Vec<String>,
    pub on_update: Option<String>,
    pub on_delete: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrimaryKey {
    pub schema: String,
    pub table: String,
    pub name: String,
    pub columns: Vec<String>,
    pub name_explicit: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unique {
    pub schema: String,
    pub table: String,
    pub name: String,
    pub name_explicit: bool,
    pub columns: Vec<String>,
    pub nulls_not_distinct: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub schema: String,
    pub table: String,
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    pub increment_by: Option<String>,
    pub min_value: Option<String>,
    pub max_value: Option<String>,
    pub start_with: Option<String>,
    pub cache_size: Option<Value>,
    pub cycle: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    pub name: String,
    pub superuser: Option<bool>,
    pub create_db: Option<bool>,
    pub create_role: Option<bool>,
    pub inherit: Option<bool>,
    pub can_login: Option<bool>,
    pub replication: Option<bool>,
    pub bypass_rls: Option<bool>,
    pub conn_limit: Option<i64>,
    pub password: Option<String>,
    pub valid_until: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Privilege {
    pub grantor: String,
    pub grantee: String,
    pub schema: String,
    pub table: String,
    pub r#type: String,
    #[serde(rename = "isGrantable")]
    pub is_grantable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    pub schema: String,
    pub table: String,
    pub name: String,
    pub r#as: String,
    pub r#for: String,
    pub roles: Vec<String>,
    pub using: Option<String>,
    pub with_check: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub schema: String,
    pub name: String,
    pub definition: Option<String>,
    /// All options, null where they are not set.
    pub with: Option<Map<String, Value>>,
    pub with_no_data: Option<bool>,
    pub using: Option<String>,
    pub tablespace: Option<String>,
    pub materialized: bool,
}
