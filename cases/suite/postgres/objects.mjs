// Schemas, enums, sequences, identities, generated columns, views, roles, policies.
export const schemas = (orm) => {
  const { pgTable, integer, text, serial, bigint, smallint, sql, pgSchema, pgEnum, pgSequence, pgView, pgMaterializedView, pgRole, pgPolicy } = orm;
  const t = () => pgTable("t", { id: integer().primaryKey(), name: text() });
  const secured = (...policies) => pgTable("t", { id: integer() }, () => policies);
  return {
    "nothing": () => ({}),
    "schemas": () => ({ a: pgSchema("a"), b: pgSchema("B c") }),
    "tables of a schema": () => { const s = pgSchema("s"); return { s, t: s.table("t", { a: integer() }) }; },
    "tables of one name in two schemas": () => { const s = pgSchema("s"); return { s, a: s.table("t", { a: integer() }), b: pgTable("t", { a: integer() }) }; },
    "table creator": () => { const of = orm.pgTableCreator((name) => `app_${name}`); return { t: of("users", { id: serial().primaryKey() }) }; },
    "enums": () => ({ a: pgEnum("a", ["x"]), b: pgEnum("b", ["it's", "y"]), c: pgSchema("s").enum("c", ["z"]), s: pgSchema("s") }),
    "sequences": () => ({
      a: pgSequence("a"),
      b: pgSequence("b", { startWith: 100, increment: 5, minValue: 10, maxValue: 1000, cache: 7, cycle: true }),
      c: pgSequence("c", { increment: -1 }),
      d: pgSequence("d", { increment: "2", startWith: "4" }),
    }),
    "sequence in a schema": () => { const s = pgSchema("s"); return { s, q: s.sequence("q", { startWith: 3 }) }; },
    "identities": () => ({ t: pgTable("t", {
      a: integer().generatedAlwaysAsIdentity(),
      b: bigint({ mode: "number" }).generatedByDefaultAsIdentity(),
      c: smallint().generatedAlwaysAsIdentity({ name: "mine", startWith: 5, increment: 2, minValue: 1, maxValue: 99, cache: 3, cycle: true }),
    }) }),
    "falling identities": () => ({ t: pgTable("t", { a: integer().generatedAlwaysAsIdentity({ increment: -1 }), b: bigint({ mode: "number" }).generatedAlwaysAsIdentity({ increment: -2 }), c: smallint().generatedAlwaysAsIdentity({ increment: -1 }) }) }),
    "identity as a key in a schema": () => { const s = pgSchema("s"); return { s, t: s.table("t", { id: integer().primaryKey().generatedAlwaysAsIdentity() }) }; },
    "generated columns": () => { const g = pgTable("g", { a: integer(), b: integer().generatedAlwaysAs(sql`a * 2`), c: text().generatedAlwaysAs(() => sql`${g.a}::text`), d: text().generatedAlwaysAs("lower('X')") }); return { g }; },
    "view": () => { const it = t(); return { it, v: pgView("v").as((q) => q.select().from(it)) }; },
    "view by sql": () => ({ v: pgView("v", { id: integer() }).as(sql`select 1 as id`) }),
    "view with options": () => { const it = t(); return { it, v: pgView("v").with({ checkOption: "cascaded", securityBarrier: true, securityInvoker: false }).as((q) => q.select({ id: it.id }).from(it)) }; },
    "existing view": () => ({ v: pgView("v", { id: integer() }).existing() }),
    "existing materialized view": () => ({ v: pgMaterializedView("v", { id: integer() }).existing() }),
    "view in a schema": () => { const s = pgSchema("s"), it = t(); return { s, it, v: s.view("v").as((q) => q.select().from(it)) }; },
    "view of a view": () => { const it = t(); const z = pgView("z").as((q) => q.select().from(it)); return { it, a: pgView("a").as((q) => q.select().from(z)), z }; },
    "materialized view": () => { const it = t(); return { it, v: pgMaterializedView("v").as((q) => q.select().from(it)) }; },
    "materialized view with options": () => { const it = t(); return { it, v: pgMaterializedView("v").using("heap").with({ fillfactor: 90, autovacuumEnabled: false, autovacuumVacuumCostDelay: 2 }).tablespace("fast").withNoData().as((q) => q.select().from(it)) }; },
    "views of both kinds": () => { const it = t(); return { it, a: pgMaterializedView("a").as((q) => q.select().from(it)), b: pgView("b").as((q) => q.select().from(it)) }; },
    "roles": () => ({ a: pgRole("a"), b: pgRole("b", { createDb: true, createRole: true, inherit: false }), c: pgRole("c").existing() }),
    "row security": () => ({ t: pgTable("t", { a: integer() }).enableRLS() }),
    "policy": () => ({ t: secured(pgPolicy("p")) }),
    "policy with everything": () => ({ t: secured(pgPolicy("p", { as: "restrictive", for: "update", to: ["current_user", "public"], using: sql`id = 1`, withCheck: sql`id > 0` })) }),
    "policies for roles": () => { const r = pgRole("reader"); return { r, t: secured(pgPolicy("b", { to: r, for: "select", using: sql`true` }), pgPolicy("a", { to: [r, "writer"], for: "insert", withCheck: sql`true` }), pgPolicy("c", { for: "delete" })) }; },
    "policy linked to a table": () => { const it = t(); return { it, p: pgPolicy("p", { for: "all", to: "public", using: sql`true` }).link(it) }; },
    "policy linked to an undeclared table": () => ({ p: pgPolicy("p", { for: "all" }).link(t()) }),
    "policies of both kinds": () => { const it = secured(pgPolicy("own")); return { it, p: pgPolicy("linked").link(it) }; },
  };
};
