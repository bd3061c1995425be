//! The sides of a comparison: their catalogs, the pieces that make them, and copies of them in scratch.

mod declared;

use std::collections::BTreeSet;

use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::drizzle::snapshot::SnapshotIds;
use raingauge_schema::mysql::catalog::rebuilding;
use raingauge_schema::{Catalog, Dialect, Kind, Pair, compare};

use super::piece::{self, Piece};
use super::source::{Nature, Source};
use crate::baseline::roles::without_owners;
use crate::client::ProgramSource;
use crate::connect::{Access, Dsn, Session, SqlError};
use crate::filters::Filters;
use crate::history::History;
use crate::initsql::{self, Search};
use crate::ledger::{self, LedgerName};
use crate::report::{Affected, Severity};
use crate::scratch::{Scratch, ScratchDatabase};
use crate::setting::Setting;
use crate::site::{one_server, scratch_options};
use crate::{Error, Result, baseline, dump, introspect, replay};

/// One side: what is in it.
#[derive(Debug)]
pub struct Side {
    pub source: Source,
    /// Engine and version.
    pub engine: String,
    pub catalog: Catalog,
    /// What makes its objects; empty until [`Builder::take_apart`].
    pub pieces: Vec<Piece>,
    /// What it declares, if it is `schema.ts`.
    pub declared: Option<AnySchema>,
    /// Whose rules name what it declares without a name.
    generation: Generation,
    /// What the configuration beside it leaves out.
    pub filters: Option<Filters>,
    /// What makes a copy of it, if the source cannot be built anew.
    statements: Vec<String>,
    /// Where it can be read: live, or a scratch database.
    place: Place,
}

#[derive(Debug)]
enum Place {
    Live(Box<Session>, Dsn),
    Scratch(Box<ScratchDatabase>),
}

impl Place {
    fn session(&mut self) -> (&mut Session, &Dsn) {
        match self {
            Self::Live(session, dsn) => (session, dsn),
            Self::Scratch(it) => (&mut it.session, &it.dsn),
        }
    }
}

/// Makes sides and copies of them.
#[derive(Debug)]
pub struct Builder<'a> {
    setting: &'a Setting,
    dialect: Dialect,
    scratch: Scratch,
    /// Every ledger of either side, which is left out of all catalogs.
    ledgers: Vec<LedgerName>,
    /// What the types of a declared schema may rest on: the pieces of the other side.
    foundation: Vec<Piece>,
}

impl<'a> Builder<'a> {
    /// A builder for two sides of an engine. Looks for their ledgers, in databases that are there.
    ///
    /// # Errors
    /// If a database cannot be reached, or scratch cannot be prepared.
    pub fn open(
        setting: &'a Setting,
        dialect: Dialect,
        sources: Pair<&mut Source>,
    ) -> Result<Self> {
        let usual = LedgerName::usual(dialect);
        let mut ledgers = BTreeSet::from([usual.clone()]);
        let (mut live, mut roles) = (None, Vec::new());
        for source in [sources.from, sources.to] {
            let Nature::Live(dsn) = &mut source.nature else { continue };
            *dsn = one_server(dsn.clone())?;
            let mut session = Session::open(dsn, Access::ReadOnly)?;
            ledgers.extend(ledger::find(&mut session, &usual).map_err(unreadable)?);
            ledgers.extend(ledger::wrangler::find(&mut session).map_err(unreadable)?);
            roles.extend(roles_of(&mut session).map_err(unreadable)?);
            live.get_or_insert_with(|| dsn.clone());
        }
        let mut options = scratch_options(setting, dialect, live.as_ref())?;
        options.roles = roles;
        let scratch = Scratch::open(options)?;
        let ledgers = ledgers.into_iter().collect();
        Ok(Self { setting, dialect, scratch, ledgers, foundation: Vec::new() })
    }

    /// What is left out of every catalog.
    pub fn ledgers(&self) -> &[LedgerName] {
        &self.ledgers
    }

    /// Reads a side; one that is no database is built in scratch. A declared side may rest on types of the
    /// `other` one, and takes the names that it has.
    ///
    /// # Errors
    /// If it cannot be read or built: `side-unbuildable` with the statement.
    pub fn side(&mut self, source: &Source, other: Option<&mut Side>) -> Result<Side> {
        let (declared, generation, filters) = self.declaration(source, other.as_deref())?;
        if source.nature.is_drizzle_only()
            && self.dialect == Dialect::Postgres
            && let Some(other) = other
        {
            self.take_apart(other)?;
            self.foundation.clone_from(&other.pieces);
        }
        let mut place = match &source.nature {
            Nature::Live(dsn) => {
                Place::Live(Box::new(Session::open(dsn, Access::ReadOnly)?), dsn.clone())
            }
            _ => Place::Scratch(Box::new(self.build(source, declared.as_ref(), generation)?)),
        };
        let (session, dsn) = place.session();
        let catalog = introspect::catalog(session, &self.ledgers)?;
        let engine = session.identity()?.of(dsn).engine;
        Ok(Side {
            source: source.clone(),
            engine,
            catalog,
            pieces: Vec::new(),
            declared,
            generation,
            filters,
            statements: Vec::new(),
            place,
        })
    }

    /// Reads what makes the objects of a side, once.
    ///
    /// # Errors
    /// If the engine's dump fails.
    pub fn take_apart(&self, side: &mut Side) -> Result<()> {
        if !side.pieces.is_empty() {
            return Ok(());
        }
        let is_live = matches!(side.place, Place::Live(..));
        let (session, dsn) = side.place.session();
        if self.dialect == Dialect::Sqlite {
            side.pieces = piece::of_sqlite(session, &self.ledgers).map_err(unreadable)?;
            side.statements = side.pieces.iter().map(|it| it.sql.clone()).collect();
            return Ok(());
        }
        if self.dialect == Dialect::MySql {
            // The catalog has the texts of all that it holds.
            side.statements = rebuilding(&side.catalog, false);
            return Ok(());
        }
        let client = self.setting.pg_client.as_deref().map(ProgramSource::parse);
        let dump = dump::schema_dump(session, dsn, &self.ledgers, client.as_ref())?;
        let dump = without_owners(dump);
        side.pieces = piece::of_dump(&dump);
        if is_live {
            let mut statements = baseline::from_pg_dump(&dump, &self.ledgers).statements;
            statements.extend(baseline::unsaid_by_pg_dump(session).map_err(unreadable)?);
            side.statements = statements;
        }
        Ok(())
    }

    /// A copy of a side's structure in scratch; or why none can be had.
    ///
    /// # Errors
    /// If a catalog cannot be read.
    pub fn copy(&mut self, side: &Side) -> Result<std::result::Result<ScratchDatabase, String>> {
        let copy = match &side.place {
            Place::Scratch(_) => self.build(&side.source, side.declared.as_ref(), side.generation),
            Place::Live(..) => self.rebuild(&side.statements),
        };
        let mut copy = match copy {
            Ok(copy) => copy,
            Err(error) => return Ok(Err(error_line(&error))),
        };
        let catalog = introspect::catalog(&mut copy.session, &self.ledgers)?;
        let difference = compare(Pair { from: &side.catalog, to: &catalog });
        if !difference.is_equal() {
            let n = difference.n_differences();
            return Ok(Err(format!(
                "a copy of `{}` comes out different in {n} objects",
                side.source.label
            )));
        }
        refresh(&mut copy.session, &catalog);
        Ok(Ok(copy))
    }

    fn rebuild(&mut self, statements: &[String]) -> Result<ScratchDatabase> {
        let mut copy = self.scratch.create("copy")?;
        if self.dialect == Dialect::MySql {
            for sql in statements {
                copy.session.run(sql).map_err(|it| {
                    Error::refusal(
                        "side-unbuildable",
                        "the copy cannot be built on an empty database",
                    )
                    .caused_by(format!("{it}: {}", initsql::excerpt(sql)))
                })?;
            }
            return Ok(copy);
        }
        let closed: Vec<_> = statements.iter().map(|it| format!("{it};\n")).collect();
        let file = join(closed.iter().map(String::as_str), true);
        replay::file(&mut copy.session, "copy", &file)
            .map_err(|it| unbuildable("the copy", &it))?;
        Ok(copy)
    }

    fn build(
        &mut self,
        source: &Source,
        declared: Option<&AnySchema>,
        generation: Generation,
    ) -> Result<ScratchDatabase> {
        let mut database = self.scratch.create("side")?;
        let session = &mut database.session;
        match &source.nature {
            Nature::Live(_) => {}
            Nature::History(folder) => {
                let history = History::read(folder, self.dialect, None)?;
                refuse_broken(&history, &source.label)?;
                for migration in &history.migrations {
                    replay::migration(session, migration, &mut |_| ())
                        .map_err(|it| unbuildable(&source.label, &it))?;
                }
            }
            Nature::Scripts(path) => self.run_scripts(session, path, &source.label)?,
            Nature::Snapshot(path) => {
                let snapshot = declared::snapshot(path, self.dialect)?;
                self.run_snapshot(session, &snapshot, &source.label)?;
            }
            Nature::Configured(_) | Nature::Declared(_) => {
                if let Some(schema) = declared {
                    // Elsewhere the names have been settled by now.
                    let generation = match self.dialect {
                        Dialect::MySql => generation,
                        Dialect::Postgres | Dialect::Sqlite => Generation::V0,
                    };
                    let snapshot = schema.snapshot(generation, &SnapshotIds::after(None, ""));
                    let snapshot = snapshot
                        .map_err(|it| Error::refusal("side-unbuildable", it.to_string()))?;
                    self.run_snapshot(session, &snapshot, &source.label)?;
                }
            }
        }
        Ok(database)
    }

    fn run_scripts(
        &self,
        session: &mut Session,
        path: &std::path::Path,
        label: &str,
    ) -> Result<()> {
        let given = [path.to_owned()];
        let search =
            Search { root: &self.setting.root, given: &given, dialect: self.dialect, database: "" };
        let found = initsql::find(&search)?;
        let expansion = initsql::expand(&found, self.dialect)?;
        let fence = initsql::Fence {
            dialect: self.dialect,
            database: "",
            container_database: found.container_database(),
            shared: self.scratch.shares_live_server(),
        };
        let fenced = initsql::fence(expansion.pieces, &fence);
        if 0 < fenced.n_held_back {
            let message = format!(
                "`{label}` has {} statements that must not be sent to the server that scratch is on",
                fenced.n_held_back
            );
            let error = Error::refusal("side-unbuildable", message);
            return Err(error.next("name a server of its own for scratch: `--scratch URL`"));
        }
        replay::script(session, &fenced.pieces).map_err(|it| unbuildable(label, &it))?;
        Ok(())
    }

    /// Builds what a snapshot says, on the types of the other side that Drizzle cannot make.
    fn run_snapshot(
        &self,
        session: &mut Session,
        snapshot: &AnySnapshot,
        label: &str,
    ) -> Result<()> {
        for piece in &self.foundation {
            if is_foundation(&piece.sql) {
                // What depends on tables fails here and is not needed.
                let _ = session.run(&piece.sql);
            }
        }
        let empty = AnySnapshot::empty(self.dialect, snapshot.generation());
        for statement in &empty.difference_to(snapshot).statements {
            session.run(&statement.sql).map_err(|cause| {
                let message = format!("the engine refuses what `{label}` declares");
                Error::refusal("side-unbuildable", message)
                    .caused_by(format!("{cause}: {}", initsql::excerpt(&statement.sql)))
                    .next("what the statement needs and Drizzle cannot create has to be in the other side")
            })?;
        }
        Ok(())
    }
}

fn is_foundation(sql: &str) -> bool {
    let words =
        ["CREATE EXTENSION", "CREATE DOMAIN", "CREATE TYPE", "CREATE COLLATION", "CREATE FUNCTION"];
    let is_enum = sql.starts_with("CREATE TYPE") && sql.contains(" AS ENUM ");
    words.iter().any(|it| sql.starts_with(it)) && !is_enum
}

/// Unless a materialized view has rows, nothing can be built upon it. One that cannot be filled stays as
/// it is, and what reads it says so.
fn refresh(session: &mut Session, catalog: &Catalog) {
    let mut left: Vec<_> = catalog.of_kind(Kind::MaterializedView).map(|it| &it.id).collect();
    loop {
        let n = left.len();
        left.retain(|it| {
            let quoted = it.path.iter().map(|it| format!("\"{}\"", it.replace('"', "\"\"")));
            let name = quoted.collect::<Vec<_>>().join(".");
            session.run(&format!("REFRESH MATERIALIZED VIEW {name}")).is_err()
        });
        if left.len() == n {
            return;
        }
    }
}

fn refuse_broken(history: &History, label: &str) -> Result<()> {
    let is_wrong = |it: &&crate::report::Finding| {
        it.severity == Severity::Error && it.affects != Some(Affected::Kit)
    };
    match history.findings.iter().find(is_wrong) {
        None => Ok(()),
        Some(finding) => {
            let message = format!("`{label}` is no history that builds a database");
            Err(Error::refusal("side-unbuildable", message)
                .caused_by(format!("{}: {}", finding.subject, finding.message))
                .next("raingauge validate --offline"))
        }
    }
}

fn unbuildable(label: &str, error: &replay::ReplayError) -> Error {
    Error::refusal("side-unbuildable", format!("`{label}` cannot be built on an empty database"))
        .caused_by(format!("{error}: {}", error.statement))
        .next("correct the statement, or add before it what it needs")
}

/// An error on one line, with its causes.
fn error_line(error: &Error) -> String {
    std::iter::once(error.message.clone()).chain(error.causes()).collect::<Vec<_>>().join(": ")
}

fn roles_of(session: &mut Session) -> std::result::Result<Vec<String>, SqlError> {
    if session.dialect() != Dialect::Postgres {
        return Ok(Vec::new());
    }
    let rows = session.rows("select rolname from pg_catalog.pg_roles where rolname !~ '^pg_'")?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

fn unreadable(cause: SqlError) -> Error {
    Error::new("catalog-unreadable", "cannot read the catalog").caused_by(cause)
}
