import { integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const a = sqliteTable("a", { x: integer(), y: integer().notNull(), z: text().default("2"), w: text().notNull() }, (t) => [
  primaryKey({ columns: [t.x, t.z] }), uniqueIndex("a_w").on(t.w),
]);
