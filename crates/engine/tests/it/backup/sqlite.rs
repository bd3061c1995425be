//! SQLite: the whole way, and everything that must be noticed.

use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use raingauge_schema::Dialect;
use raingauge_testkit::State;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use raingauge_engine::backup::*;
use raingauge_engine::connect::Dsn;
use raingauge_engine::connect::dsn::SqliteTarget;
use raingauge_engine::progress::Silent;
use raingauge_engine::scratch::{Scratch, ScratchOptions};

const SHOP: &str = "
    create table books (id integer primary key autoincrement, title text not null, cover blob);
    insert into books (title, cover) values ('Zwei\nZeilen 🐘', x'00ff0d0a'), ('', null), ('x', '');
    insert into books (id, title) values (41, 'gone'); delete from books where id = 41;
    create table loans (book integer references books on delete cascade, day text);
    insert into loans values (1, '2026-01-01'), (1, '2026-01-01'), (3, null);
    create index loans_day on loans (day);
    create view late as select * from loans where day < '2026';
    create trigger t after insert on loans begin update books set title = 'x' where 0; end;
    create table \"__drizzle_migrations\" (id serial primary key, hash text not null, created_at numeric);
    insert into \"__drizzle_migrations\" (hash, created_at) values ('abc', 1700000000000);";

/// A live database with a project's migrations beside it.
pub(super) struct Shop {
    pub(super) folder: TempDir,
    pub(super) live: Dsn,
    pub(super) keys: Keys,
}

impl Shop {
    pub(super) fn new() -> Self {
        Self::with(SHOP)
    }

    pub(super) fn with(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.sqlite");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        std::fs::create_dir_all(folder.path().join("drizzle/meta")).unwrap();
        std::fs::write(folder.path().join("drizzle/0000_a.sql"), "select 1;\r\n").unwrap();
        std::fs::write(folder.path().join("drizzle/meta/_journal.json"), "{}").unwrap();
        Self { folder, live: Dsn::Sqlite(SqliteTarget { path }), keys: Keys::default() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.path(".raingauge/backups")
    }

    pub(super) fn take_with(
        &self,
        proof: Proof<'_>,
        progress: &mut dyn Progress,
    ) -> raingauge_engine::Result<Taken> {
        let (dir, migrations) = (self.dir(), self.path("drizzle"));
        let live = &self.live;
        let request = Request {
            live,
            dir: &dir,
            migrations: Some(&migrations),
            client: None,
            keys: &self.keys,
            any_space: false,
            at: now(),
        };
        take(&request, proof, progress)
    }

    pub(super) fn take(&self) -> Taken {
        self.take_with(Proof::Restore(&mut scratch()), &mut Silent).unwrap()
    }

    /// What is in a file, as an independent witness sees it.
    pub(super) fn state(path: PathBuf) -> State {
        let database = raingauge_testkit::sqlite::SqliteDatabase::at(path).unwrap();
        raingauge_testkit::Database::Sqlite(database).state().unwrap()
    }

    pub(super) fn live_state(&self) -> State {
        Self::state(self.path("shop.sqlite"))
    }
}

pub(super) fn scratch() -> Scratch {
    Scratch::open(ScratchOptions::new(Dialect::Sqlite)).unwrap()
}

pub(super) fn verify_again(backup: &Backup) -> raingauge_engine::Result<Outcome> {
    let scratch = &mut scratch();
    verify(backup, Prover { scratch, client: None, now: now() }, &mut Silent)
}

pub(super) fn target(path: PathBuf) -> Dsn {
    Dsn::Sqlite(SqliteTarget { path })
}

#[test]
fn a_backup_is_whole_private_and_says_what_it_holds() {
    let shop = Shop::new();
    let taken = shop.take();
    let (backup, manifest) = (&taken.backup, taken.backup.manifest());
    assert_eq!(names(&shop.dir()), ["20260102T030405Z-shop"]);
    let files = [
        "SHA256SUMS",
        "catalog.json",
        "database.sqlite",
        "manifest.json",
        "migrations",
        "restore.sh",
    ];
    assert_eq!(names(backup.path()), files);
    assert_eq!(manifest.contents.n_rows(), 7);
    assert_eq!(manifest.contents.sequences["books"], "41");
    assert_eq!(manifest.ledgers[0].table, "__drizzle_migrations");
    assert!(taken.verified.is_some());
    backup.check().unwrap();
    assert_eq!(backup.artefacts().unwrap().len(), 6);
    for (path, _) in snapshot(backup.path()) {
        let mode = std::fs::metadata(backup.path().join(&path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
    let mode = std::fs::metadata(backup.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let migrations = snapshot(&backup.path().join("migrations"));
    assert_eq!(migrations["0000_a.sql"], b"select 1;\r\n");
    assert!(migrations.contains_key("meta/_journal.json"));
}

#[test]
fn a_restored_file_equals_live_and_a_filled_target_is_refused() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    let to = target(shop.path("restored.sqlite"));
    let destination = Destination { to: &to, client: None };
    let restored = restore(&backup, &destination, &mut Silent).unwrap();
    assert_eq!((restored.n_tables, restored.n_rows), (3, 7));
    let state = Shop::state(shop.path("restored.sqlite"));
    assert_eq!(shop.live_state().differences(&state), Vec::<String>::new());
    let error = restore(&backup, &destination, &mut Silent).unwrap_err();
    assert_eq!(error.code, "target-not-empty");
    let rest = names(shop.folder.path());
    assert_eq!(rest, [".raingauge", "drizzle", "restored.sqlite", "shop.sqlite"]);
}

#[test]
fn t50_rows_in_the_write_ahead_log_are_in_the_backup_and_the_mode_survives() {
    let shop = Shop::new();
    let writer = Connection::open(shop.path("shop.sqlite")).unwrap();
    writer.pragma_update(None, "journal_mode", "wal").unwrap();
    writer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    writer.execute_batch("create table later (a); insert into later values (1), (2)").unwrap();
    let backup = shop.take().backup;
    assert_eq!(backup.manifest().contents.n_rows(), 9);
    let to = target(shop.path("restored.sqlite"));
    restore(&backup, &Destination { to: &to, client: None }, &mut Silent).unwrap();
    let restored = Connection::open(shop.path("restored.sqlite")).unwrap();
    let mode: String = restored.query_row("pragma journal_mode", [], |it| it.get(0)).unwrap();
    assert_eq!(mode, "wal");
    drop((writer, restored));
    let state = Shop::state(shop.path("restored.sqlite"));
    assert_eq!(shop.live_state().differences(&state), Vec::<String>::new());
}

#[test]
fn a_backup_under_writes_is_of_one_instant() {
    let shop = Shop::with(
        "pragma journal_mode = wal; create table a (n integer); create table b (n integer);
         insert into a values (0); insert into b values (0);",
    );
    let (stop, path) = (AtomicBool::new(false), shop.path("shop.sqlite"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = Connection::open(&path).unwrap();
            writer.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
            while !stop.load(Ordering::Relaxed) {
                writer
                    .execute_batch(
                        "begin immediate; insert into a select max(n) + 1 from a;
                         insert into b select max(n) + 1 from b; commit",
                    )
                    .unwrap();
            }
        });
        let since = std::time::Instant::now();
        let mut n = 0;
        while n < 5 || since.elapsed() < load_time() {
            let at = n;
            n += 1;
            let taken = shop.take();
            let tables = &taken.backup.manifest().contents.tables;
            let counts: Vec<_> = tables.values().map(|it| it.n_rows).collect();
            assert_eq!(counts[0], counts[1], "backup {at}: both tables change together");
            let digests: Vec<_> = tables.values().map(|it| it.digest).collect();
            assert_eq!(digests[0], digests[1], "backup {at}");
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(list(&shop.dir()).unwrap().backups.len(), n);
    });
}

#[test]
fn one_flipped_byte_in_any_file_is_noticed() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    for (path, bytes) in snapshot(backup.path()) {
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        std::fs::write(backup.path().join(&path), damaged).unwrap();
        let error = Backup::open(backup.path()).and_then(|it| it.check()).unwrap_err();
        assert!(["backup-damaged", "backup-unreadable"].contains(&error.code), "{path}: {error}");
        std::fs::write(backup.path().join(&path), bytes).unwrap();
    }
    backup.check().unwrap();
    std::fs::write(backup.path().join("extra"), "").unwrap();
    assert!(backup.check().unwrap_err().message.contains("`extra` is not listed"));
    std::fs::remove_file(backup.path().join("extra")).unwrap();
    std::fs::remove_file(backup.path().join("migrations/0000_a.sql")).unwrap();
    assert!(backup.check().unwrap_err().message.contains("0000_a.sql` is missing"));
    let sums = backup.path().join("SHA256SUMS");
    let text = std::fs::read_to_string(&sums).unwrap();
    std::fs::write(sums, text.replacen('a', "b", 1)).unwrap();
    assert_eq!(backup.check().unwrap_err().code, "backup-damaged");
}

/// Changes the dump itself, hashes included, and expects one difference.
#[track_caller]
fn check_changed_dump(sql: &str, expected: &str) {
    let shop = Shop::new();
    let backup = shop.take().backup;
    let dump = Connection::open(backup.path().join("database.sqlite")).unwrap();
    dump.execute_batch(sql).unwrap();
    drop(dump);
    rehash(&backup);
    let found = differences(verify_again(&backup).unwrap());
    assert!(found.iter().any(|it| it.contains(expected)), "{found:?}");
    let to = target(shop.path("restored.sqlite"));
    let error = restore(&backup, &Destination { to: &to, client: None }, &mut Silent).unwrap_err();
    assert_eq!(error.code, "restore-differs");
    assert!(!shop.path("restored.sqlite").exists());
}

#[test]
fn t60_every_change_of_content_fails_the_proof_whatever_the_size() {
    check_changed_dump("delete from loans where book = 3", "table `loans` has 2 rows instead of 3");
    check_changed_dump("update books set title = 'y' where title = 'x'", "other values in them");
    check_changed_dump("update books set cover = cast(cover as text)", "other values in them");
    check_changed_dump(
        "update sqlite_sequence set seq = 7",
        "sequence `books` stands at 7 instead of 41",
    );
    check_changed_dump("drop view late", "view late is missing");
    check_changed_dump("drop index loans_day", "index loans.loans_day is missing");
    check_changed_dump("drop trigger t", "t is missing");
    check_changed_dump("create table extra (a)", "table extra was not expected");
}

#[test]
fn t64_a_ledger_that_is_not_the_one_of_the_data_fails_the_proof() {
    check_changed_dump(
        "insert into __drizzle_migrations (hash, created_at) values ('new', 1800000000000)",
        "table `__drizzle_migrations` has 2 rows instead of 1",
    );
    check_changed_dump("drop table __drizzle_migrations", "table __drizzle_migrations is missing");
}

#[test]
fn t51_a_truncated_dump_is_noticed_by_hash_and_by_restore() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    let dump = backup.path().join("database.sqlite");
    let bytes = std::fs::read(&dump).unwrap();
    std::fs::write(&dump, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(verify_again(&backup).unwrap_err().code, "backup-damaged");
    rehash(&backup);
    assert!(!matches!(verify_again(&backup), Ok(Outcome::Verified(_))));
}

#[test]
fn a_manifest_of_another_day_fails_the_proof() {
    let shop = Shop::new();
    let old = shop.take().backup;
    Connection::open(shop.path("shop.sqlite"))
        .unwrap()
        .execute_batch("update books set title = 'edited' where id = 3")
        .unwrap();
    let new = shop.take().backup;
    let stale = tamper(&new, |it| *it = old.manifest().clone());
    let found = differences(verify_again(&stale).unwrap());
    assert_eq!(found, ["table `books` has 3 rows as expected, but other values in them"]);
    let foreign = tamper(&new, |it| it.fingerprint_with_ledgers = it.fingerprint.clone());
    let found = differences(verify_again(&foreign).unwrap());
    assert!(found[0].contains("do not belong together"), "{found:?}");
}

#[test]
fn an_unproven_backup_says_so_and_protects_nothing() {
    let shop = Shop::new();
    let taken = shop.take_with(Proof::None, &mut Silent).unwrap();
    assert!(taken.verified.is_none());
    assert!(Backup::open(taken.backup.path()).unwrap().manifest().verified.is_none());
    assert!(latest(&shop, 0).is_none());
    assert!(matches!(verify_again(&taken.backup).unwrap(), Outcome::Verified(_)));
}

/// The backup that would be used so many minutes after it was taken.
pub(super) fn latest(shop: &Shop, minutes: i64) -> Option<VerifiedBackup> {
    let mut session = raingauge_engine::connect::Session::open(
        &shop.live,
        raingauge_engine::connect::Access::ReadOnly,
    )
    .unwrap();
    let source = Source::of(&mut session, &shop.live).unwrap();
    let (now, max_age) =
        (now() + SignedDuration::from_mins(minutes), SignedDuration::from_hours(1));
    latest_verified(&shop.dir(), &Wanted { source: &source, fingerprint: None, now, max_age })
        .unwrap()
}

#[test]
fn only_a_young_intact_backup_of_the_same_database_is_used() {
    let shop = Shop::new();
    assert!(latest(&shop, 0).is_none());
    let backup = shop.take().backup;
    assert!(latest(&shop, 59).is_some());
    assert!(latest(&shop, 61).is_none());
    assert!(latest(&shop, -1).is_none());
    let folder = tempfile::tempdir().unwrap();
    let other = Shop { folder, live: shop.live.clone(), keys: Keys::default() };
    std::fs::create_dir_all(other.dir()).unwrap();
    assert!(latest(&other, 0).is_none());
    let elsewhere = tamper(&backup, |it| it.source.host = "/elsewhere/shop.sqlite".to_owned());
    assert!(latest(&shop, 0).is_none());
    tamper(&elsewhere, |it| *it = backup.manifest().clone());
    assert!(latest(&shop, 0).is_some());
    std::fs::write(backup.path().join("database.sqlite"), "").unwrap();
    assert!(latest(&shop, 0).is_none());
}

#[test]
fn a_run_that_stops_anywhere_leaves_no_half_backup_and_keeps_the_earlier_ones() {
    let shop = Shop::new();
    let earlier = shop.take().backup;
    let before = snapshot(earlier.path());
    for boundary in BOUNDARIES {
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            shop.take_with(Proof::Restore(&mut scratch()), &mut StopAt(boundary))
        }));
        assert!(stopped.is_err(), "{boundary} was not reached");
        assert_eq!(names(&shop.dir()), ["20260102T030405Z-shop"], "{boundary}");
    }
    assert_eq!(snapshot(earlier.path()), before);
}

#[test]
fn a_killed_run_leaves_no_half_backup_and_the_next_one_cleans_up() {
    if let Ok(work) = std::env::var(VICTIM) {
        let (boundary, folder) = work.split_once(' ').unwrap();
        let (dir, folder) = (Path::new(folder).join(".raingauge/backups"), Path::new(folder));
        let live = target(folder.join("shop.sqlite"));
        let request = Request {
            live: &live,
            dir: &dir,
            migrations: None,
            client: None,
            keys: &Keys::default(),
            any_space: false,
            at: now(),
        };
        let _ = take(&request, Proof::Restore(&mut scratch()), &mut DieAt(boundary.to_owned()));
        return;
    }
    let test = "backup::sqlite::a_killed_run_leaves_no_half_backup_and_the_next_one_cleans_up";
    for boundary in BOUNDARIES {
        let shop = Shop::new();
        run_victim(test, boundary, &shop.folder.path().display().to_string());
        assert_eq!(names(&shop.dir()), [".partial-20260102T030405Z-shop"], "{boundary}");
        assert!(list(&shop.dir()).unwrap().backups.is_empty());
        shop.take();
        assert_eq!(names(&shop.dir()), ["20260102T030405Z-shop"], "{boundary}");
    }
}

#[test]
fn restore_sh_restores_without_raingauge_and_refuses_what_it_should() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    let url = format!("file:{}", shop.path("restored.sqlite").display());
    let (done, said) = run_restore_sh(backup.path(), &url, &[]);
    assert!(done, "{said}");
    let state = Shop::state(shop.path("restored.sqlite"));
    assert_eq!(shop.live_state().differences(&state), Vec::<String>::new());

    let (done, said) = run_restore_sh(backup.path(), &url, &[]);
    assert!(!done && said.contains("exists and is not empty"), "{said}");

    std::fs::write(backup.path().join("database.sqlite"), "short").unwrap();
    let (done, said) = run_restore_sh(backup.path(), &shop.path("b").display().to_string(), &[]);
    assert!(!done && said.contains("database.sqlite: FAILED"), "{said}");
    assert!(!shop.path("b").exists());
}

#[test]
fn two_backups_at_once_get_two_names() {
    let shop = Shop::new();
    std::thread::scope(|scope| {
        let both = [scope.spawn(|| shop.take()), scope.spawn(|| shop.take())];
        for it in both {
            it.join().unwrap();
        }
    });
    assert_eq!(names(&shop.dir()), ["20260102T030405Z-shop", "20260102T030405Z-shop-2"]);
}

#[test]
fn a_missing_database_leaves_no_folder_behind() {
    let shop = Shop::new();
    std::fs::remove_file(shop.path("shop.sqlite")).unwrap();
    let error = shop.take_with(Proof::None, &mut Silent).unwrap_err();
    assert_eq!(error.code, "sqlite-missing");
    assert!(!shop.dir().exists());
}
