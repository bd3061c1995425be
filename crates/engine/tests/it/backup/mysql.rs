//! MySQL and MariaDB: the whole way, and everything that must be noticed.

mod damage;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use raingauge_schema::Dialect;
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};
use tempfile::TempDir;

use super::*;
use crate::mysql_catalog::everything;
use raingauge_engine::backup::*;
use raingauge_engine::client::ProgramSource;
use raingauge_engine::connect::Dsn;
use raingauge_engine::progress::Silent;

const SHOP: &str = include_str!("mysql/shop.sql");
const MYSQL_SHOP: &str = include_str!("mysql/shop_mysql.sql");
const MARIADB_SHOP: &str = include_str!("mysql/shop_mariadb.sql");

/// A live database with a folder for its backups.
pub(super) struct Shop {
    folder: TempDir,
    database: MySqlDatabase,
    client: Option<ProgramSource>,
}

impl Shop {
    pub(super) fn new(server: &Arc<MySql>) -> Self {
        let database = server.database("shop").unwrap();
        let more = match server.vendor {
            Vendor::MySql => MYSQL_SHOP,
            Vendor::MariaDb => MARIADB_SHOP,
        };
        database.sql(SHOP).unwrap();
        database.sql(more).unwrap();
        // What was made before keeps the collation that the database had then.
        database.sql(&format!("alter database `{}` collate utf8mb4_bin", database.name)).unwrap();
        Self::of(database)
    }

    fn of(database: MySqlDatabase) -> Self {
        let client = database.server.release.client_folder().unwrap().map(ProgramSource::Folder);
        Self { folder: tempfile::tempdir().unwrap(), database, client }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    fn dsn(&self, database: &str) -> Dsn {
        Dsn::parse(&self.database.server.url(database), Dialect::MySql).unwrap()
    }

    fn take_as(
        &self,
        live: &Dsn,
        client: Option<&ProgramSource>,
    ) -> raingauge_engine::Result<Taken> {
        let keys = Keys::default();
        let dir = self.dir();
        let request = Request {
            live,
            dir: &dir,
            migrations: None,
            client,
            keys: &keys,
            any_space: false,
            at: now(),
        };
        take(&request, Proof::None, &mut Silent)
    }

    pub(super) fn take(&self) -> raingauge_engine::Result<Taken> {
        self.take_as(&self.dsn(&self.database.name), self.client.as_ref())
    }

    /// Restores into a new database of the same server, which compares everything.
    fn restore(&self, backup: &Backup) -> raingauge_engine::Result<MySqlDatabase> {
        // Dropped again in any case.
        let copy = self.database.server.database("copy").unwrap();
        copy.sql(&format!("drop database `{}`", copy.name)).unwrap();
        let to = self.dsn(&copy.name);
        let destination = Destination { to: &to, client: self.client.as_ref() };
        restore(backup, &destination, &mut Silent).map(|_| copy)
    }
}

#[track_caller]
fn shown(error: &raingauge_engine::Error) -> String {
    format!("{}: {error}: {:?}", error.code, error.causes())
}

#[test]
fn t55_a_backup_of_mysql_comes_back_whole() {
    for server in servers() {
        let shop = Shop::new(&server);
        let taken = shop.take().unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
        let manifest = taken.backup.manifest();
        let state = &manifest.contents.sequences["books"];
        assert_eq!((manifest.verified.is_some(), state.as_str()), (false, "next_value 42"));
        let copy = shop.restore(&taken.backup);
        let copy = copy.unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
        let values = "select cast(f as double), cast(d as char) from numbers order by id";
        assert_eq!(copy.sql(values).unwrap(), shop.database.sql(values).unwrap());
        // The database's own settings, which surround programs in the dump, are live's still.
        let collation = "select @@collation_database";
        assert_eq!(shop.database.sql(collation).unwrap().trim(), "utf8mb4_bin");
        assert_eq!(names(&shop.dir()).len(), 1);
    }
}

/// Takes a backup of a database with everything that the server knows, and restores it.
pub(crate) fn everything_comes_back(server: &Arc<MySql>) {
    let mut shop = Shop::of(everything(server));
    if server.release.series == "10.6" {
        // Its own program cannot write the history of tables; that of a newer release can.
        let error = shop.take().unwrap_err();
        assert_eq!(error.code, "mysql-client-too-old", "{}", shown(&error));
        shop.client = None;
    }
    let taken = shop.take().unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
    shop.restore(&taken.backup).unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
}

#[test]
fn t55_everything_that_a_server_knows_comes_back() {
    for server in servers() {
        everything_comes_back(&server);
    }
}

/// Columns that may be NULL: with NULL as their default, and without any.
const BARE: &str = "create table `ba``re` (id int primary key, a int null, `b``c` date null, kept int null, words text null) \
        partition by hash (id) partitions 2; \
    create table other (id int primary key, extra json null, loud int as (id * 2) virtual); \
    insert into `ba``re` values (1, null, null, null, null), (2, 3, '2026-01-01', 4, 'five'); \
    alter table `ba``re` alter column a drop default, alter column `b``c` drop default; \
    alter table other alter column extra drop default;";

#[test]
fn a_column_without_any_default_that_may_be_null_comes_back_without_one() {
    for server in servers() {
        let shop = Shop::of(server.database("bare").unwrap());
        shop.database.sql(BARE).unwrap();
        let taken = shop.take().unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
        let ours = shop.restore(&taken.backup);
        let ours = ours.unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
        let scripts = server.database("copy").unwrap();
        let bin = server.release.client_folder().unwrap().unwrap_or_default();
        let client = bin.join(server.release.client_program()).display().to_string();
        let programs = [client.as_str(), "mkdir", "readlink"];
        let (done, said) =
            run_restore_sh(taken.backup.path(), &server.url(&scripts.name), &programs);
        assert!(done, "{:?}: {said}", server.vendor);
        for table in ["`ba``re`", "other"] {
            let made = format!("show create table {table}");
            let expected = shop.database.sql(&made).unwrap();
            for copy in [&ours, &scripts] {
                assert_eq!(copy.sql(&made).unwrap(), expected, "{:?}", server.vendor);
            }
        }
        // Whoever leaves the value out is answered the same.
        let answer = |it: &MySqlDatabase| {
            let strict = "set sql_mode = 'STRICT_ALL_TABLES'; insert into `ba``re` (id) values (7)";
            it.sql(strict).is_ok()
        };
        let expected = answer(&shop.database);
        assert_eq!((answer(&ours), answer(&scripts)), (expected, expected), "{:?}", server.vendor);
    }
}

#[test]
fn a_backup_of_mysql_is_restored_without_us() {
    for server in servers() {
        let shop = Shop::new(&server);
        let backup = shop.take().unwrap().backup;
        let copy = server.database("copy").unwrap();
        let bin = server.release.client_folder().unwrap().unwrap_or_default();
        let client = bin.join(server.release.client_program()).display().to_string();
        let programs = [client.as_str(), "mkdir", "readlink"];
        let run = |url: &str| run_restore_sh(backup.path(), url, &programs);
        let (done, said) = run(&server.url(&copy.name));
        assert!(done && said.contains("restored"), "{:?}: {said}", server.vendor);
        compare(&backup, &shop.dsn(&copy.name)).unwrap_or_else(|it| panic!("{}", shown(&it)));
        let (done, said) = run(&server.url(&copy.name));
        assert!(!done && said.contains("not empty"), "{said}");
        let (done, said) = run(&server.url("nowhere"));
        assert!(
            !done
                && said.contains("create database NAME character set utf8mb4 collate utf8mb4_bin"),
            "{said}"
        );
        let (done, said) = run("postgresql://u@h/d");
        assert!(!done && said.contains("mysql://user"), "{said}");
    }
}

#[test]
fn t56_the_other_flavours_program_is_refused_before_anything_is_written() {
    for server in servers().into_iter().filter(|it| it.vendor == Vendor::MySql) {
        let shop = Shop::new(&server);
        let live = shop.dsn(&shop.database.name);
        let usual = ProgramSource::Folder(PathBuf::from("/usr/bin"));
        let error = shop.take_as(&live, Some(&usual)).unwrap_err();
        assert_eq!(error.code, "mysql-client-missing");
        assert!(error.message.contains("MariaDB's"), "{error}");
        assert_eq!(names(&shop.dir()), Vec::<String>::new());
    }
}

#[test]
fn whatever_is_changed_in_a_dump_of_mysql_is_noticed() {
    for server in servers() {
        let shop = Shop::new(&server);
        let backup = shop.take().unwrap().backup;
        let path = backup.path().join("database.sql");
        let whole = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("'plain',", "'Plain',"),
            ("CREATE DEFINER=`nobody`@`%` PROCEDURE", "CREATE PROCEDURE"),
            ("AUTO_INCREMENT=42", "AUTO_INCREMENT=43"),
            ("5592405.5", "5592410"),
            ("COLLATE latin1_swedish_ci", "COLLATE latin1_bin"),
            ("(1,'2026-01-01'),", ""),
        ] {
            assert!(whole.contains(from), "{:?}: no {from} in {whole}", server.vendor);
            std::fs::write(&path, whole.replacen(from, to, 1)).unwrap();
            assert_eq!(shop.restore(&backup).unwrap_err().code, "backup-damaged");
            rehash(&backup);
            let error = shop.restore(&backup).expect_err(from);
            assert_eq!(error.code, "restore-differs", "{from}: {}", shown(&error));
        }
        let stale = tamper(&backup, |it| {
            it.contents.sequences.insert("books".to_owned(), "next_value 44".to_owned());
        });
        std::fs::write(&path, &whole).unwrap();
        rehash(&stale);
        assert_eq!(shop.restore(&stale).unwrap_err().code, "restore-differs");
    }
}

/// Runs a statement again and again until told to stop; returns how often.
fn write_meanwhile<T>(database: &MySqlDatabase, sql: &str, work: impl FnOnce() -> T) -> (T, usize) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let target = raingauge_engine::connect::dsn::mysql::MySqlTarget::parse(
                &database.server.url(&database.name),
            );
            let mut session = raingauge_engine::connect::MySqlSession::open(
                &target.unwrap(),
                raingauge_engine::connect::Access::ReadWrite,
            )
            .unwrap();
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                session.run(sql).unwrap();
                n += 1;
            }
            n
        });
        let outcome = work();
        stop.store(true, Ordering::Relaxed);
        (outcome, writer.join().unwrap())
    })
}

const WRITE: &str = "begin; insert into books (title) values ('more'); \
    insert into loans values (last_insert_id(), '2026-02-02'); \
    update numbers set f = f + 0.1; delete from books where 41 < id and id + 50 < last_insert_id(); commit";

#[test]
fn t55_dump_and_digests_see_one_instant_while_others_write() {
    for server in servers() {
        let shop = Shop::new(&server);
        let until = std::time::Instant::now() + load_time();
        let mut n_backups = 0;
        while n_backups < 3 || std::time::Instant::now() < until {
            let (taken, n) = write_meanwhile(&shop.database, WRITE, || shop.take());
            let taken = taken.unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
            assert!(0 < n, "nothing was written meanwhile");
            shop.restore(&taken.backup)
                .unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
            n_backups += 1;
        }
    }
}

/// The dump program, which takes its time to begin.
fn slow_programs(shop: &Shop) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let name = shop.database.server.release.dump_program();
    let folder = match &shop.client {
        Some(ProgramSource::Folder(folder)) => folder.clone(),
        _ => PathBuf::from("/usr/bin"),
    };
    let slow = tempfile::tempdir().unwrap();
    let path = slow.path().join(name);
    let program = folder.join(name);
    let wait = "case $1 in --version) ;; *) sleep 0.5 ;; esac";
    std::fs::write(&path, format!("#!/bin/sh\n{wait}\nexec '{}' \"$@\"\n", program.display()))
        .unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    slow
}

#[test]
fn t55_who_may_not_stop_writes_proves_the_instant_or_is_refused() {
    for server in servers() {
        let shop = Shop::new(&server);
        let (account, name) = (format!("plain_{}", shop.database.name), &shop.database.name);
        shop.database
            .sql(&format!(
                "create user `{account}`@'%' identified by 'pw'; grant all on `{name}`.* to `{account}`@'%'; {}",
                match server.vendor {
                    Vendor::MySql => format!(
                        // mysqldump 9.7 reads the policies of masked columns there.
                        "grant show_routine on *.* to `{account}`@'%'; \
                         grant select on performance_schema.* to `{account}`@'%'"
                    ),
                    Vendor::MariaDb => format!("grant select on mysql.* to `{account}`@'%'"),
                }
            ))
            .unwrap();
        let live = Dsn::parse(&server.url_as(&account, "pw", name), Dialect::MySql).unwrap();
        let quiet = shop.take_as(&live, shop.client.as_ref());
        let slow = slow_programs(&shop);
        let slow = ProgramSource::Folder(slow.path().to_owned());
        let (busy, _) = write_meanwhile(&shop.database, WRITE, || shop.take_as(&live, Some(&slow)));
        server.sql("mysql", &format!("drop user `{account}`@'%'")).unwrap();
        let quiet = quiet.unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
        shop.restore(&quiet.backup)
            .unwrap_or_else(|it| panic!("{:?} {}", server.vendor, shown(&it)));
        let error = busy.unwrap_err();
        assert_eq!(error.code, "rows-changed-meanwhile", "{}", shown(&error));
        assert!(error.next.concat().contains("GRANT RELOAD ON *.* TO"), "{:?}", error.next);
        assert_eq!(names(&shop.dir()).len(), 1);
    }
}

#[test]
fn t55_a_table_without_transactions_that_moves_is_named() {
    for server in servers() {
        let shop = Shop::new(&server);
        // Its rows before the ledger's: nothing is kept, and the table is named.
        let write = "insert into visits values (now())";
        let (taken, _) = write_meanwhile(&shop.database, write, || shop.take());
        let error = taken.unwrap_err();
        assert_eq!(error.code, "rows-changed-meanwhile", "{}", shown(&error));
        assert!(error.message.contains("`visits`"), "{error}");
        assert_eq!(names(&shop.dir()), Vec::<String>::new());
        shop.take().unwrap();
    }
}
