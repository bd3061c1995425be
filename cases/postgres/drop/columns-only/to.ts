import { integer, pgTable, text } from "drizzle-orm/pg-core";

export const a = pgTable("a", { id: integer().primaryKey(), y: text() });
