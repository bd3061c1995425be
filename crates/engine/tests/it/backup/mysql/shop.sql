set names utf8mb4; set sql_mode = 'NO_ENGINE_SUBSTITUTION';
create table books (
    id int auto_increment primary key, title varchar(99) not null, cover blob, kind enum('a', 'b') default 'a',
    tags set('x', 'y'), flags bit(9), extra json, place point, latin varchar(20) character set latin1,
    price decimal(12, 4), made timestamp(6) null, day date, long_title varchar(200) as (concat(title, '!')) stored,
    short_title varchar(9) as (left(title, 3)) virtual, hidden int invisible default 7
);
insert into books (title, cover, kind, tags, flags, extra, place, latin, price, made, day) values
    ('Zwei\nZeilen 🐘', x'00ff0d0a1a5c27', 'b', 'x,y', 5, '{"a": [1, 2.5, "é"]}', point(1, 2), 'é', 1.1, '2026-01-02 03:04:05.678901', '2026-01-02'),
    ('plain', '', 'no such', '', 0, 'null', null, '', 0, null, '0000-00-00'),
    ('it''s; -- \\ `quoted` "x"', null, null, null, null, null, null, null, null, null, null);
insert into books (id, title) values (41, 'gone');
delete from books where id = 41;
create table loans (book int, day date, foreign key (book) references books (id) on delete cascade);
insert into loans values (1, '2026-01-01'), (1, '2026-01-01'), (3, null);
create index loans_day on loans (day);
create table numbers (id int primary key, f float, d double, f_short float(8, 2), f_twice double as (f * 2) virtual);
insert into numbers (id, f, d, f_short) values (1, 16777217 / 3, 0.1e0 + 0.2e0, 1.23), (2, 0.1, -1e-300, null), (3, null, null, -0.5);
create table visits (at datetime) engine = myisam;
insert into visits values ('2026-01-01'), ('2026-01-01');
create table parts (a int, b text) partition by hash (a) partitions 2;
insert into parts values (1, 'x'), (2, repeat('long ', 5000));
create view late as select id, title from books where day < '2026-06-01';
create definer = `nobody`@`%` function one() returns int deterministic no sql return 1;
delimiter //
create definer = `nobody`@`%` procedure buy(in n int)
begin
    -- a comment; with a semicolon
    insert into loans (book) values (n);
end//
create trigger books_before before insert on books for each row
begin
    if new.title = '' then set new.title = 'unnamed'; end if;
end//
create event cleaning on schedule every 1 year starts '2037-01-01 00:00:00' on completion preserve disable do begin delete from loans where book = 0; end//
delimiter ;
create table __drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
insert into __drizzle_migrations (hash, created_at) values ('abc', 1700000000000);
