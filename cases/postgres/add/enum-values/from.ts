import { integer, pgEnum, pgSchema, pgTable } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const mood = pgEnum("mood", ["b", "d"]);
export const level = app.enum("level", ["low"]);
export const people = pgTable("people", { id: integer(), mood: mood() });
