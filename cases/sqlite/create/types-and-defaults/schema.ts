import { sql } from "drizzle-orm";
import { blob, customType, integer, numeric, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

const day = new Date("2021-05-06T12:00:00.250Z");
const money = customType({ dataType: () => "decimal(10,2)" });

export const types = sqliteTable("types", {
  a: integer().default(-5), b: integer({ mode: "boolean" }).default(false).notNull(), c: integer({ mode: "timestamp" }).default(day),
  d: integer({ mode: "timestamp_ms" }).default(sql`(unixepoch() * 1000)`), e: text().default("it's"), f: text({ length: 20 }), g: text({ enum: ["x", "y"] }).default("x"),
  h: text({ mode: "json" }).default({ a: 1, q: "o'k" }), i: real().default(1.5), j: numeric().default("1.5"), k: numeric({ mode: "number" }).default(2),
  l: blob().default(Buffer.from("ab")), m: blob({ mode: "json" }).default([1, 2]), n: blob({ mode: "bigint" }), o: text().default(sql`CURRENT_TIMESTAMP`),
  p: text().default(sql`NULL`), q: real().default(1e21), r: real().default(1.5e-7), s: text().default(""), t: money(), u: text().default("a\nb\\c"),
});
