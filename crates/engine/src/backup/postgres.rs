//! Dumping and loading a PostgreSQL database with its own `pg_dump` and `pg_restore`.
//!
//! Our session exports its snapshot, so that the dump and the digests describe the same instant.
//! Nothing passes through a shell or a terminal, and the programs may as well run in a container.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

use super::archive::{self, Reading};
use super::folder::{create_file, unwritable};
use super::manifest::{LeftOut, Manifest, SequencesMeanwhile};
use super::take::{Dumped, Evidence, READING};
use super::{millis_since, postgres_messages as messages};
use crate::client::{self, ProgramSource};
use crate::connect::dsn::PgTarget;
use crate::connect::{Access, Dsn, Session, SqlError};
use crate::digest;
use crate::leftover::{Leftover, Registered};
use crate::progress::{Progress, Silent, watch};
use crate::{Error, Result, leftover};

/// Up to this many tables are restored in one transaction; each takes several of the server's locks,
/// of which a default server has 6,400.
const TABLES_PER_TRANSACTION: usize = 500;

/// What the roles of the cluster are and how they are set up; never their passwords.
const ROLES_FILE: &str = "roles.sql";

/// A database that `createdb` has just made has none of these.
pub(super) const COUNT_OBJECTS: &str = include_str!("restore/count_objects.sql");

/// Roles that own, use or are named by anything in the database. The server does not keep account of
/// what its first superuser (10) owns.
const ROLES: &str = "SELECT pg_get_userbyid(refobjid) FROM pg_shdepend \
        WHERE refclassid = 'pg_authid'::regclass \
            AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    UNION SELECT pg_get_userbyid(10) WHERE EXISTS (SELECT FROM ( \
        SELECT oid FROM pg_class WHERE relowner = 10 UNION ALL \
        SELECT oid FROM pg_proc WHERE proowner = 10 UNION ALL \
        SELECT oid FROM pg_type WHERE typowner = 10 UNION ALL \
        SELECT oid FROM pg_namespace WHERE nspowner = 10) AS owned WHERE 16384 <= oid) \
    ORDER BY 1";

/// What `pg_dump` leaves out, or we do, each with the reason.
const LEFT_OUT: &str = "SELECT 'subscription ' || subname, \
        'a copy that subscribes would take over the replication slot' FROM pg_subscription \
        WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    UNION ALL SELECT 'rows of foreign table ' || c.oid::regclass, 'they are on another server' \
        FROM pg_class c WHERE relkind = 'f' \
    UNION ALL SELECT 'rows of materialized view ' || c.oid::regclass, 'a restore computes them anew' \
        FROM pg_class c WHERE relkind = 'm' \
    UNION ALL SELECT 'settings of the database' || coalesce(' for role ' || nullif(setrole, 0)::regrole, ''), \
        array_to_string(setconfig, ', ') FROM pg_db_role_setting \
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    UNION ALL SELECT 'grants on the database itself', array_to_string(datacl, ', ') \
        FROM pg_database WHERE datname = current_database() AND datacl IS NOT NULL \
    ORDER BY 1";

/// Where the server's log of changes stood; a standby has no place of its own to write to.
const POSITION: &str = "SELECT 'lsn ' || CASE WHEN pg_is_in_recovery() \
    THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END";

const SETTINGS: &str = "SELECT pg_encoding_to_char(encoding), datcollate, datctype \
    FROM pg_database WHERE datname = current_database()";

/// Dumps the database and reads its contents as of one exported snapshot. If the contents are to be read
/// beside the restore, the transaction stays open.
pub(super) fn dump(
    session: &mut Session,
    dumping: &Dumping<'_>,
    progress: &mut dyn Progress,
) -> Result<Dumped> {
    let identity = session.identity()?;
    let program = client::find("pg_dump", identity.major, dumping.client)?;
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").map_err(dump_failed)?;
    let result = (|| {
        let mut command = program.command(dumping.target);
        archive::write(&mut command, &program, dumping.folder, dumping.workers)?;
        let mut dumped = dump_snapshot(session, command, dumping, progress)?;
        archive::make_private(dumping.folder)?;
        dumped.client = Some(format!("pg_dump {}", program.major));
        describe(session, &mut dumped)?;
        dumped.left_out.extend(dump_roles(dumping, identity.major));
        Ok(dumped)
    })();
    if result.as_ref().is_ok_and(|it: &Dumped| it.contents.is_none()) {
        return result;
    }
    let ended = session.run("ROLLBACK").map_err(dump_failed);
    let dumped = result?;
    ended?;
    Ok(dumped)
}

fn dump_snapshot(
    session: &mut Session,
    mut command: Command,
    dumping: &Dumping<'_>,
    progress: &mut dyn Progress,
) -> Result<Dumped> {
    let snapshot = one_value(session, "SELECT pg_export_snapshot()")?;
    let position = one_value(session, POSITION)?;
    let sequences = digest::postgres::sequence_states(session)?;
    command
        .arg(format!("--lock-wait-timeout={}", digest::postgres::LOCK_WAIT_MS))
        .arg("--snapshot")
        .arg(snapshot);
    let turn = Turn::of(dumping);
    let start = Instant::now();
    let running = Running::start(command)?;
    let work = || {
        let beside =
            (turn == Turn::BesideDump).then(|| evidence(session, &mut Silent)).transpose()?;
        messages::check_dump(&running.finish()?)?;
        Ok((beside, millis_since(start)))
    };
    let written = || archive::bytes(dumping.folder);
    let (beside, dump_ms) = watch(progress, dumping.expected, written, work)?;
    let meanwhile =
        SequencesMeanwhile::between(&sequences, &digest::postgres::sequence_states(session)?);
    let evidence = if turn == Turn::AfterDump {
        progress.begin(READING);
        Some(evidence(session, progress)?)
    } else {
        beside
    };
    let digest_ms = evidence.as_ref().map_or(0, |it| it.millis);
    let contents = evidence.map(|it| it.contents);
    let position = Some(position);
    Ok(Dumped { contents, sequences, meanwhile, position, digest_ms, dump_ms, ..Dumped::default() })
}

/// When the evidence of live is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// A core is left for it, so the dump takes its usual time.
    BesideDump,
    /// The workers of the dump keep every core busy; those of the restore do not, since indexes of one table are
    /// built one after the other.
    BesideRestore,
    /// One after the other takes no longer.
    AfterDump,
}

impl Turn {
    fn of(dumping: &Dumping<'_>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
        match dumping.workers {
            workers if workers < cores => Self::BesideDump,
            workers if 1 < workers && dumping.is_proven => Self::BesideRestore,
            _ => Self::AfterDump,
        }
    }
}

fn evidence(session: &mut Session, progress: &mut dyn Progress) -> Result<Evidence> {
    let start = Instant::now();
    let contents = digest::postgres::read(session, progress)?;
    Ok(Evidence { contents, millis: millis_since(start) })
}

/// Reads the evidence in the transaction that a dump has left open, and ends it, while `work` goes on.
pub(super) fn evidence_beside<T>(
    session: &mut Session,
    live: &Dsn,
    progress: &mut dyn Progress,
    work: impl FnOnce(&mut dyn Progress) -> Result<T>,
) -> Result<(T, Evidence)> {
    let process = one_value(session, "SELECT pg_backend_pid()")?;
    let reading = || {
        let evidence = evidence(session, &mut Silent);
        let ended = session.run("ROLLBACK").map_err(dump_failed);
        evidence.and_then(|it| ended.map(|()| it))
    };
    std::thread::scope(|scope| {
        let reading = scope.spawn(reading);
        let done = work(progress);
        if done.is_err() {
            // Nobody wants to know any more.
            cancel(live, &process);
        } else if !reading.is_finished() {
            progress.begin(READING);
        }
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((done?, read?))
    })
}

/// Stops what another session is doing. If that does not work, it comes to its end by itself.
fn cancel(live: &Dsn, process: &str) {
    if let Ok(mut session) = Session::open(live, Access::ReadOnly) {
        let _ = session.rows(&format!("SELECT pg_cancel_backend({process})"));
    }
}

/// Writes what belongs to the cluster beside the dump. A role that may not read it all the same has a
/// complete backup of the database, so this is no reason to fail: it is said.
fn dump_roles(dumping: &Dumping<'_>, major: u32) -> Option<LeftOut> {
    let path = dumping.folder.join(ROLES_FILE);
    let written = client::find("pg_dumpall", major, dumping.client).and_then(|program| {
        let file = create_file(&path).map_err(|cause| unwritable(&path, cause))?;
        let mut command = program.command(dumping.target);
        command
            .args(["--globals-only", "--no-role-passwords", "--no-password", "--database"])
            .arg(connection_name(&dumping.target.database))
            .stdin(Stdio::null())
            .stdout(file);
        messages::check_dump(&Running::start(command)?.finish()?)
    });
    let error = written.err()?;
    // Half a list would look like a whole one.
    let _ = std::fs::remove_file(&path);
    Some(LeftOut { what: "roles and settings of the cluster".to_owned(), why: error.message })
}

fn describe(session: &mut Session, dumped: &mut Dumped) -> Result<()> {
    let rows = session.rows(ROLES).map_err(dump_failed)?;
    dumped.roles = rows.into_iter().filter_map(|it| it.into_iter().next().flatten()).collect();
    for row in session.rows(LEFT_OUT).map_err(dump_failed)? {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || values.next().unwrap_or_default();
        dumped.left_out.push(LeftOut { what: next(), why: next() });
    }
    let row = session.rows(SETTINGS).map_err(dump_failed)?.into_iter().next().unwrap_or_default();
    let names = ["encoding", "lc_collate", "lc_ctype"].map(str::to_owned);
    dumped.settings =
        names.into_iter().zip(row.into_iter().map(Option::unwrap_or_default)).collect();
    Ok(())
}

fn one_value(session: &mut Session, sql: &str) -> Result<String> {
    let rows = session.rows(sql).map_err(dump_failed)?;
    let value = rows.into_iter().next().and_then(|it| it.into_iter().next().flatten());
    value.ok_or_else(|| Error::new("dump-failed", format!("`{sql}` returned nothing")))
}

fn dump_failed(cause: SqlError) -> Error {
    Error::new("dump-failed", "the server refused a query of the backup").caused_by(cause)
}

/// How an archive is loaded.
#[derive(Debug)]
pub(super) struct Loading<'a> {
    pub(super) folder: &'a Path,
    pub(super) manifest: &'a Manifest,
    pub(super) server_major: u32,
    pub(super) client: Option<&'a ProgramSource>,
}

/// What is dumped, and where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dumping<'a> {
    pub(super) target: &'a PgTarget,
    pub(super) client: Option<&'a ProgramSource>,
    pub(super) folder: &'a Path,
    /// About how many bytes it will have.
    pub(super) expected: u64,
    /// How many of `pg_dump` work at the same time.
    pub(super) workers: u64,
    /// Whether a restore follows, beside which the contents can be read.
    pub(super) is_proven: bool,
}

/// Restores the archive into an empty database and stops at the first error.
pub(super) fn load(
    loading: &Loading<'_>,
    to: &PgTarget,
    progress: &mut dyn Progress,
) -> Result<()> {
    let program = client::find("pg_restore", loading.server_major, loading.client)?;
    let mut command = program.command(to);
    command
        .args(["--exit-on-error", "--no-password", "--dbname"])
        .arg(connection_name(&to.database))
        .stdout(Stdio::null());
    let is_small = is_one_transaction(loading.manifest);
    let reading = if is_small { Reading::OneTransaction } else { Reading::Workers };
    archive::read(&mut command, &program, loading.folder, reading)?;
    let running = Running::start(command)?;
    let mut session = Session::open(&Dsn::Postgres(to.clone()), Access::ReadOnly)?;
    let size = || session.identity().map_or(0, |it| it.bytes);
    let bytes = loading.manifest.source.bytes;
    let finished = watch(progress, bytes, size, || running.finish())?;
    messages::check_restore(&finished)
}

/// Whether a restore is small enough for one transaction, which leaves nothing behind if it fails.
pub(super) fn is_one_transaction(manifest: &Manifest) -> bool {
    let is_small = archive::workers(manifest.source.bytes) == 1;
    is_small && manifest.contents.tables.len() <= TABLES_PER_TRANSACTION
}

/// A database's name as a connection string, in which it cannot be taken for anything else.
fn connection_name(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The locale settings with which to make a database that can hold the dump.
pub(super) fn create_database(name: &str, settings: &BTreeMap<String, String>) -> String {
    let literal = |key: &str| {
        let value = settings.get(key).map_or("", String::as_str);
        format!("'{}'", value.replace('\'', "''"))
    };
    format!(
        "CREATE DATABASE \"{}\" TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        name.replace('"', "\"\""),
        literal("encoding"),
        literal("lc_collate"),
        literal("lc_ctype"),
    )
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) said: String,
}

/// A program that runs; dropping it before its end stops it.
pub(super) struct Running {
    child: Child,
    stderr: File,
    _leftover: Registered,
}

impl Running {
    /// Its messages go to an unnamed file, so that it never waits for us to read them.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let failed = |cause: std::io::Error| {
            Error::new("client-failed", format!("cannot run `{name}`")).caused_by(cause)
        };
        let stderr = tempfile::tempfile().map_err(failed)?;
        // Messages are classified by their English words.
        command.env("LC_ALL", "C").stderr(stderr.try_clone().map_err(failed)?);
        let (child, leftover) =
            leftover::make(|| command.spawn(), |it| Leftover::Program(it.id())).map_err(failed)?;
        Ok(Self { child, stderr, _leftover: leftover })
    }

    /// Its standard output, once, if it is a pipe.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its standard input, once, if it is a pipe.
    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// What it has said until now.
    pub(super) fn said(&self) -> String {
        use std::os::unix::fs::FileExt;
        // At a place of our own: the program's is where it goes on writing.
        let mut said = vec![0; 1 << 16];
        let n = self.stderr.read_at(&mut said, 0).unwrap_or(0);
        said.truncate(n);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub(super) fn finish(mut self) -> Result<Finished> {
        let failed = |cause: std::io::Error| {
            Error::new("client-failed", "cannot wait for a program").caused_by(cause)
        };
        let status = self.child.wait().map_err(failed)?;
        let mut said = Vec::new();
        self.stderr.rewind().and_then(|()| self.stderr.read_to_end(&mut said)).map_err(failed)?;
        Ok(Finished { status, said: String::from_utf8_lossy(&said).into_owned() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Politely, since it has workers to stop; not at all once it has ended.
        if matches!(self.child.try_wait(), Ok(None)) {
            leftover::stop(self.child.id());
        }
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_name_is_never_read_as_a_connection_string() {
        assert_eq!(connection_name("host=evil it's"), r"dbname='host=evil it\'s'");
    }
}
