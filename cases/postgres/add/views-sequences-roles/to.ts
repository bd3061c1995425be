import { sql } from "drizzle-orm";
import { integer, pgMaterializedView, pgPolicy, pgRole, pgSchema, pgSequence, pgTable, pgView } from "drizzle-orm/pg-core";

const elsewhere = pgTable("elsewhere", { id: integer() });
export const app = pgSchema("app");
export const a = pgTable("a", { id: integer().primaryKey() });
export const numbers = pgSequence("numbers", { startWith: 5 });
export const role = pgRole("role_of_mine");
export const v = pgView("v").as((qb) => qb.select().from(a));
export const m = pgMaterializedView("m").as((qb) => qb.select().from(a));
export const p = pgPolicy("p", { using: sql`true` }).link(elsewhere);
