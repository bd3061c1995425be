//! A throw-away PgBouncer in front of a server.
//!
//! Like the server it is the child of a small shell that waits for its standard input to end, so it
//! stops however the test process ends.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::postgres::{Postgres, as_server_account, new_folder};

/// Where `cargo xtask install` unpacks it, below `testkit` in the target folder.
pub const FOLDER: &str = "pgbouncer";

const PATIENCE: Duration = Duration::from_secs(10);

const GUARDIAN: &str = r#"
cd /
"$1" -q "$2/pgbouncer.ini" >>"$2/log" 2>&1 </dev/null &
pooler=$!
read -r _
kill -KILL $pooler
wait $pooler
rm -rf "$2"
"#;

/// A running pooler.
#[derive(Debug)]
pub struct PgBouncer {
    pub port: u16,
    folder: PathBuf,
    guardian: Option<(Child, ChildStdin)>,
}

impl PgBouncer {
    /// A pooler in front of all databases of a server. `settings` are lines of its configuration, such
    /// as `pool_mode = transaction`.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub fn start(server: &Postgres, settings: &str) -> Result<Self> {
        let program = program()?;
        let folder = new_folder()?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let config = format!(
            "[databases]\n* = host={socket} port={server_port}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {folder}/users\n{settings}\n",
            socket = server.folder.display(),
            server_port = server.port,
            folder = folder.display()
        );
        fs::write(folder.join("pgbouncer.ini"), config)?;
        fs::write(folder.join("users"), "\"postgres\" \"\"\n")?;
        let mut shell = as_server_account("/bin/sh")?;
        shell.args(["-c", GUARDIAN, "guardian"]).arg(&program).arg(&folder);
        shell.env("LD_LIBRARY_PATH", libraries(&program));
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut guardian = shell.spawn()?;
        let pipe = guardian.stdin.take().expect("stdin is piped");
        let pooler = Self { port, folder, guardian: Some((guardian, pipe)) };
        pooler.wait_until_ready()?;
        Ok(pooler)
    }

    /// The address of a database through the pooler.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn wait_until_ready(&self) -> Result {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(Failure::new(format!("PgBouncer does not start:\n{log}")))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        if let Some((mut guardian, pipe)) = self.guardian.take() {
            drop(pipe);
            let _ = guardian.wait();
        }
    }
}

fn program() -> Result<PathBuf> {
    let binary = std::env::current_exe().unwrap_or_default();
    let unpacked = binary.ancestors().skip(1).map(|it| it.join("testkit").join(FOLDER));
    let roots = unpacked.chain([PathBuf::from("/")]);
    let mut programs = roots.map(|it| it.join("usr/sbin/pgbouncer"));
    programs
        .find(|it| it.is_file())
        .ok_or_else(|| Failure::new("PgBouncer is not installed: run `cargo xtask install` once"))
}

/// The libraries that were unpacked beside the program.
fn libraries(program: &Path) -> String {
    let root = program.ancestors().nth(2).unwrap_or(Path::new("/usr"));
    let folders = fs::read_dir(root.join("lib")).into_iter().flatten().flatten();
    let folders: Vec<_> = folders.map(|it| it.path().display().to_string()).collect();
    folders.join(":")
}
