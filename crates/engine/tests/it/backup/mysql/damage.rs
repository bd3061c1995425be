//! Everything that can be wrong with a backup of MySQL or MariaDB, one by one: all of it is noticed.

use raingauge_engine::scratch::{Scratch, ScratchOptions};

use super::*;

impl Shop {
    /// Restores it into scratch on the server that is there already, and compares everything.
    fn verify_again(&self, backup: &Backup) -> raingauge_engine::Result<Outcome> {
        let (live, url) = (self.dsn(&self.database.name), self.dsn("mysql"));
        let options = ScratchOptions::new(Dialect::MySql);
        let options = ScratchOptions { live: Some(live), scratch_url: Some(url), ..options };
        let mut scratch = Scratch::open(options).unwrap();
        let client = self.client.as_ref();
        verify(backup, Prover { scratch: &mut scratch, client, now: now() }, &mut Silent)
    }
}

/// Puts another dump in place of the backup's, one of live after these changes, and expects a difference for each.
#[track_caller]
fn check_changed_dump(shop: &Shop, changes: &[(&str, &str)]) {
    let backup = shop.take().unwrap().backup;
    let vendor = shop.database.server.vendor;
    for (sql, _) in changes {
        shop.database.sql(sql).unwrap_or_else(|it| panic!("{vendor:?}: {sql}: {it}"));
    }
    let other = shop.take().unwrap().backup;
    std::fs::copy(other.path().join("database.sql"), backup.path().join("database.sql")).unwrap();
    rehash(&backup);
    let found = differences(shop.verify_again(&backup).unwrap());
    for (_, expected) in changes {
        assert!(found.iter().any(|it| it.contains(expected)), "{vendor:?}: {expected}: {found:?}");
    }
}

#[test]
fn t60_every_change_of_content_in_mysql_fails_the_proof_whatever_the_size() {
    for server in servers() {
        let shop = Shop::new(&server);
        check_changed_dump(
            &shop,
            &[
                (
                    "update books set price = 1.2 where id = 1",
                    "table `books` has 3 rows as expected, but",
                ),
                ("delete from loans where book = 3", "table `loans` has 2 rows instead of 3"),
                ("update numbers set f = 16777219 / 3 where id = 1", "table `numbers` has"),
                (
                    "alter table books auto_increment = 50",
                    "`books` stands at next_value 50 instead of next_value 42",
                ),
                (
                    "insert into visits values ('2026-01-01')",
                    "table `visits` has 3 rows instead of 2",
                ),
                (
                    "delete from __drizzle_migrations",
                    "table `__drizzle_migrations` has 0 rows instead of 1",
                ),
            ],
        );
        if server.vendor == Vendor::MariaDb {
            check_changed_dump(
                &shop,
                &[
                    ("do nextval(tickets)", "`tickets` stands at"),
                    ("delete history from past", "table `past` has"),
                ],
            );
        }
    }
}

#[test]
fn t55_every_change_of_structure_in_mysql_fails_the_proof() {
    for server in servers() {
        check_changed_dump(
            &Shop::new(&server),
            &[
                ("drop view late", "view late is missing"),
                ("drop function one", "function one is missing"),
                ("drop procedure buy", "procedure buy is missing"),
                ("drop trigger books_before", "books_before is missing"),
                ("drop event cleaning", "event cleaning is missing"),
                ("alter table loans drop foreign key loans_ibfk_1", "loans_ibfk_1 is missing"),
                ("alter table loans add check (book <> 7)", "was not expected"),
                (
                    "alter table books modify title varchar(99) null",
                    "column books.title: not null is",
                ),
                ("drop index loans_day on loans", "loans_day is missing"),
                ("alter table parts comment 'else'", "comment on table.parts was not expected"),
                ("create table more (a int)", "table more was not expected"),
                ("drop table __drizzle_migrations", "table __drizzle_migrations is missing"),
            ],
        );
    }
}

#[test]
fn a_grant_of_mysql_that_is_missing_in_the_backup_is_noticed() {
    for server in servers() {
        let shop = Shop::new(&server);
        let account = format!("reader_{}", shop.database.name);
        shop.database
            .sql(&format!(
                "create user `{account}`@'%' identified by 'x'; grant select on `{0}`.* to `{account}`@'%'; \
                 grant update (title), insert on `{0}`.books to `{account}`@'%' with grant option",
                shop.database.name
            ))
            .unwrap();
        let backup = shop.take().unwrap().backup;
        let path = backup.path().join("grants.sql");
        let grants = std::fs::read_to_string(&path).unwrap();
        for grant in [
            format!("GRANT SELECT ON * TO '{account}'@'%';\n"),
            format!("GRANT INSERT ON `books` TO '{account}'@'%' WITH GRANT OPTION;\n"),
            format!("GRANT UPDATE (`title`) ON `books` TO '{account}'@'%' WITH GRANT OPTION;\n"),
        ] {
            assert!(grants.contains(&grant), "{:?}: {grants}", server.vendor);
            std::fs::write(&path, grants.replace(&grant, "")).unwrap();
            rehash(&backup);
            let found = differences(shop.verify_again(&backup).unwrap());
            assert_eq!(found, ["`grants.sql` and `catalog.json` do not belong together"]);
        }
        std::fs::write(&path, &grants).unwrap();
        rehash(&backup);
        assert!(matches!(shop.verify_again(&backup), Ok(Outcome::Verified(_))));
        // They can be given again, in another database.
        let copy = shop.restore(&backup).unwrap();
        copy.sql(&grants).unwrap();
        let shown = |name: &str| {
            let sql = "select privilege_type from information_schema.table_privileges where table_schema = database() \
                union all select privilege_type from information_schema.schema_privileges where table_schema = database() \
                and grantee like '%reader%' order by 1";
            server.sql(name, sql).unwrap()
        };
        assert_eq!(shown(&copy.name), shown(&shop.database.name));
        server.sql("mysql", &format!("drop user `{account}`@'%'")).unwrap();
    }
}

#[test]
fn one_flipped_byte_in_any_file_of_mysqls_backup_is_noticed() {
    for server in servers() {
        let shop = Shop::new(&server);
        let backup = shop.take().unwrap().backup;
        for (path, bytes) in snapshot(backup.path()) {
            for at in [0, bytes.len() / 2, bytes.len() - 1] {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                std::fs::write(backup.path().join(&path), damaged).unwrap();
                let error = Backup::open(backup.path()).and_then(|it| it.check()).unwrap_err();
                let codes = ["backup-damaged", "backup-unreadable"];
                assert!(codes.contains(&error.code), "{path} at {at}: {error}");
            }
            std::fs::write(backup.path().join(&path), bytes).unwrap();
        }
        backup.check().unwrap();
    }
}

#[test]
fn t51_a_truncated_dump_of_mysql_and_a_manifest_of_another_day_fail_the_proof() {
    for server in servers() {
        let shop = Shop::new(&server);
        let old = shop.take().unwrap().backup;
        let path = old.path().join("database.sql");
        let whole = std::fs::read(&path).unwrap();
        // Behind the first statements, in the middle of one, at the end of one.
        let end = whole.windows(2).rposition(|it| it == b";\n").unwrap();
        for at in [2000, whole.len() / 2, end - 200, end + 2 - 100] {
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(shop.verify_again(&old).unwrap_err().code, "backup-damaged");
            rehash(&old);
            let proven = shop.verify_again(&old);
            assert!(!matches!(proven, Ok(Outcome::Verified(_))), "{:?} at {at}", server.vendor);
        }
        std::fs::write(&path, whole).unwrap();
        rehash(&old);
        assert!(matches!(shop.verify_again(&old), Ok(Outcome::Verified(_))));

        shop.database.sql("update books set title = 'edited' where id = 2").unwrap();
        let new = shop.take().unwrap().backup;
        let stale = tamper(&new, |it| *it = old.manifest().clone());
        let found = differences(shop.verify_again(&stale).unwrap());
        assert_eq!(found, ["table `books` has 3 rows as expected, but other values in them"]);
    }
}
