//! What a Drizzle schema can say about a PostgreSQL database.
//!
//! `tsload` fills these types from the project's own drizzle-orm objects; `snapshot`, `diff` and
//! `render` read them. Field names in JSON are camelCase: the JavaScript side writes exactly this.
//! Names are resolved (casing applied), and SQL text is as drizzle-orm's own dialect prints it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pair::{Entity, named};

pub use crate::drizzle::declared::{Check, DefaultValue};

/// Everything that the schema files export, in Drizzle's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Schema {
    /// `pgSchema(…)` names; never `public`.
    pub schemas: Vec<String>,
    pub enums: Vec<Enum>,
    pub tables: Vec<Table>,
    pub sequences: Vec<Sequence>,
    pub roles: Vec<Role>,
    /// Policies linked to tables that the schema files do not declare.
    pub policies: Vec<LinkedPolicy>,
    pub views: Vec<View>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enum {
    /// `public` unless declared in another schema.
    pub schema: String,
    pub name: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// `public` unless declared in another schema.
    pub schema: String,
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
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// Whether `.enableRLS()` was called.
    #[serde(default)]
    pub rls: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub name: String,
    /// As `getSQLType()` says: `varchar(20)`, `serial`, `text[]`, `mood` for an enum.
    pub sql_type: String,
    /// The schema of the enum type, if the type (or array element) is an enum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_schema: Option<String>,
    /// Whether the column itself says `.primaryKey()`.
    #[serde(default)]
    pub primary_key: bool,
    #[serde(default)]
    pub not_null: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultValue>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    /// The expression as SQL.
    pub expression: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `always` or `byDefault`.
    pub kind: String,
    #[serde(flatten)]
    pub options: SequenceOptions,
    /// The sequence's name where the schema gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Sequence options as the schema gives them; what is absent takes Drizzle's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SequenceOptions {
    pub increment: Option<String>,
    pub start_with: Option<String>,
    pub min_value: Option<String>,
    pub max_value: Option<String>,
    pub cache: Option<String>,
    pub cycle: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Drizzle's default name where the schema gives none.
    pub name: String,
    /// Whether the schema gives the name.
    #[serde(default)]
    pub name_explicit: bool,
    pub columns: Vec<IndexColumn>,
    pub unique: bool,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    #[serde(default)]
    pub concurrently: bool,
    /// `btree` unless the schema says otherwise.
    pub method: String,
    /// Storage parameters with their JavaScript types.
    #[serde(default)]
    pub with: IndexMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexColumn {
    /// A column's name, or an expression.
    pub expression: String,
    pub is_expression: bool,
    pub asc: bool,
    /// `first` or `last`.
    pub nulls: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignKey {
    pub name: String,
    #[serde(default)]
    pub name_explicit: bool,
    /// Whether the name is live's, which 1.0 lets stand where the schema gives none.
    #[serde(skip)]
    pub name_lent: bool,
    pub columns: Vec<String>,
    /// `public` unless the target says otherwise.
    pub schema_to: String,
    pub table_to: String,
    pub columns_to: Vec<String>,
    /// Lower case, `no action` when the schema says nothing.
    pub on_delete: String,
    pub on_update: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrimaryKey {
    pub name: String,
    #[serde(default)]
    pub name_explicit: bool,
    /// Whether the name is live's, which 1.0 lets stand where the schema gives none.
    #[serde(skip)]
    pub name_lent: bool,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unique {
    pub name: String,
    #[serde(default)]
    pub name_explicit: bool,
    /// Whether the name is live's, which 1.0 lets stand where the schema gives none.
    #[serde(skip)]
    pub name_lent: bool,
    /// Whether it is `.unique()` of a column: Drizzle 1.0 gives those another name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_column: bool,
    pub columns: Vec<String>,
    #[serde(default)]
    pub nulls_not_distinct: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    pub name: String,
    /// `permissive` or `restrictive`, in upper case as the snapshot has it.
    pub r#as: String,
    pub r#for: String,
    pub to: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_check: Option<String>,
    /// Whether it is declared beside its table, with `.link()`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedPolicy {
    pub schema: String,
    /// The table's name.
    pub on: String,
    #[serde(flatten)]
    pub policy: Policy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    #[serde(flatten)]
    pub options: SequenceOptions,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    pub name: String,
    pub create_db: bool,
    pub create_role: bool,
    pub inherit: bool,
    /// What only Drizzle 1.0 knows of roles.
    #[serde(flatten)]
    pub more: RoleOptions,
}

/// Options of a role since Drizzle 1.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superuser: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_login: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bypass_rls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conn_limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub schema: String,
    pub name: String,
    pub columns: Vec<Column>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Declared with `.existing()`: the database owns it.
    pub existing: bool,
    pub materialized: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<IndexMap<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_no_data: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
}

macro_rules! in_schema {
    ($($entity:ty),* $(,)?) => {$(
        impl Entity for $entity {
            fn key(&self) -> String {
                format!("{}.{}", self.schema, self.name)
            }
        }
    )*};
}

in_schema!(Enum, Table, Sequence, View);
named!(Column, Index, ForeignKey, PrimaryKey, Unique, Policy, Role);
