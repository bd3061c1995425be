// Indexes with every option.
export const schemas = (orm) => {
  const { pgTable, integer, text, vector, index, uniqueIndex, sql, pgSchema } = orm;
  const t = (make) => () => ({ t: pgTable("t", { a: integer(), b: text() }, (t) => [make(t)].flat()) });
  const near = (make) => () => ({ t: pgTable("t", { a: integer(), b: text(), v: vector({ dimensions: 3 }) }, (t) => [make(t)].flat()) });
  return {
    "index": t((t) => index("i").on(t.a)),
    "index without a name": t((t) => index().on(t.a, t.b)),
    "unique index": t((t) => uniqueIndex("i").on(t.a)),
    "unique index without a name": t((t) => uniqueIndex().on(t.b)),
    "index on several columns": t((t) => index("i").on(t.b, t.a)),
    "index descending": t((t) => index("i").on(t.a.desc())),
    "index descending, nulls last": t((t) => index("i").on(t.a.desc().nullsLast())),
    "index ascending, nulls first": t((t) => index("i").on(t.a.asc().nullsFirst())),
    "index nulls first": t((t) => index("i").on(t.a.nullsFirst())),
    "index with a condition": t((t) => index("i").on(t.a).where(sql`${t.a} > 3`)),
    "index with a condition without columns": t((t) => index("i").on(t.a).where(sql`b is not null`)),
    "index on an expression": t((t) => index("i").on(sql`lower(${t.b})`)),
    "index on an expression and a column": t((t) => index("i").on(sql`lower(${t.b})`, t.a.desc())),
    "index with options": t((t) => index("i").on(t.a).with({ fillfactor: 70 })),
    "index with several options": t((t) => index("i").using("gin", t.b.op("gin_trgm_ops")).with({ fastupdate: false, gin_pending_list_limit: 64 })),
    "hash index": t((t) => index("i").using("hash", t.a)),
    "brin index": t((t) => index("i").using("brin", t.a)),
    "operator class": t((t) => index("i").on(t.b.op("text_pattern_ops"))),
    "vector index": near((t) => index("i").using("hnsw", t.v.op("vector_l2_ops")).with({ m: 16 })),
    "index concurrently": t((t) => index("i").on(t.a).concurrently()),
    "several indexes": t((t) => [index("one").on(t.a), uniqueIndex("two").on(t.b), index().on(t.b)]),
    "index in a schema": () => { const s = pgSchema("s"); return { s, t: s.table("t", { a: integer() }, (t) => [index("i").on(t.a), index().on(t.a)]) }; },
    "index only": t((t) => index("i").onOnly(t.a)),
  };
};
