import { sql } from "drizzle-orm";
import { check, index, integer, pgEnum, pgMaterializedView, pgPolicy, pgRole, pgSchema, pgSequence, pgTable, pgView, primaryKey, text, unique } from "drizzle-orm/pg-core";

const elsewhere = pgTable("elsewhere", { id: integer() });
export const legacy = pgSchema("legacy");
export const mood = pgEnum("mood", ["a"]);
export const tickets = pgSequence("tickets");
export const role = pgRole("old_role");
export const notes = legacy.table("notes", { id: integer().primaryKey() }, () => [pgPolicy("p1"), pgPolicy("p2")]);
export const people = pgTable("people", { id: integer().primaryKey(), mood: mood() });
export const kept = pgTable("kept", {
  id: integer().notNull(), gone: text(), also: integer().references(() => people.id), code: text().notNull().unique(),
}, (t) => [
  primaryKey({ columns: [t.id, t.code] }), unique("pair").on(t.id, t.also), check("positive", sql`${t.id} > 0`), index("kept_gone").on(t.gone), pgPolicy("old"),
]);
export const v = pgView("v").as((qb) => qb.select({ id: kept.id }).from(kept));
export const m = pgMaterializedView("m").as((qb) => qb.select({ id: kept.id }).from(kept));
export const linked = pgPolicy("linked", { using: sql`true` }).link(elsewhere);
