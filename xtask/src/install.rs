//! What the tests and the demo need beside Rust: PostgreSQL servers and the npm packages.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use raingauge_testkit::project::Example;
use raingauge_testkit::{Failure, Result, postgres};

use crate::process::{show_and_run, starts, target};
use crate::servers;

/// Installs whatever is missing.
pub(crate) fn run() -> Result {
    postgresql()?;
    servers::run()?;
    packages()
}

/// Makes sure that there is a PostgreSQL server with its client programs. Never starts a service.
pub(crate) fn postgresql() -> Result {
    if let Some((_, bin)) = postgres::installed().first() {
        println!("PostgreSQL: {}", postgres::version(bin)?);
        return Ok(());
    }
    if !starts("apt-get", &["--version"]) {
        return Err(Failure::new(
            "there is no PostgreSQL in /usr/lib/postgresql and no apt-get to install it with; \
             install the PostgreSQL server and client packages of this system",
        ));
    }
    show_and_run(&mut apt_get(&["update"])?)?;
    // The package would set up a cluster and a service of its own, which nobody asked for.
    show_and_run(&mut apt_get(&[
        "install",
        "-y",
        "--no-install-recommends",
        "postgresql-common",
    ])?)?;
    let setting = "s/^#?create_main_cluster *=.*/create_main_cluster = false/";
    let file = "/etc/postgresql-common/createcluster.conf";
    show_and_run(&mut as_root("sed", &["-E", "-i", setting, file])?)?;
    show_and_run(&mut apt_get(&["install", "-y", "--no-install-recommends", "postgresql"])?)?;
    if postgres::installed().is_empty() {
        return Err(Failure::new(
            "apt-get has installed no PostgreSQL server in /usr/lib/postgresql",
        ));
    }
    Ok(())
}

/// Installs the npm packages of the examples by their lock files, once for all tests.
pub(crate) fn packages() -> Result {
    if !starts("npm", &["--version"]) {
        return Err(Failure::new("there is no npm: install Node.js 20 or later, with npm"));
    }
    for example in Example::ALL {
        install_packages(example, &target()?.join("testkit").join(example.name()))?;
    }
    Ok(())
}

fn install_packages(example: Example, folder: &Path) -> Result {
    let lock = fs::read(example.folder().join("package-lock.json"))?;
    // Written last, so that an interrupted installation does not count.
    let installed = folder.join("installed-lock.json");
    if fs::read(&installed).is_ok_and(|it| it == lock) {
        println!("npm packages of {}: as locked", example.name());
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(example.folder().join(file), folder.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder).stdin(Stdio::null());
    show_and_run(&mut npm)?;
    Ok(fs::write(installed, lock)?)
}

fn apt_get(arguments: &[&str]) -> Result<Command> {
    let mut command = as_root("apt-get", arguments)?;
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

fn as_root(program: &str, arguments: &[&str]) -> Result<Command> {
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    if !is_root && !starts("sudo", &["-n", "true"]) {
        return Err(Failure::new(format!(
            "`{program} {}` needs root, and sudo without a password is not there: run it yourself",
            arguments.join(" ")
        )));
    }
    let mut command = Command::new(if is_root { program } else { "sudo" });
    if !is_root {
        command.args(["-n", program]);
    }
    command.args(arguments).stdin(Stdio::null());
    Ok(command)
}
