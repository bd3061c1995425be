//! Finds PostgreSQL's own programs on this machine: `pg_dump`, `pg_restore`, `initdb`, `pg_ctl`.
//!
//! Nothing is read from the environment here: a bare program name is looked up on the search path by
//! the operating system itself.

pub mod mysql;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::connect::dsn::PgTarget;
use crate::connect::tls;
use crate::{Error, Result};

/// Environment variables that would make PostgreSQL's programs talk to another server than ours, or
/// in another way.
pub(crate) const FOREIGN_SETTINGS: [&str; 34] = [
    "PGAPPNAME",
    "PGCHANNELBINDING",
    "PGCLIENTENCODING",
    "PGCLUSTER",
    "PGCONNECT_TIMEOUT",
    "PGDATA",
    "PGDATABASE",
    "PGDATESTYLE",
    "PGGSSENCMODE",
    "PGHOST",
    "PGHOSTADDR",
    "PGLOADBALANCEHOSTS",
    "PGOPTIONS",
    "PGPASSFILE",
    "PGPASSWORD",
    "PGPORT",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGREQUIRESSL",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLCERT",
    "PGSSLCERTMODE",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLKEY",
    "PGSSLMAXPROTOCOLVERSION",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMODE",
    "PGSSLNEGOTIATION",
    "PGSSLROOTCERT",
    "PGSSLSNI",
    "PGTARGETSESSIONATTRS",
    "PGUSER",
];

/// What libpq takes from the same parameter under a variable's name.
const PASSED_ON: [(&str, &str); 10] = [
    ("PGHOSTADDR", "hostaddr"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLSNI", "sslsni"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
];

/// A PostgreSQL program that was found, and how to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program and what stands in front of it: `docker exec -i db pg_dump`.
    words: Vec<String>,
    /// Its major version.
    pub major: u32,
}

/// Where to look for PostgreSQL's programs besides the usual places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramSource {
    /// A folder that holds them.
    Folder(PathBuf),
    /// A command that runs them somewhere else: `docker exec -i db`.
    Prefix(Vec<String>),
}

impl ProgramSource {
    /// Reads what `--pg-client` gives: an existing folder, or else the beginning of a command.
    pub fn parse(text: &str) -> Self {
        let path = Path::new(text.trim());
        if path.is_dir() {
            return Self::Folder(path.to_owned());
        }
        Self::Prefix(text.split_whitespace().map(str::to_owned).collect())
    }
}

impl Program {
    /// The command line that runs the program, for people.
    pub fn shown(&self) -> String {
        self.words.join(" ")
    }

    /// Whether the program runs on this machine and so sees its folders.
    pub fn is_local(&self) -> bool {
        self.words.len() == 1
    }

    /// What it says of its version: `pg_dump (PostgreSQL) 15.18`.
    pub fn version(&self) -> String {
        let text = version_text(&self.words).unwrap_or_default();
        text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
    }

    /// A command that talks to `target`. Where to connect and the password travel in the environment,
    /// never on the command line, where everybody on the machine could read them.
    pub fn command(&self, target: &PgTarget) -> Command {
        let settings = connection_settings(target, self.container_exec().is_some());
        let mut words = self.words.clone();
        if let Some(n) = self.container_exec() {
            for (name, _) in settings.iter().rev() {
                // Without a value: the container tool takes it from its own environment.
                words.splice(n..n, ["-e".to_owned(), (*name).to_owned()]);
            }
        }
        let mut command = bare_command(&words);
        command.envs(settings);
        command
    }

    /// Where options of `docker exec` go, if that is what stands in front.
    fn container_exec(&self) -> Option<usize> {
        let tool = Path::new(self.words.first()?).file_name()?.to_str()?;
        let n = self.words.iter().position(|it| it == "exec")?;
        matches!(tool, "docker" | "podman" | "nerdctl").then_some(n + 1)
    }
}

/// The program's environment that leads it to `target`.
///
/// A local target seen from inside a container is that container's own server, whose address there is
/// not the one that the host uses: libpq's default, the Unix socket, is right.
fn connection_settings(target: &PgTarget, in_container: bool) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    if !(in_container && target.is_local()) {
        settings.push(("PGHOST", target.host.clone()));
        settings.push(("PGPORT", target.port.to_string()));
        settings.push(("PGSSLMODE", target.sslmode.clone()));
        settings.extend(root_certificates(target).map(|it| ("PGSSLROOTCERT", it)));
        // libpq would try another encryption first, which our session does not have.
        settings.push(("PGGSSENCMODE", "disable".to_owned()));
    }
    for (name, value) in [("PGUSER", &target.user), ("PGDATABASE", &target.database)] {
        if !value.is_empty() {
            settings.push((name, value.clone()));
        }
    }
    let is_place = |it: &str| it != "options" && it != "application_name";
    for (name, parameter) in PASSED_ON {
        let value = target.parameter(parameter);
        let value = value.filter(|_| !(in_container && target.is_local() && is_place(parameter)));
        settings.extend(value.map(|it| (name, it.to_owned())));
    }
    if let Some(password) = &target.password {
        settings.push(("PGPASSWORD", password.clone()));
    }
    let timeout = target.parameter("connect_timeout").unwrap_or("10");
    settings.push(("PGCONNECT_TIMEOUT", timeout.to_owned()));
    settings
}

/// Whom libpq is to trust. Before version 16 it does not know the word `system`, and never looks where
/// our session does if nothing is said.
fn root_certificates(target: &PgTarget) -> Option<String> {
    match (target.parameter("sslrootcert"), target.sslmode.as_str()) {
        (Some("system"), _) | (None, "verify-ca" | "verify-full") => {
            Some(tls::system_bundle().unwrap_or("system").to_owned())
        }
        (file, _) => file.map(str::to_owned),
    }
}

fn bare_command(words: &[String]) -> Command {
    let (program, arguments) = words.split_first().expect("a program has a name");
    let mut command = Command::new(program);
    command.args(arguments);
    for name in FOREIGN_SETTINGS {
        command.env_remove(name);
    }
    command
}

/// Finds `pg_dump` or `pg_restore` for a server of this major version: the same version if there is
/// one, else the next newer.
///
/// # Errors
/// `pg-dump-missing` if there is none (`pg-restore-missing` for `pg_restore`), `pg-dump-too-old` if
/// all are older than the server.
pub fn find(name: &str, server_major: u32, source: Option<&ProgramSource>) -> Result<Program> {
    let mut best: Option<Program> = None;
    let mut newest_too_old = None;
    for words in candidates(name, server_major, source) {
        let Some(major) = major_of(&words) else { continue };
        if major == server_major {
            return Ok(Program { words, major });
        }
        if major < server_major {
            newest_too_old = newest_too_old.max(Some(major));
        } else if best.as_ref().is_none_or(|it| major < it.major) {
            best = Some(Program { words, major });
        }
    }
    best.ok_or_else(|| match newest_too_old {
        Some(major) => too_old(name, major, server_major),
        None => missing(name, server_major),
    })
}

/// The folder with the server's programs (`initdb`, `pg_ctl`) of exactly this major version. An empty
/// path stands for the search path.
pub(crate) fn server_folder(major: u32, given: Option<&Path>) -> Option<PathBuf> {
    let has_programs = |it: &PathBuf| {
        let version = |name| major_of(&[path_text(&it.join(name))]);
        ["initdb", "pg_ctl"].into_iter().all(|name| version(name) == Some(major))
    };
    // Who names a folder means it: nothing else is tried.
    if let Some(folder) = given {
        return Some(folder.to_owned()).filter(has_programs);
    }
    let elsewhere = || pg_config_folder().into_iter().chain([PathBuf::new()]).find(has_programs);
    package_folders(major).into_iter().find(has_programs).or_else(elsewhere)
}

fn candidates(name: &str, major: u32, source: Option<&ProgramSource>) -> Vec<Vec<String>> {
    match source {
        Some(ProgramSource::Folder(folder)) => vec![vec![path_text(&folder.join(name))]],
        Some(ProgramSource::Prefix(prefix)) => {
            vec![prefix.iter().cloned().chain([name.to_owned()]).collect()]
        }
        None => {
            // Debian's `pg_dump` on the search path is a wrapper that chooses a version by itself, so
            // folders that state their version come first.
            let folders = usual_folders(major).into_iter().map(|it| path_text(&it.join(name)));
            let newer = newer_folders(major).into_iter().map(|it| path_text(&it.join(name)));
            folders.chain([name.to_owned()]).chain(newer).map(|it| vec![it]).collect()
        }
    }
}

/// Where programs of one major version usually are.
fn usual_folders(major: u32) -> Vec<PathBuf> {
    package_folders(major).into_iter().chain(pg_config_folder()).collect()
}

/// Where packages put the programs of one major version.
fn package_folders(major: u32) -> Vec<PathBuf> {
    [
        format!("/usr/lib/postgresql/{major}/bin"),
        format!("/usr/pgsql-{major}/bin"),
        format!("/usr/libexec/postgresql{major}"),
        format!("/opt/homebrew/opt/postgresql@{major}/bin"),
        format!("/usr/local/opt/postgresql@{major}/bin"),
        format!("/Applications/Postgres.app/Contents/Versions/{major}/bin"),
        "/usr/local/pgsql/bin".to_owned(),
    ]
    .map(PathBuf::from)
    .into_iter()
    .filter(|it| it.is_dir())
    .collect()
}

/// Folders of later major versions on Debian, oldest first.
fn newer_folders(major: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |it: std::fs::DirEntry| it.file_name().to_str()?.parse().ok();
    let mut majors: Vec<u32> = entries.filter_map(number).filter(|it| *it > major).collect();
    majors.sort_unstable();
    majors.into_iter().map(|it| PathBuf::from(format!("/usr/lib/postgresql/{it}/bin"))).collect()
}

/// What `pg_config` says, asked once: on Debian it is a script that takes its time.
fn pg_config_folder() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(ask_pg_config).clone()
}

fn ask_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim())).filter(|it| it.is_dir())
}

/// The major version that a program reports: 15 for `pg_dump (PostgreSQL) 15.18 (Debian …)`.
fn major_of(words: &[String]) -> Option<u32> {
    major_in(&version_text(words)?)
}

fn version_text(words: &[String]) -> Option<String> {
    let output = bare_command(words)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn major_in(text: &str) -> Option<u32> {
    let version = text.split(") ").nth(1)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn missing(name: &str, major: u32) -> Error {
    let code = if name == "pg_restore" { "pg-restore-missing" } else { "pg-dump-missing" };
    Error::new(code, format!("found no `{name}` for a PostgreSQL {major} server"))
        .next(format!("install PostgreSQL's client programs: `apt install postgresql-client-{major}` on Debian and Ubuntu"))
        .next("or name them with `--pg-client <folder>` or `--pg-client 'docker exec -i <container>'`")
}

fn too_old(name: &str, major: u32, server_major: u32) -> Error {
    Error::new(
        "pg-dump-too-old",
        format!("`{name}` {major} is older than the PostgreSQL {server_major} server and would refuse it"),
    )
    .next(format!("install `postgresql-client-{server_major}` or later"))
    .next("or name a newer one with `--pg-client <folder>` or `--pg-client 'docker exec -i <container>'`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(command: &Command) -> String {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    fn target() -> PgTarget {
        PgTarget {
            user: "u".to_owned(),
            password: Some("s3cr3t".to_owned()),
            database: "db".to_owned(),
            ..PgTarget::default()
        }
    }

    #[test]
    fn versions_are_read_from_what_the_programs_print() {
        assert_eq!(major_in("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_in("initdb (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_in("something else 3.1\n"), None);
    }

    #[test]
    fn a_password_is_never_an_argument() {
        for words in [vec!["pg_dump"], vec!["docker", "exec", "-i", "db", "pg_dump"]] {
            let words = words.into_iter().map(str::to_owned).collect();
            let command = Program { words, major: 15 }.command(&target());
            assert!(!arguments(&command).contains("s3cr3t"));
            assert!(command.get_envs().any(|it| it.1.is_some_and(|value| value == "s3cr3t")));
        }
    }

    #[test]
    fn a_container_is_told_which_settings_to_pass_on() {
        let words = ["docker", "exec", "-i", "db", "pg_dump"].map(str::to_owned).to_vec();
        let command = Program { words, major: 15 }.command(&target());
        assert_eq!(
            arguments(&command),
            "docker exec -e PGUSER -e PGDATABASE -e PGPASSWORD -e PGCONNECT_TIMEOUT -i db pg_dump"
        );
    }

    #[test]
    fn a_missing_program_says_what_to_install() {
        let nowhere = ProgramSource::Folder(PathBuf::from("/nonexistent"));
        let error = find("pg_dump", 17, Some(&nowhere)).unwrap_err();
        assert_eq!(error.code, "pg-dump-missing");
        assert!(error.next.concat().contains("postgresql-client-17"));
    }

    #[test]
    fn an_older_program_is_refused_before_it_refuses() {
        let Ok(found) = find("pg_dump", 10, None) else {
            println!("skipped: no pg_dump on this machine");
            return;
        };
        let error = find("pg_dump", found.major + 50, None).unwrap_err();
        assert_eq!(error.code, "pg-dump-too-old");
    }
}
