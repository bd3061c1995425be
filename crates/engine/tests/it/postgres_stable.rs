//! What must not change the catalog: locale, encoding, order of creation, settings, the database's own
//! properties, and how many statements it takes to read it.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use raingauge_engine::connect::{Access, Dsn, PgSession, Session};
use raingauge_engine::introspect;
use raingauge_engine::scratch::ScratchDatabase;
use raingauge_schema::Kind;

use crate::postgres_catalog::{EVERYTHING, read, run};
use crate::postgres_flips::differences;
use crate::postgres_session::{role, scratch, target};

/// A database beside the one of the test, made as `options` say and gone with it.
struct Beside {
    name: String,
    owner: ScratchDatabase,
}

impl Beside {
    fn new(mut owner: ScratchDatabase, suffix: &str, options: &str) -> Self {
        let name = format!("{}_{suffix}", target(&owner.dsn).database);
        run(&mut owner, &format!("create database {name} template template0 {options}"));
        Self { name, owner }
    }

    fn dsn(&self) -> Dsn {
        let mut address = target(&self.owner.dsn);
        address.database.clone_from(&self.name);
        Dsn::Postgres(address)
    }

    fn run(&self, sql: &str) {
        Session::open_plain(&self.dsn(), Access::ReadWrite).unwrap().run(sql).unwrap();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        run(&mut self.owner, &format!("drop database {}", self.name));
    }
}

#[test]
fn a_database_of_another_locale_or_encoding_has_the_same_fingerprint() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    // Sorted otherwise than by bytes, and with another lower case of `I`.
    let names = "create table public.\"Zoë\" (\"ä\" int, \"B\" int, a int) with (fillfactor = 70, autovacuum_enabled = true); \
        grant insert, trigger on public.\"Zoë\" to reader with grant option; \
        create publication everybody for table public.\"Zoë\"; \
        create foreign data wrapper z options (\"B\" 'x', a 'y', \"C\" 'z'); \
        comment on table public.\"Zoë\" is 'naïve'";
    run(&mut database, EVERYTHING);
    run(&mut database, names);
    let expected = read(&database.dsn);
    for (suffix, options) in [
        ("tr", "encoding 'UTF8' locale_provider icu icu_locale 'tr' locale 'C'"),
        ("en", "encoding 'UTF8' locale_provider icu icu_locale 'en-US' locale 'C'"),
        ("latin", "encoding 'LATIN1' locale 'C'"),
    ] {
        let other = Beside::new(scratch.create("test").unwrap(), suffix, options);
        other.run(EVERYTHING);
        other.run(names);
        let found = read(&other.dsn());
        assert_eq!(differences(&expected, &found), [""; 0], "{options}");
        assert_eq!(expected.fingerprint(), found.fingerprint(), "{options}");
    }
}

/// Statements of which each layer needs those before, but none of its own.
const LAYERS: [&[&str]; 5] = [
    &[
        "create schema one",
        "create schema two",
        "create type public.k as enum ('a', 'b')",
        "create function public.f() returns trigger language plpgsql as 'begin return new; end'",
        "create function public.g(int) returns int language sql immutable as 'select 1'",
        "create sequence public.s",
    ],
    &[
        "create table public.a (id int primary key, k public.k, n int default nextval('public.s'))",
        "create table public.b (id int, a int)",
        "create table one.a (id int primary key)",
        "create table public.p (id int, at date) partition by range (at)",
    ],
    &[
        "create table public.p1 partition of public.p for values from ('2026-01-01') to ('2027-01-01')",
        "create table public.p2 partition of public.p for values from ('2027-01-01') to ('2028-01-01')",
        "create index a_k on public.a (k)",
        "create index a_n on public.a (n)",
        "alter table public.b add constraint b_a foreign key (a) references public.a (id)",
        "alter table public.b add constraint b_one foreign key (a) references one.a (id)",
        "alter table public.b add constraint b_check check (a > 0)",
        "alter table public.b add constraint b_more check (id > 0)",
        "create trigger t1 before insert on public.a for each row execute function public.f()",
        "create trigger t2 before insert on public.a for each row execute function public.f()",
        "create view one.v as select id from public.a",
        "alter table public.a set (fillfactor = 70)",
        "alter table public.a set (autovacuum_enabled = false)",
        "create operator public.### (leftarg = int, rightarg = int, function = int4eq)",
    ],
    &[
        "create index p_at on public.p (at)",
        "alter table public.p add primary key (id, at)",
        "create publication pub",
        "create policy y on public.a to reader, writer",
        "create policy x on public.a",
        "create statistics public.st on k, n from public.a",
    ],
    &[
        "alter publication pub add table public.b",
        "alter publication pub add table one.a",
        "alter publication pub add table public.a",
        "grant select on public.a to reader",
        "grant insert on public.a to writer",
        "grant update on public.a to reader",
        "alter default privileges grant select on tables to writer",
        "comment on table public.a is 'a'",
        "comment on schema one is '1'",
    ],
];

#[test]
fn the_order_of_creation_does_not_show() {
    let Some(mut scratch) = scratch() else { return };
    let mut catalogs = Vec::new();
    for backwards in [false, true] {
        let mut database = scratch.create("test").unwrap();
        run(&mut database, &(role("reader", "nologin") + &role("writer", "nologin")));
        for layer in LAYERS {
            let mut layer = layer.to_vec();
            if backwards {
                layer.reverse();
            }
            run(&mut database, &layer.join(";\n"));
        }
        catalogs.push(read(&database.dsn));
    }
    assert_eq!(differences(&catalogs[0], &catalogs[1]), [""; 0]);
    assert_eq!(catalogs[0].fingerprint(), catalogs[1].fingerprint());
}

#[test]
fn no_setting_of_the_database_shows_in_the_fingerprint() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, EVERYTHING);
    let expected = read(&database.dsn);
    let name = target(&database.dsn).database;
    for setting in [
        "search_path = app, public, pg_catalog",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'sql_standard'",
        "timezone = 'Asia/Tokyo'",
        "extra_float_digits = -5",
        "bytea_output = 'escape'",
        "xmlbinary = 'hex'",
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "backslash_quote = off",
        "client_encoding = 'LATIN1'",
        "row_security = off",
        "default_tablespace = ''",
        "default_table_access_method = 'heap_again'",
        "array_nulls = off",
        "enable_seqscan = off",
    ] {
        run(&mut database, &format!("alter database {name} set {setting}"));
    }
    let mut plain = Session::open_plain(&database.dsn, Access::ReadWrite).unwrap();
    let found = introspect::catalog(&mut plain, &[crate::postgres_catalog::ledger()]).unwrap();
    assert_eq!(differences(&expected, &found), [""; 0]);
    assert_eq!(expected.fingerprint(), found.fingerprint());
}

#[test]
fn what_surrounds_the_structure_is_told_but_not_compared() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, &role("reader", "nologin"));
    let before = read(&database.dsn);
    let name = target(&database.dsn).database;
    run(
        &mut database,
        &format!(
            "alter database {name} set app.jwt_secret = 's3cr3t-word'; \
             alter database {name} set work_mem = '9MB'; \
             alter role reader in database {name} set work_mem = '8MB'; \
             comment on database {name} is 'ours'; grant create on database {name} to reader; \
             select lo_create(0), lo_create(0); grant set on parameter zero_damaged_pages to reader"
        ),
    );
    let after = read(&database.dsn);
    run(&mut database, "revoke set on parameter zero_damaged_pages from reader");
    run(&mut database, &format!("alter role reader in database {name} reset all"));
    assert_eq!(before.fingerprint(), after.fingerprint());
    let surroundings = &after.surroundings;
    let of = |kind| surroundings.iter().find(|it| it.id.kind == kind).unwrap();
    let found = of(Kind::Database);
    assert_eq!(found.get("encoding"), Some("UTF8"));
    assert_eq!(found.get("large objects"), Some("2"));
    assert_eq!(found.get("settings of roles"), Some("reader: work_mem=8MB"));
    let settings = found.get("settings").unwrap();
    assert!(settings.contains("work_mem=9MB") && settings.contains("sha256"), "{settings}");
    assert_eq!(of(Kind::Comment).get("text"), Some("ours"));
    let grants = surroundings.iter().filter(|it| it.id.kind == Kind::Grant);
    let grants: Vec<_> = grants.map(|it| it.id.to_string()).collect();
    assert_eq!(
        grants,
        ["grant on database.(this).reader", "grant on parameter.zero_damaged_pages.reader"]
    );
    assert!(!format!("{after:?}").contains("s3cr3t-word"));
}

#[test]
fn everything_that_has_an_owner_says_who_it_is() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, EVERYTHING);
    let catalog = read(&database.dsn);
    let ownerless = [
        Kind::AccessMethod,
        Kind::Cast,
        Kind::Transform,
        Kind::TextSearchParser,
        Kind::TextSearchTemplate,
        Kind::Column,
        Kind::PrimaryKey,
        Kind::Unique,
        Kind::ForeignKey,
        Kind::Check,
        Kind::Exclusion,
        Kind::Index,
        Kind::Rule,
        Kind::Trigger,
        Kind::Policy,
        Kind::UserMapping,
        Kind::Comment,
        Kind::Grant,
        Kind::DefaultPrivilege,
    ];
    for object in catalog.objects() {
        let expected = !ownerless.contains(&object.id.kind);
        assert_eq!(object.owner.is_some(), expected, "{}", object.id);
    }
}

#[test]
fn options_of_a_user_mapping_that_the_role_may_not_read_are_unknown() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, &role("ro", "login"));
    run(
        &mut database,
        "create foreign data wrapper w; create server s foreign data wrapper w; \
         create user mapping for public server s options (password 'x')",
    );
    assert!(read(&database.dsn).unseen.is_empty());
    let mut address = target(&database.dsn);
    address.user = "ro".to_owned();
    let limited = read(&Dsn::Postgres(address));
    let unseen: Vec<_> = limited.unseen.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(unseen, ["options of user mapping s.public"]);
}

/// Stands between a session and its server, and counts queries and the statements that the server
/// completed.
struct Counter {
    folder: tempfile::TempDir,
    counts: Arc<[AtomicUsize; 2]>,
}

impl Counter {
    /// Waits for one session. The address is the server's but for the folder of the socket.
    fn start(host: &str, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = |folder: &std::path::Path| folder.join(format!(".s.PGSQL.{port}"));
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let server = socket(host.as_ref());
        let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let shared = Arc::clone(&counts);
        std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = UnixStream::connect(server).unwrap();
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let asked = Arc::clone(&shared);
            // Only the first message of a client has no letter.
            std::thread::spawn(move || pass(from, to, b'Q', true, &asked[0]));
            pass(server, client, b'C', false, &shared[1]);
        });
        Self { folder, counts }
    }

    /// Round trips and completed statements so far.
    fn counts(&self) -> [usize; 2] {
        [0, 1].map(|it: usize| self.counts[it].load(Ordering::SeqCst))
    }
}

/// Passes messages on and counts those of one letter, until the connection ends.
fn pass(mut from: UnixStream, mut to: UnixStream, letter: u8, starts: bool, count: &AtomicUsize) {
    let mut bare = starts;
    loop {
        let mut head = vec![0; if bare { 4 } else { 5 }];
        if from.read_exact(&mut head).is_err() {
            let _ = to.shutdown(std::net::Shutdown::Both);
            return;
        }
        let length = head.iter().rev().take(4).rev().fold(0, |all, it| all << 8 | usize::from(*it));
        let mut body = vec![0; length - 4];
        from.read_exact(&mut body).unwrap();
        if !bare && head[0] == letter {
            count.fetch_add(1, Ordering::SeqCst);
        }
        bare = false;
        to.write_all(&head).and_then(|()| to.write_all(&body)).unwrap();
    }
}

#[test]
fn the_catalog_takes_the_same_statements_whatever_the_number_of_tables() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    let mut needed = Vec::new();
    for (n_tables, sql) in [
        (0, "select 1"),
        (
            60,
            "do $$ begin for i in 1..60 loop execute format('create table public.t%s (id int primary key)', i); end loop; end $$",
        ),
        (80, EVERYTHING),
    ] {
        run(&mut database, sql);
        let mut address = target(&database.dsn);
        let counter = Counter::start(&address.host, address.port);
        address.host = counter.folder.path().to_str().unwrap().to_owned();
        let session = PgSession::open(&address, Access::ReadOnly).unwrap();
        let mut session = Session::Postgres(session);
        let before = counter.counts();
        let catalog = introspect::catalog(&mut session, &[]).unwrap();
        let after = counter.counts();
        assert!(n_tables <= catalog.of_kind(Kind::Table).count());
        needed.push([after[0] - before[0], after[1] - before[1]]);
    }
    // The server's version, then everything else at once.
    assert_eq!(needed[0][0], 2, "round trips");
    assert_eq!(needed[0], needed[1], "round trips and statements");
    assert_eq!(needed[0], needed[2], "round trips and statements");
    println!("{} round trips, {} statements", needed[0][0], needed[0][1]);
}
