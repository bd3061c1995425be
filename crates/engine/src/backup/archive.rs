//! The archive that `pg_dump` writes and `pg_restore` reads: a folder that several workers share, or
//! one file where the programs run behind another command and do not see our folders.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use super::folder::{self, create_file, unwritable};
use crate::client::Program;
use crate::connect::dsn::PgTarget;
use crate::{Error, Result};

/// The archive's name, whether it is a folder or a file.
pub(super) const DUMP: &str = "database.dump";

/// A database below this size is dumped and restored by one worker: more would cost connections and
/// bring nothing.
const BYTES_PER_WORKER: u64 = 32 << 20;

const MAX_WORKERS: u64 = 4;

/// From this version on `pg_dump` may know zstd, if it was built with it:
/// <https://www.postgresql.org/docs/16/release-16.html>.
const FIRST_WITH_ZSTD: u32 = 16;

/// How many workers a database of so many bytes is worth on this machine.
pub(super) fn workers(bytes: u64) -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    (bytes / BYTES_PER_WORKER).clamp(1, cores.clamp(1, MAX_WORKERS))
}

/// Lets `command` write the archive below `folder`.
pub(super) fn write(
    command: &mut Command,
    program: &Program,
    folder: &Path,
    workers: u64,
) -> Result<()> {
    let path = folder.join(DUMP);
    command.args(["--no-password", "--no-subscriptions", "--no-sync"]).stdin(Stdio::null());
    if program.is_local() {
        // What is on disk in the end is our business, hence no sync of its own.
        command.args(["--format=directory", compression(program)]);
        command.arg(format!("--jobs={workers}")).arg("--file").arg(path).stdout(Stdio::null());
    } else {
        let archive = create_file(&path).map_err(|cause| unwritable(&path, cause))?;
        command.args(["--format=custom", compression(program)]).stdout(archive);
    }
    Ok(())
}

/// How many bytes of the archive below `folder` are written by now.
pub(super) fn bytes(folder: &Path) -> u64 {
    let path = folder.join(DUMP);
    let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|it| Some(it.metadata().ok()?.len()));
    if path.is_dir() { sizes.sum() } else { std::fs::metadata(path).map_or(0, |it| it.len()) }
}

/// Takes the rights of others away from the archive below `folder`.
pub(super) fn make_private(folder: &Path) -> Result<()> {
    let path = folder.join(DUMP);
    folder::make_private(&path).map_err(|cause| unwritable(&path, cause))
}

/// The fastest level: the default one doubles the time of a dump.
fn compression(program: &Program) -> &'static str {
    if FIRST_WITH_ZSTD <= program.major && has_zstd(program) {
        "--compress=zstd:1"
    } else {
        "--compress=1"
    }
}

/// Whether the program was built with zstd. It checks that before it connects, here to nowhere.
fn has_zstd(program: &Program) -> bool {
    let nowhere = PgTarget { host: "/nonexistent".to_owned(), ..PgTarget::default() };
    let mut command = program.command(&nowhere);
    command.env("LC_ALL", "C").args(["--compress=zstd:1", "--format=custom", "--no-password"]);
    let said = command.stdin(Stdio::null()).stdout(Stdio::null()).output();
    said.is_ok_and(|it| !String::from_utf8_lossy(&it.stderr).contains("compress"))
}

/// How an archive is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Into a database, in one transaction, which leaves nothing behind if it fails.
    OneTransaction,
    /// Into a database, by several workers where the archive is a folder.
    Workers,
    /// As text.
    Text,
}

/// Lets `command` read the archive below `folder`.
pub(super) fn read(
    command: &mut Command,
    program: &Program,
    folder: &Path,
    reading: Reading,
) -> Result<()> {
    let path = folder.join(DUMP);
    let unreadable = |cause: std::io::Error| {
        Error::new("backup-unreadable", format!("cannot read `{}`", path.display()))
            .caused_by(cause)
    };
    let is_folder = std::fs::metadata(&path).map_err(unreadable)?.is_dir();
    if is_folder && !program.is_local() {
        let message = "the archive is a folder, which a program behind another command cannot read";
        return Err(Error::new("restore-failed", message)
            .next("name the folder of PostgreSQL's programs with `--pg-client <folder>`"));
    }
    match reading {
        Reading::OneTransaction => {
            command.arg("--single-transaction");
        }
        Reading::Workers if is_folder => {
            command.arg(format!("--jobs={}", workers(u64::MAX)));
        }
        Reading::Workers | Reading::Text => {}
    }
    if is_folder {
        command.stdin(Stdio::null()).arg(&path);
    } else {
        command.stdin(File::open(&path).map_err(unreadable)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_database_is_worth_one_worker_and_a_large_one_no_more_than_there_are_cores() {
        assert_eq!(workers(0), 1);
        assert_eq!(workers(BYTES_PER_WORKER), 1);
        let cores = std::thread::available_parallelism().unwrap().get() as u64;
        assert_eq!(workers(u64::MAX), cores.min(MAX_WORKERS));
    }
}
