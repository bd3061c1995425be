//! The sides of the comparison, each built in scratch: history, init.sql, `schema.ts`.

mod states;

pub use states::{Midway, States, Wanted};

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::mysql::grammar::NULLABLE_TIMESTAMPS;
use raingauge_schema::steps::statements;
use raingauge_schema::{Catalog, Comparison, Dialect, Pair, compare};

use crate::connect::{Access, Session, SqlError};
use crate::initsql::{self, Fenced, Found, Item, Search, Sourced};
use crate::report::Finding;
use crate::scratch::ScratchDatabase;
use crate::seed::{self, SeedFile, SeedTable, TableState};
use crate::site::Site;
use crate::{Error, Result, baseline, dump, replay};
use states::{Ended, Look, replay_all};

/// What init.sql builds, and what became of it in live.
#[derive(Debug)]
pub struct Init {
    /// Which files were used, and how they were found.
    pub source: String,
    /// The statements that were sent, in order: where a name first stands tells when it was created.
    pub scripts: String,
    pub catalog: Catalog,
    /// `from` live `to` init.sql.
    pub comparison: Comparison,
    pub seeds: Vec<SeedTable>,
    /// One for each of `seeds`; `None` where live cannot be compared.
    pub states: Vec<Option<TableState>>,
    /// The migration that inserts `seeds`.
    pub seed_file: SeedFile,
    /// Whether it only prepares a database, see [`Prerequisites`].
    pub only_prepares: bool,
}

/// An init.sql that only prepares a database: extensions, schemas, roles, default privileges. It stays
/// what it is, and the history is built on top of it.
#[derive(Clone, Debug)]
pub struct Prerequisites {
    /// Which files were used, and how they were found.
    pub source: String,
    pub pieces: Vec<Sourced>,
}

impl Prerequisites {
    /// One line for each statement, without what may be a password.
    pub fn lines(&self) -> Vec<String> {
        self.pieces.iter().map(|it| initsql::opening(&it.piece.sql)).collect()
    }

    /// Prepares an empty database.
    ///
    /// # Errors
    /// At the first statement that the engine refuses.
    pub fn run(&self, session: &mut Session) -> Result<(), replay::ReplayError> {
        replay::script(session, &self.pieces).map(drop)
    }
}

/// The prerequisites of the project, if its init.sql is nothing else.
///
/// # Errors
/// If a file cannot be read, or scratch cannot be had.
pub fn prerequisites(site: &mut Site) -> Result<Option<Prerequisites>> {
    if site.dialect() != Dialect::Postgres {
        return Ok(None);
    }
    let found = find(site)?;
    if found.files.is_empty() {
        return Ok(None);
    }
    let items = initsql::expand(&found, site.dialect())?.pieces;
    let statements: Vec<_> = items
        .into_iter()
        .filter_map(|it| match it {
            Item::Statement(it) => Some(it),
            Item::Connect { .. } => None,
        })
        .collect();
    if !initsql::only_prepares(&statements) {
        return Ok(None);
    }
    // Only now is it known whether scratch is on live's own server.
    drop(site.scratch.create("probe")?);
    let fenced = fenced(site, &found, &mut Vec::new())?;
    Ok(Some(Prerequisites { source: source(&found), pieces: fenced.pieces }))
}

fn find(site: &Site) -> Result<Found> {
    initsql::find(&Search {
        root: &site.project.root,
        given: &site.setting.init_sql,
        dialect: site.dialect(),
        database: &site.identity.database,
    })
}

fn source(found: &Found) -> String {
    let files: Vec<_> = found.files.iter().map(|it| found.label(it)).collect();
    format!("{} ({})", files.join(", "), found.source)
}

/// The catalogs that are wanted, of the states that the history goes through. Stops at a migration that
/// fails.
///
/// A history may rest on schemas that someone else creates (an init.sql, an administrator). They are
/// taken from live, and a finding says so. An init.sql that only prepares a database is run first.
///
/// # Errors
/// If scratch cannot be had.
pub fn history(
    site: &mut Site,
    live: &Catalog,
    prerequisites: Option<&Prerequisites>,
    wanted: Wanted<'_>,
) -> Result<(States, Vec<Finding>)> {
    let n = site.project.history.migrations.len();
    let rebuilt = rebuild_and_look(site, live, prerequisites, n, wanted)?;
    let mut findings = Vec::new();
    findings.extend(needs_schemas(&rebuilt.prerequisites));
    findings.extend(rebuilt.stopped);
    Ok((rebuilt.states, findings))
}

/// A scratch database in which migrations of the history ran.
#[derive(Debug)]
pub struct Rebuilt {
    pub database: ScratchDatabase,
    pub states: States,
    /// The schemas that none of the migrations makes, and that were made for them.
    pub prerequisites: Vec<String>,
    /// Why not all of them ran.
    pub stopped: Option<Finding>,
}

/// Runs the first `n` migrations of the history on an empty database, as [`history`] does.
///
/// # Errors
/// If scratch cannot be had.
pub fn rebuild(
    site: &mut Site,
    live: &Catalog,
    before: Option<&Prerequisites>,
    n: usize,
) -> Result<Rebuilt> {
    rebuild_and_look(site, live, before, n, &|_| false)
}

fn rebuild_and_look(
    site: &mut Site,
    live: &Catalog,
    before: Option<&Prerequisites>,
    n: usize,
    wanted: Wanted<'_>,
) -> Result<Rebuilt> {
    let mut prerequisites: Vec<String> = Vec::new();
    let mut is_whole = false;
    loop {
        let mut database = site.scratch.create("history")?;
        if let Some(Err(error)) = before.map(|it| it.run(&mut database.session)) {
            let what = "cannot be run on an empty database";
            let stopped = Some(replay::broken_init(&error, what));
            let after = vec![Some(site.catalog_of(&mut database.session)?)];
            let states = States { after, midway: Midway::new() };
            return Ok(Rebuilt { database, states, prerequisites, stopped });
        }
        for name in &prerequisites {
            let create = format!("CREATE SCHEMA \"{}\"", name.replace('"', "\"\""));
            database.session.run(&create).map_err(|cause| {
                Error::new("scratch-broken", format!("cannot create schema `{name}` in scratch"))
                    .caused_by(cause)
            })?;
        }
        let look = Look::new(wanted, n, live, is_whole);
        let (states, ended) = replay_all(site, &mut database, n, look)?;
        let stopped = match ended {
            Ended::AtTheEnd => None,
            Ended::Stopped(stopped) => Some(stopped),
            Ended::Misread => {
                is_whole = true;
                continue;
            }
        };
        let missing = stopped.as_ref().map(|it| it.missing_schemas(live));
        match (missing, stopped) {
            (Some(missing), _) if !missing.is_empty() => prerequisites.extend(missing),
            (_, stopped) => {
                let stopped = stopped.map(|it| {
                    let what = "cannot be replayed on an empty database";
                    it.error.finding("history-broken", what).next("correct the statement with care: the ledger holds hashes of the files, and databases that have had it do not get the correction")
                });
                return Ok(Rebuilt { database, states, prerequisites, stopped });
            }
        }
    }
}

/// The catalogs after each statement but the last of a migration, each with the line of the next statement. It
/// runs on its own, as somebody's shell would run it; what fails in one so ends the list.
///
/// # Errors
/// If scratch cannot be had.
pub fn between(
    site: &mut Site,
    live: &Catalog,
    before: Option<&Prerequisites>,
    at: usize,
) -> Result<Vec<(Catalog, usize)>> {
    let mut rebuilt = rebuild(site, live, before, at)?;
    let statements = statements(site.dialect(), &site.project.history.migrations[at].sql);
    let statements = statements.unwrap_or_default();
    let session = &mut rebuilt.database.session;
    let mut states = Vec::new();
    for pair in statements.windows(2) {
        if session.run(&pair[0].sql).is_err() {
            break;
        }
        states.push((site.catalog_of(session)?, pair[1].line));
    }
    Ok(states)
}

fn needs_schemas(names: &[String]) -> Option<Finding> {
    if names.is_empty() {
        return None;
    }
    let finding = Finding::warning(
        "history-needs-schema",
        "history",
        "uses schemas that none of its migrations creates; they were taken from live for the replay, but on an empty database the migrations fail until someone creates them",
    );
    let finding = names.iter().fold(finding, |it, name| it.evidence(format!("schema {name}")));
    Some(names.iter().fold(finding, |it, name| {
        it.next(format!("on an empty database, first: CREATE SCHEMA \"{name}\";"))
    }))
}

/// The declared schema, built from nothing. `None` when it cannot be built; then a finding says why.
///
/// # Errors
/// If scratch cannot be had.
pub fn declared(
    site: &mut Site,
    snapshot: &AnySnapshot,
    findings: &mut Vec<Finding>,
) -> Result<Option<Catalog>> {
    match built(site, snapshot)? {
        Ok(catalog) => Ok(Some(catalog)),
        Err((head, error)) => {
            findings.push(
                Finding::error(
                    "declared-unbuildable",
                    "schema.ts",
                    format!("the engine refuses what schema.ts declares: {error}"),
                )
                .evidence(head)
                .next("correct `schema.ts`; what the statement needs and Drizzle cannot create has to be in live already")
            );
            Ok(None)
        }
    }
}

/// What a snapshot says, built from nothing; or the statement that the engine refuses.
///
/// # Errors
/// If scratch cannot be had.
pub fn built(
    site: &mut Site,
    snapshot: &AnySnapshot,
) -> Result<std::result::Result<Catalog, (String, Box<SqlError>)>> {
    let mut database = site.scratch.create("declared")?;
    match site.dialect() {
        Dialect::Postgres => prepare_types(site, &mut database.session)?,
        // A server that does not let it be set reads the statements as it always does.
        Dialect::MySql => drop(database.session.run(NULLABLE_TIMESTAMPS)),
        Dialect::Sqlite => {}
    }
    let difference =
        AnySnapshot::empty(site.dialect(), snapshot.generation()).difference_to(snapshot);
    for statement in &difference.statements {
        if let Err(error) = database.session.run(&statement.sql) {
            return Ok(Err((initsql::excerpt(&statement.sql), Box::new(error))));
        }
    }
    site.catalog_of(&mut database.session).map(Ok)
}

/// A schema may name types that Drizzle cannot create (domains, types of extensions, functions in
/// defaults): they are taken from live. What depends on tables fails here and is not needed.
fn prepare_types(site: &mut Site, session: &mut Session) -> Result<()> {
    let wanted = [
        "CREATE EXTENSION",
        "CREATE DOMAIN",
        "CREATE TYPE",
        "CREATE COLLATION",
        "CREATE FUNCTION",
        "SET LOCAL",
    ];
    let baseline = live_baseline(site)?;
    for statement in &baseline.statements {
        let is_enum = statement.starts_with("CREATE TYPE") && statement.contains(" AS ENUM ");
        if wanted.iter().any(|it| statement.starts_with(it)) && !is_enum {
            let _ = session.run(statement);
        }
    }
    Ok(())
}

/// The statements that rebuild live, not yet proven.
///
/// # Errors
/// If the engine's dump fails.
pub fn live_baseline(site: &mut Site) -> Result<baseline::Baseline> {
    let ledgers = site.ledger_names();
    match site.dialect() {
        Dialect::Postgres => {
            let client = site.client();
            let dump = dump::schema_dump(&mut site.live, &site.dsn, &ledgers, client.as_ref())?;
            let mut baseline = baseline::from_pg_dump(&site.owned(dump), &ledgers);
            let unsaid = baseline::unsaid_by_pg_dump(&mut site.live).map_err(unreadable)?;
            baseline.statements.extend(unsaid);
            Ok(baseline)
        }
        Dialect::MySql => Ok(baseline::from_mysql(&site.catalog()?, site.setting.with_owners)),
        Dialect::Sqlite => baseline::from_sqlite(&mut site.live, &ledgers).map_err(unreadable),
    }
}

fn unreadable(cause: SqlError) -> Error {
    Error::new("catalog-unreadable", "cannot read the catalog").caused_by(cause)
}

/// What init.sql builds. `None` when there is none, or when it cannot be built (then findings say why).
///
/// # Errors
/// If a file cannot be read, or scratch cannot be had.
pub fn init(site: &mut Site, live: &Catalog, findings: &mut Vec<Finding>) -> Result<Option<Init>> {
    let found = find(site)?;
    findings.extend(found.findings.iter().cloned());
    if found.files.is_empty() {
        return Ok(None);
    }
    let source = source(&found);
    let Some((mut first, pieces)) = build_init(site, &found, findings)? else { return Ok(None) };
    let scripts = pieces.iter().map(|it| it.piece.sql.as_str()).collect::<Vec<_>>().join("\n");
    let only_prepares = site.dialect() == Dialect::Postgres && initsql::only_prepares(&pieces);
    // The second build tells what belongs to the moment; others' clocks have whole seconds.
    if site.dialect() != Dialect::Postgres && speaks_of_time(&scripts) {
        std::thread::sleep(until_the_next_second());
    }
    let Some((second, _)) = build_init(site, &found, &mut Vec::new())? else { return Ok(None) };
    let catalog = site.catalog_of(&mut first.session)?;
    let unread =
        |cause| Error::new("seeds-unreadable", "cannot read the rows of init.sql").caused_by(cause);
    // Values have to print as live's do, so the sessions are opened as live's is.
    let mut built = Session::open(&first.dsn, Access::ReadOnly)?;
    let mut again = Session::open(&second.dsn, Access::ReadOnly)?;
    let seeds = seed::read(&mut built, &mut again, &catalog).map_err(unread)?;
    let mut comparison = compare(Pair { from: live, to: &catalog });
    if only_prepares {
        // It never meant to make what else is in live.
        comparison.only_from.clear();
    }
    let mut seeds = seed::fit(seeds, live);
    let states = classify_seeds(site, &mut seeds, findings);
    let seed_file = seed::seed_file(&mut built, &mut site.live, live, &seeds).map_err(unread)?;
    Ok(Some(Init { source, scripts, catalog, comparison, seeds, states, seed_file, only_prepares }))
}

fn build_init(
    site: &mut Site,
    found: &Found,
    findings: &mut Vec<Finding>,
) -> Result<Option<(ScratchDatabase, Vec<Sourced>)>> {
    let mut database = site.scratch.create("init")?;
    let pieces = fenced(site, found, findings)?.pieces;
    match replay::script(&mut database.session, &pieces) {
        Ok(_) => Ok(Some((database, pieces))),
        Err(error) => {
            findings.push(replay::broken_init(&error, "cannot be built on an empty database"));
            Ok(None)
        }
    }
}

/// What of the scripts may be sent; scratch has made a database before.
fn fenced(site: &Site, found: &Found, findings: &mut Vec<Finding>) -> Result<Fenced> {
    let expansion = initsql::expand(found, site.dialect())?;
    findings.extend(expansion.findings.iter().cloned());
    let fence = initsql::Fence {
        dialect: site.dialect(),
        database: &site.identity.database,
        container_database: found.container_database(),
        shared: site.scratch.shares_live_server(),
    };
    let fenced = initsql::fence(expansion.pieces, &fence);
    findings.extend(fenced.findings.iter().cloned());
    Ok(fenced)
}

/// How long the clock shows the second that it shows now.
fn until_the_next_second() -> std::time::Duration {
    let passed = jiff::Timestamp::now().subsec_millisecond();
    std::time::Duration::from_millis(u64::try_from(1010 - passed).unwrap_or(1010))
}

/// Whether a script has a word that SQLite or MySQL answers with the time.
fn speaks_of_time(scripts: &str) -> bool {
    let scripts = scripts.to_lowercase();
    let of_sqlite = ["current_", "now", "unixepoch", "julianday", "strftime", "datetime("];
    let of_mysql = ["sysdate", "curdate", "curtime", "localtime", "utc_", "unix_timestamp"];
    of_sqlite.iter().chain(&of_mysql).any(|it| scripts.contains(it))
}

/// What became of the seed rows in live. Rows that cannot be compared are seeds all the same.
fn classify_seeds(
    site: &mut Site,
    seeds: &mut [SeedTable],
    findings: &mut Vec<Finding>,
) -> Vec<Option<TableState>> {
    let mut states = Vec::new();
    for table in seeds {
        let state = seed::respell(&mut site.live, table)
            .and_then(|()| seed::classify(&mut site.live, table))
            .map_err(|error| findings.push(not_comparable(table, &error)));
        states.push(state.ok());
    }
    states
}

fn not_comparable(table: &SeedTable, error: &SqlError) -> Finding {
    Finding::warning(
        "seeds-not-comparable",
        table.id.to_string(),
        "live's rows cannot be compared with the seed rows; the seed migration has them nevertheless",
    )
    .evidence(error.to_string())
    .next("compare them by hand if it matters which of them were changed in live")
}
