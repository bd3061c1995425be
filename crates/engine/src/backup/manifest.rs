//! `manifest.json`: what a backup holds and how that was proven.
//!
//! A file format, described in `docs/backup-format.md`: whoever changes a field changes [`FORMAT`].

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use raingauge_schema::{Dialect, Fingerprint};
use serde::{Deserialize, Serialize};

use crate::connect::{Dsn, Identity, Session};
use crate::digest::{Contents, TableName};
use crate::{Error, Result};

/// The version of the format that this build writes.
pub const FORMAT: u32 = 1;

/// The version of an encrypted backup's outside. Who knows only the other must not take it for a backup
/// that holds nothing.
const SEALED_FORMAT: u32 = 2;

/// What one backup holds and how that was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// `raingauge 0.1.0`.
    pub tool: String,
    pub dialect: Dialect,
    pub taken_at: Timestamp,
    pub source: Source,
    /// The program that wrote the dump: `pg_dump (PostgreSQL) 15.18`. Absent for SQLite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Where the engine's own count of changes stood: `lsn 0/1A2B3C4D`, `data version 3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Of the catalog as every command sees it, the ledgers left out.
    pub fingerprint: Fingerprint,
    /// Of the catalog in `catalog.json`, which has the ledgers too.
    pub fingerprint_with_ledgers: Fingerprint,
    pub contents: Contents,
    /// Sequences that moved while the dump was written.
    #[serde(default, skip_serializing_if = "SequencesMeanwhile::is_empty")]
    pub meanwhile: SequencesMeanwhile,
    /// Which of the tables record applied migrations.
    pub ledgers: Vec<TableName>,
    /// Roles that own or may use something; they have to exist where the backup is restored.
    pub roles: Vec<String>,
    /// With what the database was made: `encoding`, `lc_collate`, `lc_ctype`. Empty for SQLite.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// What the dump does not hold although the database does.
    pub left_out: Vec<LeftOut>,
    /// Every file but this one and `SHA256SUMS`.
    pub files: Vec<DumpFile>,
    pub durations: Durations,
    /// Absent if the backup was never restored.
    pub verified: Option<Verification>,
    /// Whose keys open the backup; absent if anybody can. Then what it holds is said inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
}

/// How a backup is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// Public keys; the secret part of any of them opens it.
    pub recipients: Vec<String>,
    pub decryption: Decryption,
}

/// What is known of the way back from an encrypted backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decryption {
    /// It was decrypted again and was, byte for byte, what had been proven.
    Compared,
    /// No key was at hand: every byte that went into the encryption was compared with what had been proven,
    /// and what came out has the right form and length.
    Unproven,
}

/// The database that was backed up, as it introduced itself. Never a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `PostgreSQL 15.18`.
    pub engine: String,
    pub major: u32,
    pub host: String,
    pub database: String,
    /// Empty for SQLite.
    pub role: String,
    pub bytes: u64,
    /// What no other database in the world has: PostgreSQL's system identifier and the database's
    /// number in it. Absent for SQLite, and where the role may not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// Where sequences stood after the dump, if they had moved: a sequence is outside every snapshot, so
/// the dump holds a state between the one in the contents and this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SequencesMeanwhile(BTreeMap<String, String>);

/// Something that a dump does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub what: String,
    pub why: String,
}

/// One file of a backup, its path relative to the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpFile {
    pub path: String,
    pub bytes: u64,
}

/// How long the parts took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    pub digest_ms: u64,
    pub dump_ms: u64,
}

/// The restore that proved a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub at: Timestamp,
    /// Where it was restored, redacted.
    pub scratch: String,
    /// The restore alone: the expected time of a recovery.
    pub restore_ms: u64,
    /// Reading and comparing what was restored.
    pub compare_ms: u64,
}

impl SequencesMeanwhile {
    /// The states after the dump of those sequences that moved.
    pub(super) fn between(
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) -> Self {
        let moved = after.iter().filter(|(name, state)| before.get(*name) != Some(state));
        Self(moved.map(|(name, state)| (name.clone(), state.clone())).collect())
    }

    /// Whether no sequence moved.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The contents with the states that were restored, where those lie between before and after.
    pub(super) fn settle(&self, expected: &Contents, restored: &Contents) -> Contents {
        let mut settled = expected.clone();
        for (name, after) in &self.0 {
            let (before, found) = (expected.sequences.get(name), restored.sequences.get(name));
            if let (Some(before), Some(found)) = (before, found)
                && is_between(found, before, after)
            {
                settled.sequences.insert(name.clone(), found.clone());
            }
        }
        settled
    }
}

/// Sequences may count upwards or downwards.
fn is_between(state: &str, before: &str, after: &str) -> bool {
    let (Some(it), Some(before), Some(after)) = (parse(state), parse(before), parse(after)) else {
        return false;
    };
    before.min(after) <= it && it <= before.max(after)
}

/// The number of `last_value 7, is_called true` or `next_value 8`. Whether it was handed out yet makes no
/// difference to its place.
fn parse(state: &str) -> Option<i128> {
    let (name, rest) = state.split_once(' ')?;
    let number = rest.split_once(',').map_or(rest, |it| it.0);
    number.parse().ok().filter(|_| matches!(name, "last_value" | "next_value"))
}

impl Source {
    /// The source behind an open session.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn of(session: &mut Session, dsn: &Dsn) -> Result<Self> {
        let Identity { engine, major, host, database, role, bytes, .. } = session.identity()?;
        let (host, system) = match dsn {
            // A socket's folder alone does not tell two servers apart.
            Dsn::Postgres(it) => (format!("{}:{}", it.host, it.port), system(session)),
            Dsn::MySql(_) => (host, None),
            // A relative path says nothing once the working folder is another one.
            Dsn::Sqlite(it) => {
                (std::path::absolute(&it.path).map_or(host, |it| it.display().to_string()), None)
            }
        };
        Ok(Self { engine, major, host, database, role, bytes, system })
    }

    /// Whether both are the same database, whatever its size and whoever connects. A database that
    /// was made anew under the same name is another one.
    pub fn is_same_database(&self, other: &Self) -> bool {
        let is_same_system = match (&self.system, &other.system) {
            (Some(it), Some(other)) => it == other,
            _ => true,
        };
        is_same_system && self.host == other.host && self.database == other.database
    }
}

fn system(session: &mut Session) -> Option<String> {
    let sql = "SELECT system_identifier || '/' || (SELECT oid FROM pg_catalog.pg_database \
        WHERE datname = pg_catalog.current_database()) FROM pg_catalog.pg_control_system()";
    session.rows(sql).ok()?.into_iter().next()?.into_iter().next()?
}

impl Manifest {
    /// The size of all listed files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|it| it.bytes).sum()
    }

    /// What may be known without a key: which database, when, how large, of which structure (its
    /// fingerprint), and how it was proven. No name of a table, no row count, no digest.
    pub(super) fn without_contents(&self, encryption: Encryption) -> Self {
        Self {
            format: SEALED_FORMAT,
            contents: Contents::default(),
            meanwhile: SequencesMeanwhile::default(),
            ledgers: Vec::new(),
            roles: Vec::new(),
            settings: BTreeMap::new(),
            left_out: Vec::new(),
            files: Vec::new(),
            encryption: Some(encryption),
            ..self.clone()
        }
    }

    /// Reads `manifest.json` of a backup folder.
    ///
    /// # Errors
    /// `backup-unreadable` if there is none, or none of this format.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("manifest.json");
        let text = std::fs::read(&path).map_err(|cause| {
            let message = format!("cannot read `{}`: no such backup", path.display());
            Error::new("backup-unreadable", message).caused_by(cause)
        })?;
        Self::parse(&text, &path)
    }

    /// Reads the text of a manifest; `path` says in messages where it is from.
    pub(super) fn parse(text: &[u8], path: &Path) -> Result<Self> {
        let unreadable = |why: &str| {
            Error::new("backup-unreadable", format!("cannot read `{}`: {why}", path.display()))
        };
        let format: FormatOnly = serde_json::from_slice(text)
            .map_err(|it| unreadable("it is not a manifest").caused_by(it))?;
        if ![FORMAT, SEALED_FORMAT].contains(&format.format) {
            let why = format!(
                "format {}, and this raingauge reads {FORMAT} and {SEALED_FORMAT}",
                format.format
            );
            return Err(
                unreadable(&why).next("use the raingauge that made it, or its `restore.sh`")
            );
        }
        let read: Self = serde_json::from_slice(text)
            .map_err(|it| unreadable("it is incomplete").caused_by(it))?;
        if (read.format == SEALED_FORMAT) != read.encryption.is_some() {
            return Err(unreadable("it does not say for certain whether it is encrypted"));
        }
        Ok(read)
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(state: i64, before: i64, after: i64, expected: bool) {
        let say = |it: i64| format!("last_value {it}, is_called true");
        assert_eq!(is_between(&say(state), &say(before), &say(after)), expected);
    }

    #[test]
    fn a_sequence_that_moved_may_stand_anywhere_on_its_way() {
        check(5, 1, 9, true);
        check(1, 1, 9, true);
        check(10, 1, 9, false);
        check(-5, -1, -9, true);
        check(0, -1, -9, false);
        assert!(is_between(
            "next_value 18446744073709551614",
            "next_value 7",
            "next_value 18446744073709551615"
        ));
        assert!(!is_between("next_value 8", "next_value 9", "next_value 9"));
    }
}
