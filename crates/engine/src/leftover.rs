//! What has to go when the process is asked to end: unfinished folders, programs at work, databases that
//! a run has made for itself.
//!
//! Values clean up when they are dropped, but a signal ends a process without dropping anything. So what
//! would be left behind is registered here, and [`clean_up`] removes it. A server of our own is not here:
//! its watchdog outlives this process.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::backup::Upload;
use crate::connect::{Access, Dsn, Session};

static ALL: Mutex<Vec<(u64, Leftover)>> = Mutex::new(Vec::new());

/// How long a program gets to end by itself: it has to tell its workers and the server.
const PATIENCE: Duration = Duration::from_secs(3);

/// Something that must not outlast the run.
#[derive(Debug)]
pub(crate) enum Leftover {
    Folder(PathBuf),
    /// A program of ours by its process number.
    Program(u32),
    /// A database that this run has made; `admin` is another one of its server.
    Database {
        admin: Box<Dsn>,
        name: String,
    },
    /// Half a backup in an object store.
    Upload(Box<Upload>),
}

/// Keeps a leftover known until it is gone by itself.
#[derive(Debug)]
pub(crate) struct Registered(u64);

/// Makes something that must not outlast the run. It is known as soon as it exists: no clean-up comes in
/// between, and after one nothing is made any more.
pub(crate) fn make<T, E>(
    make: impl FnOnce() -> Result<T, E>,
    leftover: impl FnOnce(&T) -> Leftover,
) -> Result<(T, Registered), E> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut all = all();
    let made = make()?;
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    all.push((id, leftover(&made)));
    Ok((made, Registered(id)))
}

impl Leftover {
    fn remove(&self) {
        match self {
            Self::Program(id) => stop(*id),
            Self::Upload(it) => it.remove(),
            Self::Folder(path) => {
                // A program that is just ending may still make a file.
                for _ in 0..20 {
                    if fs::remove_dir_all(path).is_ok() || !path.exists() {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            Self::Database { admin, name } => {
                let Ok(mut session) = Session::open(admin, Access::ReadWrite) else { return };
                let drop =
                    format!("drop database if exists {}", session.dialect().quote_ident(name));
                let _ =
                    session.run(&format!("{drop} with (force)")).or_else(|_| session.run(&drop));
            }
        }
    }

    /// Programs first: they write into folders and hold databases.
    fn turn(&self) -> u8 {
        match self {
            Self::Program(_) => 0,
            Self::Folder(_) => 1,
            Self::Database { .. } | Self::Upload(_) => 2,
        }
    }
}

impl Registered {
    /// Does what makes a result of the leftover. It happens whole, or the clean-up comes first and it
    /// does not happen at all.
    pub(crate) fn settle<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut all = all();
        let done = work()?;
        all.retain(|it| it.0 != self.0);
        Ok(done)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        all().retain(|it| it.0 != self.0);
    }
}

fn all() -> MutexGuard<'static, Vec<(u64, Leftover)>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes everything that the running commands would leave behind, for whoever is about to end the
/// process: from now on no command finishes anything.
pub fn clean_up() {
    let mut all = all();
    all.sort_by_key(|(id, it)| (it.turn(), std::cmp::Reverse(*id)));
    all.iter().for_each(|(_, it)| it.remove());
    // Never unlocked again: what a thread has half done must not get its final name.
    std::mem::forget(all);
}

/// Asks a program to end, and insists after a while.
pub(crate) fn stop(id: u32) {
    let Ok(id) = i32::try_from(id) else { return };
    let process = Pid::from_raw(id);
    let _ = kill(process, Signal::SIGTERM);
    let step = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        // A process that has ended is here until its parent has looked; then it is gone.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if kill(process, None).is_err() || stat.contains(") Z ") {
            return;
        }
        std::thread::sleep(step);
    }
    let _ = kill(process, Signal::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_listen_is_stopped_all_the_same() {
        for script in ["sleep 60", "trap '' TERM; while :; do sleep 1; done"] {
            let mut child = std::process::Command::new("sh").args(["-c", script]).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(100));
            stop(child.id());
            assert!(!child.wait().unwrap().success());
        }
    }

    #[test]
    fn what_is_settled_is_no_leftover_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let registered = || {
            let path = folder.path().to_owned();
            make(|| Ok::<_, ()>(path), |it| Leftover::Folder(it.clone())).unwrap().1
        };
        let known = |id: u64| all().iter().any(|it| it.0 == id);
        let kept = registered();
        assert!(kept.settle(|| Err::<(), ()>(())).is_err() && known(kept.0));
        assert!(kept.settle(|| Ok::<(), ()>(())).is_ok() && !known(kept.0));
        let dropped = registered();
        let id = dropped.0;
        drop(dropped);
        assert!(!known(id));
        assert!(make(|| Err::<(), ()>(()), |()| Leftover::Program(0)).is_err());
    }
}
