//! Watches a session of PostgreSQL or MySQL from another one: who is in its way, how far an index is built.
//!
//! A session that waits cannot ask. The second connection is made only for what takes longer than a
//! moment; if it cannot be had, nothing is told.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::crowd;
use crate::connect::{Access, Dsn, PgSession, Session, SqlError};
use crate::progress::Progress;

/// What takes no longer is not watched.
const A_MOMENT: Duration = Duration::from_millis(150);

/// How often it looks: several times in the time that a statement waits for a lock.
const INTERVAL: Duration = Duration::from_millis(100);

/// How often the progress of an index build is told.
const TELL: Duration = Duration::from_millis(500);

/// Looks on until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    blockers: Vec<String>,
    build: Option<String>,
}

impl Watch {
    /// Watches a session, where one connection can see what another one does.
    pub(super) fn of(session: &mut Session) -> Option<Self> {
        let (dsn, number) = match session {
            Session::Postgres(it) => {
                (Dsn::Postgres(it.target().clone()), "SELECT pg_catalog.pg_backend_pid()")
            }
            Session::MySql(it) => {
                (Dsn::MySql(Box::new(it.target().clone())), "SELECT connection_id()")
            }
            Session::Sqlite(_) => return None,
        };
        let pid = session.rows(number).ok()?.into_iter().flatten().flatten().next()?;
        Some(Self::start(dsn, pid))
    }

    /// Watches the server process `pid`.
    fn start(dsn: Dsn, pid: String) -> Self {
        let (stop, stopped) = channel();
        let seen = Arc::<Mutex<Seen>>::default();
        let told = Arc::clone(&seen);
        let thread = std::thread::spawn(move || look_on(&dsn, &pid, &told, &stopped));
        Self { seen, stop: Some(stop), thread: Some(thread) }
    }

    /// Who was in the way last, one line each; they are forgotten then.
    pub(super) fn take_blockers(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).blockers)
    }

    /// How far an index is built, if one is.
    pub(super) fn build(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).build.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs a statement on a thread of its own, and tells meanwhile how far an index is built. `what` begins what
/// is told.
pub(super) fn run_and_tell(
    session: &mut Session,
    sql: &str,
    (watch, what): (Option<&Watch>, &str),
    progress: &mut dyn Progress,
) -> Result<(), SqlError> {
    std::thread::scope(|scope| {
        let (done, is_done) = channel();
        let worker = scope.spawn(move || {
            let result = session.run(sql);
            let _ = done.send(());
            result
        });
        let mut last = None;
        while is_done.recv_timeout(TELL).is_err() && !worker.is_finished() {
            let build = watch.and_then(Watch::build);
            if build != last {
                progress.begin(&format!("{what}: {}", build.as_deref().unwrap_or("running")));
                last = build;
            }
        }
        worker.join().expect("a statement does not panic")
    })
}

fn look_on(dsn: &Dsn, pid: &str, told: &Mutex<Seen>, stopped: &Receiver<()>) {
    if stopped.recv_timeout(A_MOMENT) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let Ok(mut session) = Session::open(dsn, Access::ReadOnly) else { return };
    loop {
        let (blockers, build) = match &mut session {
            Session::Postgres(session) => (blockers(session, pid), build(session, pid)),
            Session::MySql(session) => (crowd::blockers(session, pid), None),
            Session::Sqlite(_) => return,
        };
        {
            let mut seen = told.lock().unwrap_or_else(PoisonError::into_inner);
            if !blockers.is_empty() {
                seen.blockers = blockers;
            }
            seen.build = build;
        }
        if stopped.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn blockers(session: &mut PgSession, pid: &str) -> Vec<String> {
    let sql = format!(
        "SELECT 'server process ' || b.pid || coalesce(' of `' || b.usename || '`', '') \
            || coalesce(', ' || b.state || ' for ' \
                || extract(epoch FROM clock_timestamp() - b.state_change)::bigint || ' s', '') \
            || coalesce(': ' || left(regexp_replace(btrim(b.query), '\\s+', ' ', 'g'), 100), '') \
         FROM unnest(pg_catalog.pg_blocking_pids({pid})) AS p(pid) \
         JOIN pg_catalog.pg_stat_activity b ON b.pid = p.pid ORDER BY b.pid"
    );
    let rows = session.rows(&sql).unwrap_or_default();
    rows.into_iter().flatten().flatten().collect()
}

fn build(session: &mut PgSession, pid: &str) -> Option<String> {
    let sql = format!(
        "SELECT phase || coalesce(' (' || CASE WHEN blocks_total > 0 THEN 100 * blocks_done / blocks_total \
            WHEN tuples_total > 0 THEN 100 * tuples_done / tuples_total END || ' %)', '') \
         FROM pg_catalog.pg_stat_progress_create_index WHERE pid = {pid}"
    );
    session.rows(&sql).ok()?.into_iter().flatten().flatten().next()
}
