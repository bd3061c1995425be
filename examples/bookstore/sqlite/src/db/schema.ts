import { sql } from "drizzle-orm";
import { check, index, integer, numeric, sqliteTable, text } from "drizzle-orm/sqlite-core";

const createdAt = () =>
  integer("created_at", { mode: "timestamp" }).notNull().default(sql`(unixepoch())`);

export const books = sqliteTable(
  "books",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    title: text("title").notNull(),
    author: text("author").notNull(),
    isbn: text("isbn").notNull().unique(),
    format: text("format", { enum: ["hardcover", "paperback", "ebook"] })
      .notNull()
      .default("paperback"),
    price: numeric("price").notNull().default("0"),
    publishedOn: text("published_on"),
    stock: integer("stock").notNull().default(0),
    createdAt: createdAt(),
    updatedAt: integer("updated_at", { mode: "timestamp" })
      .notNull()
      .default(sql`(unixepoch())`)
      .$onUpdate(() => new Date()),
  },
  (table) => [
    index("books_author_title_idx").on(table.author, table.title),
    check("books_stock_check", sql`${table.stock} >= 0`),
  ],
);

export const users = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  email: text("email").notNull().unique(),
  displayName: text("display_name").notNull(),
  createdAt: createdAt(),
});
