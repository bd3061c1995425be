//! MySQL and MariaDB for the tests: MariaDB of this system, other releases unpacked below the target folder.
//!
//! Debian's stable release has no MySQL, and one MariaDB; its other suites and Ubuntu's have others. Those servers
//! need another C library, which comes along, so nothing of it is installed: apt works on folders of its own, and
//! the packages are only unpacked. What cannot be had is told, and the tests that want it say so again.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use raingauge_testkit::mysql::{Release, Vendor};
use raingauge_testkit::{Failure, Result};

use crate::install::apt_get;
use crate::process::{show_and_run, starts, target};

/// A distribution whose packages are unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Archive {
    Debian,
    Ubuntu,
}

/// Calls a program through the loader of its own C library, wherever the folder is.
const WRAPPER: &str = r#"#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
name=${0##*/}
for loader in "$root"/usr/lib/*/ld-linux* "$root"/lib/*/ld-linux*; do
  [ -e "$loader" ] && break
done
triple=${loader%/*}
triple=${triple##*/}
for program in "$root/usr/sbin/$name" "$root/usr/bin/$name"; do
  [ -e "$program" ] && break
done
for shared in "$root/usr/share/mysql" "$root/usr/share/mariadb"; do
  [ -e "$shared/charsets" ] && break
done
case $name in
mariadbd|mysqld) set -- "$@" "--lc-messages-dir=$shared" "--character-sets-dir=$shared/charsets" ;;
esac
exec "$loader" --library-path "$root/usr/lib/$triple:$root/lib/$triple" "$program" "$@"
"#;

/// The script that makes MariaDB's first files; it looks for programs and texts below a folder.
const INSTALL: &str = r#"#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
exec /bin/sh "$root/usr/bin/mariadb-install-db" "$@" "--basedir=$root/base"
"#;

/// Installs the system's MariaDB, and what else can be had for a full run or the usual one. Only the former has to be
/// there.
pub(crate) fn run(is_full: bool) -> Result {
    mariadb()?;
    for release in Release::ALL.into_iter().filter(|it| is_full || it.is_usual()) {
        let Some(name) = release.folder else { continue };
        let folder = target()?.join("testkit").join(name);
        let shown = format!("{:?} {}", release.vendor, release.series);
        if programs(release).iter().all(|it| folder.join("bin").join(it).is_file()) {
            println!("{shown}: unpacked");
            continue;
        }
        let reason = folder.join("missing");
        match unpack_release(release, &folder) {
            Ok(()) => {
                let _ = fs::remove_file(reason);
            }
            Err(failure) => {
                fs::create_dir_all(&folder)?;
                fs::write(reason, failure.to_string())?;
                println!("{shown}: none, because {failure}");
            }
        }
    }
    Ok(())
}

/// The server without the package that would start a service, and its client programs.
fn mariadb() -> Result {
    let has_server = Path::new("/usr/sbin/mariadbd").exists();
    if has_server && starts("mariadb", &["--version"]) && starts("mariadb-dump", &["--version"]) {
        println!("MariaDB: installed");
        return Ok(());
    }
    if !starts("apt-get", &["--version"]) {
        return Err(Failure::new(
            "there is no MariaDB and no apt-get to install it with; install the server and client of MariaDB",
        ));
    }
    if !starts("apt-cache", &["show", "mariadb-server-core"]) {
        show_and_run(&mut apt_get(&["update"])?)?;
    }
    let packages = ["mariadb-server-core", "mariadb-client"];
    let mut install = apt_get(&["install", "-y", "--no-install-recommends"])?;
    show_and_run(install.args(packages))
}

/// What of a release is called.
fn programs(release: Release) -> &'static [&'static str] {
    const MARIADB: [&str; 6] = [
        "mariadbd",
        "mariadb",
        "mariadb-dump",
        "mariadb-install-db",
        "my_print_defaults",
        "resolveip",
    ];
    match release.vendor {
        Vendor::MySql => &["mysqld", "mysql", "mysqldump"],
        Vendor::MariaDb => &MARIADB,
    }
}

/// Where a release comes from.
struct Origin {
    archive: Archive,
    suites: &'static [&'static str],
    /// What is unpacked with all that it needs.
    cores: [String; 2],
    /// What is unpacked alone: it would bring much that nobody calls.
    client: String,
}

fn origin(release: Release) -> Result<Origin> {
    let (archive, suites, suffix): (_, &'static [_], _) = match release.series {
        "10.6" => (Archive::Ubuntu, &["jammy", "jammy-updates"], "-10.6"),
        "11.4" => (Archive::Ubuntu, &["plucky", "plucky-updates"], ""),
        "11.8" => (Archive::Debian, &["trixie"], ""),
        "8.0" => (Archive::Ubuntu, &["jammy", "jammy-updates"], "-8.0"),
        "8.4" => (Archive::Ubuntu, &["resolute", "resolute-updates"], ""),
        "9" => (Archive::Debian, &["sid"], ""),
        other => return Err(Failure::new(format!("no archive is known for `{other}`"))),
    };
    let (name, client) = match release.vendor {
        Vendor::MariaDb => ("mariadb", format!("mariadb-client{suffix}")),
        Vendor::MySql => ("mysql", format!("mysql-client-core{suffix}")),
    };
    let cores = ["server", "client"].map(|it| format!("{name}-{it}-core{suffix}"));
    Ok(Origin { archive, suites, cores, client })
}

fn unpack_release(release: Release, folder: &Path) -> Result {
    let has =
        |it: &&str| ["usr/sbin", "usr/bin"].iter().any(|at| folder.join(at).join(it).is_file());
    if !programs(release).iter().all(has) {
        let Origin { archive, suites, cores, client } = origin(release)?;
        unpack(archive, suites, folder, &cores, &client)?;
    }
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    for name in programs(release) {
        let text = if *name == "mariadb-install-db" { INSTALL } else { WRAPPER };
        let path = bin.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    let base = folder.join("base");
    let _ = fs::remove_dir_all(&base);
    fs::create_dir_all(&base)?;
    for (link, to) in [("bin", "../bin"), ("sbin", "../bin"), ("share", "../usr/share")] {
        symlink(to, base.join(link))?;
    }
    Ok(())
}

impl Archive {
    /// The file with the keys that its packages are signed with. What this system lacks is taken from the archive
    /// of the system itself.
    fn keyring(self) -> Result<PathBuf> {
        let (file, package) = match self {
            Self::Debian => {
                ("usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring")
            }
            Self::Ubuntu => ("usr/share/keyrings/ubuntu-archive-keyring.gpg", "ubuntu-keyring"),
        };
        let system = Path::new("/").join(file);
        let folder = target()?.join("testkit").join(package);
        let unpacked = folder.join(file);
        if system.is_file() || unpacked.is_file() {
            return Ok(if system.is_file() { system } else { unpacked });
        }
        let (other, suite, keys) = match self {
            Self::Debian => (Self::Ubuntu, "noble", "ubuntu-archive-keyring.gpg"),
            Self::Ubuntu => (Self::Debian, "trixie", "debian-archive-keyring.gpg"),
        };
        if !Path::new("/usr/share/keyrings").join(keys).is_file() {
            return Err(Failure::new(format!("nothing vouches for the packages of {self:?}")));
        }
        unpack(other, &[suite], &folder, &[], package)?;
        Ok(unpacked)
    }

    fn source(self, suite: &str) -> Result<String> {
        let (address, components) = match self {
            Self::Debian => ("http://deb.debian.org/debian", "main"),
            Self::Ubuntu => ("http://archive.ubuntu.com/ubuntu", "main universe"),
        };
        let keyring = self.keyring()?;
        Ok(format!("deb [signed-by={}] {address} {suite} {components}\n", keyring.display()))
    }
}

/// Unpacks packages with all that they need, and one more alone.
fn unpack(
    archive: Archive,
    suites: &[&str],
    folder: &Path,
    packages: &[String],
    alone: &str,
) -> Result {
    if !starts("apt-get", &["--version"]) {
        return Err(Failure::new("there is no apt-get to get it with"));
    }
    let sources = suites.iter().map(|it| archive.source(it)).collect::<Result<String>>()?;
    let apt = folder.join("apt");
    let _ = fs::remove_dir_all(&apt);
    for part in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(part))?;
    }
    fs::write(apt.join("status"), "")?;
    fs::write(apt.join("sources.list"), sources)?;
    fs::write(apt.join("apt.conf"), configuration(&apt))?;
    show_and_run(private_apt(&apt).arg("update"))?;
    if !packages.is_empty() {
        // With no package installed everything that they need is fetched, the C library too.
        let mut download = private_apt(&apt);
        show_and_run(download.args(["install", "-y", "--download-only"]).args(packages))?;
    }
    let archives = apt.join("cache/archives");
    show_and_run(private_apt(&apt).arg("download").arg(alone).current_dir(&archives))?;
    for entry in fs::read_dir(archives)? {
        let package = entry?.path();
        if package.extension().is_some_and(|it| it == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            let outcome =
                unpack.arg("-x").arg(&package).arg(folder).stdin(Stdio::null()).status()?;
            if !outcome.success() {
                return Err(Failure::new(format!("cannot unpack `{}`", package.display())));
            }
        }
    }
    Ok(fs::remove_dir_all(apt)?)
}

fn private_apt(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "--no-install-recommends"]).stdin(Stdio::null());
    command.env("APT_CONFIG", folder.join("apt.conf")).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Dir::State \"{folder}/state\";\nDir::State::status \"{folder}/status\";\n\
         Dir::Cache \"{folder}/cache\";\nDir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
         Acquire::Languages \"none\";\nAcquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
         APT::Sandbox::User \"\";\nDebug::NoLocking \"1\";\n"
    )
}
