import { sql } from "drizzle-orm";
import {
  check,
  customType,
  date,
  index,
  integer,
  numeric,
  pgEnum,
  pgTable,
  serial,
  text,
  timestamp,
  unique,
  varchar,
} from "drizzle-orm/pg-core";

export const bookFormat = pgEnum("book_format", ["hardcover", "paperback", "ebook"]);

/** The domain `isbn13` of db/init.sql: Drizzle can name it, but not create it. */
const isbn13 = customType<{ data: string }>({
  dataType: () => "isbn13",
});

const createdAt = () => timestamp("created_at", { withTimezone: true }).notNull().defaultNow();

export const books = pgTable(
  "books",
  {
    id: serial("id").primaryKey(),
    title: varchar("title", { length: 200 }).notNull(),
    author: text("author").notNull(),
    isbn: isbn13("isbn").notNull(),
    format: bookFormat("format").notNull().default("paperback"),
    price: numeric("price", { precision: 8, scale: 2 }).notNull().default("0"),
    publishedOn: date("published_on"),
    stock: integer("stock").notNull().default(0),
    createdAt: createdAt(),
    updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    unique("books_isbn_unique").on(table.isbn),
    index("books_author_title_idx").on(table.author, table.title),
    check("books_stock_check", sql`${table.stock} >= 0`),
  ],
);

export const users = pgTable("users", {
  id: serial("id").primaryKey(),
  email: varchar("email", { length: 255 }).notNull().unique(),
  displayName: text("display_name").notNull(),
  createdAt: createdAt(),
});
