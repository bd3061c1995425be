import { integer, pgEnum, pgSchema, pgTable } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const mood = pgEnum("mood", ["a", "b", "c1", "c2", "d", "e"]);
export const level = app.enum("level", ["low", "high"]);
export const people = pgTable("people", { id: integer(), mood: mood() });
