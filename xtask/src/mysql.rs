//! MySQL and MariaDB for the tests: MariaDB of this system, MySQL unpacked below the target folder.
//!
//! Debian's stable release has no MySQL, its unstable one has. That server needs a newer C library, which
//! comes along, so nothing of it is installed: apt works on folders of its own, and the packages are only
//! unpacked. What cannot be had is told, and the tests that want it say so again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use raingauge_testkit::{Failure, Result, mysql};

use crate::install::apt_get;
use crate::process::{show_and_run, starts, target};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const SOURCE: &str = "http://deb.debian.org/debian sid main";
const PACKAGES: [&str; 2] = ["mysql-server-core", "mysql-client-core"];

/// Calls a program through the loader of its own C library, wherever the folder is.
const WRAPPER: &str = r#"#!/bin/sh
usr=$(dirname "$(readlink -f "$0")")/../usr
for loader in "$usr"/lib/*/ld-linux*; do break; done
exec "$loader" --library-path "$(dirname "$loader")" "$usr/bin/${0##*/}" "$@"
"#;

/// Installs both. Only MariaDB has to be there.
pub(crate) fn run() -> Result {
    mariadb()?;
    let folder = target()?.join("testkit").join(mysql::FOLDER);
    let reason = folder.join("missing");
    let has = |it: &str| folder.join(it).is_file();
    if has("usr/sbin/mysqld") && has("bin/mysqldump") {
        println!("MySQL: unpacked");
        return Ok(());
    }
    match mysql(&folder) {
        Ok(()) => {
            let _ = fs::remove_file(reason);
        }
        Err(failure) => {
            fs::create_dir_all(&folder)?;
            fs::write(reason, failure.to_string())?;
            println!("MySQL: none, because {failure}");
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

fn mysql(folder: &Path) -> Result {
    if !Path::new(KEYRING).is_file() || !starts("apt-get", &["--version"]) {
        return Err(Failure::new("only Debian's archive has a MySQL that can be unpacked"));
    }
    let apt = folder.join("apt");
    for part in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(part))?;
    }
    fs::write(apt.join("status"), "")?;
    fs::write(apt.join("sources.list"), format!("deb [signed-by={KEYRING}] {SOURCE}\n"))?;
    fs::write(apt.join("apt.conf"), configuration(&apt))?;
    show_and_run(private_apt(&apt).arg("update"))?;
    // With no package installed everything that the server needs is fetched, the C library too.
    let mut download = private_apt(&apt);
    show_and_run(download.args(["install", "-y", "--download-only"]).args(PACKAGES))?;
    for entry in fs::read_dir(apt.join("cache/archives"))? {
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
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    for name in ["mysql", "mysqldump"] {
        let path = bin.join(name);
        fs::write(&path, WRAPPER)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
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
