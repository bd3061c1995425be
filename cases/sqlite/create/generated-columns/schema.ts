import { sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const names = sqliteTable("names", {
  first: text().notNull(),
  last: text(),
  both: text().generatedAlwaysAs(() => sql`${names.first} || ' ' || ${names.last}`, { mode: "stored" }),
  length: integer().notNull().generatedAlwaysAs(sql`length(first)`),
  shout: text().generatedAlwaysAs("upper(first)", { mode: "virtual" }),
});
