//! What the tests and the demo need beside Rust: PostgreSQL servers, MariaDB, MySQL, PgBouncer, age and the npm packages.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use raingauge_testkit::judge::orm::{Orm, PACKAGES};
use raingauge_testkit::node::{RUNTIMES, SCHEMA_PACKAGES, YARN_PROJECT, runtimes_packages};
use raingauge_testkit::project::{DRIZZLE_1, Example, MYSQL_0, Project};
use raingauge_testkit::{Failure, Result, pgbouncer, postgres, s3};

use crate::mysql;
use crate::process::{root, show_and_run, starts, target};
use crate::servers;

/// Installs whatever is missing, for a full run or the usual one.
pub(crate) fn run(is_full: bool) -> Result {
    postgresql()?;
    postgis()?;
    servers::run()?;
    mysql::run(is_full)?;
    pgbouncer()?;
    age()?;
    packages()
}

/// The program that encrypts backups.
fn age() -> Result {
    if starts("age", &["--version"]) && starts("age-keygen", &["--version"]) {
        println!("age: installed");
        return Ok(());
    }
    if !starts("apt-get", &["--version"]) {
        return Err(Failure::new(
            "there is no `age` and no apt-get to install it with: install `age`",
        ));
    }
    if !starts("apt-cache", &["show", "age"]) {
        show_and_run(&mut apt_get(&["update"])?)?;
    }
    show_and_run(&mut apt_get(&["install", "-y", "--no-install-recommends", "age"])?)?;
    Ok(())
}

/// Unpacks PgBouncer below the target folder. Installing the package would start a service.
fn pgbouncer() -> Result {
    let folder = target()?.join("testkit").join(pgbouncer::FOLDER);
    let program = "usr/sbin/pgbouncer";
    if Path::new("/").join(program).is_file() || folder.join(program).is_file() {
        println!("PgBouncer: installed");
        return Ok(());
    }
    if !starts("apt-get", &["--version"]) {
        println!("skipped: tests with PgBouncer, because there is no apt-get to get it with");
        return Ok(());
    }
    if !starts("apt-cache", &["show", "pgbouncer"]) {
        show_and_run(&mut apt_get(&["update"])?)?;
    }
    fs::create_dir_all(&folder)?;
    let mut download = Command::new("apt-get");
    download.arg("download").arg("pgbouncer").args(libraries_of_pgbouncer()?);
    show_and_run(download.current_dir(&folder).stdin(Stdio::null()))?;
    for entry in fs::read_dir(&folder)? {
        let package = entry?.path();
        if package.extension().is_some_and(|it| it == "deb") {
            show_and_run(Command::new("dpkg").arg("-x").arg(&package).arg(&folder))?;
        }
    }
    Ok(())
}

/// Those that a machine with a PostgreSQL server need not have; their names have the version in them.
fn libraries_of_pgbouncer() -> Result<Vec<String>> {
    let output = Command::new("apt-cache").args(["depends", "pgbouncer"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = text.lines().filter_map(|it| it.trim().strip_prefix("Depends: "));
    let wanted = |it: &&str| it.starts_with("libc-ares") || it.starts_with("libevent");
    Ok(names.filter(wanted).map(str::to_owned).collect())
}

/// `PostGIS` for the system's server, if its packages can be had; a test that wants it says so else.
fn postgis() -> Result {
    let Some((major, _)) = postgres::installed().into_iter().next() else { return Ok(()) };
    let control = format!("/usr/share/postgresql/{major}/extension/postgis.control");
    if Path::new(&control).exists() {
        println!("PostGIS: installed");
        return Ok(());
    }
    if !starts("apt-get", &["--version"]) {
        println!("skipped: tests with PostGIS, because there is no apt-get to get it with");
        return Ok(());
    }
    let package = format!("postgresql-{major}-postgis-3");
    if !starts("apt-cache", &["show", &package]) {
        show_and_run(&mut apt_get(&["update"])?)?;
    }
    let mut install = apt_get(&["install", "-y", "--no-install-recommends", &package])?;
    if let Err(failure) = show_and_run(&mut install) {
        println!("PostGIS: none, because {failure}");
    }
    Ok(())
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

/// Installs the npm packages of the examples, and every migrator, by their lock files, once for all
/// tests.
pub(crate) fn packages() -> Result {
    if !starts("npm", &["--version"]) {
        return Err(Failure::new("there is no npm: install Node.js 20 or later, with npm"));
    }
    for example in Example::ALL {
        install_packages(example.name(), &example.folder())?;
    }
    install_packages(PACKAGES, &Orm::packages())?;
    install_packages(DRIZZLE_1, &Project::drizzle_1_packages())?;
    install_packages(MYSQL_0, &Project::mysql_0_packages())?;
    install_packages(s3::PACKAGES, &s3::packages())?;
    install_packages(SCHEMA_PACKAGES, &root().join("crates/tsload/tests/packages"))?;
    install_packages(RUNTIMES, &runtimes_packages())?;
    yarn_project(&root().join("crates/tsload/tests/yarn"))
}

/// Lets yarn install a workspace without `node_modules`, as its lock file says.
fn yarn_project(source: &Path) -> Result {
    let testkit = target()?.join("testkit");
    let folder = testkit.join(YARN_PROJECT);
    let lock = fs::read(source.join("yarn.lock"))?;
    // Written last, so that an interrupted installation does not count.
    let installed = folder.join("installed-twice.lock");
    if fs::read(&installed).is_ok_and(|it| it == lock) {
        println!("packages of {YARN_PROJECT}: as locked");
        return Ok(());
    }
    let files = ["package.json", "yarn.lock", ".yarnrc.yml"];
    let packages = ["packages/db/package.json", "packages/names/package.json"];
    for file in files.into_iter().chain(packages) {
        let to = folder.join(file);
        fs::create_dir_all(to.parent().unwrap_or(&folder))?;
        fs::copy(source.join(file), to)?;
    }
    let yarn = testkit.join(RUNTIMES).join("node_modules/@yarnpkg/cli-dist/bin/yarn.js");
    let install = |is_inlined: &str| {
        let mut install = Command::new("node");
        install
            .arg(&yarn)
            .args(["install", "--immutable"])
            .env("YARN_PNP_ENABLE_INLINING", is_inlined);
        show_and_run(install.current_dir(&folder).stdin(Stdio::null()))
    };
    // Both forms of its manifest; the second installation takes the first one's away.
    install("false")?;
    for file in [".pnp.cjs", ".pnp.data.json"] {
        fs::copy(folder.join(file), folder.join(format!("apart{file}")))?;
    }
    install("true")?;
    Ok(fs::write(installed, lock)?)
}

fn install_packages(name: &str, from: &Path) -> Result {
    locked(name, from, &target()?.join("testkit").join(name))
}

/// Installs into `folder` exactly what the lock file in `source` says.
pub(crate) fn locked(name: &str, source: &Path, folder: &Path) -> Result {
    let lock = fs::read(source.join("package-lock.json"))?;
    // Written last, so that an interrupted installation does not count.
    let installed = folder.join("installed-lock.json");
    if fs::read(&installed).is_ok_and(|it| it == lock) {
        println!("npm packages of {name}: as locked");
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), folder.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder).stdin(Stdio::null());
    show_and_run(&mut npm)?;
    Ok(fs::write(installed, lock)?)
}

pub(crate) fn apt_get(arguments: &[&str]) -> Result<Command> {
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
