//! A declared schema as rows, as drizzle-kit 1.0 makes them (`src/dialects/sqlite/drizzle.ts`,
//! `interimToDDL` in `ddl.ts`).

use super::super::schema;
use super::types::TYPES;
use super::{Check, Column, ForeignKey, Generated, Index, IndexColumn, Key, Table, View, default};
use crate::drizzle::entities::{Clash, Entities, row};

/// The rows of a schema.
pub(super) fn entities(from: &schema::Schema) -> Result<Entities, Clash> {
    let mut rows = Entities::new(TYPES);
    for table in &from.tables {
        add_table(&mut rows, table)?;
    }
    add_keys(&mut rows, from)?;
    for it in &from.views {
        let definition = it.definition.clone().filter(|_| !it.existing);
        let (name, is_existing) = (it.name.clone(), it.existing);
        rows.add(row("views", &View { name, definition, is_existing, error: None }))?;
    }
    Ok(rows)
}

fn add_table(rows: &mut Entities, it: &schema::Table) -> Result<(), Clash> {
    rows.add(row("tables", &Table { name: it.name.clone() }))?;
    for column in &it.columns {
        rows.add(row("columns", &self::column(it, column)))?;
    }
    for index in &it.indexes {
        rows.add(row("indexes", &self::index(it, index)))?;
    }
    for key in &it.foreign_keys {
        rows.add(row("fks", &foreign_key(it, key)))?;
    }
    for check in &it.checks {
        // The kit takes the table's name out of the first column only.
        let value = check.value.replacen(&format!("\"{}\".", it.name), "", 1);
        let (table, name) = (it.name.clone(), check.name.clone());
        rows.add(row("checks", &Check { table, name, value }))?;
    }
    Ok(())
}

/// The keys of all tables come before those of single columns.
fn add_keys(rows: &mut Entities, from: &schema::Schema) -> Result<(), Clash> {
    for table in &from.tables {
        for key in &table.primary_keys {
            let name = if key.name_explicit { key.name.clone() } else { key_name(table) };
            let columns = key.columns.clone();
            rows.add(row("pks", &self::key(table, name, columns, key.name_explicit)))?;
        }
        for unique in table.uniques.iter().filter(|it| !it.of_column) {
            rows.add(row("uniques", &self::unique(table, unique)))?;
        }
    }
    for table in &from.tables {
        let mut of_column = table.columns.iter().filter(|it| it.primary_key);
        if let (Some(column), true) = (of_column.next(), table.primary_keys.is_empty()) {
            let columns = vec![column.name.clone()];
            rows.add(row("pks", &key(table, key_name(table), columns, false)))?;
        }
        for unique in table.uniques.iter().filter(|it| it.of_column) {
            if !has_unique_index(table, unique) {
                rows.add(row("uniques", &self::unique(table, unique)))?;
            }
        }
    }
    Ok(())
}

fn has_unique_index(table: &schema::Table, unique: &schema::Unique) -> bool {
    let is_same = |it: &schema::Index| {
        let columns = it.columns.iter();
        it.unique
            && columns
                .map(|it| (&it.expression, it.is_expression))
                .eq(unique.columns.iter().map(|it| (it, false)))
    };
    table.indexes.iter().any(is_same)
}

fn key_name(table: &schema::Table) -> String {
    format!("{}_pk", table.name)
}

fn key(table: &schema::Table, name: String, columns: Vec<String>, name_explicit: bool) -> Key {
    Key { table: table.name.clone(), name, columns, name_explicit }
}

fn unique(table: &schema::Table, it: &schema::Unique) -> Key {
    key(table, it.name.clone(), it.columns.clone(), it.name_explicit)
}

fn column(table: &schema::Table, it: &schema::Column) -> Column {
    Column {
        table: table.name.clone(),
        name: it.name.clone(),
        r#type: it.sql_type.clone(),
        not_null: it.not_null && !it.primary_key,
        autoincrement: Some(it.autoincrement),
        default: default::encode(it),
        generated: it
            .generated
            .as_ref()
            .map(|it| Generated { r#as: format!("({})", it.expression), r#type: it.kind.clone() }),
    }
}

fn index(table: &schema::Table, it: &schema::Index) -> Index {
    let column = |it: &schema::IndexColumn| IndexColumn {
        value: it.expression.clone(),
        is_expression: it.is_expression,
    };
    Index {
        table: table.name.clone(),
        name: it.name.clone(),
        columns: it.columns.iter().map(column).collect(),
        is_unique: it.unique,
        condition: it.condition.clone(),
        origin: "manual".to_owned(),
    }
}

fn foreign_key(table: &schema::Table, it: &schema::ForeignKey) -> ForeignKey {
    let name = match it.name_explicit {
        true => it.name.clone(),
        false => format!(
            "fk_{}_{}_{}_{}_fk",
            table.name,
            it.columns.join("_"),
            it.table_to,
            it.columns_to.join("_")
        ),
    };
    ForeignKey {
        table: table.name.clone(),
        name,
        columns: it.columns.clone(),
        table_to: it.table_to.clone(),
        columns_to: it.columns_to.clone(),
        on_update: it.on_update.to_uppercase(),
        on_delete: it.on_delete.to_uppercase(),
        name_explicit: it.name_explicit,
    }
}
