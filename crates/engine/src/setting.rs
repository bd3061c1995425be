//! What a caller says about where and how to work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
pub use raingauge_tsload::Runtime;
use serde::Deserialize;

use crate::backup::{Keys, Recipients, Store};
use crate::connect::{Dsn, Identity};
use crate::{Error, Result};

/// What a caller says; everything else is read from the project.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The folder of the project: where `drizzle.config.*` is looked for, and `.raingauge/` is made.
    pub root: PathBuf,
    /// The environment's variables, for `process.env` of the configuration.
    pub env: BTreeMap<String, String>,
    /// The configuration file, if it is not to be looked for.
    pub config: Option<PathBuf>,
    /// The target, if it is not the configuration's.
    pub url: Option<String>,
    /// The scripts that created the database, if they are not to be looked for.
    pub init_sql: Vec<PathBuf>,
    pub scratch: ScratchChoice,
    /// A folder or a command prefix for `pg_dump` and `pg_restore`.
    pub pg_client: Option<String>,
    /// Whether a baseline keeps who owns what; else everything belongs to whoever runs it.
    pub with_owners: bool,
    /// How backups are kept; what it does not say, `raingauge.toml` may.
    pub keeping: Keeping,
    /// What someone consented to by name: `drop:orders.note`, `record:0003_prices`.
    pub allow: Vec<String>,
    /// What evaluates the configuration and `schema.ts`.
    pub runtime: Runtime,
    /// The clock, read once per run.
    pub now: Timestamp,
}

impl Setting {
    /// The folder of raingauge in the user's cache, by the environment; it need not exist.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let folder =
            |name: &str| self.env.get(name).map(PathBuf::from).filter(|it| it.is_absolute());
        let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
        Some(cache.join("raingauge"))
    }
}

/// How backups are kept: `[backup]` of `raingauge.toml`, or what a caller says, which goes first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keeping {
    /// Public keys of age, or files of them; without any, backups are not encrypted.
    pub encrypt_to: Vec<String>,
    /// Files with secret keys, to open what is encrypted.
    pub identities: Vec<PathBuf>,
    /// Where a copy of each new backup goes: `s3://bucket/prefix`.
    pub to: Option<String>,
}

impl Keeping {
    /// The object store that this or the policy names, if one does.
    ///
    /// # Errors
    /// `store-invalid`, `store-credentials-missing` if it cannot be used.
    pub fn store(&self, policy: &Self, env: &BTreeMap<String, String>) -> Result<Option<Store>> {
        let to = self.to.as_ref().or(policy.to.as_ref());
        to.map(|it| Store::open(it, env)).transpose()
    }

    /// The keys that this and the policy name, their files relative to `root`.
    ///
    /// # Errors
    /// `recipient-invalid` for what is no public key.
    pub fn keys(&self, policy: &Self, root: &Path) -> Result<Keys> {
        let first = |own: &[String], other: &[String]| {
            if own.is_empty() { other.to_vec() } else { own.to_vec() }
        };
        let recipients = Recipients::parse(&first(&self.encrypt_to, &policy.encrypt_to), root)?;
        let identities =
            if self.identities.is_empty() { &policy.identities } else { &self.identities };
        Ok(Keys { recipients, identities: identities.iter().map(|it| root.join(it)).collect() })
    }
}

/// Where scratch databases are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScratchChoice {
    /// On a server of our own; on the target's if that is on this machine.
    #[default]
    Auto,
    /// On this server.
    Url(String),
    /// On the target's server, wherever it is.
    Target,
}

/// `raingauge.toml`: what a team agrees on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// How backups are kept.
    pub backup: Keeping,
    environments: BTreeMap<String, Environment>,
    migrate: MigratePolicy,
}

/// What holds for every `migrate`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct MigratePolicy {
    /// How old a verified backup may be on which a deletion rests: `6h`.
    backup_age: Option<SignedDuration>,
}

/// One target that is known by name. It is recognised by all fields that are given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Environment {
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    /// Whether each write needs the plan's hash, even if the address looks local (a tunnel).
    protected: bool,
}

impl Policy {
    /// Reads `raingauge.toml` of the project; a missing file is an empty policy.
    ///
    /// # Errors
    /// If the file is not what the manual says; a policy that cannot be read is never taken for none.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join("raingauge.toml");
        if !path.exists() {
            return Ok(Self::default());
        }
        let invalid = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new("policy-invalid", format!("cannot read `{}`", path.display()))
                .caused_by(cause)
                .next("see `docs/usage-guide.md` for what the file may say")
        };
        let text = std::fs::read_to_string(&path).map_err(|it| invalid(it.into()))?;
        toml::from_str(&text).map_err(|it| invalid(it.into()))
    }

    /// How old a verified backup may be on which a deletion rests, if the team has agreed on that.
    pub fn backup_age(&self) -> Option<SignedDuration> {
        self.migrate.backup_age
    }

    /// The name of the protected environment that this target is, if it is one.
    pub fn protects(&self, dsn: &Dsn, identity: &Identity) -> Option<&str> {
        let (host, port) = match dsn {
            Dsn::Postgres(target) => (machine(&target.host), Some(target.port)),
            Dsn::MySql(target) if target.is_socket() => (machine(""), Some(target.port)),
            Dsn::MySql(target) => (machine(&target.host), Some(target.port)),
            Dsn::Sqlite(_) => (String::new(), None),
        };
        let is = |it: &Environment| {
            it.protected
                && it.host.as_ref().is_none_or(|it| machine(it) == host)
                && it.port.is_none_or(|it| Some(it) == port)
                && it.database.as_ref().is_none_or(|it| *it == identity.database)
        };
        self.environments.iter().find(|it| is(it.1)).map(|it| it.0.as_str())
    }
}

/// One name for the machine that an address means: this machine has many.
fn machine(host: &str) -> String {
    let host = host.trim_end_matches('.').to_lowercase();
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    if is_loopback || host == "localhost" || host.starts_with('/') || host.is_empty() {
        return "localhost".to_owned();
    }
    host
}

#[cfg(test)]
mod tests {
    use raingauge_schema::Dialect;

    use super::*;

    #[test]
    fn t67_a_protected_target_is_recognised_by_every_name_of_its_machine() {
        let policy: Policy =
            toml::from_str("[environments.production]\nhost = \"localhost\"\nprotected = true")
                .unwrap();
        let identity = Identity {
            engine: String::new(),
            major: 15,
            host: String::new(),
            database: "shop".into(),
            role: String::new(),
            bytes: 0,
            local: true,
        };
        let protects = |url: &str| {
            let dsn = Dsn::parse(url, Dialect::Postgres).unwrap();
            policy.protects(&dsn, &identity).is_some()
        };
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert!(protects(&format!("postgresql://app@{host}:5432/shop")), "{host}");
        }
        assert!(protects("postgresql:///shop?host=/var/run/postgresql"));
        assert!(!protects("postgresql://app@db.example.com:5432/shop"));
    }
}
