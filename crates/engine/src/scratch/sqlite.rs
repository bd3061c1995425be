//! A scratch database of SQLite: a file in a temporary folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Once;

use super::{cannot, marker};
use crate::connect::dsn::SqliteTarget;
use crate::connect::{Access, Dsn, Session};
use crate::leftover::{self, Leftover, Registered};
use crate::{Error, Result};

/// What the folders of all scratch files begin with.
const PREFIX: &str = "raingauge-sqlite-";

/// A folder that is removed with this value, or by the next run.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _leftover: Registered,
    /// Locked until this process ends.
    _marker: File,
}

/// An empty database in a folder of its own, which goes with the folder.
pub(super) fn create(purpose: &str) -> Result<(Session, Dsn, Folder)> {
    let create =
        |it| Error::new("scratch-unavailable", "cannot make a scratch database").caused_by(it);
    let place = std::env::temp_dir();
    static CLEANED: Once = Once::new();
    CLEANED.call_once(|| {
        for (folder, _marker) in marker::stale_folders(&place, PREFIX) {
            let _ = fs::remove_dir_all(folder);
        }
    });
    let make = || marker::make_folder(&place, PREFIX);
    let known = |(path, _): &(PathBuf, File)| Leftover::Folder(path.clone());
    let ((path, marker), leftover) = leftover::make(make, known).map_err(create)?;
    let folder = Folder { path, _leftover: leftover, _marker: marker };
    let path = folder.path.join(format!("{purpose}.db"));
    File::create(&path).map_err(create)?;
    let dsn = Dsn::Sqlite(SqliteTarget { path });
    let mut session = Session::open(&dsn, Access::ReadWrite)?;
    // What is thrown away need not outlast a power cut.
    session.run("PRAGMA synchronous = OFF").map_err(|it| cannot("make a scratch database", it))?;
    Ok((session, dsn, folder))
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
