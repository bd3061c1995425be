// What is renamed, with the answers to the kit's questions as hints of 1.0.
export const renames = (orm) => {
  const { check, foreignKey, index, int, mysqlTable, mysqlView, primaryKey, serial, sql, text, varchar } = orm;
  const usual = { users: "users", posts: "posts", n: "n", m: "m", a: "a", mType: (name) => varchar(name, { length: 20 }) };
  const state = (changed = {}) => () => {
    const it = { ...usual, ...changed };
    const users = mysqlTable(it.users, { id: int("id").primaryKey(), n: int(it.n).unique("uq"), m: it.mType(it.m) }, (t) => [
      index("ix").on(t.m), check("ck", sql`${t.n} > 0`),
    ]);
    const posts = mysqlTable(it.posts, { a: int(it.a), b: int("b"), c: text("c") }, (t) => [
      primaryKey({ columns: [t.a, t.b] }), foreignKey({ name: "fk", columns: [t.a], foreignColumns: [users.n] }),
    ]);
    return { users, posts, v: mysqlView("v", { id: int("id") }).as(sql.raw(`select \`id\` from \`${it.users}\``)) };
  };
  const plain = (name, more = {}) => mysqlTable(name, { id: serial("id").primaryKey(), x: int("x"), ...more });
  const view = (name) => ({ t: plain("t"), v: mysqlView(name, { x: int("x") }).as(sql`select 1 as x`) });
  const counter = (name) => ({ t: mysqlTable(name, { id: int("id").autoincrement().primaryKey() }) });
  const hinted = (from, to, ...hints) => ({ from, to, hints: hints.map(([kind, from, to]) => ({ type: "rename", kind, from: ["public", ...from], to: ["public", ...to] })) });
  const rename = (changed, ...hints) => hinted(state(), state(changed), ...hints);
  return {
    "column": rename({ m: "k" }, ["column", ["users", "m"], ["users", "k"]]),
    "column with check": rename({ n: "k" }, ["column", ["users", "n"], ["users", "k"]]),
    "column and type": rename({ m: "k", mType: (name) => varchar(name, { length: 40 }).notNull() }, ["column", ["users", "m"], ["users", "k"]]),
    "column of keys": rename({ a: "k" }, ["column", ["posts", "a"], ["posts", "k"]]),
    "table": rename({ users: "people" }, ["table", ["users"], ["people"]]),
    "table and column": rename({ users: "people", m: "k" }, ["table", ["users"], ["people"]], ["column", ["people", "m"], ["people", "k"]]),
    "table alone": hinted(() => ({ t: plain("t") }), () => ({ t: plain("s", { y: int("y") }) }), ["table", ["t"], ["s"]]),
    "table with a counter": hinted(() => counter("t"), () => counter("s"), ["table", ["t"], ["s"]]),
    "view": hinted(() => view("v"), () => view("w"), ["view", ["v"], ["w"]]),
  };
};
