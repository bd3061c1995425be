import { sql } from "drizzle-orm";
import { integer, pgTable, text } from "drizzle-orm/pg-core";

export const names = pgTable("names", {
  first: text().notNull(),
  last: text(),
  both: text().generatedAlwaysAs(() => sql`${names.first} || ' ' || ${names.last}`),
  length: integer().notNull().generatedAlwaysAs(sql`length(first)`),
  shout: text().generatedAlwaysAs("upper(first)"),
});
