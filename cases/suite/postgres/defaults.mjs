// Defaults of every kind.
export const schemas = (orm) => {
  const { pgTable, sql, text, integer, timestamp, uuid, jsonb, boolean, numeric } = orm;
  const one = (column) => () => ({ t: pgTable("t", { c: column() }) });
  return {
    "default now": one(() => timestamp().defaultNow()),
    "default now with zone": one(() => timestamp({ withTimezone: true }).defaultNow().notNull()),
    "random uuid": one(() => uuid().defaultRandom().primaryKey()),
    "sql text": one(() => text().default(sql`'abc'`)),
    "sql with a cast": one(() => text().default(sql`'abc'::text`)),
    "sql with several casts": one(() => text().default(sql`'abc'::character varying(10)::text`)),
    "sql array with a cast": one(() => text().array().default(sql`ARRAY['a','b']::text[]`)),
    "sql empty array": one(() => text().array().default(sql`'{}'::text[]`)),
    "sql number": one(() => integer().default(sql`1 + 1`)),
    "sql function with quotes": one(() => text().default(sql`md5('it''s')`)),
    "sql json with a cast": one(() => jsonb().default(sql`'{"a": 1}'::jsonb`)),
    "sql timestamp with a cast": one(() => timestamp({ withTimezone: true }).default(sql`'2020-01-01'::timestamp with time zone`)),
    "empty text": one(() => text().default("")),
    "text with a backslash": one(() => text().default("a\\b")),
    "text of several lines": one(() => text().default("a\nb")),
    "zero": one(() => integer().default(0)),
    "true": one(() => boolean().default(true)),
    "numeric zero": one(() => numeric({ mode: "number" }).default(0)),
    "functions that do not count": one(() => text().$default(() => "x").$onUpdate(() => "y")),
    "json empty object": one(() => jsonb().default({})),
    "json empty list": one(() => jsonb().default([])),
    "json number": one(() => jsonb().default(1)),
    "bigint literal": one(() => orm.bigint({ mode: "bigint" }).default(9n)),
    "json with a quote": one(() => jsonb().default({ a: "it's" })),
    "text array with a quote": one(() => text().array().default(["b'c", 'd"e', "f\\g", ""])),
    "point": one(() => orm.point().default([1, 2])),
    "timestamp with precision as date": one(() => timestamp({ precision: 3 }).default(new Date("2020-01-02T03:04:05.678Z"))),
  };
};
