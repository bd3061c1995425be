//! A database whose dump keeps two cores busy: its contents are read beside the restore.

use std::time::{Duration, Instant};

use super::*;

/// Large, and quickly written: long values that are stored as they are.
const LARGE: &str = "create table notes (n int primary key, note text);
    insert into notes values (1, 'a'), (2, null);
    create table long (n int, value text); alter table long alter value set storage external;
    insert into long select n, repeat(md5(n::text), 32768) from generate_series(1, 64) n";

/// Does something to live at the moment when the dump is written.
struct WhenDumped<F>(F);

impl<F: FnMut()> Progress for WhenDumped<F> {
    fn begin(&mut self, _what: &str) {}

    fn boundary(&mut self, name: &str) {
        if name == "backup/dumped" {
            (self.0)();
        }
    }
}

#[test]
fn what_is_read_beside_the_restore_is_of_the_instant_of_the_dump() {
    let shop = Shop::with(LARGE);
    let mut change = WhenDumped(|| {
        shop.database
            .sql("update notes set note = 'changed'; insert into notes values (3, 'new'); delete from long where n < 9")
            .unwrap();
    });
    let proof = &mut shop.scratch();
    let taken = shop.take_as(&shop.live(), Proof::Restore(proof), &mut change).unwrap();
    let manifest = taken.backup.manifest();
    assert!(taken.verified.is_some() && 64 << 20 < manifest.source.bytes);
    assert_eq!(manifest.contents.n_rows(), 66);
    assert!(manifest.durations.digest_ms > 0);
    assert!(matches!(shop.verify_again(&taken.backup).unwrap(), Outcome::Verified(_)));

    let mut change = WhenDumped(|| {
        shop.database.sql("alter table notes add column later int").unwrap();
    });
    let error = shop.take_as(&shop.live(), Proof::Restore(&mut shop.scratch()), &mut change);
    assert_eq!(error.unwrap_err().code, "schema-changed-meanwhile");
    assert_eq!(names(&shop.dir()).len(), 1, "the good one");
}

#[test]
fn a_restore_that_fails_does_not_wait_for_what_is_read_beside_it() {
    let shop = Shop::with(LARGE);
    let mut other = Session::open(&shop.live(), Access::ReadWrite).unwrap();
    let mut dumped = None;
    let mut lock = WhenDumped(|| {
        other.run("begin; lock table public.notes").unwrap();
        dumped = Some(Instant::now());
    });
    let nowhere = &mut shop.scratch_at(dsn("postgresql://postgres@127.0.0.1:1/postgres"));
    let error = shop.take_as(&shop.live(), Proof::Restore(nowhere), &mut lock).unwrap_err();
    assert_eq!(error.code, "postgres-unreachable");
    // A locked table is waited for, for half a minute.
    assert!(dumped.unwrap().elapsed() < Duration::from_secs(20), "{:?}", dumped.unwrap().elapsed());
    assert_eq!(names(&shop.dir()), Vec::<String>::new());
}
