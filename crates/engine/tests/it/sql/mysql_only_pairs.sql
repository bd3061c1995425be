create table hidden (a int, b varchar(20), key one (a), key two (b) invisible, key three ((lower(b))));
-- then
alter table hidden alter index one invisible, alter index two visible, drop key three, add key three ((upper(b)), a desc);

create table unheeded (a int, constraint soft check (a > 0), constraint hard check (a > 1) not enforced);
-- then
alter table unheeded alter check soft not enforced, alter check hard enforced;

create table mapped (p point not null srid 4326, q geometry, spatial key (p));
-- then
alter table mapped drop key p; alter table mapped modify p point not null srid 3857, modify q geometry srid 0;

create table collated (a varchar(10), b varchar(10) collate utf8mb4_general_ci) default charset utf8mb4 collate utf8mb4_0900_ai_ci;
-- then
alter table collated modify a varchar(10) collate utf8mb4_0900_ai_ci, modify b varchar(10);

create table worded (a text, fulltext key f (a) with parser ngram);
-- then
alter table worded drop key f, add fulltext key f (a) comment 'plain';

create table defaulted (a text, b json default (json_array()), c varchar(36));
-- then
alter table defaulted modify a text default ('x;'), modify b json, modify c varchar(36) default (uuid());

create table settled (a int, p int as (a) stored, q int);
-- then
alter table settled modify p int, modify q int as (a) stored;
