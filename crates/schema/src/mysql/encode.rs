//! A declared schema as its snapshot: defaults encoded as drizzle-kit 0.31 does
//! (`src/serializer/mysqlSerializer.ts`), its mistakes included, because the next `generate` of
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
    // What belongs to another database is none of the kit's business.
    let own = from.tables.iter().filter(|it| it.schema.is_none());
    Ok(snapshot::Snapshot {
        version: snapshot::FORMAT.version.to_owned(),
        dialect: snapshot::FORMAT.dialect.to_owned(),
        id: ids.id.clone(),
        prev_id: ids.prev_id.clone(),
        tables: record(own, |it| Ok((it.name.clone(), table(it)?)))?,
        views: record(&from.views, |it| Ok((it.name.clone(), view(it)?)))?,
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
    let mut columns = record(&it.columns, |column| {
        let made =
            self::column(column, sql_type(column, &it.name)?, default(column, &it.name, quoted)?);
        Ok((column.name.clone(), made))
    })?;
    for name in it.primary_keys.iter().flat_map(|it| &it.columns) {
        if let Some(column) = columns.get_mut(name) {
            column.not_null = true;
        }
    }
    Ok(snapshot::Table {
        name: it.name.clone(),
        columns,
        indexes: record(&it.indexes, |it| Ok((it.name.clone(), index(it))))?,
        foreign_keys: record(&it.foreign_keys, |key| {
            Ok((key.name.clone(), foreign_key(key, &it.name)))
        })?,
        composite_primary_keys: primary_keys(it),
        unique_constraints: record(&it.uniques, |it| {
            let columns = it.columns.iter().map(|it| it.expression.clone()).collect();
            Ok((it.name.clone(), snapshot::Unique { name: it.name.clone(), columns }))
        })?,
        check_constraint: record(&it.checks, |it| {
            let (name, value) = (it.name.clone(), it.value.clone());
            Ok((it.name.clone(), snapshot::Check { name, value }))
        })?,
    })
}

/// Those of columns come first, under a name of their own.
fn primary_keys(table: &schema::Table) -> IndexMap<String, snapshot::PrimaryKey> {
    let of_columns = table.columns.iter().filter(|it| it.primary_key).map(|it| {
        let name = format!("{}_{}", table.name, it.name);
        snapshot::PrimaryKey { name, columns: vec![it.name.clone()] }
    });
    let of_table = table.primary_keys.iter().map(|it| {
        let (name, columns) = (it.name.clone(), it.columns.clone());
        snapshot::PrimaryKey { name, columns }
    });
    in_key_order(of_columns.chain(of_table).map(|it| (it.name.clone(), it)).collect())
}

fn index(it: &schema::Index) -> snapshot::Index {
    snapshot::Index {
        name: it.name.clone(),
        columns: it.columns.iter().map(|it| it.expression.clone()).collect(),
        is_unique: it.unique,
        using: it.using.clone(),
        algorithm: it.algorithm.clone(),
        lock: it.lock.clone(),
    }
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
    let tables = Some(IndexMap::new());
    snapshot::Internal { tables, indexes: Some(in_key_order(indexes)) }
}

/// The type with the values of an enum quoted. The kit cuts their list at its commas and at a second
/// parenthesis, wherever these are, and makes other values of the pieces: that is refused.
fn sql_type(it: &schema::Column, owner: &str) -> Result<String, SnapshotError> {
    let Some(list) = it.sql_type.strip_prefix("enum(").and_then(|it| it.strip_suffix(')')) else {
        return Ok(it.sql_type.clone());
    };
    let value = |it: &str| it.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')).map(quoted);
    let values: Option<Vec<_>> = list.split(',').map(value).collect();
    match values {
        Some(values) if !list.contains('(') => Ok(format!("enum({})", values.join(","))),
        _ => Err(SnapshotError::EnumValues { column: format!("{owner}.{}", it.name) }),
    }
}

fn column(it: &schema::Column, sql_type: String, default: Option<Value>) -> snapshot::Column {
    snapshot::Column {
        name: it.name.clone(),
        r#type: sql_type,
        primary_key: false,
        not_null: it.not_null,
        autoincrement: Some(it.auto_increment),
        on_update: it.on_update_now.then_some(true),
        generated: it
            .generated
            .as_ref()
            .map(|it| snapshot::Generated { r#as: it.expression.clone(), r#type: it.kind.clone() }),
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
        // The kit escapes quotes neither in defaults nor in enums here, as it does for tables.
        columns: record(&it.columns, |column| {
            let default = default(column, &it.name, |text| format!("'{text}'"))?;
            let made = self::column(column, column.sql_type.clone(), default);
            Ok((column.name.clone(), made))
        })?,
        name: it.name.clone(),
        is_existing: it.existing,
        definition: it.definition.clone().filter(|_| !it.existing),
        with_check_option: it.with_check_option.clone(),
        algorithm: it.algorithm.clone().unwrap_or_else(|| "undefined".to_owned()),
        sql_security: it.sql_security.clone().unwrap_or_else(|| "definer".to_owned()),
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
    let value = match default {
        DefaultValue::Sql(sql) => return Ok(Some(sql.clone().into())),
        DefaultValue::Text(text) => Some(literal(text).into()),
        DefaultValue::Date(_)
        | DefaultValue::BigInt(_)
        | DefaultValue::Bytes(_)
        | DefaultValue::Json(_) => plain(column, default, owner)?,
    };
    // These take expressions only.
    Ok(match column.sql_type.as_str() {
        "blob" | "text" | "json" => {
            let text = value.as_ref().map_or("undefined".to_owned(), javascript::text);
            Some(format!("({text})").into())
        }
        _ => value,
    })
}

/// A default that is no text; none for a date that the kit has no spelling for.
fn plain(
    column: &schema::Column,
    default: &DefaultValue,
    owner: &str,
) -> Result<Option<Value>, SnapshotError> {
    let sql_type = column.sql_type.to_lowercase();
    let json = |it: &Value| Some(Value::String(format!("'{}'", compact(it))));
    Ok(match (default, sql_type.as_str()) {
        (DefaultValue::BigInt(number), "blob" | "text") => Some(number.clone().into()),
        (DefaultValue::BigInt(_), _) => {
            let column = format!("{owner}.{}", column.name);
            return Err(SnapshotError::BigIntDefault { column });
        }
        (DefaultValue::Json(value), "json") => json(value),
        (DefaultValue::Date(iso), "json") => json(&iso.as_str().into()),
        (DefaultValue::Bytes(hex), "json") => json(&buffer(hex)),
        (DefaultValue::Bytes(hex), "blob" | "text") => {
            Some(String::from_utf8_lossy(&javascript::bytes(hex)).into())
        }
        (DefaultValue::Bytes(hex), _) => Some(buffer(hex)),
        (DefaultValue::Date(iso), of) => date(iso, of).map(Value::String),
        (DefaultValue::Json(value), _) => Some(value.clone()),
        (DefaultValue::Sql(text) | DefaultValue::Text(text), _) => Some(text.clone().into()),
    })
}

fn buffer(hex: &str) -> Value {
    json!({ "type": "Buffer", "data": javascript::bytes(hex) })
}

/// A `Date` as a literal of the type.
pub(super) fn date(iso: &str, sql_type: &str) -> Option<String> {
    if sql_type == "date" {
        return Some(format!("'{}'", iso.split('T').next().unwrap_or(iso)));
    }
    let is_moment = sql_type.starts_with("datetime") || sql_type.starts_with("timestamp");
    is_moment.then(|| {
        let cut: String = iso.replacen('T', " ", 1).chars().take(23).collect();
        format!("'{cut}'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql_type: &str, default: DefaultValue, expected: Value) {
        let column = json!({ "name": "c", "sqlType": sql_type });
        let mut column: schema::Column = serde_json::from_value(column).unwrap();
        column.default = Some(default);
        assert_eq!(super::default(&column, "t", quoted).unwrap(), Some(expected));
    }

    #[test]
    fn defaults_are_encoded_as_the_kit_does_even_where_that_is_wrong() {
        check("varchar(9)", DefaultValue::Text("it's".to_owned()), json!("'it''s'"));
        check("text", DefaultValue::Text("x".to_owned()), json!("('x')"));
        check("json", DefaultValue::Json(json!({ "q": "o'k" })), json!("('{\"q\":\"o'k\"}')"));
        check("json", DefaultValue::Text("x".to_owned()), json!("('x')"));
        check("int", DefaultValue::Json(json!(5)), json!(5));
        check("blob", DefaultValue::Bytes("6162".to_owned()), json!("(ab)"));
        let date = || DefaultValue::Date("2020-01-02T03:04:05.678Z".to_owned());
        check("date", date(), json!("'2020-01-02'"));
        check("datetime(3)", date(), json!("'2020-01-02 03:04:05.678'"));
    }

    #[test]
    fn enums_that_the_kit_would_cut_to_pieces_are_refused() {
        let typed = |text: &str| {
            let column = json!({ "name": "c", "sqlType": text });
            sql_type(&serde_json::from_value(column).unwrap(), "t").map_err(|it| it.code())
        };
        assert_eq!(typed("enum('a','it's')"), Ok("enum('a','it''s')".to_owned()));
        assert_eq!(typed("enum('a,b')"), Err("enum-values"));
        assert_eq!(typed("enum('a(b','c')"), Err("enum-values"));
        assert_eq!(typed("int"), Ok("int".to_owned()));
    }
}
