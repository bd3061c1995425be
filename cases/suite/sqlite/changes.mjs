// Changes: create, drop and alter of every entity and attribute. Nothing is dropped and created in one
// place, which the kits would ask about.
export const changes = (orm) => {
  const { sqliteTable, sqliteView, sql, integer, text, real, blob, numeric, primaryKey, foreignKey, unique, uniqueIndex, index, check } = orm;
  const column = (from, to) => ({ from: () => ({ t: sqliteTable("t", { id: integer(), ...from() }) }), to: () => ({ t: sqliteTable("t", { id: integer(), ...to() }) }) });
  const a = (from, to) => column(() => ({ a: from() }), () => ({ a: to() }));
  const extra = (from, to) => {
    const t = (parts) => () => ({ t: sqliteTable("t", { a: integer().notNull(), b: text().notNull(), c: integer() }, (t) => parts(t)) });
    return { from: t(from), to: t(to) };
  };
  const none = () => [];
  const gains = (make) => extra(none, (t) => [make(t)].flat());
  const loses = (make) => extra((t) => [make(t)].flat(), none);
  const becomes = (from, to) => extra((t) => [from(t)].flat(), (t) => [to(t)].flat());
  const turns = (from, to) => {
    const base = () => ({ base: sqliteTable("base", { id: integer().primaryKey(), n: text() }) });
    return { from: () => { const b = base(); return { ...b, ...from(b.base) }; }, to: () => { const b = base(); return { ...b, ...to(b.base) }; } };
  };
  const comes = (make) => turns(() => ({}), make);
  const goes = (make) => turns(make, () => ({}));
  return {
    "table comes": comes(() => ({ t: sqliteTable("t", { id: integer().primaryKey(), n: text().notNull() }) })),
    "table goes": goes(() => ({ t: sqliteTable("t", { id: integer().primaryKey() }) })),
    "table with everything comes": comes((b) => ({ t: sqliteTable("t", { id: integer().primaryKey(), b: integer().references(() => b.id), u: text() }, (t) => [index("i").on(t.u), check("c", sql`${t.id} > 0`)]) })),
    "table with everything goes": goes((b) => ({ t: sqliteTable("t", { id: integer().primaryKey(), b: integer().references(() => b.id), u: text() }, (t) => [index("i").on(t.u), check("c", sql`${t.id} > 0`)]) })),
    "nothing changes": turns(() => ({}), () => ({})),
    "column comes": column(() => ({}), () => ({ a: text() })),
    "column goes": column(() => ({ a: text() }), () => ({})),
    "several columns come": column(() => ({}), () => ({ a: text().notNull().default("x"), b: integer({ mode: "boolean" }).default(true), c: real() })),
    "column with a reference comes": turns(() => ({ t: sqliteTable("t", { id: integer() }) }), (b) => ({ t: sqliteTable("t", { id: integer(), b: integer().references(() => b.id) }) })),
    "column with a reference goes": turns((b) => ({ t: sqliteTable("t", { id: integer(), b: integer().references(() => b.id) }) }), () => ({ t: sqliteTable("t", { id: integer() }) })),
    "virtual column comes": column(() => ({}), () => ({ a: integer().generatedAlwaysAs(sql`id * 2`) })),
    "virtual column goes": column(() => ({ a: integer().generatedAlwaysAs(sql`id * 2`) }), () => ({})),
    "virtual column changes": a(() => integer().generatedAlwaysAs(sql`id * 2`), () => integer().generatedAlwaysAs(sql`id * 3`)),
    "not null comes": a(() => text(), () => text().notNull()),
    "not null goes": a(() => text().notNull(), () => text()),
    "default comes": a(() => text(), () => text().default("x")),
    "default goes": a(() => text().default("x"), () => text()),
    "default changes": a(() => integer().default(1), () => integer().default(2)),
    "default becomes sql": a(() => text().default("x"), () => text().default(sql`(lower('X'))`)),
    "default gets parentheses": a(() => text().default(sql`lower('X')`), () => text().default(sql`(lower('X'))`)),
    "type changes": a(() => integer(), () => text()),
    "type becomes real": a(() => integer(), () => real()),
    "type becomes blob": a(() => text(), () => blob()),
    "length changes": a(() => text({ length: 10 }), () => text({ length: 20 })),
    "type and default and null change": a(() => text().default("1"), () => integer().default(1).notNull()),
    "mode changes": a(() => integer(), () => integer({ mode: "timestamp" })),
    "primary key comes": a(() => integer().notNull(), () => integer().primaryKey()),
    "primary key goes": a(() => integer().primaryKey(), () => integer().notNull()),
    "autoincrement comes": a(() => integer().primaryKey(), () => integer().primaryKey({ autoIncrement: true })),
    "autoincrement goes": a(() => integer().primaryKey({ autoIncrement: true }), () => integer().primaryKey()),
    "composite key comes": gains((t) => primaryKey({ columns: [t.a, t.b] })),
    "composite key goes": loses((t) => primaryKey({ columns: [t.a, t.b] })),
    "composite key with a name comes": gains((t) => primaryKey({ name: "mine", columns: [t.a, t.b] })),
    "composite key with a name gets a column": becomes((t) => primaryKey({ name: "mine", columns: [t.a] }), (t) => primaryKey({ name: "mine", columns: [t.a, t.b] })),
    "unique comes": gains((t) => unique().on(t.a, t.b)),
    "unique goes": loses((t) => unique().on(t.a, t.b)),
    "unique with a name comes": gains((t) => unique("mine").on(t.a)),
    "unique with a name goes": loses((t) => unique("mine").on(t.a)),
    "unique changes columns": becomes((t) => unique("mine").on(t.a), (t) => unique("mine").on(t.a, t.b)),
    "unique of a column comes": a(() => text(), () => text().unique()),
    "unique of a column goes": a(() => text().unique(), () => text()),
    "check comes": gains((t) => check("c", sql`${t.a} > 0`)),
    "check goes": loses((t) => check("c", sql`${t.a} > 0`)),
    "check changes": becomes((t) => check("c", sql`${t.a} > 0`), (t) => check("c", sql`${t.a} > 1`)),
    "reference comes": turns(() => ({ t: sqliteTable("t", { b: integer() }) }), (b) => ({ t: sqliteTable("t", { b: integer().references(() => b.id) }) })),
    "reference goes": turns((b) => ({ t: sqliteTable("t", { b: integer().references(() => b.id) }) }), () => ({ t: sqliteTable("t", { b: integer() }) })),
    "reference changes actions": turns((b) => ({ t: sqliteTable("t", { b: integer().references(() => b.id) }) }), (b) => ({ t: sqliteTable("t", { b: integer().references(() => b.id, { onDelete: "set null", onUpdate: "cascade" }) }) })),
    "reference with a name comes": turns(() => ({ t: sqliteTable("t", { b: integer() }) }), (b) => ({ t: sqliteTable("t", { b: integer() }, (t) => [foreignKey({ name: "mine", columns: [t.b], foreignColumns: [b.id] })]) })),
    "index comes": gains((t) => index("i").on(t.a)),
    "unique index comes": gains((t) => uniqueIndex("i").on(t.a, t.b)),
    "index goes": loses((t) => index("i").on(t.a)),
    "index with a condition comes": gains((t) => index("i").on(t.a).where(sql`${t.a} > 3`)),
    "index on an expression comes": gains((t) => index("i").on(sql`lower(${t.b})`)),
    "column with an index goes": { from: () => ({ t: sqliteTable("t", { a: integer(), b: text() }, (t) => [index("i").on(t.b)]) }), to: () => ({ t: sqliteTable("t", { a: integer() }) }) },
    "table with indexes is rebuilt": { from: () => ({ t: sqliteTable("t", { a: integer(), b: text() }, (t) => [index("i").on(t.b), uniqueIndex("u").on(t.a)]) }), to: () => ({ t: sqliteTable("t", { a: integer(), b: text().notNull() }, (t) => [index("i").on(t.b), uniqueIndex("u").on(t.a)]) }) },
    "table with references is rebuilt": turns((b) => ({ t: sqliteTable("t", { b: integer().references(() => b.id, { onDelete: "cascade" }), n: text() }) }), (b) => ({ t: sqliteTable("t", { b: integer().references(() => b.id, { onDelete: "cascade" }), n: integer() }) })),
    "view comes": comes((b) => ({ v: sqliteView("v").as((q) => q.select().from(b)) })),
    "view goes": goes((b) => ({ v: sqliteView("v").as((q) => q.select().from(b)) })),
    "view changes": turns((b) => ({ v: sqliteView("v").as((q) => q.select().from(b)) }), (b) => ({ v: sqliteView("v").as((q) => q.select({ id: b.id }).from(b)) })),
    "view of a view comes": comes((b) => { const z = sqliteView("z").as((q) => q.select().from(b)); return { a: sqliteView("a").as((q) => q.select().from(z)), z }; }),
    "existing view comes": comes(() => ({ v: sqliteView("v", { id: integer() }).existing() })),
    "existing view goes": goes(() => ({ v: sqliteView("v", { id: integer() }).existing() })),
  };
};
