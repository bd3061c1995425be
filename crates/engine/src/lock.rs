//! One writer at a time.
//!
//! Drizzle takes no lock of its own, so two runners can both apply a migration. PostgreSQL: a session
//! advisory lock on a connection of its own, which the server releases when that connection ends,
//! however it ends. MySQL and MariaDB: a named lock of the server, in the same way. SQLite: an operating
//! system lock on a file beside the database, which the system releases when the process ends.

pub(crate) mod mysql;

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::connect::dsn::PgTarget;
use crate::connect::{Access, Dsn, MySqlSession, PgSession};
use crate::files::make_own_folder;
use crate::{Error, Result};

/// The key of the advisory lock; it has to be the same in every version of raingauge.
const KEY: i64 = 0x7261_696e_6761_7567;

/// Keeps other runners out until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _held: Held,
}

#[derive(Debug)]
enum Held {
    Postgres { _session: Box<PgSession> },
    MySql { _session: Box<MySqlSession> },
    File { _file: File },
}

impl Lock {
    /// Waits for the lock, not longer than `wait`.
    ///
    /// # Errors
    /// A refusal `lock-held` that names the owner; or if the database cannot be reached.
    pub fn acquire(dsn: &Dsn, wait: Duration) -> Result<Self> {
        let held = match dsn {
            Dsn::Postgres(target) => Held::Postgres { _session: Box::new(postgres(target, wait)?) },
            Dsn::MySql(target) => Held::MySql { _session: Box::new(mysql::hold(target, wait)?) },
            Dsn::Sqlite(target) => Held::File { _file: file(&sidecar(&target.path), wait)? },
        };
        Ok(Self { _held: held })
    }

    /// Waits for the lock on a project's files, for runs that change them and open no database.
    ///
    /// # Errors
    /// A refusal `lock-held`; or if `.raingauge` cannot be written.
    pub fn of_files(root: &Path, wait: Duration) -> Result<Self> {
        make_own_folder(root).map_err(|cause| {
            Error::new("run-unwritable", "cannot write in `.raingauge`").caused_by(cause)
        })?;
        let path = root.join(".raingauge").join("files.lock");
        Ok(Self { _held: Held::File { _file: file(&path, wait)? } })
    }
}

fn postgres(target: &PgTarget, wait: Duration) -> Result<PgSession> {
    let mut session = PgSession::open(target, Access::ReadWrite)?;
    let broken =
        |cause| Error::new("lock-failed", "cannot ask for the advisory lock").caused_by(cause);
    let attempt = format!("SELECT pg_catalog.pg_try_advisory_lock({KEY})");
    let deadline = Instant::now() + wait;
    loop {
        let rows = session.rows(&attempt).map_err(broken)?;
        if rows.first().and_then(|it| it.first()?.as_deref()) == Some("t") {
            return Ok(session);
        }
        if deadline < Instant::now() {
            let owner =
                postgres_owner(&mut session).unwrap_or_else(|| "another session".to_owned());
            return Err(held_by(&owner, wait));
        }
        sleep(Duration::from_millis(100).min(wait));
    }
}

fn postgres_owner(session: &mut PgSession) -> Option<String> {
    let (high, low) = (KEY >> 32, KEY & 0xffff_ffff);
    let sql = format!(
        "SELECT a.pid, a.usename, coalesce(host(a.client_addr), 'socket'), \
            extract(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::bigint \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {high} AND l.objid = {low} \
            AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    );
    let row = session.rows(&sql).ok()?.into_iter().next()?;
    let [Some(pid), user, Some(address), Some(seconds)] = row.as_slice() else { return None };
    let user = user.as_deref().unwrap_or("?");
    Some(format!("server process {pid} of `{user}` from {address}, connected for {seconds} s"))
}

fn file(path: &Path, wait: Duration) -> Result<File> {
    let broken = |cause: std::io::Error| {
        Error::new("lock-failed", format!("cannot lock `{}`", path.display())).caused_by(cause)
    };
    let mut options = File::options();
    let mut file =
        options.create(true).truncate(false).read(true).write(true).open(path).map_err(broken)?;
    let deadline = Instant::now() + wait;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(cause)) => return Err(broken(cause)),
            Err(TryLockError::WouldBlock) if deadline < Instant::now() => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                return Err(held_by(owner.trim(), wait));
            }
            Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(100).min(wait)),
        }
    }
    // Only for the message of whoever waits; a lost note does no harm.
    let _ = file.set_len(0).and_then(|()| file.rewind());
    let _ = writeln!(file, "process {}", std::process::id());
    Ok(file)
}

/// The lock file stays: removing it would let two runners lock two files of one name.
fn sidecar(database: &Path) -> PathBuf {
    // Two names of one file have to find the same lock, also before the file exists.
    let folder = database.parent().and_then(|it| it.canonicalize().ok());
    let resolved =
        database.canonicalize().ok().or_else(|| Some(folder?.join(database.file_name()?)));
    let mut name = resolved.unwrap_or_else(|| database.to_owned()).into_os_string();
    name.push("-raingauge.lock");
    PathBuf::from(name)
}

fn held_by(owner: &str, wait: Duration) -> Error {
    let owner = if owner.is_empty() { "another process" } else { owner };
    Error::refusal(
        "lock-held",
        format!("another run has been working here for more than {} s: {owner}", wait.as_secs()),
    )
    .next("wait until it has ended, then run the command again; nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::dsn::SqliteTarget;

    #[test]
    fn t35_a_second_runner_waits_and_is_refused_with_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let dsn = Dsn::Sqlite(SqliteTarget { path: folder.path().join("shop.sqlite") });
        let first = Lock::acquire(&dsn, Duration::ZERO).unwrap();
        let refusal = Lock::acquire(&dsn, Duration::from_millis(10)).unwrap_err();
        assert_eq!((refusal.code, refusal.exit_code()), ("lock-held", 1));
        assert!(refusal.message.contains(&std::process::id().to_string()), "{refusal}");
        drop(first);
        Lock::acquire(&dsn, Duration::ZERO).unwrap();
    }
}
