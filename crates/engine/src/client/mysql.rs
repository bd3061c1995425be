//! Finds the dump program and the client of MySQL or MariaDB, and calls them.
//!
//! The two flavours' programs bear each other's names: on Debian `mysqldump` is MariaDB's. So each is asked
//! for its version first. Where to connect and the password stand in a file that only this account may read,
//! and no other option file is read, so that nobody's `~/.my.cnf` changes what is dumped. The folder of that file is locked as
//! long as its maker lives: what a killed run has left, the next one removes. A container does not
//! see the file: it gets the password in its environment.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use raingauge_schema::mysql::catalog::{Flavour, Server};

use super::{Program, ProgramSource, path_text, version_text};
use crate::connect::dsn::mysql::{MySqlTarget, Pem};
use crate::connect::tls;
use crate::leftover::{self, Leftover, Registered};
use crate::scratch::marker;
use crate::{Error, Result};

/// Environment variables that would make the programs talk to another server, or in another way.
const FOREIGN_SETTINGS: [&str; 9] = [
    "MARIADB_HOME",
    "MYSQL_GROUP_SUFFIX",
    "MYSQL_HISTFILE",
    "MYSQL_HOME",
    "MYSQL_HOST",
    "MYSQL_PS1",
    "MYSQL_PWD",
    "MYSQL_TCP_PORT",
    "MYSQL_UNIX_PORT",
];

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes a database as SQL.
    Dump,
    /// Runs SQL.
    Client,
}

impl Role {
    /// The names that the programs of a flavour have, the surest first.
    fn names(self, flavour: Flavour) -> &'static [&'static str] {
        match (self, flavour) {
            (Self::Dump, Flavour::MariaDb) => &["mariadb-dump", "mysqldump"],
            (Self::Dump, Flavour::MySql) => &["mysqldump"],
            (Self::Client, Flavour::MariaDb) => &["mariadb", "mysql"],
            (Self::Client, Flavour::MySql) => &["mysql"],
        }
    }
}

/// A program that was found.
#[derive(Clone, Debug)]
pub struct MySqlProgram {
    program: Program,
    /// Whose it is, and which version.
    pub version: Server,
}

/// A command that talks to a server, with the file that it reads; that goes with the value.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) command: Command,
    pub(crate) private: Private,
}

/// What has to outlive a command.
#[derive(Debug, Default)]
pub(crate) struct Private(
    #[expect(dead_code, reason = "held until it is dropped")] Option<(Folder, Registered)>,
);

/// A folder that goes with the value; whose maker was killed, the next run removes it.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Locked as long as this process lives.
    _marker: File,
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// What the names of such folders begin with.
const PREFIX: &str = "raingauge-client-";

impl MySqlProgram {
    /// `mariadb-dump 10.11.19`.
    pub fn shown(&self) -> String {
        let [major, minor, patch] = self.version.version;
        let name = self.program.words.last().map(Path::new).and_then(Path::file_name);
        format!("{} {major}.{minor}.{patch}", name.unwrap_or_default().to_string_lossy())
    }

    /// A command that talks to `target`, encrypted or not as our own session is.
    ///
    /// # Errors
    /// If the private file cannot be written.
    pub(crate) fn call(&self, target: &MySqlTarget, is_encrypted: bool) -> Result<Call> {
        let container = self.program.container_exec();
        let mut words = self.program.words.clone();
        let settings = match container {
            // The server of the container itself, whose address there is another one.
            Some(_) if target.is_local() => login(target),
            _ => [login(target), place(target)].concat(),
        };
        if !self.program.is_local() {
            let password = target.password.clone().unwrap_or_default();
            if let Some(n) = container {
                words.splice(n..n, ["-e".to_owned(), "MYSQL_PWD".to_owned()]);
            }
            let mut command = command(&words);
            command.arg("--no-defaults").env("MYSQL_PWD", password);
            command.args(settings.iter().map(Setting::argument));
            return Ok(Call { command, private: Private::default() });
        }
        let (folder, leftover) = private_folder().map_err(unwritable)?;
        let encryption = self.encryption(target, is_encrypted, &folder.path)?;
        let password = target.password.iter().map(|it| Setting::of("password", it));
        let all = settings.into_iter().chain(encryption).chain(password);
        let text: String = all.map(|it| it.line()).collect();
        let file = folder.path.join("options.cnf");
        write_private(&file, &format!("[client]\n{text}")).map_err(unwritable)?;
        let mut command = command(&words);
        command.arg(format!("--defaults-file={}", file.display()));
        Ok(Call { command, private: Private(Some((folder, leftover))) })
    }

    fn encryption(
        &self,
        target: &MySqlTarget,
        is_encrypted: bool,
        folder: &Path,
    ) -> Result<Vec<Setting>> {
        let is_maria = self.version.flavour == Flavour::MariaDb;
        if !is_encrypted {
            return Ok(match is_maria {
                true => vec![Setting::flag("skip-ssl")],
                // Else a password could not be checked on a connection that is not encrypted.
                false => vec![
                    Setting::of("ssl-mode", "DISABLED"),
                    Setting::flag("get-server-public-key"),
                ],
            });
        }
        let is_checked = target.sslmode.starts_with("verify-");
        let mut settings = match (is_maria, target.sslmode.as_str()) {
            (true, _) if is_checked => vec![Setting::flag("ssl-verify-server-cert")],
            (true, _) => vec![Setting::flag("ssl"), Setting::flag("skip-ssl-verify-server-cert")],
            (false, "verify-full") => vec![Setting::of("ssl-mode", "VERIFY_IDENTITY")],
            (false, "verify-ca") => vec![Setting::of("ssl-mode", "VERIFY_CA")],
            (false, _) => vec![Setting::of("ssl-mode", "REQUIRED")],
        };
        let system = || tls::system_bundle().map(|it| Pem::File(it.into()));
        let authority = target.authority.clone().or_else(system).filter(|_| is_checked);
        let (certificate, key) = target.identity.clone().unzip();
        let files = [("ssl-ca", authority), ("ssl-cert", certificate), ("ssl-key", key)];
        for (name, pem) in files {
            let path = match pem {
                None => continue,
                Some(Pem::File(path)) => path,
                Some(Pem::Text(text)) => {
                    let path = folder.join(name);
                    write_private(&path, &text).map_err(unwritable)?;
                    path
                }
            };
            settings.push(Setting::of(name, &path_text(&path)));
        }
        Ok(settings)
    }
}

/// One option; without a value it is a switch.
#[derive(Clone, Debug)]
struct Setting {
    name: &'static str,
    value: Option<String>,
}

impl Setting {
    fn of(name: &'static str, value: &str) -> Self {
        Self { name, value: Some(value.to_owned()) }
    }

    fn flag(name: &'static str) -> Self {
        Self { name, value: None }
    }

    fn argument(&self) -> String {
        match &self.value {
            Some(value) => format!("--{}={value}", self.name),
            None => format!("--{}", self.name),
        }
    }

    /// As a line of an option file.
    fn line(&self) -> String {
        let Some(value) = &self.value else { return format!("{}\n", self.name) };
        let mut escaped = String::new();
        for it in value.chars() {
            match it {
                '\\' => escaped.push_str("\\\\"),
                '"' => escaped.push_str("\\\""),
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\t' => escaped.push_str("\\t"),
                it => escaped.push(it),
            }
        }
        format!("{}=\"{escaped}\"\n", self.name)
    }
}

fn login(target: &MySqlTarget) -> Vec<Setting> {
    let user = Some(&target.user).filter(|it| !it.is_empty());
    user.map(|it| Setting::of("user", it)).into_iter().collect()
}

fn place(target: &MySqlTarget) -> Vec<Setting> {
    match &target.socket {
        Some(socket) => {
            vec![Setting::of("protocol", "socket"), Setting::of("socket", &path_text(socket))]
        }
        None => vec![
            Setting::of("protocol", "tcp"),
            Setting::of("host", &target.host),
            Setting::of("port", &target.port.to_string()),
        ],
    }
}

fn command(words: &[String]) -> Command {
    let mut command = super::bare_command(words);
    for name in FOREIGN_SETTINGS {
        command.env_remove(name);
    }
    // MySQL's programs read their own store of passwords even where all other option files are forbidden.
    command.env("MYSQL_TEST_LOGIN_FILE", "/nonexistent/raingauge");
    command
}

fn private_folder() -> std::io::Result<(Folder, Registered)> {
    let place = std::env::temp_dir();
    // Nobody else would take away a password that a killed run has left.
    for (stale, _marker) in marker::stale_folders(&place, PREFIX) {
        let _ = std::fs::remove_dir_all(stale);
    }
    let make = || {
        let (path, _marker) = marker::make_folder(&place, PREFIX)?;
        Ok(Folder { path, _marker })
    };
    leftover::make(make, |it: &Folder| Leftover::Folder(it.path.clone()))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    let file = options.create_new(true).write(true).mode(0o600).open(path);
    file.and_then(|mut it| std::io::Write::write_all(&mut it, text.as_bytes()))
}

fn unwritable(cause: std::io::Error) -> Error {
    Error::new("file-unwritable", "cannot keep the login for the client program in a private file")
        .caused_by(cause)
        .next("make the folder for temporary files writable; nothing was asked")
}

/// Finds a program of the server's flavour that is at least as new as the server.
///
/// # Errors
/// `mysql-client-missing` if there is none of this flavour, `mysql-client-too-old` if all are older than the server.
pub fn find(role: Role, server: Server, source: Option<&ProgramSource>) -> Result<MySqlProgram> {
    let mut best: Option<MySqlProgram> = None;
    let (mut too_old, mut foreign) = (None, None);
    for words in candidates(role, server.flavour, source) {
        let Some(version) = version_text(&words).as_deref().and_then(version_in) else { continue };
        let found = MySqlProgram { program: Program { words, major: version.version[0] }, version };
        let series = |it: Server| [it.version[0], it.version[1]];
        if version.flavour != server.flavour {
            foreign = foreign.or(Some(found));
        } else if series(version) < series(server) {
            too_old = too_old.or(Some(found));
        } else if best.as_ref().is_none_or(|it| series(version) < series(it.version)) {
            best = Some(found);
        }
    }
    best.ok_or_else(|| refusal(role, server, too_old, foreign))
}

fn candidates(role: Role, flavour: Flavour, source: Option<&ProgramSource>) -> Vec<Vec<String>> {
    let names = role.names(flavour).iter();
    match source {
        Some(ProgramSource::Folder(folder)) => {
            names.map(|it| vec![path_text(&folder.join(it))]).collect()
        }
        Some(ProgramSource::Prefix(prefix)) => {
            let with = |it: &&str| prefix.iter().cloned().chain([(*it).to_owned()]).collect();
            names.map(with).collect()
        }
        None => {
            let usual = usual_folders(flavour);
            let there = |name: &&str| {
                let name = (*name).to_owned();
                let usual = usual.iter().map(|it| path_text(&it.join(&name)));
                [name.clone()].into_iter().chain(usual).map(|it| vec![it]).collect::<Vec<_>>()
            };
            names.flat_map(there).collect()
        }
    }
}

/// Where packages put programs that they leave out of the search path.
fn usual_folders(flavour: Flavour) -> Vec<PathBuf> {
    let package = match flavour {
        Flavour::MySql => "mysql",
        Flavour::MariaDb => "mariadb",
    };
    let is_ours =
        |it: &PathBuf| it.file_name().is_some_and(|it| it.to_string_lossy().starts_with(package));
    let below = |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let packages = ["/opt/homebrew/opt", "/usr/local/opt", "/opt"].into_iter().flat_map(below);
    let packages = packages.map(|it| it.path()).filter(is_ours).map(|it| it.join("bin"));
    let mut folders: Vec<_> =
        packages.chain([PathBuf::from(format!("/usr/local/{package}/bin"))]).collect();
    folders.retain(|it| it.is_dir());
    folders.sort();
    folders
}

/// The version that a program reports. MariaDB's have had one of their own besides that of the server:
/// `mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB`, later `mariadb-dump from 11.4.2-MariaDB, client 10.19`.
fn version_in(text: &str) -> Option<Server> {
    let behind = |word: &str| text.split_once(word).map(|it| it.1);
    let version = behind(" Distrib ").or_else(|| behind(" from ")).or_else(|| behind(" Ver "))?;
    let version = version.split([' ', ',']).find(|it| !it.is_empty())?;
    Some(Server::of(version)).filter(|it| it.version != [0, 0, 0])
}

fn refusal(
    role: Role,
    server: Server,
    too_old: Option<MySqlProgram>,
    foreign: Option<MySqlProgram>,
) -> Error {
    let [major, minor, _] = server.version;
    let (flavour, name) = (server.flavour.name(), role.names(server.flavour)[0]);
    let package = match server.flavour {
        Flavour::MariaDb => "`mariadb-client` (`apt install mariadb-client` on Debian and Ubuntu)",
        Flavour::MySql => {
            "`mysql-client` on Ubuntu, `mysql-community-client` from MySQL's own packages elsewhere"
        }
    };
    let found = match (&too_old, &foreign) {
        (Some(it), _) => format!("; `{}` is older than the server", it.shown()),
        (None, Some(it)) => format!("; `{}` is {}'s", it.shown(), it.version.flavour.name()),
        (None, None) => String::new(),
    };
    let code = if too_old.is_some() { "mysql-client-too-old" } else { "mysql-client-missing" };
    let message = format!(
        "found no `{name}` for a {flavour} {major}.{minor} server{found}; nothing was asked of it"
    );
    Error::new(code, message)
        .next(format!("install version {major}.{minor} or later of {package}"))
        .next(
            "or name it with `--pg-client <folder>` or `--pg-client 'docker exec -i <container>'`",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, flavour: Flavour, version: [u32; 3]) {
        assert_eq!(version_in(text), Some(Server { flavour, version }));
    }

    #[test]
    fn versions_are_read_from_what_the_programs_print() {
        use Flavour::{MariaDb, MySql};
        let text =
            "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)\n";
        check(text, MariaDb, [10, 11, 19]);
        check(
            "mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux (x86_64)\n",
            MariaDb,
            [11, 4, 2],
        );
        check("mysqldump  Ver 9.7.4-2 for Linux on x86_64 ((Debian))\n", MySql, [9, 7, 4]);
        check("mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)\n", MySql, [5, 7, 44]);
        check(
            "mysql  Ver 15.1 Distrib 10.11.19-MariaDB, for debian-linux-gnu\n",
            MariaDb,
            [10, 11, 19],
        );
        assert_eq!(version_in("sh: 1: mysqldump: not found"), None);
    }

    fn target() -> MySqlTarget {
        MySqlTarget::parse("mysql://u:s3%22cr%5C3t%23@db.example.com:3307/d").unwrap()
    }

    fn words(call: &Call) -> String {
        let all = std::iter::once(call.command.get_program()).chain(call.command.get_args());
        all.map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    fn program(words: &[&str]) -> MySqlProgram {
        let words = words.iter().map(|it| (*it).to_owned()).collect();
        MySqlProgram { program: Program { words, major: 9 }, version: Server::of("9.7.4") }
    }

    #[test]
    fn a_password_is_in_a_private_file_and_never_an_argument() {
        use std::os::unix::fs::PermissionsExt;
        let call = program(&["mysqldump"]).call(&target(), false).unwrap();
        assert!(
            !words(&call).contains("cr")
                && call.command.get_envs().all(|it| it.0 != "MYSQL_PWD" || it.1.is_none())
        );
        let shown = words(&call);
        let path = shown.split_once("--defaults-file=").unwrap().1.to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("password=\"s3\\\"cr\\\\3t#\"\n"), "{text}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(call);
        assert!(!Path::new(&path).exists());
    }

    #[test]
    fn a_container_gets_the_password_in_its_environment() {
        let call =
            program(&["docker", "exec", "-i", "db", "mysqldump"]).call(&target(), false).unwrap();
        assert_eq!(
            words(&call),
            "docker exec -e MYSQL_PWD -i db mysqldump --no-defaults --user=u --protocol=tcp --host=db.example.com --port=3307"
        );
        assert!(call.command.get_envs().any(|it| it.1.is_some_and(|value| value == "s3\"cr\\3t#")));
    }

    #[test]
    fn a_program_of_the_other_flavour_is_refused_by_name() {
        let Ok(_) = find(Role::Dump, Server::of("10.5.0-MariaDB"), None) else {
            println!("skipped: no program of MariaDB on this machine");
            return;
        };
        let error = find(Role::Dump, Server::of("99.1.0-MariaDB"), None).unwrap_err();
        assert_eq!(error.code, "mysql-client-too-old");
        assert!(error.next.concat().contains("mariadb-client"));
        let folder = tempfile::tempdir().unwrap();
        let both = Command::new("sh")
            .args(["-c", "ln -s \"$(command -v mariadb-dump)\" \"$1/mysqldump\"", "sh"])
            .arg(folder.path())
            .status();
        assert!(both.unwrap().success());
        let source = ProgramSource::Folder(folder.path().to_owned());
        let error = find(Role::Dump, Server::of("8.0.16"), Some(&source)).unwrap_err();
        assert_eq!(error.code, "mysql-client-missing");
        assert!(error.message.contains("is MariaDB's"), "{error}");
    }
}
