//! What was named as a side, told from its looks: an address, a folder, a file.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, Layout};
use serde_json::Value;

use crate::connect::Dsn;
use crate::setting::Setting;
use crate::{Error, Result};

/// One side of a comparison, as it was named.
#[derive(Clone, Debug)]
pub struct Source {
    /// As messages name it; never with a password.
    pub label: String,
    pub nature: Nature,
    /// Absent where only the other side tells: SQL says nothing of its engine.
    pub dialect: Option<Dialect>,
}

/// What a side is.
#[derive(Clone, Debug)]
pub enum Nature {
    Live(Dsn),
    /// What a configuration of Drizzle names as the schema.
    Configured(PathBuf),
    /// A file that declares tables.
    Declared(PathBuf),
    History(PathBuf),
    Scripts(PathBuf),
    Snapshot(PathBuf),
}

impl Nature {
    /// Whether it says nothing but what Drizzle can express.
    pub fn is_drizzle_only(&self) -> bool {
        matches!(self, Self::Configured(_) | Self::Declared(_) | Self::Snapshot(_))
    }
}

impl fmt::Display for Nature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live(_) => "database",
            Self::Configured(_) => "schema of a configuration",
            Self::Declared(_) => "schema file",
            Self::History(_) => "migrations folder",
            Self::Scripts(_) => "SQL",
            Self::Snapshot(_) => "snapshot",
        })
    }
}

impl Source {
    /// Tells what a text names; paths are relative to the project's folder.
    ///
    /// # Errors
    /// `side-unknown` if it is neither an address nor a file or folder that can be a side.
    pub fn of(text: &str, setting: &Setting) -> Result<Self> {
        let text = text.trim();
        let path = setting.root.join(text);
        let is_address = Dsn::engine_of(text).is_some();
        if is_address || !path.exists() && text.contains('=') {
            return live(text, setting);
        }
        if path.is_dir() {
            return folder(text, path);
        }
        if path.is_file() {
            return file(text, path, setting);
        }
        Err(unknown(
            "a side of the comparison is neither a URL nor a file or folder that is there",
            text,
        ))
    }

    fn new(label: &str, nature: Nature, dialect: Option<Dialect>) -> Self {
        Self { label: label.to_owned(), nature, dialect }
    }
}

/// The text may be an address with a password in it, so only what looks like a path is repeated.
fn unknown(message: &str, text: &str) -> Error {
    let is_plain = !text.contains(['@', '=']) && !text.contains("://");
    let shown = if is_plain { format!("{message}: `{text}`") } else { message.to_owned() };
    Error::new("side-unknown", shown)
        .next("name a URL, `schema.ts`, `drizzle.config.ts`, a migrations folder, an SQL file or folder of them, a snapshot, or a SQLite file")
}

fn live(text: &str, setting: &Setting) -> Result<Source> {
    let dialect = Dsn::engine_of(text).unwrap_or(Dialect::Postgres);
    let dsn = Dsn::parse_in(text, dialect, &setting.env)?.within(&setting.root);
    let label = dsn.to_string();
    Ok(Source { label, nature: Nature::Live(dsn), dialect: Some(dialect) })
}

fn folder(text: &str, path: PathBuf) -> Result<Source> {
    let journal = path.join(JOURNAL_PATH);
    if journal.is_file() {
        let dialect = dialect_in(&read(&journal)?);
        return Ok(Source::new(text, Nature::History(path), dialect));
    }
    let names = names_in(&path)?;
    let files = names.iter().flat_map(|it| {
        let files = ["migration.sql", "snapshot.json"];
        files.map(|file| format!("{it}/{file}")).into_iter().filter(|it| path.join(it).is_file())
    });
    let files: Vec<_> = files.collect();
    if let Layout::Folders { folders } = Layout::of(files.iter().map(String::as_str)) {
        let last = folders.last().map(|it| path.join(it).join("snapshot.json"));
        let text_of = last.filter(|it| it.is_file()).map(|it| read(&it)).transpose()?;
        let dialect = text_of.and_then(|it| dialect_in(&it));
        return Ok(Source::new(text, Nature::History(path), dialect));
    }
    let is_script = |it: &String| [".sql", ".sh", ".sql.gz"].iter().any(|end| it.ends_with(end));
    if names.iter().any(is_script) {
        return Ok(Source::new(text, Nature::Scripts(path), None));
    }
    Err(unknown("the folder holds neither migrations nor SQL files", text))
}

fn names_in(path: &Path) -> Result<Vec<String>> {
    let unreadable = |cause| {
        let message = format!("cannot read the folder `{}`", path.display());
        Error::new("folder-unreadable", message).caused_by(cause)
    };
    let entries = fs::read_dir(path).map_err(unreadable)?;
    Ok(entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect())
}

fn file(text: &str, path: PathBuf, setting: &Setting) -> Result<Source> {
    let extension = path.extension().map(|it| it.to_string_lossy().to_lowercase());
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    match extension.unwrap_or_default().as_str() {
        "sql" => Ok(Source::new(text, Nature::Scripts(path), None)),
        "ts" | "mts" | "cts" | "js" | "mjs" | "cjs" if name.contains(".config.") => {
            Ok(Source::new(text, Nature::Configured(path), None))
        }
        "ts" | "mts" | "cts" | "js" | "mjs" | "cjs" => {
            let dialect = imported(&read(&path)?);
            Ok(Source::new(text, Nature::Declared(path), dialect))
        }
        "json" => {
            let content = read(&path)?;
            let is_snapshot = content.contains("\"prevId");
            let dialect = dialect_in(&content);
            match is_snapshot {
                true => Ok(Source::new(text, Nature::Snapshot(path), dialect)),
                false => Ok(Source::new(text, Nature::Configured(path), dialect)),
            }
        }
        _ if is_database(&path) => live(&format!("file:{text}"), setting),
        _ => Err(unknown("the file is none that can be compared", text)),
    }
}

/// Whether a file begins as every file of SQLite does; an empty one is an empty database.
fn is_database(path: &Path) -> bool {
    use std::io::Read;
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|it| it.take(16).read_to_end(&mut head));
    read.is_ok() && (head.is_empty() || head == b"SQLite format 3\0")
}

/// The dialect that a schema file imports; nothing if it leaves that to others.
fn imported(text: &str) -> Option<Dialect> {
    let cores = [
        ("drizzle-orm/pg-core", Dialect::Postgres),
        ("drizzle-orm/mysql-core", Dialect::MySql),
        ("drizzle-orm/sqlite-core", Dialect::Sqlite),
    ];
    cores.into_iter().find(|it| text.contains(it.0)).map(|it| it.1)
}

fn dialect_in(json: &str) -> Option<Dialect> {
    let value: Value = serde_json::from_str(json).ok()?;
    match value.get("dialect")?.as_str()? {
        "postgresql" | "postgres" | "pg" => Some(Dialect::Postgres),
        "mysql" => Some(Dialect::MySql),
        "sqlite" | "turso" => Some(Dialect::Sqlite),
        _ => None,
    }
}

pub(super) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|cause| {
        Error::new("file-unreadable", format!("cannot read `{}`", path.display())).caused_by(cause)
    })
}
