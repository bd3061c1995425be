import { customType, pgTable } from "drizzle-orm/pg-core";

const citext = customType({ dataType: () => "citext" });
export const t = pgTable("t", { a: citext() });
