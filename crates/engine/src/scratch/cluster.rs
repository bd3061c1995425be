//! An ephemeral PostgreSQL server: a folder, a socket inside it, and a watchdog.
//!
//! The watchdog is a shell that waits for the end of its input. When this process drops the server or
//! dies in whatever way, the input ends, and the watchdog stops the server and removes the folder.
//! Should the watchdog die too, the folder's lock is free, and the next run removes what is left.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::marker;
use super::template::{Template, own_uid};
use crate::client::{FOREIGN_SETTINGS, server_folder};
use crate::connect::dsn::PgTarget;
use crate::{Error, Result};

/// What the folders of all ephemeral servers begin with.
const PREFIX: &str = "raingauge-scratch-";

/// `$1` is `pg_ctl`, `$2` the folder. Interrupts are for the process that reads our output.
const WATCHDOG: &str = "trap '' HUP INT TERM; read -r _; \
     \"$1\" stop -s -m immediate -D \"$2/data\" >/dev/null 2>&1; rm -rf \"$2\"";

/// Durability is of no use to a server that is thrown away, and what it restores is one large load.
const SERVER_SETTINGS: &str = "-F -c listen_addresses= -c synchronous_commit=off \
     -c full_page_writes=off -c autovacuum=off -c jit=off -c wal_level=minimal -c max_wal_senders=0 \
     -c max_locks_per_transaction=1024 -c shared_buffers=64MB -c maintenance_work_mem=128MB -c max_wal_size=4GB -c max_connections=30 \
     -c log_min_messages=fatal";

/// A running server; dropping it stops the server and removes its folder.
#[derive(Debug)]
pub(super) struct Cluster {
    target: PgTarget,
    folder: PathBuf,
    watchdog: Child,
    /// Locked until this process ends.
    _marker: File,
}

/// Who runs the server: PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Starts an empty server of this major version whose superuser is `superuser`. A fresh one is kept
    /// in the folder `cache` for the next time, if it can be.
    ///
    /// # Errors
    /// `scratch-unavailable` if its programs are missing or do not run.
    pub(super) fn start(
        major: u32,
        bin: Option<&Path>,
        superuser: &str,
        cache: Option<&Path>,
    ) -> Result<Self> {
        let bin = server_folder(major, bin).ok_or_else(|| {
            unavailable(format!(
                "found no `initdb` and `pg_ctl` of PostgreSQL {major} on this machine"
            ))
            .next(format!("install the server of PostgreSQL {major}: `apt install postgresql-{major}` on Debian and Ubuntu; it need not run"))
        })?;
        let mut places = vec![std::env::temp_dir(), PathBuf::from("/tmp")];
        // The path of a socket has to fit into about a hundred bytes.
        places.retain(|it| it.as_os_str().len() < 60);
        places.dedup();
        let mut failure =
            unavailable("the folder for temporary files has too long a name".to_owned());
        let options = initdb_options(superuser);
        let template = cache.and_then(|it| Template::of(it, &bin.join("postgres"), &options));
        for place in places {
            remove_stale(&place, &bin);
            let started = Self::make_in(&place, &bin, superuser)
                .and_then(|it| it.run(&bin, &options, template.as_ref()));
            match started {
                Ok(cluster) => return Ok(cluster),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Where the server listens; the database is `postgres`.
    pub(super) fn target(&self) -> &PgTarget {
        &self.target
    }

    fn make_in(place: &Path, bin: &Path, superuser: &str) -> Result<Self> {
        let (folder, marker) = marker::make_folder(place, PREFIX).map_err(|it| {
            unavailable("cannot make a folder for a server".to_owned()).caused_by(it)
        })?;
        let watchdog =
            prepare_folder(&folder, "postgres").and_then(|account| watch(&folder, bin, account));
        let watchdog = watchdog.map_err(|it| {
            let _ = fs::remove_dir_all(&folder);
            unavailable("cannot prepare the folder of a server".to_owned()).caused_by(it)
        })?;
        let target = PgTarget {
            host: folder.to_string_lossy().into_owned(),
            port_assumed: false,
            user: superuser.to_owned(),
            database: "postgres".to_owned(),
            sslmode: "disable".to_owned(),
            ..PgTarget::default()
        };
        // From here on, dropping the value cleans up.
        Ok(Self { target, folder, watchdog, _marker: marker })
    }

    /// Starts the server from the template, or else from nothing, which then becomes the template.
    fn run(self, bin: &Path, options: &[String], template: Option<&Template>) -> Result<Self> {
        let data = self.folder.join("data");
        if let Some(template) = template {
            if template.unpack(&mut self.command(Path::new(""), "tar")?)
                && data.join("PG_VERSION").exists()
            {
                if self.launch(bin).is_ok() {
                    return Ok(self);
                }
                template.discard();
            }
            let _ = fs::remove_dir_all(&data);
        }
        let mut initdb = self.command(bin, "initdb")?;
        finish(initdb.args(options).arg("--pgdata").arg(data), "initdb")?;
        if let Some(template) = template {
            template.pack(&mut self.command(Path::new(""), "tar")?);
        }
        self.launch(bin)?;
        Ok(self)
    }

    fn launch(&self, bin: &Path) -> Result<()> {
        let mut command = self.command(bin, "pg_ctl")?;
        command.args(["start", "--wait", "--silent", "--timeout=60"]);
        command.arg("--pgdata").arg(self.folder.join("data"));
        command.arg("--log").arg(self.folder.join("log"));
        let port = self.target.port;
        let folder = self.folder.display();
        command.arg("--options").arg(format!("{SERVER_SETTINGS} -p {port} -k '{folder}'"));
        finish(&mut command, "pg_ctl start").map_err(|error| {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            match log.lines().last() {
                Some(line) => error.next(format!("the server's last words: {line}")),
                None => error,
            }
        })
    }

    fn command(&self, bin: &Path, name: &str) -> Result<Command> {
        let account = account_of(&self.folder).map_err(|it| {
            unavailable("cannot read the folder of a server".to_owned()).caused_by(it)
        })?;
        Ok(command_as(account, &self.folder, &bin.join(name)))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn initdb_options(superuser: &str) -> Vec<String> {
    let fixed = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"].map(str::to_owned);
    fixed.into_iter().chain([format!("--username={superuser}")]).collect()
}

pub(super) fn unavailable(message: String) -> Error {
    Error::new("scratch-unavailable", message)
}

/// Gives the folder to the account that will run the server: the one of this name, or `nobody`.
pub(super) fn prepare_folder(folder: &Path, name: &str) -> io::Result<Account> {
    let own = account_of(folder)?;
    if own.uid != 0 {
        return Ok(own);
    }
    let account = server_account(name).ok_or_else(|| {
        io::Error::other(format!(
            "a server does not run as root, and there is no account `{name}` or `nobody`"
        ))
    })?;
    chown(folder, Some(account.uid), Some(account.gid))?;
    Ok(account)
}

pub(super) fn account_of(folder: &Path) -> io::Result<Account> {
    let metadata = fs::symlink_metadata(folder)?;
    Ok(Account { uid: metadata.uid(), gid: metadata.gid() })
}

/// The account of this name, or else `nobody`, as the machine's own list has it.
fn server_account(name: &str) -> Option<Account> {
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    [name, "nobody"].into_iter().find_map(|name| {
        let mut fields =
            accounts.lines().map(|it| it.split(':')).find(|it| it.clone().next() == Some(name))?;
        let uid = fields.nth(2)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        (uid != 0).then_some(Account { uid, gid })
    })
}

pub(super) fn command_as(account: Account, folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).process_group(0);
    for name in FOREIGN_SETTINGS {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
    if is_root() && account.uid != 0 {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

fn is_root() -> bool {
    own_uid().is_ok_and(|it| it == 0)
}

fn watch(folder: &Path, bin: &Path, account: Account) -> io::Result<Child> {
    let mut command = command_as(account, Path::new("/"), Path::new("sh"));
    command.args(["-c", WATCHDOG, "raingauge-watchdog"]);
    command.arg(bin.join("pg_ctl")).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

pub(super) fn finish(command: &mut Command, what: &str) -> Result<()> {
    let output = command
        .stderr(Stdio::piped())
        .output()
        .map_err(|it| unavailable(format!("cannot run `{what}`")).caused_by(it))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(unavailable(format!("`{what}` failed")).caused_by(said))
}

/// Stops and removes servers whose makers are gone.
fn remove_stale(place: &Path, bin: &Path) {
    for (folder, _marker) in marker::stale_folders(place, PREFIX) {
        remove(&folder, bin);
    }
}

fn remove(folder: &Path, bin: &Path) {
    let Ok(account) = account_of(folder) else { return };
    let _ = command_as(account, folder, &bin.join("pg_ctl"))
        .args(["stop", "--silent", "--mode=immediate", "--pgdata"])
        .arg(folder.join("data"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let _ = fs::remove_dir_all(folder);
}
