//! A snapshot of 0.31 as rows, as `drizzle-kit up` of 1.0 turns it (`upToV8`,
//! `src/dialects/postgres/versions.ts`).
//!
//! What 1.0 spells otherwise keeps its old spelling here; names stay, and those that 0.31 gave by itself
//! are marked as such.

use serde_json::{Map, Value};

use super::super::snapshot;
use super::encode::number;
use super::types::{TYPES, VIEW_OPTIONS_WRITTEN};
use super::{
    Check, Column, Enum, ForeignKey, Generated, Identity, Index, IndexColumn, OperatorClass,
    Policy, PrimaryKey, Role, Schema, Sequence, Table, Unique, View, default,
};
use crate::drizzle::entities::{Clash, Entities, Row, row};
use crate::drizzle::javascript;

/// The schema that a table of 0.31 says with no text at all.
const PUBLIC: &str = "public";

/// How many UTF-16 units of a foreign key's name `up` keeps.
const NAME_UNITS: usize = 63;

/// The fields of an identity in the order of `up`, which is not that of `generate`.
const IDENTITY: [&str; 8] =
    ["name", "type", "startWith", "minValue", "maxValue", "increment", "cache", "cycle"];

/// The rows of a snapshot of 0.31.
pub(super) fn entities(from: &snapshot::Snapshot) -> Result<Entities, Clash> {
    let mut rows = Entities::new(TYPES);
    for name in from.schemas.values() {
        rows.add(row("schemas", &Schema { name: name.clone() }))?;
    }
    for it in from.sequences.values() {
        rows.add(row("sequences", &sequence(it)))?;
    }
    for it in from.tables.values() {
        add_table(&mut rows, from, it)?;
    }
    for it in from.enums.values() {
        let (schema, name, values) = (it.schema.clone(), it.name.clone(), it.values.clone());
        rows.add(row("enums", &Enum { schema, name, values }))?;
    }
    for it in from.roles.values() {
        rows.add(row("roles", &role(it)))?;
    }
    for it in from.policies.values() {
        let schema = it.schema.clone().unwrap_or_else(|| PUBLIC.to_owned());
        let table = it.on.clone().unwrap_or_default();
        rows.add(row("policies", &policy((schema, table), it)))?;
    }
    for it in from.views.values().filter(|it| !it.is_existing) {
        rows.add(row("views", &view(it)))?;
    }
    Ok(rows)
}

/// Where a table is.
#[derive(Clone)]
struct Place {
    schema: String,
    table: String,
}

fn add_table(
    rows: &mut Entities,
    from: &snapshot::Snapshot,
    it: &snapshot::Table,
) -> Result<(), Clash> {
    let schema = if it.schema.is_empty() { PUBLIC } else { &it.schema }.to_owned();
    let place = Place { schema: schema.clone(), table: it.name.clone() };
    let is_here = |policy: &&snapshot::Policy| {
        let of = policy.schema.as_deref().unwrap_or(PUBLIC);
        policy.on.as_deref() == Some(it.name.as_str()) && of == schema
    };
    let has_policies = !it.policies.is_empty() || from.policies.values().any(|it| is_here(&it));
    let is_rls_enabled = it.is_rls_enabled || has_policies;
    rows.add(row("tables", &Table { schema, name: it.name.clone(), is_rls_enabled }))?;
    for column in it.columns.values() {
        if column.primary_key {
            rows.add(row("pks", &key_of_column(&place, column)))?;
        }
        rows.add(as_up_orders(row("columns", &self::column(&place, column))))?;
    }
    for key in it.composite_primary_keys.values() {
        rows.add(row("pks", &primary_key(&place, key)))?;
    }
    for it in it.unique_constraints.values() {
        rows.add(row("uniques", &unique(&place, it)))?;
    }
    for check in it.check_constraints.values() {
        let Place { schema, table } = place.clone();
        let (name, value) = (check.name.clone(), check.value.clone());
        rows.add(row("checks", &Check { schema, table, name, value }))?;
    }
    for it in it.indexes.values() {
        rows.add(row("indexes", &index(&place, it)))?;
    }
    for it in it.foreign_keys.values() {
        rows.add(row("fks", &foreign_key(&place, it)))?;
    }
    for it in it.policies.values() {
        rows.add(row("policies", &policy((place.schema.clone(), place.table.clone()), it)))?;
    }
    Ok(())
}

fn column(place: &Place, it: &snapshot::Column) -> Column {
    let (element, dimensions) = element_type(&it.r#type);
    let r#type = match element.starts_with("numeric(") {
        true => element.replacen(", ", ",", 1),
        false => element,
    };
    let default = it.default.as_ref();
    Column {
        schema: place.schema.clone(),
        table: place.table.clone(),
        name: it.name.clone(),
        r#type,
        type_schema: it.type_schema.clone(),
        not_null: it.not_null,
        dimensions,
        default: default.map(|it| default::without_casts(&javascript::text(it))),
        generated: it
            .generated
            .as_ref()
            .map(|it| Generated { r#as: it.r#as.clone(), r#type: it.r#type.clone() }),
        identity: it.identity.as_ref().map(identity),
    }
}

fn as_up_orders(mut column: Row) -> Row {
    if let Some(Value::Object(identity)) = column.get_mut("identity") {
        *identity = IDENTITY.into_iter().filter_map(|it| identity.remove_entry(it)).collect();
    }
    column
}

/// The type without what stands in brackets, and how many of those it had.
fn element_type(sql_type: &str) -> (String, usize) {
    let (mut element, mut dimensions, mut rest) = (String::new(), 0, sql_type);
    while let Some((before, after)) = rest.split_once('[') {
        let Some((_, behind)) = after.split_once(']') else { break };
        element += before;
        dimensions += 1;
        rest = behind;
    }
    (element + rest, dimensions)
}

fn identity(it: &snapshot::Identity) -> Identity {
    let sequence = &it.sequence;
    Identity {
        r#type: it.r#type.clone(),
        name: sequence.name.clone(),
        increment: sequence.increment.clone(),
        start_with: sequence.start_with.clone(),
        min_value: sequence.min_value.clone(),
        max_value: sequence.max_value.clone(),
        cache: sequence.cache.as_deref().map(number),
        cycle: sequence.cycle,
    }
}

fn key_of_column(place: &Place, column: &snapshot::Column) -> PrimaryKey {
    let Place { schema, table } = place.clone();
    let name = format!("{table}_pkey");
    PrimaryKey { schema, table, name, columns: vec![column.name.clone()], name_explicit: false }
}

fn primary_key(place: &Place, it: &snapshot::PrimaryKey) -> PrimaryKey {
    let Place { schema, table } = place.clone();
    let name_explicit = format!("{table}_{}_pk", it.columns.join("_")) != it.name;
    PrimaryKey { schema, table, name: it.name.clone(), columns: it.columns.clone(), name_explicit }
}

fn unique(place: &Place, it: &snapshot::Unique) -> Unique {
    let Place { schema, table } = place.clone();
    let name_explicit = format!("{table}_{}_unique", it.columns.join("_")) != it.name;
    Unique {
        schema,
        table,
        name: it.name.clone(),
        name_explicit,
        columns: it.columns.clone(),
        nulls_not_distinct: it.nulls_not_distinct,
    }
}

fn index(place: &Place, it: &snapshot::Index) -> Index {
    let columns: Vec<_> = it.columns.iter().map(index_column).collect();
    let names: Vec<_> = columns.iter().map(|it| it.value.as_str()).collect();
    let default = format!("{}_{}_index", place.table, names.join("_"));
    let parameter = |(key, value): (&String, &Value)| format!("{key}={}", javascript::text(value));
    let with: Vec<_> = it.with.iter().map(parameter).collect();
    Index {
        schema: place.schema.clone(),
        table: place.table.clone(),
        name: it.name.clone(),
        name_explicit: columns.iter().any(|it| it.is_expression) || default != it.name,
        is_unique: it.is_unique,
        condition: it.condition.clone(),
        with: with.join(","),
        method: it.method.clone(),
        concurrently: it.concurrently,
        columns,
    }
}

fn index_column(it: &snapshot::IndexColumn) -> IndexColumn {
    let (value, is_expression, asc, nulls, opclass) = match it {
        snapshot::IndexColumn::Expression(it) => {
            (&it.expression, it.is_expression, it.asc, &it.nulls, &it.opclass)
        }
        snapshot::IndexColumn::Column(it) => {
            (&it.expression, it.is_expression, it.asc, &it.nulls, &it.opclass)
        }
    };
    let opclass = opclass.clone().filter(|it| !it.is_empty());
    IndexColumn {
        value: value.clone(),
        is_expression,
        asc,
        nulls_first: nulls.as_ref().is_some_and(|it| it != "last"),
        opclass: opclass.map(|name| OperatorClass { name, default: false }),
    }
}

fn foreign_key(place: &Place, it: &snapshot::ForeignKey) -> ForeignKey {
    let (from, to) = (it.columns_from.join("_"), it.columns_to.join("_"));
    let default = format!("{}_{from}_{}_{to}_fk", it.table_from, it.table_to);
    let units: Vec<u16> = it.name.encode_utf16().take(NAME_UNITS).collect();
    let action = |it: &Option<String>| {
        Some(it.as_deref().map_or_else(|| "NO ACTION".to_owned(), str::to_uppercase))
    };
    let schema_to = it.schema_to.clone().filter(|it| !it.is_empty());
    ForeignKey {
        schema: place.schema.clone(),
        table: it.table_from.clone(),
        name: String::from_utf16_lossy(&units),
        name_explicit: default != it.name,
        columns: it.columns_from.clone(),
        schema_to: schema_to.unwrap_or_else(|| PUBLIC.to_owned()),
        table_to: it.table_to.clone(),
        columns_to: it.columns_to.clone(),
        on_update: action(&it.on_update),
        on_delete: action(&it.on_delete),
    }
}

fn sequence(it: &snapshot::Sequence) -> Sequence {
    Sequence {
        schema: it.schema.clone(),
        name: it.name.clone(),
        increment_by: it.increment.clone(),
        min_value: it.min_value.clone(),
        max_value: it.max_value.clone(),
        start_with: it.start_with.clone(),
        cache_size: it.cache.as_deref().map(number),
        cycle: it.cycle,
    }
}

fn role(it: &snapshot::Role) -> Role {
    Role {
        name: it.name.clone(),
        superuser: None,
        create_db: it.create_db,
        create_role: it.create_role,
        inherit: it.inherit,
        can_login: None,
        replication: None,
        bypass_rls: None,
        conn_limit: None,
        password: None,
        valid_until: None,
    }
}

fn policy((schema, table): (String, String), it: &snapshot::Policy) -> Policy {
    let or = |it: &Option<String>, usual: &str| it.clone().unwrap_or_else(|| usual.to_owned());
    Policy {
        schema,
        table,
        name: it.name.clone(),
        r#as: or(&it.r#as, "PERMISSIVE"),
        r#for: or(&it.r#for, "ALL"),
        roles: it.to.clone().unwrap_or_default(),
        using: it.using.clone(),
        with_check: it.with_check.clone(),
    }
}

fn view(it: &snapshot::View) -> View {
    let options = it.with.as_ref().map(|with| {
        let option = |key: &&str| {
            let value = with.get(*key).cloned().unwrap_or(Value::Null);
            ((*key).to_owned(), value)
        };
        VIEW_OPTIONS_WRITTEN.iter().map(option).collect::<Map<_, _>>()
    });
    View {
        schema: it.schema.clone(),
        name: it.name.clone(),
        definition: it.definition.clone(),
        with: options,
        with_no_data: it.with_no_data,
        using: it.using.clone(),
        tablespace: it.tablespace.clone(),
        materialized: it.materialized,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Recorded from `drizzle-kit up`.
    #[test]
    fn an_identity_has_the_order_of_up() {
        let identity = json!({
            "type": "always", "name": "s", "increment": "1", "startWith": "1", "minValue": "1",
            "maxValue": "9", "cache": 1, "cycle": false,
        });
        let column = as_up_orders(row("columns", &json!({ "name": "c", "identity": identity })));
        let keys: Vec<_> = column["identity"].as_object().unwrap().keys().collect();
        let expected =
            ["name", "type", "startWith", "minValue", "maxValue", "increment", "cache", "cycle"];
        assert_eq!(keys, expected);
    }
}
