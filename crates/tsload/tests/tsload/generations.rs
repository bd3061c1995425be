//! One schema under every drizzle-orm that is loaded, and what 1.0 does differently.

use raingauge_schema::postgres::schema::Schema;
use raingauge_tsload::Generation;

use crate::project::{Fixture, GENERATIONS, LATEST, NEXT, POSTGRES_CONFIG, SQLITE_CONFIG};

pub(crate) const SCHEMA: &str = r#"
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

/// What came after 0.30: identities, vectors, policies, roles, sequences, views.
const LATER: &str = r#"
import { sql } from "drizzle-orm";
import { bigint, bit, halfvec, index, integer, line, pgEnum, pgMaterializedView, pgPolicy, pgRole, pgSchema, pgSequence, pgTable, pgView, point, sparsevec, text, uniqueIndex, vector } from "drizzle-orm/pg-core";
export const app = pgSchema("app");
export const seq = pgSequence("seq", { startWith: 100, increment: 2, cycle: true });
export const seq2 = app.sequence("seq2", { maxValue: "9999" });
export const role = pgRole("editor", { createDb: true, inherit: false });
export const t = pgTable("t", {
  id: integer("id").primaryKey().generatedAlwaysAsIdentity({ name: "t_seq", startWith: 5 }), n: bigint("n", { mode: "number" }).generatedByDefaultAsIdentity(),
  g: text("g").generatedAlwaysAs(sql`lower('A')`), p: point("p").default([1, 2]), px: point("px", { mode: "xy" }), l: line("l"), la: line("la", { mode: "abc" }),
  v: vector("v", { dimensions: 3 }).default([1, 2, 3]), h: halfvec("h", { dimensions: 4 }), s: sparsevec("s", { dimensions: 5 }), b: bit("b", { dimensions: 3 }),
}, (x) => [index("hn").using("hnsw", x.v.op("vector_l2_ops")).with({ m: 16 }), index("o").on(x.n.desc().nullsLast(), x.g.asc()).concurrently(), uniqueIndex("e").on(sql`lower(${x.g})`), index().on(x.n, x.g),
  pgPolicy("pol", { as: "restrictive", for: "update", to: [role, "public"], using: sql`${x.n} > 1`, withCheck: sql`true` })]).enableRLS();
export const linked = pgPolicy("linked", { to: "current_user" }).link(t);
export const v1 = pgView("v1").with({ securityInvoker: true, checkOption: "cascaded" }).as((qb) => qb.select({ id: t.id, up: sql<string>`upper(${t.g})`.as("up") }).from(t));
export const v2 = app.view("v2", { a: integer("a") }).as(sql`select 1 as a`);
export const m1 = pgMaterializedView("m1").using("heap").with({ fillfactor: 90 }).tablespace("pg_default").withNoData().as((qb) => qb.select().from(t));
"#;

const SQLITE: &str = r#"
import { sql } from "drizzle-orm";
import { blob, foreignKey, index, integer, numeric, primaryKey, real, sqliteTable, sqliteView, text, unique, uniqueIndex, customType, type AnySQLiteColumn } from "drizzle-orm/sqlite-core";
const ct = customType<{ data: string }>({ dataType: () => "text COLLATE NOCASE" });
export const users = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }), n: integer("n").notNull().default(-5), b: integer("b", { mode: "boolean" }).default(false), ts: integer("ts", { mode: "timestamp" }).default(sql`(unixepoch())`),
  t: text("t", { length: 20 }).default("it's"), e: text("e", { enum: ["a", "b"] }).default("a"), j: text("j", { mode: "json" }).default({ a: 1 }), r: real("r").default(1.5), nu: numeric("nu").default("1.50"), bl: blob("bl"), bi: blob("bi", { mode: "bigint" }), c: ct("c"),
  g: text("g").generatedAlwaysAs(sql`lower('A')`), gs: text("gs").generatedAlwaysAs(() => sql`upper(${users.t})`, { mode: "stored" }), u: text("u").unique(), un: text("un").unique("un_named"),
  self: integer("self").references((): AnySQLiteColumn => users.id, { onDelete: "cascade", onUpdate: "set null" }), fn: text("fn").$defaultFn(() => "x"),
}, (t) => [index("i").on(t.n, t.t), uniqueIndex("ui").on(sql`lower(${t.t})`), index("w").on(t.r).where(sql`${t.n} > 0`), unique().on(t.r, t.nu), unique("uq").on(t.b, t.ts), foreignKey({ columns: [t.n, t.r], foreignColumns: [other.a, other.b], name: "named_fk" })]);
export const other = sqliteTable("other", { a: integer("a"), b: real("b") }, (t) => [primaryKey({ columns: [t.a, t.b] })]);
export const third = sqliteTable("third", { a: integer("a"), b: text("b") }, (t) => [primaryKey({ name: "tk", columns: [t.b, t.a] })]);
export const v = sqliteView("v").as((qb) => qb.select({ id: users.id }).from(users));
export const ve = sqliteView("ve", { a: integer("a") }).existing();
"#;

#[test]
fn what_came_later_is_declared_the_same_by_those_that_have_it() {
    let latest = load(LATEST, LATER);
    assert_eq!((latest.views.len(), latest.sequences.len(), latest.roles.len()), (3, 2, 1));
    let table = &latest.tables[0];
    assert_eq!((table.columns.len(), table.indexes.len(), table.policies.len()), (11, 4, 2));
    for orm in ["drizzle-orm-0.40", NEXT] {
        assert!(load(orm, LATER) == latest, "{orm}");
    }
}

#[test]
fn sqlite_is_declared_the_same() {
    let load = |orm| {
        let files = [("drizzle.config.ts", SQLITE_CONFIG), ("schema.ts", SQLITE)];
        Fixture::with_orm(orm, &files).sqlite_schema()
    };
    let latest = load(LATEST);
    assert_eq!(
        (latest.tables.len(), latest.views.len(), latest.tables[2].columns.len()),
        (3, 2, 18)
    );
    for orm in ["drizzle-orm-0.40", NEXT] {
        assert!(load(orm) == latest, "{orm}");
    }
}

/// What `sqlite-core` has had since 0.30; there it put the table before columns in expressions of indexes.
const OLD_SQLITE: &str = r#"
import { sql } from "drizzle-orm";
import { blob, customType, foreignKey, index, integer, numeric, primaryKey, real, sqliteTable, sqliteTableCreator, sqliteView, text, unique, uniqueIndex } from "drizzle-orm/sqlite-core";
const nocase = customType<{ data: string }>({ dataType: () => "text COLLATE NOCASE" });
export const users = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }), n: integer("n").notNull().default(-5), b: integer("b", { mode: "boolean" }).default(true), at: integer("at", { mode: "timestamp_ms" }).default(sql`(unixepoch() * 1000)`),
  t: text("t", { length: 20 }).default("it's"), e: text("e", { enum: ["a", "b"] }), j: text("j", { mode: "json" }).default({ a: [1] }), r: real("r").default(1.5), nu: numeric("nu").default("1.50"),
  bl: blob("bl", { mode: "buffer" }), bi: blob("bi", { mode: "bigint" }), c: nocase("c"), u: text("u").unique(), un: text("un").unique("named"), made: text("made").$defaultFn(() => "x"),
  self: integer("self").references((): any => users.id, { onDelete: "cascade", onUpdate: "set null" }),
}, (t) => ({
  plain: index("plain").on(t.n, t.t), once: uniqueIndex("once").on(t.t), some: index("some").on(t.r).where(sql`${t.n} > 0`),
  both: unique().on(t.r, t.nu), key: foreignKey({ columns: [t.n, t.r], foreignColumns: [other.a, other.b], name: "named_fk" }),
}));
export const other = sqliteTable("other", { a: integer("a"), b: real("b") }, (t) => ({ pk: primaryKey({ columns: [t.a, t.b] }) }));
export const third = sqliteTableCreator((it) => `pre_${it}`)("third", { a: integer("a"), b: text("b") }, (t) => ({ pk: primaryKey({ name: "third_key", columns: [t.b, t.a] }) }));
export const v = sqliteView("v").as((it) => it.select({ id: users.id }).from(users));
"#;

#[test]
fn every_version_declares_the_same_for_sqlite() {
    let load = |orm| {
        let files = [("drizzle.config.ts", SQLITE_CONFIG), ("schema.ts", OLD_SQLITE)];
        Fixture::with_orm(orm, &files).sqlite_schema()
    };
    let latest = load(LATEST);
    let users = latest.tables.iter().find(|it| it.name == "users").unwrap();
    assert_eq!((latest.tables.len(), users.columns.len(), users.indexes.len()), (3, 16, 3));
    for orm in GENERATIONS {
        let found = load(orm);
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
