import { sql } from "drizzle-orm";
import { check, index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const authors = sqliteTable("authors", { id: integer().primaryKey(), name: text().unique() });
export const books = sqliteTable("books", { id: integer().primaryKey(), title: text(), author: integer().references(() => authors.id) }, (t) => [
  check("titled", sql`length(${t.title}) > 0`), index("books_title").on(t.title),
]);
