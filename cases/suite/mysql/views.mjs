// Views and their options.
export const schemas = (orm) => {
  const { eq, int, mysqlTable, mysqlView, sql, varchar } = orm;
  const table = () => mysqlTable("t", { id: int().primaryKey(), name: varchar({ length: 9 }).notNull().default("x") });
  return {
    "a view of a query": () => { const t = table(); return { t, v: mysqlView("v").as((qb) => qb.select().from(t)) }; },
    "a view of columns": () => { const t = table(); return { t, v: mysqlView("v").as((qb) => qb.select({ id: t.id, up: sql`upper(${t.name})`.as("up") }).from(t).where(sql`${t.id} > 3`)) }; },
    "a view by hand": () => ({ t: table(), v: mysqlView("v", { id: int("id").notNull(), n: varchar("n", { length: 9 }).default("it's") }).as(sql`select 1 as id, 'a' as n`) }),
    "an existing view": () => ({ t: table(), v: mysqlView("v", { id: int("id") }).existing() }),
    "options": () => {
      const t = table();
      return {
        t, a: mysqlView("a").algorithm("merge").sqlSecurity("invoker").withCheckOption("cascaded").as((qb) => qb.select().from(t)),
        b: mysqlView("b").algorithm("temptable").sqlSecurity("definer").as((qb) => qb.select().from(t)), c: mysqlView("c").withCheckOption("local").as((qb) => qb.select().from(t)),
        d: mysqlView("d").algorithm("undefined").withCheckOption().as((qb) => qb.select().from(t)),
      };
    },
    "a view of a view": () => {
      const t = table();
      const z = mysqlView("z").as((qb) => qb.select().from(t));
      const a = mysqlView("a").as((qb) => qb.select().from(z));
      return { t, a, z };
    },
    "a condition with a value": () => { const t = table(); return { t, v: mysqlView("v").as((qb) => qb.select().from(t).where(eq(t.name, "it's"))) }; },
  };
};
