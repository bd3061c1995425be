import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, sqliteView, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const authors = sqliteTable("authors", {
  id: integer().primaryKey(), name: text(), email: text().unique(), kind: text().default("a").notNull(), shout: text().generatedAlwaysAs(sql`upper(name)`),
}, (t) => [index("authors_name").on(t.name)]);
export const books = sqliteTable("books", { id: integer().primaryKey(), title: text(), author: integer().references(() => authors.id) }, (t) => [
  uniqueIndex("books_title").on(sql`lower(${t.title})`),
]);
export const parts = sqliteTable("parts", { id: integer().primaryKey(), book: integer().references(() => books.id) }, (t) => [index("parts_book").on(t.book)]);
export const titles = sqliteView("titles").as((qb) => qb.select({ title: books.title }).from(books));
