import { integer, pgPolicy, pgTable } from "drizzle-orm/pg-core";

export const a = pgTable("a", { id: integer() }, () => [pgPolicy("p")]);
export const b = pgTable("b", { id: integer() }).enableRLS();
export const c = pgTable("c", { id: integer() }, () => [pgPolicy("q")]).enableRLS();
