import { bigint, bigserial, bit, boolean, char, cidr, customType, date, decimal, doublePrecision, geometry, halfvec, inet, integer, interval, json, jsonb, line, macaddr, numeric, pgTable, point, real, serial, smallint, smallserial, sparsevec, text, time, timestamp, uuid, varchar, vector } from "drizzle-orm/pg-core";

const citext = customType({ dataType: () => "citext" });

export const types = pgTable("types", {
  a: serial(), b: smallserial(), c: bigserial({ mode: "number" }),
  d: integer(), e: smallint(), f: bigint({ mode: "bigint" }),
  g: numeric({ precision: 10, scale: 2 }), h: numeric(), i: decimal({ precision: 4 }),
  j: real(), k: doublePrecision(), l: boolean(), m: text(), n: varchar(), o: varchar({ length: 9 }),
  p: char({ length: 3 }), q: json(), r: jsonb(), s: time(), t: time({ precision: 2, withTimezone: true }),
  u: timestamp(), v: timestamp({ precision: 3 }), w: timestamp({ precision: 6, withTimezone: true }),
  x: date(), y: interval(), z: interval({ fields: "day to second", precision: 3 }),
  aa: uuid(), ab: inet(), ac: cidr(), ad: macaddr(), ae: point(), af: line(),
  ag: vector({ dimensions: 3 }), ah: halfvec({ dimensions: 3 }), ai: sparsevec({ dimensions: 3 }), aj: bit({ dimensions: 4 }),
  ak: geometry({ type: "point" }), al: citext(), am: citext().array(),
  an: integer().array(), ao: varchar({ length: 5 }).array(3), ap: text().array().array(2),
});
