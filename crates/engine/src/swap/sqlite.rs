//! SQLite: files change their names, under SQLite's own exclusive lock.

use std::path::{Path, PathBuf};

use super::{Intent, SwapPlan, in_use, stale};
use crate::connect::dsn::SqliteTarget;
use crate::connect::{Access, SqliteSession};
use crate::progress::{Progress, Silent};
use crate::{Error, Result, digest};

/// `shop.sqlite.before-20260102T030405Z`
pub(super) fn kept_path(live: &Path, stamp: &str) -> String {
    format!("{}.before-{stamp}", live.display())
}

/// Gives `copy` the name of `live`. The name passes on in one step; live's file has a second one by
/// then.
pub(super) fn swap(
    live: &SqliteTarget,
    copy: &SqliteTarget,
    plan: &SwapPlan,
    progress: &mut dyn Progress,
) -> Result<()> {
    refuse_open_files(&live.path)?;
    refuse_open_files(&copy.path)?;
    fold_log(copy)?;
    let mut session = SqliteSession::open(live, Access::ReadWrite)?;
    let mode = journal_mode(&mut session, None)?;
    let swapped = rename_under_lock(&mut session, live, copy, plan, progress);
    if swapped.is_err() && mode != "delete" {
        // As before, or else somebody will wonder; the rows are the same either way.
        let _ = session.run("ROLLBACK");
        let _ = journal_mode(&mut session, Some(&mode));
    }
    swapped
}

fn rename_under_lock(
    session: &mut SqliteSession,
    live: &SqliteTarget,
    copy: &SqliteTarget,
    plan: &SwapPlan,
    progress: &mut dyn Progress,
) -> Result<()> {
    lock_exclusively(session)?;
    if digest::sqlite::contents(session, &mut Silent)? != plan.live {
        return Err(stale());
    }
    let failed = |cause: std::io::Error| {
        let message = format!("cannot give `{}` another file", live.path.display());
        Error::new("swap-failed", message)
            .caused_by(cause)
            .next("check the rights of the folder; live has its name")
    };
    std::fs::hard_link(&live.path, &plan.kept).map_err(failed)?;
    progress.boundary("swap/live-renamed");
    if let Err(cause) = std::fs::rename(&copy.path, &live.path) {
        let _ = std::fs::remove_file(&plan.kept);
        return Err(failed(cause));
    }
    progress.boundary("swap/renamed");
    let folder = live.path.parent().unwrap_or(Path::new("."));
    crate::files::sync_folder(folder).map_err(failed)
}

/// Takes back what a swap that was cut off had done: live's second name and its journal mode. Once the
/// copy has live's name there is nothing to undo.
pub(super) fn undo(live: &SqliteTarget, intent: &Intent) -> Result<bool> {
    let kept = Path::new(&intent.kept);
    let is_second_name = is_same_file(&live.path, kept);
    if kept.exists() && !is_second_name {
        return Ok(false);
    }
    if is_second_name {
        std::fs::remove_file(kept).map_err(|cause| {
            let message = format!("cannot take live's second name `{}` away", intent.kept);
            Error::new("swap-failed", message)
                .caused_by(cause)
                .next("check the rights of the folder")
        })?;
    }
    let mut session = SqliteSession::open(live, Access::ReadWrite)?;
    let mode = journal_mode(&mut session, None)?;
    let before = intent.journal_mode.as_ref().filter(|it| **it != mode);
    if let Some(before) = before {
        journal_mode(&mut session, Some(before))?;
    }
    Ok(is_second_name || before.is_some())
}

#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let identity = |it: &Path| std::fs::metadata(it).ok().map(|it| (it.dev(), it.ino()));
    identity(a).is_some_and(|it| Some(it) == identity(b))
}

/// Elsewhere the names are all that can be compared.
#[cfg(not(unix))]
fn is_same_file(a: &Path, b: &Path) -> bool {
    a == b
}

/// Writes the copy's write-ahead log into its file, since only the file gets another name.
fn fold_log(copy: &SqliteTarget) -> Result<()> {
    let mut session = SqliteSession::open(copy, Access::ReadWrite)?;
    session.run("PRAGMA wal_checkpoint(TRUNCATE)").map_err(|it| in_use(&it.message))?;
    drop(session);
    let mut log = copy.path.as_os_str().to_owned();
    log.push("-wal");
    match std::fs::metadata(&log) {
        Ok(it) if 0 < it.len() => Err(in_use(&format!("`{}` is in use", copy.path.display()))),
        _ => Ok(()),
    }
}

/// Leaves the write-ahead log, whose files belong to the name and not to the file, and takes the lock
/// that nobody else can hold beside it.
fn lock_exclusively(session: &mut SqliteSession) -> Result<()> {
    let mode = journal_mode(session, Some("delete"))?;
    if mode != "delete" {
        return Err(in_use(&format!("the file stays in journal mode `{mode}`")));
    }
    session.run("BEGIN EXCLUSIVE").map_err(|it| in_use(&it.message))
}

/// The journal mode, after it was set if one is given.
pub(super) fn journal_mode(session: &mut SqliteSession, mode: Option<&str>) -> Result<String> {
    let sql = mode.map_or_else(
        || "PRAGMA journal_mode".to_owned(),
        |mode| format!("PRAGMA journal_mode = {mode}"),
    );
    let rows = session.rows(&sql).map_err(|it| in_use(&it.message))?;
    Ok(rows.into_iter().flatten().flatten().next().unwrap_or_default())
}

/// An idle connection holds no lock; its open file gives it away where the system shows it.
fn refuse_open_files(path: &Path) -> Result<()> {
    let Ok(path) = path.canonicalize() else { return Ok(()) };
    let own = std::process::id().to_string();
    let holders: Vec<_> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|it| it.file_name() != *own && has_open(&it.path(), &path))
        .map(|it| format!("process {}", it.file_name().to_string_lossy()))
        .collect();
    if holders.is_empty() { Ok(()) } else { Err(in_use(&holders.join(", "))) }
}

fn has_open(process: &Path, path: &PathBuf) -> bool {
    let files = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files.into_iter().any(|it| std::fs::read_link(it.path()).is_ok_and(|it| it == *path))
}
