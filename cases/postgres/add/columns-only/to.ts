import { boolean, integer, pgTable, text } from "drizzle-orm/pg-core";

export const a = pgTable("a", { id: integer().primaryKey(), note: text().default("-").notNull(), done: boolean().default(false) });
