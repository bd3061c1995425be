import { integer, pgTable, text } from "drizzle-orm/pg-core";

export const kept = pgTable("kept", { id: integer().notNull(), also: integer(), code: text().notNull() });
