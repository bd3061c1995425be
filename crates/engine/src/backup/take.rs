//! Takes a backup: dump and evidence at one instant, proven before it gets its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use raingauge_schema::{Catalog, Dialect};

use super::folder::{self, Partial};
use super::manifest::{DumpFile, Durations, FORMAT, LeftOut, Manifest, SequencesMeanwhile, Source};
use super::sealed::{self, Keys};
use super::sums::{self, Sums, files_below};
use super::verify::{Copy, Trial, compared, restored};
use super::{Backup, Stored, VerifiedBackup, archive, mysql, postgres, restore_sh, space, sqlite};
use crate::client::ProgramSource;
use crate::connect::{Access, Dsn, Session};
use crate::digest::{Contents, TableName};
use crate::introspect;
use crate::ledger::{self, LedgerName};
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::{Error, Result};

/// What to back up, and where to.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub live: &'a Dsn,
    /// The folder of all backups: `.raingauge/backups`. It is made if it is missing.
    pub dir: &'a Path,
    /// The project's migrations folder, copied as it is.
    pub migrations: Option<&'a Path>,
    /// Where PostgreSQL's programs are, if the user says.
    pub client: Option<&'a ProgramSource>,
    /// To whom it is encrypted, if to anybody.
    pub keys: &'a Keys,
    /// Whether to begin even if the disks seem too small.
    pub any_space: bool,
    /// Now. It names the backup.
    pub at: Timestamp,
}

/// How a backup is proven.
#[derive(Debug)]
pub enum Proof<'a> {
    /// Restored into scratch and compared.
    Restore(&'a mut Scratch),
    /// Not at all; nothing accepts such a backup as protection.
    None,
}

/// A backup that has just been taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub backup: Backup,
    /// Absent if no proof was asked for.
    pub verified: Option<VerifiedBackup>,
    /// What the dump does not hold; an encrypted backup says so only inside.
    pub left_out: Vec<LeftOut>,
    /// Its copy in an object store, if there is to be one.
    pub stored: Option<Stored>,
}

/// What is shown while the evidence is read.
pub(super) const READING: &str = "counting and hashing the rows of every table";

/// The digests and counts, and how long they took to read.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) contents: Contents,
    pub(super) millis: u64,
}

/// What an engine's dump yields besides the files that it wrote.
#[derive(Debug, Default)]
pub(super) struct Dumped {
    /// Absent if it is being read, or else is still to be read, in the transaction that is open.
    pub(super) contents: Option<Contents>,
    pub(super) reading: Option<sqlite::Reading>,
    /// What sequences were before, which are no part of a snapshot.
    pub(super) sequences: BTreeMap<String, String>,
    pub(super) meanwhile: SequencesMeanwhile,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) client: Option<String>,
    pub(super) position: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) digest_ms: u64,
    pub(super) dump_ms: u64,
}

/// Takes a backup. It appears under its final name only when it is complete, on disk and, unless
/// `proof` says otherwise, restored and found equal.
///
/// # Errors
/// `backup-not-verified` with all differences if the restored copy is not equal; otherwise if live
/// cannot be read in full, the dump fails, or the folder cannot be written. Nothing is left behind.
pub fn take(request: &Request<'_>, proof: Proof<'_>, progress: &mut dyn Progress) -> Result<Taken> {
    let start = Instant::now();
    request.keys.recipients.check()?;
    let mut live = Session::open(request.live, Access::ReadOnly)?;
    live.refuse_shared()?;
    let source = Source::of(&mut live, request.live)?;
    let expected = space::of_dump(&mut live, &source, request.dir);
    if !request.any_space {
        refuse_short(request, &source, expected, &proof)?;
    }
    let name = folder::name(request.at, &source.database);
    let partial = Partial::create(request.dir, &name)?;
    progress.boundary("backup/partial-created");

    progress.begin("dumping the database");
    let is_proven = matches!(proof, Proof::Restore(_));
    let writing = Writing { request, partial: &partial, expected, is_proven };
    let mut payload = write_payload(&writing, source, &mut live, progress)?;
    progress.boundary("backup/dumped");

    let (sums, copy) = hashed_and_restored(&writing, &mut payload, (&mut live, proof), progress)?;
    let mut manifest = payload.manifest;
    if let Some(copy) = copy {
        let now = request.at + SignedDuration::try_from(start.elapsed()).unwrap_or_default();
        let trial = Trial { folder: partial.path(), manifest: &manifest };
        let proven = compared(&trial, copy, now, progress)?;
        let proven = proven.map_err(|it| not_verified(&manifest, &it))?;
        manifest.contents = proven.contents;
        manifest.meanwhile = SequencesMeanwhile::default();
        manifest.verified = Some(proven.verification);
        progress.boundary("backup/verified");
    }
    describe(&partial, &mut manifest, sums)?;
    let left_out = manifest.left_out.clone();
    if !request.keys.recipients.is_empty() {
        manifest = sealed::seal(&partial, &manifest, request.keys, progress)?;
        partial.write("restore.sh", restore_sh::render_sealed().as_bytes())?;
        manifest.files = files(partial.path())?;
        list(&partial, &manifest, Sums::of(partial.path())?)?;
    }
    progress.boundary("backup/written");
    let path = partial.publish()?;
    progress.boundary("backup/published");
    Ok(taken(path, manifest, left_out))
}

/// Hashes what was written and restores it, if that is to be its proof; and reads from live, at the same time, what
/// is not read yet. The files are hashed before the restore reads them: what is proven is what is listed.
fn hashed_and_restored(
    writing: &Writing<'_>,
    payload: &mut Payload,
    (live, proof): (&mut Session, Proof<'_>),
    progress: &mut dyn Progress,
) -> Result<(Sums, Option<Copy>)> {
    let Writing { request, partial, .. } = *writing;
    let trial = Trial { folder: partial.path(), manifest: &payload.manifest };
    let work = |progress: &mut dyn Progress| {
        let sums = hashed(partial)?;
        let copy = match proof {
            Proof::Restore(scratch) => Some(restored(&trial, scratch, request.client, progress)?),
            Proof::None => None,
        };
        Ok((sums, copy))
    };
    if payload.has_evidence {
        return work(progress);
    }
    let (done, evidence) = match payload.reading.take() {
        Some(reading) => (work(progress)?, reading.finish(progress)?),
        None => {
            let beside = postgres::evidence_beside(live, request.live, progress, work)?;
            let (done, mut evidence) = beside;
            // Sequences are no part of a snapshot, so they were read before.
            evidence.contents.sequences = std::mem::take(&mut payload.manifest.contents.sequences);
            (done, evidence)
        }
    };
    payload.manifest.durations.digest_ms = evidence.millis;
    payload.manifest.contents = evidence.contents;
    refuse_changed(live, &payload.manifest)?;
    Ok(done)
}

/// Hashes what was written so far, and puts it on disk at the same time: the disk works while the processor does.
fn hashed(partial: &Partial) -> Result<Sums> {
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| partial.sync());
        let sums = Sums::of(partial.path())?;
        sync.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(sums)
    })
}

/// Writes the last files: the one that restores it, what the backup says of itself, and the hash of every file.
fn describe(partial: &Partial, manifest: &mut Manifest, mut sums: Sums) -> Result<()> {
    partial.write("restore.sh", restore_sh::render(manifest).as_bytes())?;
    sums.add(partial.path(), "restore.sh")?;
    manifest.files = files(partial.path())?;
    list(partial, manifest, sums)
}

fn list(partial: &Partial, manifest: &Manifest, mut sums: Sums) -> Result<()> {
    partial.write("manifest.json", &to_json(manifest)?)?;
    sums.add(partial.path(), "manifest.json")?;
    partial.write(sums::NAME, sums.render().as_bytes())
}

fn taken(path: PathBuf, manifest: Manifest, left_out: Vec<LeftOut>) -> Taken {
    let verification = manifest.verified.clone();
    let backup = Backup { path, manifest };
    let verified =
        verification.map(|verification| VerifiedBackup { backup: backup.clone(), verification });
    Taken { backup, verified, left_out, stored: None }
}

/// Refuses before anything is written if the disks of the backup and of scratch have too little room.
fn refuse_short(
    request: &Request<'_>,
    source: &Source,
    expected: u64,
    proof: &Proof<'_>,
) -> Result<()> {
    let place = request.dir.to_owned();
    // What is encrypted lies beside what it is made of until it is proven.
    let bytes = if request.keys.recipients.is_empty() { expected } else { expected * 2 };
    let mut needs = vec![space::Need { place, bytes, what: "the backup" }];
    if let Proof::Restore(scratch) = proof {
        needs.extend(scratch.place().map(|place| {
            let bytes = space::of_copy(source);
            space::Need { place, bytes, what: "the copy that proves it" }
        }));
    }
    space::refuse_short(&needs)
}

/// What is being written, and where.
struct Writing<'a> {
    request: &'a Request<'a>,
    partial: &'a Partial,
    /// About how many bytes the dump will have.
    expected: u64,
    /// Whether a restore follows.
    is_proven: bool,
}

/// What is written, and whether all of it is known.
struct Payload {
    manifest: Manifest,
    /// Otherwise it is being read, or live's transaction is still open.
    has_evidence: bool,
    reading: Option<sqlite::Reading>,
}

/// Writes the dump and what belongs to it: all files but those that describe it.
fn write_payload(
    writing: &Writing<'_>,
    source: Source,
    live: &mut Session,
    progress: &mut dyn Progress,
) -> Result<Payload> {
    let Writing { request, partial, expected, is_proven } = *writing;
    let ledgers = ledgers(live)?;
    let fingerprint = introspect::catalog(live, &ledgers)?.fingerprint();
    let catalog = introspect::catalog(live, &[])?;
    refuse_unseen(&catalog)?;
    let dumped = match (&mut *live, request.live) {
        (Session::Postgres(_), Dsn::Postgres(target)) => {
            let (client, folder) = (request.client, partial.path());
            let workers = archive::workers(live.identity()?.bytes);
            let dumping =
                postgres::Dumping { target, client, folder, expected, workers, is_proven };
            postgres::dump(live, &dumping, progress)?
        }
        (Session::Sqlite(session), _) => sqlite::dump(session, partial.path(), progress)?,
        (Session::MySql(session), Dsn::MySql(target)) => {
            let (client, folder) = (request.client, partial.path());
            let dumping = mysql::Dumping { target, client, folder, expected, catalog: &catalog };
            mysql::dump(session, &dumping, progress)?
        }
        (Session::Postgres(_) | Session::MySql(_), _) => {
            return Err(Error::new("dump-failed", "the session is not of the address's engine"));
        }
    };
    partial.write("catalog.json", &to_json(&catalog)?)?;
    if let Some(migrations) = request.migrations.filter(|it| it.is_dir()) {
        partial.copy_folder(migrations, "migrations")?;
    }
    let has_evidence = dumped.contents.is_some();
    let contents = Contents { sequences: dumped.sequences, ..dumped.contents.unwrap_or_default() };
    let durations = Durations { digest_ms: dumped.digest_ms, dump_ms: dumped.dump_ms };
    let manifest = Manifest {
        format: FORMAT,
        tool: concat!("raingauge ", env!("CARGO_PKG_VERSION")).to_owned(),
        dialect: live.dialect(),
        taken_at: request.at,
        source,
        client: dumped.client,
        position: dumped.position,
        fingerprint,
        fingerprint_with_ledgers: catalog.fingerprint(),
        contents,
        meanwhile: dumped.meanwhile,
        ledgers: ledgers.into_iter().map(|it| TableName::new(it.schema, it.table)).collect(),
        roles: dumped.roles,
        settings: dumped.settings,
        left_out: dumped.left_out,
        files: Vec::new(),
        durations,
        verified: None,
        encryption: None,
    };
    if has_evidence {
        refuse_changed(live, &manifest)?;
    }
    Ok(Payload { manifest, has_evidence, reading: dumped.reading })
}

/// Catalogs cannot be read at an earlier instant, so dump and evidence lie between two equal ones.
fn refuse_changed(live: &mut Session, manifest: &Manifest) -> Result<()> {
    let now = introspect::catalog(live, &[])?.fingerprint();
    if now == manifest.fingerprint_with_ledgers {
        Ok(())
    } else {
        Err(schema_changed(&manifest.source))
    }
}

/// The tables that record applied migrations, as far as their columns and names tell.
fn ledgers(live: &mut Session) -> Result<Vec<LedgerName>> {
    let schema = if live.dialect() == Dialect::Postgres { "drizzle" } else { "" };
    let usual = LedgerName { schema: schema.to_owned(), table: "__drizzle_migrations".to_owned() };
    ledger::find(live, &usual).map_err(|cause| {
        Error::new("contents-unreadable", "cannot look for ledgers").caused_by(cause)
    })
}

fn files(folder: &Path) -> Result<Vec<DumpFile>> {
    let size = |path: String| {
        let file = folder.join(&path);
        let meta = std::fs::metadata(&file).map_err(|cause| folder::unwritable(&file, cause))?;
        Ok(DumpFile { path, bytes: meta.len() })
    };
    files_below(folder)?.into_iter().map(size).collect()
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|it| Error::new("backup-unwritable", "cannot write JSON").caused_by(it))?;
    text.push(b'\n');
    Ok(text)
}

fn refuse_unseen(catalog: &Catalog) -> Result<()> {
    let Some(first) = catalog.unseen.first() else { return Ok(()) };
    let message =
        format!("a backup would not be complete: cannot see {} ({})", first.what, first.why);
    let error = Error::refusal("backup-unseen", message);
    // Several things may take the same right.
    let grants: BTreeSet<_> = catalog.unseen.iter().filter_map(|it| it.grant.clone()).collect();
    Err(grants.into_iter().fold(error, Error::next))
}

fn schema_changed(source: &Source) -> Error {
    let message = format!("the structure of `{}` changed while it was dumped", source.database);
    Error::new("schema-changed-meanwhile", message)
        .next("wait until the other migration has ended, then run it again")
}

fn not_verified(manifest: &Manifest, differences: &[String]) -> Error {
    let message = format!(
        "the backup of `{}` was restored and is not equal to it: {} differences; it was not kept",
        manifest.source.database,
        differences.len()
    );
    Error::refusal("backup-not-verified", message)
        .caused_by(differences.join("\n"))
        .next("run `raingauge backup` again; live was only read")
}
