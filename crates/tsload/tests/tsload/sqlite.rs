//! SQLite schemas as the types of `raingauge-schema`.

use serde_json::json;

use crate::project::Fixture;

const SCHEMA: &str = r#"
import { eq, sql } from "drizzle-orm";
import { blob, check, foreignKey, index, integer, numeric, primaryKey, real, sqliteTable, sqliteView, text, unique, uniqueIndex } from "drizzle-orm/sqlite-core";

export const users = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  name: text("name", { length: 20 }).notNull().unique(),
  kind: text("kind", { enum: ["a", "b"] }).default("it's"),
  active: integer("active", { mode: "boolean" }).default(true),
  at: integer("at", { mode: "timestamp" }).default(sql`(unixepoch())`),
  day: integer("day", { mode: "timestamp" }).default(new Date(0)),
  data: text("data", { mode: "json" }).default({ a: [1] }),
  raw: blob("raw").default(Buffer.from("ab")),
  price: real("price").default(1.5),
  total: numeric("total").$default(() => "1"),
  shout: text("shout").generatedAlwaysAs(sql`upper(name)`, { mode: "stored" }),
}, (t) => [
  index("users_kind").on(t.kind, sql`lower(${t.name})`).where(sql`${t.kind} is not null`),
  uniqueIndex("users_price").on(t.price),
  unique().on(t.kind, t.price),
  check("price_positive", sql`${t.price} > 0`),
]);

export const posts = sqliteTable("posts", {
  user: integer("user").references(() => users.id, { onDelete: "cascade" }),
  n: integer("n"),
}, (t) => [
  primaryKey({ columns: [t.user, t.n] }),
  foreignKey({ columns: [t.n], foreignColumns: [users.id], name: "by_hand" }).onUpdate("set null"),
]);

export const names = sqliteView("names").as((qb) => qb.select({ id: users.id, name: users.name }).from(users).where(eq(users.kind, "a")));
export const old = sqliteView("old", { id: integer("id") }).existing();
"#;

#[test]
fn a_schema_with_everything_is_described() {
    let fixture = Fixture::sqlite(SCHEMA);
    let schema = serde_json::to_value(fixture.sqlite_schema()).unwrap();
    let [posts, users] = schema["tables"].as_array().unwrap().as_slice() else {
        panic!("two tables")
    };
    let columns = |name: &str| {
        users["columns"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone()
    };
    assert_eq!(columns("id")["autoincrement"], true);
    assert_eq!(columns("name")["sqlType"], "text(20)");
    let defaults: Vec<_> = ["kind", "active", "at", "day", "data", "raw", "price", "total"]
        .iter()
        .map(|it| columns(it)["default"].clone())
        .collect();
    assert_eq!(
        json!(defaults),
        json!([
            { "kind": "text", "value": "it's" },
            { "kind": "json", "value": true },
            { "kind": "sql", "value": "(unixepoch())" },
            { "kind": "date", "value": "1970-01-01T00:00:00.000Z" },
            { "kind": "json", "value": { "a": [1] } },
            { "kind": "bytes", "value": "6162" },
            { "kind": "json", "value": 1.5 },
            null,
        ])
    );
    assert_eq!(
        columns("shout")["generated"],
        json!({ "expression": "upper(name)", "kind": "stored" })
    );
    assert_eq!(
        users["indexes"],
        json!([
            { "name": "users_kind", "unique": false, "where": "\"users\".\"kind\" is not null", "columns": [
                { "expression": "kind", "isExpression": false }, { "expression": "lower(\"name\")", "isExpression": true } ] },
            { "name": "users_price", "unique": true, "columns": [{ "expression": "price", "isExpression": false }] },
        ])
    );
    let uniques: Vec<_> = users["uniques"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].clone(), it["nameExplicit"].clone()))
        .collect();
    assert_eq!(
        uniques,
        [
            (json!("users_name_unique"), json!(false)),
            (json!("users_kind_price_unique"), json!(false))
        ]
    );
    assert_eq!(
        users["checks"],
        json!([{ "name": "price_positive", "value": "\"users\".\"price\" > 0" }])
    );
    assert_eq!(
        posts["primaryKeys"],
        json!([{ "name": "posts_user_n_pk", "nameExplicit": false, "columns": ["user", "n"] }])
    );
    assert_eq!(
        posts["foreignKeys"],
        json!([
            { "name": "posts_user_users_id_fk", "nameExplicit": false, "columns": ["user"], "tableTo": "users", "columnsTo": ["id"], "onDelete": "cascade", "onUpdate": "no action" },
            { "name": "by_hand", "nameExplicit": true, "columns": ["n"], "tableTo": "users", "columnsTo": ["id"], "onDelete": "no action", "onUpdate": "set null" },
        ])
    );
}

#[test]
fn views_are_described() {
    let fixture = Fixture::sqlite(SCHEMA);
    let views = fixture.sqlite_schema().views;
    assert_eq!(
        (views[0].name.as_str(), views[0].columns.len(), views[0].existing),
        ("names", 2, false)
    );
    assert_eq!(
        views[0].definition.as_deref(),
        Some("select \"id\", \"name\" from \"users\" where \"users\".\"kind\" = 'a'")
    );
    assert!(views[1].existing && views[1].definition.is_none());
}

#[test]
fn casing_reaches_columns_keys_and_derived_names() {
    let config =
        "export default { dialect: 'turso', schema: './schema.ts', casing: 'snake_case' };";
    let schema = "import { integer, primaryKey, sqliteTable } from 'drizzle-orm/sqlite-core';
export const a = sqliteTable('a', { firstKey: integer(), secondKey: integer('secondKey') }, (t) => [primaryKey({ columns: [t.firstKey, t.secondKey] })]);
export const b = sqliteTable('b', { toA: integer().references(() => a.firstKey) });
";
    let fixture = Fixture::new(&[("drizzle.config.ts", config), ("schema.ts", schema)]);
    let tables = fixture.sqlite_schema().tables;
    let names: Vec<_> = tables[0].columns.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["first_key", "secondKey"]);
    assert_eq!(tables[0].primary_keys[0].name, "a_first_key_secondKey_pk");
    assert_eq!(tables[1].foreign_keys[0].name, "b_to_a_a_first_key_fk");
}
