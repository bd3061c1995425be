import { sql } from "drizzle-orm";
import { bigint, integer, numeric, pgEnum, pgSchema, pgTable, text, timestamp, varchar } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const mood = pgEnum("mood", ["a", "b"]);
export const tone = app.enum("tone", ["a", "b"]);
export const t = pgTable("t", {
  key: integer().primaryKey(), a: bigint({ mode: "number" }), b: text().default("z"), c: text(), d: text(), e: varchar({ length: 9 }).default("e"),
  f: mood().default("a"), g: text().default("a"), h: tone().default("a"), i: mood().array(), j: numeric({ precision: 6, scale: 2 }).default("1.5"), k: timestamp({ withTimezone: true }).defaultNow().notNull(),
  l: integer().default(0).notNull(), m: bigint({ mode: "number" }).generatedByDefaultAsIdentity({ increment: 2, maxValue: 1000, cycle: true, cache: 4 }), n: integer().default(sql`2`),
});
export const u = app.table("u", { a: integer().default(1).notNull() });
