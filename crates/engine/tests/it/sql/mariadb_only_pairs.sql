create sequence numbers start with 5 increment by 10 minvalue 1 maxvalue 1000 cache 7;
create table numbered (a int default (nextval(numbers)), b int);
-- then
alter sequence numbers increment by 3 maxvalue 2000 nocache cycle;
create sequence more start with 3;
alter table numbered modify a int, modify b int default (nextval(more));

create table ignored_keys (a int, b int, key one (a), key two (b) ignored);
-- then
alter table ignored_keys alter index one ignored, alter index two not ignored;

create table kept_versions (a int, b int);
-- then
alter table kept_versions add system versioning;

create table with_options (a int, b varchar(9) check (b <> ''), c uuid, p point ref_system_id = 4326) engine = aria transactional = 0 page_checksum = 1;
-- then
alter table with_options modify b varchar(9) check (b <> 'x'), modify c char(36), modify p point ref_system_id = 101, page_checksum = 0;

create table booked (id int, d1 date not null, d2 date not null);
-- then
alter table booked add period for stay (d1, d2), add unique key u (id, stay without overlaps);

delimiter //
create aggregate function total(x int) returns bigint
begin
  declare s bigint default 0;
  declare continue handler for not found return s;
  loop fetch group next row; set s = s + x; end loop;
end //
delimiter ;
-- then
drop function total;
