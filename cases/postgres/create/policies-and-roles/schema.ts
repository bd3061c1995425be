import { sql } from "drizzle-orm";
import { integer, pgPolicy, pgRole, pgSchema, pgTable, text } from "drizzle-orm/pg-core";

export const admin = pgRole("admin", { createDb: true, createRole: true, inherit: false });
export const reader = pgRole("reader");
export const known = pgRole("known").existing();
export const app = pgSchema("app");

const elsewhere = pgTable("elsewhere", { id: integer() });

export const secrets = pgTable("secrets", { id: integer(), owner: text() }, (t) => [
  pgPolicy("read_own", { as: "restrictive", for: "select", to: [reader, admin, "current_user"], using: sql`${t.owner} = current_user` }),
  pgPolicy("write_own", { for: "insert", to: "public", withCheck: sql`true` }),
  pgPolicy("plain"),
]);
export const locked = pgTable("locked", { id: integer() }).enableRLS();
export const both = app.table("both", { id: integer() }, () => [pgPolicy("all_of_it", { to: known, using: sql`true`, withCheck: sql`true` })]).enableRLS();
export const linked = pgPolicy("linked", { for: "delete", to: admin, using: sql`false` }).link(elsewhere);
export const linkedInside = pgPolicy("linked_inside", { for: "update" }).link(locked);
