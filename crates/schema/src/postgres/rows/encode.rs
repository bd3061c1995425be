//! A declared schema as rows, as drizzle-kit 1.0 makes them (`src/dialects/postgres/drizzle.ts`,
//! `interimToDDL` in `ddl.ts`).

use std::iter::once;

use serde_json::Value;

use super::super::{encode, schema};
use super::types::{TYPES, VIEW_OPTIONS_WRITTEN};
use super::{
    Check, Column, Enum, ForeignKey, Generated, Identity, Index, IndexColumn, OperatorClass,
    Policy, PrimaryKey, Role, Schema, Sequence, Table, Unique, View, default,
};
use crate::drizzle::entities::{Clash, Entities, row};
use crate::drizzle::javascript;
use crate::drizzle::snapshot::default_key_name;

/// The rows of a schema.
pub(super) fn entities(from: &schema::Schema) -> Result<Entities, Clash> {
    let mut rows = Entities::new(TYPES);
    for name in &from.schemas {
        rows.add(row("schemas", &Schema { name: name.clone() }))?;
    }
    for it in &from.enums {
        let (schema, name, values) = (it.schema.clone(), it.name.clone(), it.values.clone());
        rows.add(row("enums", &Enum { schema, name, values }))?;
    }
    for table in &from.tables {
        add_table(&mut rows, table)?;
    }
    add_keys(&mut rows, from)?;
    for it in &from.sequences {
        rows.add(row("sequences", &sequence(it)))?;
    }
    for it in &from.roles {
        rows.add(row("roles", &role(it)))?;
    }
    add_policies(&mut rows, from)?;
    for it in from.views.iter().filter(|it| !it.materialized && !it.existing) {
        rows.add(row("views", &view(it)))?;
    }
    for it in from.views.iter().filter(|it| it.materialized && !it.existing) {
        rows.add(row("views", &view(it)))?;
    }
    Ok(rows)
}

fn add_table(rows: &mut Entities, it: &schema::Table) -> Result<(), Clash> {
    rows.add(row(
        "tables",
        &Table {
            schema: it.schema.clone(),
            name: it.name.clone(),
            is_rls_enabled: it.rls || !it.policies.is_empty(),
        },
    ))?;
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
        let (name, value) = (check.name.clone(), check.value.clone());
        let (schema, table) = (it.schema.clone(), it.name.clone());
        rows.add(row("checks", &Check { schema, table, name, value }))?;
    }
    Ok(())
}

/// The keys of all tables come before those of single columns.
fn add_keys(rows: &mut Entities, from: &schema::Schema) -> Result<(), Clash> {
    for table in &from.tables {
        for key in &table.primary_keys {
            rows.add(row("pks", &primary_key(table, key)))?;
        }
        for unique in table.uniques.iter().filter(|it| !it.of_column) {
            rows.add(row("uniques", &self::unique(table, unique)))?;
        }
    }
    for table in &from.tables {
        let mut of_column = table.columns.iter().filter(|it| it.primary_key);
        if let (Some(column), true) = (of_column.next(), table.primary_keys.is_empty()) {
            let (schema, columns) = (table.schema.clone(), vec![column.name.clone()]);
            let (table, name) = (table.name.clone(), format!("{}_pkey", table.name));
            let key = PrimaryKey { schema, table, name, columns, name_explicit: false };
            rows.add(row("pks", &key))?;
        }
        for unique in table.uniques.iter().filter(|it| it.of_column) {
            let is_same = |it: &schema::Unique| !it.of_column && it.columns == unique.columns;
            if !table.uniques.iter().any(is_same) {
                rows.add(row("uniques", &self::unique(table, unique)))?;
            }
        }
    }
    Ok(())
}

fn column(table: &schema::Table, it: &schema::Column) -> Column {
    let keys = table.primary_keys.iter();
    let in_key = keys.flat_map(|it| &it.columns).any(|column| *column == it.name);
    let (r#type, dimensions) = element_type(&it.sql_type);
    Column {
        schema: table.schema.clone(),
        table: table.name.clone(),
        name: it.name.clone(),
        r#type,
        type_schema: it.type_schema.clone(),
        not_null: it.not_null || it.primary_key || in_key,
        dimensions,
        default: default::encode(it),
        generated: it
            .generated
            .as_ref()
            .map(|it| Generated { r#as: it.expression.clone(), r#type: "stored".to_owned() }),
        identity: it.identity.as_ref().map(|identity| self::identity(identity, it, table)),
    }
}

/// The type without brackets, and how many it had, in the spelling of 1.0.
pub(super) fn element_type(sql_type: &str) -> (String, usize) {
    let (mut element, mut dimensions) = (String::new(), 0);
    for (index, part) in sql_type.split('[').enumerate() {
        let digits = part.trim_start_matches(|it: char| it.is_ascii_digit());
        match digits.strip_prefix(']') {
            Some(rest) if index > 0 => {
                dimensions += 1;
                element += rest;
            }
            _ => {
                element += if index > 0 { "[" } else { "" };
                element += part;
            }
        }
    }
    let element = element.replacen(", ", ",", 1);
    match element.strip_prefix("timestamp (") {
        Some(rest) => (format!("timestamp({rest}"), dimensions),
        None => (element, dimensions),
    }
}

fn identity(it: &schema::Identity, column: &schema::Column, table: &schema::Table) -> Identity {
    let it = encode::identity(it, column, &encode::Owner::of(table));
    let sequence = it.sequence;
    Identity {
        r#type: it.r#type,
        name: sequence.name,
        increment: sequence.increment,
        start_with: sequence.start_with,
        min_value: sequence.min_value,
        max_value: sequence.max_value,
        cache: sequence.cache.map(|it| number(&it)),
        cycle: sequence.cycle,
    }
}

pub(super) fn number(text: &str) -> Value {
    text.parse::<i64>().map_or(Value::Null, Value::from)
}

fn index(table: &schema::Table, it: &schema::Index) -> Index {
    let parameter = |(key, value): (&String, &Value)| format!("{key}={}", javascript::text(value));
    let with: Vec<_> = it.with.iter().map(parameter).collect();
    Index {
        schema: table.schema.clone(),
        table: table.name.clone(),
        name: it.name.clone(),
        name_explicit: it.name_explicit,
        columns: it.columns.iter().map(index_column).collect(),
        is_unique: it.unique,
        condition: it.condition.clone().filter(|it| it != "true" && !it.is_empty()),
        with: with.join(", "),
        method: it.method.clone(),
        concurrently: it.concurrently,
    }
}

fn index_column(it: &schema::IndexColumn) -> IndexColumn {
    let opclass = it.opclass.clone().filter(|it| !it.is_empty());
    IndexColumn {
        value: it.expression.clone(),
        is_expression: it.is_expression,
        asc: it.asc,
        nulls_first: it.nulls == "first",
        opclass: opclass.map(|name| OperatorClass { name, default: false }),
    }
}

/// The names of a table's constraints, each kind in its order.
pub(super) struct Names {
    pub(super) foreign_keys: Vec<String>,
    pub(super) primary_keys: Vec<String>,
    pub(super) uniques: Vec<String>,
}

/// The names that drizzle-kit 1.0 gives to constraints.
pub(super) fn names(table: &schema::Table) -> Names {
    Names {
        foreign_keys: table.foreign_keys.iter().map(|it| foreign_key(table, it).name).collect(),
        primary_keys: table.primary_keys.iter().map(|it| primary_key(table, it).name).collect(),
        uniques: table.uniques.iter().map(|it| unique(table, it).name).collect(),
    }
}

fn foreign_key(table: &schema::Table, it: &schema::ForeignKey) -> ForeignKey {
    let name = match it.name_explicit || it.name_lent {
        true => it.name.clone(),
        false => default_key_name(&table.name, &it.columns, &it.table_to, &it.columns_to),
    };
    ForeignKey {
        schema: table.schema.clone(),
        table: table.name.clone(),
        name,
        name_explicit: it.name_explicit,
        columns: it.columns.clone(),
        schema_to: it.schema_to.clone(),
        table_to: it.table_to.clone(),
        columns_to: it.columns_to.clone(),
        on_update: Some(it.on_update.to_uppercase()),
        on_delete: Some(it.on_delete.to_uppercase()),
    }
}

fn primary_key(table: &schema::Table, it: &schema::PrimaryKey) -> PrimaryKey {
    let is_given = it.name_explicit || it.name_lent;
    let name = if is_given { it.name.clone() } else { format!("{}_pkey", table.name) };
    PrimaryKey {
        schema: table.schema.clone(),
        table: table.name.clone(),
        name,
        columns: it.columns.clone(),
        name_explicit: it.name_explicit,
    }
}

fn unique(table: &schema::Table, it: &schema::Unique) -> Unique {
    let name = match (it.name_explicit || it.name_lent, it.of_column) {
        (false, true) => format!("{}_{}_key", table.name, it.columns.join("_")),
        (true, _) | (false, false) => it.name.clone(),
    };
    Unique {
        schema: table.schema.clone(),
        table: table.name.clone(),
        name,
        name_explicit: it.name_explicit,
        columns: it.columns.clone(),
        nulls_not_distinct: it.nulls_not_distinct,
    }
}

fn sequence(it: &schema::Sequence) -> Sequence {
    let it = encode::sequence(it);
    Sequence {
        schema: it.schema,
        name: it.name,
        increment_by: it.increment,
        min_value: it.min_value,
        max_value: it.max_value,
        start_with: it.start_with,
        cache_size: it.cache.map(|it| number(&it)),
        cycle: it.cycle,
    }
}

fn role(it: &schema::Role) -> Role {
    let more = &it.more;
    Role {
        name: it.name.clone(),
        superuser: Some(more.superuser.unwrap_or(false)),
        create_db: Some(it.create_db),
        create_role: Some(it.create_role),
        inherit: Some(it.inherit),
        can_login: Some(more.can_login.unwrap_or(false)),
        replication: Some(more.replication.unwrap_or(false)),
        bypass_rls: Some(more.bypass_rls.unwrap_or(false)),
        conn_limit: Some(more.conn_limit.unwrap_or(-1)),
        password: more.password.clone(),
        valid_until: more.valid_until.clone(),
    }
}

/// Policies that stand beside their tables come first.
fn add_policies(rows: &mut Entities, from: &schema::Schema) -> Result<(), Clash> {
    let unknown = from.policies.iter().map(|it| policy((&it.schema, &it.on), &it.policy));
    for it in unknown {
        rows.add(row("policies", &it))?;
    }
    for linked in once(true).chain(once(false)) {
        for table in &from.tables {
            for it in table.policies.iter().filter(|it| it.linked == linked) {
                rows.add(row("policies", &policy((&table.schema, &table.name), it)))?;
            }
        }
    }
    Ok(())
}

fn policy((schema, table): (&str, &str), it: &schema::Policy) -> Policy {
    let mut roles = it.to.clone();
    javascript::sort(&mut roles);
    Policy {
        schema: schema.to_owned(),
        table: table.to_owned(),
        name: it.name.clone(),
        r#as: it.r#as.to_uppercase(),
        r#for: it.r#for.to_uppercase(),
        roles,
        using: it.using.clone(),
        with_check: it.with_check.clone(),
    }
}

fn view(it: &schema::View) -> View {
    let option = |key: &&str| {
        let value = it.with.as_ref().and_then(|it| it.get(*key)).cloned();
        ((*key).to_owned(), value.unwrap_or(Value::Null))
    };
    let has_options = it.with.as_ref().is_some_and(|it| it.values().any(|it| !it.is_null()));
    View {
        schema: it.schema.clone(),
        name: it.name.clone(),
        definition: it.definition.clone(),
        with: has_options.then(|| VIEW_OPTIONS_WRITTEN.iter().map(option).collect()),
        with_no_data: it.with_no_data,
        using: it.using.clone(),
        tablespace: it.tablespace.clone(),
        materialized: it.materialized,
    }
}
