//! What stands in a certificate, and how its file is written and read.
//!
//! A file format, published in `docs/certificate.schema.json`: whoever changes what a field means
//! raises [`FORMAT`]. The file has a checksum of its own text, so that a byte that changed by accident
//! is told from a database that changed. It is no signature: who wants to deceive can make a new one.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use raingauge_schema::Fingerprint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::CatalogRecord;
use crate::{Error, Result};

/// The version of the format that this build writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// How the line of the checksum begins; no other line of the file is at this depth with this name.
const CHECKSUM_LINE: &str = "  \"checksum\": ";

/// The recorded evidence that a position was proven: live is what these migrations build from nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "certificate of raingauge")]
pub struct Certificate {
    /// Always 1; a change that breaks readers raises it.
    #[schemars(extend("const" = 1))]
    pub format: u32,
    /// SHA-256 of this file without the line that it stands in.
    pub checksum: String,
    /// When the adoption was carried out, in UTC.
    #[schemars(with = "String")]
    pub written: Timestamp,
    /// The hash of the plan that was agreed to.
    #[schemars(with = "String")]
    pub plan: Fingerprint,
    pub database: Subject,
    pub versions: Versions,
    /// Live when it was certified.
    pub live: CatalogRecord,
    pub replay: Replay,
    pub dump: Dump,
    pub history: HistoryRecord,
    pub ledger: LedgerRecord,
    /// Whether the owners of objects were compared; a rebuilt database belongs to whoever rebuilt it.
    pub owners_compared: bool,
    /// What is not part of the evidence, and why.
    pub left_out: Vec<LeftOut>,
}

/// Which database this is about. Never an address or a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// `postgresql` or `sqlite`.
    #[schemars(extend("enum" = ["postgresql", "sqlite"]))]
    pub dialect: String,
    /// Its name; for SQLite that of the file, without its extension.
    pub name: String,
}

/// The versions of everything that took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Versions {
    pub raingauge: String,
    /// `PostgreSQL 15.18`.
    pub live: String,
    /// The engine in which the history was replayed.
    pub scratch: String,
    /// The program that wrote both dumps: `pg_dump (PostgreSQL) 15.18`; for SQLite the engine itself.
    pub client: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drizzle_orm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drizzle_kit: Option<String>,
}

/// What the certified migrations built in an empty scratch database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// How many migrations of the history ran: those that are certified.
    pub migrations: usize,
    /// What was there before the first of them, because none of them makes it: `schema tools`.
    pub prerequisites: Vec<String>,
    /// Of the catalog afterwards; the same as live's, or there would be no certificate.
    #[schemars(with = "String")]
    pub fingerprint: Fingerprint,
}

/// The second witness: the engine's own dump of the structure, normalised and hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dump {
    /// SHA-256 of live's dump.
    #[schemars(with = "String")]
    pub live: Fingerprint,
    /// SHA-256 of the rebuilt database's dump; the same, or there would be no certificate.
    #[schemars(with = "String")]
    pub rebuilt: Fingerprint,
}

/// The migrations folder as the adoption left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryRecord {
    /// `journal`: that of Drizzle 0.x; `folders`: that of 1.0.
    pub layout: String,
    /// In the order in which the migrator applies them.
    pub migrations: Vec<MigrationRecord>,
    /// SHA-256 of the journal with these entries, as drizzle-kit prints it; where there are folders, of what
    /// a journal would say of them.
    #[schemars(with = "String")]
    pub entries: Fingerprint,
    /// Every file, its path relative to the migrations folder; a journal is the last.
    pub files: Vec<FileRecord>,
}

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MigrationRecord {
    pub tag: String,
    /// Its time in the journal or in its folder's name, in milliseconds.
    pub when: i64,
    /// SHA-256 of its file: what the ledger records.
    #[schemars(with = "String")]
    pub sha256: Fingerprint,
    /// Whether live is certified to be as if it had run. Those that are come first; the others wait.
    pub certified: bool,
}

/// One file of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileRecord {
    pub path: String,
    pub bytes: usize,
    #[schemars(with = "String")]
    pub sha256: Fingerprint,
}

/// Drizzle's table of applied migrations as the adoption left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerRecord {
    /// Empty for SQLite.
    pub schema: String,
    pub table: String,
    pub rows: Vec<RowRecord>,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowRecord {
    pub hash: String,
    /// Milliseconds; absent if the column holds something else.
    pub created_at: Option<i64>,
}

/// Something that is not part of the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    pub what: String,
    pub why: String,
}

impl Certificate {
    /// How many migrations are certified.
    pub fn n_certified(&self) -> usize {
        self.history.migrations.iter().filter(|it| it.certified).count()
    }

    /// The tag of the last migration that is certified.
    pub fn position(&self) -> &str {
        let certified = self.history.migrations.iter().rev().find(|it| it.certified);
        certified.map_or("the empty database", |it| it.tag.as_str())
    }

    /// The file's text, with its checksum.
    pub fn write(&self) -> String {
        let without = without_checksum(&pretty(self));
        let checksum = Fingerprint::of_bytes(without.as_bytes()).as_str().to_owned();
        pretty(&Self { checksum, ..self.clone() })
    }

    /// Reads a certificate and makes sure that it is as it was written.
    ///
    /// # Errors
    /// `certificate-unreadable` if there is no such file; a refusal `certificate-format` if a newer
    /// raingauge wrote it, `certificate-changed` if it is not what was written.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let bytes = fs::read(path).map_err(|cause| {
            Error::new("certificate-unreadable", format!("cannot read the certificate `{shown}`"))
                .caused_by(cause)
                .next("`raingauge reconcile` writes certificates to `raingauge/`, beside the migrations folder")
        })?;
        let text = String::from_utf8(bytes).map_err(|it| changed(path).caused_by(it))?;
        let value: Value = serde_json::from_str(&text).map_err(|it| changed(path).caused_by(it))?;
        if let Some(format) = value["format"].as_u64().filter(|it| u64::from(FORMAT) < *it) {
            return Err(Error::refusal(
                "certificate-format",
                format!("the certificate `{shown}` has format {format}, and this raingauge reads none newer than {FORMAT}; nothing was checked"),
            )
            .next(format!(
                "check it with the raingauge that wrote it: {}",
                value["versions"]["raingauge"].as_str().unwrap_or("a newer one")
            )));
        }
        let certificate: Self =
            serde_json::from_value(value).map_err(|it| changed(path).caused_by(it))?;
        let checksum = Fingerprint::of_bytes(without_checksum(&text).as_bytes());
        if checksum.as_str() != certificate.checksum {
            return Err(changed(path).caused_by(format!(
                "it says that its checksum is {}, and that of its text is {checksum}",
                certificate.checksum
            )));
        }
        Ok(certificate)
    }
}

/// The JSON schema of every certificate, as `docs/certificate.schema.json` publishes it.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Certificate);
    pretty(&schema)
}

fn pretty(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("it has only text keys");
    text.push('\n');
    text
}

fn without_checksum(text: &str) -> String {
    text.split_inclusive('\n').filter(|it| !it.starts_with(CHECKSUM_LINE)).collect()
}

fn changed(path: &Path) -> Error {
    Error::refusal(
        "certificate-changed",
        format!("`{}` is not a certificate as raingauge wrote it; nothing was checked", path.display()),
    )
    .next("restore the file from version control, with the line ends that it had (`raingauge init` writes a rule for them)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/certificate.schema.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, schema()).unwrap();
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(published == schema(), "run the test again with UPDATE_EXPECT=1");
    }
}
