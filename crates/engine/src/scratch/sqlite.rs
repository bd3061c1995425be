//! A scratch database of SQLite: a file in a temporary folder.

use tempfile::TempDir;

use crate::connect::dsn::SqliteTarget;
use crate::connect::{Access, Dsn, Session};
use crate::{Error, Result};

/// An empty database in a folder of its own, which goes with the folder.
pub(super) fn create(purpose: &str) -> Result<(Session, Dsn, TempDir)> {
    let folder = tempfile::Builder::new().prefix("raingauge-sqlite-").tempdir().map_err(|it| {
        Error::new("scratch-unavailable", "cannot make a folder for a scratch database")
            .caused_by(it)
    })?;
    let path = folder.path().join(format!("{purpose}.db"));
    let create =
        |it| Error::new("scratch-unavailable", "cannot make a scratch database").caused_by(it);
    std::fs::File::create(&path).map_err(create)?;
    let dsn = Dsn::Sqlite(SqliteTarget { path });
    let session = Session::open(&dsn, Access::ReadWrite)?;
    Ok((session, dsn, folder))
}
