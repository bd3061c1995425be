//! A lived bookstore to crash in, and what has to be true of it afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use raingauge_testkit::mysql::MySqlDatabase;
use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Failure, Project, Raingauge, Result, Run, State, judge};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::mysql_backup::client;
use crate::run::binary;

/// How long a scratch server may outlive its maker.
const PATIENCE: Duration = Duration::from_secs(5);

/// A lived bookstore, its state before anything ran, and a folder for all temporary files.
pub(crate) struct Scene {
    pub(crate) project: Project,
    pub(crate) before: State,
    temporary: TempDir,
    /// The database, where it is none of the project's own.
    mysql: Option<MySqlDatabase>,
}

impl Scene {
    pub(crate) fn new(example: Example) -> Result<Self> {
        Self::of(Project::new(example, Age::Lived)?)
    }

    /// As [`Self::new`], with Drizzle 1.0 installed: the history will be in folders.
    pub(crate) fn with_drizzle_1(example: Example) -> Result<Self> {
        Self::of(Project::with_drizzle_1(example, Age::Lived)?)
    }

    /// A scene of any project.
    pub(crate) fn of(project: Project) -> Result<Self> {
        let before = project.database.state()?;
        Self::over(project, before, None)
    }

    /// A scene of a project whose database is MySQL or MariaDB.
    pub(crate) fn of_mysql(project: Project, database: MySqlDatabase) -> Result<Self> {
        let before = database.state()?;
        Self::over(project, before, Some(database))
    }

    fn over(project: Project, before: State, mysql: Option<MySqlDatabase>) -> Result<Self> {
        // Short, because a socket's path is; like `/tmp`, because the scratch server is another account.
        let temporary = tempfile::Builder::new().prefix("rg-crash-").tempdir_in("/tmp")?;
        fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o1777))?;
        Ok(Self { project, before, temporary, mysql })
    }

    fn state(&self) -> Result<State> {
        self.mysql.as_ref().map_or_else(|| self.project.database.state(), MySqlDatabase::state)
    }

    /// Runs a command with the dump program of the server's flavour.
    fn run_by(&self, raingauge: &Raingauge, arguments: &[&str]) -> Result<Run> {
        let client = self.mysql.as_ref().and_then(|it| client(it.server.release));
        let client = client.iter().flatten().map(String::as_str);
        let arguments: Vec<_> = arguments.iter().copied().chain(client).collect();
        raingauge.run(&self.project.root, &arguments)
    }

    /// The binary, whose temporary files go to the scene's own folder.
    pub(crate) fn raingauge(&self) -> Raingauge {
        binary().env("TMPDIR", &self.temporary.path().display().to_string())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Run> {
        self.run_by(&self.raingauge(), arguments)
    }

    /// Runs to the end and expects an exit code.
    pub(crate) fn expect(&self, arguments: &[&str], code: i32) -> Result<Run> {
        let run = self.run(arguments)?;
        check(run.code == code, || format!("expected {code}: {run}"))?;
        Ok(run)
    }

    /// Runs until a boundary and dies there as by `kill -9`.
    pub(crate) fn crash(&self, arguments: &[&str], boundary: &str) -> Result<Run> {
        let raingauge = self.raingauge().env("RAINGAUGE_CRASH_AT", boundary);
        let run = self.run_by(&raingauge, arguments)?;
        check(run.code == -6, || format!("did not die at `{boundary}`: {run}"))?;
        Ok(run)
    }

    /// The boundaries that a run passes, in order. The run goes to its end.
    pub(crate) fn boundaries(&self, arguments: &[&str]) -> Result<Vec<String>> {
        let raingauge = self.raingauge().env("RAINGAUGE_TRACE_BOUNDARIES", "1");
        let run = self.run_by(&raingauge, arguments)?.success()?;
        let names = run.stderr.lines().filter_map(|it| it.strip_prefix("boundary "));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.dedup();
        Ok(names)
    }

    /// Every row of every table that was there before is there, no other one, and no sequence moved.
    pub(crate) fn nothing_is_lost(&self) -> Result {
        let now = self.state()?;
        for (table, rows) in &self.before.rows {
            let found = now.rows.get(table);
            check(found == Some(rows), || format!("`{table}` was {rows:#?}, is {found:#?}"))?;
        }
        Ok(())
    }

    /// Whatever has the name of a backup is a whole and verified one.
    pub(crate) fn no_backup_is_half(&self) -> Result {
        for folder in list(&self.project.path(".raingauge/backups")) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let mut sums = Command::new("sha256sum");
            Run::of(sums.args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&folder))?
                .success()?;
            let manifest: serde_json::Value =
                serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
            check(manifest["verified"].is_object(), || format!("`{name}` is not verified"))?;
        }
        Ok(())
    }

    /// `validate` and `analyze` do not call anything clean that is not.
    pub(crate) fn the_verdict_is_true(&self) -> Result {
        let adopted = self.is_adopted()?;
        let validate = self.run(&["validate", "--format", "json"])?;
        let codes = codes(&validate)?;
        let interrupted = codes.iter().any(|it| it == "run-interrupted");
        check((validate.code == 0) == (adopted && !interrupted), || {
            format!("adopted: {adopted}, interrupted: {interrupted}, but {validate}")
        })?;
        if interrupted {
            let analyze = self.run(&["analyze", "--format", "json"])?;
            check(analyze.code == 1 && analyze.stdout.contains("run-interrupted"), || {
                format!("analyze does not say that a run was interrupted: {analyze}")
            })?;
        }
        Ok(())
    }

    /// Whether files, ledger and live all say that the adoption is complete: our own look at them.
    pub(crate) fn is_adopted(&self) -> Result<bool> {
        let tables = match &self.mysql {
            Some(it) => it.tables()?,
            None => self.project.database.tables()?,
        };
        let has_users =
            tables.iter().any(|it| it.trim_matches('"').trim_start_matches("public.") == "users");
        let (journal, ledger) = (self.journal()?, self.ledger()?);
        Ok(has_users && !journal.is_empty() && ledger == journal)
    }

    /// The rows of the ledger, as [`Self::journal`] says what they should be.
    pub(crate) fn ledger(&self) -> Result<Vec<String>> {
        if let Some(database) = &self.mysql {
            return mysql_ledger(database, self.folders().is_empty());
        }
        let database = &self.project.database;
        let rows = database.ledger()?.unwrap_or_default();
        if rows.is_empty() || self.folders().is_empty() {
            return Ok(rows);
        }
        let table = match database {
            raingauge_testkit::Database::Postgres(_) => "drizzle.__drizzle_migrations",
            raingauge_testkit::Database::Sqlite(_) => "\"__drizzle_migrations\"",
        };
        let query = format!("SELECT name || '|' || hash FROM {table} ORDER BY id");
        // Until its rows have names, it is one of 0.x.
        let named = database.sql(&query);
        Ok(named.map_or(rows, |it| it.lines().map(str::to_owned).collect()))
    }

    /// The migrations of 1.0: folders that have their SQL, in the order of their names.
    fn folders(&self) -> Vec<PathBuf> {
        let mut folders = list(&self.project.path("drizzle"));
        folders.retain(|it| it.join("migration.sql").is_file());
        folders.sort();
        folders
    }

    /// What the ledger should have for each entry of the journal, `when|hash`, or for each folder,
    /// `name|hash`.
    pub(crate) fn journal(&self) -> Result<Vec<String>> {
        let Ok(text) = self.project.read("drizzle/meta/_journal.json") else {
            let row = |it: &PathBuf| {
                let name = it.file_name().unwrap_or_default().to_string_lossy();
                Ok(format!("{name}|{}", hex(&Sha256::digest(fs::read(it.join("migration.sql"))?))))
            };
            return self.folders().iter().map(row).collect();
        };
        let journal: serde_json::Value = serde_json::from_str(&text)?;
        let entry = |it: &serde_json::Value| {
            let tag = it["tag"].as_str().unwrap_or_default();
            let file = fs::read(self.project.path(&format!("drizzle/{tag}.sql")));
            let hash = file.map(|it| hex(&Sha256::digest(it))).unwrap_or_default();
            format!("{}|{hash}", it["when"])
        };
        Ok(journal["entries"].as_array().into_iter().flatten().map(entry).collect())
    }

    /// Whether files and ledger belong together: every row has its migration, and every migration but
    /// the follow-up has its row; or there is nothing of either.
    pub(crate) fn files_and_ledger_agree(&self) -> Result {
        let (ledger, journal) = (self.ledger()?, self.journal()?);
        let belongs = ledger.iter().all(|it| journal.contains(it))
            && journal.len() <= ledger.len() + 1
            && ledger.is_empty() == journal.is_empty();
        check(belongs, || format!("ledger {ledger:#?}, journal {journal:#?}"))?;
        let sql = list(&self.project.path("drizzle"));
        let n_sql = sql.iter().filter(|it| it.extension().is_some_and(|it| it == "sql")).count()
            + self.folders().len();
        check(n_sql == journal.len(), || format!("{n_sql} files for {journal:#?}"))
    }

    /// Goes on without `--resume`: to the end, or to the refusal that names what to do. Whether it was
    /// the end.
    pub(crate) fn going_on_is_safe(&self) -> Result<bool> {
        let run = self.run(&["execute", "--confirm"])?;
        let refused = run.code == 1
            && run.stderr.contains("run-interrupted")
            && run.stderr.contains("--resume");
        check(run.code == 0 || refused, || format!("neither done nor refused: {run}"))?;
        self.nothing_is_lost()?;
        Ok(run.code == 0)
    }

    /// `execute --resume` reaches the end, where everything is as it should be and stays so.
    pub(crate) fn resuming_converges(&self) -> Result {
        self.expect(&["execute", "--resume", "--confirm"], 0)?;
        self.nothing_is_lost()?;
        self.files_and_ledger_agree()?;
        check(self.is_adopted()?, || "not everything was adopted".to_owned())?;
        self.nothing_is_left_behind()
    }

    /// The certificates of the project.
    pub(crate) fn certificates(&self) -> Vec<String> {
        let found = list(&self.project.path("raingauge"));
        found.iter().map(|it| it.display().to_string()).collect()
    }

    /// One more `execute` changes nothing.
    pub(crate) fn a_further_execute_is_a_no_op(&self) -> Result {
        let (files, state) = (self.project.files()?, self.state()?);
        self.expect(&["execute", "--confirm"], 0)?;
        let mut changes = file_differences(&files, &self.project.files()?);
        changes.extend(state.differences(&self.state()?));
        check(changes.is_empty(), || format!("a further execute changed {changes:#?}"))
    }

    /// The real drizzle-kit and drizzle-orm find everything in order.
    pub(crate) fn the_judge_agrees(&self) -> Result {
        let verdict = match &self.mysql {
            Some(it) => judge::mysql::verdict(&self.project, it, &["authors", "books"])?,
            None => judge::verdict(&self.project, Some("db/init.sql"))?,
        };
        check(verdict.is_good(), || verdict.to_string())
    }

    /// No temporary folder, no server process, no scratch database, no unfinished file.
    pub(crate) fn nothing_is_left_behind(&self) -> Result {
        let mut left = self.leftovers()?;
        let since = Instant::now();
        while !left.is_empty() && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
            left = self.leftovers()?;
        }
        check(left.is_empty(), || format!("left behind: {left:#?}"))
    }

    fn leftovers(&self) -> Result<Vec<String>> {
        let mut left: Vec<PathBuf> = list(self.temporary.path());
        let inner = list(&self.project.path("drizzle")).into_iter().filter(|it| it.is_dir());
        let folders = ["drizzle", "raingauge", ".raingauge/backups", "data"];
        for folder in folders.map(|it| self.project.path(it)).into_iter().chain(inner) {
            let hidden = |it: &PathBuf| {
                it.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.'))
            };
            left.extend(list(&folder).into_iter().filter(hidden));
        }
        let mut left: Vec<String> = left.iter().map(|it| it.display().to_string()).collect();
        left.extend(processes_of(self.temporary.path()));
        if let raingauge_testkit::Database::Postgres(it) = &self.project.database {
            // Other tests may be at work on the same server, but not on this machine's scratch order:
            // a scratch database on live's server is a finding wherever it comes from.
            let query = "SELECT datname FROM pg_database WHERE datname LIKE 'raingauge%'";
            left.extend(it.server.sql("postgres", query)?.lines().map(str::to_owned));
        }
        Ok(left)
    }

    /// Whether a run has begun to use its temporary folder.
    pub(crate) fn has_temporary_files(&self) -> bool {
        !list(self.temporary.path()).is_empty()
    }

    /// Servers end by themselves, soon after their maker and before anybody comes back.
    pub(crate) fn no_process_is_left(&self) -> Result {
        let since = Instant::now();
        while !processes_of(self.temporary.path()).is_empty() && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
        let left = processes_of(self.temporary.path());
        check(left.is_empty(), || format!("still running: {left:#?}"))
    }
}

/// The rows of a ledger of MySQL: `when|hash`, or `name|hash` where the history is in folders.
fn mysql_ledger(database: &MySqlDatabase, is_journal: bool) -> Result<Vec<String>> {
    if !database.tables()?.iter().any(|it| it == "__drizzle_migrations") {
        return Ok(Vec::new());
    }
    let what = if is_journal { "created_at" } else { "name" };
    let query = format!("SELECT concat({what}, '|', hash) FROM __drizzle_migrations ORDER BY id");
    Ok(database.sql(&query)?.lines().map(str::to_owned).collect())
}

/// A failure unless it is so: these checks run on threads, where a panic would hide the others.
pub(crate) fn check(is_so: bool, text: impl FnOnce() -> String) -> Result {
    if is_so { Ok(()) } else { Err(Failure::new(text())) }
}

/// The finding and error codes of a report in JSON.
pub(crate) fn codes(run: &Run) -> Result<Vec<String>> {
    let report = run.json()?;
    let code = |it: &serde_json::Value| it["code"].as_str().map(str::to_owned);
    Ok(report["findings"].as_array().into_iter().flatten().filter_map(code).collect())
}

/// Runs every case on a few threads; all failures are told together.
pub(crate) fn each<T: Sync + std::fmt::Display>(
    cases: &[T],
    one: impl Fn(&T) -> Result + Sync,
) -> Result {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(case) =
                    cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(failure) = one(case) {
                        let mut failures = failures.lock().expect("nobody panics with it");
                        failures.insert(case.to_string(), failure.to_string());
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panics with it");
    let told = failures.iter().map(|(case, failure)| format!("== {case} ==\n{failure}"));
    check(failures.is_empty(), || told.collect::<Vec<_>>().join("\n\n"))
}

fn list(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect()
}

fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let command = |it: &PathBuf| fs::read_to_string(it.join("cmdline")).unwrap_or_default();
    let processes = list(Path::new("/proc"));
    let commands = processes.iter().map(command).filter(|it| it.contains(&folder));
    commands.map(|it| it.replace('\0', " ")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
