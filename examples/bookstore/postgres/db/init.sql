-- Runs once, when the container starts with an empty data folder.

CREATE DOMAIN isbn13 AS text
  CONSTRAINT isbn13_digits CHECK (VALUE ~ '^97[89][0-9]{10}$');

CREATE TYPE book_format AS ENUM ('hardcover', 'paperback', 'ebook');

CREATE TABLE books (
  id           serial PRIMARY KEY,
  title        varchar(200) NOT NULL,
  author       text NOT NULL,
  isbn         isbn13 NOT NULL CONSTRAINT books_isbn_unique UNIQUE,
  format       book_format NOT NULL DEFAULT 'paperback',
  price        numeric(8, 2) NOT NULL DEFAULT 0,
  published_on date,
  stock        integer NOT NULL DEFAULT 0 CONSTRAINT books_stock_check CHECK (stock >= 0),
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX books_author_title_idx ON books (author, title);

COMMENT ON TABLE books IS 'Every title we sell or have sold; rows are never reused.';
COMMENT ON COLUMN books.price IS 'Gross price in euros; 0 means "not priced yet".';

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;

CREATE TRIGGER books_set_updated_at
  BEFORE UPDATE ON books
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- The reporting job logs in with this role. Roles belong to the server, so it may be there already.
DO $$
BEGIN
  CREATE ROLE bookstore_reporting NOLOGIN;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
END;
$$;

GRANT SELECT ON books TO bookstore_reporting;

INSERT INTO books (title, author, isbn, format, price, published_on, stock) VALUES
  ('Middlemarch', 'George Eliot', '9780141439549', 'paperback', 12.50, '2003-03-27', 14),
  ('The Left Hand of Darkness', 'Ursula K. Le Guin', '9780441478125', 'paperback', 9.99, '1987-03-15', 22),
  ('Invisible Cities', 'Italo Calvino', '9780156453806', 'paperback', 14.00, '1978-05-03', 8),
  ('Things Fall Apart', 'Chinua Achebe', '9780385474542', 'paperback', 11.25, '1994-09-01', 17),
  ('Beloved', 'Toni Morrison', '9781400033416', 'paperback', 13.95, '2004-06-08', 11),
  ('The Master and Margarita', 'Mikhail Bulgakov', '9780141180144', 'hardcover', 24.00, '1997-10-30', 5),
  ('Kindred', 'Octavia E. Butler', '9780807083697', 'ebook', 7.49, NULL, 0),
  ('A Room of One''s Own; and Other Essays', 'Virginia Woolf', '9780241371978', 'hardcover', 18.75, '2019-09-05', 3);
