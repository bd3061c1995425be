// Keys, constraints, indexes, views.
export const schemas = (orm) => {
  const { sqliteTable, sqliteView, sql, integer, text, primaryKey, foreignKey, unique, uniqueIndex, index, check } = orm;
  const users = () => sqliteTable("users", { id: integer().primaryKey(), name: text() });
  const actions = ["cascade", "restrict", "no action", "set null", "set default"];
  const t = (make) => () => ({ t: sqliteTable("t", { a: integer(), b: text() }, (t) => [make(t)].flat()) });
  return {
    "primary key": () => ({ t: sqliteTable("t", { id: integer().primaryKey() }) }),
    "primary key of text": () => ({ t: sqliteTable("t", { id: text().primaryKey() }) }),
    "primary key not null": () => ({ t: sqliteTable("t", { id: text().primaryKey().notNull() }) }),
    "autoincrement": () => ({ t: sqliteTable("t", { id: integer().primaryKey({ autoIncrement: true }), n: text() }) }),
    "composite key": t((t) => primaryKey({ columns: [t.a, t.b] })),
    "composite key with a name": t((t) => primaryKey({ name: "mine", columns: [t.b, t.a] })),
    "key of one column as a constraint": t((t) => primaryKey({ columns: [t.a] })),
    "key of one column with a name": t((t) => primaryKey({ name: "only", columns: [t.b] })),
    "reference": () => { const u = users(); return { u, p: sqliteTable("posts", { user: integer().references(() => u.id) }) }; },
    ...Object.fromEntries(actions.map((it) => [`reference on delete ${it}`, () => {
      const u = users();
      return { u, p: sqliteTable("posts", { user: integer().references(() => u.id, { onDelete: it, onUpdate: it }) }) };
    }])),
    "reference to itself": () => { const n = sqliteTable("nodes", { id: integer().primaryKey(), parent: integer().references(() => n.id) }); return { n }; },
    "composite reference": () => {
      const a = sqliteTable("a", { x: integer(), y: integer() }, (t) => [primaryKey({ columns: [t.x, t.y] })]);
      return { a, b: sqliteTable("b", { x: integer(), y: integer() }, (t) => [foreignKey({ columns: [t.x, t.y], foreignColumns: [a.x, a.y] })]) };
    },
    "reference with a name": () => {
      const u = users();
      return { u, p: sqliteTable("posts", { user: integer() }, (t) => [foreignKey({ name: "author", columns: [t.user], foreignColumns: [u.id] }).onDelete("cascade")]) };
    },
    "references in a circle": () => {
      const a = sqliteTable("a", { id: integer().primaryKey(), b: integer().references(() => b.id) });
      const b = sqliteTable("b", { id: integer().primaryKey(), a: integer().references(() => a.id) });
      return { a, b };
    },
    "unique column": () => ({ t: sqliteTable("t", { a: text().unique(), b: text().notNull().unique() }) }),
    "unique column with a name": () => ({ t: sqliteTable("t", { a: text().unique("mine") }) }),
    "unique of a table": t((t) => unique().on(t.a, t.b)),
    "unique of a table with a name": t((t) => unique("mine").on(t.b, t.a)),
    "unique of a table on one column": t((t) => unique().on(t.b)),
    "unique column with a unique index": () => ({ t: sqliteTable("t", { a: text().unique() }, (t) => [uniqueIndex("mine").on(t.a)]) }),
    "unique everywhere": () => ({ a: sqliteTable("a", { x: text().unique(), y: text() }, (t) => [unique().on(t.x, t.y), index("a_y").on(t.y)]), b: sqliteTable("b", { x: text().unique() }) }),
    "index": t((t) => index("i").on(t.a)),
    "unique index": t((t) => uniqueIndex("i").on(t.a, t.b)),
    "index with a condition": t((t) => index("i").on(t.a).where(sql`${t.a} > 3`)),
    "index on an expression": t((t) => index("i").on(sql`lower(${t.b})`)),
    "index on an expression and a column": t((t) => index("i").on(sql`abs(${t.a})`, t.b)),
    "check": t((t) => check("positive", sql`${t.a} > 0`)),
    "checks of two columns": t((t) => [check("one", sql`${t.a} < length(${t.b})`), check("two", sql`a <> 7`)]),
    "view": () => { const u = users(); return { u, v: sqliteView("v").as((q) => q.select().from(u)) }; },
    "view by sql": () => ({ v: sqliteView("v", { id: integer() }).as(sql`select 1 as id`) }),
    "existing view": () => ({ v: sqliteView("v", { id: integer() }).existing() }),
    "view of a view": () => { const u = users(); const z = sqliteView("z").as((q) => q.select().from(u)); return { u, a: sqliteView("a").as((q) => q.select().from(z)), z }; },
    "table creator": () => { const of = orm.sqliteTableCreator((name) => `app_${name}`); return { t: of("users", { id: integer().primaryKey() }) }; },
    "nothing": () => ({}),
  };
};
