import { sql } from "drizzle-orm";
import { check, integer, pgPolicy, pgTable, text } from "drizzle-orm/pg-core";

export const t = pgTable("t", { a: text(), b: integer() }, (t) => [
  check("t_a", sql`${t.a} <> ';'`),
  pgPolicy("t_p", { using: sql`a <> '--'`, withCheck: sql`b > 0` }),
]);
