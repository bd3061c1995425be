import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const a = sqliteTable("a", { id: integer().primaryKey(), x: text().notNull() });
export const b = sqliteTable("b", { id: integer().primaryKey(), x: text().notNull() });
