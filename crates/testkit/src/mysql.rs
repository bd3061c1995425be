//! A throw-away MySQL or MariaDB server.
//!
//! As for PostgreSQL, it is the child of a small shell that waits for its standard input to end, so it
//! goes however the test process ends. Where its programs are, [`releases`](crate::releases) knows.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::cache;
use crate::database::State;
use crate::failure::{Failure, Result};
use crate::postgres::{PASSWORD, as_server_account, new_folder_of};
pub use crate::releases::{Release, Vendor};
use crate::run::Run;

/// The account that may log in over TCP, with the password of the other servers.
pub const ACCOUNT: &str = "app";

const PREFIX: &str = "raingauge-my-";
const PATIENCE: Duration = Duration::from_secs(60);

const GUARDIAN: &str = r#"
cd /
folder=$1
shift
"$@" >>"$folder/log" 2>&1 </dev/null &
server=$!
read -r _
kill -KILL $server
wait $server 2>/dev/null
rm -rf "$folder"
"#;

/// One running server.
#[derive(Debug)]
pub struct MySql {
    pub vendor: Vendor,
    pub release: Release,
    pub port: u16,
    /// Holds the socket, the log and the data.
    pub folder: PathBuf,
    /// Nothing if the server belongs to another process.
    guardian: Option<(Child, ChildStdin)>,
}

/// One database of a server, dropped with the value.
#[derive(Debug)]
pub struct MySqlDatabase {
    pub server: Arc<MySql>,
    pub name: String,
}

/// The servers that can be had here. What is missing is printed.
#[expect(clippy::print_stdout, reason = "a test that does not run somewhere says so")]
pub fn servers() -> Vec<Arc<MySql>> {
    let start = |vendor| match MySql::shared(vendor) {
        Ok(server) => Some(server),
        Err(failure) => {
            println!("skipped: {vendor:?}: {failure}");
            None
        }
    };
    Vendor::ALL.into_iter().filter_map(start).collect()
}

impl MySql {
    /// The server that the tests of one run share: the parent's if it has one, else one that starts at
    /// the first call and lasts as long as this process.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub fn shared(vendor: Vendor) -> Result<Arc<Self>> {
        static MARIADB: OnceLock<Result<Arc<MySql>>> = OnceLock::new();
        static MYSQL: OnceLock<Result<Arc<MySql>>> = OnceLock::new();
        let shared = match vendor {
            Vendor::MariaDb => &MARIADB,
            Vendor::MySql => &MYSQL,
        };
        let open = || match std::env::var(vendor.variable()) {
            Ok(address) => Self::of_parent(vendor, &address),
            Err(_) => Self::start(vendor),
        };
        shared.get_or_init(|| open().map(Arc::new)).clone()
    }

    /// A server of its own. It stops when the value is dropped.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub fn start(vendor: Vendor) -> Result<Self> {
        Self::of(vendor.release()?)
    }

    /// The same of another release series than the usual one.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn of(release: Release) -> Result<Self> {
        let program = release.program()?;
        // Another process may take the port between the look and the start: then once more.
        Self::start_of(release, &program).or_else(|_| Self::start_of(release, &program))
    }

    fn start_of(release: Release, program: &[String]) -> Result<Self> {
        let vendor = release.vendor;
        let folder = new_folder_of(PREFIX)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        initialise(release, program, &folder)?;
        let guardian = Some(guarded_server(vendor, program, &folder, port)?);
        let server = Self { vendor, release, port, folder, guardian };
        server.wait_until_ready()?;
        server.sql(
            "mysql",
            &format!(
                "CREATE USER IF NOT EXISTS {ACCOUNT}@'%' IDENTIFIED BY '{PASSWORD}'; \
                 GRANT ALL ON *.* TO {ACCOUNT}@'%' WITH GRANT OPTION"
            ),
        )?;
        Ok(server)
    }

    /// What a child process has to find in [`Vendor::variable`] to use this server.
    pub fn address(&self) -> String {
        format!("{} {}", self.port, self.folder.display())
    }

    fn of_parent(vendor: Vendor, address: &str) -> Result<Self> {
        let wrong =
            || Failure::new(format!("{} is `{address}`, which is no server", vendor.variable()));
        let (port, folder) = address.split_once(' ').ok_or_else(wrong)?;
        let (release, port) = (vendor.release()?, port.parse()?);
        Ok(Self { vendor, release, port, folder: PathBuf::from(folder), guardian: None })
    }

    /// The address of one of its databases over TCP, with the password.
    pub fn url(&self, database: &str) -> String {
        self.url_as(ACCOUNT, PASSWORD, database)
    }

    /// The same for another account.
    pub fn url_as(&self, account: &str, password: &str, database: &str) -> String {
        format!("mysql://{account}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The address of one of its databases over the Unix socket, which needs no password.
    pub fn socket_url(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?socketPath={}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// A new, empty database that is dropped with the value.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn database(self: &Arc<Self>, label: &str) -> Result<MySqlDatabase> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{label}_{}_{n}", std::process::id());
        self.sql("mysql", &format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4"))?;
        Ok(MySqlDatabase { server: Arc::clone(self), name })
    }

    /// Runs a script with the client, which also knows `DELIMITER` and `USE`. Returns what it prints:
    /// one line per row, columns separated by tabs.
    ///
    /// # Errors
    /// At the first statement that fails.
    pub fn sql(&self, database: &str, script: &str) -> Result<String> {
        let mut client = Command::new("mariadb");
        client.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        client.args(["--no-defaults", "--batch", "--skip-column-names", "--raw", "--user=root"]);
        client.arg("--default-character-set=utf8mb4");
        client.arg(format!("--socket={}", self.socket().display())).arg(database);
        Ok(Run::fed(&mut client, script)?.success()?.stdout)
    }

    fn wait_until_ready(&self) -> Result {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if self.socket().exists() && self.sql("mysql", "SELECT 1").is_ok() {
                return Ok(());
            }
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            if log.contains("[ERROR] Aborting") || log.contains("[ERROR] [MY-010119]") {
                return Err(Failure::new(format!("{:?} does not start:\n{log}", self.vendor)));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new(format!("{:?} is not ready after {PATIENCE:?}", self.vendor)))
    }
}

impl Drop for MySql {
    fn drop(&mut self) {
        if let Some((mut guardian, pipe)) = self.guardian.take() {
            drop(pipe);
            let _ = guardian.wait();
        }
    }
}

impl MySqlDatabase {
    /// Runs a script in it.
    ///
    /// # Errors
    /// At the first statement that fails.
    pub fn sql(&self, script: &str) -> Result<String> {
        self.server.sql(&self.name, script)
    }

    /// What the server's own dump program writes of it, with its name taken out.
    ///
    /// # Errors
    /// If the program is missing or fails.
    pub fn dump(&self, arguments: &[&str]) -> Result<String> {
        let release = self.server.release;
        let folder = release.client_folder()?.unwrap_or_default();
        let mut dump = Command::new(folder.join(release.dump_program()));
        dump.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        dump.args(["--no-defaults", "--user=root", "--default-character-set=utf8mb4"]);
        dump.arg(format!("--socket={}", self.server.socket().display()));
        dump.args(["--skip-comments", "--routines", "--events", "--triggers", "--no-tablespaces"]);
        if self.server.vendor == Vendor::MySql {
            dump.arg("--set-gtid-purged=OFF");
        }
        let text = Run::of(dump.args(arguments).arg(&self.name))?.success()?.stdout;
        Ok(text.replace(&self.name, "<database>"))
    }

    /// All tables, those of views left out.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn tables(&self) -> Result<Vec<String>> {
        let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() \
                   AND table_type <> 'VIEW' ORDER BY 1";
        Ok(self.sql(sql)?.lines().map(str::to_owned).collect())
    }

    /// Everything that a migration could change, the ledger included.
    ///
    /// # Errors
    /// As [`Self::dump`].
    pub fn state(&self) -> Result<State> {
        let mut rows: BTreeMap<_, Vec<_>> =
            self.tables()?.into_iter().map(|it| (it, Vec::new())).collect();
        let dump = self.dump(&["--no-create-info", "--skip-triggers", "--skip-extended-insert"])?;
        for line in dump.lines() {
            let of = line.strip_prefix("INSERT INTO `").and_then(|it| it.split_once('`'));
            let known = of.and_then(|(table, row)| Some((rows.get_mut(table)?, row)));
            if let Some((found, row)) = known {
                found.push(row.to_owned());
            }
        }
        rows.values_mut().for_each(|it| it.sort());
        Ok(State { schema: self.structure()?, rows })
    }

    /// Its structure as the server's own dump program writes it, without the ledger, counters and whose
    /// it is.
    ///
    /// # Errors
    /// As [`Self::dump`].
    pub fn structure(&self) -> Result<String> {
        let ledger = format!("--ignore-table={}.__drizzle_migrations", self.name);
        let dump = self.dump(&["--no-data", &ledger])?;
        let without = |line: &str| {
            let words = line.split(' ').filter(|it| !it.starts_with("AUTO_INCREMENT="));
            words.collect::<Vec<_>>().join(" ")
        };
        let lines: String = dump.lines().map(|it| without(it) + "\n").collect();
        let mut parts = lines.split("DEFINER=`");
        let first = parts.next().unwrap_or_default().to_owned();
        // Whose it is ends with the second name in backticks.
        let behind = |it: &str| it.splitn(4, '`').nth(3).unwrap_or_default().to_owned();
        let text = parts.fold(first, |text, it| text + "DEFINER" + &behind(it));
        Ok(with_trigger_heads(&text))
    }
}

impl Drop for MySqlDatabase {
    fn drop(&mut self) {
        let _ = self.server.sql("mysql", &format!("DROP DATABASE IF EXISTS `{}`", self.name));
    }
}

/// MariaDB prints the head of a trigger as it was typed: here in capitals, without backticks and blanks to spare.
pub fn with_trigger_heads(dump: &str) -> String {
    const BEFORE: &str = "/*!50003 ";
    let settled = |it: &str| {
        let capitals = it.to_ascii_uppercase();
        let end = capitals.find("FOR EACH ROW").filter(|_| capitals.starts_with("TRIGGER"));
        let Some((head, body)) = end.and_then(|end| it.split_at_checked(end)) else {
            return it.to_owned();
        };
        let words = head.split(|it: char| it.is_whitespace() || it == '`');
        let words: Vec<_> =
            words.filter(|it| !it.is_empty()).map(str::to_ascii_uppercase).collect();
        let body = body.get("FOR EACH ROW".len()..).unwrap_or_default();
        format!("{} FOR EACH ROW {}", words.join(" "), body.trim_start())
    };
    dump.split(BEFORE).map(settled).collect::<Vec<_>>().join(BEFORE)
}

/// Makes the data folder, or takes the one that an earlier run has made.
fn initialise(release: Release, program: &[String], folder: &Path) -> Result {
    let mut asked = Command::new(&program[0]);
    let version = Run::of(asked.args(&program[1..]).arg("--version"))?.success()?.stdout;
    let name = format!("{:?} {}", release.vendor, version.trim());
    if cache::unpack(&name, folder, "data/mysql", &mut as_server_account("tar")?) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(folder.join("data"));
    let data = format!("--datadir={}", folder.join("data").display());
    let mut init = match release.install_program()? {
        Some(script) => {
            let mut init = as_server_account(script)?;
            init.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
            init.args(["--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M"]);
            init
        }
        None => {
            let mut init = as_server_account(&program[0])?;
            init.args(&program[1..]).arg("--initialize-insecure");
            init
        }
    };
    Run::of(init.arg(data).current_dir("/").env("TMPDIR", folder))?.success()?;
    // Without it the next server is made anew, too.
    let _ = cache::pack(&name, folder, &mut as_server_account("tar")?);
    Ok(())
}

fn guarded_server(
    vendor: Vendor,
    program: &[String],
    folder: &Path,
    port: u16,
) -> Result<(Child, ChildStdin)> {
    let mut shell = as_server_account("/bin/sh")?;
    // A server that starts removes the temporary tables of all that share its folder with it.
    shell.env("TMPDIR", folder);
    shell.args(["-c", GUARDIAN, "guardian"]).arg(folder).args(program);
    shell.arg(format!("--datadir={}", folder.join("data").display()));
    shell.arg(format!("--socket={}", folder.join("socket").display()));
    shell.arg(format!("--pid-file={}", folder.join("pid").display()));
    shell.arg(format!("--port={port}")).args(["--bind-address=127.0.0.1", "--skip-name-resolve"]);
    shell.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"]);
    shell.args(["--innodb-buffer-pool-size=32M", "--performance-schema=0"]);
    shell.args(["--secure-file-priv="]);
    match vendor {
        Vendor::MariaDb => shell.arg("--innodb-log-file-size=8M"),
        Vendor::MySql => shell.arg("--mysqlx=OFF"),
    };
    // A group of its own, so that Ctrl-C in the terminal reaches only the test process.
    shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut guardian = shell.spawn()?;
    let pipe = guardian.stdin.take().expect("stdin is piped");
    Ok((guardian, pipe))
}
