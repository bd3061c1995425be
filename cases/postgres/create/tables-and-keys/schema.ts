import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, pgTable, primaryKey, serial, text, timestamp, unique, uniqueIndex, varchar } from "drizzle-orm/pg-core";

export const authors = pgTable("authors", {
  id: serial().primaryKey(),
  email: varchar({ length: 120 }).notNull().unique(),
  handle: text().unique("handle_taken", { nulls: "not distinct" }),
  createdAt: timestamp("created_at", { withTimezone: true }).defaultNow().notNull(),
});

export const books = pgTable(
  "books",
  {
    shelf: integer().notNull(),
    slot: integer().notNull(),
    authorId: integer("author_id").references(() => authors.id, { onDelete: "cascade", onUpdate: "restrict" }),
    title: text().notNull(),
    price: integer(),
  },
  (t) => [
    primaryKey({ columns: [t.shelf, t.slot] }),
    unique().on(t.title, t.authorId),
    unique("one_price").on(t.price).nullsNotDistinct(),
    check("price_is_positive", sql`${t.price} > 0`),
    index().on(t.title),
    uniqueIndex("books_title_ci").on(sql`lower(${t.title})`),
  ],
);

export const loans = pgTable(
  "loans",
  { id: serial().primaryKey(), shelf: integer(), slot: integer() },
  (t) => [foreignKey({ columns: [t.shelf, t.slot], foreignColumns: [books.shelf, books.slot] }).onDelete("set null")],
);
