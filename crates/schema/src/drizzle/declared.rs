//! What a declaration is made of in more than one dialect.
//!
//! Like the rest of a declared schema it is written by the JavaScript side, in camelCase; each
//! dialect's `schema` re-exports what it has of this.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pair::named;

/// `.default(…)` before any dialect has encoded it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum DefaultValue {
    /// `` sql`…` ``, as drizzle-orm's dialect prints it.
    Sql(String),
    Text(String),
    /// A `Date`, as `toISOString()` prints it.
    Date(String),
    /// A `bigint` literal in decimal.
    BigInt(String),
    /// A `Buffer` or `Uint8Array` in hexadecimal.
    Bytes(String),
    /// A number, a boolean, an array or an object. Dates in an array are texts already, cut to the
    /// column's type.
    Json(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    /// The expression as SQL.
    pub expression: String,
    /// `stored` or `virtual`.
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexColumn {
    /// A column's name, or an expression.
    pub expression: String,
    pub is_expression: bool,
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
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub name: String,
    /// The condition as drizzle-orm prints it, columns qualified with their table.
    pub value: String,
}

named!(ForeignKey, PrimaryKey, Check);
