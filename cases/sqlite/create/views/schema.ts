import { eq, sql } from "drizzle-orm";
import { integer, sqliteTable, sqliteView, text } from "drizzle-orm/sqlite-core";

export const people = sqliteTable("people", { id: integer().primaryKey(), name: text().default("it's") });
export const everyone = sqliteView("everyone").as((qb) => qb.select().from(people));
export const one = sqliteView("one").as((qb) => qb.select({ id: people.id, shout: sql`upper(${people.name})`.as("shout") }).from(people).where(eq(people.id, sql`1`)));
export const named = sqliteView("named", { id: integer("id") }).as(sql`select id from people`);
export const theirs = sqliteView("theirs", { id: integer("id") }).existing();
