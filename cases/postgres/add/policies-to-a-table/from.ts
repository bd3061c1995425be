import { integer, pgTable, text } from "drizzle-orm/pg-core";

export const secrets = pgTable("secrets", { id: integer(), owner: text() });
export const plain = pgTable("plain", { id: integer() });
