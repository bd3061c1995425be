import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const a = sqliteTable("a", { id: integer().primaryKey(), x: text() }, (t) => [index("a_x").on(sql`coalesce(${t.x}, '')`)]);
