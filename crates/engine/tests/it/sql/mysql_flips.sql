alter table books alter column c set default 2.25;
-- ~column books.c default

alter table books modify p year not null;
-- ~column books.p default
-- ~column books.p not null

alter table books modify dd int default null comment 'now with one';
-- +comment on column.books.dd

alter table books modify g1 int as (a + 1) virtual comment 'made of b';
-- ~comment on column.books.g1 text

alter table books modify i enum('a', 'b') default 'a';
-- ~column books.i type

alter table books modify n datetime default current_timestamp;
-- ~column books.n on update

alter table books modify w int default 3;
-- ~column books.w invisible

alter table books modify cc varchar(20) character set utf8mb4 collate utf8mb4_spanish_ci;
-- ~column books.cc collation

alter table books modify f varchar(30) character set utf8mb4 collate utf8mb4_unicode_ci default 'it''s';
-- ~column books.f charset
-- ~column books.f collation

alter table books drop column g2, add column g2 int as (a + 3) stored after g1;
-- ~column books.g2 generated

alter table books drop column g2, add column g2 int as (a + 3) virtual after g1;
-- ~column books.g2 generated kind

alter table loops modify parent int first;
-- ~column loops.id position
-- ~column loops.parent position

alter table my_isam modify b int not null;
-- ~column my_isam.b auto increment

alter table books comment = 'another';
-- ~comment on table.books text

alter table loops row_format = compact;
-- ~table loops row format

alter table my_isam engine = innodb;
-- ~table my_isam engine

alter table my_isam delay_key_write = 0;
-- ~table my_isam delay key write

alter table packed max_rows = 200;
-- ~table packed max rows

alter table packed row_format = dynamic key_block_size = 0;
-- ~table packed key block size
-- ~table packed row format

alter table key_prefix default charset latin1;
-- ~table key_prefix charset
-- ~table key_prefix collation

alter table lists comment 'said';
-- +comment on table.lists

alter table hashes add partition partitions 1;
-- ~table hashes partitions

alter table ranges remove partitioning;
-- ~table ranges partitions

alter table books drop index i1, add index i1 (f(4), a desc);
-- ~index books.i1 columns

alter table books drop index i1, add index i1 (f(4), a);
-- since MariaDB 10.8
-- ~index books.i1 columns

alter table books drop index i2, add index i2 (b);
-- ~index books.i2 unique

alter table books drop index i4, add index i4 (h(9));
-- ~index books.i4 columns
-- ~index books.i4 kind

alter table books drop index i5, add index i5 (a);
-- ~index books.i5 method

alter table books drop index i3, add index i3 (h(10)) comment 'other';
-- ~comment on index.books.i3 text

alter table key_prefix drop primary key, add primary key (t(10));
-- ~primary key key_prefix.PRIMARY columns

alter table loops drop foreign key up; alter table loops add constraint up foreign key (parent) references loops (id) on delete cascade;
-- ~foreign key loops.up on delete

alter table books drop constraint c1, add constraint c1 check (a > 1);
-- ~check books.c1 expression

create or replace algorithm = merge sql security definer view cheap as
  select b.a, add_one(b.b) as more, '`x`.`y`' as text from books b where b.publisher_id in (select id from publishers) with local check option;
-- ~view cheap algorithm
-- ~view cheap check option
-- ~view cheap security

create or replace algorithm = temptable view counted as select count(*) + 1 as n from cheap;
-- ~view counted definition

alter function add_one comment 'two more';
-- ~function add_one definition

alter procedure sweep sql security definer;
-- ~procedure sweep definition

drop trigger books_c; create trigger books_c after update on books for each row set @n = 2;
-- ~trigger books.books_c definition

drop trigger books_c; create trigger books_c before delete on books for each row set @n = 2;
-- ~trigger books.books_c event
-- ~trigger books.books_c timing

drop trigger books_c; set sql_mode = 'ANSI_QUOTES'; create trigger books_c before delete on books for each row set @n = 2;
-- ~trigger books.books_c sql mode

drop trigger books_c; set sql_mode = default; create trigger books_c before delete on books for each row set @n = 2;
-- ~trigger books.books_c sql mode

drop trigger books_c; set names latin1; create trigger books_c before delete on books for each row set @n = 2;
-- ~trigger books.books_c client charset
-- ~trigger books.books_c connection collation

alter event nightly enable;
-- ~event nightly status

alter event nightly on completion not preserve;
-- ~event nightly on completion

alter event nightly comment 'sweep';
-- ~comment on event.nightly text

alter event nightly on schedule every 2 hour starts '2030-01-01 00:00:00' ends '2030-06-01 00:00:00';
-- ~event nightly ends
-- ~event nightly every

alter event nightly do delete from books where a = 1;
-- ~event nightly definition

alter event once on schedule at '2037-02-01 00:00:00';
-- ~event once at

drop table actions;
-- -column actions.a
-- -foreign key actions.act1
-- -foreign key actions.act2
-- -foreign key actions.act3
-- -index actions.act3
-- -table actions
