//! One instant for the dump program and for us. MySQL cannot hand a snapshot from one session to another, so
//! nobody may write between the beginnings of two.
//!
//! A third session stops all writes of the server for the moment that the program takes to begin: it says
//! when it has. That takes the right RELOAD, and waits two seconds at most, because whoever writes waits behind
//! it. Without, we look once before the program begins and once after: where both see the same rows, the
//! program saw them too. Tables without transactions show what stands in them at any time, so they are read
//! before and after as well.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::postgres::Running;
use super::{dump_failed, messages};
use crate::client::mysql::Private;
use crate::connect::{Access, MySqlSession};
use crate::digest::{self, Contents, TableDigest};
use crate::progress::Silent;
use crate::{Error, Result};

/// How long the program may take to connect.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the writes are tried to be stopped.
const ATTEMPTS: usize = 3;

/// How many seconds each time; then those who wait behind us go on.
const WAIT: &str = "set session lock_wait_timeout = 2";

const STOP: &str = "flush tables with read lock";

/// The program's words after it has begun its transaction.
const HAS_BEGUN: [&str; 2] = ["-- Setting savepoint", "-- Retrieving"];

/// How the instant is known to be one.
pub(super) enum Seen {
    /// Nobody could write.
    Stopped,
    /// This session began after the program did.
    Later(Box<MySqlSession>),
}

/// A program that dumps what the session sees.
pub(super) struct Fixed {
    pub(super) running: Running,
    pub(super) private: Private,
    pub(super) seen: Seen,
    /// Tables that no snapshot holds, as they were before.
    pub(super) unfixed: Vec<TableDigest>,
    /// Where the server's log of changes stood.
    pub(super) position: Option<String>,
}

/// Opens a transaction in `session` and starts the program at one instant.
pub(super) fn fix(
    session: &mut MySqlSession,
    start: impl FnOnce() -> Result<(Running, Private)>,
) -> Result<Fixed> {
    let unfixed = digest::mysql::unfixed(session)?;
    let stopped = stop_writes(session)?;
    session.run(digest::mysql::BEGIN).map_err(dump_failed)?;
    let position = position(session);
    let (mut running, private) = start()?;
    wait_until_begun(&mut running)?;
    let seen = match stopped {
        // Ending the session lets everybody write again.
        Some(stopped) => {
            drop(stopped);
            Seen::Stopped
        }
        None => {
            let mut later = MySqlSession::open(session.target(), Access::ReadOnly)?;
            later.run(digest::mysql::BEGIN).map_err(dump_failed)?;
            Seen::Later(Box::new(later))
        }
    };
    Ok(Fixed { running, private, seen, unfixed, position })
}

/// The session that lets nobody write as long as it is open; none if it may not, or if somebody else does not
/// let go.
fn stop_writes(session: &MySqlSession) -> Result<Option<MySqlSession>> {
    let mut other = MySqlSession::open(session.target(), Access::ReadOnly)?;
    other.run(WAIT).map_err(dump_failed)?;
    for _ in 0..ATTEMPTS {
        match other.run(STOP) {
            Ok(()) => return Ok(Some(other)),
            // Lock wait timeout.
            Err(error) if error.state == "1205" => sleep(Duration::from_millis(300)),
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

fn wait_until_begun(running: &mut Running) -> Result<()> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        let has_ended = running.has_ended();
        let said = running.said();
        if HAS_BEGUN.iter().any(|it| said.contains(it)) {
            return Ok(());
        }
        if has_ended {
            return Err(messages::never_began(&said));
        }
        sleep(Duration::from_millis(2));
    }
    Err(messages::never_began(&running.said()))
}

/// Only where the server counts its transactions; otherwise nothing is lost but a number.
fn position(session: &mut MySqlSession) -> Option<String> {
    let names = ["gtid_current_pos", "gtid_executed"];
    let mut value = |name: &str| {
        let rows = session.rows(&format!("select @@global.{name}")).ok()?;
        rows.into_iter().next()?.into_iter().next()?.filter(|it| !it.is_empty())
    };
    names.into_iter().find_map(&mut value).map(|it| format!("gtid {it}"))
}

/// Refuses what the program may have seen otherwise than we did.
pub(super) fn prove(
    session: &mut MySqlSession,
    seen: Seen,
    unfixed: &[TableDigest],
    contents: &Contents,
) -> Result<()> {
    let is_same = |it: &&TableDigest| contents.tables.get(&it.name) == Some(*it);
    let moved: Vec<_> = unfixed.iter().filter(|it| !is_same(it)).collect();
    if !moved.is_empty() {
        let names: Vec<_> = moved.iter().map(|it| format!("`{}`", it.name)).collect();
        let message = format!(
            "rows were written while the database was dumped, in tables whose engine has no transactions: {}; nothing was kept",
            names.join(", ")
        );
        return Err(Error::refusal("rows-changed-meanwhile", message)
            .next("run it again while nobody writes to them, or convert them: `ALTER TABLE … ENGINE=InnoDB`"));
    }
    let Seen::Later(mut later) = seen else { return Ok(()) };
    if digest::mysql::read(&mut later, &mut Silent)?.tables == contents.tables {
        return Ok(());
    }
    let role = session.identity()?.role;
    let (user, host) = role.rsplit_once('@').unwrap_or((role.as_str(), "%"));
    let message = format!(
        "rows were written in the moment when the dump began, and `{role}` may not stop writes for that moment; nothing was kept"
    );
    Err(Error::refusal("rows-changed-meanwhile", message)
        .next(format!("let it: `GRANT RELOAD ON *.* TO '{user}'@'{host}'`; writes then wait for the moment that the dump takes to begin"))
        .next("or run it again when less is written"))
}
