//! A declared schema as its snapshot: defaults encoded as drizzle-kit 0.31 does
//! (`src/serializer/sqliteSerializer.ts`), its mistakes included, because the next `generate` of
//! the real kit compares with them.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{schema, snapshot};
use crate::drizzle::javascript::{self, compact, in_key_order};
use crate::drizzle::snapshot::{Renames, SnapshotError, SnapshotIds};
use schema::DefaultValue;

/// The snapshot of a schema.
pub(super) fn snapshot(
    from: &schema::Schema,
    ids: &SnapshotIds,
) -> Result<snapshot::Snapshot, SnapshotError> {
    Ok(snapshot::Snapshot {
        version: snapshot::FORMAT.version.to_owned(),
        dialect: snapshot::FORMAT.dialect.to_owned(),
        id: ids.id.clone(),
        prev_id: ids.prev_id.clone(),
        tables: record(&from.tables, |it| Ok((it.name.clone(), table(it)?)))?,
        views: record(&from.views, |it| Ok((it.name.clone(), view(it)?)))?,
        enums: IndexMap::new(),
        meta: Renames { schemas: Some(IndexMap::new()), ..Renames::default() },
        internal: Some(internal(from)),
    })
}

/// A record in JavaScript's key order; what comes later replaces what has the same key.
fn record<'a, T: 'a, V>(
    items: impl IntoIterator<Item = &'a T>,
    entry: impl Fn(&T) -> Result<(String, V), SnapshotError>,
) -> Result<IndexMap<String, V>, SnapshotError> {
    items.into_iter().map(entry).collect::<Result<_, _>>().map(in_key_order)
}

fn table(it: &schema::Table) -> Result<snapshot::Table, SnapshotError> {
    let (composite, single): (Vec<_>, Vec<_>) =
        it.primary_keys.iter().partition(|it| it.columns.len() > 1);
    let mut columns = record(&it.columns, |column| {
        Ok((column.name.clone(), self::column(column, default(column, &it.name, quoted)?)))
    })?;
    for name in single.iter().flat_map(|it| &it.columns) {
        if let Some(column) = columns.get_mut(name) {
            column.primary_key = true;
        }
    }
    Ok(snapshot::Table {
        name: it.name.clone(),
        columns,
        indexes: indexes(it),
        foreign_keys: record(&it.foreign_keys, |key| {
            Ok((key.name.clone(), foreign_key(key, &it.name)))
        })?,
        composite_primary_keys: record(composite, |it| {
            let (columns, name) = (it.columns.clone(), Some(it.name.clone()));
            Ok((it.name.clone(), snapshot::PrimaryKey { columns, name }))
        })?,
        unique_constraints: IndexMap::new(),
        check_constraints: record(&it.checks, |it| {
            let (name, value) = (it.name.clone(), it.value.clone());
            Ok((it.name.clone(), snapshot::Check { name, value }))
        })?,
    })
}

/// Drizzle keeps unique constraints as unique indexes: those of a column before the indexes, those
/// of the table after them.
fn indexes(table: &schema::Table) -> IndexMap<String, snapshot::Index> {
    let unique = |it: &schema::Unique| snapshot::Index {
        name: it.name.clone(),
        columns: it.columns.clone(),
        is_unique: true,
        condition: None,
    };
    let index = |it: &schema::Index| snapshot::Index {
        name: it.name.clone(),
        columns: it.columns.iter().map(|it| it.expression.clone()).collect(),
        is_unique: it.unique,
        condition: it.condition.clone(),
    };
    let (of_columns, of_table): (Vec<_>, Vec<_>) =
        table.uniques.iter().partition(|it| it.of_column);
    let all = of_columns.into_iter().map(unique);
    let all = all.chain(table.indexes.iter().map(index)).chain(of_table.into_iter().map(unique));
    in_key_order(all.map(|it| (it.name.clone(), it)).collect())
}

fn internal(from: &schema::Schema) -> snapshot::Internal {
    let mut indexes: IndexMap<String, snapshot::IndexParts> = IndexMap::new();
    for index in from.tables.iter().flat_map(|it| &it.indexes) {
        for part in index.columns.iter().filter(|it| it.is_expression) {
            let parts = &mut indexes.entry(index.name.clone()).or_default().columns;
            let expression = snapshot::IndexPart { is_expression: Some(true) };
            parts.insert(part.expression.clone(), expression);
        }
    }
    let ordered = |mut parts: snapshot::IndexParts| {
        parts.columns = in_key_order(parts.columns);
        parts
    };
    let indexes = indexes.into_iter().map(|(name, parts)| (name, ordered(parts))).collect();
    snapshot::Internal { indexes: Some(in_key_order(indexes)) }
}

fn column(it: &schema::Column, default: Option<Value>) -> snapshot::Column {
    snapshot::Column {
        name: it.name.clone(),
        r#type: it.sql_type.clone(),
        primary_key: it.primary_key,
        not_null: it.not_null,
        autoincrement: it.autoincrement,
        generated: it.generated.as_ref().map(|it| snapshot::Generated {
            r#as: format!("({})", it.expression),
            r#type: it.kind.clone(),
        }),
        default,
    }
}

fn foreign_key(it: &schema::ForeignKey, table: &str) -> snapshot::ForeignKey {
    snapshot::ForeignKey {
        name: it.name.clone(),
        table_from: table.to_owned(),
        table_to: it.table_to.clone(),
        columns_from: it.columns.clone(),
        columns_to: it.columns_to.clone(),
        on_delete: Some(it.on_delete.clone()),
        on_update: Some(it.on_update.clone()),
    }
}

fn view(it: &schema::View) -> Result<snapshot::View, SnapshotError> {
    Ok(snapshot::View {
        // The kit does not escape quotes here, as it does for tables.
        columns: record(&it.columns, |column| {
            let default = default(column, &it.name, |text| format!("'{text}'"))?;
            Ok((column.name.clone(), self::column(column, default)))
        })?,
        name: it.name.clone(),
        is_existing: it.existing,
        definition: it.definition.clone().filter(|_| !it.existing),
    })
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn default(
    column: &schema::Column,
    owner: &str,
    literal: impl Fn(&str) -> String,
) -> Result<Option<Value>, SnapshotError> {
    let Some(default) = &column.default else { return Ok(None) };
    let json = |it: &Value| Value::String(format!("'{}'", compact(it)));
    Ok(Some(match default {
        DefaultValue::Sql(sql) => sql.clone().into(),
        DefaultValue::Text(text) => literal(text).into(),
        DefaultValue::BigInt(_) => {
            let column = format!("{owner}.{}", column.name);
            return Err(SnapshotError::BigIntDefault { column });
        }
        DefaultValue::Date(iso) => json(&iso.as_str().into()),
        DefaultValue::Bytes(hex) => {
            json(&json!({ "type": "Buffer", "data": javascript::bytes(hex) }))
        }
        // JavaScript's null is an object, too.
        DefaultValue::Json(value @ (Value::Null | Value::Array(_) | Value::Object(_))) => {
            json(value)
        }
        DefaultValue::Json(value) => value.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(default: DefaultValue, expected: Value) {
        let mut column: schema::Column =
            serde_json::from_value(json!({ "name": "c", "sqlType": "text" })).unwrap();
        column.default = Some(default);
        assert_eq!(super::default(&column, "t", quoted).unwrap(), Some(expected));
    }

    #[test]
    fn defaults_are_encoded_as_the_kit_does_even_where_that_is_wrong() {
        check(DefaultValue::Text("it's".to_owned()), json!("'it''s'"));
        check(DefaultValue::Json(json!({ "q": "o'k" })), json!("'{\"q\":\"o'k\"}'"));
        check(DefaultValue::Json(json!(null)), json!("'null'"));
        check(DefaultValue::Json(json!(false)), json!(false));
        check(DefaultValue::Date("2020Z".to_owned()), json!("'\"2020Z\"'"));
        check(
            DefaultValue::Bytes("6162".to_owned()),
            json!("'{\"type\":\"Buffer\",\"data\":[97,98]}'"),
        );
    }
}
