// Changes: create, drop and alter of every entity and attribute. Nothing is dropped and created in one
// place, which the kits would ask about.
export const changes = (orm) => {
  const { pgTable, pgSchema, pgEnum, pgSequence, pgView, pgMaterializedView, pgRole, pgPolicy, sql } = orm;
  const { integer, text, serial, bigint, varchar, numeric, boolean, timestamp, jsonb, uuid, primaryKey, foreignKey, unique, check, index, uniqueIndex } = orm;
  const column = (from, to) => ({ from: () => ({ t: pgTable("t", { id: integer(), ...from() }) }), to: () => ({ t: pgTable("t", { id: integer(), ...to() }) }) });
  const a = (from, to) => column(() => ({ a: from() }), () => ({ a: to() }));
  const extra = (from, to) => {
    const t = (parts) => () => ({ t: pgTable("t", { a: integer().notNull(), b: text().notNull(), c: integer() }, (t) => parts(t)) });
    return { from: t(from), to: t(to) };
  };
  const none = () => [];
  const gains = (make) => extra(none, (t) => [make(t)].flat());
  const loses = (make) => extra((t) => [make(t)].flat(), none);
  const becomes = (from, to) => extra((t) => [from(t)].flat(), (t) => [to(t)].flat());
  const beside = (from, to) => {
    const base = () => ({ base: pgTable("base", { id: integer().primaryKey(), n: text() }) });
    return { from: () => { const b = base(); return { ...b, ...from(b.base) }; }, to: () => { const b = base(); return { ...b, ...to(b.base) }; } };
  };
  const comes = (make) => beside(() => ({}), make);
  const goes = (make) => beside(make, () => ({}));
  const turns = (from, to) => beside(from, to);
  const secured = (...policies) => pgTable("s", { id: integer() }, () => policies);
  const inSchema = (make) => { const s = pgSchema("app"); return { s, ...make(s) }; };

  return {
    // Tables and schemas.
    "table comes": comes(() => ({ t: pgTable("t", { id: serial().primaryKey(), n: text().notNull() }) })),
    "table goes": goes(() => ({ t: pgTable("t", { id: serial().primaryKey() }) })),
    "table with everything comes": comes((b) => ({ t: pgTable("t", { id: serial().primaryKey(), b: integer().references(() => b.id), u: text().unique() }, (t) => [index().on(t.u), check("c", sql`${t.id} > 0`), pgPolicy("p")]) })),
    "table with everything goes": goes((b) => ({ t: pgTable("t", { id: serial().primaryKey(), b: integer().references(() => b.id), u: text().unique() }, (t) => [index().on(t.u), check("c", sql`${t.id} > 0`), pgPolicy("p")]) })),
    "two tables go that refer to each other": goes(() => { const x = pgTable("x", { id: integer().primaryKey() }); return { x, y: pgTable("y", { x: integer().references(() => x.id) }) }; }),
    "schema comes": comes(() => ({ s: pgSchema("s") })),
    "schema goes": goes(() => ({ s: pgSchema("s") })),
    "schema with a table comes": comes(() => inSchema((s) => ({ t: s.table("t", { id: integer() }) }))),
    "schema with a table goes": goes(() => inSchema((s) => ({ t: s.table("t", { id: integer() }) }))),
    "columns of a table in a schema": turns(() => inSchema((s) => ({ t: s.table("t", { id: integer() }) })), () => inSchema((s) => ({ t: s.table("t", { id: bigint({ mode: "number" }).notNull(), n: text().default("x") }) }))),
    "nothing changes": turns(() => ({}), () => ({})),
    // Columns.
    "column comes": column(() => ({}), () => ({ a: text() })),
    "column goes": column(() => ({ a: text() }), () => ({})),
    "several columns come": column(() => ({}), () => ({ a: text().notNull().default("x"), b: timestamp().defaultNow(), c: jsonb().default({ k: 1 }), d: text().array() })),
    "unique column comes": column(() => ({}), () => ({ a: text().unique() })),
    "column with a key comes": { from: () => ({ u: pgTable("u", { id: integer().primaryKey() }), t: pgTable("t", { id: integer() }) }), to: () => { const u = pgTable("u", { id: integer().primaryKey() }); return { u, t: pgTable("t", { id: integer(), u: integer().references(() => u.id, { onDelete: "cascade" }) }) }; } },
    "serial column comes": column(() => ({}), () => ({ a: serial() })),
    "identity column comes": column(() => ({}), () => ({ a: integer().generatedAlwaysAsIdentity() })),
    "generated column comes": column(() => ({}), () => ({ a: integer().generatedAlwaysAs(sql`id * 2`) })),
    "enum column comes": { from: () => ({ m: pgEnum("m", ["x"]), t: pgTable("t", { id: integer() }) }), to: () => { const m = pgEnum("m", ["x"]); return { m, t: pgTable("t", { id: integer(), a: m().default("x"), l: m().array() }) }; } },
    "not null comes": a(() => text(), () => text().notNull()),
    "not null goes": a(() => text().notNull(), () => text()),
    "default comes": a(() => text(), () => text().default("x")),
    "default goes": a(() => text().default("x"), () => text()),
    "default changes": a(() => text().default("x"), () => text().default("it's")),
    "default becomes sql": a(() => timestamp(), () => timestamp().defaultNow()),
    "default of a number changes": a(() => integer().default(1), () => integer().default(2)),
    "default of json changes": a(() => jsonb().default({ a: 1 }), () => jsonb().default({ a: 2 })),
    "default of json is spelled otherwise": a(() => jsonb().default(sql`'{"a": 1}'`), () => jsonb().default({ a: 1 })),
    "default gets parentheses": a(() => integer().default(sql`1 + 1`), () => integer().default(sql`(1 + 1)`)),
    "default of a boolean changes": a(() => boolean().default(true), () => boolean().default(false)),
    "default of an array changes": a(() => text().array().default([]), () => text().array().default(["a"])),
    "type widens": a(() => integer(), () => bigint({ mode: "number" })),
    "type becomes text": a(() => integer(), () => text()),
    "text becomes a number": a(() => text(), () => integer()),
    "length grows": a(() => varchar({ length: 10 }), () => varchar({ length: 20 })),
    "length comes": a(() => varchar(), () => varchar({ length: 20 })),
    "precision changes": a(() => numeric({ precision: 10, scale: 2 }), () => numeric({ precision: 12, scale: 4 })),
    "scale of nothing goes": a(() => numeric({ precision: 10, scale: 0 }), () => numeric({ precision: 10 })),
    "time zone comes": a(() => timestamp(), () => timestamp({ withTimezone: true })),
    "timestamp precision comes": a(() => timestamp(), () => timestamp({ precision: 3 })),
    "text becomes a uuid": a(() => text(), () => uuid()),
    "type and default and null change": a(() => text().default("1"), () => integer().default(1).notNull()),
    "becomes an array": a(() => text(), () => text().array()),
    "array becomes plain": a(() => text().array(), () => text()),
    "type becomes custom": a(() => text(), () => orm.customType({ dataType: () => "citext" })()),
    "integer becomes serial": a(() => integer(), () => serial()),
    "serial becomes integer": a(() => serial(), () => integer()),
    "text becomes an enum": { from: () => ({ m: pgEnum("m", ["x"]), t: pgTable("t", { a: text() }) }), to: () => { const m = pgEnum("m", ["x"]); return { m, t: pgTable("t", { a: m() }) }; } },
    "text with a default becomes an enum": { from: () => ({ m: pgEnum("m", ["x"]), t: pgTable("t", { a: text().default("x") }) }), to: () => { const m = pgEnum("m", ["x"]); return { m, t: pgTable("t", { a: m().default("x") }) }; } },
    "enum becomes text": { from: () => { const m = pgEnum("m", ["x"]); return { m, t: pgTable("t", { a: m() }) }; }, to: () => ({ m: pgEnum("m", ["x"]), t: pgTable("t", { a: text() }) }) },
    "enum becomes another": { from: () => { const m = pgEnum("m", ["x"]), n = pgEnum("n", ["x"]); return { m, n, t: pgTable("t", { a: m().default("x") }) }; }, to: () => { const m = pgEnum("m", ["x"]), n = pgEnum("n", ["x"]); return { m, n, t: pgTable("t", { a: n().default("x") }) }; } },
    // Identities and generated columns.
    "identity comes": a(() => integer().notNull(), () => integer().generatedAlwaysAsIdentity()),
    "identity goes": a(() => integer().generatedAlwaysAsIdentity(), () => integer().notNull()),
    "identity changes its kind": a(() => integer().generatedAlwaysAsIdentity(), () => integer().generatedByDefaultAsIdentity()),
    "identity changes every option": a(() => integer().generatedAlwaysAsIdentity({ startWith: 1 }), () => integer().generatedAlwaysAsIdentity({ startWith: 5, increment: 2, minValue: 2, maxValue: 99, cache: 4, cycle: true })),
    "identity stops to cycle": a(() => integer().generatedAlwaysAsIdentity({ cycle: true }), () => integer().generatedAlwaysAsIdentity()),
    "generated comes": a(() => integer(), () => integer().generatedAlwaysAs(sql`id + 1`)),
    "generated goes": a(() => integer().generatedAlwaysAs(sql`id + 1`), () => integer()),
    "generated changes": a(() => integer().generatedAlwaysAs(sql`id + 1`), () => integer().generatedAlwaysAs(sql`id + 2`)),
    // Keys.
    "primary key comes": a(() => integer().notNull(), () => integer().primaryKey()),
    "composite key comes": gains((t) => primaryKey({ columns: [t.a, t.b] })),
    "composite key goes": loses((t) => primaryKey({ columns: [t.a, t.b] })),
    "composite key with a name comes": gains((t) => primaryKey({ name: "mine", columns: [t.a, t.b] })),
    "composite key with a name changes": becomes((t) => primaryKey({ name: "mine", columns: [t.a, t.b] }), (t) => primaryKey({ name: "mine", columns: [t.b, t.a] })),
    "unique comes": gains((t) => unique().on(t.a, t.b)),
    "unique goes": loses((t) => unique().on(t.a, t.b)),
    "unique with a name comes": gains((t) => unique("mine").on(t.a)),
    "unique with a name goes": loses((t) => unique("mine").on(t.a)),
    "unique changes columns": becomes((t) => unique("mine").on(t.a), (t) => unique("mine").on(t.a, t.b)),
    "unique changes nulls": becomes((t) => unique("mine").on(t.a), (t) => unique("mine").on(t.a).nullsNotDistinct()),
    "unique of a column comes": a(() => text(), () => text().unique()),
    "unique of a column goes": a(() => text().unique(), () => text()),
    "check comes": gains((t) => check("c", sql`${t.a} > 0`)),
    "check goes": loses((t) => check("c", sql`${t.a} > 0`)),
    "check changes": becomes((t) => check("c", sql`${t.a} > 0`), (t) => check("c", sql`${t.a} > 1`)),
    "reference comes": turns(() => ({ t: pgTable("t", { b: integer() }) }), (b) => ({ t: pgTable("t", { b: integer().references(() => b.id) }) })),
    "reference goes": turns((b) => ({ t: pgTable("t", { b: integer().references(() => b.id) }) }), () => ({ t: pgTable("t", { b: integer() }) })),
    "reference changes actions": turns((b) => ({ t: pgTable("t", { b: integer().references(() => b.id) }) }), (b) => ({ t: pgTable("t", { b: integer().references(() => b.id, { onDelete: "set null", onUpdate: "cascade" }) }) })),
    "reference with a name comes": turns(() => ({ t: pgTable("t", { b: integer() }) }), (b) => ({ t: pgTable("t", { b: integer() }, (t) => [foreignKey({ name: "mine", columns: [t.b], foreignColumns: [b.id] })]) })),
    "reference with a name changes": turns((b) => ({ t: pgTable("t", { b: integer() }, (t) => [foreignKey({ name: "mine", columns: [t.b], foreignColumns: [b.id] })]) }), (b) => ({ t: pgTable("t", { b: integer() }, (t) => [foreignKey({ name: "mine", columns: [t.b], foreignColumns: [b.id] }).onDelete("cascade")]) })),
    "column with a reference goes": turns((b) => ({ t: pgTable("t", { id: integer(), b: integer().references(() => b.id) }) }), () => ({ t: pgTable("t", { id: integer() }) })),
    "table that others refer to goes": { from: () => { const u = pgTable("u", { id: integer().primaryKey() }); return { u, t: pgTable("t", { u: integer().references(() => u.id) }) }; }, to: () => ({ t: pgTable("t", { u: integer() }) }) },
    // Indexes.
    "index comes": gains((t) => index("i").on(t.a)),
    "index without a name comes": gains((t) => index().on(t.a)),
    "unique index comes": gains((t) => uniqueIndex("i").on(t.a, t.b)),
    "index goes": loses((t) => index("i").on(t.a)),
    "index changes columns": becomes((t) => index("i").on(t.a), (t) => index("i").on(t.b)),
    "index becomes unique": becomes((t) => index("i").on(t.a), (t) => uniqueIndex("i").on(t.a)),
    "index changes direction": becomes((t) => index("i").on(t.a), (t) => index("i").on(t.a.desc())),
    "index changes nulls": becomes((t) => index("i").on(t.a), (t) => index("i").on(t.a.nullsFirst())),
    "index changes method": becomes((t) => index("i").on(t.a), (t) => index("i").using("hash", t.a)),
    "index changes condition": becomes((t) => index("i").on(t.a).where(sql`${t.a} > 0`), (t) => index("i").on(t.a).where(sql`${t.a} > 1`)),
    "index gets a condition": becomes((t) => index("i").on(t.a), (t) => index("i").on(t.a).where(sql`${t.c} is null`)),
    "index changes options": becomes((t) => index("i").on(t.a).with({ fillfactor: 70 }), (t) => index("i").on(t.a).with({ fillfactor: 80 })),
    "index gets an operator class": becomes((t) => index("i").on(t.b), (t) => index("i").on(t.b.op("text_pattern_ops"))),
    "index gets an expression": becomes((t) => index("i").on(t.b), (t) => index("i").on(sql`lower(${t.b})`)),
    "index of a schema goes": turns(() => inSchema((s) => ({ t: s.table("t", { a: integer() }, (t) => [index("i").on(t.a)]) })), () => inSchema((s) => ({ t: s.table("t", { a: integer() }) }))),
    "column with an index goes": column(() => ({}), () => ({})) && { from: () => ({ t: pgTable("t", { a: integer(), b: text() }, (t) => [index("i").on(t.b)]) }), to: () => ({ t: pgTable("t", { a: integer() }) }) },
    // Enums and sequences.
    "enum comes": comes(() => ({ m: pgEnum("m", ["x", "y"]) })),
    "enum goes": goes(() => ({ m: pgEnum("m", ["x", "y"]) })),
    "enum gets a value": turns(() => ({ m: pgEnum("m", ["x", "y"]) }), () => ({ m: pgEnum("m", ["x", "y", "z"]) })),
    "enum gets values in between": turns(() => ({ m: pgEnum("m", ["x", "y"]) }), () => ({ m: pgEnum("m", ["w", "x", "m", "y", "z"]) })),
    "enum in a schema gets a value": turns(() => inSchema((s) => ({ m: s.enum("m", ["x"]) })), () => inSchema((s) => ({ m: s.enum("m", ["x", "y"]) }))),
    "enum loses a value": turns(() => { const m = pgEnum("m", ["x", "y"]); return { m, t: pgTable("t", { a: m() }) }; }, () => { const m = pgEnum("m", ["x"]); return { m, t: pgTable("t", { a: m() }) }; }),
    "enum loses a value, with a default": turns(() => { const m = pgEnum("m", ["x", "y"]); return { m, t: pgTable("t", { a: m().default("x"), l: m().array() }) }; }, () => { const m = pgEnum("m", ["x"]); return { m, t: pgTable("t", { a: m().default("x"), l: m().array() }) }; }),
    "enum changes the order": turns(() => ({ m: pgEnum("m", ["x", "y"]) }), () => ({ m: pgEnum("m", ["y", "x"]) })),
    "sequence comes": comes(() => ({ q: pgSequence("q", { startWith: 3 }) })),
    "sequence goes": goes(() => ({ q: pgSequence("q") })),
    "sequence changes": turns(() => ({ q: pgSequence("q") }), () => ({ q: pgSequence("q", { increment: 2, minValue: 3, maxValue: 30, startWith: 4, cache: 5, cycle: true }) })),
    "sequence of a schema changes": turns(() => inSchema((s) => ({ q: s.sequence("q") })), () => inSchema((s) => ({ q: s.sequence("q", { increment: 2 }) }))),
    // Views.
    "view comes": comes((b) => ({ v: pgView("v").as((q) => q.select().from(b)) })),
    "view goes": goes((b) => ({ v: pgView("v").as((q) => q.select().from(b)) })),
    "view changes": turns((b) => ({ v: pgView("v").as((q) => q.select().from(b)) }), (b) => ({ v: pgView("v").as((q) => q.select({ id: b.id }).from(b)) })),
    "view gets options": turns((b) => ({ v: pgView("v").as((q) => q.select().from(b)) }), (b) => ({ v: pgView("v").with({ securityBarrier: true }).as((q) => q.select().from(b)) })),
    "view loses options": turns((b) => ({ v: pgView("v").with({ securityBarrier: true, securityInvoker: true }).as((q) => q.select().from(b)) }), (b) => ({ v: pgView("v").as((q) => q.select().from(b)) })),
    "view changes options": turns((b) => ({ v: pgView("v").with({ checkOption: "local", securityBarrier: true }).as((q) => q.select().from(b)) }), (b) => ({ v: pgView("v").with({ checkOption: "cascaded", securityInvoker: true }).as((q) => q.select().from(b)) })),
    "view stops to exist elsewhere": turns(() => ({ v: pgView("v", { id: integer() }).existing() }), (b) => ({ v: pgView("v").as((q) => q.select({ id: b.id }).from(b)) })),
    "materialized view comes": comes((b) => ({ v: pgMaterializedView("v").as((q) => q.select().from(b)) })),
    "materialized view goes": goes((b) => ({ v: pgMaterializedView("v").as((q) => q.select().from(b)) })),
    "materialized view changes": turns((b) => ({ v: pgMaterializedView("v").as((q) => q.select().from(b)) }), (b) => ({ v: pgMaterializedView("v").as((q) => q.select({ n: b.n }).from(b)) })),
    "materialized view gets options": turns((b) => ({ v: pgMaterializedView("v").as((q) => q.select().from(b)) }), (b) => ({ v: pgMaterializedView("v").with({ fillfactor: 80 }).as((q) => q.select().from(b)) })),
    "materialized view moves": turns((b) => ({ v: pgMaterializedView("v").as((q) => q.select().from(b)) }), (b) => ({ v: pgMaterializedView("v").tablespace("fast").as((q) => q.select().from(b)) })),
    "materialized view gets another method": turns((b) => ({ v: pgMaterializedView("v").using("heap").as((q) => q.select().from(b)) }), (b) => ({ v: pgMaterializedView("v").using("columnar").as((q) => q.select().from(b)) })),
    "view becomes materialized": turns((b) => ({ v: pgView("v").as((q) => q.select().from(b)) }), (b) => ({ v: pgMaterializedView("v").as((q) => q.select().from(b)) })),
    "view of a schema comes": comes((b) => inSchema((s) => ({ v: s.view("v").as((q) => q.select().from(b)) }))),
    // Roles, policies, row security.
    "role comes": comes(() => ({ r: pgRole("r", { createDb: true }) })),
    "role goes": goes(() => ({ r: pgRole("r") })),
    "role changes": turns(() => ({ r: pgRole("r") }), () => ({ r: pgRole("r", { createDb: true, createRole: true, inherit: false }) })),
    "role changes one option": turns(() => ({ r: pgRole("r", { createDb: true }) }), () => ({ r: pgRole("r", { createDb: true, inherit: false }) })),
    "row security comes": turns(() => ({ t: secured() }), () => ({ t: secured().enableRLS() })),
    "row security goes": turns(() => ({ t: secured().enableRLS() }), () => ({ t: secured() })),
    "policy comes": turns(() => ({ t: secured() }), () => ({ t: secured(pgPolicy("p", { using: sql`true` })) })),
    "policy goes": turns(() => ({ t: secured(pgPolicy("p", { using: sql`true` })) }), () => ({ t: secured() })),
    "policy of several goes": turns(() => ({ t: secured(pgPolicy("p"), pgPolicy("q")) }), () => ({ t: secured(pgPolicy("p")) })),
    "policy of several comes": turns(() => ({ t: secured(pgPolicy("p")) }), () => ({ t: secured(pgPolicy("p"), pgPolicy("q")) })),
    "policy changes its condition": turns(() => ({ t: secured(pgPolicy("p", { using: sql`true` })) }), () => ({ t: secured(pgPolicy("p", { using: sql`false` })) })),
    "policy changes its roles": turns(() => ({ t: secured(pgPolicy("p", { to: "public" })) }), () => ({ t: secured(pgPolicy("p", { to: ["current_user", "session_user"] })) })),
    "policy changes its command": turns(() => ({ t: secured(pgPolicy("p", { for: "select" })) }), () => ({ t: secured(pgPolicy("p", { for: "delete" })) })),
    "policy becomes restrictive": turns(() => ({ t: secured(pgPolicy("p")) }), () => ({ t: secured(pgPolicy("p", { as: "restrictive" })) })),
    "policy gets a check": turns(() => ({ t: secured(pgPolicy("p", { for: "update", using: sql`true` })) }), () => ({ t: secured(pgPolicy("p", { for: "update", using: sql`true`, withCheck: sql`id > 0` })) })),
    "linked policy comes": turns(() => ({ t: secured() }), () => { const t = secured(); return { t, p: pgPolicy("p").link(t) }; }),
    "linked policy goes": turns(() => { const t = secured(); return { t, p: pgPolicy("p").link(t) }; }, () => ({ t: secured() })),
    "table with policies goes": goes(() => ({ t: secured(pgPolicy("p")) })),
  };
};
