-- What MariaDB alone knows.
create sequence numbers start with 5 increment by 10 minvalue 1 maxvalue 1000 cache 7 cycle;
create sequence down start with -1 increment by -1;
create table versioned (a int, b int without system versioning) with system versioning comment = 'kept';
create table versioned_by (
  a int, s timestamp(6) generated always as row start, e timestamp(6) generated always as row end invisible,
  period for system_time (s, e)
) with system versioning partition by system_time interval 1 month (partition p0 history, partition pn current);
create table booked (id int, d1 date not null, d2 date not null, period for stay (d1, d2), unique key (id, stay without overlaps));
create table more_types (
  a int default (nextval(numbers)), i inet6, c varchar(100) compressed, d text compressed default 'x',
  e int check (e > 0), f varchar(9) default concat('a', 'b') check (f <> ''), v int as (a * 2) persistent invisible comment 'v',
  t timestamp default '2020-01-01 00:00:00' on update current_timestamp(), p point ref_system_id = 4326,
  key gone (e) ignored, key blocks (i) key_block_size = 4 comment 'with size'
) page_checksum = 1 engine = aria transactional = 0;
-- since 10.10
alter table more_types add u uuid default uuid() after a, add i4 inet4 after i;
-- end
create table encrypted_not (a int) encrypted = no page_compressed = 1;
delimiter //
create aggregate function total(x int) returns bigint
begin
  declare s bigint default 0;
  declare continue handler for not found return s;
  loop
    fetch group next row;
    set s = s + x;
  end loop;
end //
delimiter ;
create table both_periods (
  id int primary key, k int, d1 date not null, d2 date not null,
  s timestamp(6) generated always as row start, e timestamp(6) generated always as row end,
  key (k), unique key u (k, stay without overlaps), constraint c check (k > 0),
  period for system_time (s, e), period for stay (d1, d2)
) with system versioning;
