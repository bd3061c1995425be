import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgSchema, pgTable, text, uniqueIndex, vector } from "drizzle-orm/pg-core";

export const app = pgSchema("app");

export const things = pgTable("things", {
  id: integer().primaryKey(), name: text(), kind: text(), body: jsonb(), place: vector({ dimensions: 3 }),
}, (t) => [
  index().on(t.name, t.kind),
  index("things_desc").on(t.name.desc(), t.kind.asc().nullsFirst()),
  index("things_desc_last").on(t.name.desc().nullsLast()),
  index("things_gin").using("gin", t.body),
  index("things_ops").on(t.name.op("text_pattern_ops")),
  index("things_mixed").on(sql`lower(${t.name})`, t.kind),
  uniqueIndex("things_partial").on(t.name).where(sql`${t.kind} is not null`),
  index("things_with").on(t.kind).with({ fillfactor: "70", deduplicate_items: true }),
  index("things_place").using("hnsw", t.place.op("vector_l2_ops")).with({ m: 16 }),
  index("things_later").on(t.id).concurrently(),
]);

export const inner = app.table("inner", { a: integer() }, (t) => [index("inner_a").on(t.a)]);
