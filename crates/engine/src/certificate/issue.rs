//! Makes a certificate: what was proven while the plan was made, with what carrying it out writes.

use std::path::{Path, PathBuf};
use std::{fs, io};

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, snapshot_path, sql_path};
use raingauge_schema::drizzle::ledger::{CreatedAt, LedgerRow};
use raingauge_schema::{Dialect, Fingerprint};

use super::document::{
    Certificate, Dump, FORMAT, FileRecord, HistoryRecord, LedgerRecord, LeftOut, MigrationRecord,
    Replay, RowRecord, Subject, Versions,
};
use super::record::CatalogRecord;
use crate::adoption::NewMigration;
use crate::history::History;
use crate::project::Project;
use crate::site::Site;

/// The folder of certificates, beside the migrations folder.
const FOLDER: &str = "raingauge";

/// How much of a database's name goes into the name of a file.
const MAX_NAME: usize = 40;

/// What the two witnesses said when live was rebuilt in scratch.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub live: CatalogRecord,
    pub replay: Replay,
    pub dump: Dump,
    /// The scratch server's engine and version.
    pub scratch: String,
    /// The version of the program that wrote the dumps.
    pub client: String,
    /// The ledger's rows when the plan was made; the lock keeps them until it is carried out.
    pub rows: Vec<LedgerRow>,
}

/// What carrying a plan out writes: files of the history, and rows of the ledger.
#[derive(Debug)]
pub(crate) struct Issue<'a> {
    pub(crate) plan: &'a Fingerprint,
    /// As it is when the plan is carried out, but for `migrations`.
    pub(crate) history: &'a History,
    pub(crate) migrations: &'a [NewMigration],
    pub(crate) evidence: &'a Evidence,
    /// The journal with the new entries; for folders, what a journal would say of them.
    pub(crate) journal: &'a Journal,
    /// Path and text of every new file, the journal last if it is among them.
    pub(crate) files: Vec<(&'a str, &'a str)>,
    /// Hash and time of the new rows.
    pub(crate) rows: Vec<(&'a str, i64)>,
}

/// The certificate of a plan that is about to be carried out. `journal_text` is the journal on disk.
pub(crate) fn issue(site: &Site, issue: &Issue<'_>, journal_text: &str) -> Certificate {
    let evidence = issue.evidence;
    let ledger = &site.project.ledger;
    Certificate {
        format: FORMAT,
        checksum: String::new(),
        written: site.setting.now,
        plan: issue.plan.clone(),
        database: Subject {
            dialect: site.dialect().drizzle_name().to_owned(),
            name: site.identity.database.clone(),
        },
        versions: versions(site, evidence),
        live: evidence.live.clone(),
        replay: evidence.replay.clone(),
        dump: evidence.dump.clone(),
        history: history(issue, journal_text),
        ledger: LedgerRecord {
            schema: ledger.schema.clone(),
            table: ledger.table.clone(),
            rows: rows(evidence, &issue.rows),
        },
        owners_compared: site.setting.with_owners,
        left_out: left_out(site.dialect(), site.setting.with_owners),
    }
}

/// The folder of certificates: beside the migrations folder, to be committed with it.
pub(crate) fn folder(root: &Path, history: &Path) -> PathBuf {
    let beside = match history.parent() {
        // An `out` folder that is the project itself has nothing beside it that is the project's.
        Some(parent) if history != root => parent,
        Some(_) | None => root,
    };
    beside.join(FOLDER)
}

/// Whether the project has certificates.
///
/// # Errors
/// If their folder cannot be read.
pub(crate) fn exist(project: &Project) -> io::Result<bool> {
    let entries = match fs::read_dir(folder(&project.root, &project.history.folder)) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(cause),
    };
    let paths = entries.map(|it| it.map(|it| it.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.iter().any(|it| Certificate::read(it).is_ok()))
}

/// Where a certificate of this moment goes: `raingauge/20261122T203000123Z-bookstore.json`.
pub(crate) fn path(site: &Site) -> PathBuf {
    let plain = |it: char| if it.is_alphanumeric() || it == '_' || it == '-' { it } else { '-' };
    let name: String = site.identity.database.chars().take(MAX_NAME).map(plain).collect();
    let stamp = site.setting.now.strftime("%Y%m%dT%H%M%S%3fZ");
    folder(&site.project.root, &site.project.history.folder).join(format!("{stamp}-{name}.json"))
}

fn versions(site: &Site, evidence: &Evidence) -> Versions {
    Versions {
        raingauge: env!("CARGO_PKG_VERSION").to_owned(),
        live: site.identity.engine.clone(),
        scratch: evidence.scratch.clone(),
        client: evidence.client.clone(),
        drizzle_orm: site.project.orm_version.clone(),
        drizzle_kit: site.project.kit_version.clone(),
    }
}

fn history(issue: &Issue<'_>, journal_text: &str) -> HistoryRecord {
    let history = issue.history;
    let mut files = Vec::new();
    let mut migrations = Vec::new();
    let generation = history.generation;
    for (at, it) in history.migrations.iter().enumerate() {
        let tag = &it.entry.tag;
        files.push(file(&sql_path(generation, tag), &it.sql));
        let snapshot = it.snapshot.as_ref();
        files.extend(snapshot.map(|text| file(&snapshot_path(generation, tag), text)));
        migrations.push(MigrationRecord {
            tag: it.entry.tag.clone(),
            when: it.entry.when,
            sha256: it.hash.clone(),
            certified: at < issue.evidence.replay.migrations,
        });
    }
    let new = issue.journal.entries.iter().skip(history.migrations.len());
    for (entry, migration) in new.zip(issue.migrations) {
        migrations.push(MigrationRecord {
            tag: entry.tag.clone(),
            when: entry.when,
            sha256: crate::adoption::file_hash(migration),
            certified: migration.in_effect,
        });
    }
    files.extend(issue.files.iter().map(|(path, text)| file(path, text)));
    let entries = Fingerprint::of_bytes(issue.journal.write().as_bytes());
    let layout = match generation {
        Generation::V0 if !issue.files.iter().any(|it| it.0 == JOURNAL_PATH) => {
            files.push(file(JOURNAL_PATH, journal_text));
            "journal"
        }
        Generation::V0 => "journal",
        Generation::V1 => "folders",
    };
    HistoryRecord { layout: layout.to_owned(), migrations, entries, files }
}

fn file(path: &str, text: &str) -> FileRecord {
    FileRecord {
        path: path.to_owned(),
        bytes: text.len(),
        sha256: Fingerprint::of_bytes(text.as_bytes()),
    }
}

fn rows(evidence: &Evidence, new: &[(&str, i64)]) -> Vec<RowRecord> {
    let before = evidence.rows.iter().map(row);
    let new = new
        .iter()
        .map(|(hash, when)| RowRecord { hash: (*hash).to_owned(), created_at: Some(*when) });
    before.chain(new).collect()
}

/// A row of the ledger as it stands in certificates.
pub(super) fn row(row: &LedgerRow) -> RowRecord {
    let created_at = match row.created_at {
        CreatedAt::Millis(millis) => Some(millis),
        CreatedAt::Null | CreatedAt::Text(_) | CreatedAt::Real(_) | CreatedAt::Blob => None,
    };
    RowRecord { hash: row.hash.clone(), created_at }
}

/// What `--with-owners` compares too.
const OWNERS: &str = "owners of objects";

/// What neither witness looks at, and why.
fn left_out(dialect: Dialect, with_owners: bool) -> Vec<LeftOut> {
    let always = [
        (
            "rows",
            "the structure is certified; rows are in the verified backup that was taken before",
        ),
        (
            "the ledger's table",
            "it records the history and is no part of it; its rows are certified on their own",
        ),
    ];
    let postgres = [
        (OWNERS, "a rebuilt database belongs to whoever rebuilt it"),
        ("values of sequences", "they are data"),
        ("roles, tablespaces and their settings", "they belong to the server, not to the database"),
        (
            "settings, owner and grants of the database itself",
            "whoever creates the database gives them",
        ),
    ];
    let sqlite = [("pragmas that are not structure", "whoever opens the file sets them")];
    let more = match dialect {
        Dialect::Postgres => postgres.as_slice(),
        Dialect::MySql => &[],
        Dialect::Sqlite => sqlite.as_slice(),
    };
    let one =
        |(what, why): &(&str, &str)| LeftOut { what: (*what).to_owned(), why: (*why).to_owned() };
    let counts = |it: &&(&str, &str)| !(with_owners && it.0 == OWNERS);
    always.iter().chain(more).filter(counts).map(one).collect()
}
