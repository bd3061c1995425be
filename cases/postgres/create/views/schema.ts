import { eq, sql } from "drizzle-orm";
import { integer, pgEnum, pgMaterializedView, pgSchema, pgTable, pgView, text } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const mood = pgEnum("mood", ["a", "b"]);
export const people = pgTable("people", { id: integer().primaryKey(), name: text().default("it's"), mood: mood(), moods: mood().array() });

export const totals = pgMaterializedView("totals").using("heap").with({ autovacuumEnabled: false, fillfactor: 80 }).tablespace("pg_default").withNoData()
  .as((qb) => qb.select().from(people));
export const everyone = pgView("everyone").as((qb) => qb.select().from(people));
export const named = pgView("named", { id: integer("id"), name: text("name") }).with({ securityInvoker: true, checkOption: "cascaded", securityBarrier: true })
  .as(sql`select id, name from people where name is not null`);
export const inner = app.view("inner").as((qb) => qb.select({ id: people.id, shout: sql`upper(${people.name})`.as("shout") }).from(people).where(eq(people.id, 1)));
export const theirs = pgView("theirs", { id: integer("id") }).existing();
export const counts = app.materializedView("counts", { n: integer("n") }).as(sql`select 1 as n`);
