//! What the snapshots of SQLite and MySQL have in common. The fields stand in the file's order.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignKey {
    pub name: String,
    pub table_from: String,
    pub table_to: String,
    pub columns_from: Vec<String>,
    pub columns_to: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_update: Option<String>,
}

impl ForeignKey {
    /// Whether two keys are the same to drizzle-kit.
    pub(crate) fn means(&self, other: &Self) -> bool {
        let normal = |it: &Self| Self {
            on_delete: Some(it.on_delete.clone().unwrap_or_default()),
            on_update: Some(it.on_update.clone().unwrap_or_default()),
            ..it.clone()
        };
        normal(self) == normal(other)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unique {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IndexParts {
    pub columns: IndexMap<String, IndexPart>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IndexPart {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_expression: Option<bool>,
}
