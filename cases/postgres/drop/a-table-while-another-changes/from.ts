import { integer, pgTable } from "drizzle-orm/pg-core";

export const gone = pgTable("gone", { id: integer() });
export const kept = pgTable("kept", { id: integer() });
