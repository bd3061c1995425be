import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const a = sqliteTable("a", { x: integer(), y: text(), z: text().default("1"), w: text() }, (t) => [primaryKey({ columns: [t.x, t.y] })]);
