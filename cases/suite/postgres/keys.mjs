// Primary keys, foreign keys, unique constraints, checks.
export const schemas = (orm) => {
  const { pgTable, integer, text, serial, primaryKey, foreignKey, unique, check, sql, pgSchema } = orm;
  const users = () => pgTable("users", { id: integer().primaryKey(), org: integer(), name: text() });
  const actions = ["cascade", "restrict", "no action", "set null", "set default"];
  return {
    "primary key of a column": () => ({ t: pgTable("t", { id: serial().primaryKey() }) }),
    "composite key": () => ({ t: pgTable("t", { a: integer(), b: integer() }, (t) => [primaryKey({ columns: [t.a, t.b] })]) }),
    "composite key with a name": () => ({ t: pgTable("t", { a: integer(), b: integer() }, (t) => [primaryKey({ name: "my_key", columns: [t.b, t.a] })]) }),
    "key of one column as a constraint": () => ({ t: pgTable("t", { a: integer() }, (t) => [primaryKey({ columns: [t.a] })]) }),
    "key of one column with a name": () => ({ t: pgTable("t", { a: integer() }, (t) => [primaryKey({ name: "only", columns: [t.a] })]) }),
    "reference": () => { const u = users(); return { u, p: pgTable("posts", { user: integer().references(() => u.id) }) }; },
    ...Object.fromEntries(actions.map((it) => [`reference on delete ${it}`, () => {
      const u = users();
      return { u, p: pgTable("posts", { user: integer().references(() => u.id, { onDelete: it, onUpdate: it }) }) };
    }])),
    "reference to itself": () => { const n = pgTable("nodes", { id: integer().primaryKey(), parent: integer().references(() => n.id) }); return { n }; },
    "composite reference": () => {
      const a = pgTable("a", { x: integer(), y: integer() }, (t) => [primaryKey({ columns: [t.x, t.y] })]);
      const b = pgTable("b", { x: integer(), y: integer() }, (t) => [foreignKey({ columns: [t.x, t.y], foreignColumns: [a.x, a.y] })]);
      return { a, b };
    },
    "reference with a name": () => {
      const u = users();
      return { u, p: pgTable("posts", { user: integer() }, (t) => [foreignKey({ name: "author", columns: [t.user], foreignColumns: [u.id] }).onDelete("cascade")]) };
    },
    "reference with a long name": () => {
      const u = pgTable("a_table_with_quite_a_long_name_for_users", { identifier_of_user: integer().primaryKey() });
      return { u, p: pgTable("posts_with_a_long_name", { author_of_this_post: integer().references(() => u.identifier_of_user) }) };
    },
    "reference of a table with a very long name": () => {
      const u = users();
      return { u, p: pgTable("a_table_with_a_name_that_is_much_longer_than_usual", { author_of_this_post: integer().references(() => u.id) }) };
    },
    "reference between schemas": () => {
      const a = pgSchema("a"), b = pgSchema("b");
      const t = a.table("t", { id: integer().primaryKey() });
      return { a, b, t, u: b.table("u", { t: integer().references(() => t.id) }), v: pgTable("v", { t: integer().references(() => t.id) }) };
    },
    "references in a circle": () => {
      const a = pgTable("a", { id: integer().primaryKey(), b: integer().references(() => b.id) });
      const b = pgTable("b", { id: integer().primaryKey(), a: integer().references(() => a.id) });
      return { a, b };
    },
    "unique column": () => ({ t: pgTable("t", { a: text().unique() }) }),
    "unique column with a name": () => ({ t: pgTable("t", { a: text().unique("mine") }) }),
    "unique column, nulls not distinct": () => ({ t: pgTable("t", { a: text().unique("mine", { nulls: "not distinct" }), b: text().unique(undefined, { nulls: "not distinct" }) }) }),
    "unique of a table": () => ({ t: pgTable("t", { a: text(), b: text() }, (t) => [unique().on(t.a, t.b)]) }),
    "unique of a table on one column": () => ({ t: pgTable("t", { a: text(), b: text() }, (t) => [unique().on(t.a)]) }),
    "unique of a table with a name": () => ({ t: pgTable("t", { a: text(), b: text() }, (t) => [unique("mine").on(t.b, t.a).nullsNotDistinct()]) }),
    "unique columns of several tables": () => ({
      a: pgTable("a", { x: text().unique(), y: text().unique() }, (t) => [unique("a_xy").on(t.x, t.y)]),
      b: pgTable("b", { x: text().unique() }, (t) => [unique("b_x").on(t.x)]),
    }),
    "check": () => ({ t: pgTable("t", { a: integer() }, (t) => [check("positive", sql`${t.a} > 0`)]) }),
    "check with a parameter": () => ({ t: pgTable("t", { a: integer() }, (t) => [check("small", sql`${t.a} < ${sql.raw("10")} and a <> 3`)]) }),
    "checks of two columns": () => ({ t: pgTable("t", { a: integer(), b: integer() }, (t) => [check("ordered", sql`${t.a} < ${t.b}`), check("sum", sql`${t.a} + ${t.b} < 100`)]) }),
    "everything in one schema": () => {
      const s = pgSchema("shop");
      const u = s.table("users", { id: serial().primaryKey(), mail: text().notNull().unique() });
      const o = s.table("orders", { id: serial().primaryKey(), user: integer().notNull().references(() => u.id, { onDelete: "cascade" }), total: integer() },
        (t) => [unique().on(t.user, t.total), check("total", sql`${t.total} >= 0`), orm.index().on(t.total)]);
      return { s, u, o };
    },
    "table without columns of a key, camel names": () => ({ t: pgTable("userProfiles", { userId: integer("userId").notNull(), "userName": text("userName").unique() }) }),
  };
};
