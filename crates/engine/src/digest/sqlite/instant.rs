//! Connections that see one instant of a file.

use rusqlite::Connection;

use crate::Result;
use crate::connect::dsn::SqliteTarget;
use crate::connect::{Access, SqliteSession};

use super::unreadable;

/// How often all begin anew because somebody wrote meanwhile.
const ATTEMPTS: usize = 100;

/// Opens `n` connections in read transactions that see the same instant, or a single one if others write
/// without a pause.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn at_one_instant(target: &SqliteTarget, n: usize) -> Result<Vec<SqliteSession>> {
    begun_of(target, n, &mut || ())
}

fn begun_of(
    target: &SqliteTarget,
    n: usize,
    begun: &mut dyn FnMut(),
) -> Result<Vec<SqliteSession>> {
    let open = |_| SqliteSession::open(target, Access::ReadOnly);
    let mut sessions = (0..n.max(1)).map(open).collect::<Result<Vec<_>>>()?;
    for _ in 0..ATTEMPTS {
        if begin_together(&mut sessions, &mut *begun).map_err(unreadable)? {
            return Ok(sessions);
        }
    }
    sessions.truncate(1);
    begin_together(&mut sessions, begun).map_err(unreadable)?;
    Ok(sessions)
}

/// Begins a transaction in each, and calls `begun` after it. Whether nobody has committed since before the
/// first began: then all see what was there at that time. Otherwise none has begun.
///
/// Two answers of `PRAGMA data_version` on one connection differ if another one committed in between
/// (<https://sqlite.org/pragma.html#pragma_data_version>); the second is the first read of the transaction.
fn begin_together(
    sessions: &mut [SqliteSession],
    mut begun: impl FnMut(),
) -> rusqlite::Result<bool> {
    let version = |it: &Connection| -> rusqlite::Result<i64> {
        it.query_row("PRAGMA data_version", [], |row| row.get(0))
    };
    let before = sessions
        .iter_mut()
        .map(|it| version(it.connection()))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut after = Vec::new();
    for session in &mut *sessions {
        session.connection().execute_batch("BEGIN")?;
        after.push(version(session.connection())?);
        begun();
    }
    if before == after || sessions.len() == 1 {
        return Ok(true);
    }
    for session in sessions {
        session.connection().execute_batch("ROLLBACK")?;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::digest::sqlite::read;

    fn made(journal_mode: &str) -> (tempfile::TempDir, SqliteTarget) {
        let folder = tempfile::tempdir().unwrap();
        let target = SqliteTarget { path: folder.path().join("shop.sqlite") };
        let mut session = SqliteSession::open(&target, Access::Create).unwrap();
        session
            .run(&format!(
                "PRAGMA journal_mode = {journal_mode}; CREATE TABLE t (a); CREATE TABLE u (a);"
            ))
            .unwrap();
        (folder, target)
    }

    fn counts(sessions: &mut [SqliteSession]) -> Vec<String> {
        let count = |it: &mut SqliteSession| {
            it.rows("SELECT count(*) FROM t").unwrap()[0][0].clone().unwrap()
        };
        sessions.iter_mut().map(count).collect()
    }

    #[test]
    fn a_commit_between_two_connections_is_noticed() {
        let (_folder, target) = made("wal");
        let mut writer = SqliteSession::open(&target, Access::ReadWrite).unwrap();
        let open = |_| SqliteSession::open(&target, Access::ReadOnly).unwrap();
        let mut sessions: Vec<_> = (0..3).map(open).collect();
        let mut n_begun = 0;
        let write_after_the_second = || {
            n_begun += 1;
            if n_begun == 2 {
                writer.run("INSERT INTO t VALUES (1)").unwrap();
            }
        };
        assert!(!begin_together(&mut sessions, write_after_the_second).unwrap());
        assert!(begin_together(&mut sessions, || ()).unwrap());
        writer.run("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(counts(&mut sessions), ["1", "1", "1"]);
    }

    #[test]
    fn without_a_log_nobody_commits_once_the_first_has_begun() {
        let (_folder, target) = made("delete");
        let mut sessions = at_one_instant(&target, 3).unwrap();
        let mut writer = SqliteSession::open(&target, Access::ReadWrite).unwrap();
        writer.connection().busy_timeout(std::time::Duration::ZERO).unwrap();
        assert!(writer.run("INSERT INTO t VALUES (1)").is_err());
        assert_eq!(counts(&mut sessions), ["0", "0", "0"]);
    }

    #[test]
    fn beside_somebody_who_never_pauses_one_connection_is_left() {
        let (_folder, target) = made("wal");
        let mut writer = SqliteSession::open(&target, Access::ReadWrite).unwrap();
        let mut always = || writer.run("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(begun_of(&target, 3, &mut always).unwrap().len(), 1);
    }

    #[test]
    fn several_connections_read_what_one_reads() {
        let (_folder, target) = made("wal");
        let mut session = SqliteSession::open(&target, Access::ReadWrite).unwrap();
        session.run("INSERT INTO t VALUES (1), (2); INSERT INTO u VALUES ('x')").unwrap();
        let mut several = at_one_instant(&target, 3).unwrap();
        let several = several.iter_mut().map(SqliteSession::connection);
        let alone = read([session.connection()], &AtomicU64::new(0)).unwrap();
        assert_eq!(read(several, &AtomicU64::new(0)).unwrap(), alone);
        assert_eq!(alone.n_rows(), 3);
    }
}
