import { sql } from "drizzle-orm";
import { bigint, check, index, integer, pgEnum, pgSchema, pgTable, primaryKey, text, timestamp, unique, uniqueIndex } from "drizzle-orm/pg-core";

export const app = pgSchema("app");
export const kind = pgEnum("kind", ["a", "b"]);
export const authors = pgTable("authors", {
  id: integer().primaryKey(), name: text(),
  email: text().unique().notNull(), kind: kind().default("a").notNull(), born: timestamp(),
  number: bigint({ mode: "number" }).notNull().generatedAlwaysAsIdentity(),
  shout: text().generatedAlwaysAs(sql`upper(name)`), tags: text().array().default(["x"]),
}, (t) => [unique("one_name").on(t.name).nullsNotDistinct(), check("has_at", sql`${t.email} like '%@%'`), index().on(t.name)]);
export const books = app.table("books", {
  id: integer().primaryKey(), author: integer().references(() => authors.id, { onDelete: "cascade" }), isbn: text(),
}, (t) => [uniqueIndex("books_isbn").on(t.isbn)]);
export const parts = app.table("parts", { book: integer().references(() => books.id), number: integer() }, (t) => [
  primaryKey({ columns: [t.book, t.number] }), index("parts_number").on(t.number),
]);
