//! MySQL schemas as the types of `raingauge-schema`, under every drizzle-orm that is loaded.

use raingauge_schema::mysql::schema::{Column, DefaultValue, Schema, Table};
use raingauge_tsload::{DeclaredSchema, Runtime};
use serde_json::json;

use crate::project::{Fixture, GENERATIONS, LATEST, MYSQL_CONFIG, NEXT};

/// What every version since 0.30 has.
const SCHEMA: &str = r#"
import { sql } from "drizzle-orm";
import { bigint, binary, boolean, char, customType, date, datetime, decimal, double, float, foreignKey, index, int, json, longtext, mediumint, mediumtext, mysqlEnum, mysqlSchema, mysqlTable, mysqlTableCreator, primaryKey, real, serial, smallint, text, time, timestamp, tinyint, tinytext, unique, uniqueIndex, varbinary, varchar, year } from "drizzle-orm/mysql-core";
const money = customType<{ data: string }>({ dataType: () => "decimal(19,4)" });
export const users = mysqlTable("users", {
  id: serial("id").primaryKey(), a: int("a").notNull().default(-4), b: int("b", { unsigned: true }), c: bigint("c", { mode: "number" }), d: bigint("d", { mode: "bigint", unsigned: true }),
  e: tinyint("e"), f: smallint("f", { unsigned: true }), g: mediumint("g"), h: boolean("h").default(true), i: decimal("i", { precision: 10, scale: 2 }).default("1.50"),
  j: double("j", { precision: 10, scale: 3 }), k: float("k"), l: real("l", { precision: 8, scale: 2 }).default(0.5), m: char("m", { length: 3 }), n: varchar("n", { length: 20 }).default("it's"),
  o: text("o"), p: tinytext("p"), q: mediumtext("q"), r: longtext("r"), s: binary("s", { length: 4 }), t: varbinary("t", { length: 4 }), u: json("u").default({ a: [1] }),
  v: date("v").default(new Date("2020-01-02T03:04:05.678Z")), w: datetime("w", { fsp: 3 }), x: timestamp("x", { fsp: 6 }).defaultNow().onUpdateNow(), y: time("y", { fsp: 2 }), z: year("z").default(2020),
  kind: mysqlEnum("kind", ["a", "it's"]).default("a"), price: money("price").default("1"), made: varchar("made", { length: 9 }).$defaultFn(() => "x"),
  one: int("one").unique(), two: int("two").unique("two_named"), sum: int("sum").default(sql`(1 + 1)`),
  self: int("self").references((): any => users.a, { onDelete: "cascade", onUpdate: "set null" }),
}, (t) => ({
  plain: index("plain").on(t.a, t.b).using("btree").algorithm("inplace").lock("none"), once: uniqueIndex("once").on(t.g), word: index("word").on(sql`(lower(${t.n}))`),
  key: foreignKey({ columns: [t.f, t.g], foreignColumns: [other.a, other.b], name: "named_fk" }), both: unique("both").on(t.j, t.k), unnamed: unique().on(t.m, t.n),
}));
export const other = mysqlTable("other", { a: smallint("a"), b: mediumint("b") }, (t) => ({ pk: primaryKey({ columns: [t.a, t.b] }) }));
export const third = mysqlTableCreator((it) => `pre_${it}`)("third", { a: int("a").autoincrement(), b: int("b") }, (t) => ({ pk: primaryKey({ name: "third_key", columns: [t.b, t.a] }) }));
export const app = mysqlSchema("app");
export const away = app.table("away", { a: int("a") });
"#;

/// What came later: generated columns, checks, views.
const LATER: &str = r#"
import { sql } from "drizzle-orm";
import { check, int, mysqlTable, mysqlView, varchar } from "drizzle-orm/mysql-core";
export const t = mysqlTable("t", { id: int().primaryKey().autoincrement(), name: varchar({ length: 9 }).notNull(),
  up: varchar("up", { length: 20 }).generatedAlwaysAs(sql`upper('a')`), st: int("st").generatedAlwaysAs(() => sql`1 + 2`, { mode: "stored" }),
}, (t) => [check("positive", sql`${t.id} > 0`)]);
export const v1 = mysqlView("v1").algorithm("merge").sqlSecurity("invoker").withCheckOption("cascaded").as((qb) => qb.select({ id: t.id, up: sql<string>`upper(${t.name})`.as("up") }).from(t));
export const v0 = mysqlView("v0").as((qb) => qb.select().from(v1));
export const raw = mysqlView("raw", { a: int("a") }).withCheckOption().as(sql`select 1 as a`);
export const old = mysqlView("old", { a: int("a") }).existing();
"#;

fn load(orm: &str, schema: &str) -> Schema {
    Fixture::with_orm(orm, &[("drizzle.config.ts", MYSQL_CONFIG), ("schema.ts", schema)])
        .mysql_schema()
}

fn column<'a>(table: &'a Table, name: &str) -> &'a Column {
    table.columns.iter().find(|it| it.name == name).unwrap()
}

fn table<'a>(schema: &'a Schema, name: &str) -> &'a Table {
    schema.tables.iter().find(|it| it.name == name).unwrap()
}

#[test]
fn every_column_type_has_its_options() {
    let schema = load(LATEST, SCHEMA);
    let users = table(&schema, "users");
    let types: Vec<_> = users.columns.iter().map(|it| it.sql_type.as_str()).collect();
    assert_eq!(
        types.join(" | "),
        "serial | int | int unsigned | bigint | bigint unsigned | tinyint | smallint unsigned | mediumint | boolean | decimal(10,2) | double(10,3) | float | real(8, 2) | char(3) | varchar(20) | text | tinytext | mediumtext | longtext | binary(4) | varbinary(4) | json | date | datetime(3) | timestamp(6) | time(2) | year | enum('a','it's') | decimal(19,4) | varchar(9) | int | int | int | int"
    );
    assert_eq!(column(users, "kind").enum_values, Some(vec!["a".to_owned(), "it's".to_owned()]));
    assert!(column(users, "id").auto_increment && column(users, "id").primary_key);
    assert!(column(users, "x").on_update_now && !column(users, "w").on_update_now);
    assert!(column(table(&schema, "pre_third"), "a").auto_increment);
    let default = |name| column(users, name).default.clone();
    assert_eq!(default("n"), Some(DefaultValue::Text("it's".to_owned())));
    assert_eq!(default("u"), Some(DefaultValue::Json(json!({ "a": [1] }))));
    assert_eq!(default("v"), Some(DefaultValue::Date("2020-01-02T03:04:05.678Z".to_owned())));
    assert_eq!(default("x"), Some(DefaultValue::Sql("(now())".to_owned())));
    assert_eq!((default("made"), default("l")), (None, Some(DefaultValue::Json(json!(0.5)))));
}

#[test]
fn keys_and_indexes_are_described() {
    let schema = load(LATEST, SCHEMA);
    let users = serde_json::to_value(table(&schema, "users")).unwrap();
    assert_eq!(
        users["indexes"],
        json!([
            { "name": "plain", "nameExplicit": true, "unique": false, "using": "btree", "algorithm": "inplace", "lock": "none",
              "columns": [{ "expression": "a", "isExpression": false }, { "expression": "b", "isExpression": false }] },
            { "name": "once", "nameExplicit": true, "unique": true, "columns": [{ "expression": "g", "isExpression": false }] },
            { "name": "word", "nameExplicit": true, "unique": false, "columns": [{ "expression": "(lower(`n`))", "isExpression": true }] },
        ])
    );
    assert_eq!(
        users["foreignKeys"],
        json!([
            { "name": "users_self_users_a_fk", "nameExplicit": false, "columns": ["self"], "tableTo": "users", "columnsTo": ["a"], "onDelete": "cascade", "onUpdate": "set null" },
            { "name": "named_fk", "nameExplicit": true, "columns": ["f", "g"], "tableTo": "other", "columnsTo": ["a", "b"], "onDelete": "no action", "onUpdate": "no action" },
        ])
    );
    let uniques: Vec<_> = table(&schema, "users")
        .uniques
        .iter()
        .map(|it| (it.name.as_str(), it.name_explicit, it.of_column))
        .collect();
    assert_eq!(
        uniques,
        [
            ("users_one_unique", false, true),
            ("two_named", true, true),
            ("both", true, false),
            ("users_m_n_unique", false, false)
        ]
    );
    assert_eq!(table(&schema, "pre_third").primary_keys[0].columns, ["b", "a"]);
    assert_eq!(table(&schema, "away").schema.as_deref(), Some("app"));
}

#[test]
fn every_version_declares_the_same() {
    let latest = load(LATEST, SCHEMA);
    assert_eq!((latest.tables.len(), table(&latest, "users").columns.len()), (4, 34));
    for orm in GENERATIONS {
        // Up to 0.44 the option had another spelling, which drizzle-kit does not look at.
        let is_old = orm != LATEST && orm != NEXT;
        let found = match is_old {
            true => {
                load(orm, &SCHEMA.replace(".algorithm(\"inplace\")", ".algorythm(\"inplace\")"))
            }
            false => load(orm, SCHEMA),
        };
        for (found, expected) in found.tables.iter().zip(&latest.tables) {
            for (found, expected) in found.columns.iter().zip(&expected.columns) {
                // 1.0 says `real(8,2)`, and makes a text of a custom type's default.
                let spaced = |it: &Column| it.sql_type.replace(", ", ",");
                assert_eq!(spaced(found), spaced(expected), "{orm}");
                let same = Column { sql_type: expected.sql_type.clone(), ..found.clone() };
                assert_eq!(&same, expected, "{orm}");
            }
            let mut indexes = found.indexes.clone();
            for index in indexes.iter_mut().filter(|it| is_old && it.name == "plain") {
                assert_eq!(index.algorithm.replace("inplace".to_owned()), None, "{orm}");
            }
            // 0.30 names the table in expressions.
            for part in indexes.iter_mut().flat_map(|it| &mut it.columns) {
                part.expression = part.expression.replace("`users`.", "");
            }
            assert_eq!(indexes, expected.indexes, "{orm}");
            assert_eq!(found.foreign_keys, expected.foreign_keys, "{orm}");
            // To 1.0 every primary key is `PRIMARY`.
            let columns = |it: &Table| -> Vec<_> {
                it.primary_keys.iter().map(|it| it.columns.clone()).collect()
            };
            assert_eq!(columns(found), columns(expected), "{orm}");
            assert_eq!(found.uniques, expected.uniques, "{orm}");
        }
    }
}

#[test]
fn checks_and_views_are_described_with_their_options() {
    for orm in [LATEST, NEXT] {
        let schema = load(orm, LATER);
        let t = &schema.tables[0];
        assert_eq!(t.checks[0].value, "`t`.`id` > 0", "{orm}");
        let generated = |name| serde_json::to_value(&column(t, name).generated).unwrap();
        assert_eq!(generated("up"), json!({ "expression": "upper('a')", "kind": "virtual" }));
        assert_eq!(generated("st"), json!({ "expression": "1 + 2", "kind": "stored" }));
        let views: Vec<_> = schema
            .views
            .iter()
            .map(|it| {
                let options = [&it.algorithm, &it.sql_security, &it.with_check_option];
                let options = options.map(|it| it.as_deref().unwrap_or("-")).join(" ");
                (it.name.as_str(), it.columns.len(), options, it.existing, it.depends_on.join(","))
            })
            .collect();
        let expected = [
            ("old", 1, "- - -", true, ""),
            ("raw", 1, "- - cascaded", false, ""),
            ("v0", 1, "- - -", false, "v1"),
            ("v1", 1, "merge invoker cascaded", false, ""),
        ];
        let expected =
            expected.map(|it| (it.0, it.1, it.2.to_owned(), it.3, it.4.to_owned())).to_vec();
        assert_eq!(views, expected, "{orm}");
        let definition = schema.views[3].definition.as_deref();
        assert_eq!(definition, Some("select `id`, upper(`name`) as `up` from `t`"), "{orm}");
    }
}

#[test]
fn character_sets_and_precise_updates_are_what_1_0_has() {
    let schema = r#"
import { mysqlEnum, mysqlTable, timestamp, varchar, customType, blob, longblob } from "drizzle-orm/mysql-core";
const list = customType<{ data: string[]; driverData: string }>({ dataType: () => "text", toDriver: (it) => it.join() });
export const t = mysqlTable("t", {
  a: varchar({ length: 9 }).charSet("utf8mb4").collate("utf8mb4_bin"), b: mysqlEnum(["x"]).collate("utf8mb4_bin"), c: mysqlEnum({ X: "x" }).collate("utf8mb4_bin"),
  d: timestamp({ fsp: 3 }).onUpdateNow({ fsp: 3 }), e: list().default(["a", "b"]), f: blob().default(Buffer.from("ab")), g: longblob({ mode: "string" }),
});
"#;
    let schema = load(NEXT, schema);
    let of = |name| column(&schema.tables[0], name);
    assert_eq!(of("a").char_set.as_deref(), Some("utf8mb4"));
    let collations = ["a", "b", "c"].map(|it| of(it).collation.as_deref());
    // drizzle-kit looks for the collation of an enum over a list alone.
    assert_eq!(collations, [Some("utf8mb4_bin"), Some("utf8mb4_bin"), None]);
    assert_eq!((of("c").sql_type.as_str(), &of("c").enum_values), ("enum('x')", &None));
    assert_eq!((of("d").on_update_now, of("d").on_update_now_fsp), (true, Some(3)));
    assert_eq!(of("e").default, Some(DefaultValue::Text("a,b".to_owned())));
    assert_eq!(of("f").default, Some(DefaultValue::Bytes("6162".to_owned())));
}

#[test]
fn casing_reaches_columns_and_keys_but_not_the_names_of_unique_constraints() {
    let config =
        "export default { dialect: 'mysql', schema: './schema.ts', casing: 'snake_case' };";
    let schema = "import { int, mysqlTable, primaryKey, unique } from 'drizzle-orm/mysql-core';
export const a = mysqlTable('a', { firstKey: int().unique(), secondKey: int('secondKey') }, (t) => [primaryKey({ columns: [t.firstKey, t.secondKey] }), unique().on(t.firstKey, t.secondKey)]);
export const b = mysqlTable('b', { toA: int().references(() => a.firstKey) });
";
    let fixture = Fixture::new(&[("drizzle.config.ts", config), ("schema.ts", schema)]);
    let tables = fixture.mysql_schema().tables;
    let names: Vec<_> = tables[0].columns.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["first_key", "secondKey"]);
    assert_eq!(tables[0].primary_keys[0].name, "a_first_key_secondKey_pk");
    let uniques: Vec<_> = tables[0].uniques.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(uniques, ["a_firstKey_unique", "a_firstKey_secondKey_unique"]);
    assert_eq!(tables[1].foreign_keys[0].name, "b_to_a_a_first_key_fk");
}

#[test]
fn what_the_kit_refuses_is_refused_with_the_rule() {
    let refused = [
        ("a: int(), b: int().unique('u'), c: int().unique('u')", "", "unique constraint `u`"),
        ("a: int().unique('u')", "uniqueIndex('u').on(t.a)", "unique index `u`"),
        ("a: int()", "check('c', sql`1`), check('c', sql`2`)", "check `c`"),
        (
            "a: int()",
            "foreignKey({ columns: [t.a], foreignColumns: [t.a], name: 'k' }), index('k').on(t.a)",
            "index of a foreign key `k`",
        ),
        ("a: int().default(sql`${1}`)", "", "an SQL default contains a parameter"),
    ];
    for (columns, extras, rule) in refused {
        let schema = format!(
            "import {{ sql }} from 'drizzle-orm';\nimport {{ check, foreignKey, index, int, mysqlTable, uniqueIndex }} from 'drizzle-orm/mysql-core';\nexport const t = mysqlTable('t', {{ {columns} }}, (t) => [{extras}]);"
        );
        let error = Fixture::mysql(&schema).error();
        assert_eq!(error.code(), "schema-rejected", "{error}");
        assert!(error.to_string().contains(rule), "{rule}: {error}");
    }
}

#[test]
fn node_declares_the_same() {
    let path = std::env::var("PATH").unwrap();
    for (orm, schema) in [(LATEST, SCHEMA), (NEXT, SCHEMA), (NEXT, LATER)] {
        let files = [("drizzle.config.ts", MYSQL_CONFIG), ("schema.ts", schema)];
        let fixture = Fixture::with_orm(orm, &files).with_env("PATH", &path);
        let project = fixture.project().with_runtime(Runtime::Node);
        let config = project.config(None).unwrap();
        let declared = project.declared(&config).unwrap().unwrap();
        assert_eq!(declared.schema, DeclaredSchema::Mysql(fixture.mysql_schema()), "{orm}");
    }
}
