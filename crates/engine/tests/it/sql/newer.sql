-- What only some of the supported versions know, each between the version it came with and `-- end`.
create schema newer;

-- since 14
create type newer.hours as range (subtype = float8, multirange_type_name = newer.many_hours);
create table newer.rosters (id integer primary key, open newer.many_hours, note text compression pglz);
create statistics newer.rosters_stats on (id % 7), (length(note)) from newer.rosters;
create function newer.swap(inout a integer, inout b integer) language sql
    begin atomic; select b, a; end;
create procedure newer.halve(in a integer, out half integer) language sql begin atomic; select a / 2; end;
-- end

-- since 15
create table newer.slots (
    a integer, b integer, c text collate "de-x-icu",
    constraint slots_a_key unique nulls not distinct (a, b),
    constraint slots_b_fk foreign key (a, b) references newer.slots (a, b) on delete set null (b)
);
create view newer.own with (security_invoker = true) as select a from newer.slots;
create publication newer_rows for table newer.slots (a, b) where (a > 0);
create publication newer_schema for tables in schema app;
-- end

-- since 16
create collation newer.v_is_w (provider = icu, locale = 'und', rules = '&V << w <<< W');
create table newer.files (name text storage external, part text collate newer.v_is_w);
-- end

-- since 17
create collation newer.plain (provider = builtin, locale = 'C.UTF-8');
create table newer.parts (id integer generated always as identity (increment by 3), at date) partition by range (at);
create table newer.parts_1 partition of newer.parts for values from ('2026-01-01') to ('2027-01-01');
create function newer.greet() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger newer_login on login execute function newer.greet();
alter event trigger newer_login disable;
grant maintain on newer.parts to reader;
create view newer.rows as select * from json_table('[1]'::jsonb, '$[*]' columns (n integer path '$')) t;
create domain newer.code as text constraint code_given not null;
-- end

-- since 18
create extension btree_gist;
create table newer.rooms (
    id integer constraint rooms_id_given not null,
    size integer constraint rooms_size_given not null no inherit,
    thrice integer generated always as (size * 3) stored,
    during daterange,
    constraint rooms_size_some check (size > 0) not enforced,
    constraint rooms_pk primary key (id, during without overlaps)
);
create table newer.bookings (
    room integer, during daterange, guest integer not null,
    constraint bookings_fk foreign key (room, period during) references newer.rooms (id, period during)
);
create table newer.guests (id integer primary key, name text, loud text generated always as (upper(name)) virtual);
alter table newer.guests add constraint guests_name_given not null name not valid;
alter table newer.bookings add constraint bookings_guest_fk foreign key (guest) references newer.guests (id) not enforced;
comment on constraint rooms_id_given on newer.rooms is 'a room has a number';
create publication newer_all for table newer.rooms with (publish_generated_columns = stored);
alter default privileges grant select on large objects to reader;
create foreign table newer.rooms_elsewhere (like newer.rooms) server other;
create table newer.wide (a integer not null);
create table newer.narrow () inherits (newer.wide);
alter table newer.wide alter constraint wide_a_not_null no inherit;
-- end
