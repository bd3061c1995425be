//! Drizzle 1.0's snapshot of a SQLite schema: flat rows, version 7.
//!
//! The types are the rows: their fields stand in the order in which `drizzle-kit generate` 1.0 writes
//! them. `encode` makes them from a declared schema.

mod default;
mod diff;
mod encode;
mod render;
mod types;
mod upgrade;

use serde::{Deserialize, Serialize};

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
    dialect: "sqlite",
    version: "7",
    older: &[],
    types: types::TYPES,
    has_deltas: false,
    renames: &[NameKind::Table, NameKind::Column],
    notes_renames: true,
    upgraded_header: ["dialect", "id", "prevIds", "version"],
};

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
pub struct Table {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub table: String,
    pub name: String,
    pub r#type: String,
    /// Not said of primary keys.
    pub not_null: bool,
    pub autoincrement: Option<bool>,
    pub default: Option<String>,
    pub generated: Option<Generated>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    pub r#as: String,
    pub r#type: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub table: String,
    pub name: String,
    pub columns: Vec<IndexColumn>,
    pub is_unique: bool,
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// `manual`, or `auto` for the index of a constraint.
    pub origin: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexColumn {
    pub value: String,
    pub is_expression: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignKey {
    pub table: String,
    pub name: String,
    pub columns: Vec<String>,
    pub table_to: String,
    pub columns_to: Vec<String>,
    pub on_update: String,
    pub on_delete: String,
    pub name_explicit: bool,
}

/// A primary key or a unique constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    pub table: String,
    pub name: String,
    pub columns: Vec<String>,
    pub name_explicit: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub table: String,
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub name: String,
    pub definition: Option<String>,
    pub is_existing: bool,
    pub error: Option<String>,
}
