//! The major versions of PostgreSQL that raingauge supports, and which of them tests can have here.

use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::failure::{Failure, Result};
use crate::postgres::{self, Postgres};

/// What raingauge supports.
pub const ALL: RangeInclusive<u32> = 13..=18;

/// Set if tests are to run their full counts.
const FULL: &str = "RAINGAUGE_FULL";

/// Whether tests are to run their full counts.
pub(crate) fn is_full() -> bool {
    std::env::var_os(FULL).is_some()
}

/// A server of each major version that a test of versions has to run on: all of them with
/// `RAINGAUGE_FULL`, else the system's, the oldest and the newest. What is missing is printed.
#[expect(clippy::print_stdout, reason = "a test that does not run somewhere says so")]
pub fn matrix() -> Vec<Arc<Postgres>> {
    let system = postgres::installed().first().map(|it| it.0);
    let is_wanted =
        |it: &u32| is_full() || [ALL.start(), ALL.end()].contains(&it) || Some(*it) == system;
    let start = |major| match Postgres::of_major(major) {
        Ok(server) => Some(server),
        Err(failure) => {
            println!("skipped: PostgreSQL {major}: {failure}");
            None
        }
    };
    ALL.filter(is_wanted).filter_map(start).collect()
}

/// The folder with the server programs of a major version, and client programs that can talk to it:
/// the system's, or else what `cargo xtask install` has put below the target folder.
///
/// # Errors
/// If there is neither, with the reason.
pub fn programs(major: u32) -> Result<PathBuf> {
    if let Some((_, bin)) = postgres::installed().into_iter().find(|it| it.0 == major) {
        return Ok(bin);
    }
    let missing = || Failure::new("not installed: run `cargo xtask install`");
    let binary = std::env::current_exe()?;
    let folders = binary.ancestors().skip(1).map(|it| it.join("testkit"));
    let folder = folders.map(|it| it.join(format!("postgres-{major}"))).find(|it| it.is_dir());
    let folder = folder.ok_or_else(missing)?;
    if let Ok(reason) = fs::read_to_string(folder.join("missing")) {
        return Err(Failure::new(reason));
    }
    let bin = folder.join("bin");
    if !bin.join("postgres").is_file() {
        return Err(missing());
    }
    match closed_to_others(&bin) {
        Some(closed) if fs::metadata("/proc/self")?.uid() == 0 => Err(Failure::new(format!(
            "servers do not run as root, and nobody else may enter `{}`",
            closed.display()
        ))),
        _ => Ok(bin),
    }
}

/// The folder on the way that other accounts cannot pass.
fn closed_to_others(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|it| fs::metadata(it).is_ok_and(|it| it.mode() & 0o001 == 0))
}
