//! What a Drizzle schema can say about a SQLite database.
//!
//! `tsload` fills these types from the project's own drizzle-orm objects; `snapshot`, `diff` and
//! `render` read them. Field names in JSON are camelCase: the JavaScript side writes exactly this.

use serde::{Deserialize, Serialize};

use crate::pair::named;

pub use crate::drizzle::declared::{
    Check, DefaultValue, ForeignKey, Generated, IndexColumn, PrimaryKey,
};

/// Everything that the schema files export, in Drizzle's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Schema {
    pub tables: Vec<Table>,
    pub views: Vec<View>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    #[serde(default)]
    pub indexes: Vec<Index>,
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKey>,
    /// `primaryKey({ columns })`: keys that are not a column's own `.primaryKey()`.
    #[serde(default)]
    pub primary_keys: Vec<PrimaryKey>,
    /// Both `.unique()` of a column and `unique().on(…)` of the table, in that order.
    #[serde(default)]
    pub uniques: Vec<Unique>,
    #[serde(default)]
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub name: String,
    /// As `getSQLType()` says: `integer`, `text(20)`.
    pub sql_type: String,
    /// Whether the column itself says `.primaryKey()`.
    #[serde(default)]
    pub primary_key: bool,
    #[serde(default)]
    pub not_null: bool,
    #[serde(default)]
    pub autoincrement: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultValue>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub name: String,
    pub columns: Vec<IndexColumn>,
    pub unique: bool,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unique {
    pub name: String,
    #[serde(default)]
    pub name_explicit: bool,
    /// Whether it is `.unique()` of a column: Drizzle writes those before the indexes, and the
    /// others after them.
    #[serde(default)]
    pub of_column: bool,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub name: String,
    pub columns: Vec<Column>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Declared with `.existing()`: the database owns it.
    pub existing: bool,
}

named!(Table, View, Column, Index, Unique);
