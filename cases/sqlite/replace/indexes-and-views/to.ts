import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, sqliteView, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const a = sqliteTable("a", { id: integer().primaryKey(), x: text(), y: text() }, (t) => [index("a_z").on(t.x, t.y), uniqueIndex("a_x").on(t.x), index("a_y").on(t.y)]);
export const v = sqliteView("v", { one: integer("one") }).as(sql`select 2 as one`);
