// From one schema to another. What is there on one side only has one kind, so that nothing looks renamed.
export const changes = (orm) => {
  const { bigint, check, datetime, decimal, foreignKey, index, int, json, mysqlEnum, mysqlTable, mysqlView, primaryKey, serial, sql, text, timestamp, unique, uniqueIndex, varchar } = orm;
  const next = orm.generation === 1;
  const t = (columns, extras) => mysqlTable("t", columns, extras && ((it) => extras(it)));
  const pair = (from, to) => ({ from: () => ({ t: t(...from) }), to: () => ({ t: t(...to) }) });
  const base = () => ({ id: int().primaryKey(), a: int(), b: int(), c: varchar({ length: 9 }) });
  const extra = (from, to) => pair([base(), from], [base(), to]);
  const column = (from, to) => pair([{ id: int().primaryKey(), x: from }], [{ id: int().primaryKey(), x: to }]);
  const other = () => mysqlTable("other", { id: int().primaryKey() });
  const referring = (options) => () => { const o = other(); return { o, t: mysqlTable("t", { id: int().primaryKey(), o: int() }, (it) => options ? [foreignKey({ columns: [it.o], foreignColumns: [o.id], ...options.key }).onDelete(options.delete ?? "no action")] : []) }; };
  const view = (make) => () => { const it = t({ id: int().primaryKey(), a: int() }); return { t: it, ...make(it) }; };
  return {
    "a table comes": { from: () => ({ o: other() }), to: () => ({ o: other(), t: t(base(), (it) => [index("i").on(it.a), uniqueIndex("u").on(it.b), check("c", sql`${it.a} > 0`)]) }) },
    "a table with a reference comes": { from: () => ({ o: other() }), to: referring({}) },
    "two tables come": { from: () => ({ z: mysqlTable("z", { id: int() }) }), to: () => ({ z: mysqlTable("z", { id: int() }), ...referring({ delete: "cascade" })() }) },
    "a table goes": { from: () => ({ o: other(), t: t(base()) }), to: () => ({ o: other() }) },
    "a table with a reference goes": { from: referring({}), to: () => ({ o: other() }) },
    "columns come": pair([{ id: int().primaryKey() }], [{ id: int().primaryKey(), a: int(), b: varchar({ length: 9 }).notNull().default("x"), c: timestamp().defaultNow().onUpdateNow(), d: json().default({ a: 1 }), e: mysqlEnum(["a", "b"]) }]),
    "a generated column comes": pair([{ a: int() }], [{ a: int(), b: int().generatedAlwaysAs(sql`a + 1`, { mode: "stored" }), c: int().generatedAlwaysAs(sql`a + 2`) }]),
    "columns go": pair([base()], [{ id: int().primaryKey(), a: int() }]),
    "another type": column(int(), bigint({ mode: "number" })),
    "another length": column(varchar({ length: 9 }).default("x"), varchar({ length: 20 }).default("x")),
    "an enum value more": column(mysqlEnum(["a"]), mysqlEnum(["a", "b"])),
    "another precision": column(decimal({ precision: 10, scale: 2 }), decimal({ precision: 12, scale: 2 })),
    "not null comes": column(int(), int().notNull()),
    "not null goes": column(int().notNull(), int()),
    "a default comes": column(int(), int().default(5)),
    "a default changes": column(int().default(5), int().default(6)),
    "a default goes": column(varchar({ length: 9 }).default("x"), varchar({ length: 9 })),
    "on update comes": column(timestamp().defaultNow(), timestamp().defaultNow().onUpdateNow()),
    "on update goes": column(timestamp().defaultNow().onUpdateNow(), timestamp().defaultNow()),
    "several things of a column": column(int(), bigint({ mode: "number" }).notNull().default(3)),
    "auto increment comes": pair([{ id: int().primaryKey() }], [{ id: int().autoincrement().primaryKey() }]),
    "auto increment goes": pair([{ id: int().autoincrement().primaryKey() }], [{ id: int().primaryKey() }]),
    "a column becomes stored": pair([{ a: int(), b: int() }], [{ a: int(), b: int().generatedAlwaysAs(sql`a + 1`, { mode: "stored" }) }]),
    "a column becomes virtual": pair([{ a: int(), b: int() }], [{ a: int(), b: int().generatedAlwaysAs(sql`a + 1`) }]),
    "a stored column becomes plain": pair([{ a: int(), b: int().generatedAlwaysAs(sql`a + 1`, { mode: "stored" }) }], [{ a: int(), b: int() }]),
    "a virtual column becomes plain": pair([{ a: int(), b: int().generatedAlwaysAs(sql`a + 1`) }], [{ a: int(), b: int() }]),
    "an expression changes": pair([{ a: int(), b: int().generatedAlwaysAs(sql`a + 1`, { mode: "stored" }) }], [{ a: int(), b: int().generatedAlwaysAs(sql`a + 2`, { mode: "stored" }) }]),
    "indexes come": extra(undefined, (it) => [index("i").on(it.a), uniqueIndex("u").on(it.b), unique("q").on(it.a, it.b)]),
    "an index on an expression comes": extra(undefined, (it) => [index("i").on(it.a, sql`(lower(${it.c}))`)]),
    "indexes go": extra((it) => [index("i").on(it.a), uniqueIndex("u").on(it.b), unique("q").on(it.a, it.b)], undefined),
    "checks come": extra(undefined, (it) => [check("c", sql`${it.a} > 0`)]),
    "checks go": extra((it) => [check("c", sql`${it.a} > 0`)], undefined),
    "a unique column comes": column(int(), int().unique()),
    "a unique column goes": column(int().unique(), int()),
    "a reference comes": { from: referring(), to: referring({ delete: "cascade" }) },
    "a reference goes": { from: referring({}), to: referring() },
    "a reference has another action": { from: referring({}), to: referring({ delete: "cascade" }) },
    "a primary key comes": pair([{ a: int().notNull(), b: int() }], [{ a: int().primaryKey(), b: int() }]),
    "a primary key goes": pair([{ a: int().primaryKey(), b: int() }], [{ a: int().notNull(), b: int() }]),
    "a composite key comes": pair([{ a: int().notNull(), b: int().notNull() }], [{ a: int().notNull(), b: int().notNull() }, (it) => [primaryKey({ columns: [it.a, it.b] })]]),
    "a view comes": { from: view(() => ({})), to: view((it) => ({ v: mysqlView("v").as((qb) => qb.select().from(it)) })) },
    "a view goes": { from: view((it) => ({ v: mysqlView("v").as((qb) => qb.select().from(it)) })), to: view(() => ({})) },
    "a view has another query": { from: view((it) => ({ v: mysqlView("v").as((qb) => qb.select({ id: it.id }).from(it)) })), to: view((it) => ({ v: mysqlView("v").as((qb) => qb.select().from(it)) })) },
    "a view has other options": { from: view((it) => ({ v: mysqlView("v").as((qb) => qb.select().from(it)) })), to: view((it) => ({ v: mysqlView("v").algorithm("merge").withCheckOption("local").as((qb) => qb.select().from(it)) })) },
    "several tables change": {
      from: () => ({ a: mysqlTable("a", { id: int().primaryKey(), x: int() }), b: mysqlTable("b", { id: int().primaryKey(), y: int() }) }),
      to: () => ({ a: mysqlTable("a", { id: int().primaryKey(), x: int().notNull() }, (it) => [index("a_x").on(it.x)]), b: mysqlTable("b", { id: int().primaryKey(), y: bigint({ mode: "number" }), z: text() }) }),
    },
    ...(next && { "a character set comes": column(varchar({ length: 9 }), varchar({ length: 9 }).charSet("utf8mb4").collate("utf8mb4_bin")) }),
    ...(next && { "a precise on update comes": column(datetime({ fsp: 3 }), datetime({ fsp: 3 }).onUpdateNow({ fsp: 3 })) }),
    ...(!next && { "an index changes": extra((it) => [index("i").on(it.a)], (it) => [index("i").on(it.a, it.b)]) }),
    ...(!next && { "a unique constraint changes": extra((it) => [unique("q").on(it.a)], (it) => [unique("q").on(it.a, it.b)]) }),
    ...(!next && { "a check changes": extra((it) => [check("c", sql`${it.a} > 0`)], (it) => [check("c", sql`${it.a} > 1`)]) }),
    ...(!next && { "serial comes": pair([{ a: int() }], [{ a: int(), id: serial().primaryKey() }]) }),
    ...(!next && { "an index on an expression changes": extra((it) => [index("i").on(it.a, sql`(lower(${it.c}))`)], (it) => [index("i").on(it.b, sql`(lower(${it.c}))`)]) }),
    ...(!next && { "an index on an expression with a comma": extra(undefined, (it) => [index("i").on(sql`(coalesce(${it.c}, 'x'))`)]) }),
    ...(!next && { "a unique index on an expression comes": extra(undefined, (it) => [uniqueIndex("u").on(sql`(lower(${it.c}))`)]) }),
    ...(!next && { "a check with a semicolon": extra(undefined, (it) => [check("c", sql`${it.c} <> ';'`)]) }),
    ...(!next && { "a generated column becomes not null": pair([{ a: int(), b: int().generatedAlwaysAs(sql`a + 1`, { mode: "stored" }) }], [{ a: int(), b: int().notNull().generatedAlwaysAs(sql`a + 1`, { mode: "stored" }) }]) }),
    ...(!next && { "a composite key with a name changes": pair([{ a: int(), b: int(), c: int() }, (it) => [primaryKey({ name: "k", columns: [it.a, it.b] })]], [{ a: int(), b: int(), c: int() }, (it) => [primaryKey({ name: "k", columns: [it.a, it.c] })]]) }),
    ...(!next && { "a default of zero stays while null goes": column(int().default(0), int().notNull().default(0)) }),
    "a reference goes, its index stays": {
      from: () => { const o = other(); return { o, t: t({ id: int().primaryKey(), o: int().references(() => o.id) }, (it) => [index("i").on(it.o)]) }; },
      to: () => ({ o: other(), t: t({ id: int().primaryKey(), o: int() }, (it) => [index("i").on(it.o)]) }),
    },
    ...(!next && { "numbers come": pair([{ a: int() }], [{ a: int(), id: int().autoincrement().primaryKey() }]) }),
    ...(!next && { "a key on new columns comes": pair([{ a: int() }], [{ a: int(), b: int(), c: int() }, (it) => [primaryKey({ columns: [it.b, it.c] })]]) }),
    "a number becomes a moment": column(int(), timestamp()),
    "an existing view becomes ours": { from: view(() => ({ v: mysqlView("v", { a: int("a") }).existing() })), to: view((it) => ({ v: mysqlView("v").as((qb) => qb.select().from(it)) })) },
    ...(next && { "what the kit passes over": { from: () => ({ t: t(base(), (it) => [index("i").on(it.a), check("c", sql`${it.a} > 0`)]) }), to: () => ({ t: t({ ...base(), d: int() }, (it) => [index("i").on(it.b), check("c", sql`${it.a} > 1`)]) }) } }),
    ...(next && { "a table with a reference that acts comes": { from: () => ({ o: other() }), to: referring({ delete: "cascade" }) } }),
    ...(next && { "a column with a primary key comes": pair([{ a: int() }], [{ a: int(), id: int().primaryKey() }]) }),
  };
};
