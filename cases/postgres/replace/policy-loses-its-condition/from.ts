import { sql } from "drizzle-orm";
import { integer, pgPolicy, pgTable } from "drizzle-orm/pg-core";

export const t = pgTable("t", { a: integer() }, () => [pgPolicy("p", { using: sql`true`, withCheck: sql`true` })]);
