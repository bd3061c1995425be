//! Backups taken from, proven on and restored into real databases.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod damages;
pub(crate) mod mysql;
mod postgres;
mod retention;
mod sealed;
mod sqlite;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use raingauge_engine::backup::{Backup, Manifest, Outcome};
use raingauge_engine::progress::Progress;
use raingauge_testkit::Run;

/// Stops a run at one boundary, as a crash of the caller's thread would.
struct StopAt(&'static str);

impl Progress for StopAt {
    fn begin(&mut self, _what: &str) {}

    fn boundary(&mut self, name: &str) {
        assert_ne!(name, self.0, "stopped on purpose");
    }
}

/// Where a backup may stop before it has its name.
const BOUNDARIES: [&str; 4] =
    ["backup/partial-created", "backup/dumped", "backup/verified", "backup/written"];

/// Where the killed child of a test finds its work: a boundary and what else it needs.
const VICTIM: &str = "RAINGAUGE_TEST_BACKUP_VICTIM";

/// Ends the process at one boundary as `kill -9` would: nothing is cleaned up.
struct DieAt(String);

impl Progress for DieAt {
    fn begin(&mut self, _what: &str) {}

    fn boundary(&mut self, name: &str) {
        if name == self.0 {
            std::process::abort();
        }
    }
}

/// Runs a test of this program again as the victim.
#[track_caller]
fn run_victim(test: &str, boundary: &str, work: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).env(VICTIM, format!("{boundary} {work}"));
    assert_eq!(Run::of(&mut child).unwrap().code, -6, "{boundary}: killed by abort");
}

/// How long backups are taken under concurrent writes.
fn load_time() -> std::time::Duration {
    let is_full = std::env::var_os("RAINGAUGE_FULL").is_some();
    std::time::Duration::from_secs(if is_full { 120 } else { 3 })
}

fn now() -> jiff::Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// The names in a folder, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Changes the manifest as a mistaken program would, hashes included.
fn tamper(backup: &Backup, change: impl FnOnce(&mut Manifest)) -> Backup {
    let mut manifest = backup.manifest().clone();
    change(&mut manifest);
    std::fs::write(backup.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap())
        .unwrap();
    rehash(backup);
    Backup::open(backup.path()).unwrap()
}

/// Writes `SHA256SUMS` anew, with the program that everybody has.
fn rehash(backup: &Backup) {
    let files = snapshot(backup.path()).into_keys().filter(|it| it != "SHA256SUMS");
    let mut sha256sum = Command::new("sha256sum");
    let sums =
        Run::of(sha256sum.current_dir(backup.path()).args(files)).unwrap().success().unwrap();
    std::fs::write(backup.path().join("SHA256SUMS"), sums.stdout).unwrap();
}

/// Runs `restore.sh` where only the named programs exist.
fn run_restore_sh(folder: &Path, target: &str, programs: &[&str]) -> (bool, String) {
    run_restore_sh_with(folder, target, programs, &[])
}

/// The same with variables in its environment.
fn run_restore_sh_with(
    folder: &Path,
    target: &str,
    programs: &[&str],
    env: &[(&str, &str)],
) -> (bool, String) {
    let path = tempfile::tempdir().unwrap();
    let standard = [
        "sh",
        "dirname",
        "sha256sum",
        "grep",
        "cp",
        "cmp",
        "mv",
        "rm",
        "awk",
        "find",
        "sort",
        "sed",
    ];
    for program in standard.iter().chain(programs) {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|it| it.join(program))
            .find(|it| it.exists())
            .unwrap_or_else(|| panic!("{program} is not on this machine"));
        let name = Path::new(program).file_name().unwrap();
        std::os::unix::fs::symlink(found.canonicalize().unwrap(), path.path().join(name)).unwrap();
    }
    let output = Command::new(path.path().join("sh"))
        .arg(folder.join("restore.sh"))
        .arg(target)
        .env_clear()
        .env("PATH", path.path())
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The differences that a proof found.
#[track_caller]
fn differences(outcome: Outcome) -> Vec<String> {
    match outcome {
        Outcome::Verified(_) => panic!("it was verified"),
        Outcome::Differs(differences) => differences,
    }
}

/// Every file below a folder with its bytes.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            let below = snapshot(&path).into_iter();
            found.extend(below.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
    found
}
