import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const kept = sqliteTable("kept", { id: integer().primaryKey(), code: text() });
