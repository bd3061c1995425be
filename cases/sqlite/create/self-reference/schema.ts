import { integer, sqliteTable } from "drizzle-orm/sqlite-core";

export const nodes = sqliteTable("nodes", { id: integer().primaryKey(), parent: integer().references(() => nodes.id) });
export const left = sqliteTable("left", { id: integer().primaryKey(), other: integer().references(() => right.id) });
export const right = sqliteTable("right", { id: integer().primaryKey(), other: integer().references(() => left.id) });
