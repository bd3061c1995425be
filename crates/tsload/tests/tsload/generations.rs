//! One schema under every drizzle-orm that is loaded, and what 1.0 does differently.

use raingauge_schema::postgres::schema::Schema;
use raingauge_tsload::Generation;

use crate::project::{Fixture, GENERATIONS, LATEST, NEXT, POSTGRES_CONFIG};

const SCHEMA: &str = r#"
import { sql } from "drizzle-orm";
import { bigint, bigserial, boolean, char, cidr, customType, date, doublePrecision, foreignKey, index, inet, integer, interval, json, jsonb, macaddr, macaddr8, numeric, pgEnum, pgSchema, pgTable, pgTableCreator, primaryKey, real, serial, smallint, smallserial, text, time, timestamp, unique, uniqueIndex, uuid, varchar } from "drizzle-orm/pg-core";
export const mood = pgEnum("mood", ["happy", "it's"]);
export const app = pgSchema("app");
export const kind = app.enum("kind", ["a", "b"]);
const bytes = customType<{ data: Buffer }>({ dataType: () => "bytea" });
export const people = pgTable("people", {
  id: serial("id").primaryKey(), small: smallserial("small"), big: bigserial("big", { mode: "number" }),
  a: integer("a").notNull().default(-4), b: smallint("b"), c: bigint("c", { mode: "bigint" }), d: boolean("d").default(false),
  e: text("e").default("it's \\ x"), f: text("f", { enum: ["x", "y"] }), g: varchar("g", { length: 20 }), h: char("h", { length: 3 }),
  i: numeric("i", { precision: 10, scale: 2 }).default("1.50"), j: real("j"), k: doublePrecision("k"),
  l: json("l").default({ a: [1, "x"] }), m: jsonb("m").default([]), n: time("n"), o: time("o", { precision: 2, withTimezone: true }),
  p: timestamp("p").defaultNow(), q: timestamp("q", { precision: 3, withTimezone: true, mode: "string" }), r: timestamp("r").default(new Date("2020-01-02T03:04:05.678Z")),
  s: date("s").default("2021-05-06"), t: interval("t", { fields: "day to second", precision: 3 }), u: uuid("u").defaultRandom(),
  v: cidr("v"), w: inet("w"), x: macaddr("x"), y: macaddr8("y"), z: bytes("z"), mood: mood("mood").default("happy"), kind: kind("kind"),
  list: text("list").array().default(["a", "b"]), moods: mood("moods").array(), made: text("made").$defaultFn(() => "x"),
  one: text("one").unique(), two: text("two").unique("two_named", { nulls: "not distinct" }),
  self: integer("self").references((): any => people.id, { onDelete: "cascade", onUpdate: "set null" }), sum: integer("sum").default(sql`1 + 1`),
}, (t) => ({
  plain: index("plain").on(t.a, t.e), once: uniqueIndex("once").on(t.g),
  key: foreignKey({ columns: [t.b, t.a], foreignColumns: [other.a, other.b], name: "named_fk" }),
  both: unique("both").on(t.j, t.k).nullsNotDistinct(), unnamed: unique().on(t.n, t.o),
}));
export const other = app.table("other", { a: smallint("a"), b: integer("b") }, (t) => ({ pk: primaryKey({ columns: [t.a, t.b] }) }));
export const third = pgTableCreator((it) => `pre_${it}`)("third", { a: integer("a"), b: integer("b") }, (t) => ({ pk: primaryKey({ name: "third_key", columns: [t.b, t.a] }), key: foreignKey({ columns: [t.a], foreignColumns: [people.id] }) }));
"#;

fn load(orm: &str, schema: &str) -> Schema {
    let files = [("drizzle.config.ts", POSTGRES_CONFIG), ("schema.ts", schema)];
    Fixture::with_orm(orm, &files).postgres_schema()
}

#[test]
fn every_version_declares_the_same() {
    let latest = load(LATEST, SCHEMA);
    assert_eq!((latest.tables.len(), latest.tables[1].columns.len()), (3, 38));
    for orm in GENERATIONS {
        let found = load(orm, SCHEMA);
        for (found, expected) in found.tables.iter().zip(&latest.tables) {
            assert_eq!(found, expected, "{orm}");
        }
        assert!(found == latest, "{orm}");
    }
}

#[test]
fn conditions_are_printed_as_the_kit_of_that_generation_prints_them() {
    let schema = r#"
import { gt, sql } from "drizzle-orm";
import { check, index, integer, pgTable } from "drizzle-orm/pg-core";
export const t = pgTable("t", { a: integer() }, (t) => [check("c", sql`${t.a} > ${3}`), index("i").on(t.a).where(gt(t.a, 5)), index("d").on(t.a.desc())]);
"#;
    let conditions = |orm| {
        let schema = load(orm, schema);
        let table = &schema.tables[0];
        let index = table.indexes[0].condition.clone().unwrap_or_default();
        assert!(table.indexes[0].columns[0].asc && !table.indexes[1].columns[0].asc);
        (table.checks[0].value.clone(), index)
    };
    assert_eq!(conditions(LATEST), ("\"t\".\"a\" > $1".into(), "\"t\".\"a\" > $1".into()));
    assert_eq!(conditions(NEXT), ("\"a\" > 3".into(), "\"a\" > 5".into()));
}

/// In 0.x a name equal to the derived one cannot be told from none; in 1.0 it can.
#[test]
fn an_explicit_name_is_known_as_such_in_1_0() {
    let schema = r#"
import { integer, pgTable } from "drizzle-orm/pg-core";
export const t = pgTable("t", { a: integer().unique("t_a_unique"), b: integer().unique() });
"#;
    let explicit = |orm| {
        let uniques = load(orm, schema).tables.remove(0).uniques;
        uniques.iter().map(|it| it.name_explicit).collect::<Vec<_>>()
    };
    assert_eq!((explicit(LATEST), explicit(NEXT)), (vec![false, false], vec![true, false]));
}

#[test]
fn relations_of_both_generations_load() {
    let tables = "import { integer, pgTable } from 'drizzle-orm/pg-core';\nexport const a = pgTable('a', { id: integer() });\n";
    let old = "import { relations } from 'drizzle-orm';\nexport const r = relations(a, ({ many }) => ({ all: many(a) }));";
    let kept = "import { relations } from 'drizzle-orm/_relations';\nexport const r = relations(a, ({ many }) => ({ all: many(a) }));";
    let new = "import { defineRelations } from 'drizzle-orm';\nexport const r = defineRelations({ a }, (r) => ({ a: { all: r.many.a({ from: r.a.id, to: r.a.id }) } }));";
    for (orm, relations) in [(LATEST, old), ("drizzle-orm-0.30", old), (NEXT, kept), (NEXT, new)] {
        assert_eq!(load(orm, &format!("{tables}{relations}")).tables.len(), 1, "{orm}");
    }
}

#[test]
fn casing_is_0_xs_and_1_0_says_that_it_is_ignored() {
    let config = "export default { dialect: 'postgresql', schema: './schema.ts', casing: 'snake_case', migrations: { prefix: 'unix' } };";
    let schema = "import { integer, pgTable } from 'drizzle-orm/pg-core';\nexport const t = pgTable('t', { someName: integer() });";
    let load = |orm| {
        let fixture =
            Fixture::with_orm(orm, &[("drizzle.config.ts", config), ("schema.ts", schema)]);
        let column = fixture.postgres_schema().tables[0].columns[0].name.clone();
        (fixture.config().unwrap(), column)
    };
    let (config, column) = load(LATEST);
    assert_eq!((config.generation, column.as_str()), (Generation::V0, "some_name"));
    assert!(config.ignored.is_empty());
    assert_eq!(config.migrations_prefix.as_deref(), Some("unix"));
    let (config, column) = load(NEXT);
    assert_eq!((config.generation, column.as_str()), (Generation::V1, "someName"));
    let ignored: Vec<_> = config.ignored.iter().map(|it| (it.setting, it.value.as_str())).collect();
    assert_eq!(ignored, [("casing", "snake_case"), ("migrations.prefix", "unix")]);
    assert!(config.casing.is_none() && config.migrations_prefix.is_none());
}

#[test]
fn what_1_0_adds_is_read() {
    let schema = r#"
import { bytea, pgEnum, pgSchema, pgTable, snakeCase, text } from "drizzle-orm/pg-core";
enum Level { Low = "low", High = "high" }
export const level = pgEnum("level", Level);
export const there = pgSchema("there").existing();
export const app = pgSchema("app");
export const a = snakeCase.table("a", { someName: text(), level: level(), raw: bytea(), grid: text().array("[][]") });
export const b = pgTable.withRLS("b", { id: text() });
"#;
    let schema = load(NEXT, schema);
    assert_eq!(schema.schemas, ["app"]);
    let columns: Vec<_> = schema.tables[0]
        .columns
        .iter()
        .map(|it| (it.name.as_str(), it.sql_type.as_str()))
        .collect();
    let expected =
        [("some_name", "text"), ("level", "level"), ("raw", "bytea"), ("grid", "text[][]")];
    assert_eq!(columns, expected);
    assert_eq!(schema.tables[0].columns[1].type_schema.as_deref(), Some("public"));
    assert!(schema.tables[1].rls);
}
