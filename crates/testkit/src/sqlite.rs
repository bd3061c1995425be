//! One SQLite file, read and written through rusqlite.

use std::fs;
use std::path::PathBuf;

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row};
use tempfile::TempDir;

use crate::failure::{Doing, Result};

/// One SQLite file.
#[derive(Debug)]
pub struct SqliteDatabase {
    pub path: PathBuf,
    /// The folder of a database that nobody needs after the test.
    _temporary: Option<TempDir>,
}

impl SqliteDatabase {
    /// A database at a path; the file comes into being with the first write and stays.
    ///
    /// # Errors
    /// If its folder cannot be created.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(Self { path, _temporary: None })
    }

    /// The file at a path, if it comes to be there.
    pub(crate) fn existing(path: &str) -> Self {
        Self { path: path.into(), _temporary: None }
    }

    /// An empty database in a folder of its own, both removed when the value is dropped.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn temporary(label: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("raingauge-sqlite-").tempdir()?;
        let path = folder.path().join(format!("{label}.db"));
        Ok(Self { path, _temporary: Some(folder) })
    }

    /// The address as Drizzle takes it.
    pub fn url(&self) -> String {
        format!("file:{}", self.path.display())
    }

    fn open(&self) -> Result<Connection> {
        Connection::open(&self.path).doing(|| format!("cannot open {}", self.path.display()))
    }

    pub(crate) fn sql(&self, script: &str) -> Result<String> {
        let connection = self.open()?;
        let mut lines = String::new();
        let mut batch = rusqlite::Batch::new(&connection, script);
        while let Some(mut statement) = batch.next()? {
            let n_columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let cells = (0..n_columns).map(|it| Ok(plain(&row.get(it)?)));
                lines.push_str(&cells.collect::<Result<Vec<_>>>()?.join("|"));
                lines.push('\n');
            }
        }
        Ok(lines)
    }

    /// One column of text. A file that is not there is an empty database, and stays not there.
    fn strings(&self, query: &str) -> Result<Vec<String>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(&self.path, flags)
            .doing(|| format!("cannot open {}", self.path.display()))?;
        let mut statement = connection.prepare(query)?;
        let rows = statement.query_map([], |it| it.get::<_, String>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    pub(crate) fn schema(&self) -> Result<String> {
        let rows = self.strings(
            "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, 'automatic')
               FROM sqlite_schema ORDER BY type, name",
        )?;
        // SQLite keeps the text as it was typed; how it was indented says nothing.
        let one_line = |it: &String| it.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(rows.iter().map(|it| one_line(it) + "\n").collect())
    }

    pub(crate) fn tables(&self) -> Result<Vec<String>> {
        self.strings(
            "SELECT format('\"%w\"', name) FROM sqlite_schema WHERE type = 'table' ORDER BY 1",
        )
    }

    pub(crate) fn rows_without(&self, table: &str, columns: &[String]) -> Result<Vec<String>> {
        let connection = self.open()?;
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let wanted: Vec<usize> =
            (0..names.len()).filter(|&it| !columns.contains(&names[it])).collect();
        let object = |row: &Row<'_>| -> Result<String> {
            let mut object = serde_json::Map::new();
            for &it in &wanted {
                object.insert(names[it].clone(), json(row.get(it)?));
            }
            Ok(serde_json::to_string(&object)?)
        };
        let mut lines = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            lines.push(object(row)?);
        }
        Ok(lines)
    }
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(it) => it.into(),
        Value::Real(it) => it.into(),
        Value::Text(it) => it.into(),
        Value::Blob(it) => serde_json::json!({ "blob": it }),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(it) => it.to_string(),
        Value::Real(it) => it.to_string(),
        Value::Text(it) => it.clone(),
        Value::Blob(it) => format!("{it:02x?}"),
    }
}
