//! The locks that statements are said to take, beside those that a real server has them take. A table that is
//! dropped is in no catalog any more, so that nobody can look.

use raingauge_schema::postgres::hazard::locks;

use crate::postgres_catalog::run;
use crate::postgres_session::scratch;

const TABLES: &str = "create table p (id int primary key); create table a (b int, c int not null); \
    create table part (id int) partition by range (id); create table one (id int); \
    create schema shop; create table shop.a (b int); \
    create function f() returns trigger language plpgsql as 'begin return null; end'; \
    create policy rule_of_a on a; alter table a add constraint positive check (b > 0) not valid; \
    create trigger before_a before insert on a for each row execute function f()";

/// What the transaction holds on tables that were there before it, the strongest first.
const HELD: &str = "select case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname, l.mode \
    from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace \
    where l.pid = pg_backend_pid() and c.relkind in ('r', 'p') and n.nspname in ('public', 'shop') \
        and c.relname = any (array['p', 'a', 'part', 'one']) and l.mode <> 'AccessShareLock'";

/// From the weakest to the strongest, as the server spells them.
const MODES: [&str; 7] = [
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

#[test]
fn t41_statements_take_the_locks_that_are_told() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("locks").unwrap();
    run(&mut database, TABLES);
    for sql in [
        "alter table a add column d int",
        "alter table a add column d int references p",
        "alter table a add constraint k foreign key (b) references p (id)",
        "alter table a validate constraint positive",
        "alter table a alter column c drop not null",
        "alter table a alter column b set statistics 10",
        "alter table a alter column b type bigint",
        "alter table a disable trigger before_a",
        "alter table part attach partition one for values from (1) to (9)",
        "create index i on a (b)",
        "create index i on shop.a (b)",
        "create trigger t after insert on a for each row execute function f()",
        "create policy q on a",
        "drop policy rule_of_a on a",
        "create table c (p int references p)",
        "create view v as select b from a",
        "insert into a values (1, 2)",
        "update a set b = 2",
        "delete from a where b = 2",
        "truncate a",
        "comment on table a is 'x'",
        "lock table a in share mode; alter table a validate constraint positive",
    ] {
        let session = &mut database.session;
        session.run("begin").unwrap();
        session.run(sql).unwrap();
        let held = session.rows(HELD).unwrap();
        session.run("rollback").unwrap();
        let mut strongest = std::collections::BTreeMap::new();
        for row in held {
            let (table, mode) = (row[0].clone().unwrap(), row[1].clone().unwrap());
            let strength = MODES.iter().position(|it| *it == mode).unwrap();
            let most = strongest.entry(table).or_insert(strength);
            *most = strength.max(*most);
        }
        // A parent's key is only looked at while a row is written.
        strongest.retain(|_, it| 0 < *it);
        let told: std::collections::BTreeMap<_, _> = locks(sql)
            .into_iter()
            .map(|it| {
                let mode = format!("{}Lock", it.mode.to_string().replace(' ', "")).to_lowercase();
                (it.table, MODES.iter().position(|it| it.to_lowercase() == mode).unwrap())
            })
            .collect();
        if sql.starts_with("lock") {
            assert_ne!(told, strongest, "the comparison sees nothing");
        } else {
            assert_eq!(told, strongest, "{sql}");
        }
    }
}
