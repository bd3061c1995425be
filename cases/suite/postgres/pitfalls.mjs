// Changes and schemas that one kit or both get wrong: what they write fails on PostgreSQL, or does not end in
// what is declared.
export const schemas = (orm) => {
  const { pgTable, pgView, pgPolicy, integer, text, sql } = orm;
  const base = () => pgTable("base", { id: integer().primaryKey(), n: text() });
  return {
    "a view without options": () => { const b = base(); return { b, v: pgView("v").with({}).as((q) => q.select().from(b)) }; },
    "views by raw sql": () => { const b = base(); const z = pgView("z", { id: integer() }).as(sql`select id from base`); return { b, a: pgView("a", { id: integer() }).as(sql`select id from "z"`), z }; },
    "a quote in a name": () => ({ t: pgTable('say "t"', { id: integer('the "id"') }) }),
    "a policy with two dashes": () => ({ t: pgTable("t", { id: integer() }, () => [pgPolicy("p", { using: sql`id > 0 -- always` })]) }),
  };
};

export const changes = (orm) => {
  const { pgTable, pgSchema, pgEnum, pgSequence, pgView, pgMaterializedView, pgPolicy, sql } = orm;
  const { integer, text, serial, bigserial, bigint, smallint, boolean, date, primaryKey, unique, check, index, uniqueIndex } = orm;
  const column = (from, to) => ({ from: () => ({ t: pgTable("t", { id: integer(), ...from() }) }), to: () => ({ t: pgTable("t", { id: integer(), ...to() }) }) });
  const a = (from, to) => column(() => ({ a: from() }), () => ({ a: to() }));
  const beside = (from, to) => {
    const base = () => ({ base: pgTable("base", { id: integer().primaryKey(), n: text() }) });
    return { from: () => { const b = base(); return { ...b, ...from(b.base) }; }, to: () => { const b = base(); return { ...b, ...to(b.base) }; } };
  };
  // An enum of two values, then of one, with a table of it.
  const shrinking = (from, to) => ({
    from: () => { const m = pgEnum("m", ["x", "y"]); return { m, t: pgTable("t", { id: integer(), ...from(m) }) }; },
    to: () => { const m = pgEnum("m", ["x"]); return { m, t: pgTable("t", { id: integer(), ...to(m) }) }; },
  });
  const pair = (unique, reference) => {
    const u = pgTable("u", { id: integer().primaryKey(), a: integer() }, (t) => [unique(t)].flat());
    return { u, t: pgTable("t", reference(u)) };
  };
  const alone = () => ({ a: integer() });
  const refers = (u) => ({ a: integer().references(() => u.a) });

  return {
    // Enums.
    "enum loses a value, a column of it goes": shrinking((m) => ({ a: m(), b: m() }), (m) => ({ a: m() })),
    "enum loses a value, a column of it comes": shrinking((m) => ({ a: m() }), (m) => ({ a: m(), b: m() })),
    "enum loses a value, a default goes": shrinking((m) => ({ a: m().default("y") }), (m) => ({ a: m() })),
    "enum loses a value, a default changes": shrinking((m) => ({ a: m().default("y") }), (m) => ({ a: m().default("x") })),
    "enum loses a value, a column becomes text": shrinking((m) => ({ a: m(), b: m() }), (m) => ({ a: m(), b: text() })),
    "enum loses a value, text becomes of it": shrinking((m) => ({ a: m(), b: text() }), (m) => ({ a: m(), b: m() })),
    "enum becomes that of another schema": {
      from: () => { const s = pgSchema("app"); const m = pgEnum("m", ["x"]); return { s, m, n: s.enum("m", ["x"]), t: pgTable("t", { a: m() }) }; },
      to: () => { const s = pgSchema("app"); const n = s.enum("m", ["x"]); return { s, m: pgEnum("m", ["x"]), n, t: pgTable("t", { a: n() }) }; },
    },
    "enum gets a value with a quote": beside(() => ({ m: pgEnum("m", ["x"]) }), () => ({ m: pgEnum("m", ["x", "it's"]) })),
    // Generated columns.
    "generated comes where things stand": {
      from: () => ({ t: pgTable("t", { id: integer(), a: integer(), b: integer() }, (t) => [index("i").on(t.a), unique("u").on(t.a, t.b), check("c", sql`${t.a} > 0`)]) }),
      to: () => ({ t: pgTable("t", { id: integer(), a: integer().generatedAlwaysAs(sql`id + 1`), b: integer() }, (t) => [index("i").on(t.a), unique("u").on(t.a, t.b), check("c", sql`${t.a} > 0`)]) }),
    },
    "generated comes with not null": a(() => integer(), () => integer().notNull().generatedAlwaysAs(sql`id + 1`)),
    "generated goes, a default comes": a(() => integer().generatedAlwaysAs(sql`id + 1`), () => integer().default(3)),
    // Types.
    "boolean becomes a number": a(() => boolean(), () => integer()),
    "text with a default becomes a date": a(() => text().default("2026-01-01"), () => date().default("2026-01-01")),
    "text loses its default and becomes a number": a(() => text().default("x"), () => integer()),
    "serial becomes bigserial": a(() => serial(), () => bigserial({ mode: "number" })),
    "bigserial becomes bigint": a(() => bigserial({ mode: "number" }), () => bigint({ mode: "number" }).notNull()),
    "bigint becomes bigserial": a(() => bigint({ mode: "number" }).notNull(), () => bigserial({ mode: "number" })),
    "smallint becomes serial": a(() => smallint().notNull(), () => serial()),
    // Keys.
    "primary key goes": a(() => integer().primaryKey(), () => integer()),
    "unique goes with the reference to it": { from: () => pair((t) => unique("uq").on(t.a), refers), to: () => pair(() => [], alone) },
    "unique comes with a reference to it": { from: () => pair(() => [], alone), to: () => pair((t) => unique("uq").on(t.a), refers) },
    "unique index comes with a reference to it": { from: () => pair(() => [], alone), to: () => pair((t) => uniqueIndex("uq").on(t.a), refers) },
    "tables with a unique index and a reference come": beside(() => ({}), () => pair((t) => uniqueIndex("uq").on(t.a), refers)),
    // Policies.
    "linked policy moves": {
      from: () => { const t = pgTable("t", { id: integer() }), u = pgTable("u", { id: integer() }); return { t, u, p: pgPolicy("p").link(t) }; },
      to: () => { const t = pgTable("t", { id: integer() }), u = pgTable("u", { id: integer() }); return { t, u, p: pgPolicy("p").link(u) }; },
    },
    "policy loses its condition": beside(() => ({ t: pgTable("t", { id: integer() }, () => [pgPolicy("p", { using: sql`id > 0` })]) }), () => ({ t: pgTable("t", { id: integer() }, () => [pgPolicy("p")]) })),
    // Sequences and views.
    "sequence goes elsewhere": beside(() => ({ q: pgSequence("q", { minValue: 1, maxValue: 9 }) }), () => ({ q: pgSequence("q", { minValue: 100, maxValue: 900, startWith: 100 }) })),
    "sequence shrinks": beside(() => ({ q: pgSequence("q", { startWith: 50 }) }), () => ({ q: pgSequence("q", { startWith: 5, maxValue: 9 }) })),
    "materialized view becomes plain": beside((b) => ({ v: pgMaterializedView("v").as((q) => q.select().from(b)) }), (b) => ({ v: pgView("v").as((q) => q.select().from(b)) })),
    "view of a changed view": beside(
      (b) => { const z = pgView("z").as((q) => q.select().from(b)); return { z, a: pgView("a").as((q) => q.select({ id: z.id }).from(z)) }; },
      (b) => { const z = pgView("z").as((q) => q.select({ id: b.id }).from(b)); return { z, a: pgView("a").as((q) => q.select({ id: z.id }).from(z)) }; },
    ),
    "views that read one another go": beside((b) => { const a = pgView("a").as((q) => q.select().from(b)); return { a, z: pgView("z").as((q) => q.select().from(a)) }; }, () => ({})),
  };
};
