//! What an address leaves open, from where libpq takes it: a service file, variables, a password file,
//! and files in the home folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::settings::Settings;
use crate::{Error, Result};

/// libpq's variables and the keywords that they stand for.
const VARIABLES: [(&str, &str); 26] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
];

/// Where systems keep the service file of everybody: Debian, Red Hat, PostgreSQL's own build.
const SYSTEM_SERVICES: [&str; 3] = [
    "/etc/postgresql-common/pg_service.conf",
    "/etc/sysconfig/pgsql/pg_service.conf",
    "/usr/local/pgsql/etc/pg_service.conf",
];

/// The variables of the process, and the files that they lead to.
pub(super) struct Surroundings<'a> {
    env: &'a BTreeMap<String, String>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(env: &'a BTreeMap<String, String>) -> Self {
        Self { env }
    }

    /// Fills in what was not said: first from the service, then from the variables, then from files
    /// that lie in the home folder.
    pub(super) fn complete(&self, settings: &mut Settings) -> Result<()> {
        let service = settings.get("service").map(str::to_owned);
        // A PGHOSTADDR leads elsewhere than a host that somebody wrote down.
        let is_place_said = settings.get("host").is_some() || settings.get("hostaddr").is_some();
        if let Some(name) = service.or_else(|| self.variable("PGSERVICE").map(str::to_owned)) {
            for (name, value) in self.service(&name)? {
                settings.assume(&name, &value);
            }
        }
        let is_ssl_said = settings.get("ssl").is_some();
        for (variable, keyword) in VARIABLES {
            let is_overruled =
                is_place_said && keyword == "hostaddr" || is_ssl_said && keyword == "sslmode";
            if let Some(value) = self.variable(variable).filter(|_| !is_overruled) {
                settings.assume(keyword, value);
            }
        }
        self.home_files(settings);
        Ok(())
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from)
    }

    /// `~/.postgresql/root.crt` and its like are used where they exist.
    fn home_files(&self, settings: &mut Settings) {
        let Some(folder) = self.home().map(|it| it.join(".postgresql")) else { return };
        let root = folder.join("root.crt");
        if root.is_file() {
            settings.assume("sslrootcert", &root.to_string_lossy());
        }
        let (certificate, key) = (folder.join("postgresql.crt"), folder.join("postgresql.key"));
        if certificate.is_file() && settings.get("sslcertmode") != Some("disable") {
            settings.assume("sslcert", &certificate.to_string_lossy());
        }
        if settings.get("sslcert").is_some() && key.is_file() {
            settings.assume("sslkey", &key.to_string_lossy());
        }
    }

    /// The settings of a service.
    fn service(&self, name: &str) -> Result<Vec<(String, String)>> {
        let given = self.variable("PGSERVICEFILE").map(PathBuf::from);
        let own = given.or_else(|| Some(self.home()?.join(".pg_service.conf")));
        let system = self.variable("PGSYSCONFDIR").map(|it| Path::new(it).join("pg_service.conf"));
        let system = system.into_iter().chain(SYSTEM_SERVICES.map(PathBuf::from));
        let files: Vec<_> = own.into_iter().chain(system).collect();
        let texts = files.iter().filter_map(|it| fs::read_to_string(it).ok());
        texts.filter_map(|it| section(&it, name)).next().ok_or_else(|| {
            let files: Vec<_> = files.iter().map(|it| it.display().to_string()).collect();
            Error::new(
                "service-unknown",
                format!("no service file describes the service `{name}`; nothing was asked"),
            )
            .next(format!("add `[{name}]` to one of {}, or correct the name", files.join(", ")))
        })
    }

    /// The password that the password file has for a server. The error says why it was not read.
    pub(super) fn password(
        &self,
        settings: &Settings,
        host: &str,
        port: u16,
    ) -> Result<Option<String>, String> {
        let given = settings.get("passfile").map(PathBuf::from);
        let Some(path) = given.or_else(|| Some(self.home()?.join(".pgpass"))) else {
            return Ok(None);
        };
        let Ok(meta) = fs::metadata(&path) else { return Ok(None) };
        if !meta.is_file() {
            return Err(format!("`{}` was not read: it is not a plain file", path.display()));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(format!(
                "`{0}` was not read, because others may read it too: chmod 600 {0}",
                path.display()
            ));
        }
        let text = fs::read_to_string(&path)
            .map_err(|it| format!("`{}` was not read: {it}", path.display()))?;
        let user = settings.get("user").map(str::to_owned).or_else(|| whoami::username().ok());
        let user = user.unwrap_or_default();
        let database = settings.get("dbname").unwrap_or(&user);
        // As libpq: the usual folders of sockets go by the name of this machine.
        let is_usual = ["/var/run/postgresql", "/run/postgresql", "/tmp"].contains(&host);
        let host = if is_usual { "localhost" } else { host };
        let port = port.to_string();
        Ok(text.lines().find_map(|it| password_in(it, [host, &port, database, &user])))
    }
}

/// The `name=value` lines of a section.
fn section(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|it| it.strip_prefix('[').and_then(|it| it.strip_suffix(']')) == Some(name))?;
    let own = lines.take_while(|it| !it.starts_with('['));
    let pair = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    Some(own.filter(|it| !it.starts_with('#')).filter_map(pair).collect())
}

/// The password of a line `host:port:database:user:password` whose first four fields fit. `*` fits
/// everything; a backslash stands before a colon or backslash that belongs to a value.
fn password_in(line: &str, wanted: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![(String::new(), true)];
    let mut chars = line.chars();
    while let Some(it) = chars.next() {
        let n_fields = fields.len();
        let (field, is_plain) = fields.last_mut().expect("there is always one");
        match it {
            '\\' => {
                *is_plain = false;
                field.extend(chars.next());
            }
            ':' if n_fields < 5 => fields.push((String::new(), true)),
            it => field.push(it),
        }
    }
    let [server @ .., (password, _)] = fields.as_slice() else { return None };
    let fits = |(it, wanted): (&(String, bool), &str)| it.0 == wanted || it.1 && it.0 == "*";
    let is_it = server.len() == 4 && server.iter().zip(wanted).all(fits);
    (is_it && !password.is_empty()).then(|| password.clone())
}
