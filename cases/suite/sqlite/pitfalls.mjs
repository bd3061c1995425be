// Changes and schemas that one kit or both get wrong: what they write fails on SQLite, or does not end in what
// is declared.
export const schemas = (orm) => {
  const { sqliteTable, integer } = orm;
  return {
    "a backtick in a name": () => ({ t: sqliteTable("say `t`", { id: integer("the `id`") }) }),
  };
};

export const changes = (orm) => {
  const { sqliteTable, sqliteView, integer, text, index, check, sql } = orm;
  const t = (columns, extra) => ({ t: sqliteTable("t", { id: integer().primaryKey(), ...columns }, extra) });
  const change = (from, to, extra) => ({ from: () => t(from(), extra), to: () => t(to(), extra) });
  return {
    "stored column comes": change(() => ({}), () => ({ a: integer().generatedAlwaysAs(sql`id * 2`, { mode: "stored" }) })),
    "stored column changes": change(() => ({ a: integer().generatedAlwaysAs(sql`id * 2`, { mode: "stored" }) }), () => ({ a: integer().generatedAlwaysAs(sql`id * 3`, { mode: "stored" }) })),
    "column becomes stored": change(() => ({ a: integer() }), () => ({ a: integer().generatedAlwaysAs(sql`id * 2`, { mode: "stored" }) })),
    "virtual column becomes plain": change(() => ({ a: integer().generatedAlwaysAs(sql`id * 2`) }), () => ({ a: integer() })),
    "virtual column with an index changes": change(() => ({ a: integer().generatedAlwaysAs(sql`id * 2`) }), () => ({ a: integer().generatedAlwaysAs(sql`id * 3`) }), (t) => [index("i").on(t.a)]),
    "virtual column with a check changes": change(() => ({ a: integer().generatedAlwaysAs(sql`id * 2`) }), () => ({ a: integer().generatedAlwaysAs(sql`id * 3`) }), (t) => [check("c", sql`${t.a} > 0`)]),
    "column comes to a table that is rebuilt": change(() => ({ a: text() }), () => ({ a: text().notNull(), b: text(), c: integer().default(3) })),
    "reference to a table with an odd name comes": {
      from: () => ({ o: sqliteTable("odd name", { id: integer().primaryKey() }), ...t({}) }),
      to: () => { const o = sqliteTable("odd name", { id: integer().primaryKey() }); return { o, ...t({ o: integer().references(() => o.id, { onDelete: "cascade" }) }) }; },
    },
    "views that read one another go": {
      from: () => { const b = t({}); const a = sqliteView("a").as((q) => q.select().from(b.t)); return { ...b, a, z: sqliteView("z").as((q) => q.select().from(a)) }; },
      to: () => t({}),
    },
    "table that a view reads is rebuilt": {
      from: () => { const b = t({ a: text() }); const v = sqliteView("v").as((q) => q.select().from(b.t)); return { ...b, v, w: sqliteView("w").as((q) => q.select().from(v)) }; },
      to: () => { const b = t({ a: text().notNull() }); const v = sqliteView("v").as((q) => q.select().from(b.t)); return { ...b, v, w: sqliteView("w").as((q) => q.select().from(v)) }; },
    },
    "view changes along with a column that goes": {
      from: () => { const b = t({ a: text(), b: text() }); return { ...b, v: sqliteView("v").as((q) => q.select({ b: b.t.b }).from(b.t)) }; },
      to: () => { const b = t({ a: text() }); return { ...b, v: sqliteView("v").as((q) => q.select({ a: b.t.a }).from(b.t)) }; },
    },
  };
};
