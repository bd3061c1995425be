//! `backup` and `restore` in bad weather: signals, kills, full disks, servers that go away. Whatever
//! happens, what has a backup's name is one, earlier ones are as they were, and nothing else stays.

mod faults;
mod kills;
mod progress;
mod sealed;
mod signals;
mod space;
mod store;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor};
use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Postgres, Project, Raingauge, Result, Run};
use tempfile::TempDir;

use crate::mysql_backup;
use crate::run::binary;

/// How long servers and programs may outlive who started them.
const PATIENCE: Duration = Duration::from_secs(8);

/// Rows that take a moment to dump and to restore.
const LARGE: &str = "CREATE TABLE large AS SELECT n, repeat(md5(n::text), 8) AS body FROM generate_series(1, 40000) n;
    CREATE TABLE larger AS SELECT * FROM large;";
const LARGE_IN_SQLITE: &str = "CREATE TABLE large AS WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40000)
    SELECT n, hex(randomblob(100)) AS body FROM n";
const LARGE_IN_MYSQL: &str = "CREATE TABLE large (n int AUTO_INCREMENT PRIMARY KEY, body varchar(300)); INSERT INTO large (body) VALUES ('x');";
const TWICE_IN_MYSQL: &str =
    "INSERT INTO large (body) SELECT repeat(sha2(rand(), 256), 4) FROM large;";

const CONNECTED: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'raingauge%' \
    OR application_name LIKE 'raingauge%'";
const CONNECTED_TO_MYSQL: &str =
    "SELECT count(*) FROM information_schema.processlist WHERE user = 'app'";

/// A bookstore with one backup, on a server on which nobody else makes scratch databases.
struct Weather {
    project: Project,
    server: Option<Arc<Postgres>>,
    /// The database, where it is none of the project's own.
    mysql: Option<MySqlDatabase>,
    /// All temporary files of the runs.
    temporary: TempDir,
    /// The files of the earlier backup.
    earlier: BTreeMap<PathBuf, Vec<u8>>,
}

impl Weather {
    fn new(example: Example) -> Result<Self> {
        let (project, server) = match example {
            Example::BookstoreSqlite => (Project::new(example, Age::Lived)?, None),
            Example::BookstorePostgres => {
                let server = Arc::new(Postgres::start()?);
                (Project::on(&server, Age::Lived)?, Some(server))
            }
        };
        let weather = Self::over(project, server, None)?;
        let large = if weather.server.is_some() { LARGE } else { LARGE_IN_SQLITE };
        weather.project.database.sql(large)?;
        Ok(weather)
    }

    /// The shop of MySQL or MariaDB, on a server of its own; none where that server cannot be had, which is printed.
    fn of_mysql(vendor: Vendor) -> Result<Option<Self>> {
        let server = match MySql::start(vendor) {
            Ok(server) => Arc::new(server),
            Err(failure) => {
                println!("skipped: {vendor:?}: {failure}");
                return Ok(None);
            }
        };
        let database = server.database("weather")?;
        let project = mysql_backup::project(&database)?;
        let weather = Self::over(project, None, Some(database))?;
        let large = LARGE_IN_MYSQL.to_owned() + &TWICE_IN_MYSQL.repeat(15) + "ANALYZE TABLE large;";
        weather.mysql().sql(&large)?;
        Ok(Some(weather))
    }

    fn over(
        project: Project,
        server: Option<Arc<Postgres>>,
        mysql: Option<MySqlDatabase>,
    ) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("rg-weather-").tempdir_in("/tmp")?;
        let mode = std::fs::Permissions::from_mode(0o1777);
        std::fs::set_permissions(temporary.path(), mode)?;
        let mut weather = Self { project, server, mysql, temporary, earlier: BTreeMap::new() };
        weather.run(&["backup"])?.success()?;
        weather.earlier = weather.whole_backups()?;
        Ok(weather)
    }

    fn mysql(&self) -> &MySqlDatabase {
        self.mysql.as_ref().expect("it is MySQL or MariaDB")
    }

    fn raingauge(&self) -> Raingauge {
        binary().env("TMPDIR", &self.temporary.path().display().to_string())
    }

    /// The command line with scratch on the tests' own server, where there is one.
    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let scratch = self.server.as_ref().map(|it| it.url("postgres"));
        let scratch = scratch.or(self.mysql.as_ref().map(|it| it.server.url("mysql")));
        let more = scratch.into_iter().flat_map(|it| ["--scratch".to_owned(), it]);
        let client = self.mysql.as_ref().and_then(|it| mysql_backup::client(it.server.release));
        let more = more.chain(client.into_iter().flatten());
        arguments.iter().map(|it| (*it).to_owned()).chain(more).collect()
    }

    fn command(&self, raingauge: &Raingauge, arguments: &[&str]) -> Command {
        let arguments = self.arguments(arguments);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        raingauge.command(&self.project.root, &arguments)
    }

    fn run(&self, arguments: &[&str]) -> Result<Run> {
        Run::of(&mut self.command(&self.raingauge(), arguments))
    }

    /// Starts a run that waits at a boundary, and returns when it is there. A line lets it go on.
    fn paused(&self, arguments: &[&str], boundary: &str) -> Result<Child> {
        let raingauge = self.raingauge().env("RAINGAUGE_PAUSE_AT", boundary);
        self.paused_by(&raingauge, arguments, boundary)
    }

    /// The same with a binary that knows of the boundary.
    fn paused_by(
        &self,
        raingauge: &Raingauge,
        arguments: &[&str],
        boundary: &str,
    ) -> Result<Child> {
        let mut command = self.command(raingauge, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stderr.as_mut().expect("it is a pipe")).lines();
        let expected = format!("paused {boundary}");
        let reached = lines.by_ref().map_while(std::io::Result::ok).any(|it| it == expected);
        assert!(reached, "`{boundary}` was not reached");
        Ok(child)
    }

    fn folder(&self) -> PathBuf {
        self.project.path(".raingauge/backups")
    }

    /// Every file of every backup that has its name; each backup is checked by `sha256sum`.
    fn whole_backups(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let mut files = BTreeMap::new();
        for backup in list(&self.folder()).into_iter().filter(|it| !is_hidden(it)) {
            let mut sums = Command::new("sha256sum");
            sums.args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&backup);
            Run::of(&mut sums)?.success()?;
            let manifest = std::fs::read_to_string(backup.join("manifest.json"))?;
            let manifest: serde_json::Value = serde_json::from_str(&manifest)?;
            assert!(manifest["verified"].is_object(), "{}", backup.display());
            collect(&backup, &mut files)?;
        }
        Ok(files)
    }

    /// The earlier backup is as it was, and whatever else has a backup's name is whole.
    fn backups_are_whole(&self) -> Result {
        let now = self.whole_backups()?;
        for (path, bytes) in &self.earlier {
            assert!(now.get(path) == Some(bytes), "{} has changed", path.display());
        }
        Ok(())
    }

    /// No unfinished backup, no temporary file, no scratch database, no program at work.
    #[track_caller]
    fn nothing_is_left_behind(&self) -> Result {
        let since = Instant::now();
        let mut left = self.leftovers()?;
        while !left.is_empty() && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
            left = self.leftovers()?;
        }
        assert_eq!(left, [""; 0], "left behind");
        self.backups_are_whole()
    }

    /// Nothing that was fetched or decrypted is left.
    #[track_caller]
    fn temporary_is_empty(&self) -> Result {
        let left = list(self.temporary.path());
        assert!(left.is_empty(), "{left:?}");
        Ok(())
    }

    /// Waits until the server has noticed that killed runs are gone, and orphaned programs have ended.
    fn nobody_is_connected_to_scratch(&self) -> Result {
        let connected = || -> Result<String> {
            Ok(match (&self.server, &self.mysql) {
                (Some(it), _) => it.sql("postgres", CONNECTED)?,
                (_, Some(it)) => it.server.sql("mysql", CONNECTED_TO_MYSQL)?,
                _ => "0".to_owned(),
            })
        };
        let since = Instant::now();
        while connected()?.trim() != "0" && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn leftovers(&self) -> Result<Vec<String>> {
        let mut left = list(self.temporary.path());
        left.extend(list(&self.folder()).into_iter().filter(|it| is_hidden(it)));
        left.extend(list(&self.project.path("data")).into_iter().filter(|it| is_hidden(it)));
        let mut left: Vec<_> = left.iter().map(|it| it.display().to_string()).collect();
        let root = self.project.root.display().to_string();
        let temporary = self.temporary.path().display().to_string();
        let command =
            |it: &PathBuf| std::fs::read_to_string(it.join("cmdline")).unwrap_or_default();
        let commands = list(Path::new("/proc")).iter().map(command).collect::<Vec<_>>();
        let ours =
            |it: &String| it.contains(&root) && it.contains("pg_") || it.contains(&temporary);
        left.extend(commands.into_iter().filter(ours).map(|it| it.replace('\0', " ")));
        if let Some(server) = &self.server {
            let scratch = "SELECT datname FROM pg_database WHERE datname LIKE 'raingauge%'";
            let names = server.sql("postgres", scratch).unwrap_or_default();
            left.extend(names.lines().map(str::to_owned));
        }
        if let Some(database) = &self.mysql {
            let scratch = "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'raingauge%'";
            let names = database.server.sql("mysql", scratch).unwrap_or_default();
            left.extend(names.lines().map(str::to_owned));
        }
        Ok(left)
    }
}

/// Whether to run the counts that issues name instead of a sample.
fn is_full() -> bool {
    std::env::var_os("RAINGAUGE_FULL").is_some()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.'))
}

fn list(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect()
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result {
    for path in list(folder) {
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            let bytes = std::fs::read(&path)?;
            files.insert(path, bytes);
        }
    }
    Ok(())
}

/// The database's name on its server.
fn name_of(project: &Project) -> &str {
    match &project.database {
        Database::Postgres(it) => &it.name,
        Database::Sqlite(_) => "",
    }
}
