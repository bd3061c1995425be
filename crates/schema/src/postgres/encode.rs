//! A declared schema as its snapshot: defaults filled in and encoded as drizzle-kit 0.31 does
//! (`src/serializer/pgSerializer.ts`), its mistakes included, because the next `generate` of the
//! real kit compares with them.

use indexmap::IndexMap;
use serde_json::Value;

use super::{schema, snapshot};
use crate::drizzle::javascript::{self, compact, in_key_order};
use crate::drizzle::snapshot::{SnapshotError, SnapshotIds, empty_meta};
use schema::DefaultValue;

/// The snapshot of a schema.
pub(super) fn snapshot(
    from: &schema::Schema,
    ids: &SnapshotIds,
) -> Result<snapshot::Snapshot, SnapshotError> {
    // Materialized views come after the others, whatever the order of the exports.
    let (materialized, plain): (Vec<_>, Vec<_>) = from.views.iter().partition(|it| it.materialized);
    let views = plain.into_iter().chain(materialized);
    Ok(snapshot::Snapshot {
        id: ids.id.clone(),
        prev_id: ids.prev_id.clone(),
        version: snapshot::FORMAT.version.to_owned(),
        dialect: snapshot::FORMAT.dialect.to_owned(),
        tables: record(&from.tables, |it| Ok((key(&it.schema, &it.name), table(it)?)))?,
        enums: record(&from.enums, |it| Ok((key(&it.schema, &it.name), enumeration(it))))?,
        schemas: record(&from.schemas, |it| Ok((it.clone(), it.clone())))?,
        sequences: record(&from.sequences, |it| Ok((key(&it.schema, &it.name), sequence(it))))?,
        roles: record(&from.roles, |it| Ok((it.name.clone(), role(it))))?,
        policies: record(&from.policies, |it| Ok((it.policy.name.clone(), linked_policy(it))))?,
        views: record(views, |it| Ok((key(&it.schema, &it.name), view(it)?)))?,
        meta: empty_meta(),
        internal: None,
    })
}

fn key(schema: &str, name: &str) -> String {
    format!("{schema}.{name}")
}

/// A record in JavaScript's key order; what comes later replaces what has the same key.
fn record<'a, T: 'a, V>(
    items: impl IntoIterator<Item = &'a T>,
    entry: impl Fn(&T) -> Result<(String, V), SnapshotError>,
) -> Result<IndexMap<String, V>, SnapshotError> {
    items.into_iter().map(entry).collect::<Result<_, _>>().map(in_key_order)
}

fn table(it: &schema::Table) -> Result<snapshot::Table, SnapshotError> {
    let owner = Owner::of(it);
    Ok(snapshot::Table {
        name: it.name.clone(),
        schema: if it.schema == "public" { String::new() } else { it.schema.clone() },
        columns: record(&it.columns, |column| {
            let default = default(column, &owner, quoted)?;
            Ok((column.name.clone(), table_column(column, &owner, default)))
        })?,
        indexes: record(&it.indexes, |it| Ok((it.name.clone(), index(it))))?,
        foreign_keys: record(&it.foreign_keys, |key| {
            Ok((key.name.clone(), foreign_key(key, &it.name)))
        })?,
        composite_primary_keys: record(&it.primary_keys, |it| {
            let (name, columns) = (it.name.clone(), it.columns.clone());
            Ok((it.name.clone(), snapshot::PrimaryKey { name, columns }))
        })?,
        unique_constraints: record(&it.uniques, |it| Ok((it.name.clone(), unique(it))))?,
        policies: record(&it.policies, |it| Ok((it.name.clone(), policy(it))))?,
        check_constraints: record(&it.checks, |it| {
            let (name, value) = (it.name.clone(), it.value.clone());
            Ok((it.name.clone(), snapshot::Check { name, value }))
        })?,
        is_rls_enabled: it.rls,
    })
}

/// The table or view that a column belongs to.
pub(super) struct Owner<'a> {
    schema: &'a str,
    name: &'a str,
}

impl<'a> Owner<'a> {
    pub(super) fn of(table: &'a schema::Table) -> Self {
        Self { schema: &table.schema, name: &table.name }
    }
}

fn table_column(
    it: &schema::Column,
    owner: &Owner<'_>,
    default: Option<Value>,
) -> snapshot::Column {
    snapshot::Column {
        name: it.name.clone(),
        r#type: it.sql_type.clone(),
        type_schema: it.type_schema.clone(),
        primary_key: it.primary_key,
        not_null: it.not_null,
        generated: it.generated.as_ref().map(|generated| snapshot::Generated {
            r#as: generated.expression.clone(),
            r#type: "stored".to_owned(),
        }),
        identity: it.identity.as_ref().map(|identity| self::identity(identity, it, owner)),
        default,
    }
}

/// Views are encoded by a copy of the kit's code for tables, which does not look into arrays for an
/// enum and does not escape quotes.
fn view_column(it: &schema::Column, owner: &Owner<'_>) -> Result<snapshot::Column, SnapshotError> {
    let default = default(it, owner, |text| format!("'{text}'"))?;
    let mut column = table_column(it, owner, default);
    if is_array(&it.sql_type) {
        column.type_schema = None;
    }
    Ok(column)
}

pub(super) fn identity(
    it: &schema::Identity,
    column: &schema::Column,
    owner: &Owner<'_>,
) -> snapshot::Identity {
    let max = match column.sql_type.as_str() {
        "integer" => "2147483647",
        "bigint" => "9223372036854775807",
        _ => "32767",
    };
    // For a negative increment the kit looks the minimum up under the wrong name and always finds
    // that of smallint.
    let limits = Limits { min: "-32768", max };
    let name = it.name.clone();
    let name = name.unwrap_or_else(|| format!("{}_{}_seq", owner.name, column.name));
    let sequence = filled_sequence(name, owner.schema, &it.options, &limits);
    snapshot::Identity { r#type: it.kind.clone(), sequence }
}

pub(super) fn sequence(it: &schema::Sequence) -> snapshot::Sequence {
    let limits = Limits { min: "-9223372036854775808", max: "9223372036854775807" };
    filled_sequence(it.name.clone(), &it.schema, &it.options, &limits)
}

/// The bounds of a sequence's type.
struct Limits {
    min: &'static str,
    max: &'static str,
}

fn filled_sequence(
    name: String,
    schema: &str,
    options: &schema::SequenceOptions,
    limits: &Limits,
) -> snapshot::Sequence {
    let increment = options.increment.clone().unwrap_or_else(|| "1".to_owned());
    let falls =
        increment.trim_start().starts_with('-') && increment.contains(|it| matches!(it, '1'..='9'));
    let or = |given: &Option<String>, rising: &str, falling: &str| {
        given.clone().unwrap_or_else(|| (if falls { falling } else { rising }).to_owned())
    };
    let min = or(&options.min_value, "1", limits.min);
    let max = or(&options.max_value, limits.max, "-1");
    snapshot::Sequence {
        name,
        schema: schema.to_owned(),
        start_with: Some(or(&options.start_with, &min, &max)),
        increment: Some(increment),
        min_value: Some(min),
        max_value: Some(max),
        cache: Some(options.cache.clone().unwrap_or_else(|| "1".to_owned())),
        cycle: Some(options.cycle.unwrap_or(false)),
    }
}

fn index(it: &schema::Index) -> snapshot::Index {
    snapshot::Index {
        name: it.name.clone(),
        columns: it.columns.iter().map(index_column).collect(),
        is_unique: it.unique,
        condition: it.condition.clone(),
        concurrently: it.concurrently,
        method: it.method.clone(),
        with: in_key_order(it.with.clone()),
    }
}

fn index_column(it: &schema::IndexColumn) -> snapshot::IndexColumn {
    let expression = it.expression.clone();
    if it.is_expression {
        snapshot::IndexColumn::Expression(snapshot::IndexExpression {
            expression,
            asc: true,
            is_expression: true,
            nulls: Some("last".to_owned()),
            opclass: None,
        })
    } else {
        snapshot::IndexColumn::Column(snapshot::IndexedColumn {
            expression,
            is_expression: false,
            asc: it.asc,
            nulls: Some(it.nulls.clone()),
            opclass: it.opclass.clone(),
        })
    }
}

fn foreign_key(it: &schema::ForeignKey, table: &str) -> snapshot::ForeignKey {
    snapshot::ForeignKey {
        name: it.name.clone(),
        table_from: table.to_owned(),
        table_to: it.table_to.clone(),
        schema_to: Some(it.schema_to.clone()).filter(|it| it != "public"),
        columns_from: it.columns.clone(),
        columns_to: it.columns_to.clone(),
        on_delete: Some(it.on_delete.clone()),
        on_update: Some(it.on_update.clone()),
    }
}

fn unique(it: &schema::Unique) -> snapshot::Unique {
    snapshot::Unique {
        name: it.name.clone(),
        nulls_not_distinct: it.nulls_not_distinct,
        columns: it.columns.clone(),
    }
}

fn policy(it: &schema::Policy) -> snapshot::Policy {
    let mut to = it.to.clone();
    javascript::sort(&mut to);
    snapshot::Policy {
        name: it.name.clone(),
        r#as: Some(it.r#as.to_uppercase()),
        r#for: Some(it.r#for.to_uppercase()),
        to: Some(to),
        using: it.using.clone(),
        with_check: it.with_check.clone(),
        schema: None,
        on: None,
    }
}

fn linked_policy(it: &schema::LinkedPolicy) -> snapshot::Policy {
    snapshot::Policy {
        schema: Some(it.schema.clone()),
        on: Some(format!("\"{}\".\"{}\"", it.schema, it.on)),
        ..policy(&it.policy)
    }
}

fn enumeration(it: &schema::Enum) -> snapshot::Enum {
    snapshot::Enum { name: it.name.clone(), schema: it.schema.clone(), values: it.values.clone() }
}

fn role(it: &schema::Role) -> snapshot::Role {
    snapshot::Role {
        name: it.name.clone(),
        create_db: Some(it.create_db),
        create_role: Some(it.create_role),
        inherit: Some(it.inherit),
    }
}

fn view(it: &schema::View) -> Result<snapshot::View, SnapshotError> {
    let owner = Owner { schema: &it.schema, name: &it.name };
    Ok(snapshot::View {
        columns: record(&it.columns, |it| Ok((it.name.clone(), view_column(it, &owner)?)))?,
        definition: it.definition.clone().filter(|_| !it.existing),
        name: it.name.clone(),
        schema: it.schema.clone(),
        is_existing: it.existing,
        with: it.with.clone().map(in_key_order),
        with_no_data: it.with_no_data,
        materialized: it.materialized,
        tablespace: it.tablespace.clone(),
        using: it.using.clone(),
    })
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn is_array(sql_type: &str) -> bool {
    // As the kit's `/.*\[\d*\].*/` finds it.
    let digits_and_close =
        |rest: &str| rest.trim_start_matches(|it: char| it.is_ascii_digit()).starts_with(']');
    sql_type.split('[').skip(1).any(digits_and_close)
}

fn default(
    column: &schema::Column,
    owner: &Owner<'_>,
    literal: impl Fn(&str) -> String,
) -> Result<Option<Value>, SnapshotError> {
    let Some(default) = &column.default else { return Ok(None) };
    let sql_type = column.sql_type.to_lowercase();
    let json = |it: &Value| Value::String(format!("'{}'::{sql_type}", compact(it)));
    let is_json = sql_type == "json" || sql_type == "jsonb";
    Ok(Some(match default {
        DefaultValue::Sql(sql) => sql.clone().into(),
        DefaultValue::Text(text) => literal(text).into(),
        DefaultValue::BigInt(_) => {
            let column = format!("{}.{}", owner.name, column.name);
            return Err(SnapshotError::BigIntDefault { column });
        }
        DefaultValue::Date(iso) if is_json => json(&iso.as_str().into()),
        DefaultValue::Date(iso) => format!("'{}'", date(iso, &sql_type)).into(),
        DefaultValue::Bytes(hex) => buffer(hex),
        DefaultValue::Json(value) if is_json => json(value),
        DefaultValue::Json(Value::Array(items)) if is_array(&sql_type) => {
            format!("'{}'", array(items, &sql_type)).into()
        }
        DefaultValue::Json(value) => value.clone(),
    }))
}

/// A `Date` for a column of this type.
fn date(iso: &str, sql_type: &str) -> String {
    match sql_type {
        "date" => iso.split('T').next().unwrap_or(iso).to_owned(),
        "timestamp" => iso.replacen('T', " ", 1).chars().take(23).collect(),
        _ => iso.to_owned(),
    }
}

/// The kit's `buildArrayString`.
fn array(items: &[Value], sql_type: &str) -> String {
    let base = sql_type.split('[').next().unwrap_or(sql_type);
    let item = |it: &Value| match it {
        Value::Number(_) | Value::Bool(_) => javascript::text(it),
        Value::Array(items) => array(items, base),
        Value::String(text) => format!("\"{text}\""),
        Value::Null | Value::Object(_) => format!("\"{}\"", compact(it).replace('"', "\\\"")),
    };
    format!("{{{}}}", items.iter().map(item).collect::<Vec<_>>().join(","))
}

/// A `Buffer` as `JSON.stringify` writes it.
fn buffer(hex: &str) -> Value {
    serde_json::json!({ "type": "Buffer", "data": javascript::bytes(hex) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(sql_type: &str, default: DefaultValue, expected: Value) {
        let column = json!({ "name": "c", "sqlType": sql_type });
        let mut column: schema::Column = serde_json::from_value(column).unwrap();
        column.default = Some(default);
        let owner = Owner { schema: "public", name: "t" };
        assert_eq!(super::default(&column, &owner, quoted).unwrap(), Some(expected));
    }

    #[test]
    fn arrays_are_quoted_but_not_escaped() {
        let items = json!(["a", "b'c", 1, true, [2], { "k": "v" }]);
        let expected = r#"'{"a","b'c",1,true,{2},"{\"k\":\"v\"}"}'"#;
        check("text[]", DefaultValue::Json(items.clone()), json!(expected));
        check("varchar(5)[3]", DefaultValue::Json(items), json!(expected));
    }

    #[test]
    fn a_list_for_a_column_that_is_no_array_stays_a_list() {
        check("point", DefaultValue::Json(json!([1, 2])), json!([1, 2]));
    }

    #[test]
    fn a_date_is_cut_to_the_type() {
        let date = || DefaultValue::Date("2020-01-02T03:04:05.678Z".to_owned());
        check("date", date(), json!("'2020-01-02'"));
        check("timestamp", date(), json!("'2020-01-02 03:04:05.678'"));
        check("timestamp (3)", date(), json!("'2020-01-02T03:04:05.678Z'"));
        check("jsonb", date(), json!("'\"2020-01-02T03:04:05.678Z\"'::jsonb"));
    }

    #[test]
    fn a_bigint_literal_is_an_error_with_a_way_out() {
        let column = json!({ "name": "c", "sqlType": "bigint", "default": { "kind": "bigInt", "value": "9" } });
        let schema: schema::Schema = serde_json::from_value(json!({
            "tables": [{ "schema": "public", "name": "t", "columns": [column] }]
        }))
        .unwrap();
        let ids = SnapshotIds::after(None, "x");
        let error = snapshot(&schema, &ids).unwrap_err();
        assert_eq!(error, SnapshotError::BigIntDefault { column: "t.c".to_owned() });
        assert_eq!(error.code(), "bigint-default");
    }
}
