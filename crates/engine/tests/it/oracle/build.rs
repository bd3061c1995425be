//! Statements on a real server, and the catalog that comes of them.

use raingauge_engine::connect::Session;
use raingauge_engine::introspect::{catalog, catalog_within};
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_schema::{Catalog, Dialect};

use crate::postgres_session::{role, scratch};

/// What schemas of the suite use and nobody makes.
const PRELUDE: &str = "create extension if not exists citext; \
                       create access method columnar type table handler heap_tableam_handler";

/// Statements that no transaction takes: what uses a new enum value, and `CONCURRENTLY`.
const ALONE: [&str; 2] = ["55P04", "25001"];

/// Builds one database after the other.
pub(super) struct Builder {
    scratch: Scratch,
    /// Where PostgreSQL tries everything and takes it back.
    shared: Option<ScratchDatabase>,
}

impl Builder {
    /// Nothing, with the reason printed, where this machine has no such server.
    pub(super) fn of(dialect: Dialect) -> Option<Self> {
        match dialect {
            Dialect::Postgres => {
                let mut scratch = scratch()?;
                let mut shared = scratch.create("oracle").unwrap();
                shared.session.run(PRELUDE).unwrap();
                for name in ["reader", "writer"] {
                    shared.session.run(&role(name, "nologin")).unwrap();
                }
                Some(Self { scratch, shared: Some(shared) })
            }
            Dialect::Sqlite => {
                let scratch = Scratch::open(ScratchOptions::new(dialect)).unwrap();
                Some(Self { scratch, shared: None })
            }
        }
    }

    /// The catalog after the statements, or the first that is refused, with the server's sentence.
    pub(super) fn build(&mut self, statements: &[String]) -> Result<Catalog, String> {
        let Some(shared) = &mut self.shared else { return self.build_alone(statements) };
        shared.session.run("begin").unwrap();
        let ran = run(&mut shared.session, statements);
        let found = match ran {
            Ok(()) => Ok(catalog_within(&mut shared.session, &[]).unwrap()),
            Err(error) => Err(error),
        };
        shared.session.run("rollback").unwrap();
        match found {
            Err((state, _)) if ALONE.contains(&state.as_str()) => self.build_alone(statements),
            it => it.map_err(|it| it.1),
        }
    }

    /// In a database of its own, statement by statement.
    pub(super) fn build_alone(&mut self, statements: &[String]) -> Result<Catalog, String> {
        let mut database = self.database();
        run(&mut database.session, statements).map_err(|it| it.1)?;
        Ok(catalog(&mut database.session, &[]).unwrap())
    }

    /// An empty database.
    pub(super) fn database(&mut self) -> ScratchDatabase {
        let mut database = self.scratch.create("oracle").unwrap();
        if self.shared.is_some() {
            database.session.run(PRELUDE).unwrap();
        }
        database
    }
}

/// Runs the statements; the state and words of the first that is refused.
pub(super) fn run(session: &mut Session, statements: &[String]) -> Result<(), (String, String)> {
    for sql in statements {
        let ran = session.run(sql);
        ran.map_err(|error| (error.state.clone(), format!("{}: {sql}", error.message)))?;
    }
    Ok(())
}
