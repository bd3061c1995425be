import { sql } from "drizzle-orm";
import { bigint, boolean, date, doublePrecision, integer, json, jsonb, numeric, pgTable, point, real, smallint, text, timestamp, uuid } from "drizzle-orm/pg-core";

const noon = new Date("2021-05-06T12:00:00.250Z");

export const defaults = pgTable("defaults", {
  a: integer().default(-4), b: real().default(1.5), c: doublePrecision().default(1e21), d: doublePrecision().default(1.5e-7),
  e: boolean().default(false), f: text().default("it's \\ \"quoted\"\nand more"), g: text().default(""),
  h: numeric().default("1.50"), i: numeric({ mode: "number" }).default(3.5), j: bigint({ mode: "number" }).default(9007199254740991),
  k: json().default({ a: [1, null, { b: "x" }], c: 1.0 }), l: jsonb().default([]), m: jsonb().default("text"), n: jsonb().default(5),
  o: text().array().default(["a", "b'c", "d,e", "f\"g"]), p: integer().array().default([]), q: boolean().array().default([true, false]),
  r: integer().array().array().default([[1, 2], [3, 4]]), s: jsonb().array().default([{ k: "v" }]),
  t: timestamp().default(noon), u: timestamp({ precision: 3 }).default(noon), v: timestamp({ withTimezone: true }).default(noon),
  w: date({ mode: "date" }).default(noon), x: date().default("2021-05-06"), y: timestamp().array().default([noon]),
  z: timestamp().defaultNow(), aa: uuid().defaultRandom(), ab: integer().default(sql`1 + 1`), ac: text().default(sql`'x'::text`),
  ad: point().default([1, 2]), ae: smallint().default(0), af: text().default(sql`NULL`), ag: date({ mode: "date" }).array().default([noon]),
  ah: doublePrecision().default(123456789012345680000), ai: real().default(0.1),
});
