//! libpq's keywords with their values → a target.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>

use std::net::IpAddr;

use super::surroundings::Surroundings;
use super::{DEFAULT_PORT, PgTarget, Place, PrivateFiles, Remarks, invalid};
use crate::{Error, Result};

/// What was said of a connection, by libpq's names.
#[derive(Clone, Default)]
pub(super) struct Settings {
    values: Vec<(String, String)>,
    files: Option<PrivateFiles>,
}

/// Names that have a field of their own in [`PgTarget`].
const FIELDS: [&str; 7] = ["host", "port", "user", "password", "dbname", "sslmode", "ssl"];

/// What is done as libpq does it.
const USED: [&str; 22] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "fallback_application_name",
    "gssencmode",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "passfile",
    "service",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslkey",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
];

/// What makes no difference here: raingauge sets it itself, or never does what it is about; and what
/// other programs read from the same URL (Prisma, postgres.js, node-postgres, Supabase).
const HARMLESS: [&str; 25] = [
    "client_encoding",
    "connection_limit",
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "load_balance_hosts",
    "max_lifetime",
    "max_pipeline",
    "idle_timeout",
    "pgbouncer",
    "pool_mode",
    "pool_size",
    "pool_timeout",
    "prepare",
    "schema",
    "servicefile",
    "single_use_connections",
    "socket_timeout",
    "sslaccept",
    "sslcompression",
    "sslpassword",
    "statement_cache_size",
    "supa",
    "uselibpqcompat",
    "workaround",
];

/// What would make a connection safer, or something else, so that to leave it out would be wrong.
const REFUSED: [&str; 9] = [
    "replication",
    "require_auth",
    "requirepeer",
    "scram_client_key",
    "scram_server_key",
    "ssl_max_protocol_version",
    "sslcrl",
    "sslcrldir",
    "sslkeylogfile",
];

impl Settings {
    /// The value of a keyword, if it is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let last = self.values.iter().rev().find(|it| it.0 == name);
        last.map(|it| it.1.as_str()).filter(|it| !it.is_empty())
    }

    /// Says it anew; an empty value says nothing.
    pub(super) fn say(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.values.retain(|it| it.0 != name);
            self.values.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Says it unless something was said.
    pub(super) fn assume(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.say(name, value);
        }
    }

    /// Says a file that holds this text.
    pub(super) fn keep(&mut self, name: &str, text: &str) -> Result<()> {
        let files = match self.files.take() {
            Some(files) => files,
            None => PrivateFiles::new()?,
        };
        let path = files.write(name, text)?;
        self.say(name, &path.to_string_lossy());
        self.files = Some(files);
        Ok(())
    }

    /// The target that the settings describe.
    pub(super) fn target(mut self, surroundings: &Surroundings<'_>) -> Result<PgTarget> {
        self.refuse_unsupported()?;
        let sslmode = self.sslmode()?;
        let places = self.places()?;
        let port_assumed = places.first().is_some_and(|it| it.1.is_none());
        let mut password_note = None;
        let mut passwords = places.into_iter().map(|(host, port)| {
            let port = port.unwrap_or(DEFAULT_PORT);
            let found = match self.get("password") {
                Some(password) => Ok(Some(password.to_owned())),
                None => surroundings.password(&self, &host, port),
            };
            let password = found.unwrap_or_else(|note| {
                password_note = Some(note);
                None
            });
            Place { host, port, password }
        });
        let first = passwords.next().expect("there is always one host");
        let others = passwords.collect();
        let text = |name: &str| self.get(name).unwrap_or_default().to_owned();
        let (user, database) = (text("user"), text("dbname"));
        self.values.retain(|it| !FIELDS.contains(&it.0.as_str()));
        let is_known = |it: &str| USED.contains(&it) || HARMLESS.contains(&it);
        let unknown = self.values.iter().map(|it| it.0.clone()).filter(|it| !is_known(it));
        Ok(PgTarget {
            host: first.host,
            port: first.port,
            port_assumed,
            user,
            password: first.password,
            database,
            sslmode,
            remarks: Box::new(Remarks { ignored: unknown.collect(), password: password_note }),
            parameters: self.values,
            others,
            files: self.files,
        })
    }

    /// Hosts with the ports that were said. An address instead of a host is a host.
    fn places(&self) -> Result<Vec<(String, Option<u16>)>> {
        let hosts: Vec<_> = match (self.get("host"), self.get("hostaddr")) {
            (Some(hosts), None) => hosts.split(',').collect(),
            (Some(host), Some(_)) => vec![host],
            (None, address) => vec![address.unwrap_or_default()],
        };
        let ports: Vec<_> = self.get("port").unwrap_or_default().split(',').collect();
        if ports.len() != 1 && ports.len() != hosts.len() {
            return Err(invalid("the database URL has another number of ports than of hosts"));
        }
        let host = |it: &str| if it.is_empty() { "localhost".to_owned() } else { it.to_owned() };
        let ports = ports.iter().cycle().map(|it| port(it));
        hosts.iter().zip(ports).map(|(it, port)| Ok((host(it), port?))).collect()
    }

    fn sslmode(&mut self) -> Result<String> {
        let is_system = self.get("sslrootcert") == Some("system");
        let said = match (self.get("sslmode"), self.get("ssl")) {
            (Some(mode), _) => Some(sslmode(mode)?),
            // node-postgres reads `ssl=true` as "verify", see pg-connection-string.
            (None, Some("true" | "1")) => Some("verify-full".to_owned()),
            (None, Some("false" | "0")) => Some("disable".to_owned()),
            (None, Some(mode)) => Some(sslmode(mode)?),
            (None, None) => None,
        };
        match said {
            Some(mode) if is_system && mode != "verify-full" => Err(invalid(format!(
                "`sslmode={mode}` is too weak for `sslrootcert=system`, where anybody can get a certificate"
            ))
            .next("write `sslmode=verify-full`")),
            Some(mode) => Ok(mode),
            None if is_system => Ok("verify-full".to_owned()),
            None => Ok("prefer".to_owned()),
        }
    }

    /// Values that mean nothing, and settings that cannot be kept, before anybody is asked.
    fn refuse_unsupported(&self) -> Result<()> {
        let refused = |it: &&(String, String)| {
            REFUSED.contains(&it.0.as_str())
                || it.0 == "gssencmode" && it.1 == "require"
                || it.0 == "sslcertmode" && it.1 == "require"
        };
        if let Some((name, _)) = self.values.iter().find(refused) {
            return Err(Error::new(
                "url-parameter-unsupported",
                format!(
                    "raingauge cannot keep to the connection parameter `{name}`; nothing was asked"
                ),
            )
            .next("leave it out of the URL, or of the variable that sets it, for this command"));
        }
        for (name, words) in WORDS {
            if self.get(name).is_some_and(|it| !words.contains(&it)) {
                return Err(invalid(format!("`{name}` is not one of {}", words.join(", "))));
            }
        }
        for name in
            ["connect_timeout", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"]
        {
            if self.get(name).is_some_and(|it| it.trim().parse::<i32>().is_err()) {
                return Err(invalid(format!("`{name}` is not a number")));
            }
        }
        match self.get("hostaddr") {
            Some(it) if it.parse::<IpAddr>().is_err() => {
                Err(invalid("`hostaddr` is not one IP address"))
            }
            _ => Ok(()),
        }
    }
}

/// Which words some keywords take.
const WORDS: [(&str, &[&str]); 5] = [
    ("channel_binding", &["disable", "prefer", "require"]),
    (
        "target_session_attrs",
        &["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
    ),
    ("sslnegotiation", &["postgres", "direct"]),
    ("ssl_min_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
    ("sslsni", &["0", "1"]),
];

fn port(text: &str) -> Result<Option<u16>> {
    if text.is_empty() {
        return Ok(None);
    }
    // The text is not repeated: an unescaped password may have ended up here.
    let port = text.trim().parse().ok().filter(|it| *it != 0);
    port.map(Some)
        .ok_or_else(|| invalid("the port in the database URL is not a number from 1 to 65535"))
}

fn sslmode(value: &str) -> Result<String> {
    match value {
        "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full" => {
            Ok(value.to_owned())
        }
        // The word of node-postgres for an encrypted but unverified connection.
        "no-verify" => Ok("require".to_owned()),
        _ => Err(invalid(
            "`sslmode` is not one of disable, allow, prefer, require, verify-ca, verify-full, no-verify",
        )),
    }
}
