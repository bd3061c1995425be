//! PostgreSQL schemas as the types of `raingauge-schema`.

use raingauge_schema::postgres::schema::Table;
use serde_json::{Value, json};

use crate::project::{Fixture, table_names};

const SCHEMA: &str = r#"
import { gte, sql } from "drizzle-orm";
import {
  bigint, bigserial, boolean, check, customType, date, doublePrecision, foreignKey, index, integer, jsonb, numeric, pgEnum,
  pgMaterializedView, pgPolicy, pgRole, pgSchema, pgSequence, pgTable, pgTableCreator, pgView, primaryKey, serial, text, timestamp,
  unique, uniqueIndex, uuid, varchar, vector,
} from "drizzle-orm/pg-core";

export const mood = pgEnum("mood", ["sad", "ok"]);
export const app = pgSchema("app");
export const level = app.enum("level", ["low", "high"]);
export const counter = pgSequence("counter", { startWith: 10, cycle: true });
export const admin = pgRole("admin", { createDb: true });
export const known = pgRole("known").existing();
const bytes = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });

export const users = pgTable("users", {
  id: serial("id").primaryKey(),
  big: bigserial("big", { mode: "number" }),
  code: integer("code").generatedAlwaysAsIdentity({ name: "code_seq", startWith: 100 }),
  email: varchar("email", { length: 80 }).notNull().unique("email_key", { nulls: "not distinct" }),
  mood: mood("mood").default("ok").notNull(),
  levels: level("levels").array().default(["low"]),
  matrix: integer("matrix").array().array(3).default([[1, 2]]),
  data: jsonb("data").default({ a: 1 }),
  raw: bytes("raw"),
  born: date("born", { mode: "date" }).default(new Date(0)),
  at: timestamp("at", { withTimezone: true, precision: 3 }).defaultNow(),
  price: numeric("price", { precision: 10, scale: 2 }).default("1.50"),
  huge: bigint("huge", { mode: "bigint" }).default(9007199254740993n),
  ratio: doublePrecision("ratio").default(0.5),
  active: boolean("active").default(true),
  key: uuid("key").defaultRandom(),
  lower: text("lower").generatedAlwaysAs((): any => sql`lower(${users.email})`),
  spot: vector("spot", { dimensions: 3 }),
  made: text("made").$default(() => "x"),
}, (t) => [
  index("users_expression").on(sql`lower(${t.email})`, t.code.desc().nullsLast()).where(sql`${t.active} and ${t.code} > 1`),
  index().on(t.email, t.mood),
  index("users_spot").using("hnsw", t.spot.op("vector_l2_ops")).with({ m: 16, fast: true }).concurrently(),
  uniqueIndex("users_code").on(t.code),
  unique().on(t.email, t.code),
  check("price_positive", sql`${t.price} > 0`),
  pgPolicy("readers", { for: "select", to: [admin, "other"], using: sql`true` }),
]).enableRLS();

const own = pgTableCreator((name) => `own_${name}`);
export const posts = own("posts", {
  author: integer("author").references(() => users.id, { onDelete: "cascade", onUpdate: "restrict" }),
  n: integer("n"),
}, (t) => ({
  pk: primaryKey({ columns: [t.author, t.n] }),
  fk: foreignKey({ columns: [t.n], foreignColumns: [events.id], name: "to_events" }),
}));

export const events = app.table("events", { id: integer("id").primaryKey() });
export const linked = pgPolicy("linked", { as: "restrictive" }).link(events);
export const adults = pgView("adults").with({ securityInvoker: true }).as((qb) => qb.select({ id: users.id, mood: users.mood }).from(users).where(gte(users.code, 18)));
export const kept = pgView("kept", { id: integer("id") }).existing();
export const sums = app.materializedView("sums").withNoData().as((qb) => qb.select().from(events));
"#;

fn table<'a>(schema: &'a [Table], name: &str) -> &'a Table {
    schema.iter().find(|it| it.name == name).unwrap()
}

fn loaded() -> raingauge_schema::postgres::schema::Schema {
    Fixture::postgres(SCHEMA, &[]).postgres_schema()
}

#[test]
fn columns_have_their_types_defaults_and_options() {
    let schema = loaded();
    let users = serde_json::to_value(table(&schema.tables, "users")).unwrap();
    let column = |name: &str| -> Value {
        users["columns"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone()
    };
    let is =
        |name: &str, field: &str, value: Value| assert_eq!(column(name)[field], value, "{name}");
    is("id", "sqlType", json!("serial"));
    is("id", "notNull", json!(true));
    is(
        "code",
        "identity",
        json!({ "kind": "always", "increment": null, "startWith": "100", "minValue": null, "maxValue": null, "cache": null, "cycle": null, "name": "code_seq" }),
    );
    is("mood", "typeSchema", json!("public"));
    is("mood", "default", json!({ "kind": "text", "value": "ok" }));
    is("levels", "sqlType", json!("level[]"));
    is("levels", "typeSchema", json!("app"));
    is("levels", "default", json!({ "kind": "json", "value": ["low"] }));
    is("matrix", "sqlType", json!("integer[][3]"));
    is("data", "default", json!({ "kind": "json", "value": { "a": 1 } }));
    is("raw", "sqlType", json!("bytea"));
    is("born", "default", json!({ "kind": "date", "value": "1970-01-01T00:00:00.000Z" }));
    is("at", "sqlType", json!("timestamp (3) with time zone"));
    is("at", "default", json!({ "kind": "sql", "value": "now()" }));
    is("price", "default", json!({ "kind": "text", "value": "1.50" }));
    is("huge", "default", json!({ "kind": "bigInt", "value": "9007199254740993" }));
    is("ratio", "default", json!({ "kind": "json", "value": 0.5 }));
    is("key", "default", json!({ "kind": "sql", "value": "gen_random_uuid()" }));
    is("lower", "generated", json!({ "expression": "lower(\"users\".\"email\")" }));
    is("spot", "sqlType", json!("vector(3)"));
    is("made", "default", Value::Null);
}

#[test]
fn constraints_and_indexes_have_the_kits_names() {
    let schema = loaded();
    let users = table(&schema.tables, "users");
    assert!(users.rls);
    assert_eq!(
        json!(users.uniques),
        json!([
            { "name": "email_key", "nameExplicit": true, "ofColumn": true, "columns": ["email"], "nullsNotDistinct": true },
            { "name": "users_email_code_unique", "nameExplicit": false, "columns": ["email", "code"], "nullsNotDistinct": false },
        ])
    );
    assert_eq!(
        json!(users.checks),
        json!([{ "name": "price_positive", "value": "\"users\".\"price\" > 0" }])
    );
    assert_eq!(
        json!(users.indexes[0]),
        json!({
            "name": "users_expression", "nameExplicit": true, "unique": false, "concurrently": false, "method": "btree", "with": {},
            "columns": [
                { "expression": "lower(\"email\")", "isExpression": true, "asc": true, "nulls": "last" },
                { "expression": "code", "isExpression": false, "asc": false, "nulls": "last" },
            ],
            "where": "\"users\".\"active\" and \"users\".\"code\" > 1",
        })
    );
    assert_eq!(
        (users.indexes[1].name.as_str(), users.indexes[1].name_explicit),
        ("users_email_mood_index", false)
    );
    let spot = json!(users.indexes[2]);
    assert_eq!(
        (&spot["method"], &spot["concurrently"], &spot["with"]),
        (&json!("hnsw"), &json!(true), &json!({ "m": 16, "fast": true }))
    );
    assert_eq!(spot["columns"][0]["opclass"], "vector_l2_ops");
    let posts = table(&schema.tables, "own_posts");
    assert_eq!(
        json!(posts.primary_keys),
        json!([{ "name": "own_posts_author_n_pk", "nameExplicit": false, "columns": ["author", "n"] }])
    );
    assert_eq!(
        json!(posts.foreign_keys),
        json!([
            { "name": "own_posts_author_users_id_fk", "nameExplicit": false, "columns": ["author"], "schemaTo": "public", "tableTo": "users", "columnsTo": ["id"], "onDelete": "cascade", "onUpdate": "restrict" },
            { "name": "to_events", "nameExplicit": true, "columns": ["n"], "schemaTo": "app", "tableTo": "events", "columnsTo": ["id"], "onDelete": "no action", "onUpdate": "no action" },
        ])
    );
}

#[test]
fn everything_that_is_not_a_table_is_described() {
    let schema = loaded();
    assert_eq!(schema.schemas, ["app"]);
    assert_eq!(
        json!(schema.enums),
        json!([
            { "schema": "app", "name": "level", "values": ["low", "high"] },
            { "schema": "public", "name": "mood", "values": ["sad", "ok"] },
        ])
    );
    let sequence = json!(schema.sequences[0]);
    assert_eq!(
        (&sequence["name"], &sequence["startWith"], &sequence["cycle"]),
        (&json!("counter"), &json!("10"), &json!(true))
    );
    assert_eq!(
        json!(schema.roles),
        json!([{ "name": "admin", "createDb": true, "createRole": false, "inherit": true }])
    );
    assert_eq!(
        json!(table(&schema.tables, "users").policies),
        json!([
            { "name": "readers", "as": "PERMISSIVE", "for": "SELECT", "to": ["admin", "other"], "using": "true" },
        ])
    );
    // Linked to a table that is declared here, so it belongs to that table.
    assert!(schema.policies.is_empty());
    assert_eq!(table(&schema.tables, "events").policies[0].r#as, "RESTRICTIVE");
}

#[test]
fn views_are_described_after_which_the_materialized_ones_follow() {
    let schema = loaded();
    let names: Vec<_> =
        schema.views.iter().map(|it| (it.name.as_str(), it.materialized, it.existing)).collect();
    assert_eq!(names, [("adults", false, false), ("kept", false, true), ("sums", true, false)]);
    let adults = &schema.views[0];
    assert_eq!(
        adults.definition.as_deref(),
        Some("select \"id\", \"mood\" from \"users\" where \"users\".\"code\" >= 18")
    );
    assert_eq!(json!(adults.with), json!({ "securityInvoker": true }));
    assert_eq!(adults.columns[1].type_schema.as_deref(), Some("public"));
    assert_eq!(
        (schema.views[2].schema.as_str(), schema.views[2].with_no_data),
        ("app", Some(true))
    );
}

#[test]
fn casing_reaches_columns_sql_and_derived_names() {
    let config =
        "export default { dialect: 'postgresql', schema: './schema.ts', casing: 'snake_case' };";
    let schema = "import { sql } from 'drizzle-orm';
import { check, foreignKey, index, integer, pgTable, primaryKey, unique } from 'drizzle-orm/pg-core';
export const a = pgTable('a', { firstKey: integer(), secondKey: integer().unique() }, (t) => [
  primaryKey({ columns: [t.firstKey, t.secondKey] }), index().on(t.firstKey), unique().on(t.firstKey, t.secondKey), check('c', sql`${t.firstKey} > 0`),
]);
export const b = pgTable('b', { toA: integer().references(() => a.firstKey) });
";
    let fixture = Fixture::new(&[("drizzle.config.ts", config), ("schema.ts", schema)]);
    let schema = fixture.postgres_schema();
    assert_eq!(table_names(&schema), ["a", "b"]);
    let a = &schema.tables[0];
    assert_eq!(a.columns[1].name, "second_key");
    assert_eq!(a.primary_keys[0].name, "a_first_key_second_key_pk");
    assert_eq!(a.indexes[0].name, "a_first_key_index");
    // Drizzle derives these two before it applies the casing.
    assert_eq!(a.uniques[0].name, "a_secondKey_unique");
    assert_eq!(a.uniques[1].name, "a_firstKey_secondKey_unique");
    assert_eq!(a.checks[0].value, "\"a\".\"first_key\" > 0");
    assert_eq!(schema.tables[1].foreign_keys[0].name, "b_to_a_a_first_key_fk");
}
