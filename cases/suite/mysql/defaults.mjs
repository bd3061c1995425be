// Defaults of every kind for every type.
export const schemas = (orm) => {
  const { bigint, binary, boolean, char, customType, date, datetime, decimal, double, float, int, json, longtext, mysqlEnum, mysqlTable, real, smallint, sql, text, time, timestamp, tinyint, tinytext, varbinary, varchar, year } = orm;
  const one = (columns) => () => ({ t: mysqlTable("t", columns()) });
  const next = orm.generation === 1;
  const at = new Date("2020-01-02T03:04:05.678Z");
  return {
    "numbers": one(() => ({ a: int().default(5), b: int().default(-4), c: tinyint().default(0), d: smallint().default(1), e: bigint({ mode: "number" }).default(9007199254740991) })),
    ...(next && { "large numbers": one(() => ({ a: bigint({ mode: "bigint" }).default(9223372036854775807n), b: bigint({ mode: "bigint", unsigned: true }).default(18446744073709551615n) })) }),
    "decimals": one(() => ({ a: decimal({ precision: 10, scale: 2 }).default("1.50"), b: decimal().default("-3") })),
    ...(next && { "decimals with a mode": one(() => ({ a: decimal({ mode: "number" }).default(1.5), b: decimal({ mode: "bigint" }).default(12n) })) }),
    "floating numbers": one(() => ({ a: float().default(1.5), b: double().default(-0.25), c: real().default(1e21), d: double().default(1e-7), e: float().default(3) })),
    "booleans": one(() => ({ a: boolean().default(true), b: boolean().default(false) })),
    "texts": one(() => ({ a: varchar({ length: 20 }).default("plain"), b: varchar({ length: 20 }).default("it's"), c: char({ length: 2 }).default("x"), d: varchar({ length: 9 }).default("") })),
    "texts with a backslash": one(() => ({ a: varchar({ length: 20 }).default("a\\b"), b: char({ length: 5 }).default("\\") })),
    "texts with quotes and lines": one(() => ({ a: varchar({ length: 20 }).default('say "hi"'), b: varchar({ length: 20 }).default("two\nlines"), c: varchar({ length: 9 }).default("`") })),
    "long texts": one(() => ({ a: text().default("it's"), b: tinytext().default("tiny"), c: longtext().default("long") })),
    "bytes": one(() => ({ a: binary({ length: 4 }).default("ab"), b: varbinary({ length: 4 }).default("ab") })),
    ...(next && { "blobs": one(() => ({ a: orm.blob().default(Buffer.from("a'b")), b: orm.tinyblob({ mode: "string" }).default("it's") })) }),
    "json": one(() => ({ a: json().default({ a: [1, "x"], b: null }), b: json().default([]), c: json().default({}), d: json().default([1, 2.5, true]), e: json().default("text"), f: json().default(5), g: json().default(false) })),
    "json with quotes": one(() => ({ a: json().default({ word: "it's" }), b: json().default({ word: 'say "hi"\n' }), c: json().default("it's") })),
    "dates": one(() => ({ a: date().default(at), b: date({ mode: "string" }).default("2021-05-06"), c: datetime().default(at), d: datetime({ fsp: 3 }).default(at), e: timestamp().default(at), f: timestamp({ fsp: 6 }).default(at), g: datetime({ mode: "string" }).default("2021-05-06 07:08:09"), h: timestamp({ mode: "string" }).default("2021-05-06 07:08:09") })),
    "times and years": one(() => ({ a: time().default("12:34:56"), b: time({ fsp: 3 }).default("12:34:56.789"), c: year().default(2020) })),
    "now": one(() => ({ a: timestamp().defaultNow(), b: timestamp({ fsp: 3 }).defaultNow(), c: timestamp().default(sql`CURRENT_TIMESTAMP`), d: datetime({ fsp: 3 }).default(sql`CURRENT_TIMESTAMP(3)`) })),
    "enums": one(() => ({ a: mysqlEnum(["a", "b"]).default("a"), b: mysqlEnum(["it's", "x"]).default("it's") })),
    "sql": one(() => ({ a: int().default(sql`1`), b: int().default(sql`(1 + 1)`), c: varchar({ length: 36 }).default(sql`(uuid())`), d: varchar({ length: 9 }).default(sql`'x'`), e: json().default(sql`(json_array())`), f: int().default(sql`NULL`) })),
    "custom types": one(() => ({ a: customType({ dataType: () => "varchar(9)" })().default("it's"), b: customType({ dataType: () => "int" })().default(5), c: customType({ dataType: () => "text", toDriver: (it) => it.join(",") })().default(["a", "b"]) })),
    "an odd custom type": one(() => ({ a: customType({ dataType: () => "point" })().default("x"), b: customType({ dataType: () => "int unsigned" })().default("7") })),
    "defaults at run time are no defaults": one(() => ({ a: int().$default(() => 1), b: varchar({ length: 9 }).$defaultFn(() => "x"), c: timestamp().$onUpdate(() => new Date()) })),
  };
};
