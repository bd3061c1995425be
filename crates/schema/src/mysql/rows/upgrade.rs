//! A snapshot of 0.31 as rows, as `drizzle-kit up` of 1.0 turns it (`upToV6`,
//! `src/cli/commands/up-mysql.ts`), but that views of somebody else's stay away and primary keys stay: 1.0
//! cannot read what its own `up` makes of the former, and loses the latter where 0.x noted no checks.

use serde_json::Value;

use super::super::snapshot;
use super::types::TYPES;
use super::{Check, Column, ForeignKey, Generated, Index, IndexColumn, PrimaryKey, Table, View};
use crate::drizzle::entities::{Clash, Entities, row};
use crate::drizzle::javascript;

/// The rows of a snapshot of 0.31.
pub(super) fn entities(from: &snapshot::Snapshot) -> Result<Entities, Clash> {
    let mut rows = Entities::new(TYPES);
    for table in from.tables.values() {
        rows.add(row("tables", &Table { name: table.name.clone() }))?;
        for it in table.columns.values() {
            rows.add(row("columns", &column(table, it)))?;
        }
    }
    for table in from.tables.values() {
        add_parts(&mut rows, table)?;
    }
    for it in from.views.values().filter(|it| !it.is_existing) {
        rows.add(row("views", &view(it)))?;
    }
    Ok(rows)
}

fn add_parts(rows: &mut Entities, table: &snapshot::Table) -> Result<(), Clash> {
    for it in table.indexes.values() {
        rows.add(row("indexes", &index(table, it)))?;
    }
    for it in table.unique_constraints.values() {
        rows.add(row("indexes", &unique(table, it)))?;
    }
    for it in table.foreign_keys.values() {
        rows.add(row("fks", &foreign_key(table, it)))?;
    }
    for it in table.check_constraint.values() {
        let (name, value) = (it.name.clone(), it.value.clone());
        rows.add(row("checks", &Check { table: table.name.clone(), name, value }))?;
    }
    for it in table.composite_primary_keys.values() {
        let (table, name) = (table.name.clone(), "PRIMARY".to_owned());
        rows.add(row("pks", &PrimaryKey { table, name, columns: it.columns.clone() }))?;
    }
    Ok(())
}

fn column(table: &snapshot::Table, it: &snapshot::Column) -> Column {
    Column {
        table: table.name.clone(),
        name: it.name.clone(),
        r#type: it.r#type.clone(),
        not_null: it.not_null,
        auto_increment: it.autoincrement.unwrap_or_default(),
        default: it.default.as_ref().map(|default| self::default(&it.r#type, default)),
        on_update_now: it.on_update.unwrap_or_default(),
        on_update_now_fsp: None,
        char_set: None,
        collation: None,
        generated: it
            .generated
            .as_ref()
            .map(|it| Generated { r#as: it.r#as.clone(), r#type: it.r#type.clone() }),
    }
}

/// The default as 1.0 spells it for the types that it spells otherwise.
fn default(sql_type: &str, default: &Value) -> String {
    let text = javascript::text(default);
    let inner = trimmed(&text, '\'');
    if sql_type.starts_with("decimal") {
        format!("({inner})")
    } else if sql_type.starts_with("binary") && inner != text {
        format!("('{}')", inner.replace('\\', "\\\\").replace('\'', "''"))
    } else if sql_type.starts_with("varbinary") && inner != text {
        let hex: String = inner.bytes().map(|it| format!("{it:02x}")).collect();
        format!("(0x{hex})")
    } else {
        text
    }
}

/// The text without a mark that stands at both ends.
fn trimmed(text: &str, mark: char) -> &str {
    text.strip_prefix(mark).and_then(|it| it.strip_suffix(mark)).unwrap_or(text)
}

/// Columns by their names; what is no column of the table is an expression.
fn columns(table: &snapshot::Table, of: &[String]) -> Vec<IndexColumn> {
    let is_column =
        |it: &String| table.columns.values().any(|column| column.name == trimmed(it, '`'));
    let column = |it: &String| IndexColumn { value: it.clone(), is_expression: !is_column(it) };
    of.iter().map(column).collect()
}

fn index(table: &snapshot::Table, it: &snapshot::Index) -> Index {
    Index {
        table: table.name.clone(),
        name: it.name.clone(),
        columns: columns(table, &it.columns),
        is_unique: it.is_unique,
        using: it.using.clone(),
        algorithm: it.algorithm.clone(),
        lock: it.lock.clone(),
        name_explicit: true,
    }
}

fn unique(table: &snapshot::Table, it: &snapshot::Unique) -> Index {
    let default = format!("{}_{}", table.name, it.columns.join("_"));
    let is_derived = it.name == default || it.name == format!("{default}_unique");
    Index {
        table: table.name.clone(),
        name: it.name.clone(),
        columns: columns(table, &it.columns),
        is_unique: true,
        using: None,
        algorithm: None,
        lock: None,
        name_explicit: !is_derived,
    }
}

fn foreign_key(table: &snapshot::Table, it: &snapshot::ForeignKey) -> ForeignKey {
    let derived = format!(
        "{}_{}_{}_{}_fk",
        it.table_from,
        it.columns_from.join("_"),
        it.table_to,
        it.columns_to.join("_")
    );
    ForeignKey {
        table: table.name.clone(),
        name: it.name.clone(),
        columns: it.columns_from.clone(),
        table_to: it.table_to.clone(),
        columns_to: it.columns_to.clone(),
        on_update: it.on_update.as_ref().map(|it| it.to_uppercase()),
        on_delete: it.on_delete.as_ref().map(|it| it.to_uppercase()),
        name_explicit: it.name != derived,
    }
}

fn view(it: &snapshot::View) -> View {
    View {
        name: it.name.clone(),
        definition: it.definition.clone().unwrap_or_default(),
        algorithm: it.algorithm.clone(),
        sql_security: it.sql_security.clone(),
        with_check_option: it.with_check_option.clone(),
    }
}
