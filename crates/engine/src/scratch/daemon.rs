//! An ephemeral MySQL or MariaDB server: a folder, a socket inside it, and a watchdog.
//!
//! The watchdog is a shell that has started the server and waits for the end of its input. When this
//! process drops the server or dies in whatever way, the input ends, and the watchdog stops the server and
//! removes the folder. Should the watchdog die too, the folder's lock is free, and the next run removes
//! what is left.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use raingauge_schema::mysql::catalog::{Flavour, Server};

use super::cluster::{account_of, command_as, finish, prepare_folder, unavailable};
use super::marker;
use super::template::{Template, version_of};
use crate::connect::dsn::mysql::MySqlTarget;
use crate::connect::{Access, MySqlSession};
use crate::{Error, Result};

/// What the folders of all ephemeral servers begin with.
const PREFIX: &str = "raingauge-mysql-";

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(90);

/// `$1` is the folder, the rest starts the server. Interrupts are for the process that reads our output.
const WATCHDOG: &str = "trap '' HUP INT TERM; folder=$1; shift; \
     \"$@\" >>\"$folder/log\" 2>&1 </dev/null & server=$!; read -r _; \
     kill -KILL $server; wait $server 2>/dev/null; rm -rf \"$folder\"";

/// Where packages put servers that are not on the search path of ordinary accounts.
const USUAL_FOLDERS: [&str; 7] = [
    "/usr/sbin",
    "/usr/bin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/mysql/bin",
    "/opt/homebrew/bin",
];

/// Durability is of no use to a server that is thrown away.
const SETTINGS: [&str; 9] = [
    "--skip-networking",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=64M",
    "--performance-schema=0",
    "--log-bin-trust-function-creators=1",
    "--event-scheduler=OFF",
    "--max-connections=30",
];

/// The programs of one server on this machine.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    daemon: PathBuf,
    /// MariaDB's script that makes the first files; MySQL's server does that itself.
    install: Option<PathBuf>,
    pub(super) server: Server,
}

/// A running server; dropping it stops the server and removes its folder.
#[derive(Debug)]
pub(super) struct Daemon {
    target: MySqlTarget,
    folder: PathBuf,
    watchdog: Option<Child>,
    /// Locked until this process ends.
    _marker: File,
}

impl Programs {
    /// The servers that these folders and the usual ones hold, each once.
    pub(super) fn all(folders: &[PathBuf]) -> Vec<Self> {
        let usual = USUAL_FOLDERS.into_iter().map(PathBuf::from);
        let mut folders: Vec<_> =
            folders.iter().filter(|it| it.is_absolute()).cloned().chain(usual).collect();
        let mut seen = std::collections::BTreeSet::new();
        folders.retain(|it| seen.insert(it.clone()));
        let files = folders.iter().flat_map(|it| ["mariadbd", "mysqld"].map(|name| it.join(name)));
        let mut seen = std::collections::BTreeSet::new();
        let files = files.filter(|it| fs::canonicalize(it).is_ok_and(|it| seen.insert(it)));
        files.filter_map(|it| Self::of(it, &folders)).collect()
    }

    fn of(daemon: PathBuf, folders: &[PathBuf]) -> Option<Self> {
        // `mysqld  Ver 8.0.36 for Linux`, `mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for …`.
        let said = version_of(&daemon)?;
        let version = said.split_whitespace().skip_while(|it| *it != "Ver").nth(1)?;
        let server = Server::of(version);
        let names = ["mariadb-install-db", "mysql_install_db"];
        let scripts = folders.iter().flat_map(|it| names.map(|name| it.join(name)));
        let install = match server.flavour {
            Flavour::MySql => None,
            Flavour::MariaDb => Some(scripts.into_iter().find(|it| it.is_file())?),
        };
        Some(Self { daemon, install, server })
    }
}

impl Daemon {
    /// Starts an empty server whose account `root` may do everything. `options` are what has to be said
    /// when it is made and when it starts. A fresh one is kept in the folder `cache` for the next time.
    ///
    /// # Errors
    /// `scratch-unavailable` if its programs do not run.
    pub(super) fn start(
        programs: &Programs,
        options: &[String],
        cache: Option<&Path>,
    ) -> Result<Self> {
        let mut places = vec![std::env::temp_dir(), PathBuf::from("/tmp")];
        // The path of a socket has to fit into about a hundred bytes.
        places.retain(|it| it.as_os_str().len() < 60);
        places.dedup();
        let mut failure =
            unavailable("the folder for temporary files has too long a name".to_owned());
        let template = cache.and_then(|it| Template::of(it, &programs.daemon, options));
        for place in places {
            for (folder, _marker) in marker::stale_folders(&place, PREFIX) {
                remove(&folder);
            }
            let started =
                Self::make_in(&place).and_then(|it| it.run(programs, options, template.as_ref()));
            match started {
                Ok(daemon) => return Ok(daemon),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Where the server listens; no database is named.
    pub(super) fn target(&self) -> &MySqlTarget {
        &self.target
    }

    fn make_in(place: &Path) -> Result<Self> {
        let cannot = |what: &str, cause: std::io::Error| {
            unavailable(format!("cannot {what} the folder of a server")).caused_by(cause)
        };
        let made = marker::make_folder(place, PREFIX);
        let (folder, marker) = made.map_err(|it| cannot("make", it))?;
        if let Err(error) = prepare_folder(&folder, "mysql") {
            let _ = fs::remove_dir_all(&folder);
            return Err(cannot("prepare", error));
        }
        let target = MySqlTarget {
            socket: Some(folder.join("socket")),
            user: "root".to_owned(),
            sslmode: "disable".to_owned(),
            ..MySqlTarget::default()
        };
        // From here on, dropping the value cleans up.
        Ok(Self { target, folder, watchdog: None, _marker: marker })
    }

    /// Starts the server from the template, or else from nothing, which then becomes the template.
    fn run(
        mut self,
        programs: &Programs,
        options: &[String],
        template: Option<&Template>,
    ) -> Result<Self> {
        let data = self.folder.join("data");
        let mut is_there = false;
        if let Some(template) = template {
            is_there = template.unpack(&mut self.command(Path::new("tar"))?) && data.is_dir();
        }
        if !is_there {
            let _ = fs::remove_dir_all(&data);
            self.initialise(programs, options)?;
            if let Some(template) = template {
                template.pack(&mut self.command(Path::new("tar"))?);
            }
        }
        let launched = self.launch(programs, options);
        if launched.is_err()
            && is_there
            && let Some(template) = template
        {
            template.discard();
        }
        launched.map(|()| self)
    }

    fn initialise(&self, programs: &Programs, options: &[String]) -> Result<()> {
        let data = format!("--datadir={}", self.folder.join("data").display());
        let mut command = match &programs.install {
            Some(script) => {
                let mut command = self.command(script)?;
                command.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
                command.args(["--skip-test-db", "--skip-name-resolve"]);
                command
            }
            None => {
                let mut command = self.command(&programs.daemon)?;
                command.args(["--no-defaults", "--initialize-insecure"]);
                command
            }
        };
        command.args(sizes(programs.server)).args(options).arg(data).stdout(Stdio::null());
        let name = programs.install.as_ref().unwrap_or(&programs.daemon).display();
        finish(&mut command, &format!("`{name}`"))
    }

    fn launch(&mut self, programs: &Programs, options: &[String]) -> Result<()> {
        let mut command = self.command(Path::new("sh"))?;
        let folder = self.folder.display();
        command.current_dir("/").args(["-c", WATCHDOG, "raingauge-watchdog"]).arg(&self.folder);
        command.arg(&programs.daemon).arg("--no-defaults");
        command.arg(format!("--datadir={folder}/data"));
        command.arg(format!("--socket={folder}/socket"));
        command.arg(format!("--pid-file={folder}/pid"));
        // The one place of the machine that statements can write files to.
        command.arg(format!("--secure-file-priv={folder}"));
        command.args(SETTINGS).args(sizes(programs.server)).args(options);
        if programs.server.flavour == Flavour::MySql {
            command.args(["--mysqlx=OFF", "--skip-log-bin"]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let spawned = command.spawn();
        let cannot = |it| unavailable("cannot start a server".to_owned()).caused_by(it);
        self.watchdog = Some(spawned.map_err(cannot)?);
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&self) -> Result<()> {
        let since = Instant::now();
        loop {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            let is_over = log.contains("Aborting") || PATIENCE < since.elapsed();
            let is_there = self.folder.join("socket").exists();
            if is_there && MySqlSession::open(&self.target, Access::ReadOnly).is_ok() {
                return Ok(());
            }
            if is_over {
                let errors =
                    log.lines().rfind(|it| it.contains("[ERROR]") && !it.contains("Abort"));
                let error = unavailable("a server of our own does not start".to_owned());
                return Err(match errors {
                    Some(line) => error.caused_by(line.to_owned()),
                    None => error,
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn command(&self, program: &Path) -> Result<Command> {
        let account = account_of(&self.folder).map_err(|it| -> Error {
            unavailable("cannot read the folder of a server".to_owned()).caused_by(it)
        })?;
        let mut command = command_as(account, &self.folder, program);
        // A server that starts removes the temporary tables of all that share its folder with it.
        command.env("TMPDIR", &self.folder);
        Ok(command)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            drop(watchdog.stdin.take());
            let _ = watchdog.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// How large the log is: it is written when the server is made, and copied with it.
fn sizes(server: Server) -> &'static [&'static str] {
    match server.flavour {
        Flavour::MariaDb => &["--innodb-log-file-size=8M"],
        Flavour::MySql if [8, 0, 30] <= server.version => &["--innodb-redo-log-capacity=8388608"],
        Flavour::MySql => &["--innodb-log-file-size=8M"],
    }
}

/// Stops a server whose maker and watchdog are gone, and removes its folder. Its number may be another
/// program's by now, so the program has to name the folder.
fn remove(folder: &Path) {
    let number = fs::read_to_string(folder.join("pid")).unwrap_or_default();
    if let Ok(number) = number.trim().parse::<i32>() {
        let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let data = format!("--datadir={}/data", folder.display());
        if String::from_utf8_lossy(&line).split('\0').any(|it| it == data) {
            let _ = kill(Pid::from_raw(number), Signal::SIGKILL);
        }
    }
    let _ = fs::remove_dir_all(folder);
}
