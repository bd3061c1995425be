//! The release series of MySQL and MariaDB that raingauge supports, and which of them tests can have here.
//!
//! MariaDB's usual one is the system's; all others are unpacked below the target folder with their own C library.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::failure::{Failure, Result};
use crate::majors::is_full;
use crate::mysql::MySql;

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    MariaDb,
    MySql,
}

/// A release series of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    pub vendor: Vendor,
    /// `8.4`.
    pub series: &'static str,
    /// Where `cargo xtask install` unpacks it, below `testkit` in the target folder; none if it is the system's.
    pub folder: Option<&'static str>,
}

impl Vendor {
    pub const ALL: [Self; 2] = [Self::MariaDb, Self::MySql];

    /// How a parent process tells where its server is, so that every test process need not start one.
    pub fn variable(self) -> &'static str {
        match self {
            Self::MariaDb => "RAINGAUGE_TEST_MARIADB",
            Self::MySql => "RAINGAUGE_TEST_MYSQL",
        }
    }

    /// How somebody says which series all tests are to use: `RAINGAUGE_MYSQL=8.0`.
    fn wish(self) -> &'static str {
        match self {
            Self::MariaDb => "RAINGAUGE_MARIADB",
            Self::MySql => "RAINGAUGE_MYSQL",
        }
    }

    /// The series that tests use: the one that somebody wishes, else MariaDB's of this system and MySQL's newest.
    ///
    /// # Errors
    /// If there is no such series.
    pub fn release(self) -> Result<Release> {
        let usual = match self {
            Self::MariaDb => Release::SYSTEM,
            Self::MySql => Release::MYSQL_9,
        };
        let Ok(wish) = std::env::var(self.wish()) else { return Ok(usual) };
        let mut all = Release::ALL.into_iter().filter(|it| it.vendor == self);
        let unknown = || Failure::new(format!("{}: there is no series `{wish}`", self.wish()));
        all.find(|it| it.series == wish).ok_or_else(unknown)
    }
}

impl Release {
    const SYSTEM: Self = Self { vendor: Vendor::MariaDb, series: "10.11", folder: None };
    const MYSQL_9: Self = Self { vendor: Vendor::MySql, series: "9", folder: Some("mysql") };

    /// All that tests know, the oldest of each vendor first.
    pub const ALL: [Self; 7] = [
        Self { vendor: Vendor::MariaDb, series: "10.6", folder: Some("mariadb-10.6") },
        Self::SYSTEM,
        Self { vendor: Vendor::MariaDb, series: "11.4", folder: Some("mariadb-11.4") },
        Self { vendor: Vendor::MariaDb, series: "11.8", folder: Some("mariadb-11.8") },
        Self { vendor: Vendor::MySql, series: "8.0", folder: Some("mysql-8.0") },
        Self { vendor: Vendor::MySql, series: "8.4", folder: Some("mysql-8.4") },
        Self::MYSQL_9,
    ];

    /// Whether it is there without `--full`: the two that all tests use, and the ends of the ranges.
    pub fn is_usual(&self) -> bool {
        self.vendor.release().is_ok_and(|it| it == *self)
            || ["10.6", "10.11", "11.8", "8.0", "9"].contains(&self.series)
    }

    /// A server of each release that not all tests use anyway, one at a time: it starts when it is asked for. All of
    /// them with `RAINGAUGE_FULL`, else the ends of the ranges. What is missing is printed.
    #[expect(clippy::print_stdout, reason = "a test that does not run somewhere says so")]
    pub fn matrix() -> impl Iterator<Item = Arc<MySql>> {
        let everywhere = |it: &Self| it.vendor.release().is_ok_and(|usual| usual == *it);
        let wanted = Self::ALL.into_iter().filter(move |it| is_full() || it.is_usual());
        wanted.filter(move |it| !everywhere(it)).filter_map(|release| match MySql::of(release) {
            Ok(server) => Some(Arc::new(server)),
            Err(failure) => {
                println!("skipped: {:?} {}: {failure}", release.vendor, release.series);
                None
            }
        })
    }

    /// The folder with its dump program and client; none if they are on the search path.
    ///
    /// # Errors
    /// If they are not installed.
    pub fn client_folder(self) -> Result<Option<PathBuf>> {
        let Some(folder) = self.unpacked()? else { return Ok(None) };
        let folder = folder.join("bin");
        folder.join(self.dump_program()).is_file().then_some(Some(folder)).ok_or_else(missing)
    }

    /// How its dump program is called.
    pub fn dump_program(self) -> &'static str {
        match self.vendor {
            Vendor::MariaDb => "mariadb-dump",
            Vendor::MySql => "mysqldump",
        }
    }

    /// How its client is called.
    pub fn client_program(self) -> &'static str {
        match self.vendor {
            Vendor::MariaDb => "mariadb",
            Vendor::MySql => "mysql",
        }
    }

    /// How its server is called.
    ///
    /// # Errors
    /// If it is not installed, with the reason.
    pub fn program(self) -> Result<Vec<String>> {
        let Some(folder) = self.unpacked()? else {
            let system = "/usr/sbin/mariadbd";
            let words = vec![system.to_owned(), "--no-defaults".to_owned()];
            return Path::new(system).exists().then_some(words).ok_or_else(missing);
        };
        let mut words = through_loader(&folder)?;
        let (usr, vendor) = (folder.join("usr"), self.vendor);
        let server = match vendor {
            Vendor::MariaDb => "mariadbd",
            Vendor::MySql => "mysqld",
        };
        let shared = ["mysql", "mariadb"].map(|it| usr.join("share").join(it));
        let shared =
            shared.into_iter().find(|it| it.join("charsets").is_dir()).ok_or_else(missing)?;
        let (usr, shared) = (usr.display(), shared.display());
        words.extend([
            format!("{usr}/sbin/{server}"),
            "--no-defaults".to_owned(),
            format!("--basedir={usr}"),
            format!("--lc-messages-dir={shared}"),
            format!("--character-sets-dir={shared}/charsets"),
        ]);
        if vendor == Vendor::MySql {
            let settings = ["--innodb-redo-log-capacity=8388608", "--skip-log-bin"];
            words.extend(settings.map(str::to_owned));
        }
        Ok(words)
    }

    /// What makes the first files of its server; none where the server does that itself.
    ///
    /// # Errors
    /// If it is not installed, with the reason.
    pub(crate) fn install_program(self) -> Result<Option<PathBuf>> {
        if self.vendor == Vendor::MySql {
            return Ok(None);
        }
        let folder = self.unpacked()?.unwrap_or_else(|| PathBuf::from("/usr"));
        Ok(Some(folder.join("bin/mariadb-install-db")))
    }

    /// The folder that it is unpacked in; none if it is the system's.
    fn unpacked(self) -> Result<Option<PathBuf>> {
        let Some(name) = self.folder else { return Ok(None) };
        let binary = std::env::current_exe()?;
        let mut folders = binary.ancestors().skip(1).map(|it| it.join("testkit").join(name));
        let folder = folders.find(|it| it.is_dir()).ok_or_else(missing)?;
        match fs::read_to_string(folder.join("missing")) {
            Ok(reason) => Err(Failure::new(reason)),
            Err(_) => Ok(Some(folder)),
        }
    }
}

fn missing() -> Failure {
    Failure::new("not installed: run `cargo xtask install`")
}

/// What starts a program with the C library that is unpacked beside it.
fn through_loader(folder: &Path) -> Result<Vec<String>> {
    // Older archives do not have everything below `usr`.
    let roots = ["usr/lib", "lib"].map(|it| folder.join(it));
    let entries = roots.iter().filter_map(|it| fs::read_dir(it).ok()).flatten().flatten();
    let folders = entries.map(|it| it.path()).filter(|it| it.is_dir());
    let is_loader = |it: &PathBuf| {
        it.file_name().is_some_and(|it| it.to_string_lossy().starts_with("ld-linux"))
    };
    let loader =
        |folder: &PathBuf| fs::read_dir(folder).ok()?.flatten().map(|it| it.path()).find(is_loader);
    let with_loader = folders.filter(|it| it.join("libc.so.6").exists());
    let mut found = with_loader.filter_map(|it| Some((loader(&it)?, it)));
    let (loader, libraries) = found.next().ok_or_else(missing)?;
    let triple = libraries.file_name().unwrap_or_default();
    let paths: Vec<_> = roots.iter().map(|it| it.join(triple).display().to_string()).collect();
    Ok(vec![loader.display().to_string(), "--library-path".to_owned(), paths.join(":")])
}
