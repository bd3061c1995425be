import { index, integer, pgTable } from "drizzle-orm/pg-core";

export const kept = pgTable("kept", { id: integer() }, (t) => [index().on(t.id)]);
export const fresh = pgTable("fresh", { id: integer() });
