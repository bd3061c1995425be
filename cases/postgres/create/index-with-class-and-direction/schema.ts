import { index, pgTable, text } from "drizzle-orm/pg-core";

export const t = pgTable("t", { a: text(), b: text() }, (t) => [index("t_a").on(t.a.desc().op("text_pattern_ops"), t.b.nullsFirst().op("text_ops"))]);
