-- What both flavours know, each thing at least once.
set names utf8mb4;
create table publishers (
  id int unsigned not null auto_increment primary key,
  code varchar(20) not null,
  `odd ``name` int comment 'a back\\slash',
  unique key code_u (code)
) auto_increment = 100;

create table books (
  a tinyint(1) default 1,
  b int(10) unsigned zerofill,
  c decimal(10, 2) not null default 1.50,
  d double default 1e10,
  d2 double(8, 3) unsigned,
  e bit(3) default b'101',
  f varchar(30) character set latin1 default 'it''s',
  g char(3) collate utf8mb4_bin,
  h text,
  i enum('a', 'b''c', 'd,e', '') default 'a',
  j set('x', 'y') not null default 'x,y',
  k json,
  l timestamp(3) not null default current_timestamp(3) on update current_timestamp(3),
  m timestamp null,
  n datetime default current_timestamp on update current_timestamp,
  n6 datetime(6) default current_timestamp(6),
  o date default '2020-01-01',
  p year,
  q time(2) default '-10:00:00.25',
  r binary(4) default 'ab',
  s varbinary(10) default 'plain',
  u blob,
  v timestamp not null default '2020-01-01 12:00:00',
  g1 int as (a + 1) virtual comment 'made of a',
  g2 int as (a + 2) stored,
  g3 varchar(20) generated always as (concat(cc, ' ''x'' ', 'ä')) virtual,
  w int invisible default 3,
  x varchar(10) not null default '' comment 'a ''quoted'' \\ one
two; -- and `three`',
  y varchar(36) default (uuid()),
  z int default (1 + 2),
  aa point,
  ab geometrycollection,
  bb char(5) character set utf8mb4,
  cc varchar(20) charset utf8mb4 collate utf8mb4_unicode_ci,
  dd int null default null,
  publisher_id int unsigned,
  ee boolean,
  ff float default -0.5,
  gg varchar(5) default 'null',
  gh varchar(40) default 'current_timestamp()',
  gi varchar(10) default 'a\\b%_ä',
  hh mediumtext character set latin1 collate latin1_bin,
  ii bigint(20) default -9223372036854775808,
  key i1 (f(3), a desc),
  unique key i2 (b),
  key i3 (h(10)) comment 'a prefix',
  fulltext key i4 (h),
  key i5 (a) using btree,
  key `i ``6` (d, c),
  constraint fk1 foreign key (publisher_id) references publishers (id) on delete cascade on update set null,
  constraint c1 check (a > 0),
  check (g <> 'it''s' and cc not like '%;%')
) engine = innodb default charset = utf8mb4 comment = 'all ''of'' it' row_format = dynamic
  stats_persistent = 1 min_rows = 5;

create table pairs (a int not null, b varchar(10) not null, primary key (b, a)) collate utf8mb4_bin;
create table pair_parts (
  x varchar(10), y int, id int primary key,
  constraint two foreign key (x, y) references pairs (b, a) on update cascade
) collate utf8mb4_bin;
create table loops (id int primary key, parent int, constraint up foreign key (parent) references loops (id) on delete set null);
create table key_prefix (t text not null, primary key (t(20)));
create table ranges (id int not null, d date, primary key (id))
  partition by range (id) (partition p0 values less than (10) comment 'small', partition p1 values less than maxvalue);
create table hashes (id int not null primary key) charset latin1 partition by hash (id) partitions 4;
create table keyed (id int not null primary key, t varchar(10)) partition by key () partitions 2;
create table lists (a int) partition by list (a) (partition p0 values in (1, 2, null), partition p1 values in (3));
create table subparts (a int, b date) partition by range columns (b) subpartition by hash (a) subpartitions 2
  (partition p0 values less than ('2020-01-01'), partition p1 values less than maxvalue);
create table places (g point not null, spatial key sg (g));
create table actions (
  a int unsigned,
  constraint act1 foreign key (a) references publishers (id),
  constraint act2 foreign key (a) references publishers (id) on delete no action on update restrict,
  constraint act3 foreign key (a) references publishers (id) on delete restrict on update no action
);
create table packed (a int) row_format = compressed key_block_size = 8 max_rows = 100 avg_row_length = 10 checksum = 1 pack_keys = 1
  stats_auto_recalc = 0 stats_sample_pages = 7;
create table in_memory (a int, key h (a) using hash) engine = memory;
create table my_isam (a text, b int auto_increment, fulltext key (a), key (b)) engine = myisam delay_key_write = 1
  charset = utf8mb4 collate = utf8mb4_unicode_ci;
create table old_words (a varchar(5), b text character set utf8mb4, c enum('ä') collate latin1_general_cs) charset latin1;
create table binary_words (a varchar(5), b char(3) character set ascii) charset binary;

create function add_one(x int) returns int deterministic comment 'one more' return x + 1;
delimiter //
create procedure sweep(in days int, out n int, inout label varchar(10) character set latin1)
  modifies sql data sql security invoker
begin
  -- it's a comment
  declare done int default 0; # another
  set n = (select count(*) from books where h like '%;%' and days > 0);
end //
create trigger books_b before insert on books for each row begin set new.a = 1; end //
create trigger books_a before insert on books for each row precedes books_b set new.d = 2 //
create trigger books_c after update on books for each row set @n = 1 //
delimiter ;
create sql security invoker view cheap as
  select b.a, add_one(b.b) as more, '`x`.`y`' as text from books b where b.publisher_id in (select id from publishers) with check option;
create algorithm = merge view named (p, q) as select a.id, 'x' from publishers a join publishers b on b.id = a.id;
create algorithm = temptable view counted as select count(*) as n from cheap;
create event nightly on schedule every 1 day starts '2030-01-01 00:00:00' ends '2031-01-01 00:00:00'
  on completion preserve disable comment 'clean up' do delete from books where a = 0;
create event once on schedule at '2037-01-01 00:00:00' do set @x = 1;
