// What is renamed, with the answers to the kit's questions as hints of 1.0.
export const renames = (orm) => {
  const { check, foreignKey, index, integer, primaryKey, sql, sqliteTable, sqliteView, text } = orm;
  const usual = { users: "users", posts: "posts", n: "n", m: "m", a: "a", c: "c", cType: text };
  const state = (changed = {}) => () => {
    const it = { ...usual, ...changed };
    const users = sqliteTable(it.users, { id: integer("id").primaryKey(), n: integer(it.n).unique("uq"), m: text(it.m) }, (t) => [
      index("ix").on(t.m), check("ck", sql`${t.n} > 0`),
    ]);
    const posts = sqliteTable(it.posts, { a: integer(it.a), b: integer("b"), c: it.cType(it.c) }, (t) => [
      primaryKey({ name: "pk", columns: [t.a, t.b] }), foreignKey({ name: "fk", columns: [t.a], foreignColumns: [users.n] }),
    ]);
    return { users, posts, v: sqliteView("v").as((q) => q.select({ id: users.id }).from(users)) };
  };
  const rename = (changed, ...hints) => ({ from: state(), to: state(changed), hints: hints.map(([kind, from, to]) => ({ type: "rename", kind, from: ["public", ...from], to: ["public", ...to] })) });
  return {
    "column": rename({ m: "k" }, ["column", ["users", "m"], ["users", "k"]]),
    "plain column": rename({ c: "k" }, ["column", ["posts", "c"], ["posts", "k"]]),
    "column of keys": rename({ a: "z" }, ["column", ["posts", "a"], ["posts", "z"]]),
    "column with check": rename({ n: "k" }, ["column", ["users", "n"], ["users", "k"]]),
    "table": rename({ users: "people" }, ["table", ["users"], ["people"]]),
    "table with key": rename({ posts: "articles" }, ["table", ["posts"], ["articles"]]),
    "table and column": rename({ users: "people", m: "k" }, ["table", ["users"], ["people"]], ["column", ["people", "m"], ["people", "k"]]),
    "column and type": rename({ c: "k", cType: integer }, ["column", ["posts", "c"], ["posts", "k"]]),
  };
};
