import { integer, pgTable, text, unique } from "drizzle-orm/pg-core";

export const odd = pgTable("Odd table-name", {
  b: integer("b"), two: integer("10"), one: integer("9"), select: text("select"), "grüße": text("grüße"), dash: text("with-dash"), zero: text("01"),
}, (t) => [unique("7").on(t.one), unique("alpha").on(t.two)]);
