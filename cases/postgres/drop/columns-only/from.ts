import { integer, pgTable, text } from "drizzle-orm/pg-core";

export const a = pgTable("a", { id: integer().primaryKey(), x: text(), y: text() });
export const b = pgTable("b", { id: integer().primaryKey() });
