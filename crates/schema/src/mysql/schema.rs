//! What a Drizzle schema can say about a MySQL or MariaDB database.
//!
//! `tsload` fills these types from the project's own drizzle-orm objects; `snapshot`, `diff` and
//! `render` read them. Field names in JSON are camelCase: the JavaScript side writes exactly this.

use serde::{Deserialize, Serialize};

use super::grammar::misread;
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

/// A text as a default that drizzle-kit 0.31 writes so that the server reads another one.
#[derive(Clone, Debug, PartialEq)]
pub struct MisreadDefault {
    pub table: String,
    pub column: String,
    pub declared: String,
    pub read: String,
}

impl Schema {
    /// The texts with a backslash that 0.31 does not escape.
    pub fn misread_defaults(&self) -> Vec<MisreadDefault> {
        let own = self.tables.iter().filter(|it| it.schema.is_none());
        let columns = own.flat_map(|table| table.columns.iter().map(move |it| (table, it)));
        let misread = columns.filter_map(|(table, column)| {
            let Some(DefaultValue::Text(declared)) = &column.default else { return None };
            let read = misread(declared).filter(|_| column.sql_type != "json")?;
            let (table, declared) = (table.name.clone(), declared.clone());
            Some(MisreadDefault { table, column: column.name.clone(), declared, read })
        });
        misread.collect()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    pub name: String,
    /// The database of `mysqlSchema(…)`. drizzle-kit passes over such tables in silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
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
    /// As `getSQLType()` says: `int unsigned`, `varchar(20)`, `enum('a','b')`.
    pub sql_type: String,
    /// The values of `mysqlEnum` over a list. One over an object has them in `sql_type` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enum_values: Option<Vec<String>>,
    /// Whether the column itself says `.primaryKey()`.
    #[serde(default)]
    pub primary_key: bool,
    #[serde(default)]
    pub not_null: bool,
    #[serde(default)]
    pub auto_increment: bool,
    /// `.onUpdateNow()`.
    #[serde(default)]
    pub on_update_now: bool,
    /// The digits of `.onUpdateNow({ fsp })`, which only 1.0 has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_update_now_fsp: Option<u32>,
    /// `.charSet(…)`, which only 1.0 has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub char_set: Option<String>,
    /// `.collate(…)`, which only 1.0 has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultValue>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub name: String,
    #[serde(default)]
    pub name_explicit: bool,
    pub columns: Vec<IndexColumn>,
    pub unique: bool,
    /// `btree` or `hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    /// `default`, `inplace` or `copy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// `default`, `none`, `shared` or `exclusive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
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
    /// Whether it is `.unique()` of a column.
    #[serde(default)]
    pub of_column: bool,
    /// Columns; 1.0 takes expressions too.
    pub columns: Vec<IndexColumn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub name: String,
    /// The database of `mysqlSchema(…)`, which drizzle-kit does not look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    pub columns: Vec<Column>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Declared with `.existing()`: the database owns it.
    pub existing: bool,
    /// `undefined`, `merge` or `temptable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// `definer` or `invoker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_security: Option<String>,
    /// `local` or `cascaded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_check_option: Option<String>,
    /// Views that this one selects from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

named!(Table, View, Column, Index, Unique);
