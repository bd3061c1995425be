insert into numbers (id, f, d) values (9, -0e0, -0e0);
create table hinted (a int);
insert into hinted values (1);
