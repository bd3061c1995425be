alter sequence numbers cache 9;
-- ~sequence numbers cache

alter sequence numbers nocycle;
-- ~sequence numbers cycle

alter sequence numbers increment by 20;
-- ~sequence numbers increment

alter sequence numbers maxvalue 2000;
-- ~sequence numbers max

alter sequence numbers start with 7;
-- ~sequence numbers start

do nextval(numbers);

alter table more_types alter index gone not ignored;
-- ~index more_types.gone ignored

alter table more_types modify p point ref_system_id = 4327;
-- ~column more_types.p srid

alter table more_types modify c varchar(100);
-- ~column more_types.c compressed

alter table more_types modify e int check (e > 1);
-- ~column more_types.e check

alter table more_types transactional = 1;
-- ~table more_types transactional

set system_versioning_alter_history = keep; alter table versioned modify b int with system versioning;
-- ~column versioned.b unversioned

alter table versioned drop system versioning;
-- ~table versioned system versioning

alter table booked drop index id, drop period for stay;
-- -index booked.id
-- ~table booked period stay

alter table encrypted_not page_compressed = 0;
-- ~table encrypted_not option page_compressed
