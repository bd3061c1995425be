// What is renamed, with the answers to the kit's questions as hints of 1.0. Everything stands on something
// that is renamed: keys, checks, indexes, views, policies, defaults.
export const renames = (orm) => {
  const { check, foreignKey, index, integer, pgEnum, pgPolicy, pgSchema, pgSequence, pgTable, pgView, primaryKey, sql, text } = orm;
  const usual = {
    users: "users", posts: "posts", n: "n", a: "a", mood: "mood", app: "app", inner: "inner", seq: "seq", v: "v", mine: "mine",
    ix: "ix", ck: "ck", uq: "uq", pk: "pk", fk: "fk", nType: integer,
  };
  const state = (changed = {}) => () => {
    const it = { ...usual, ...changed };
    const app = pgSchema(it.app);
    const mood = pgEnum(it.mood, ["a", "b"]);
    const users = pgTable(it.users, { id: integer("id").primaryKey(), n: it.nType(it.n).unique(it.uq), m: mood("m").default("a"), ms: mood("ms").array() }, (t) => [
      index(it.ix).on(t.n), check(it.ck, sql`${t.n} > 0`), pgPolicy(it.mine),
    ]);
    const posts = pgTable(it.posts, { a: integer(it.a), b: integer("b") }, (t) => [
      primaryKey({ name: it.pk, columns: [t.a, t.b] }), foreignKey({ name: it.fk, columns: [t.a], foreignColumns: [users.n] }),
    ]);
    const columns = { x: integer("x").references(() => users.id) };
    const inner = it.isOutside ? pgTable(it.inner, columns) : app.table(it.inner, columns);
    return { app, mood, users, posts, inner, seq: pgSequence(it.seq), v: pgView(it.v).as((q) => q.select({ id: users.id }).from(users)) };
  };
  const rename = (changed, ...hints) => ({ from: state(), to: state(changed), hints: hints.map(([kind, from, to]) => ({ type: "rename", kind, from, to })) });
  return {
    "column": rename({ n: "k" }, ["column", ["public", "users", "n"], ["public", "users", "k"]]),
    "column of keys": rename({ a: "z" }, ["column", ["public", "posts", "a"], ["public", "posts", "z"]]),
    "table": rename({ users: "people" }, ["table", ["public", "users"], ["public", "people"]]),
    "table with key": rename({ posts: "articles" }, ["table", ["public", "posts"], ["public", "articles"]]),
    "enum": rename({ mood: "temper" }, ["enum", ["public", "mood"], ["public", "temper"]]),
    "schema": rename({ app: "core" }, ["schema", ["app"], ["core"]]),
    "sequence": rename({ seq: "counter" }, ["sequence", ["public", "seq"], ["public", "counter"]]),
    "view": rename({ v: "w" }, ["view", ["public", "v"], ["public", "w"]]),
    "policy": rename({ mine: "yours" }, ["policy", ["public", "users", "mine"], ["public", "users", "yours"]]),
    // 0.31 does not ask about these.
    ...(orm.generation === 1 && {
      "index": rename({ ix: "iy" }, ["index", ["public", "users", "ix"], ["public", "users", "iy"]]),
      "check": rename({ ck: "cl" }, ["check", ["public", "users", "ck"], ["public", "users", "cl"]]),
      "unique": rename({ uq: "ur" }, ["unique", ["public", "users", "uq"], ["public", "users", "ur"]]),
      "primary key": rename({ pk: "pl" }, ["primary_key", ["public", "posts", "pk"], ["public", "posts", "pl"]]),
      "foreign key": rename({ fk: "fl" }, ["foreign key", ["public", "posts", "fk"], ["public", "posts", "fl"]]),
    }),
    "table moves": rename({ isOutside: true }, ["table", ["app", "inner"], ["public", "inner"]]),
    "table moves and is renamed": rename({ isOutside: true, inner: "outer" }, ["table", ["app", "inner"], ["public", "outer"]]),
    "table and column": rename({ users: "people", n: "k" }, ["table", ["public", "users"], ["public", "people"]], ["column", ["public", "people", "n"], ["public", "people", "k"]]),
    "column and type": rename({ n: "k", nType: text }, ["column", ["public", "users", "n"], ["public", "users", "k"]]),
  };
};
