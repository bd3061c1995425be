import { integer, sqliteTable, text, unique, index } from "drizzle-orm/sqlite-core";

export const odd = sqliteTable("Odd table-name", {
  b: integer("b"), two: integer("10"), one: integer("9"), select: text("select"), "grüße": text("grüße"), zero: text("01"),
}, (t) => [unique("7").on(t.one), index("alpha").on(t.two)]);
export const two = sqliteTable("2", { a: integer() });
export const one = sqliteTable("1", { a: integer().unique() });
