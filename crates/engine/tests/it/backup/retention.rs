//! Older backups go only by rule, and never the last good one.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use raingauge_engine::backup::*;
use raingauge_engine::connect::Dsn;
use raingauge_engine::progress::Silent;
use raingauge_engine::scratch::{Scratch, ScratchOptions};
use raingauge_schema::Dialect;
use tempfile::TempDir;

use super::{names, now};

/// Backups of a small file, made at chosen times.
struct Cellar {
    folder: TempDir,
}

impl Cellar {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cellar = Self { folder };
        cellar.make("wine.sqlite");
        cellar
    }

    fn make(&self, file: &str) {
        let sql = "create table bottles (n); insert into bottles values (1)";
        rusqlite::Connection::open(self.folder.path().join(file))
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    fn take(&self, file: &str, at: Timestamp, verify: bool) -> Backup {
        let url = format!("file:{}", self.folder.path().join(file).display());
        let live = Dsn::parse(&url, Dialect::Sqlite).unwrap();
        let mut scratch = Scratch::open(ScratchOptions::new(Dialect::Sqlite)).unwrap();
        let dir = self.dir();
        let request = Request {
            live: &live,
            dir: &dir,
            migrations: None,
            client: None,
            keys: &Keys::default(),
            any_space: false,
            at,
        };
        let proof = if verify { Proof::Restore(&mut scratch) } else { Proof::None };
        take(&request, proof, &mut Silent).unwrap().backup
    }

    /// Backups of so many days ago, in the order given.
    fn aged(&self, days: &[i64]) -> Vec<Backup> {
        let ago = |it: &i64| now() - SignedDuration::from_hours(24 * it);
        days.iter().map(|it| self.take("wine.sqlite", ago(it), true)).collect()
    }

    fn prune(&self, newest: &Backup, retention: Retention) -> usize {
        let source = &newest.manifest().source;
        let removed = prune(&self.dir(), source, retention, now()).unwrap();
        assert!(removed.iter().all(|it| !it.exists()));
        removed.len()
    }
}

const LAST_TWO: Retention = Retention { keep_last: Some(2), keep_days: None };
const NOTHING_YOUNG: Retention = Retention { keep_last: None, keep_days: Some(1) };

#[test]
fn a_backup_goes_when_no_rule_keeps_it() {
    let cellar = Cellar::new();
    let backups = cellar.aged(&[9, 5, 3, 1, 0]);
    let newest = &backups[4];
    assert_eq!(cellar.prune(newest, Retention::default()), 0, "no rule, no removal");
    let both = Retention { keep_last: Some(2), keep_days: Some(4) };
    assert_eq!(cellar.prune(newest, both), 2);
    assert_eq!(cellar.prune(newest, LAST_TWO), 1);
    assert_eq!(names(&cellar.dir()).len(), 2);
    for kept in &backups[3..] {
        kept.check().unwrap();
    }
}

#[test]
fn t58_the_last_verified_backup_never_goes_whatever_its_age() {
    let cellar = Cellar::new();
    let good = cellar.aged(&[400]).remove(0);
    let unproven = cellar.take("wine.sqlite", now(), false);
    for retention in [LAST_TWO, NOTHING_YOUNG, Retention { keep_last: Some(1), keep_days: Some(0) }]
    {
        assert_eq!(cellar.prune(&unproven, retention), 0, "{retention:?}");
    }
    good.check().unwrap();
}

#[test]
fn t58_a_damaged_backup_is_not_the_last_good_one() {
    let cellar = Cellar::new();
    let backups = cellar.aged(&[30, 20, 10]);
    std::fs::write(backups[2].path().join("database.sqlite"), "rubbish").unwrap();
    let last_one = Retention { keep_last: Some(1), keep_days: None };
    assert_eq!(cellar.prune(&backups[2], last_one), 1);
    backups[1].check().unwrap();
    assert!(backups[2].path().exists(), "what is newer than the good one stays too");
}

#[test]
fn an_unverified_backup_takes_nobodys_place() {
    let cellar = Cellar::new();
    let backups = cellar.aged(&[8, 6]);
    let hours = |n| now() - SignedDuration::from_hours(n);
    let unproven: Vec<_> = [5, 4, 3].map(|it| cellar.take("wine.sqlite", hours(it), false)).into();
    let newest = cellar.take("wine.sqlite", now(), true);
    assert_eq!(cellar.prune(&newest, LAST_TWO), 4, "three that were never proven, and the oldest");
    assert!(unproven.iter().all(|it| !it.path().exists()) && !backups[0].path().exists());
    backups[1].check().unwrap();
}

#[test]
fn what_belongs_to_another_database_or_cannot_be_read_stays() {
    let cellar = Cellar::new();
    cellar.make("beer.sqlite");
    let old = now() - SignedDuration::from_hours(24 * 300);
    let other = cellar.take("beer.sqlite", old, true);
    std::fs::create_dir(cellar.dir().join("20200101T000000Z-notes")).unwrap();
    let backups = cellar.aged(&[200, 100, 0]);
    assert_eq!(cellar.prune(&backups[2], NOTHING_YOUNG), 2);
    other.check().unwrap();
    assert_eq!(names(&cellar.dir()).len(), 3);
}
