import { bigint, integer, pgSchema, pgSequence, pgTable, smallint } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const plain = pgSequence("plain");
export const full = pgSequence("full", { increment: 5, startWith: 100, minValue: 10, maxValue: "9999", cache: 7, cycle: true });
export const falling = pgSequence("falling", { increment: -2 });
export const inner = app.sequence("inner", { startWith: "3" });

export const identities = pgTable("identities", {
  a: integer().primaryKey().generatedAlwaysAsIdentity(),
  b: bigint({ mode: "number" }).generatedByDefaultAsIdentity({ startWith: 1000, increment: 10 }),
  c: smallint().generatedAlwaysAsIdentity({ name: "c_numbers", cycle: true, cache: 5 }),
  d: integer().notNull().generatedByDefaultAsIdentity({ increment: -1 }),
});

export const others = app.table("others", { id: integer().generatedAlwaysAsIdentity({ minValue: 0, startWith: 0 }) });
