-- One object of (nearly) every kind that PostgreSQL 13 and later know.
do $$ begin create role reader nologin; exception when others then null; end $$;
do $$ begin create role writer nologin; exception when others then null; end $$;
create schema app;
create extension citext with schema public;
create extension postgres_fdw;

create type app.mood as enum ('sad', 'ok', 'happy');
create domain public.price as numeric(10, 2) default 0 not null constraint price_positive check (value >= 0);
create type public.address as (street text, zip varchar(10));
create type public.span as range (subtype = int4);
create collation public.plain (provider = libc, locale = 'C');

create sequence public.tickets increment 2 start 10;

create table public.authors (
    id serial primary key,
    name text not null,
    email citext unique,
    born date,
    mood app.mood default 'ok'
);
create table public.books (
    id integer generated always as identity primary key,
    author_id integer not null references public.authors (id) on delete cascade,
    isbn varchar(20) not null constraint books_isbn_unique unique,
    title text not null,
    price public.price,
    tags text[] default '{}',
    state text not null default 'draft' check (state in ('draft', 'sold')),
    during span,
    title_lower text generated always as (lower(title)) stored,
    created_at timestamptz not null default now(),
    constraint books_during_excl exclude using gist (during with &&)
);
create index books_title on public.books using btree (lower(title) desc, isbn) include (state) where (price > 0);
create unique index books_author_title on public.books (author_id, title);
create statistics public.books_stats on author_id, state from public.books;

create table public.events (id bigint not null, at date not null, primary key (id, at)) partition by range (at);
create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
create index events_at on public.events (at);
create table public.legacy_books (shelf integer) inherits (public.books);
create unlogged table public.cache (key text primary key, value jsonb) with (fillfactor = 70);

create view public.titles with (security_barrier = true) as select id, title from public.books where price > 0;
create materialized view public.counts as select author_id, count(*) as n from public.books group by author_id;
create unique index counts_author on public.counts (author_id);
create rule titles_insert as on insert to public.titles do instead nothing;

create function public.touch() returns trigger language plpgsql as $$ begin new.title := trim(new.title); return new; end $$;
create function public.add(a integer, b integer default 1) returns integer language sql immutable as 'select a + b';
-- since 14
create function public.add_parsed(a integer, b integer default 1) returns integer language sql immutable return a + b;
-- end
create procedure public.tidy(days integer) language sql as $$ delete from public.books where false $$;
create aggregate public.total (integer) (sfunc = int4pl, stype = integer, initcond = '0');
create trigger books_touch before insert or update on public.books for each row execute function public.touch();
create function public.log_ddl() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger log_ddl on ddl_command_end when tag in ('CREATE TABLE') execute function public.log_ddl();

alter table public.books enable row level security;
create policy books_read on public.books for select to reader using (price > 0);

create server other foreign data wrapper postgres_fdw options (host 'db.example', dbname 'x');
create user mapping for reader server other options (user 'u', password 's3cr3t-word');
create foreign table public.remote (id integer, note text) server other options (table_name 'r');
create publication feed for table public.authors;

grant usage on schema app to reader;
grant select on public.books to reader with grant option;
grant select (name), update (name) on public.authors to writer;
grant usage on sequence public.tickets to writer;
revoke execute on function public.add(integer, integer) from public;
alter default privileges in schema app grant select on tables to reader;

comment on table public.books is 'all that we have';
comment on column public.books.isbn is 'as printed';
comment on constraint books_isbn_unique on public.books is 'one of each';
comment on function public.add(integer, integer) is 'a plus b';

create operator public.=== (leftarg = integer, rightarg = integer, function = int4eq);
create text search configuration public.plain (copy = simple);

create schema drizzle;
create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
grant select on drizzle.__drizzle_migrations to reader;
