//! SQLite: tables whose names say what they are, filled from the backup's file.

use super::super::{Backup, sqlite};
use super::{Copy, Filling, refused};
use crate::connect::Session;
use crate::digest::{TableDigest, TableName};
use crate::progress::Progress;
use crate::{Error, Result};

/// Names that are not there yet.
pub(super) fn names(
    live: &mut Session,
    stamp: &str,
    tables: Vec<TableDigest>,
) -> Result<(String, Vec<Copy>)> {
    let taken = live.rows("SELECT lower(name) FROM sqlite_schema").map_err(refused)?;
    let taken: Vec<_> = taken.into_iter().flatten().flatten().collect();
    let numbered = (2..).map(|n| format!("{stamp}_{n}"));
    let mut candidates = std::iter::once(stamp.to_owned()).chain(numbered);
    let is_free = |place: &String| {
        let name = |it: &TableDigest| format!("{place}_{}", it.name.table).to_lowercase();
        tables.iter().all(|it| !taken.contains(&name(it)))
    };
    let place = candidates.find(is_free).expect("numbers do not end");
    let copy = |table: TableDigest| {
        let name = format!("{place}_{}", table.name.table);
        Copy { to: TableName::new("", name), table }
    };
    let copies = tables.into_iter().map(copy).collect();
    Ok((place, copies))
}

/// Opens the backup's file beside live's, and begins to write. The file is declared unchangeable: SQLite
/// would put a log beside it otherwise.
fn begin(live: &mut Session, backup: &Backup) -> Result<()> {
    let path = std::path::absolute(backup.path.join(sqlite::DUMP)).map_err(|cause| {
        Error::new("backup-unreadable", "cannot tell where the backup is").caused_by(cause)
    })?;
    let mut url = url::Url::from_file_path(&path).map_err(|()| {
        Error::new("backup-unreadable", format!("`{}` is not a path of a file", path.display()))
    })?;
    url.set_query(Some("mode=ro&immutable=1"));
    let attach = format!("ATTACH '{}' AS raingauge_backup", url.as_str().replace('\'', "''"));
    live.run(&attach).and_then(|()| live.run("BEGIN IMMEDIATE")).map_err(refused)
}

/// Makes and fills the tables. A column keeps its affinity, so each value keeps its storage class.
pub(super) fn fill(
    live: &mut Session,
    filling: &Filling<'_>,
    progress: &mut dyn Progress,
) -> Result<()> {
    begin(live, &filling.beside.backup)?;
    for copy in &filling.beside.copies {
        let (from, to) = (copy.table.name.quoted(), copy.to.quoted());
        let sql = format!("CREATE TABLE main.{to} AS SELECT * FROM raingauge_backup.{from}");
        live.run(&sql).map_err(refused)?;
        progress.boundary("restore/table-filled");
    }
    Ok(())
}
