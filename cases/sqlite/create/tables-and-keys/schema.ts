import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, primaryKey, real, sqliteTable, text, unique, uniqueIndex } from "drizzle-orm/sqlite-core";

export const authors = sqliteTable("authors", {
  id: integer().primaryKey({ autoIncrement: true }),
  email: text().notNull().unique(),
  handle: text().unique("handle_taken"),
});

export const books = sqliteTable(
  "books",
  {
    shelf: integer().notNull(),
    slot: integer().notNull(),
    authorId: integer("author_id").references(() => authors.id, { onDelete: "cascade", onUpdate: "restrict" }),
    title: text().notNull(),
    price: real(),
  },
  (t) => [
    primaryKey({ columns: [t.shelf, t.slot] }),
    unique().on(t.title, t.authorId),
    unique("one_price").on(t.price),
    check("price_is_positive", sql`${t.price} > 0`),
    index("books_title").on(t.title),
    uniqueIndex("books_title_ci").on(sql`lower(${t.title})`, t.price),
    uniqueIndex("books_partial").on(t.title).where(sql`${t.price} > 10`),
  ],
);

export const loans = sqliteTable(
  "loans",
  { id: integer().primaryKey(), shelf: integer(), slot: integer() },
  (t) => [foreignKey({ columns: [t.shelf, t.slot], foreignColumns: [books.shelf, books.slot] }).onDelete("set null")],
);

export const single = sqliteTable("single", { a: text(), b: text() }, (t) => [primaryKey({ columns: [t.a] })]);
