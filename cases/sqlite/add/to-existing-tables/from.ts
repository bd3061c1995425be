import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const authors = sqliteTable("authors", { id: integer().primaryKey(), name: text() });
export const books = sqliteTable("books", { id: integer().primaryKey(), title: text() });
