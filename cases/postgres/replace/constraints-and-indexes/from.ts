import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, pgPolicy, pgTable, pgView, primaryKey, text, unique } from "drizzle-orm/pg-core";

export const a = pgTable("a", { id: integer().primaryKey(), n: integer() });
export const b = pgTable("b", { x: integer(), y: integer(), z: text() }, (t) => [
  primaryKey({ name: "b_key", columns: [t.x, t.y] }), unique("b_unique").on(t.z), check("b_check", sql`${t.x} > 0`), index("b_index").on(t.z),
  foreignKey({ name: "b_to_a", columns: [t.x], foreignColumns: [a.id] }),
  pgPolicy("changed", { using: sql`true` }), pgPolicy("swapped", { for: "select" }),
]);
export const v = pgView("v", { one: integer("one") }).as(sql`select 1 as one`);
