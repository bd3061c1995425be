import { integer, pgSchema, pgTable, text } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const authors = pgTable("authors", { id: integer().primaryKey(), name: text() });
export const books = app.table("books", { id: integer().primaryKey(), author: integer() });
