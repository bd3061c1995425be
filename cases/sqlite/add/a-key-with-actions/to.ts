import { integer, sqliteTable } from "drizzle-orm/sqlite-core";

export const orders = sqliteTable("order", { id: integer().primaryKey() });
export const lines = sqliteTable("lines", { id: integer().primaryKey(), order: integer().references(() => orders.id, { onDelete: "cascade" }) });
