-- One object of every kind that PostgreSQL 13 knows, with every attribute that a dump can carry.
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

-- Types.
create type public.pair;
create function public.pair_in(cstring) returns public.pair language internal immutable strict as 'point_in';
create function public.pair_out(public.pair) returns cstring language internal immutable strict as 'point_out';
create function public.pair_recv(internal) returns public.pair language internal immutable strict as 'point_recv';
create function public.pair_send(public.pair) returns bytea language internal immutable strict as 'point_send';
create function public.modifier_in(cstring[]) returns integer language internal immutable strict as 'varchartypmodin';
create function public.modifier_out(integer) returns cstring language internal immutable strict as 'varchartypmodout';
create function public.analyze_it(internal) returns boolean language internal strict as 'array_typanalyze';
create type public.pair (input = public.pair_in, output = public.pair_out, receive = public.pair_recv,
    send = public.pair_send, internallength = 16, alignment = double, element = double precision, delimiter = ';',
    category = 'G', preferred = true, default = '(0,0)', typmod_in = public.modifier_in,
    typmod_out = public.modifier_out, analyze = public.analyze_it);
create type public.label;
create function public.label_in(cstring) returns public.label language internal immutable strict as 'textin';
create function public.label_out(public.label) returns cstring language internal immutable strict as 'textout';
create type public.label (input = public.label_in, output = public.label_out, storage = extended, collatable = true);
create type public.unfinished;
create domain public.word as text collate "C" constraint word_short check (length(value) < 20);
alter domain public.word add constraint word_lower check (value = lower(value)) not valid;
create type public.card as (title text collate "C", n integer);
create type public.person as (name text collate "C", home public.address, moods app.mood[]);
create type public.name_span as range (subtype = text, subtype_opclass = text_pattern_ops, collation = "C");
create type public.timespan;
create function public.timespan_canonical(public.timespan) returns public.timespan language internal immutable strict as 'int4range_canonical';
create function public.gap(timestamp, timestamp) returns double precision language sql immutable strict
    as $$ select extract(epoch from $1 - $2)::double precision $$;
create type public.timespan as range (subtype = timestamp, subtype_diff = public.gap, canonical = public.timespan_canonical);
create collation public.spelling (provider = icu, locale = 'de', deterministic = false);
create collation public.mixed (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');

-- Operators, casts and what else extends the engine.
create function public.same(integer, integer) returns boolean language sql immutable as $$ select $1 = $2 $$;
create operator public.=== (leftarg = integer, rightarg = integer, function = public.same, commutator = operator(public.===),
    negator = operator(public.!==), restrict = eqsel, join = eqjoinsel, hashes, merges);
create operator public.!== (leftarg = integer, rightarg = integer, function = int4ne, negator = operator(public.===));
create operator public.!! (rightarg = integer, function = int4abs);
create operator class public.pattern for type integer using btree as
    operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(integer, integer);
create operator family public.loose using btree;
alter operator family public.loose using btree add operator 1 < (integer, bigint), function 1 btint48cmp(integer, bigint);
create operator class public.near default for type public.pair using gist as
    operator 15 <-> (point, point) for order by float_ops, storage box,
    function 1 (point, point) gist_point_consistent(internal, point, smallint, oid, internal);
create function public.address_text(public.address) returns text language sql immutable as $$ select ($1).street $$;
create cast (public.address as text) with function public.address_text(public.address) as assignment;
create cast (public.person as text) with inout;
create cast (public.label as text) without function as implicit;
create function public.plother_call() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create function public.plother_inline(internal) returns void language c strict as '$libdir/plpgsql', 'plpgsql_inline_handler';
create function public.plother_validator(oid) returns void language c strict as '$libdir/plpgsql', 'plpgsql_validator';
create trusted language plother handler public.plother_call inline public.plother_inline validator public.plother_validator;
create transform for integer language sql (from sql with function prsd_lextype(internal), to sql with function int4recv(internal));
create conversion public.from_latin for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
create access method heap_again type table handler heap_tableam_handler;

-- Text search.
create text search parser public.words (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end,
    lextypes = prsd_lextype, headline = prsd_headline);
create text search template public.plainly (init = dsimple_init, lexize = dsimple_lexize);
create text search dictionary public.stopping (template = public.plainly, accept = false);
create text search configuration public.plain (copy = simple);
create text search configuration public.own (parser = public.words);
alter text search configuration public.own add mapping for asciiword, word with public.stopping, simple;

-- Tables of every sort.
create server far foreign data wrapper postgres_fdw;
create table public.regions (id integer not null, code text not null collate "C", at date) partition by list (code);
create table public.regions_north partition of public.regions for values in ('n', 'nn') partition by hash (id);
create table public.regions_north_0 partition of public.regions_north for values with (modulus 2, remainder 0);
create table public.regions_north_1 (at date, id integer not null, code text not null collate "C");
alter table public.regions_north attach partition public.regions_north_1 for values with (modulus 2, remainder 1);
create table public.regions_rest partition of public.regions default;
create index regions_at on only public.regions (at);
create index regions_rest_at on public.regions_rest (at);
alter index public.regions_at attach partition public.regions_rest_at;
alter table public.regions_rest add constraint rest_check check (id > 0), add constraint rest_unique unique (id),
    add constraint rest_exclude exclude using btree (at with =), add constraint rest_author foreign key (id) references public.authors (id);
create foreign table public.regions_far partition of public.regions for values in ('f') server far options (table_name 'regions');
create table public.spans (a integer, b text, c integer) partition by range (a, lower(b) collate "C" text_pattern_ops);
create table public.spans_low partition of public.spans for values from (minvalue, minvalue) to (10, 'm');
create table public.people of public.person (name not null, primary key (name));
create table public.again (id integer, note text) using heap_again
    with (autovacuum_enabled = false, toast.autovacuum_enabled = false);
create table public.base (a integer, b text, constraint base_a check (a > 0) no inherit);
create table public.other_base (b text default 'x', c integer, constraint other_c check (c > 0));
create table public.derived (d integer) inherits (public.base, public.other_base);
create table public.keyed (
    id integer not null, code text not null, extra text, at timestamp not null, pid integer, pcode text,
    constraint keyed_pkey primary key (id) include (extra) with (fillfactor = 70),
    constraint keyed_code unique (code) deferrable initially deferred,
    constraint keyed_both unique (id, code),
    constraint keyed_at exclude using btree (at with =, (lower(code)) collate "C" text_pattern_ops with operator(pg_catalog.=))
        with (fillfactor = 60) where (id > 0) deferrable,
    constraint keyed_parent foreign key (pid, pcode) references public.keyed (id, code) match full on update cascade
        on delete set null deferrable initially deferred
);
alter table public.keyed replica identity using index keyed_pkey;
alter table public.keyed cluster on keyed_both;
alter table public.keyed add constraint keyed_late check (id < 1000) not valid;
alter table public.keyed alter column extra set storage main, alter column extra set (n_distinct = 5),
    alter column extra set statistics 10;
create index keyed_expression on public.keyed using btree ((lower(code)) collate "C" text_pattern_ops desc nulls last, pid)
    with (fillfactor = 50) where id > 0;
alter index public.keyed_expression alter column 1 set statistics 200;
create index authors_search on public.authors using gist (to_tsvector('simple', name) tsvector_ops (siglen = 100));
create index counts_n on public.counts using hash (n);
alter materialized view public.counts alter column n set statistics 30;
alter materialized view public.counts set (fillfactor = 90);
create statistics public.events_stats (ndistinct, dependencies, mcv) on id, at from public.events;
alter statistics public.events_stats set statistics 40;
create table public.counted (
    small smallserial,
    always integer generated always as identity (sequence name public.counting start 5 increment 3 minvalue 1 maxvalue 1000 cache 7 cycle),
    often bigint generated by default as identity,
    cube double precision[], who public.person, span public.timespan, short public.word
);
create sequence public.countdown as smallint increment -1 minvalue 1 maxvalue 100 start 100 cache 5 cycle;

-- Views, rules, triggers, functions.
create view public.cheap as select id, title, price from public.books where price < 10 with local check option;
alter view public.cheap alter column price set default 1;
create rule books_guard as on delete to public.books where old.price > 100 do also nothing;
alter table public.books enable always rule books_guard;
create function public.tell() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger keyed_check after insert or update of code on public.keyed from public.authors
    deferrable initially deferred for each row when (new.id > 1) execute function public.tell('a', 'b''c');
create trigger keyed_rows after update on public.keyed referencing old table as before new table as after
    for each statement execute function public.tell();
create trigger regions_row after insert on public.regions for each row execute function public.tell();
alter table public.regions_rest disable trigger regions_row;
create trigger titles_row instead of update on public.titles for each row execute function public.tell();
alter table public.keyed enable replica trigger keyed_rows;
create function public.series(integer) returns setof integer language internal immutable strict parallel safe leakproof cost 5
    rows 12 support pg_catalog.generate_series_int4_support as 'generate_series_int4';
create function public.numbered() returns bigint language internal window immutable as 'window_row_number';
create function public.from_library(text) returns integer language c immutable strict parallel restricted as '$libdir/citext', 'citext_hash';
create function public.configured(inout a integer, variadic b text[], out c text) language plpgsql stable security definer
    set search_path = app, pg_temp set work_mem = '8MB' as $$ begin c := 'x'; end $$;
create function public.tabled(a integer) returns table (x integer, y text) language sql as $$ select 1, 'a' $$;
create function public.transformed(integer) returns integer language sql transform for type integer as $$ select $1 $$;
create procedure public.tidy_safely(inout n integer) language plpgsql security definer set lock_timeout = '1s' as $$ begin commit; end $$;
create aggregate public.mean (integer) (sfunc = int4_avg_accum, stype = bigint[], sspace = 48, finalfunc = int8_avg,
    finalfunc_modify = shareable, combinefunc = int4_avg_combine, initcond = '{0,0}', msfunc = int4_avg_accum,
    minvfunc = int4_avg_accum_inv, mstype = bigint[], msspace = 56, mfinalfunc = int8_avg, mfinalfunc_modify = shareable,
    minitcond = '{0,0}', parallel = safe);
create aggregate public.mean (numeric) (sfunc = numeric_avg_accum, stype = internal, finalfunc = numeric_avg,
    combinefunc = numeric_avg_combine, serialfunc = numeric_avg_serialize, deserialfunc = numeric_avg_deserialize,
    parallel = restricted);
create aggregate public.least_of (integer) (sfunc = int4smaller, stype = integer, sortop = operator(pg_catalog.<));
create aggregate public.middle (double precision order by anyelement) (sfunc = ordered_set_transition, stype = internal,
    finalfunc = percentile_disc_final, finalfunc_extra);
create aggregate public.standing (variadic "any" order by variadic "any") (sfunc = ordered_set_transition_multi,
    stype = internal, finalfunc = rank_final, finalfunc_extra, hypothetical);
create policy rest_read on public.regions_rest for select using (id > 0);
create trigger rest_row after insert on public.regions_rest for each row execute function public.tell();
create rule rest_rule as on delete to public.regions_rest do also nothing;
create policy books_write on public.books as restrictive for insert to public with check (state = 'draft');
create policy authors_all on public.authors using (id > 0) with check (id > 1);
create event trigger plain_ddl on sql_drop execute function public.log_ddl();

-- Foreign data and replication.
create foreign data wrapper bare options (debug 'true');
create foreign data wrapper handled handler public.postgres_fdw_handler validator public.postgres_fdw_validator;
create server plain_server type 'some' version '1' foreign data wrapper bare options (url 'http://user:s3cr3t-word@h');
create user mapping for public server plain_server options (token 's3cr3t-word');
create foreign table public.remote_part (code text options (column_name 'c') not null check (code <> ''), n integer default 3)
    server other options (schema_name 's', table_name 't');
create publication broad for all tables with (publish = 'insert, update', publish_via_partition_root = true);

-- since 14
create function public.doubled(a integer) returns integer language sql immutable return a * 2;
create procedure public.tidy_atomic(days integer) language sql begin atomic delete from public.books where false; end;
create function public.subscripting(internal) returns internal language internal immutable strict parallel safe as 'raw_array_subscript_handler';
create type public.triple;
create function public.triple_in(cstring) returns public.triple language internal immutable strict as 'point_in';
create function public.triple_out(public.triple) returns cstring language internal immutable strict as 'point_out';
create type public.triple (input = public.triple_in, output = public.triple_out, internallength = 16, alignment = double,
    element = double precision, subscript = public.subscripting);
create type public.many as range (subtype = float8, multirange_type_name = public.very_many);
create table public.packed (a text compression pglz, b public.very_many);
create statistics public.packed_stats on lower(a), (length(a)) from public.packed;
-- end
-- since 15
create table public.pairs_of (b integer, c integer, primary key (b, c));
create table public.pairs_too (b integer, c integer, primary key (b, c));
create table public.nullable (a integer, b integer, c integer,
    constraint nullable_a unique nulls not distinct (a),
    constraint nullable_b foreign key (b, c) references public.pairs_of (b, c) on delete set null (c));
create unique index nullable_c on public.nullable (c) include (b) nulls not distinct;
create view public.invoked with (security_invoker = true) as select id from public.books;
create unlogged sequence public.forgotten;
create collation public.german (provider = icu, locale = 'de@collation=phonebook');
create publication narrow for table public.books (id, title) where (id > 1), public.authors with (publish = 'insert');
create publication schemas for tables in schema app, public with (publish = 'delete');
-- end

-- Privileges.
grant usage on foreign data wrapper bare to reader;
grant usage on foreign server other to reader with grant option;
grant usage on language plother to reader;
revoke usage on language plother from public;
grant usage on type public.address to reader;
revoke usage on type public.price from public;
grant execute on procedure public.tidy_safely(integer) to reader;
grant execute on function public.mean(integer) to writer;
grant select on public.titles, public.counts, public.remote to reader;
grant select (title) on public.titles to writer;
revoke execute on function public.citext_hash(citext) from public;
grant execute on function pg_catalog.pg_ls_dir(text) to reader;
grant select (rolname) on pg_catalog.pg_authid to reader;
revoke usage on language plpgsql from public;
alter default privileges grant execute on functions to writer;
alter default privileges revoke usage on types from public;
alter default privileges grant usage on schemas to reader with grant option;
alter default privileges in schema public grant select, usage on sequences to writer;

-- Comments on everything else that can have one.
comment on access method heap_again is 'c';
comment on aggregate public.mean(integer) is 'c';
comment on cast (public.address as text) is 'c';
comment on collation public.plain is 'c';
comment on column public.titles.title is 'c';
comment on column public.counts.n is 'c';
comment on column public.address.zip is 'c';
comment on column public.remote_part.code is 'c';
comment on constraint word_short on domain public.word is 'c';
comment on constraint keyed_at on public.keyed is 'c';
comment on constraint keyed_parent on public.keyed is 'c';
comment on constraint keyed_late on public.keyed is 'c';
comment on conversion public.from_latin is 'c';
comment on domain public.word is 'c';
comment on event trigger log_ddl is 'c';
comment on foreign data wrapper bare is 'c';
comment on foreign table public.remote is 'c';
comment on index public.events_at is 'c';
comment on index public.keyed_both is 'c';
comment on language plother is 'c';
comment on materialized view public.counts is 'c';
comment on operator public.===(integer, integer) is 'c';
comment on operator public.!!(none, integer) is 'c';
comment on operator class public.pattern using btree is 'c';
comment on operator family public.loose using btree is 'c';
comment on policy books_read on public.books is 'c';
comment on procedure public.tidy_safely(integer) is 'c';
comment on publication feed is 'c';
comment on rule books_guard on public.books is 'c';
comment on schema app is 'c';
comment on sequence public.tickets is 'c';
comment on server other is 'c';
comment on statistics public.books_stats is 'c';
comment on text search configuration public.own is 'c';
comment on text search dictionary public.stopping is 'c';
comment on text search parser public.words is 'c';
comment on text search template public.plainly is 'c';
comment on transform for integer language sql is 'c';
comment on trigger keyed_rows on public.keyed is 'c';
comment on type app.mood is 'c';
comment on type public.span is 'c';
comment on type public.pair is 'c';
comment on view public.titles is 'c';

create schema drizzle;
create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
grant select on drizzle.__drizzle_migrations to reader;
