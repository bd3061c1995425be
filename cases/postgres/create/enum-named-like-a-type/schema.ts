import { integer, pgEnum, pgSchema, pgTable } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const textKind = app.enum("text_kind", ["a"]);
export const timeKind = pgEnum("time_kind", ["a"]);
export const dateKind = pgEnum("dateKind", ["a"]);
export const t = app.table("t", { id: integer(), a: textKind(), b: timeKind(), c: dateKind(), d: textKind().array() });
