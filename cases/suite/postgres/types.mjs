// Every column type: alone, not null, as an array, with a default, as an array with a default.
export const schemas = (orm) => {
  const { pgTable, sql } = orm;
  const on = (make, value, list) => () => {
    const columns = { plain: make("plain"), filled: make("filled").notNull(), list: make("list").array() };
    if (value !== undefined) columns.given = make("given").default(value);
    if (list !== undefined) {
      columns.some = make("some").array().default(list);
      columns.none = make("none").array().default([]);
    }
    return { t: pgTable("t", columns) };
  };
  const custom = (type) => orm.customType({ dataType: () => type });
  const mood = orm.pgEnum("mood", ["sad", "it's ok", 'a "b"', "c,d"]);
  const day = new Date("2020-01-02T03:04:05.678Z");
  return {
    smallint: on((n) => orm.smallint(n), 3, [1, 2]),
    integer: on((n) => orm.integer(n), -4, [1, -2]),
    "bigint as number": on((n) => orm.bigint(n, { mode: "number" }), 9007199254740991, [1]),
    "bigint as bigint": on((n) => orm.bigint(n, { mode: "bigint" })),
    real: on((n) => orm.real(n), 1.5, [1.5, 2]),
    "double precision": on((n) => orm.doublePrecision(n), 1e21, [0.1]),
    numeric: on((n) => orm.numeric(n), "1.50", ["1.5", "2"]),
    "numeric with precision": on((n) => orm.numeric(n, { precision: 10, scale: 2 }), "1.50", ["1.5"]),
    "numeric with precision only": on((n) => orm.numeric(n, { precision: 10 }), "150"),
    "numeric as number": on((n) => orm.numeric(n, { mode: "number" }), 3.5),
    boolean: on((n) => orm.boolean(n), false, [true, false]),
    text: on((n) => orm.text(n), "it's", ["a", "d,e"]),
    "text with an enum": on((n) => orm.text(n, { enum: ["a", "b"] }), "a"),
    varchar: on((n) => orm.varchar(n), "x"),
    "varchar with a length": on((n) => orm.varchar(n, { length: 20 }), "x", ["a"]),
    char: on((n) => orm.char(n), "y"),
    "char with a length": on((n) => orm.char(n, { length: 3 }), "abc"),
    json: on((n) => orm.json(n), { a: [1, true, null], b: "x" }),
    jsonb: on((n) => orm.jsonb(n), { "k y": { z: "w" } }),
    "jsonb with a list": on((n) => orm.jsonb(n), [1, "two", { three: 3 }]),
    date: on((n) => orm.date(n), "2021-05-06", ["2021-05-06"]),
    "date as a date": on((n) => orm.date(n, { mode: "date" }), day),
    time: on((n) => orm.time(n), "10:20:30", ["10:20:30"]),
    "time with precision and zone": on((n) => orm.time(n, { precision: 2, withTimezone: true }), "10:20:30+02"),
    timestamp: on((n) => orm.timestamp(n), day, [day]),
    "timestamp with precision": on((n) => orm.timestamp(n, { precision: 3 })),
    "timestamp with zone": on((n) => orm.timestamp(n, { withTimezone: true }), day),
    "timestamp with precision and zone": on((n) => orm.timestamp(n, { precision: 6, withTimezone: true })),
    "timestamp as text": on((n) => orm.timestamp(n, { mode: "string" }), "2020-01-02 03:04:05"),
    "timestamp with zone as text": on((n) => orm.timestamp(n, { mode: "string", withTimezone: true }), "2020-01-02 03:04:05+01"),
    interval: on((n) => orm.interval(n), "1 day", ["1 day", "2 hours"]),
    "interval with fields": on((n) => orm.interval(n, { fields: "day to second", precision: 3 }), "1 day"),
    uuid: on((n) => orm.uuid(n), "00000000-0000-4000-8000-000000000001", ["00000000-0000-4000-8000-000000000001"]),
    inet: on((n) => orm.inet(n), "10.0.0.1"),
    cidr: on((n) => orm.cidr(n), "10.0.0.0/8"),
    macaddr: on((n) => orm.macaddr(n), "08:00:2b:01:02:03"),
    macaddr8: on((n) => orm.macaddr8(n), "08:00:2b:01:02:03:04:05"),
    point: on((n) => orm.point(n)),
    "point by names": on((n) => orm.point(n, { mode: "xy" })),
    line: on((n) => orm.line(n)),
    "line by names": on((n) => orm.line(n, { mode: "abc" })),
    geometry: on((n) => orm.geometry(n, { type: "point" })),
    "geometry with srid": on((n) => orm.geometry(n, { type: "point", mode: "xy", srid: 4326 })),
    vector: on((n) => orm.vector(n, { dimensions: 3 })),
    halfvec: on((n) => orm.halfvec(n, { dimensions: 3 })),
    sparsevec: on((n) => orm.sparsevec(n, { dimensions: 3 })),
    bit: on((n) => orm.bit(n, { dimensions: 3 }), "101"),
    serials: () => ({ t: pgTable("t", { a: orm.serial(), b: orm.smallserial(), c: orm.bigserial({ mode: "number" }) }) }),
    enum: () => ({ mood, ...on((n) => mood(n), "sad", ["sad", "c,d"])() }),
    "enum in a schema": () => {
      const app = orm.pgSchema("app");
      const kind = app.enum("kind", ["x", "y"]);
      return { app, kind, t: app.table("t", { k: kind().default("x"), l: kind().array() }), u: pgTable("u", { k: kind() }) };
    },
    "custom type": on(custom("citext"), "x"),
    "custom type with parameters": on(custom("varbit(8)"), "101"),
    "arrays of arrays": () => ({ t: pgTable("t", { m: orm.integer().array().array(), w: orm.text().array().array().default([["a", "b"], ["c", "d"]]) }) }),
    "names of unusual letters": () => ({ t: pgTable("Straße 1", { "ä b": orm.integer("ä b"), "select": orm.text("select"), "UPPER": orm.text("UPPER") }) }),
  };
};
