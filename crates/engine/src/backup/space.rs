//! Whether there is room: asked before anything is written, because a full disk hurts everybody on it.
//!
//! An estimate, and a cautious one: what compression saves is counted only as far as an earlier backup of
//! the same database has shown it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use super::manifest::Source;
use super::shelf;
use crate::connect::Session;
use crate::site::size;
use crate::{Error, Result};

/// What one places needs.
#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) place: PathBuf,
    pub(super) bytes: u64,
    /// For what: `the backup`.
    pub(super) what: &'static str,
}

/// Of what an earlier backup took, so many percent are taken to be needed now.
const MARGIN: u64 = 130;

/// What an empty server of our own takes, with the log of what is loaded into it.
const EMPTY_SERVER: u64 = 100 << 20;

/// What a dump of live is expected to take.
pub(super) fn of_dump(live: &mut Session, source: &Source, dir: &Path) -> u64 {
    let earlier = shelf::list(dir).unwrap_or_default().backups;
    let mut earlier = earlier.iter().rev().map(|it| &it.manifest);
    if let Some(it) = earlier.find(|it| it.source.is_same_database(source) && 0 < it.source.bytes) {
        let share = u128::from(it.bytes()) * u128::from(source.bytes) / u128::from(it.source.bytes);
        let expected = u64::try_from(share).unwrap_or(u64::MAX);
        return (expected / 100).saturating_mul(MARGIN).max(expected);
    }
    // Indexes are not in a dump.
    let sql = "SELECT coalesce(sum(pg_catalog.pg_table_size(oid)), 0)::bigint FROM pg_catalog.pg_class \
        WHERE relkind IN ('r', 'm') AND 16384 <= oid";
    let rows = match live {
        Session::Postgres(_) => live.rows(sql).unwrap_or_default(),
        Session::MySql(_) | Session::Sqlite(_) => return source.bytes,
    };
    let bytes = rows.into_iter().flatten().flatten().next().and_then(|it| it.parse().ok());
    bytes.unwrap_or(source.bytes)
}

/// What a restored copy takes in scratch.
pub(super) fn of_copy(source: &Source) -> u64 {
    if source.role.is_empty() { source.bytes } else { source.bytes + EMPTY_SERVER }
}

/// Refuses where the places, some of which may be on one disk, have less room than is needed.
pub(super) fn refuse_short(needs: &[Need]) -> Result<()> {
    let mut disks: BTreeMap<u64, Vec<&Need>> = BTreeMap::new();
    for need in needs {
        let existing = need.place.ancestors().find(|it| it.exists()).unwrap_or(Path::new("."));
        // A place that says nothing of itself is found out by writing.
        let Ok(metadata) = std::fs::metadata(existing) else { continue };
        disks.entry(metadata.dev()).or_default().push(need);
    }
    disks.values().try_for_each(|it| refuse_short_disk(it))
}

fn refuse_short_disk(needs: &[&Need]) -> Result<()> {
    let place = &needs[0].place;
    let existing = place.ancestors().find(|it| it.exists()).unwrap_or(Path::new("."));
    let Ok(disk) = statvfs(existing) else { return Ok(()) };
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    let needed: u64 = needs.iter().map(|it| it.bytes).fold(0, u64::saturating_add);
    if needed <= free {
        return Ok(());
    }
    let parts = needs.iter().map(|it| format!("{} for {}", size(it.bytes), it.what));
    let message = format!(
        "the disk of `{}` has {} left, and {} are needed: {}; nothing was written",
        place.display(),
        size(free),
        size(needed),
        parts.collect::<Vec<_>>().join(", ")
    );
    Err(Error::refusal("space-short", message)
        .next("make room, or set `TMPDIR` to a larger disk for scratch")
        .next("if you know better: `--allow disk-space`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_one_disk_is_added_up() {
        let folder = tempfile::tempdir().unwrap();
        let free = statvfs(folder.path()).unwrap();
        let free = free.blocks_available() * free.fragment_size();
        let need = |bytes| Need { place: folder.path().join("not/yet"), bytes, what: "scratch" };
        let part = free / 10 * 6;
        refuse_short(&[need(part)]).unwrap();
        let error = refuse_short(&[need(part), need(part)]).unwrap_err();
        assert_eq!((error.code, error.exit_code()), ("space-short", 1));
    }
}
