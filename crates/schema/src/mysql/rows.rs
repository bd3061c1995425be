//! Drizzle 1.0's snapshot of a MySQL schema: flat rows, version 6.
//!
//! The types are the rows: their fields stand in the order in which `drizzle-kit generate` 1.0 writes
//! them. `encode` makes them from a declared schema, `diff` compares two sets of them, `render` turns
//! the changes into SQL.

mod default;
mod diff;
mod encode;
mod render;
mod types;
mod upgrade;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::schema;
use super::snapshot::Snapshot;
use super::token::tokens;
use crate::drizzle::chain::{EntityFormat, EntitySnapshot};
use crate::drizzle::entities::{Entities, Row};
use crate::drizzle::snapshot::{SnapshotError, SnapshotIds};
use crate::pair::Pair;
use crate::plan::Statement;
use crate::rename::{NameKind, Rename};
use crate::token::Token;

/// How the files look.
pub const FORMAT: EntityFormat = EntityFormat {
    dialect: "mysql",
    version: "6",
    older: &[],
    types: types::TYPES,
    has_deltas: false,
    renames: &[NameKind::Table, NameKind::Column, NameKind::View],
    notes_renames: false,
    upgraded_header: ["version", "id", "prevIds", "dialect"],
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

/// The statements that lead from one set of rows to another, as drizzle-kit 1.0 writes them, and what no
/// statement expresses. The first has the new names already.
pub fn statements(entities: Pair<&Entities>, renames: &[Rename]) -> (Vec<Statement>, Vec<String>) {
    let diff = diff::diff(entities, &dependencies(entities.to), renames);
    (render::statements(&diff), diff.not_expressed)
}

/// Which views select from which others: drizzle-kit asks the schema, and a file only has the text of a
/// view, in which whatever it selects from is quoted.
fn dependencies(entities: &Entities) -> diff::Dependencies {
    let views: Vec<View> = rows(entities, "views");
    let mentioned = |definition: &str| -> Vec<String> {
        let tokens = tokens(definition).unwrap_or_default();
        let names = tokens.iter().filter_map(Token::identifier);
        names.filter(|name| views.iter().any(|it| it.name == *name)).collect()
    };
    views.iter().map(|it| (it.name.clone(), mentioned(&it.definition))).collect()
}

/// The rows of a type as the type that they are here.
fn rows<T: DeserializeOwned>(entities: &Entities, entity: &str) -> Vec<T> {
    entities.of(entity).filter_map(read).collect()
}

/// A row that has been validated before.
fn read<T: DeserializeOwned>(row: &Row) -> Option<T> {
    serde_json::from_value(row.clone().into()).ok()
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
    pub not_null: bool,
    pub auto_increment: bool,
    pub default: Option<String>,
    pub on_update_now: bool,
    pub on_update_now_fsp: Option<u32>,
    pub char_set: Option<String>,
    pub collation: Option<String>,
    pub generated: Option<Generated>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    pub r#as: String,
    pub r#type: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrimaryKey {
    pub table: String,
    /// Always `PRIMARY`.
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignKey {
    pub table: String,
    pub name: String,
    pub columns: Vec<String>,
    pub table_to: String,
    pub columns_to: Vec<String>,
    pub on_update: Option<String>,
    pub on_delete: Option<String>,
    pub name_explicit: bool,
}

/// An index; a unique constraint is one, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub table: String,
    pub name: String,
    pub columns: Vec<IndexColumn>,
    pub is_unique: bool,
    pub using: Option<String>,
    pub algorithm: Option<String>,
    pub lock: Option<String>,
    pub name_explicit: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexColumn {
    pub value: String,
    pub is_expression: bool,
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
    pub definition: String,
    pub algorithm: String,
    pub sql_security: String,
    pub with_check_option: Option<String>,
}
