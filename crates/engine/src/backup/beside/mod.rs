//! Single tables of a backup, restored beside live's: the rows as they were, for whoever wants to look at
//! them or copy some back.
//!
//! Reading order: [`plan`] (which tables, under which names) → [`carry_out`] (one transaction: make, fill,
//! compare, keep). PostgreSQL puts them into a schema of their own, MySQL into a database of their own, SQLite gives
//! each a name of its own; no object of live is touched. Columns come along, generated ones too; constraints, indexes and triggers
//! stay with live's own tables.

mod mysql;
mod postgres;
mod sqlite;

use raingauge_schema::{Catalog, Fingerprint};

use super::verify::read_catalog;
use super::{Backup, Destination};
use crate::client::ProgramSource;
use crate::connect::{Access, Dsn, Session, SqlError};
use crate::consent::Consent;
use crate::digest::{self, TableDigest, TableName};
use crate::progress::Progress;
use crate::{Error, Result};

/// How many tables an error lists.
const MAX_LISTED: usize = 20;

/// What a restore of single tables would make.
#[derive(Clone, Debug)]
pub struct Beside {
    backup: Backup,
    /// The schema of their own, or what their names begin with.
    pub place: String,
    pub copies: Vec<Copy>,
    /// The hash of the backup's evidence and of the names.
    pub plan: Fingerprint,
}

/// One table of the backup, and the name that its copy gets.
#[derive(Clone, Debug)]
pub struct Copy {
    /// What the backup holds.
    pub table: TableDigest,
    pub to: TableName,
}

/// Plans copies of the tables that `wanted` names, with or without their schemas. Writes nothing.
///
/// # Errors
/// `backup-table-missing` if the backup has no such table, or more than one of that name.
pub fn plan(live: &mut Session, backup: &Backup, wanted: &[String]) -> Result<Beside> {
    if live.dialect() != backup.manifest.dialect {
        let message =
            format!("a backup of {} has no tables for this engine", backup.manifest.dialect);
        return Err(Error::new("restore-failed", message));
    }
    let mut tables = wanted.iter().map(|it| find(backup, it)).collect::<Result<Vec<_>>>()?;
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    tables.dedup();
    let stamp = backup.manifest.taken_at.strftime("restored_%Y%m%dt%H%M%Sz").to_string();
    let (place, copies) = match live {
        Session::Postgres(_) => postgres::names(live, &stamp, tables)?,
        Session::MySql(_) => mysql::names(live, &stamp, tables)?,
        Session::Sqlite(_) => sqlite::names(live, &stamp, tables)?,
    };
    let told = copies.iter().map(|it| format!("{} {} {}", it.table.name, it.table.digest, it.to));
    let plan = Fingerprint::of_parts(told.collect::<Vec<_>>().iter().map(String::as_str));
    Ok(Beside { backup: backup.clone(), place, copies, plan })
}

fn find(backup: &Backup, wanted: &str) -> Result<TableDigest> {
    let tables = &backup.manifest.contents.tables;
    let is_whole = |it: &&TableDigest| it.name.to_string() == wanted;
    if let Some(it) = tables.values().find(is_whole) {
        return Ok(it.clone());
    }
    let found: Vec<_> = tables.values().filter(|it| it.name.table == wanted).collect();
    if let [it] = found.as_slice() {
        return Ok((*it).clone());
    }
    let (message, listed) = if found.is_empty() {
        (format!("the backup has no table `{wanted}`"), tables.values().collect())
    } else {
        (format!("the backup has more than one table `{wanted}`"), found)
    };
    let names = listed.iter().take(MAX_LISTED).map(|it| it.name.to_string()).collect::<Vec<_>>();
    let more = if MAX_LISTED < listed.len() { ", …" } else { "" };
    Err(Error::new("backup-table-missing", message)
        .next(format!("name one of: {}{more}", names.join(", "))))
}

/// Makes and fills the copies, and keeps them only if each has the rows that the backup's has.
///
/// # Errors
/// `backup-damaged` if a file has changed, `restore-differs` if what arrived is not what was backed up; live
/// is as before then.
pub fn carry_out(
    destination: &Destination<'_>,
    beside: &Beside,
    consent: &Consent,
    progress: &mut dyn Progress,
) -> Result<()> {
    if *consent.plan() != beside.plan {
        return Err(Error::refusal(
            "plan-stale",
            "another plan was agreed to; nothing was changed",
        ));
    }
    let backup = &beside.backup;
    progress.begin("checking the backup's files");
    backup.check()?;
    let catalog = read_catalog(&backup.path)?;
    let mut live = Session::open(destination.to, Access::ReadWrite)?;
    live.refuse_shared()?;
    progress.begin("restoring the tables");
    let filling = Filling { beside, catalog: &catalog, client: destination.client };
    if let Dsn::MySql(target) = destination.to {
        return mysql::fill(target, &filling, progress);
    }
    // Dropping the session takes its transaction back.
    match &live {
        Session::Sqlite(_) => sqlite::fill(&mut live, &filling, progress)?,
        Session::Postgres(_) | Session::MySql(_) => postgres::fill(&mut live, &filling, progress)?,
    }
    progress.begin("comparing the copies");
    compare(&mut live, beside)?;
    progress.boundary("restore/tables-proven");
    live.run("COMMIT").map_err(refused)?;
    progress.boundary("restore/tables-in-place");
    Ok(())
}

/// What it takes to fill the copies.
struct Filling<'a> {
    beside: &'a Beside,
    catalog: &'a Catalog,
    client: Option<&'a ProgramSource>,
}

fn compare(live: &mut Session, beside: &Beside) -> Result<()> {
    let names: Vec<_> = beside.copies.iter().map(|it| it.to.clone()).collect();
    differing(&beside.copies, &digest::digests(live, &names)?)
}

/// Fails unless each copy has the rows that the backup's table has.
fn differing(copies: &[Copy], arrived: &[TableDigest]) -> Result<()> {
    let differs = |(copy, it): (&Copy, &TableDigest)| {
        let expected = &copy.table;
        let is_equal = (expected.n_rows, expected.digest) == (it.n_rows, it.digest);
        (!is_equal).then(|| {
            let (found, wanted) = (it.n_rows, expected.n_rows);
            format!(
                "table `{}`: {found} rows arrived of {wanted}, or with other values",
                expected.name
            )
        })
    };
    let wrong: Vec<_> = copies.iter().zip(arrived).filter_map(differs).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let message = "the copies are not what was backed up; live is as before";
    Err(Error::new("restore-differs", message).caused_by(wrong.join("\n")))
}

fn refused(cause: SqlError) -> Error {
    let detail = cause.detail.clone();
    let error = Error::new("restore-failed", "the database refused the copies; it is as before");
    let error = error.caused_by(cause);
    detail.into_iter().fold(error, Error::next)
}
