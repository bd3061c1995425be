//! Proves a backup: restores it into scratch and compares everything.

use std::path::Path;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use raingauge_schema::compare::{ObjectDifference, Sameness, compare_with};
use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId, Pair};

use super::manifest::{Manifest, Verification};
use super::{Backup, VerifiedBackup, millis_since, mysql, postgres, sqlite};
use crate::client::ProgramSource;
use crate::connect::{Access, Dsn, Session};
use crate::digest::Contents;
use crate::progress::Progress;
use crate::scratch::{Scratch, ScratchDatabase};
use crate::{Error, Result, digest, introspect};

/// The answer to: does this backup restore to what was backed up?
#[derive(Clone, Debug)]
pub enum Outcome {
    Verified(Box<VerifiedBackup>),
    /// It restores, but to something else; one line for each difference.
    Differs(Vec<String>),
}

/// A backup that is about to be proven.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    pub(super) folder: &'a Path,
    pub(super) manifest: &'a Manifest,
}

/// What it takes to prove a backup.
#[derive(Debug)]
pub struct Prover<'a> {
    pub scratch: &'a mut Scratch,
    /// Where the server's programs are, if the user says.
    pub client: Option<&'a ProgramSource>,
    pub now: Timestamp,
}

/// A restored database, and how long it took to fill it.
#[derive(Debug)]
pub(super) struct Copy {
    database: ScratchDatabase,
    restore_ms: u64,
}

/// A proof, and the contents that were found in it.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) verification: Verification,
    pub(super) contents: Contents,
}

/// Proves a finished backup once more, whatever its manifest says of earlier proofs.
///
/// # Errors
/// `backup-damaged` if a file has changed; otherwise if it cannot be restored into scratch.
pub fn verify(backup: &Backup, prover: Prover<'_>, progress: &mut dyn Progress) -> Result<Outcome> {
    progress.begin("checking the backup's files");
    backup.check()?;
    let trial = Trial { folder: &backup.path, manifest: &backup.manifest };
    Ok(match prove(&trial, prover, progress)? {
        Ok(Proven { verification, .. }) => {
            Outcome::Verified(Box::new(VerifiedBackup { backup: backup.clone(), verification }))
        }
        Err(differences) => Outcome::Differs(differences),
    })
}

/// Restores into scratch and compares. The inner error lists the differences.
fn prove(
    trial: &Trial<'_>,
    prover: Prover<'_>,
    progress: &mut dyn Progress,
) -> Result<Result<Proven, Vec<String>>> {
    let start = Instant::now();
    let copy = restored(trial, prover.scratch, prover.client, progress)?;
    let now = prover.now + SignedDuration::try_from(start.elapsed()).unwrap_or_default();
    compared(trial, copy, now, progress)
}

/// Compares a restored copy, which goes then. The inner error lists the differences.
pub(super) fn compared(
    trial: &Trial<'_>,
    copy: Copy,
    now: Timestamp,
    progress: &mut dyn Progress,
) -> Result<Result<Proven, Vec<String>>> {
    progress.begin("comparing the restored copy");
    let start = Instant::now();
    let mut session = Session::open(&copy.database.dsn, Access::ReadOnly)?;
    let contents = match compare_all(trial, &mut session, progress)? {
        Ok(contents) => contents,
        Err(differences) => return Ok(Err(differences)),
    };
    let verification = Verification {
        at: now + SignedDuration::try_from(start.elapsed()).unwrap_or_default(),
        scratch: copy.database.dsn.to_string(),
        restore_ms: copy.restore_ms,
        compare_ms: millis_since(start),
    };
    Ok(Ok(Proven { verification, contents }))
}

/// Restores a backup into scratch, to look at what it holds.
///
/// # Errors
/// If it cannot be restored there.
pub fn into_scratch(
    backup: &Backup,
    prover: Prover<'_>,
    progress: &mut dyn Progress,
) -> Result<ScratchDatabase> {
    let trial = Trial { folder: &backup.path, manifest: &backup.manifest };
    Ok(restored(&trial, prover.scratch, prover.client, progress)?.database)
}

/// Fills a database in scratch.
pub(super) fn restored(
    trial: &Trial<'_>,
    scratch: &mut Scratch,
    client: Option<&ProgramSource>,
    progress: &mut dyn Progress,
) -> Result<Copy> {
    progress.begin("restoring the backup into scratch");
    let mut database = scratch.create("backup")?;
    let start = Instant::now();
    let server_major = database.session.identity()?.major;
    load(&Loading { trial, server_major, client }, &database.dsn, progress)?;
    Ok(Copy { database, restore_ms: millis_since(start) })
}

/// What is loaded, and by what.
pub(super) struct Loading<'a> {
    pub(super) trial: &'a Trial<'a>,
    pub(super) server_major: u32,
    pub(super) client: Option<&'a ProgramSource>,
}

/// Fills an empty database.
pub(super) fn load(loading: &Loading<'_>, to: &Dsn, progress: &mut dyn Progress) -> Result<()> {
    let Loading { trial: Trial { folder, manifest }, server_major, client } = *loading;
    match (manifest.dialect, to) {
        (Dialect::Sqlite, Dsn::Sqlite(target)) => sqlite::load(folder, &target.path, progress),
        (Dialect::Postgres, Dsn::Postgres(target)) => {
            let loading = postgres::Loading { folder, manifest, server_major, client };
            postgres::load(&loading, target, progress)
        }
        (Dialect::MySql, Dsn::MySql(target)) => {
            mysql::load(&mysql::Loading { folder, manifest, client }, target, progress)
        }
        (dialect, to) => {
            let message = format!("a backup of {dialect} cannot be restored into `{to}`");
            Err(Error::new("restore-failed", message))
        }
    }
}

/// Compares the restored database with what the backup says it holds: its contents if all is equal,
/// or else where it differs.
pub(super) fn compare_all(
    trial: &Trial<'_>,
    restored: &mut Session,
    progress: &mut dyn Progress,
) -> Result<Result<Contents, Vec<String>>> {
    let expected = read_catalog(trial.folder)?;
    let mut found = Vec::new();
    if expected.fingerprint() != trial.manifest.fingerprint_with_ledgers {
        found.push("`manifest.json` and `catalog.json` do not belong together".to_owned());
    }
    if trial.manifest.dialect == Dialect::Sqlite {
        found.extend(sqlite::damage(restored)?);
    }
    if trial.manifest.dialect == Dialect::MySql {
        found.extend(mysql::grants::difference(trial.folder, &expected));
    }
    let catalog = introspect::catalog(restored, &[])?;
    found.extend(catalog.unseen.iter().map(|it| format!("cannot see {}: {}", it.what, it.why)));
    // Subscriptions are left out of the dump, and the manifest says so.
    let expected = expected.filtered(|it| it.id.kind != Kind::Subscription);
    found.extend(catalog_differences(Pair { from: &expected, to: &catalog }));
    let contents = digest::contents_told(restored, progress)?;
    let expected = trial.manifest.meanwhile.settle(&trial.manifest.contents, &contents);
    found.extend(expected.differences(&contents).iter().map(ToString::to_string));
    Ok(if found.is_empty() { Ok(contents) } else { Err(found) })
}

pub(super) fn read_catalog(folder: &Path) -> Result<Catalog> {
    let path = folder.join("catalog.json");
    let unreadable =
        || Error::new("backup-unreadable", format!("cannot read `{}`", path.display()));
    let text = std::fs::read(&path).map_err(|it| unreadable().caused_by(it))?;
    serde_json::from_slice(&text).map_err(|it| unreadable().caused_by(it))
}

fn catalog_differences(catalogs: Pair<&Catalog>) -> Vec<String> {
    let counts = |object: &Object, attribute: &str| {
        attribute != "position" || !is_column_of_child(object, catalogs.from)
    };
    let it = compare_with(catalogs, counts, |_, _, values| Sameness::of(values.from == values.to));
    let missing = it.only_from.iter().map(|it| format!("{} is missing", it.id));
    let extra = it.only_to.iter().map(|it| format!("{} was not expected", it.id));
    // The server chooses another usual name where one made earlier is taken, and no program can tell it
    // not to: see `baseline/not_null.rs`.
    let renamed = it.renamed.iter().filter(|it| it.from.kind != Kind::NotNull);
    let renamed = renamed.map(|it| format!("{} is now {}", it.from, it.to));
    let differs = it.differs.iter().flat_map(attribute_differences);
    let ambiguous = it.ambiguous.iter().map(|it| {
        let names =
            |ids: &[ObjectId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("{} are now {}", names(&it.from), names(&it.to))
    });
    missing
        .chain(extra)
        .chain(renamed)
        .chain(ambiguous)
        .chain(differs)
        .chain(owner_differences(catalogs))
        .collect()
}

/// `pg_dump` writes the columns that a child of an inheritance tree has from its parent first, also
/// where a later `ALTER TABLE` of the parent put them last.
fn is_column_of_child(object: &Object, catalog: &Catalog) -> bool {
    let Some((_, table)) = object.id.path.split_last() else { return false };
    let table = catalog.get(&ObjectId::new(Kind::Table, table.iter().cloned()));
    object.id.kind == Kind::Column && table.is_some_and(|it| it.get("inherits").is_some())
}

fn attribute_differences(object: &ObjectDifference) -> impl Iterator<Item = String> {
    let say = |it: &Option<String>| it.as_ref().map_or("absent".to_owned(), |it| format!("`{it}`"));
    object.attributes.iter().map(move |it| {
        let (from, to) = (say(&it.values.from), say(&it.values.to));
        format!("{}: {} is {to} instead of {from}", object.id, it.name)
    })
}

/// A fingerprint leaves owners out, a backup does not. What the server itself made for every new
/// database, before the restore, belongs to its first superuser, whatever that one is called.
fn owner_differences(catalogs: Pair<&Catalog>) -> Vec<String> {
    let is_given = |it: &Object| {
        it.id.kind == Kind::Extension || it.id.kind == Kind::Schema && it.id.name() == "public"
    };
    let both = catalogs.from.objects().filter_map(|it| Some((it, catalogs.to.get(&it.id)?)));
    both.filter(|(from, to)| from.owner != to.owner && !is_given(from))
        .map(|(from, to)| {
            let say = |it: &Option<String>| it.clone().unwrap_or_default();
            format!("{} belongs to `{}` instead of `{}`", from.id, say(&to.owner), say(&from.owner))
        })
        .collect()
}
