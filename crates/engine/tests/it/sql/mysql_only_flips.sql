alter table functional alter index hidden visible;
-- ~index functional.hidden invisible

alter table functional drop index lowered, add index lowered ((upper(a)));
-- ~index functional.lowered columns

alter table unenforced alter check soft enforced;
-- ~check unenforced.soft enforced

alter table mapped drop index p; alter table mapped modify p point not null srid 3857;
-- -index mapped.p
-- ~column mapped.p srid

alter table words drop index ng; alter table words add fulltext index ng (a) comment 'two by two';
-- ~index words.ng parser

alter table formatted modify a int column_format dynamic;
-- ~column formatted.a column format

alter table encrypted_not compression = 'none';
-- ~table encrypted_not compression

alter table no_key_default modify a varchar(10);
-- ~column no_key_default.a charset
-- ~column no_key_default.a collation
