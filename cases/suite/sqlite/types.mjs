// Every column type and default.
export const schemas = (orm) => {
  const { sqliteTable, sql, integer, text, real, blob, numeric, customType } = orm;
  const on = (make, value) => () => {
    const columns = { plain: make("plain"), filled: make("filled").notNull() };
    if (value !== undefined) columns.given = make("given").default(value);
    return { t: sqliteTable("t", columns) };
  };
  const day = new Date("2020-01-02T03:04:05.678Z");
  return {
    integer: on((n) => integer(n), -5),
    boolean: on((n) => integer(n, { mode: "boolean" }), true),
    "boolean false": on((n) => integer(n, { mode: "boolean" }), false),
    timestamp: on((n) => integer(n, { mode: "timestamp" })),
    "timestamp in milliseconds": on((n) => integer(n, { mode: "timestamp_ms" })),
    "timestamp with a date": on((n) => integer(n, { mode: "timestamp" }), day),
    "timestamp in milliseconds with a date": on((n) => integer(n, { mode: "timestamp_ms" }), day),
    "timestamp of sql": on((n) => integer(n, { mode: "timestamp" }), sql`(unixepoch())`),
    "sql without parentheses": on((n) => text(n), sql`CURRENT_TIMESTAMP`),
    text: on((n) => text(n), "it's"),
    "empty text": on((n) => text(n), ""),
    "text with a backslash": on((n) => text(n), "a\\b"),
    "text with a length": on((n) => text(n, { length: 20 }), "x"),
    "text with an enum": on((n) => text(n, { enum: ["a", "b"] }), "a"),
    "text as json": on((n) => text(n, { mode: "json" }), { a: [1, "x", null] }),
    "text as json with a quote": on((n) => text(n, { mode: "json" }), { a: "it's" }),
    "text as a json list": on((n) => text(n, { mode: "json" }), []),
    real: on((n) => real(n), 1.5),
    numeric: on((n) => numeric(n), "1.5"),
    "numeric as number": on((n) => numeric(n, { mode: "number" }), 2.5),
    blob: on((n) => blob(n)),
    "blob as bytes": on((n) => blob(n, { mode: "buffer" }), Buffer.from("ab")),
    "blob as bigint": on((n) => blob(n, { mode: "bigint" })),
    "blob with a bigint": on((n) => blob(n, { mode: "bigint" }), 9n),
    "blob as json": on((n) => blob(n, { mode: "json" }), { a: 1 }),
    "custom type": on(customType({ dataType: () => "varchar(7)" }), "x"),
    "custom type that is unknown": on(customType({ dataType: () => "geo" }), "x"),
    "functions that do not count": () => ({ t: sqliteTable("t", { a: text().$default(() => "x").$onUpdate(() => "y") }) }),
    "generated columns": () => { const g = sqliteTable("g", { a: integer(), b: integer().generatedAlwaysAs(sql`a * 2`), c: text().generatedAlwaysAs(() => sql`${g.a} || 'x'`, { mode: "stored" }), d: integer().generatedAlwaysAs("1 + 1", { mode: "virtual" }).notNull() }); return { g }; },
    "zero": on((n) => integer(n), 0),
    "names of unusual letters": () => ({ t: sqliteTable("Straße 1", { "ä b": integer("ä b"), order: text("order") }) }),
  };
};
