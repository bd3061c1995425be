//! A throw-away PostgreSQL server of the installed binaries.
//!
//! The server is the child of a small shell that waits for its standard input to end. The other end
//! of that pipe belongs to the test process alone, so the server stops and its folder goes away
//! however the test process ends: return, panic or SIGKILL.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::cache;
use crate::database::{Database, PgDatabase};
use crate::failure::{Doing, Failure, Result};
use crate::majors;
use crate::run::Run;

/// The password of role `postgres`: odd enough that a test can look for it in any output.
pub const PASSWORD: &str = "walrus-7319-teapot";

/// How a parent process tells where its server is, so that every test process need not start one.
pub const SHARED_SERVER: &str = "RAINGAUGE_TEST_POSTGRES";

const PREFIX: &str = "raingauge-pg-";
const INSTALLED: &str = "/usr/lib/postgresql";
const PATIENCE: Duration = Duration::from_secs(30);

const GUARDIAN: &str = r#"
cd /
bin=$1 folder=$2
shift 2
"$bin/postgres" -D "$folder/data" "$@" >>"$folder/log" 2>&1 </dev/null &
server=$!
read -r _
kill -INT $server
wait $server
rm -rf "$folder"
"#;

/// One running server.
#[derive(Debug)]
pub struct Postgres {
    /// `15`.
    pub major: u32,
    /// Where this major version's `postgres`, `psql` and `pg_dump` are.
    pub bin: PathBuf,
    pub port: u16,
    /// Holds the socket, the log and the data.
    pub folder: PathBuf,
    /// Nothing if the server belongs to another process.
    guardian: Option<(Child, ChildStdin)>,
}

/// The installed major versions that have a server and its client programs, newest first.
pub fn installed() -> Vec<(u32, PathBuf)> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(INSTALLED)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|it| Some((it.file_name().to_str()?.parse().ok()?, it.path().join("bin"))))
        .filter(|(_, bin)| ["postgres", "initdb", "psql"].iter().all(|it| bin.join(it).exists()))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}

impl Postgres {
    /// The server that the tests of one run share: the parent's if it has one, else one that starts
    /// at the first call and lasts as long as this process. Use [`Self::start`] for a test that
    /// changes what belongs to the whole server.
    ///
    /// # Errors
    /// If there are no server binaries or the server does not start.
    pub fn shared() -> Result<Arc<Self>> {
        static SHARED: OnceLock<Result<Arc<Postgres>>> = OnceLock::new();
        let open = || match std::env::var(SHARED_SERVER) {
            Ok(address) => Self::of_parent(&address),
            Err(_) => Self::start(),
        };
        SHARED.get_or_init(|| open().map(Arc::new)).clone()
    }

    /// A server of its own, of the newest installed version. It stops when the value is dropped.
    ///
    /// # Errors
    /// If there are no server binaries or the server does not start.
    pub fn start() -> Result<Self> {
        let Some((major, _)) = installed().into_iter().next() else {
            return Err(Failure::new(format!(
                "no PostgreSQL server in {INSTALLED}: run `cargo xtask test`, or `apt-get install postgresql`"
            )));
        };
        Self::start_major(major)
    }

    /// A server of one major version that lasts as long as anybody has it.
    ///
    /// # Errors
    /// If that version is not installed or does not start.
    pub fn of_major(major: u32) -> Result<Arc<Self>> {
        match Self::shared() {
            Ok(shared) if shared.major == major => Ok(shared),
            _ => Self::start_major(major).map(Arc::new),
        }
    }

    /// A server of its own, of one major version.
    ///
    /// # Errors
    /// If that version is not installed or does not start.
    pub fn start_major(major: u32) -> Result<Self> {
        let bin = majors::programs(major)?;
        remove_stale();
        // Another process may take the port between the look and the start: then once more.
        Self::start_of(major, &bin).or_else(|_| Self::start_of(major, &bin))
    }

    fn start_of(major: u32, bin: &Path) -> Result<Self> {
        let folder = new_folder()?;
        initialise(bin, &folder)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let guardian = Some(guarded_server(bin, &folder, port)?);
        let server = Self { major, bin: bin.to_owned(), port, folder, guardian };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// What a child process has to find in [`SHARED_SERVER`] to use this server.
    pub fn address(&self) -> String {
        format!("{} {} {}", self.major, self.port, self.folder.display())
    }

    fn of_parent(address: &str) -> Result<Self> {
        let wrong = || Failure::new(format!("{SHARED_SERVER} is `{address}`, which is no server"));
        let mut words = address.splitn(3, ' ');
        let mut word = || words.next().ok_or_else(wrong);
        let major = word()?.parse::<u32>()?;
        let port = word()?.parse::<u16>()?;
        let folder = PathBuf::from(word()?);
        let bin = Path::new(INSTALLED).join(major.to_string()).join("bin");
        Ok(Self { major, bin, port, folder, guardian: None })
    }

    /// The address of one of its databases, over TCP and with the password.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", PASSWORD, database)
    }

    /// The same for another role, which has to be able to log in with the password.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgresql://{role}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The address of one of its databases over the Unix socket, which needs no password.
    pub fn socket_url(&self, database: &str) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgresql://postgres@{host}:{}/{database}", self.port)
    }

    /// A new, empty database that is dropped with the value.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn database(self: &Arc<Self>, label: &str) -> Result<Database> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{label}_{}_{n}", std::process::id());
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        Ok(Database::Postgres(PgDatabase { server: Arc::clone(self), name }))
    }

    /// Runs a script with psql, which also knows `\c`, `\i` and `COPY … FROM stdin`. Returns what it
    /// prints: one line per row, columns separated by `|`.
    ///
    /// # Errors
    /// At the first statement that fails.
    pub fn sql(&self, database: &str, script: &str) -> Result<String> {
        let mut psql = self.psql(database);
        Ok(Run::fed(psql.args(["-f", "-"]), script)?.success()?.stdout)
    }

    /// psql, quiet and bare, about to connect to a database.
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = self.client("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"]);
        psql.arg(self.socket_url(database));
        psql
    }

    /// A client program of the server's version, without any setting from outside.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.env_clear().env("PATH", self.bin.as_os_str()).env("LC_ALL", "C.UTF-8");
        command.env("HOME", std::env::temp_dir()).env("PGTZ", "UTC");
        command
    }

    fn wait_until_ready(&self) -> Result {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if self.sql("postgres", "SELECT 1").is_ok() {
                return Ok(());
            }
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            if log.contains("FATAL:  could not") || log.contains("aborting startup") {
                return Err(Failure::new(format!("PostgreSQL does not start:\n{log}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Failure::new(format!("PostgreSQL is not ready after {PATIENCE:?}")))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some((mut guardian, pipe)) = self.guardian.take() {
            drop(pipe);
            let _ = guardian.wait();
        }
    }
}

pub(crate) fn new_folder() -> Result<PathBuf> {
    new_folder_of(PREFIX)
}

/// A folder for a server, whose name says whose it is, owned by the account that runs servers.
pub(crate) fn new_folder_of(prefix: &str) -> Result<PathBuf> {
    // The path of a Unix socket has room for 107 bytes.
    let long = std::env::temp_dir().as_os_str().len() > 60;
    let base = if long { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let prefix = format!("{prefix}{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).rand_bytes(4).tempdir_in(base)?.keep();
    if let Some((uid, gid)) = server_account()? {
        chown(&folder, Some(uid), Some(gid))?;
    }
    Ok(folder)
}

fn initialise(bin: &Path, folder: &Path) -> Result {
    let name = format!("{} {}", version(bin)?, bin.display());
    if cache::unpack(&name, folder, "data/PG_VERSION", &mut as_server_account("tar")?) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(folder.join("data"));
    initialise_anew(bin, folder)?;
    // Without it the next server is made anew, too.
    let _ = cache::pack(&name, folder, &mut as_server_account("tar")?);
    Ok(())
}

fn initialise_anew(bin: &Path, folder: &Path) -> Result {
    let password = folder.join("password");
    fs::write(&password, PASSWORD)?;
    let mut initdb = as_server_account(bin.join("initdb"))?;
    initdb.arg("-D").arg(folder.join("data")).arg(format!("--pwfile={}", password.display()));
    initdb.args(["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256"]).current_dir("/");
    Run::of(&mut initdb)?.success()?;
    Ok(())
}

fn guarded_server(bin: &Path, folder: &Path, port: u16) -> Result<(Child, ChildStdin)> {
    let mut shell = as_server_account("/bin/sh")?;
    shell.args(["-c", GUARDIAN, "guardian"]).arg(bin).arg(folder);
    shell.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    shell.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
    for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
        shell.args(["-c", setting]);
    }
    shell.args(["-c", "shared_buffers=32MB", "-c", "autovacuum=off"]);
    // A group of its own, so that Ctrl-C in the terminal reaches only the test process.
    shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut guardian = shell.spawn()?;
    let pipe = guardian.stdin.take().expect("stdin is piped");
    Ok((guardian, pipe))
}

pub(crate) fn as_server_account(program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    if let Some((uid, gid)) = server_account()? {
        command.uid(uid).gid(gid);
    }
    Ok(command)
}

/// The account that a server has to run as, because `postgres` refuses to run as root.
fn server_account() -> Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let fields = accounts.lines().map(|it| it.split(':').collect::<Vec<_>>());
        let fields = fields.into_iter().find(|it| it.first() == Some(&name) && it.len() > 3)?;
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    };
    let account = find("postgres").or_else(|| find("nobody"));
    account.map(Some).ok_or_else(|| Failure::new("no account to run PostgreSQL as"))
}

/// Ends servers and removes folders whose test process is gone, which only happens when the machine
/// or the guardian was stopped by force.
fn remove_stale() {
    for base in [std::env::temp_dir(), PathBuf::from("/tmp")] {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(owner) = name.strip_prefix(PREFIX).and_then(|it| it.split('-').next()) else {
                continue;
            };
            if !Path::new("/proc").join(owner).exists() {
                remove_one_stale(&entry.path());
            }
        }
    }
}

fn remove_one_stale(folder: &Path) {
    // A guardian that is just at work needs a moment; what it leaves is removed here.
    std::thread::sleep(Duration::from_millis(200));
    let pid_file = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
    if let Some(pid) = pid_file.lines().next() {
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if command.contains(&folder.display().to_string()) {
            let _ = Command::new("kill").args(["-INT", pid]).status();
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    let _ = fs::remove_dir_all(folder);
}

/// The version line of a server's folder, for messages.
///
/// # Errors
/// If the program cannot be run.
pub fn version(bin: &Path) -> Result<String> {
    let run = Run::of(Command::new(bin.join("postgres")).arg("--version"))
        .doing(|| format!("cannot ask {} for its version", bin.display()))?;
    Ok(run.success()?.stdout.trim().to_owned())
}
