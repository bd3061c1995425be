//! Restores a backup into a new database and proves that it arrived.

use std::path::{Path, PathBuf};
use std::time::Instant;

use raingauge_schema::Dialect;

use super::space::{self, Need};
use super::verify::{Loading, Trial, compare_all, load};
use super::{Backup, millis_since, mysql, postgres, sqlite};
use crate::client::ProgramSource;
use crate::connect::dsn::SqliteTarget;
use crate::connect::{Access, Dsn, Session};
use crate::digest::Contents;
use crate::leftover::{self, Leftover, Registered};
use crate::progress::{Progress, Silent};
use crate::{Error, Result};

/// Where to restore to.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    pub to: &'a Dsn,
    /// Where the server's programs are, if the user says.
    pub client: Option<&'a ProgramSource>,
}

/// What a restore did.
#[derive(Clone, Debug)]
pub struct Restored {
    pub to: Dsn,
    pub n_tables: usize,
    pub n_rows: u64,
    pub millis: u64,
}

/// Restores into a database that must not exist yet or be empty, and compares it like a proof does.
///
/// # Errors
/// `backup-damaged` if a file has changed, `target-not-empty` if the target holds anything,
/// `restore-differs` if what arrived is not what was backed up.
pub fn restore(
    backup: &Backup,
    destination: &Destination<'_>,
    progress: &mut dyn Progress,
) -> Result<Restored> {
    let start = Instant::now();
    progress.begin("checking the backup's files");
    backup.check()?;
    progress.begin("restoring");
    match (backup.manifest.dialect, destination.to) {
        (Dialect::Sqlite, Dsn::Sqlite(target)) => into_file(backup, target, progress)?,
        (Dialect::Postgres, Dsn::Postgres(_)) | (Dialect::MySql, Dsn::MySql(_)) => {
            into_database(backup, destination, progress)?;
        }
        (dialect, to) => {
            let message = format!("a backup of {dialect} cannot be restored into `{to}`");
            return Err(Error::new("restore-failed", message));
        }
    }
    let contents = &backup.manifest.contents;
    Ok(Restored {
        to: destination.to.clone(),
        n_tables: contents.tables.len(),
        n_rows: contents.n_rows(),
        millis: millis_since(start),
    })
}

/// Restores beside the target, proves the copy, and only then gives it the target's name.
fn into_file(backup: &Backup, target: &SqliteTarget, progress: &mut dyn Progress) -> Result<()> {
    refuse_filled(&target.path)?;
    let unwritable = |cause: std::io::Error| {
        let message = format!("cannot write beside `{}`", target.path.display());
        Error::new("restore-failed", message).caused_by(cause)
    };
    let parent = target.path.parent().filter(|it| !it.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    // A folder of its own, because opening the copy makes files beside it.
    let make = || tempfile::Builder::new().prefix(".raingauge-restore-").tempdir_in(parent);
    let (beside, _leftover) =
        leftover::make(make, |it| Leftover::Folder(it.path().to_owned())).map_err(unwritable)?;
    let copy = SqliteTarget { path: beside.path().join(sqlite::DUMP) };
    let bytes = backup.manifest.source.bytes;
    space::refuse_short(&[Need { place: parent.to_owned(), bytes, what: "the new file" }])?;
    sqlite::load(&backup.path, &copy.path, progress)?;
    compare_told(backup, &Dsn::Sqlite(copy.clone()), progress)?;
    progress.boundary("restore/proven");
    refuse_filled(&target.path)?;
    std::fs::rename(&copy.path, &target.path).map_err(unwritable)?;
    crate::files::sync_folder(parent).map_err(unwritable)?;
    progress.boundary("restore/in-place");
    Ok(())
}

/// Refuses a file with anything in it, and one whose journal would be played into the copy.
fn refuse_filled(path: &Path) -> Result<()> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let is_filled =
        |it: &PathBuf| std::fs::metadata(it).is_ok_and(|it| it.is_dir() || 0 < it.len());
    match [path.to_owned(), beside("-wal"), beside("-journal")].iter().find(|it| is_filled(it)) {
        None => Ok(()),
        Some(it) => {
            let message =
                format!("`{}` exists and is not empty; nothing was restored", it.display());
            Err(Error::refusal("target-not-empty", message)
                .next("name a new file with `--to file:PATH`"))
        }
    }
}

/// Restores into an empty database, which is made if there is none of that name.
fn into_database(
    backup: &Backup,
    destination: &Destination<'_>,
    progress: &mut dyn Progress,
) -> Result<()> {
    let Destination { to, client } = *destination;
    let missing = ["postgres-database-missing", "mysql-database-missing"];
    let (mut session, made, done) = match Session::open(to, Access::ReadWrite) {
        Err(error) if missing.contains(&error.code) => {
            let (session, made) = make_database(backup, to)?;
            (session, Some(made), "made the database")
        }
        opened => (opened?, None, "began to fill the database"),
    };
    refuse_objects(&mut session, to)?;
    progress.boundary("restore/target-ready");
    let trial = Trial { folder: &backup.path, manifest: &backup.manifest };
    let server_major = session.identity()?.major;
    let loading = Loading { trial: &trial, server_major, client };
    load(&loading, to, progress)
        .and_then(|()| compare_told(backup, to, progress))
        .map(drop)
        .map_err(|it| it.after(format!("{done} `{}`", to.database())))?;
    drop(made);
    progress.boundary("restore/in-place");
    Ok(())
}

fn make_database(backup: &Backup, to: &Dsn) -> Result<(Session, Registered)> {
    let (admin, name, settings) = (to.administration(), to.database(), &backup.manifest.settings);
    let sql = match to {
        Dsn::MySql(_) => mysql::create_database(name, settings),
        Dsn::Postgres(_) | Dsn::Sqlite(_) => postgres::create_database(name, settings),
    };
    let mut session = Session::open(&admin, Access::ReadWrite)?;
    let (admin, name) = (Box::new(admin), name.to_owned());
    let database = |(): &()| Leftover::Database { admin, name };
    let ((), made) = leftover::make(|| session.run(&sql), database).map_err(|cause| {
        let message = format!("cannot make the database `{}`", to.database());
        Error::new("restore-failed", message)
            .caused_by(cause)
            .next(format!("as an administrator: `{sql}`"))
    })?;
    Ok((Session::open(to, Access::ReadWrite)?, made))
}

fn refuse_objects(session: &mut Session, to: &Dsn) -> Result<()> {
    let sql = match session {
        Session::MySql(_) => mysql::COUNT_OBJECTS,
        Session::Postgres(_) | Session::Sqlite(_) => postgres::COUNT_OBJECTS,
    };
    let rows = session.rows(sql).map_err(|cause| {
        Error::new("restore-failed", format!("cannot read the catalog of {to}")).caused_by(cause)
    })?;
    match rows.first().and_then(|it| it.first()?.as_deref()) {
        Some("0") => Ok(()),
        _ => Err(Error::refusal(
            "target-not-empty",
            format!("{to} is not empty; nothing was restored"),
        )
        .next("name a database that does not exist yet: it is made")),
    }
}

/// Compares a restored database with what the backup says it holds, and returns its contents.
///
/// # Errors
/// `restore-differs` with every difference.
pub fn compare(backup: &Backup, to: &Dsn) -> Result<Contents> {
    compare_told(backup, to, &mut Silent)
}

fn compare_told(backup: &Backup, to: &Dsn, progress: &mut dyn Progress) -> Result<Contents> {
    progress.begin("comparing the restored copy");
    let trial = Trial { folder: &backup.path, manifest: &backup.manifest };
    let mut session = Session::open(to, Access::ReadOnly)?;
    let differences = match compare_all(&trial, &mut session, progress)? {
        Ok(contents) => return Ok(contents),
        Err(differences) => differences,
    };
    let n = differences.len();
    let message = format!("what was restored is not what was backed up: {n} differences");
    Err(Error::new("restore-differs", message).caused_by(differences.join("\n")))
}
