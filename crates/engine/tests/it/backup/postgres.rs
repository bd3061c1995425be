//! PostgreSQL: the whole way, and everything that must be noticed.

mod damage;
mod digests;
mod large;

use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use raingauge_schema::Dialect;
use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::{Database, Postgres, Run};
use tempfile::TempDir;

use super::*;
use crate::postgres_session::scratch_options;
use raingauge_engine::backup::*;
use raingauge_engine::client::ProgramSource;
use raingauge_engine::connect::dsn::PgTarget;
use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::digest;
use raingauge_engine::progress::Silent;
use raingauge_engine::scratch::{Scratch, ScratchOptions};

const SHOP: &str = r#"
    create schema stock; create schema drizzle;
    create type mood as enum ('sad', 'ok'); create domain isbn as text check (value <> '');
    create type place as (shelf int, note text);
    create table books (id serial primary key, title text not null, isbn isbn, price numeric,
        tags text[], extra jsonb, raw json, cover bytea, weight float8, mood mood, at place,
        len int generated always as (length(title)) stored, updated timestamptz);
    comment on table books is 'what we sell';
    insert into books (title, isbn, price, tags, extra, raw, cover, weight, mood, at, updated) values
        (E'Zwei\nZeilen 🐘', 'a', 1.50, '{a,NULL,"b"}', '{"b": 1, "a": 2}', '{"b":1,  "a":2}',
         '\x00ff0d0a', 'NaN', 'ok', '(1,"x,y")', '2026-01-01 00:00+05'),
        ('', null, 1.5, '{}', null, null, '', '-0', null, null, 'infinity');
    select setval('books_id_seq', 4711);
    create table stock.moves (book int references books on delete cascade, n int);
    insert into stock.moves values (1, 1), (1, 1), (2, null);
    create table log (at date, what text) partition by range (at);
    create table log_old partition of log for values from ('2020-01-01') to ('2026-01-01');
    create table log_new partition of log for values from ('2026-01-01') to ('2030-01-01');
    insert into log values ('2021-01-01', 'x'), ('2027-01-01', 'y');
    create table parent (a int); create table child (b int) inherits (parent);
    alter table parent add c int; insert into parent values (1, 2); insert into child values (3, 4, 5);
    create table nothing (); insert into nothing default values;
    create sequence unused start 5; create sequence down increment -1;
    create function touch() returns trigger language plpgsql as
        $$ begin new.updated := now(); return new; end $$;
    create trigger touch before update on books for each row execute function touch();
    create view cheap as select * from books where price < 2;
    create materialized view public.totals as select count(*) from stock.moves;
    create unlogged table cache (k text); insert into cache values ('k');
    select lo_from_bytea(4242, '\xdeadbeef');
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
    insert into drizzle.__drizzle_migrations (hash, created_at) values ('abc', 1700000000000);"#;

/// A live database on the server that all tests share.
pub(super) struct Shop {
    server: Arc<Postgres>,
    database: Database,
    folder: TempDir,
}

impl Shop {
    pub(super) fn new() -> Self {
        Self::with(SHOP)
    }

    fn with(sql: &str) -> Self {
        Self::on(Postgres::shared().unwrap(), sql)
    }

    fn on(server: Arc<Postgres>, sql: &str) -> Self {
        let database = server.database("shop").unwrap();
        database.sql(sql).unwrap();
        Self { server, database, folder: tempfile::tempdir().unwrap() }
    }

    fn live(&self) -> Dsn {
        dsn(&self.database.url())
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    /// Databases on the shared server, which has all roles.
    fn scratch(&self) -> Scratch {
        self.scratch_at(dsn(&self.server.url("postgres")))
    }

    fn scratch_at(&self, url: Dsn) -> Scratch {
        let live = Some(self.live());
        let options = ScratchOptions { live, scratch_url: Some(url), ..scratch_options() };
        Scratch::open(options).unwrap()
    }

    fn take_as(
        &self,
        live: &Dsn,
        proof: Proof<'_>,
        progress: &mut dyn Progress,
    ) -> raingauge_engine::Result<Taken> {
        let dir = self.dir();
        let request = Request {
            live,
            dir: &dir,
            migrations: None,
            client: None,
            keys: &Keys::default(),
            any_space: false,
            at: now(),
        };
        take(&request, proof, progress)
    }

    fn try_take(&self) -> raingauge_engine::Result<Taken> {
        self.take_as(&self.live(), Proof::Restore(&mut self.scratch()), &mut Silent)
    }

    pub(super) fn take(&self) -> Taken {
        self.try_take().unwrap()
    }

    fn verify_again(&self, backup: &Backup) -> raingauge_engine::Result<Outcome> {
        let scratch = &mut self.scratch();
        verify(backup, Prover { scratch, client: None, now: now() }, &mut Silent)
    }

    /// How many databases the server has, to see whether scratch is gone.
    fn n_databases(&self) -> String {
        self.server
            .sql("postgres", "select count(*) from pg_database where datname ~ 'raingauge'")
            .unwrap()
    }

    /// Makes a role that may log in, and runs `sql` with its name in place of `@role`.
    fn role(&self, sql: &str) -> Role {
        let Database::Postgres(database) = &self.database else { panic!("it is PostgreSQL") };
        let name = format!("{}_role", database.name);
        let sql = format!("create role @role login password '{PASSWORD}'; {sql}");
        self.database.sql(&sql.replace("@role", &name)).unwrap();
        Role { name, server: Arc::clone(&self.server) }
    }

    fn live_as(&self, role: &Role) -> Dsn {
        let Dsn::Postgres(target) = self.live() else { panic!("it is PostgreSQL") };
        Dsn::Postgres(PgTarget { user: role.name.clone(), ..target })
    }
}

/// A role of one test. What it owns has to be gone first, so it is dropped after the [`Shop`].
struct Role {
    name: String,
    server: Arc<Postgres>,
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.server.sql("postgres", &format!("drop role if exists \"{}\"", self.name));
    }
}

fn dsn(url: &str) -> Dsn {
    Dsn::parse(url, Dialect::Postgres).unwrap()
}

#[test]
fn a_backup_is_proven_and_restores_to_everything_that_live_has() {
    let shop = Shop::new();
    let taken = shop.take();
    let manifest = taken.backup.manifest();
    assert!(taken.verified.is_some());
    assert_eq!(names(&shop.dir()).len(), 1);
    assert_eq!(
        names(taken.backup.path()),
        ["SHA256SUMS", "catalog.json", "database.dump", "manifest.json", "restore.sh", "roles.sql"]
    );
    for path in snapshot(taken.backup.path()).keys() {
        let meta = std::fs::metadata(taken.backup.path().join(path)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{path}");
    }
    let dump = std::fs::metadata(taken.backup.path().join("database.dump")).unwrap();
    assert!(dump.is_dir() && dump.permissions().mode() & 0o777 == 0o700, "{dump:?}");
    let roles = std::fs::read_to_string(taken.backup.path().join("roles.sql")).unwrap();
    assert!(roles.contains("CREATE ROLE postgres") && !roles.contains("PASSWORD"), "{roles}");
    assert!(manifest.position.as_ref().unwrap().starts_with("lsn "));
    assert_eq!(
        manifest.contents.sequences["public.books_id_seq"],
        "last_value 4711, is_called true"
    );
    assert_eq!(manifest.contents.sequences["public.unused"], "last_value 5, is_called false");
    assert_eq!(manifest.contents.large_objects.n_objects, 1);
    assert_eq!(manifest.ledgers, [digest::TableName::new("drizzle", "__drizzle_migrations")]);
    assert_eq!(manifest.roles, ["postgres"]);
    assert_eq!(manifest.settings["encoding"], "UTF8");
    assert!(manifest.source.system.is_some());
    assert_eq!(manifest.left_out[0].what, "rows of materialized view public.totals");
    assert_eq!(manifest.contents.n_rows(), 12);

    let sibling = shop.database.sibling("restored").unwrap();
    let to = dsn(&sibling.url());
    let destination = Destination { to: &to, client: None };
    restore(&taken.backup, &destination, &mut Silent).unwrap();
    let (live, restored) = (shop.database.state().unwrap(), sibling.state().unwrap());
    assert_eq!(live.differences(&restored), Vec::<String>::new());
    let error = restore(&taken.backup, &destination, &mut Silent).unwrap_err();
    assert_eq!(error.code, "target-not-empty");
}

#[test]
fn a_database_that_does_not_exist_is_made() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    let sibling = shop.database.sibling("made").unwrap();
    let Database::Postgres(made) = &sibling else { panic!("it is PostgreSQL") };
    shop.server.sql("postgres", &format!("drop database {}", made.name)).unwrap();
    let to = dsn(&sibling.url());
    restore(&backup, &Destination { to: &to, client: None }, &mut Silent).unwrap();
    let (live, restored) = (shop.database.state().unwrap(), sibling.state().unwrap());
    assert_eq!(live.differences(&restored), Vec::<String>::new());
}

#[test]
fn t61_t62_a_backup_is_restored_into_nothing_and_never_over_something() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    // What `pg_restore --clean` would leave, or trip over.
    shop.database
        .sql("create type later as enum ('a'); create table added_later (m later, book int references books);
              insert into added_later values ('a', 1)")
        .unwrap();
    let before = shop.database.state().unwrap();
    let live = shop.live();
    let error =
        restore(&backup, &Destination { to: &live, client: None }, &mut Silent).unwrap_err();
    assert_eq!((error.code, error.exit_code()), ("target-not-empty", 1));
    assert_eq!(before.differences(&shop.database.state().unwrap()), Vec::<String>::new());

    let sibling = shop.database.sibling("restored").unwrap();
    let to = dsn(&sibling.url());
    restore(&backup, &Destination { to: &to, client: None }, &mut Silent).unwrap();
    let restored = sibling.state().unwrap();
    assert!(
        !restored.rows.contains_key("public.added_later") && !restored.schema.contains("later")
    );
}

#[test]
fn t52_a_role_that_row_security_keeps_from_rows_gets_no_backup() {
    let shop = Shop::with(
        "create table notes (tenant text); insert into notes values ('a'), ('b');
         alter table notes enable row level security; alter table notes force row level security;
         create policy mine on notes using (tenant = 'a');",
    );
    let role = shop.role("alter table notes owner to @role; grant all on schema public to @role");
    let live = shop.live_as(&role);
    let error = shop.take_as(&live, Proof::Restore(&mut shop.scratch()), &mut Silent).unwrap_err();
    assert_eq!(error.code, "backup-unseen");
    assert!(error.message.contains("some rows of table public.notes"), "{error}");
    assert_eq!(names(&shop.dir()), Vec::<String>::new());
    assert!(shop.take().verified.is_some(), "a superuser sees all");
    drop(shop);
    drop(role);
}

#[test]
fn a_role_without_rights_gets_no_backup() {
    let shop = Shop::new();
    let role = shop.role("grant select on books to @role");
    let live = shop.live_as(&role);
    let error = shop.take_as(&live, Proof::None, &mut Silent).unwrap_err();
    assert!(["rows-unseen", "backup-unseen"].contains(&error.code), "{}: {error}", error.code);
    assert_eq!(names(&shop.dir()), Vec::<String>::new());
    drop(shop);
    drop(role);
}

#[test]
fn t54_roles_are_listed_and_an_own_scratch_server_has_them() {
    let shop = Shop::new();
    let role = shop.role("alter table books owner to @role; grant select on cache to @role");
    let options = ScratchOptions { live: Some(shop.live()), ..scratch_options() };
    let mut own = Scratch::open(options).unwrap();
    let taken = shop.take_as(&shop.live(), Proof::Restore(&mut own), &mut Silent).unwrap();
    assert_eq!(taken.backup.manifest().roles, ["postgres".to_owned(), role.name.clone()]);

    // A server that knows nothing of live's roles.
    let bare = Postgres::start().unwrap();
    let to = dsn(&bare.url("fresh"));
    let destination = Destination { to: &to, client: None };
    let error = restore(&taken.backup, &destination, &mut Silent).unwrap_err();
    assert_eq!(error.code, "restore-role-missing");
    assert_eq!(error.next, [format!("on the target: `create role \"{}\" nologin`", role.name)]);
    let (done, said) = sh(&shop, &taken.backup, &bare.url("fresh"));
    assert!(!done && said.contains(&format!("create role {} nologin;", role.name)), "{said}");
    bare.sql("postgres", &format!("create role {}", role.name)).unwrap();
    restore(&taken.backup, &destination, &mut Silent).unwrap();
    drop(shop);
    drop(role);
}

#[test]
fn a_backup_under_writes_is_of_one_instant() {
    let shop = Shop::with(
        "create table a (n serial primary key); create table b (n int);
         create table big as select n, md5(n::text) from generate_series(1, 100000) n;",
    );
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = Session::open(&shop.live(), Access::ReadWrite).unwrap();
            while !stop.load(Ordering::Relaxed) {
                writer
                    .run("begin; insert into public.a default values; insert into public.b values (1); commit")
                    .unwrap();
            }
        });
        let since = std::time::Instant::now();
        let mut at = 0;
        while at < 3 || since.elapsed() < load_time() {
            at += 1;
            let taken = shop.take();
            let contents = &taken.backup.manifest().contents;
            let counts: Vec<_> = contents.tables.values().map(|it| it.n_rows).collect();
            assert_eq!(counts[0], counts[1], "backup {at}: both tables change together");
            let again = shop.verify_again(&taken.backup).unwrap();
            assert!(matches!(again, Outcome::Verified(_)), "{again:?}");
        }
        let unproven = shop.take_as(&shop.live(), Proof::None, &mut Silent).unwrap().backup;
        let later = shop.verify_again(&unproven).unwrap();
        assert!(matches!(later, Outcome::Verified(_)), "{later:?}");
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_run_that_stops_anywhere_leaves_nothing_and_scratch_is_gone() {
    // A server of its own, on which nobody else makes scratch databases.
    let shop = Shop::on(Arc::new(Postgres::start().unwrap()), SHOP);
    for boundary in BOUNDARIES {
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            let mut scratch = shop.scratch();
            shop.take_as(&shop.live(), Proof::Restore(&mut scratch), &mut StopAt(boundary))
        }));
        assert!(stopped.is_err(), "{boundary} was not reached");
        assert_eq!(names(&shop.dir()), Vec::<String>::new(), "{boundary}");
        assert_eq!(shop.n_databases().trim(), "0", "{boundary}");
    }
}

#[test]
fn a_killed_run_leaves_no_half_backup_and_the_next_one_cleans_up() {
    if let Ok(work) = std::env::var(VICTIM) {
        let [boundary, url, server, dir] =
            work.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
        let live = dsn(url);
        let options = ScratchOptions { scratch_url: Some(dsn(server)), ..scratch_options() };
        let mut scratch = Scratch::open(options).unwrap();
        let request = Request {
            live: &live,
            dir: Path::new(dir),
            migrations: None,
            client: None,
            keys: &Keys::default(),
            any_space: false,
            at: now(),
        };
        let _ = take(&request, Proof::Restore(&mut scratch), &mut DieAt(boundary.to_owned()));
        return;
    }
    let test = "backup::postgres::a_killed_run_leaves_no_half_backup_and_the_next_one_cleans_up";
    let shop = Shop::on(Arc::new(Postgres::start().unwrap()), SHOP);
    let (url, server) = (shop.database.url(), shop.server.url("postgres"));
    for boundary in BOUNDARIES {
        run_victim(test, boundary, &format!("{url} {server} {}", shop.dir().display()));
        let left = names(&shop.dir());
        assert!(left.len() == 1 && left[0].starts_with(".partial-"), "{boundary}: {left:?}");
        let taken = shop.take();
        assert_eq!(names(&shop.dir()).len(), 1, "{boundary}");
        assert_eq!(shop.n_databases().trim(), "0", "{boundary}");
        std::fs::remove_dir_all(taken.backup.path()).unwrap();
    }
}

#[test]
fn t57_bytes_arrive_as_they_are() {
    let shop = Shop::with(
        "create table t (id int, s text, b bytea); insert into t values
            (1, E'\\r\\n \\t 🐘 \\u00e9 e\\u0301 \\x01 \\\\N \\\\.', '\\x000d0a1aff'), (2, E'\\ufeff', ''), (3, '', null)",
    );
    let taken = shop.take();
    let sibling = shop.database.sibling("restored").unwrap();
    let (done, said) = sh(&shop, &taken.backup, &sibling.url());
    assert!(done, "{said}");
    let witness = "select id, encode(convert_to(s, 'UTF8'), 'hex'), b from t order by 1";
    assert_eq!(shop.database.sql(witness).unwrap(), sibling.sql(witness).unwrap());
    assert!(shop.database.sql(witness).unwrap().contains("0d0a2009"));
}

/// Looks at all command lines on this machine while a backup is made, with a password that no other
/// test uses.
#[test]
fn the_password_is_in_no_file_and_on_no_command_line() {
    const PASSWORD: &str = "typed-by-nobody-else";
    let shop =
        Shop::with("create table big as select n, md5(n::text) from generate_series(1, 200000) n");
    let role = shop.role(&format!("alter role @role superuser password '{PASSWORD}'"));
    let live = dsn(&shop.database.url_as(&role.name, PASSWORD));
    let mut scratch = shop.scratch_at(dsn(&shop.server.url_as(&role.name, PASSWORD, "postgres")));
    let stop = AtomicBool::new(false);
    let (taken, seen) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = String::new();
            while !stop.load(Ordering::Relaxed) {
                for process in names(Path::new("/proc")) {
                    let line =
                        std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
                    seen += &String::from_utf8_lossy(&line);
                }
            }
            seen
        });
        let taken = shop.take_as(&live, Proof::Restore(&mut scratch), &mut Silent);
        stop.store(true, Ordering::Relaxed);
        (taken.unwrap(), watcher.join().unwrap())
    });
    assert!(seen.contains("pg_dump"), "the watcher saw the dump");
    assert!(!seen.contains(PASSWORD));
    for (path, bytes) in snapshot(taken.backup.path()) {
        let found = bytes.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes());
        assert!(!found, "{path}");
    }
    assert!(!format!("{taken:?}").contains(PASSWORD));
}

fn sh(shop: &Shop, backup: &Backup, url: &str) -> (bool, String) {
    let programs = ["psql", "pg_restore"].map(|it| shop.server.bin.join(it));
    let programs: Vec<_> = programs.iter().map(|it| it.to_str().unwrap()).collect();
    run_restore_sh(backup.path(), url, &programs)
}

#[test]
fn restore_sh_restores_without_raingauge_and_refuses_what_it_should() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    let sibling = shop.database.sibling("restored").unwrap();
    // The password has a character that a URL has to escape.
    let url = sibling.url().replace('-', "%2d");
    let (done, said) = sh(&shop, &backup, &url);
    assert!(done, "{said}");
    let (live, restored) = (shop.database.state().unwrap(), sibling.state().unwrap());
    assert_eq!(live.differences(&restored), Vec::<String>::new());

    let (done, said) = sh(&shop, &backup, &sibling.url());
    assert!(!done && said.contains("the target is not empty"), "{said}");
    let (done, said) = run_restore_sh(backup.path(), &url, &[]);
    assert!(!done && said.contains("psql was not found"), "{said}");

    std::fs::write(backup.path().join("database.dump/toc.dat"), "short").unwrap();
    let empty = shop.database.sibling("empty").unwrap();
    let (done, said) = sh(&shop, &backup, &empty.url());
    assert!(!done && said.contains("database.dump/toc.dat: FAILED"), "{said}");
    assert!(empty.tables().unwrap().is_empty());
}

#[test]
fn a_client_that_is_missing_stops_before_anything_is_written() {
    let shop = Shop::new();
    let (live, dir) = (shop.live(), shop.dir());
    let nowhere = ProgramSource::Folder("/nonexistent".into());
    let request = Request {
        live: &live,
        dir: &dir,
        migrations: None,
        client: Some(&nowhere),
        keys: &Keys::default(),
        any_space: false,
        at: now(),
    };
    let error = take(&request, Proof::None, &mut Silent).unwrap_err();
    assert_eq!(error.code, "pg-dump-missing");
    assert_eq!(names(&shop.dir()), Vec::<String>::new());
}

#[test]
fn the_clients_may_run_behind_a_command() {
    let shop = Shop::new();
    let (live, dir) = (shop.live(), shop.dir());
    let bin = shop.server.bin.display();
    let path = format!("PATH={bin}:{}", std::env::var("PATH").unwrap());
    let client = ProgramSource::Prefix(vec!["env".to_owned(), path]);
    let request = Request {
        live: &live,
        dir: &dir,
        migrations: None,
        client: Some(&client),
        keys: &Keys::default(),
        any_space: false,
        at: now(),
    };
    let taken = take(&request, Proof::Restore(&mut shop.scratch()), &mut Silent).unwrap();
    assert!(taken.verified.is_some());
    // A program elsewhere does not see our folders: one file through our own handles.
    assert!(taken.backup.path().join("database.dump").is_file());
}

#[test]
fn several_workers_dump_and_restore_what_is_large() {
    let shop = Shop::with(
        "create table big as select n, repeat(md5(n::text), 8) as body from generate_series(1, 180000) n;
         create table other as select * from big where n % 2 = 0; create index on big (n);",
    );
    let taken = shop.take();
    assert!(64 << 20 <= taken.backup.manifest().source.bytes, "two workers are worth it");
    let sibling = shop.database.sibling("restored").unwrap();
    let (done, said) = sh(&shop, &taken.backup, &sibling.url());
    assert!(done, "{said}");
    let (live, restored) = (shop.database.state().unwrap(), sibling.state().unwrap());
    assert_eq!(live.differences(&restored), Vec::<String>::new());
}
