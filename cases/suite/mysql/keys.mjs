// Primary keys, foreign keys, unique constraints, indexes, checks.
export const schemas = (orm) => {
  const { check, foreignKey, index, int, mysqlTable, primaryKey, serial, sql, text, unique, uniqueIndex, varchar } = orm;
  const users = () => mysqlTable("users", { id: int().primaryKey(), org: int(), name: varchar({ length: 9 }) });
  const actions = ["cascade", "restrict", "no action", "set null", "set default"];
  return {
    "primary key of a column": () => ({ t: mysqlTable("t", { id: serial().primaryKey() }) }),
    "composite key": () => ({ t: mysqlTable("t", { a: int(), b: int() }, (t) => [primaryKey({ columns: [t.a, t.b] })]) }),
    "composite key with a name": () => ({ t: mysqlTable("t", { a: int(), b: int() }, (t) => [primaryKey({ name: "my_key", columns: [t.b, t.a] })]) }),
    "key of one column as a constraint": () => ({ t: mysqlTable("t", { a: int() }, (t) => [primaryKey({ columns: [t.a] })]) }),
    "references of two tables": () => { const u = users(); return { u, p: mysqlTable("posts", { user: int().references(() => u.id) }) }; },
    ...Object.fromEntries(actions.map((it) => [`reference on delete ${it}`, () => {
      const u = users();
      return { u, p: mysqlTable("posts", { user: int().references(() => u.id, { onDelete: it, onUpdate: it }) }) };
    }])),
    "reference to itself": () => { const n = mysqlTable("nodes", { id: int().primaryKey(), parent: int().references(() => n.id) }); return { n }; },
    "composite reference": () => {
      const a = mysqlTable("a", { x: int(), y: int() }, (t) => [primaryKey({ columns: [t.x, t.y] })]);
      return { a, b: mysqlTable("b", { x: int(), y: int() }, (t) => [foreignKey({ columns: [t.x, t.y], foreignColumns: [a.x, a.y] })]) };
    },
    "reference with a name": () => {
      const u = users();
      return { u, p: mysqlTable("posts", { user: int() }, (t) => [foreignKey({ name: "author", columns: [t.user], foreignColumns: [u.id] }).onDelete("cascade")]) };
    },
    "reference with a long name": () => {
      const u = mysqlTable("a_table_with_quite_a_long_name_for_users", { identifier_of_user: int().primaryKey() });
      return { u, p: mysqlTable("posts_with_a_long_name", { author_of_this_post: int().references(() => u.identifier_of_user) }) };
    },
    "references in a circle": () => {
      const a = mysqlTable("a", { id: int().primaryKey(), b: int().references(() => b.id) });
      const b = mysqlTable("b", { id: int().primaryKey(), a: int().references(() => a.id) });
      return { a, b };
    },
    "unique column": () => ({ t: mysqlTable("t", { a: int().unique() }) }),
    "unique column with a name": () => ({ t: mysqlTable("t", { a: int().unique("mine") }) }),
    "unique of a table": () => ({ t: mysqlTable("t", { a: int(), b: int() }, (t) => [unique().on(t.a, t.b)]) }),
    "unique of a table with a name": () => ({ t: mysqlTable("t", { a: int(), b: int() }, (t) => [unique("mine").on(t.b, t.a)]) }),
    "unique columns of several tables": () => ({
      a: mysqlTable("a", { x: int().unique(), y: int().unique() }, (t) => [unique("a_xy").on(t.x, t.y)]),
      b: mysqlTable("b", { x: int().unique() }, (t) => [unique("b_x").on(t.x)]),
    }),
    "indexes": () => ({ t: mysqlTable("t", { a: int(), b: int(), c: varchar({ length: 9 }) }, (t) => [index("i").on(t.a), index("j").on(t.b, t.a), uniqueIndex("u").on(t.c)]) }),
    "indexes with options": () => ({ t: mysqlTable("t", { a: int(), b: int() }, (t) => [index("i").on(t.a).using("btree"), index("j").on(t.b).using("hash").algorithm("inplace").lock("none"), index("k").on(t.a, t.b).algorithm("copy").lock("exclusive"), uniqueIndex("u").on(t.b).using("btree").algorithm("default").lock("shared")]) }),
    "indexes on expressions": () => ({ t: mysqlTable("t", { a: int(), c: varchar({ length: 9 }) }, (t) => [index("i").on(sql`(lower(${t.c}))`), index("m").on(t.a, sql`(upper(${t.c}))`), uniqueIndex("u").on(sql`(lower(${t.c}))`)]) }),
    "an index of a prefix": () => ({ t: mysqlTable("t", { c: text() }, (t) => [index("i").on(sql`${t.c}(10)`), index("j").on(sql`${t.c} desc`)]) }),
    "check": () => ({ t: mysqlTable("t", { a: int() }, (t) => [check("positive", sql`${t.a} > 0`)]) }),
    "checks of two columns": () => ({ t: mysqlTable("t", { a: int(), b: int() }, (t) => [check("ordered", sql`${t.a} < ${t.b}`), check("sum", sql`${t.a} + b < 100`)]) }),
    "everything in one table": () => {
      const u = users();
      return {
        u, t: mysqlTable("t", { id: serial().primaryKey(), mail: varchar({ length: 9 }).notNull().unique(), user: int().references(() => u.id), n: int() }, (t) => [
          index("t_n").on(t.n), uniqueIndex("t_un").on(t.user, t.n), unique("t_once").on(t.n), check("t_check", sql`${t.n} <> 3`), foreignKey({ columns: [t.n], foreignColumns: [u.id] }).onUpdate("cascade")]),
      };
    },
    "names with capitals and digits": () => ({ b: mysqlTable("Beta", { "1": int().primaryKey(), a: int() }), a: mysqlTable("1", { x: int() }), s: mysqlTable("with space", { "the column": int() }) }),
  };
};
