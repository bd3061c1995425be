-- Columns come, go, move and change.
create table moved (a int, b int, c int, d int, e int);
-- then
alter table moved modify e int first, modify a int after d, drop column c, add column f text after e, add column z int;

create table typed (
  a int not null default 1, b varchar(20), c decimal(5,2), d enum('x','y'), e datetime, f text, g char(3) character set latin1,
  h timestamp null, i bit(3), j varchar(9) comment 'old', k json, l int
);
-- then
alter table typed modify a bigint unsigned null, modify b varchar(200) not null default 'it''s; \\ "', modify c decimal(10,4),
  modify d enum('x','y','z') default 'z', modify e datetime(3) default current_timestamp(3) on update current_timestamp(3),
  modify f mediumtext, modify g char(5) character set utf8mb4 collate utf8mb4_bin, modify h timestamp(6) null,
  modify i bit(9) default b'11', modify j varchar(9) comment 'new; it''s', modify k longtext, modify l int invisible comment 'unseen';

create table computed (a int, v int as (a + 1) virtual, s int as (a + 2) stored, w int as (a) virtual);
-- then
alter table computed drop column v, add column v int as (a + 1) stored, drop column w, add column w int as (a * 2) virtual,
  modify s int as (a + 3) stored;

-- A key and the counter that needs it.
create table counted (a int not null, b int not null, primary key (a));
-- then
alter table counted drop primary key, modify b int not null auto_increment, add primary key (b);

create table uncounted (a int not null auto_increment primary key, b int not null);
-- then
alter table uncounted modify a int not null, drop primary key, add primary key (b, a);

-- Keys that a foreign key needs, types on both of its sides.
create table parents (id int not null primary key, code varchar(10) not null, unique key code_u (code));
create table children (id int primary key, parent int, code varchar(10), key by_parent (parent), key by_code (code),
  constraint of_parent foreign key (parent) references parents (id), constraint of_code foreign key (code) references parents (code));
-- then
alter table children drop foreign key of_parent, drop foreign key of_code;
alter table parents modify id bigint not null, modify code varchar(30) not null;
alter table children modify parent bigint, modify code varchar(30), drop key by_parent, add key by_parent (parent, id),
  add constraint of_parent foreign key (parent) references parents (id) on delete cascade on update set null,
  add constraint of_code foreign key (code) references parents (code);

create table ring_a (id int primary key);
-- then
create table ring_b (id int primary key, a int, c int);
create table ring_c (id int primary key, b int, constraint c_b foreign key (b) references ring_b (id));
alter table ring_b add constraint b_a foreign key (a) references ring_a (id), add constraint b_c foreign key (c) references ring_c (id);
alter table ring_a add column c int, add constraint a_c foreign key (c) references ring_c (id) on delete set null;

create table indexed (a varchar(50), b text, c int, d point not null, key one (a(10)), key two (b(5), c), fulltext key three (b),
  spatial key four (d), unique key five (c), key `six ``6` (c) comment 'said', key seven (a desc));
-- then
alter table indexed drop key one, add key one (a(20)), rename index two to `zw;ei`, drop key three, add fulltext key three (a, b),
  drop key four, drop key five, add key five (c), drop key `six ``6`, add key `six ``6` (c) comment 'it''s', drop key seven, add key seven (a);

-- Two keys that say the same, and two that take each other's names.
create table twins (a int, b int, key one (a), key two (a), key x (a, b), key y (b, a));
-- then
alter table twins drop key one, drop key two, add key uno (a), drop key x, drop key y, add key y (a, b), add key x (b, a);

create table checked (a int, b int, constraint positive check (a > 0), constraint small check (b < 9));
-- then
alter table checked drop constraint positive, add constraint positive check (a > 1), drop constraint small, add constraint less check (b < 9),
  add constraint both_ check (a < b and 'it''s; ' <> '');

create table optioned (a int, b varchar(10)) comment 'old' row_format = compact stats_persistent = 1 max_rows = 10;
-- then
alter table optioned comment 'new; it''s \\' row_format = dynamic stats_persistent = default max_rows = 0 avg_row_length = 20;

create table lettered (a varchar(10), b varchar(10) character set latin1, c text) default charset utf8mb4;
-- then
alter table lettered convert to character set latin1;

create table lettered_too (a varchar(10), b varchar(10) collate utf8mb4_bin) default charset utf8mb4;
-- then
alter table lettered_too default character set latin1;

create table engines (a int not null auto_increment primary key, b text) engine = innodb;
-- then
alter table engines engine = myisam;

create table parted (id int not null, d date not null, primary key (id, d));
-- then
alter table parted drop primary key, add primary key (id) partition by range (id) (partition p0 values less than (10), partition p1 values less than maxvalue);

create table unparted (id int not null primary key, d date not null) partition by hash (id) partitions 3;
-- then
alter table unparted remove partitioning; alter table unparted drop primary key, add primary key (d);

create table gone_child (id int primary key);
-- then
create table gone_parent (id int primary key);
alter table gone_child add column p int, add constraint gone_fk foreign key (p) references gone_parent (id);

create table viewed (a int, b int);
create view v1 as select a from viewed;
create view v2 as select a from v1;
-- then
drop view v2; drop view v1;
alter table viewed add column c int;
create algorithm = merge sql security invoker view v1 as select a, c from viewed where a > 0 with cascaded check option;
create view v0 as select c from v1;

create table fired (a int, b int);
delimiter //
create trigger f1 before insert on fired for each row set new.a = 1 //
create trigger f2 before insert on fired for each row begin set new.b = 1; set new.a = 2; end //
create trigger f3 before insert on fired for each row set new.a = 3 //
create trigger f4 after delete on fired for each row set @x = 1 //
delimiter ;
-- then
drop trigger f1; drop trigger f4;
delimiter //
create trigger f0 before insert on fired for each row precedes f3 begin if new.a > 1 then set new.b = 7; end if; end //
create trigger f5 after update on fired for each row set @x = 'it''s; \\' //
delimiter ;

create table called (a int);
delimiter //
create function one() returns int deterministic return 1 //
create procedure many(in a int) begin declare n int; set n = a; insert into called values (n); end //
delimiter ;
create event ticking on schedule every 1 day starts '2031-01-01 00:00:00' disable comment 'old' do delete from called;
-- then
drop function one; drop event ticking;
drop procedure many;
set sql_mode = 'ANSI_QUOTES';
create function one() returns varchar(9) deterministic comment 'more; and' return 'a';
set sql_mode = default;
delimiter //
create procedure fewer(out n int) sql security invoker reads sql data begin select count(*) into n from called; end //
create event ticking on schedule every 2 hour starts '2031-01-01 00:00:00' on completion preserve disable do begin delete from called; delete from called; end //
delimiter ;
create event tocking on schedule at '2037-01-01 00:00:00' do delete from called;
