import { sql } from "drizzle-orm";
import { bigint, integer, numeric, pgEnum, pgSchema, pgTable, text, timestamp, varchar } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const mood = pgEnum("mood", ["a", "b"]);
export const tone = app.enum("tone", ["a", "b"]);
export const t = pgTable("t", {
  key: integer().notNull(), a: integer(), b: text().default("x"), c: text().notNull(), d: text().default("y").notNull(), e: varchar({ length: 5 }),
  f: text().default("a"), g: mood().default("a"), h: mood().default("a"), i: text(), j: numeric({ precision: 4, scale: 1 }).default("1.5"), k: timestamp(),
  l: integer().default(5), m: bigint({ mode: "number" }).generatedAlwaysAsIdentity(), n: integer().default(sql`1 + 1`),
});
export const u = app.table("u", { a: integer().default(0) });
