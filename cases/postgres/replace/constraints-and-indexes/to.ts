import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, pgPolicy, pgTable, pgView, primaryKey, text, unique } from "drizzle-orm/pg-core";

export const a = pgTable("a", { id: integer().primaryKey(), n: integer() }, (t) => [index("a_n").on(t.n)]);
export const b = pgTable("b", { x: integer(), y: integer(), z: text() }, (t) => [
  primaryKey({ name: "b_key", columns: [t.y, t.x] }), unique("b_unique").on(t.z, t.x), check("b_check", sql`${t.x} > 1`), index("b_index").on(t.z.desc()),
  foreignKey({ name: "b_to_a", columns: [t.x], foreignColumns: [a.id] }).onDelete("cascade"),
  pgPolicy("changed", { to: ["current_user", "somebody"], using: sql`false`, withCheck: sql`true` }), pgPolicy("swapped", { for: "update" }),
]);
export const v = pgView("v", { one: integer("one") }).as(sql`select 2 as one`);
