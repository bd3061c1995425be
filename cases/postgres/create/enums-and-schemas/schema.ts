import { pgEnum, pgSchema, pgTable, integer } from "drizzle-orm/pg-core";

export const mood = pgEnum("mood", ["calm", "it's fine", "angry"]);
export const app = pgSchema("app");
export const audit = pgSchema("audit");
export const level = app.enum("level", ["low", "high"]);

export const people = pgTable("people", {
  id: integer().primaryKey(),
  mood: mood().default("calm").notNull(),
  moods: mood().array(),
});

export const alerts = app.table("alerts", {
  id: integer().primaryKey(),
  person: integer().references(() => people.id),
  level: level().notNull(),
  levels: level().array().array(),
});

export const entries = audit.table("entries", {
  alert: integer().references(() => alerts.id),
  mood: mood(),
});
