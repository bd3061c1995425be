//! Disks that are too small: noticed before anything is written, and survived where nobody listened.

use std::path::{Path, PathBuf};
use std::process::Command;

use raingauge_testkit::mysql::Vendor;
use raingauge_testkit::{Example, Result};

use super::{Weather, list};

/// A small file system in memory, over a folder.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn over(folder: &Path, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir_all(folder).ok()?;
        let size = format!("size={kilobytes}k,mode=1777");
        let mut mount = Command::new("mount");
        let status = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).status().ok()?;
        status.success().then(|| Self(folder.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn a_full_disk(weather: &Weather) -> Result {
    let small = weather.project.path("small");
    // Where backups will be is another disk from now on.
    let kept = weather.project.path("kept");
    std::fs::rename(weather.folder(), &kept)?;
    std::fs::create_dir(weather.folder())?;
    let Some(disk) = Tmpfs::over(&weather.folder(), 1500) else {
        println!("skipped: this user may not mount {}", small.display());
        return Ok(());
    };
    let refused = weather.run(&["backup", "--verify", "none"])?;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("space-short") && refused.stderr.contains("MB"), "{refused}");
    assert!(list(&weather.folder()).is_empty());

    let full = weather.run(&["backup", "--verify", "none", "--allow", "disk-space"])?;
    assert_eq!(full.code, 2, "{full}");
    // The dump of MySQL is written by us, those of the others by their programs.
    let code = if weather.mysql.is_some() { "backup-unwritable" } else { "dump-failed" };
    assert!(full.stderr.contains(&format!("error[{code}]")), "{full}");
    assert!(list(&weather.folder()).is_empty(), "half a backup");
    drop(disk);
    std::fs::remove_dir(weather.folder())?;
    std::fs::rename(kept, weather.folder())?;
    weather.nothing_is_left_behind()
}

#[test]
fn a_full_disk_keeps_no_half_backup_on_sqlite() -> Result {
    a_full_disk(&Weather::new(Example::BookstoreSqlite)?)
}

#[test]
fn a_full_disk_keeps_no_half_backup_on_postgres() -> Result {
    a_full_disk(&Weather::new(Example::BookstorePostgres)?)
}

#[test]
fn a_full_disk_keeps_no_half_backup_on_mariadb() -> Result {
    Weather::of_mysql(Vendor::MariaDb)?.map_or(Ok(()), |it| a_full_disk(&it))
}

#[test]
fn a_full_disk_keeps_no_half_backup_on_mysql() -> Result {
    Weather::of_mysql(Vendor::MySql)?.map_or(Ok(()), |it| a_full_disk(&it))
}

#[test]
fn scratch_without_room_is_refused_before_the_dump() -> Result {
    let weather = Weather::new(Example::BookstoreSqlite)?;
    let Some(_disk) = Tmpfs::over(weather.temporary.path(), 1500) else {
        println!("skipped: this user may not mount");
        return Ok(());
    };
    let refused = weather.run(&["backup"])?;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("the copy that proves it"), "{refused}");
    let full = weather.run(&["backup", "--allow", "disk-space"])?;
    assert_eq!(full.code, 2, "{full}");
    assert!(full.stderr.contains("restore-failed"), "{full}");
    weather.nothing_is_left_behind()
}
