//! Dumping and loading a SQLite file. The write-ahead log is part of the database, so the file is
//! never merely copied while somebody may write to it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::folder::{create_file, unwritable};
use super::millis_since;
use super::take::Dumped;
use crate::connect::{Session, SqliteSession};
use crate::digest;
use crate::progress::{Progress, watch};
use crate::{Error, Result};

/// The dump's file name.
pub(super) const DUMP: &str = "database.sqlite";

/// How many pages are copied between two looks at the clock.
const PAGES_PER_STEP: i32 = 4096;

/// Copies the database and reads its contents inside one read transaction.
pub(super) fn dump(
    session: &mut SqliteSession,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Dumped> {
    let path = folder.join(DUMP);
    create_file(&path).map_err(|cause| unwritable(&path, cause))?;
    let failed = |cause: rusqlite::Error| {
        Error::new("dump-failed", "the database could not be copied").caused_by(cause)
    };
    let snapshot = session.connection().transaction().map_err(failed)?;
    let start = Instant::now();
    // The first read fixes the instant that both the digests and the copy describe.
    progress.begin("counting and hashing the rows of every table");
    let contents = digest::sqlite::read(&snapshot, progress).map_err(failed)?;
    let digest_ms = millis_since(start);
    let version: i64 =
        snapshot.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(failed)?;
    let start = Instant::now();
    progress.begin("dumping the database");
    copy(&snapshot, &path, progress).map_err(failed)?;
    let dump_ms = millis_since(start);
    snapshot.rollback().map_err(failed)?;
    let position = Some(format!("data version {version}"));
    let sequences = contents.sequences.clone();
    let contents = Some(contents);
    Ok(Dumped { contents, sequences, position, digest_ms, dump_ms, ..Dumped::default() })
}

fn copy(from: &Connection, to: &Path, progress: &mut dyn Progress) -> rusqlite::Result<()> {
    let page: u32 = from.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let mut to = Connection::open(to)?;
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
