import { sql } from "drizzle-orm";
import { integer, pgPolicy, pgTable, pgView, text } from "drizzle-orm/pg-core";

export const secrets = pgTable("secrets", { id: integer(), owner: text() }, (t) => [pgPolicy("own", { using: sql`${t.owner} = current_user` })]);
export const plain = pgTable("plain", { id: integer() }).enableRLS();
export const fresh = pgTable("fresh", { id: integer() }, () => [pgPolicy("nobody", { for: "select", using: sql`false` })]);
export const ids = pgView("ids").as((qb) => qb.select().from(plain));
