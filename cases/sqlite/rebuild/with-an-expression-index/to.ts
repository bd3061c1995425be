import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const a = sqliteTable("a", { id: integer().primaryKey(), x: text().notNull(), l: integer().generatedAlwaysAs(sql`length(x)`) }, (t) => [index("a_x").on(sql`lower(${t.x})`)]);
