//! Dumping and loading a SQLite file. The write-ahead log is part of the database, so the file is
//! never merely copied while somebody may write to it.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, InterruptHandle};

use super::folder::{create_file, unwritable};
use super::millis_since;
use super::take::{Dumped, Evidence, READING};
use crate::connect::{Session, SqliteSession};
use crate::digest;
use crate::digest::sqlite::{at_one_instant, n_readers};
use crate::progress::{Progress, watch};
use crate::{Error, Result};

/// The dump's file name.
pub(super) const DUMP: &str = "database.sqlite";

/// How many pages are copied between two looks at the clock.
const PAGES_PER_STEP: i32 = 4096;

/// Copies the database while other connections, which see the same instant, read its contents.
pub(super) fn dump(
    session: &SqliteSession,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Dumped> {
    let path = folder.join(DUMP);
    create_file(&path).map_err(|cause| unwritable(&path, cause))?;
    let failed = |cause: rusqlite::Error| {
        Error::new("dump-failed", "the database could not be copied").caused_by(cause)
    };
    let mut readers = at_one_instant(session.target(), 1 + n_readers())?;
    let Some(mut snapshot) = readers.pop() else { return Ok(Dumped::default()) };
    let mut dumped = Dumped::default();
    if readers.is_empty() {
        progress.begin(READING);
        dumped.contents = Some(digest::sqlite::contents(&mut snapshot, progress)?);
    } else {
        dumped.reading = Some(Reading::start(readers));
    }
    let snapshot = snapshot.connection();
    let version: i64 =
        snapshot.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(failed)?;
    let start = Instant::now();
    progress.begin("dumping the database");
    copy(snapshot, &path, progress).map_err(failed)?;
    dumped.dump_ms = millis_since(start);
    dumped.position = Some(format!("data version {version}"));
    Ok(dumped)
}

/// The contents, being read in a thread of its own. Nobody reads on when it is dropped.
pub(super) struct Reading {
    thread: Option<JoinHandle<Result<Evidence>>>,
    handles: Vec<InterruptHandle>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl Reading {
    fn start(mut sessions: Vec<SqliteSession>) -> Self {
        let handles =
            sessions.iter_mut().map(|it| it.connection().get_interrupt_handle()).collect();
        let work = move || {
            let start = Instant::now();
            let connections = sessions.iter_mut().map(SqliteSession::connection);
            let contents = digest::sqlite::read(connections, &AtomicU64::new(0));
            let contents = contents.map_err(digest::sqlite::unreadable)?;
            Ok(Evidence { contents, millis: millis_since(start) })
        };
        Self { thread: Some(std::thread::spawn(work)), handles }
    }

    /// Waits for what is still to be read.
    pub(super) fn finish(mut self, progress: &mut dyn Progress) -> Result<Evidence> {
        let thread = self.thread.take().expect("only this takes it, and takes itself");
        if !thread.is_finished() {
            progress.begin(READING);
        }
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // One that is between two tables goes on with the next, so it is told again.
        while !thread.is_finished() {
            self.handles.iter().for_each(InterruptHandle::interrupt);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn copy(from: &Connection, to: &Path, progress: &mut dyn Progress) -> rusqlite::Result<()> {
    let page: u32 = from.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let mut to = Connection::open(to)?;
    // Half a copy is removed whole, and a whole one is put on disk with the rest of the backup.
    to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    let backup = Backup::new(from, &mut to)?;
    while backup.step(PAGES_PER_STEP)? != StepResult::Done {
        let now = backup.progress();
        let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * u64::from(page);
        progress.advance(bytes(now.pagecount - now.remaining), bytes(now.pagecount));
    }
    drop(backup);
    to.close().map_err(|(_, cause)| cause)
}

/// Copies the dump to `to`, which must not exist or be empty, and puts it on disk.
pub(super) fn load(folder: &Path, to: &Path, progress: &mut dyn Progress) -> Result<()> {
    let bytes = std::fs::metadata(folder.join(DUMP)).map_or(0, |it| it.len());
    let written = || std::fs::metadata(to).map_or(0, |it| it.len());
    let copied = || -> io::Result<()> {
        let mut target = File::create(to)?;
        io::copy(&mut File::open(folder.join(DUMP))?, &mut target)?;
        target.sync_all()
    };
    watch(progress, bytes, written, copied).map_err(|cause| {
        Error::new("restore-failed", format!("cannot write `{}`", to.display())).caused_by(cause)
    })
}

/// What SQLite's own check finds wrong with the file's structure, indexes included.
///
/// Rows that break a constraint are left out: they are what live holds, so the copy must hold them.
pub(super) fn damage(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.rows("PRAGMA integrity_check").map_err(|cause| {
        Error::new("restore-failed", "the restored copy cannot be checked").caused_by(cause)
    })?;
    let is_content = |it: &String| {
        it == "ok"
            || it.starts_with("NULL value in ")
            || it.starts_with("CHECK constraint failed in ")
    };
    let messages = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
    Ok(messages.filter(|it| !is_content(it)).map(|it| format!("integrity check: {it}")).collect())
}
