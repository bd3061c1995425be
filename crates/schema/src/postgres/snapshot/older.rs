//! Snapshots of versions 5 and 6, as `drizzle-kit up` 0.31 turns them into version 7.

use serde_json::{Map, Value, json};

/// The same snapshot in version 7; of other versions nothing.
pub(super) fn upgraded(snapshot: &Value) -> Option<Value> {
    if !["pg", "postgresql"].contains(&snapshot["dialect"].as_str()?) {
        return None;
    }
    match snapshot["version"].as_str()? {
        "5" => Some(from_6(&from_5(snapshot))),
        "6" => Some(from_6(snapshot)),
        _ => None,
    }
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Tables and enums get their schema into the key; an enum's values become a list.
fn from_5(snapshot: &Value) -> Value {
    let table = |it: &Value| {
        let schema = it["schema"].as_str().filter(|it| !it.is_empty()).unwrap_or("public");
        (format!("{schema}.{}", it["name"].as_str().unwrap_or_default()), it.clone())
    };
    let named = |it: &Value| {
        let name = it["name"].as_str().unwrap_or_default();
        let values = it["values"].as_array().cloned();
        let values = values.unwrap_or_else(|| fields(&it["values"]).into_values().collect());
        let named = json!({ "name": name, "schema": "public", "values": values });
        (format!("public.{name}"), named)
    };
    let mut upgraded = fields(snapshot);
    let tables: Map<_, _> = fields(&snapshot["tables"]).values().map(table).collect();
    let enums: Map<_, _> = fields(&snapshot["enums"]).values().map(named).collect();
    upgraded.insert("tables".to_owned(), tables.into());
    upgraded.insert("enums".to_owned(), enums.into());
    upgraded.into()
}

/// The columns of indexes get their options.
fn from_6(snapshot: &Value) -> Value {
    let table = |(key, it): (String, Value)| {
        let mut table = fields(&it);
        let indexes: Map<_, _> =
            fields(&it["indexes"]).into_iter().map(|(key, it)| (key, index(&it))).collect();
        table.insert("indexes".to_owned(), indexes.into());
        table.insert("policies".to_owned(), json!({}));
        table.insert("isRLSEnabled".to_owned(), json!(false));
        table.insert("checkConstraints".to_owned(), json!({}));
        (key, Value::Object(table))
    };
    let tables: Map<_, _> = fields(&snapshot["tables"]).into_iter().map(table).collect();
    let mut upgraded = fields(snapshot);
    upgraded.insert("version".to_owned(), "7".into());
    upgraded.insert("dialect".to_owned(), "postgresql".into());
    upgraded.insert("tables".to_owned(), tables.into());
    for key in ["sequences", "policies", "views", "roles"] {
        upgraded.insert(key.to_owned(), json!({}));
    }
    upgraded.into()
}

fn index(it: &Value) -> Value {
    let column = |name: &Value| json!({ "expression": name, "isExpression": false, "asc": true, "nulls": "last" });
    let columns: Vec<_> = it["columns"].as_array().into_iter().flatten().map(column).collect();
    let mut index = fields(&json!({ "with": {}, "method": "btree", "concurrently": false }));
    index.extend(fields(it));
    index.insert("columns".to_owned(), columns.into());
    index.into()
}

#[cfg(test)]
mod tests {
    use super::super::Snapshot;
    use serde_json::json;

    #[test]
    fn snapshots_of_versions_5_and_6_are_read() {
        let table = json!({
            "name": "t", "schema": "", "foreignKeys": {}, "compositePrimaryKeys": {},
            "columns": { "a": { "name": "a", "type": "mood", "primaryKey": false, "notNull": true } },
            "indexes": { "i": { "name": "i", "columns": ["a"], "isUnique": true } },
        });
        let mut old = json!({
            "version": "5", "dialect": "pg", "id": "x", "prevId": "y", "schemas": {},
            "tables": { "t": table }, "_meta": { "schemas": {}, "tables": {}, "columns": {} },
            "enums": { "mood": { "name": "mood", "values": { "ok": "ok", "sad": "sad" } } },
        });
        let read = Snapshot::read(&old.to_string()).unwrap();
        assert_eq!(read.version, "7");
        assert_eq!(read.enums["public.mood"].values, ["ok", "sad"]);
        assert_eq!(read.tables["public.t"].indexes["i"].columns[0].expression(), "a");
        old["version"] = json!("6");
        old["tables"] = json!({ "public.t": old["tables"]["t"] });
        old["enums"] = json!({});
        assert_eq!(Snapshot::read(&old.to_string()).unwrap().tables, read.tables);
        old["version"] = json!("4");
        assert!(Snapshot::read(&old.to_string()).is_err());
    }
}
