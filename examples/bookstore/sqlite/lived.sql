-- What the years did to the database after db/init.sql: the demo and the tests run it once.

-- The shop's own titles, one of them with a gap before it where an order was cancelled.
INSERT INTO books (title, author, isbn, format, price, published_on, stock) VALUES
  ('Pedro Páramo', 'Juan Rulfo', '9780802133908', 'paperback', 10.80, '1994-02-01', 6),
  ('Solaris', 'Stanisław Lem', '9780156027601', 'ebook', 8.90, '2002-11-01', 0);
UPDATE sqlite_sequence SET seq = 41 WHERE name = 'books';
INSERT INTO books (title, author, isbn, price) VALUES
  ('The Summer Book', 'Tove Jansson', '9781590172681', 13.00);

-- A seed row was repriced and sold, another one went out of print.
UPDATE books SET price = 10.49, stock = 19, updated_at = unixepoch() WHERE isbn = '9780441478125';
DELETE FROM books WHERE isbn = '9780141180144';
