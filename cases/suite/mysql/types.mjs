// Every column type with its options.
export const schemas = (orm) => {
  const { bigint, binary, blob, boolean, char, customType, date, datetime, decimal, double, float, int, json, longtext, mediumint, mediumtext, mysqlEnum, mysqlTable, real, serial, smallint, sql, text, time, timestamp, tinyint, tinytext, varbinary, varchar, year } = orm;
  const one = (columns) => () => ({ t: mysqlTable("t", columns()) });
  const next = orm.generation === 1;
  return {
    "whole numbers": one(() => ({ a: tinyint(), b: smallint(), c: mediumint(), d: int(), e: bigint({ mode: "number" }), f: bigint({ mode: "bigint" }) })),
    "unsigned numbers": one(() => ({ a: tinyint({ unsigned: true }), b: smallint({ unsigned: true }), c: mediumint({ unsigned: true }), d: int({ unsigned: true }), e: bigint({ mode: "number", unsigned: true }) })),
    "decimals": one(() => ({ a: decimal(), b: decimal({ precision: 10 }), c: decimal({ precision: 10, scale: 2 }), d: decimal({ precision: 8, scale: 0 }), e: decimal({ unsigned: true }), f: decimal({ precision: 10, scale: 2, unsigned: true }) })),
    "decimals with a mode": one(() => ({ a: decimal({ mode: "number" }), b: decimal({ mode: "bigint", precision: 20 }) })),
    "floating numbers": one(() => ({ a: float(), b: float({ precision: 8 }), c: float({ precision: 8, scale: 2 }), d: double(), e: double({ precision: 10, scale: 3 }), f: real(), g: real({ precision: 8, scale: 2 }), h: float({ unsigned: true }), i: double({ precision: 9, scale: 1, unsigned: true }) })),
    "texts": one(() => ({ a: char(), b: char({ length: 3 }), c: varchar({ length: 255 }), d: text(), e: tinytext(), f: mediumtext(), g: longtext(), h: varchar({ length: 20, enum: ["a", "b"] }) })),
    "bytes": one(() => ({ a: binary(), b: binary({ length: 16 }), c: varbinary({ length: 255 }) })),
    ...(next && { "blobs": one(() => ({ a: blob(), b: orm.tinyblob(), c: orm.mediumblob(), d: orm.longblob(), e: blob({ mode: "string" }) })) }),
    "moments": one(() => ({ a: date(), b: date({ mode: "string" }), c: datetime(), d: datetime({ fsp: 3 }), e: datetime({ mode: "string", fsp: 6 }), f: timestamp(), g: timestamp({ fsp: 2 }), h: timestamp({ mode: "string" }), i: time(), j: time({ fsp: 4 }), k: year() })),
    "boolean, json and serial": one(() => ({ a: boolean(), b: json(), c: serial() })),
    "enums": one(() => ({ a: mysqlEnum(["x", "y"]), b: mysqlEnum(["it's", "two words", "Ünïcode"]), c: mysqlEnum(["one"]).notNull() })),
    "an enum over an object": one(() => ({ a: mysqlEnum({ First: "first", Second: "second" }) })),
    "custom types": one(() => ({ a: customType({ dataType: () => "point" })(), b: customType({ dataType: () => "decimal(19,4) unsigned" })().notNull(), c: customType({ dataType: (it) => `varchar(${it.length}) CHARACTER SET ascii` })({ length: 9 }) })),
    "not null and auto increment": one(() => ({ a: int().autoincrement().primaryKey(), b: int().notNull(), c: varchar({ length: 5 }).notNull() })),
    "auto increment of other types": one(() => ({ a: bigint({ mode: "number", unsigned: true }).autoincrement().primaryKey(), b: smallint() })),
    "on update now": one(() => ({ a: timestamp().onUpdateNow(), b: timestamp().defaultNow().onUpdateNow().notNull(), c: timestamp({ fsp: 3 }).defaultNow() })),
    ...(next && { "precise on update now": one(() => ({ a: timestamp({ fsp: 3 }).onUpdateNow({ fsp: 3 }), b: datetime({ fsp: 6 }).onUpdateNow({ fsp: 6 }), c: datetime().onUpdateNow() })) }),
    ...(next && { "character sets": one(() => ({ a: varchar({ length: 9 }).charSet("utf8mb4").collate("utf8mb4_bin"), b: text().charSet("latin1"), c: char({ length: 2 }).collate("ascii_bin"), d: mysqlEnum(["a"]).charSet("utf8mb4") })) }),
    "generated columns": () => {
      const t = mysqlTable("t", {
        first: varchar({ length: 9 }).notNull(), last: varchar({ length: 9 }),
        both: varchar({ length: 20 }).generatedAlwaysAs(() => sql`concat(${t.first}, ' ', ${t.last})`, { mode: "stored" }),
        size: int().notNull().generatedAlwaysAs(sql`length(first)`), shout: varchar({ length: 9 }).generatedAlwaysAs("upper(first)", { mode: "virtual" }),
      });
      return { t };
    },
    "names of columns": one(() => ({ camelCase: int(), named: int("other_name"), "1": int(), "with space": int() })),
    "a table of another database": () => ({ app: orm.mysqlSchema("app"), away: orm.mysqlSchema("app").table("away", { a: int() }), here: mysqlTable("here", { a: int() }) }),
    "tables made by a creator": () => ({ t: orm.mysqlTableCreator((it) => `pre_${it}`)("t", { a: int() }) }),
  };
};
