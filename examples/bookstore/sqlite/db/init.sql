-- Runs once, when there is no data/bookstore.db yet.

CREATE TABLE books (
  id           integer PRIMARY KEY AUTOINCREMENT NOT NULL,
  title        text NOT NULL,
  author       text NOT NULL,
  isbn         text NOT NULL,
  format       text NOT NULL DEFAULT 'paperback',
  price        numeric NOT NULL DEFAULT 0, -- gross, in euros
  published_on text,
  stock        integer NOT NULL DEFAULT 0,
  created_at   integer NOT NULL DEFAULT (unixepoch()),
  updated_at   integer NOT NULL DEFAULT (unixepoch()),
  CONSTRAINT books_stock_check CHECK (stock >= 0)
);

CREATE UNIQUE INDEX books_isbn_unique ON books (isbn);
CREATE INDEX books_author_title_idx ON books (author, title);

INSERT INTO books (title, author, isbn, format, price, published_on, stock) VALUES
  ('Middlemarch', 'George Eliot', '9780141439549', 'paperback', 12.50, '2003-03-27', 14),
  ('The Left Hand of Darkness', 'Ursula K. Le Guin', '9780441478125', 'paperback', 9.99, '1987-03-15', 22),
  ('Invisible Cities', 'Italo Calvino', '9780156453806', 'paperback', 14.00, '1978-05-03', 8),
  ('Things Fall Apart', 'Chinua Achebe', '9780385474542', 'paperback', 11.25, '1994-09-01', 17),
  ('Beloved', 'Toni Morrison', '9781400033416', 'paperback', 13.95, '2004-06-08', 11),
  ('The Master and Margarita', 'Mikhail Bulgakov', '9780141180144', 'hardcover', 24.00, '1997-10-30', 5),
  ('Kindred', 'Octavia E. Butler', '9780807083697', 'ebook', 7.49, NULL, 0),
  ('A Room of One''s Own; and Other Essays', 'Virginia Woolf', '9780241371978', 'hardcover', 18.75, '2019-09-05', 3);
