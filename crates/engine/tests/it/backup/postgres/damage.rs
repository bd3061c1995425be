//! Everything that can be wrong with a backup, one by one: all of it is noticed.

use super::*;

/// Puts another dump in place of the backup's, one of live after each of these changes, and expects
/// each difference.
#[track_caller]
fn check_changed_dump(changes: &[(&str, &str)]) {
    let shop = Shop::new();
    let backup = shop.take().backup;
    for (sql, expected) in changes {
        shop.database.sql(sql).unwrap();
        let mut dump = shop.server.client("pg_dump");
        let Database::Postgres(database) = &shop.database else { panic!("it is PostgreSQL") };
        let archive = backup.path().join("database.dump");
        std::fs::remove_dir_all(&archive).unwrap();
        dump.args(["-Fd", "-d"]).arg(shop.server.socket_url(&database.name));
        dump.arg("-f").arg(archive);
        Run::of(&mut dump).unwrap().success().unwrap();
        rehash(&backup);
        let found = differences(shop.verify_again(&backup).unwrap());
        assert!(found.iter().any(|it| it.contains(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn t60_every_change_of_content_fails_the_proof_whatever_the_size() {
    check_changed_dump(&[
        ("update books set price = 1.5 where id = 1", "`public.books` has 2 rows as expected, but"),
        ("update log_old set what = 'z'", "`public.log_old` has 1 rows as expected, but"),
        (
            "select setval('books_id_seq', 1)",
            "`public.books_id_seq` stands at last_value 1, is_called true instead of last_value 4711,",
        ),
        (
            "select setval('unused', 5, true)",
            "`public.unused` stands at last_value 5, is_called true",
        ),
        ("select lo_put(4242, 0, '\\x00')", "1 large objects as expected, but other bytes"),
        ("delete from stock.moves where book = 2", "`stock.moves` has 2 rows instead of 3"),
    ]);
}

#[test]
fn t53_t64_the_ledger_is_part_of_the_backup_and_of_the_proof() {
    check_changed_dump(&[
        (
            "insert into drizzle.__drizzle_migrations (hash, created_at) values ('new', 1)",
            "table `drizzle.__drizzle_migrations` has 2 rows instead of 1",
        ),
        (
            "drop schema drizzle cascade",
            "table `drizzle.__drizzle_migrations` with 1 rows is missing",
        ),
    ]);
}

#[test]
fn every_change_of_structure_fails_the_proof() {
    check_changed_dump(&[
        ("comment on table books is 'else'", "comment on table.public.books: text is `else`"),
        ("grant select on books to pg_read_all_data", "was not expected"),
        ("alter view cheap owner to pg_read_all_data", "view public.cheap belongs to"),
        ("alter function touch() cost 7", "function public.touch"),
        ("drop trigger touch on books", "trigger public.books.touch is missing"),
        ("drop function touch()", "function public.touch() is missing"),
        (
            "alter table stock.moves add check (n > 0) not valid",
            "check stock.moves.moves_n_check was not expected",
        ),
        ("alter domain isbn drop constraint isbn_check", "domain public.isbn"),
        ("alter table books alter title drop not null", "column public.books.title: not null is"),
        ("drop view cheap", "view public.cheap is missing"),
        (
            "drop table drizzle.__drizzle_migrations",
            "table drizzle.__drizzle_migrations is missing",
        ),
        ("create index on books (title)", "index public.books.books_title_idx was not expected"),
        ("create extension tablefunc", "extension tablefunc was not expected"),
    ]);
}

#[test]
fn t55_a_dump_without_programs_is_not_complete() {
    check_changed_dump(&[
        (
            "drop trigger touch on books; drop function touch()",
            "function public.touch() is missing",
        ),
        (
            "revoke all on schema stock from public; revoke usage on schema stock from postgres",
            "grant",
        ),
        ("drop sequence unused", "`public.unused` stands at missing instead of last_value 5"),
    ]);
}

#[test]
fn one_flipped_byte_in_any_file_is_noticed() {
    let shop = Shop::new();
    let backup = shop.take().backup;
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

#[test]
fn a_manifest_of_another_day_fails_the_proof() {
    let shop = Shop::new();
    let old = shop.take().backup;
    shop.database.sql("update books set title = 'edited' where id = 2").unwrap();
    let new = shop.take().backup;
    let stale = tamper(&new, |it| *it = old.manifest().clone());
    let found = differences(shop.verify_again(&stale).unwrap());
    assert_eq!(found, ["table `public.books` has 2 rows as expected, but other values in them"]);
}

#[test]
fn t51_a_truncated_dump_does_not_restore() {
    let shop = Shop::new();
    let backup = shop.take().backup;
    let dump = backup.path().join("database.dump");
    // Each file in turn: the table of contents as well as each table's rows.
    for name in names(&dump) {
        let file = dump.join(&name);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(shop.verify_again(&backup).unwrap_err().code, "backup-damaged", "{name}");
        rehash(&backup);
        assert!(!matches!(shop.verify_again(&backup), Ok(Outcome::Verified(_))), "{name}");
        std::fs::write(&file, bytes).unwrap();
    }
    rehash(&backup);
    assert!(matches!(shop.verify_again(&backup), Ok(Outcome::Verified(_))));
}
