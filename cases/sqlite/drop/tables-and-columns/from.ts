import { index, integer, sqliteTable, sqliteView, text } from "drizzle-orm/sqlite-core";

export const notes = sqliteTable("notes", { id: integer().primaryKey() });
export const kept = sqliteTable("kept", { id: integer().primaryKey(), gone: text(), code: text().unique() }, (t) => [index("kept_gone").on(t.gone)]);
export const v = sqliteView("v").as((qb) => qb.select({ id: kept.id }).from(kept));
