//! Dumping and loading a MySQL or MariaDB database with the flavour's own `mysqldump` and client.
//!
//! `instant` lets the dump program and our session see the same instant; what the program writes passes
//! through `lines`, where values come from `exact` that it cannot print; `messages` sorts what it says. `grants` is the
//! file beside the dump, `sections` picks single tables out of one.

mod exact;
pub(super) mod grants;
mod instant;
mod lines;
mod messages;
mod sections;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use raingauge_schema::mysql::catalog::{Flavour, without_defaults};
use raingauge_schema::mysql::grammar::quote_ident;
use raingauge_schema::{Catalog, Kind, Object};

use self::instant::Fixed;
use super::folder::{create_file, unwritable};
use super::manifest::{Manifest, SequencesMeanwhile};
use super::millis_since;
use super::postgres::Running;
use super::take::{Dumped, READING};
use crate::client::ProgramSource;
use crate::client::mysql::{Call, MySqlProgram, Private, Role, find};
use crate::connect::dsn::mysql::MySqlTarget;
use crate::connect::{Access, MySqlSession, SqlError, TextRow};
use crate::digest;
use crate::progress::{Progress, watch};
use crate::{Error, Result};

/// The dump's file name.
pub(super) const DUMP: &str = "database.sql";

/// From this version on `mariadb-dump` can write the history of a table.
const FIRST_WITH_HISTORY: [u32; 3] = [10, 11, 0];

/// A database that has just been made has none of these.
pub(crate) const COUNT_OBJECTS: &str = "select \
    (select count(*) from information_schema.tables where table_schema = database()) + \
    (select count(*) from information_schema.routines where routine_schema = database()) + \
    (select count(*) from information_schema.events where event_schema = database())";

/// In whose name programs of the database run.
const DEFINERS: &str = "select definer from information_schema.views where table_schema = database() \
    union select definer from information_schema.routines where routine_schema = database() \
    union select definer from information_schema.triggers where trigger_schema = database() \
    union select definer from information_schema.events where event_schema = database()";

const SYSTEMS: &str = "select g_table_name, g_geometry_column, srid \
    from information_schema.geometry_columns where g_table_schema = database() and srid <> 0";

const SETTINGS: &str = "select default_character_set_name, default_collation_name \
    from information_schema.schemata where schema_name = database()";

/// What is dumped, and where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dumping<'a> {
    pub(super) target: &'a MySqlTarget,
    pub(super) client: Option<&'a ProgramSource>,
    pub(super) folder: &'a Path,
    /// About how many bytes it will have.
    pub(super) expected: u64,
    /// What it is a dump of.
    pub(super) catalog: &'a Catalog,
}

/// Dumps the database and reads its contents as of one instant.
pub(super) fn dump(
    session: &mut MySqlSession,
    dumping: &Dumping<'_>,
    progress: &mut dyn Progress,
) -> Result<Dumped> {
    let program = find(Role::Dump, session.server(), dumping.client)?;
    let has_history = digest::mysql::tables(session)?.iter().any(|it| it.is_versioned);
    refuse_without_history(&program, has_history)?;
    let before = digest::mysql::sequence_states(session)?;
    let start = Instant::now();
    let is_encrypted = session.is_encrypted();
    let fixed = instant::fix(session, || start_dump(dumping, &program, has_history, is_encrypted))?;
    let Fixed { running, private, seen, unfixed, position } = fixed;
    let written = || std::fs::metadata(dumping.folder.join(DUMP)).map_or(0, |it| it.len());
    let work = || write(session, running, dumping);
    watch(progress, dumping.expected, written, work)?;
    drop(private);
    let dump_ms = millis_since(start);

    progress.begin(READING);
    let start = Instant::now();
    let contents = digest::mysql::read(session, progress)?;
    session.run("rollback").map_err(dump_failed)?;
    instant::prove(session, seen, &unfixed, &contents)?;
    let after = digest::mysql::sequence_states(session)?;
    let mut dumped = Dumped {
        contents: Some(contents),
        meanwhile: SequencesMeanwhile::between(&before, &after),
        sequences: before,
        position,
        client: Some(program.shown()),
        digest_ms: millis_since(start),
        dump_ms,
        ..Dumped::default()
    };
    describe(session, &mut dumped)?;
    dumped.left_out = grants::write(session, dumping.catalog, dumping.folder)?;
    Ok(dumped)
}

fn refuse_without_history(program: &MySqlProgram, has_history: bool) -> Result<()> {
    if !has_history || FIRST_WITH_HISTORY <= program.version.version {
        return Ok(());
    }
    let message = format!(
        "the database keeps the history of tables, and `{}` cannot write it; nothing was dumped",
        program.shown()
    );
    Err(Error::new("mysql-client-too-old", message)
        .next("install version 10.11 or later of `mariadb-client`")
        .next("or name it with `--pg-client <folder>`"))
}

/// Starts the program that writes the dump.
fn start_dump(
    dumping: &Dumping<'_>,
    program: &MySqlProgram,
    has_history: bool,
    is_encrypted: bool,
) -> Result<(Running, Private)> {
    let Call { mut command, private } = program.call(dumping.target, is_encrypted)?;
    command.args([
        "--single-transaction",
        "--quick",
        "--routines",
        "--events",
        "--triggers",
        "--hex-blob",
        "--complete-insert",
        // A table whose default is the next value of a sequence cannot be filled under locks.
        "--skip-add-locks",
        "--no-tablespaces",
        "--skip-dump-date",
        "--default-character-set=utf8mb4",
        "--max-allowed-packet=1G",
        // What it does stands in its messages: that is how we know when it has begun to see.
        "--verbose",
    ]);
    match program.version.flavour {
        Flavour::MySql => command.arg("--set-gtid-purged=OFF"),
        Flavour::MariaDb if has_history => command.arg("--dump-history"),
        Flavour::MariaDb => &mut command,
    };
    command.arg("--").arg(&dumping.target.database);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok((Running::start(command)?, private))
}

/// Puts what the program writes into the dump's file, value by value as it is in the database.
fn write(session: &mut MySqlSession, mut running: Running, dumping: &Dumping<'_>) -> Result<()> {
    let path = dumping.folder.join(DUMP);
    let failed = |cause: std::io::Error| unwritable(&path, cause);
    let inexact = exact::tables(session)?;
    let from =
        running.stdout().ok_or_else(|| Error::new("dump-failed", "the dump has no output"))?;
    let mut to = BufWriter::with_capacity(1 << 18, create_file(&path).map_err(failed)?);
    let systems = reference_systems(session)?;
    let (database, completions) = (&dumping.target.database, completions(dumping.catalog));
    let knowledge = lines::Knowledge { database, ours: &inexact, systems, completions };
    let mut lines = lines::Lines::new(&knowledge);
    let copied = lines.copy(BufReader::with_capacity(1 << 18, from), &mut to, |table, to| {
        exact::write(session, table, to)
    });
    let flushed = to.flush().map_err(failed);
    drop(to);
    match copied {
        Err(lines::Failure::Write(cause)) => return Err(failed(cause)),
        Err(lines::Failure::Rows(error)) => return Err(error),
        // Whatever broke the pipe, the program says it better.
        Err(lines::Failure::Read) | Ok(()) => {}
    }
    messages::check_dump(&running.finish()?, lines.is_complete())?;
    flushed
}

/// What no definition of a table says: columns that may be NULL, and have not even that as their default.
fn completions(catalog: &Catalog) -> Vec<(String, String)> {
    let tables = catalog.of_kind(Kind::Table);
    let completed = |it: &Object| Some((it.id.name().to_owned(), without_defaults(catalog, it)?));
    tables.filter_map(completed).collect()
}

/// The reference systems that MariaDB does not print: table, column, number.
fn reference_systems(session: &mut MySqlSession) -> Result<Vec<[String; 3]>> {
    if session.server().flavour == Flavour::MySql {
        return Ok(Vec::new());
    }
    let rows = session.rows(SYSTEMS).map_err(dump_failed)?;
    let texts = |row: TextRow| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
    Ok(rows.into_iter().filter_map(|it| texts(it).try_into().ok()).collect())
}

/// Who else has to exist where it is restored, and how the database was made.
fn describe(session: &mut MySqlSession, dumped: &mut Dumped) -> Result<()> {
    let mut column = |sql: &str| -> Result<Vec<String>> {
        let rows = session.rows(sql).map_err(dump_failed)?;
        Ok(rows.into_iter().filter_map(|it| it.into_iter().next().flatten()).collect())
    };
    dumped.roles = column(DEFINERS)?;
    dumped.roles.sort();
    let row = session.rows(SETTINGS).map_err(dump_failed)?.into_iter().next().unwrap_or_default();
    let names = ["character_set", "collation"].map(str::to_owned);
    dumped.settings =
        names.into_iter().zip(row.into_iter().map(Option::unwrap_or_default)).collect();
    Ok(())
}

fn dump_failed(cause: SqlError) -> Error {
    Error::new("dump-failed", "the server refused a query of the backup").caused_by(cause)
}

/// How a dump is loaded.
#[derive(Debug)]
pub(super) struct Loading<'a> {
    pub(super) folder: &'a Path,
    pub(super) manifest: &'a Manifest,
    pub(super) client: Option<&'a ProgramSource>,
}

/// Loads the dump into an empty database and stops at the first error.
pub(super) fn load(
    loading: &Loading<'_>,
    to: &MySqlTarget,
    progress: &mut dyn Progress,
) -> Result<()> {
    let mut session = MySqlSession::open(to, Access::ReadWrite)?;
    let program = find(Role::Client, session.server(), loading.client)?;
    let failed = |cause: SqlError| {
        Error::new("restore-failed", "the server refuses the settings of the database")
            .caused_by(cause)
    };
    session.run(&set_up(&to.database, &loading.manifest.settings)).map_err(failed)?;
    let dump = open_dump(loading.folder)?;
    let is_encrypted = session.is_encrypted();
    let Call { mut command, private } = loader(&program, to, is_encrypted)?;
    command.stdin(dump);
    let running = Running::start(command)?;
    let size = || session.identity().map_or(0, |it| it.bytes);
    let finished = watch(progress, loading.manifest.source.bytes, size, || running.finish())?;
    drop(private);
    messages::check_restore(&finished)
}

/// The client that runs what it reads in one database.
fn loader(program: &MySqlProgram, to: &MySqlTarget, is_encrypted: bool) -> Result<Call> {
    let mut call = program.call(to, is_encrypted)?;
    call.command.args(["--batch", "--binary-mode", "--default-character-set=utf8mb4"]);
    call.command.arg("--max-allowed-packet=1G").arg(format!("--database={}", to.database));
    call.command.stdout(Stdio::null());
    Ok(call)
}

fn open_dump(folder: &Path) -> Result<File> {
    let path = folder.join(DUMP);
    File::open(&path).map_err(|cause| {
        let message = format!("cannot read `{}`", path.display());
        Error::new("backup-unreadable", message).caused_by(cause)
    })
}

/// Loads single tables into an empty database, each without its triggers and its keys to others.
pub(super) fn load_tables(
    loading: &Loading<'_>,
    to: &MySqlTarget,
    tables: &[String],
) -> Result<()> {
    let mut session = MySqlSession::open(to, Access::ReadWrite)?;
    let program = find(Role::Client, session.server(), loading.client)?;
    let dump = BufReader::with_capacity(1 << 18, open_dump(loading.folder)?);
    let Call { mut command, private } = loader(&program, to, session.is_encrypted())?;
    command.stdin(Stdio::piped());
    let mut running = Running::start(command)?;
    let mut stdin = BufWriter::with_capacity(1 << 18, running.stdin().expect("it is a pipe"));
    let copied = sections::Sections::of(tables).copy(dump, &mut stdin);
    let flushed = stdin.flush();
    drop(stdin);
    // Whatever broke the pipe, the program says it better.
    messages::check_restore(&running.finish()?)?;
    drop(private);
    let cut_off = |names: &str| {
        Error::new(
            "restore-failed",
            format!("the rows of {names} are not in the dump as a whole; live is as before"),
        )
        .next("use another backup: `raingauge backup list` shows them")
    };
    let (Ok(whole), Ok(())) = (copied, flushed) else { return Err(cut_off("the tables")) };
    match tables.iter().find(|it| !whole.contains(*it)) {
        Some(table) => Err(cut_off(&format!("`{table}`"))),
        None => Ok(()),
    }
}

/// Gives a database what it was made with. `mysqldump` leaves that out, and tables that come later depend on it.
fn set_up(name: &str, settings: &BTreeMap<String, String>) -> String {
    format!("alter database {}{}", quote_ident(name), made_with(settings))
}

/// The statement that makes a database which can hold the dump.
pub(super) fn create_database(name: &str, settings: &BTreeMap<String, String>) -> String {
    format!("create database {}{}", quote_ident(name), made_with(settings))
}

/// A text as a literal of hexadecimal digits, in which nothing can be quoted wrongly.
pub(super) fn literal(text: &str) -> String {
    let digits: String = text.bytes().map(|it| format!("{it:02x}")).collect();
    format!("convert(x'{digits}' using utf8mb4)")
}

/// The part of such a statement behind the name.
pub(super) fn made_with(settings: &BTreeMap<String, String>) -> String {
    // Names of character sets are plain words; what is none does not come from a server.
    let is_word = |it: &&String| it.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    let part = |word: &str, key: &str| {
        let value = settings.get(key).filter(is_word).filter(|it| !it.is_empty());
        value.map_or(String::new(), |it| format!(" {word} {it}"))
    };
    part("character set", "character_set") + &part("collate", "collation")
}
