//! Where histories are replayed and snapshots built: scratch, without live.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::{Catalog, Dialect, Kind};

use crate::connect::Session;
use crate::initsql::{Item, Search};
use crate::project::Project;
use crate::replay::{self, ReplayError};
use crate::report::Finding;
use crate::scratch::{Scratch, ScratchDatabase};
use crate::setting::Setting;
use crate::{Error, initsql, introspect};

/// How statements begin that make what Drizzle cannot create and tables rest on.
const GROUND: [&[&str]; 6] = [
    &["create", "extension"],
    &["create", "domain"],
    &["create", "type"],
    &["create", "collation"],
    &["create", "function"],
    &["create", "or", "replace"],
];

/// A project's history, and scratch for it.
#[derive(Debug)]
pub(super) struct Workshop<'a> {
    project: &'a Project,
    setting: &'a Setting,
    scratch: &'a mut Scratch,
    /// What has to be there before the history, out of init.sql.
    ground: Vec<String>,
}

type Outcome<T> = Result<T, Box<Finding>>;

/// Catalogs by the number of migrations that lead to them.
pub(super) type States = BTreeMap<usize, Catalog>;

/// What PostgreSQL says where a type, a schema or a function is missing.
const MISSING: [&str; 3] = ["42704", "3F000", "42883"];

impl<'a> Workshop<'a> {
    pub(super) fn new(
        project: &'a Project,
        setting: &'a Setting,
        scratch: &'a mut Scratch,
    ) -> Self {
        Self { project, setting, scratch, ground: Vec::new() }
    }

    pub(super) fn project(&self) -> &'a Project {
        self.project
    }

    /// The catalogs after so many migrations. A history that rests on what init.sql makes besides tables
    /// gets that first.
    pub(super) fn states(&mut self, wanted: &BTreeSet<usize>) -> Outcome<States> {
        self.states_or_error(wanted)?.map_err(|it| broken(&it))
    }

    /// As [`Self::states`]; inside, the statement that the engine refuses.
    pub(super) fn states_or_error(
        &mut self,
        wanted: &BTreeSet<usize>,
    ) -> Outcome<Result<States, ReplayError>> {
        let error = match self.replayed(wanted)? {
            Ok(states) => return Ok(Ok(states)),
            Err(error) => error,
        };
        let rests_on_more = MISSING.contains(&error.source.state.as_str());
        if rests_on_more && self.project.dialect == Dialect::Postgres {
            self.ground = self.ground_of_init().map_err(told)?;
        }
        let again = (!self.ground.is_empty()).then(|| self.replayed(wanted)).transpose()?;
        Ok(again.unwrap_or(Err(error)))
    }

    fn ground_of_init(&self) -> Result<Vec<String>, Error> {
        let dialect = self.project.dialect;
        let found = initsql::find(&Search {
            root: &self.project.root,
            given: &self.setting.init_sql,
            dialect,
            database: "",
        })?;
        let pieces = initsql::expand(&found, dialect)?.pieces.into_iter();
        let statements = pieces.filter_map(|it| match it {
            Item::Statement(it) => Some(it.piece.sql),
            Item::Connect { .. } => None,
        });
        let is_schema = |sql: &str| sql.trim_start().to_lowercase().starts_with("create schema");
        Ok(statements.filter(|it| lays_ground(dialect, it) || is_schema(it)).collect())
    }

    fn replayed(&mut self, wanted: &BTreeSet<usize>) -> Outcome<Result<States, ReplayError>> {
        let mut database = self.database("history")?;
        self.run_ground(&mut database.session);
        let mut states = BTreeMap::new();
        let n = wanted.last().copied().unwrap_or_default();
        for at in 0..=n {
            if wanted.contains(&at) {
                states.insert(at, self.catalog(&mut database.session)?);
            }
            let Some(migration) = self.project.history.migrations.get(at).filter(|_| at < n) else {
                continue;
            };
            if let Err(error) = replay::migration(&mut database.session, migration, &mut |_| ()) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(states))
    }

    /// The catalog of what a snapshot says, on the ground that the first `n` migrations lay.
    pub(super) fn build(&mut self, snapshot: &AnySnapshot, n: usize) -> Outcome<Catalog> {
        let dialect = self.project.dialect;
        let mut database = self.database("snapshot")?;
        let own = self.lay_ground(&mut database.session, snapshot, n);
        let difference = AnySnapshot::empty(dialect, snapshot.generation()).difference_to(snapshot);
        for statement in &difference.statements {
            database.session.run(&statement.sql).map_err(|error| {
                let message = format!("the engine refuses what a snapshot says: {error}");
                let subject = self.project.history.folder.display().to_string();
                let head = initsql::excerpt(&statement.sql);
                Box::new(Finding::error("snapshot-unbuildable", subject, message).evidence(head))
            })?;
        }
        let catalog = self.catalog(&mut database.session)?;
        Ok(catalog.filtered(|it| it.id.kind != Kind::Schema || !own.contains(it.id.name())))
    }

    /// Makes what Drizzle cannot create, and the schemas that the snapshot only uses, which it returns.
    /// What depends on tables fails here and is not needed.
    fn lay_ground(
        &self,
        session: &mut Session,
        snapshot: &AnySnapshot,
        n: usize,
    ) -> BTreeSet<String> {
        let dialect = self.project.dialect;
        if dialect == Dialect::Sqlite {
            return BTreeSet::new();
        }
        let objects = snapshot.objects();
        let said: BTreeSet<_> =
            objects.iter().filter(|it| it.kind == Kind::Schema).map(|it| it.name()).collect();
        let used = objects.iter().filter(|it| 1 < it.path.len()).filter_map(|it| it.path.first());
        let is_own = |it: &&String| *it != "public" && !said.contains(it.as_str());
        let own: BTreeSet<_> = used.filter(is_own).cloned().collect();
        for name in &own {
            let _ = session.run(&format!("CREATE SCHEMA \"{}\"", name.replace('"', "\"\"")));
        }
        self.run_ground(session);
        for migration in self.project.history.migrations.iter().take(n) {
            let pieces =
                split(&migration.sql).into_iter().filter_map(|it| dialect.split(it.sql).ok());
            for statement in pieces.flatten().filter(|it| lays_ground(dialect, &it.sql)) {
                let _ = session.run(&statement.sql);
            }
        }
        own
    }

    fn run_ground(&self, session: &mut Session) {
        if self.project.dialect == Dialect::Postgres {
            let _ = session.run("SET check_function_bodies = off");
        }
        for statement in &self.ground {
            let _ = session.run(statement);
        }
    }

    fn database(&mut self, purpose: &str) -> Outcome<ScratchDatabase> {
        self.scratch.create(purpose).map_err(told)
    }

    fn catalog(&self, session: &mut Session) -> Outcome<Catalog> {
        introspect::catalog(session, std::slice::from_ref(&self.project.ledger)).map_err(told)
    }
}

fn lays_ground(dialect: Dialect, sql: &str) -> bool {
    let Ok(tokens) = dialect.tokens(sql) else { return false };
    let begins = |words: &&[&str]| {
        words.iter().enumerate().all(|(at, word)| tokens.get(at).is_some_and(|it| it.is_word(word)))
    };
    let is_enum = tokens.iter().take(8).any(|it| it.is_word("enum"));
    GROUND.iter().any(begins) && !is_enum
}

fn broken(error: &ReplayError) -> Box<Finding> {
    let finding = error.finding("history-broken", "cannot be replayed on an empty database");
    Box::new(finding.next(
        "restore the snapshot from version control: without a replay nobody knows what it said",
    ))
}

fn told(error: Error) -> Box<Finding> {
    let causes = error.causes();
    let finding = Finding::error(error.code, "scratch", error.message);
    let finding = causes.into_iter().fold(finding, Finding::evidence);
    Box::new(error.next.into_iter().fold(finding, Finding::next))
}
