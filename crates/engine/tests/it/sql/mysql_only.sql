-- What MySQL alone knows.
create table functional (
  a varchar(20), j json, n int,
  key lowered ((lower(a))), key mixed (a(5) desc, (n + 1)), unique key many ((cast(j->'$.ids' as unsigned array))),
  key hidden (n) /*!80000 invisible */
);
create table unenforced (a int, constraint soft check (a > 0) not enforced, constraint hard check (a < 9));
create table mapped (p point not null srid 4326, q geometry srid 0, r linestring, spatial key (p));
create table words (a text, fulltext key ng (a) with parser ngram comment 'two by two', fulltext key plain (a));
create table no_key_default (a varchar(10) character set utf8mb4 collate utf8mb4_0900_ai_ci, b varchar(10) collate utf8mb4_general_ci)
  charset utf8mb3;
create table bytes_default (a varbinary(4) default x'00ff', b binary(2) default x'ff00');
create table texts (a text default ('x'), b json default (json_array()), c datetime default (now() + interval 1 day));
create table formatted (a int column_format fixed, b int storage disk) engine = innodb;
create table encrypted_not (a int) encryption = 'N' compression = 'zlib' autoextend_size = 4M;
alter table unenforced alter column a drop default;
create table hidden_keys (a int, b text, key i (a) comment 'off' invisible, fulltext key f (b) with parser ngram comment 'off too' invisible,
  key s (a) key_block_size = 4 using btree);
create table moved_on (a varchar(10), e enum('a', 'b') not null, n text) charset latin1;
alter table moved_on default character set utf8mb4;
