//! A declared schema as rows, as drizzle-kit 1.0 makes them (`src/dialects/mysql/drizzle.ts`,
//! `interimToDDL` in `ddl.ts`).

use super::super::schema;
use super::types::TYPES;
use super::{
    Check, Column, ForeignKey, Generated, Index, IndexColumn, PrimaryKey, Table, View, default,
};
use crate::drizzle::entities::{Clash, Entities, row};
use crate::drizzle::snapshot::default_key_name;

/// The rows of a schema.
pub(super) fn entities(from: &schema::Schema) -> Result<Entities, Clash> {
    let mut rows = Entities::new(TYPES);
    // What belongs to another database is none of the kit's business.
    let own: Vec<_> = from.tables.iter().filter(|it| it.schema.is_none()).collect();
    for table in &own {
        rows.add(row("tables", &Table { name: table.name.clone() }))?;
        for it in &table.columns {
            rows.add(row("columns", &column(table, it)))?;
        }
        for it in &table.foreign_keys {
            rows.add(row("fks", &foreign_key(table, it)))?;
        }
        for it in &table.checks {
            let (name, value) = (it.name.clone(), it.value.clone());
            rows.add(row("checks", &Check { table: table.name.clone(), name, value }))?;
        }
    }
    add_primary_keys(&mut rows, &own)?;
    add_indexes(&mut rows, &own)?;
    for it in from.views.iter().filter(|it| !it.existing) {
        rows.add(row("views", &view(it)))?;
    }
    Ok(rows)
}

/// The keys of all tables come before those of columns.
fn add_primary_keys(rows: &mut Entities, tables: &[&schema::Table]) -> Result<(), Clash> {
    let key = |table: &schema::Table, columns: Vec<String>| {
        let (table, name) = (table.name.clone(), "PRIMARY".to_owned());
        row("pks", &PrimaryKey { table, name, columns })
    };
    for table in tables {
        for it in &table.primary_keys {
            rows.add(key(table, it.columns.clone()))?;
        }
    }
    for table in tables.iter().filter(|it| it.primary_keys.is_empty()) {
        if let Some(it) = table.columns.iter().find(|it| it.primary_key) {
            rows.add(key(table, vec![it.name.clone()]))?;
        }
    }
    Ok(())
}

/// The unique columns of all tables come before what the tables say of themselves.
fn add_indexes(rows: &mut Entities, tables: &[&schema::Table]) -> Result<(), Clash> {
    for table in tables {
        for it in table.uniques.iter().filter(|it| it.of_column) {
            rows.add(row("indexes", &unique(table, it)))?;
        }
    }
    for table in tables {
        for it in table.uniques.iter().filter(|it| !it.of_column) {
            rows.add(row("indexes", &unique(table, it)))?;
        }
        for it in &table.indexes {
            rows.add(row("indexes", &index(table, it)))?;
        }
    }
    Ok(())
}

fn column(table: &schema::Table, it: &schema::Column) -> Column {
    let quoted = |it: &String| format!("'{}'", it.replace('\'', "''"));
    let sql_type = match &it.enum_values {
        Some(values) => {
            format!("enum({})", values.iter().map(quoted).collect::<Vec<_>>().join(","))
        }
        None => it.sql_type.replacen(", ", ",", 1),
    };
    let kind = |it: &str| if it == "virtual" { "virtual" } else { "stored" }.to_owned();
    Column {
        table: table.name.clone(),
        name: it.name.clone(),
        r#type: sql_type,
        not_null: it.not_null,
        auto_increment: it.auto_increment,
        default: default::encode(it),
        on_update_now: it.on_update_now,
        on_update_now_fsp: it.on_update_now_fsp,
        char_set: it.char_set.clone(),
        collation: it.collation.clone(),
        generated: it
            .generated
            .as_ref()
            .map(|it| Generated { r#as: it.expression.clone(), r#type: kind(&it.kind) }),
    }
}

fn columns(of: &[schema::IndexColumn]) -> Vec<IndexColumn> {
    let column = |it: &schema::IndexColumn| IndexColumn {
        value: it.expression.clone(),
        is_expression: it.is_expression,
    };
    of.iter().map(column).collect()
}

fn unique(table: &schema::Table, it: &schema::Unique) -> Index {
    let names = it.columns.iter().filter(|it| !it.is_expression).map(|it| it.expression.as_str());
    let derived = || format!("{}_unique", names.collect::<Vec<_>>().join("_"));
    Index {
        table: table.name.clone(),
        name: if it.name_explicit || it.name_lent { it.name.clone() } else { derived() },
        columns: columns(&it.columns),
        is_unique: true,
        using: None,
        algorithm: None,
        lock: None,
        name_explicit: it.name_explicit,
    }
}

fn index(table: &schema::Table, it: &schema::Index) -> Index {
    Index {
        table: table.name.clone(),
        name: it.name.clone(),
        columns: columns(&it.columns),
        is_unique: it.unique,
        using: it.using.clone(),
        algorithm: it.algorithm.clone(),
        lock: it.lock.clone(),
        name_explicit: it.name_explicit,
    }
}

fn foreign_key(table: &schema::Table, it: &schema::ForeignKey) -> ForeignKey {
    let derived = || default_key_name(&table.name, &it.columns, &it.table_to, &it.columns_to);
    ForeignKey {
        table: table.name.clone(),
        name: if it.name_explicit || it.name_lent { it.name.clone() } else { derived() },
        columns: it.columns.clone(),
        table_to: it.table_to.clone(),
        columns_to: it.columns_to.clone(),
        on_update: Some(it.on_update.to_uppercase()),
        on_delete: Some(it.on_delete.to_uppercase()),
        name_explicit: it.name_explicit,
    }
}

fn view(it: &schema::View) -> View {
    View {
        name: it.name.clone(),
        definition: it.definition.clone().unwrap_or_default(),
        algorithm: it.algorithm.clone().unwrap_or_else(|| "undefined".to_owned()),
        sql_security: it.sql_security.clone().unwrap_or_else(|| "definer".to_owned()),
        with_check_option: it.with_check_option.clone(),
    }
}
