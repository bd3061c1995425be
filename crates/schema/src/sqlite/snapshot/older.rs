//! Snapshots of version 5, as `drizzle-kit up` 0.31 turns them into version 6.

use serde_json::{Value, json};

use crate::drizzle::javascript::compact;

/// The same snapshot in version 6; of other versions nothing.
pub(super) fn upgraded(snapshot: &Value) -> Option<Value> {
    if snapshot["version"] != "5" || snapshot["dialect"] != "sqlite" {
        return None;
    }
    let mut upgraded = snapshot.clone();
    for table in upgraded["tables"].as_object_mut()?.values_mut() {
        for column in table["columns"].as_object_mut()?.values_mut() {
            let default = column.get("default").filter(|it| it.is_object() || it.is_array());
            if let Some(text) = default.map(|it| format!("'{}'", compact(it))) {
                column["default"] = text.into();
            }
        }
    }
    upgraded["version"] = "6".into();
    upgraded["dialect"] = "sqlite".into();
    upgraded["views"] = json!({});
    Some(upgraded)
}

#[cfg(test)]
mod tests {
    use super::super::Snapshot;
    use serde_json::json;

    #[test]
    fn snapshots_of_version_5_are_read() {
        let column = json!({ "name": "a", "type": "text", "primaryKey": false, "notNull": false, "autoincrement": false, "default": { "k": [1] } });
        let old = json!({
            "version": "5", "dialect": "sqlite", "id": "x", "prevId": "y", "enums": {},
            "_meta": { "tables": {}, "columns": {} },
            "tables": { "t": {
                "name": "t", "columns": { "a": column }, "indexes": {}, "foreignKeys": {},
                "compositePrimaryKeys": {}, "uniqueConstraints": {},
            } },
        });
        let read = Snapshot::read(&old.to_string()).unwrap();
        assert_eq!(read.version, "6");
        assert_eq!(read.tables["t"].columns["a"].default, Some(json!("'{\"k\":[1]}'")));
    }
}
