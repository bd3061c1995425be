//! Statements on a real server, and what comes of them.

use std::sync::Arc;

use raingauge_engine::connect::dsn::mysql::MySqlTarget;
use raingauge_engine::connect::{Access, MySqlSession, Session, SqlError, TextRow};
use raingauge_engine::introspect::{catalog, catalog_within};
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_schema::{Catalog, Dialect};
use raingauge_testkit::MySql;
use raingauge_testkit::mysql::Vendor;

use crate::mysql_catalog;
use crate::postgres_session::{own_scratch, role};

/// What schemas of the suite use and nobody makes.
const PRELUDE: &str = "create extension if not exists citext; create extension if not exists pg_trgm; \
                       create access method columnar type table handler heap_tableam_handler";

/// Roles that exist elsewhere.
const ROLES: [&str; 3] = ["writer", "somebody", "known"];

/// Statements that no transaction takes: what uses a new enum value, and `CONCURRENTLY`.
const ALONE: [&str; 2] = ["55P04", "25001"];

/// Builds one database after the other.
pub(super) enum Builder {
    Scratch(Box<Scratches>),
    MySql(Arc<MySql>),
}

/// What the product itself tries statements in.
pub(super) struct Scratches {
    scratch: Scratch,
    /// Where PostgreSQL tries everything and takes it back.
    shared: Option<ScratchDatabase>,
}

/// What stands after the statements.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) catalog: Catalog,
    /// What the query returned, a line for each row.
    pub(super) rows: String,
}

/// A statement that the server refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) state: String,
    pub(super) message: String,
    pub(super) statement: String,
}

impl Builder {
    /// Nothing, with the reason printed, where this machine has no such server.
    pub(super) fn of(dialect: Dialect) -> Option<Self> {
        let scratches = match dialect {
            Dialect::Postgres => {
                // Roles are everybody's, and cases make some.
                let mut scratch = own_scratch()?;
                let mut shared = scratch.create("oracle").unwrap();
                shared.session.run(PRELUDE).unwrap();
                for name in ROLES {
                    shared.session.run(&role(name, "nologin")).unwrap();
                }
                Scratches { scratch, shared: Some(shared) }
            }
            Dialect::MySql => match MySql::shared(Vendor::MySql) {
                Ok(server) => return Some(Self::MySql(server)),
                Err(failure) => {
                    println!("skipped: {failure}");
                    return None;
                }
            },
            Dialect::Sqlite => {
                let scratch = Scratch::open(ScratchOptions::new(dialect)).unwrap();
                Scratches { scratch, shared: None }
            }
        };
        Some(Self::Scratch(Box::new(scratches)))
    }

    /// What stands after the statements, or the first that is refused.
    pub(super) fn build(&mut self, statements: &[String], query: &str) -> Result<Built, Refusal> {
        match self {
            Self::Scratch(it) => it.build(statements, query),
            Self::MySql(server) => build_mysql(server, statements, query),
        }
    }
}

impl Scratches {
    fn build(&mut self, statements: &[String], query: &str) -> Result<Built, Refusal> {
        let Some(shared) = &mut self.shared else { return self.build_alone(statements, query) };
        let session = &mut shared.session;
        session.run("begin").unwrap();
        let built = run(|it| session.run(it), statements).map(|()| Built {
            rows: rows(|it| session.rows(it), query),
            catalog: catalog_within(session, &[]).unwrap(),
        });
        session.run("rollback").unwrap();
        match built {
            Err(refusal) if ALONE.contains(&refusal.state.as_str()) => {
                self.build_alone(statements, query)
            }
            it => it,
        }
    }

    /// In a database of its own, statement by statement.
    fn build_alone(&mut self, statements: &[String], query: &str) -> Result<Built, Refusal> {
        let mut database = self.scratch.create("oracle").unwrap();
        if self.shared.is_some() {
            database.session.run(PRELUDE).unwrap();
        }
        let session: &mut Session = &mut database.session;
        run(|it| session.run(it), statements)?;
        let rows = rows(|it| session.rows(it), query);
        Ok(Built { rows, catalog: catalog(session, &[]).unwrap() })
    }
}

/// Definitions commit by themselves there, so every build has a database of its own, and the server's own
/// settings, as Drizzle's drivers leave them.
fn build_mysql(server: &Arc<MySql>, statements: &[String], query: &str) -> Result<Built, Refusal> {
    let database = server.database("oracle").unwrap();
    let target = MySqlTarget::parse(&server.socket_url(&database.name)).unwrap();
    let mut session = MySqlSession::open_plain(&target, Access::ReadWrite).unwrap();
    run(|it| session.run(it), statements)
        .map_err(|it| Refusal { message: it.message.replace(&database.name, "oracle"), ..it })?;
    let rows = rows(|it| session.rows(it), query);
    Ok(Built { rows, catalog: mysql_catalog::read(&database) })
}

fn run(
    mut send: impl FnMut(&str) -> Result<(), SqlError>,
    statements: &[String],
) -> Result<(), Refusal> {
    for sql in statements {
        send(sql).map_err(|error| Refusal {
            state: error.state.clone(),
            message: error.message.clone(),
            statement: sql.clone(),
        })?;
    }
    Ok(())
}

fn rows(mut send: impl FnMut(&str) -> Result<Vec<TextRow>, SqlError>, query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    let found = send(query).unwrap_or_else(|error| panic!("{}: {query}", error.message));
    let cell = |it: Option<String>| it.unwrap_or_else(|| "null".to_owned());
    let line = |row: Vec<Option<String>>| row.into_iter().map(cell).collect::<Vec<_>>().join("|");
    found.into_iter().map(line).collect::<Vec<_>>().join(", ")
}
