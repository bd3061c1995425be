//! What the tests of raingauge stand on: servers, projects, the real drizzle-kit, the built binary.
//!
//! Reading order: [`run`] (a finished process) → [`postgres`] (a throw-away server) · [`cache`] (a
//! fresh one, kept) · [`majors`] (of which versions) · [`pgbouncer`] (a
//! pooler in front of it) · [`mysql`] (the same of MySQL and MariaDB) · [`s3`] (an object store) → [`database`] (one database, and what is in it) → [`project`]
//! (a copy of an example with its database) →
//! [`node`] and [`judge`] (what the real drizzle-kit and drizzle-orm make of a project) →
//! [`raingauge`] and [`terminal`] (the binary under test). Nothing here knows raingauge's own crates:
//! a witness must not share code with the accused.
//!
//! Everything that can fail returns a [`Failure`], which prints as plain text, so that a test may
//! either `unwrap` it or end in `?`.

pub mod cache;
pub mod database;
pub mod failure;
pub mod judge;
pub mod large_schema;
pub mod majors;
pub mod mysql;
pub mod node;
pub mod pgbouncer;
pub mod postgres;
pub mod project;
pub mod raingauge;
pub mod releases;
pub mod run;
pub mod s3;
pub mod sqlite;
pub mod terminal;

pub use database::{Database, State};
pub use failure::{Failure, Result};
pub use judge::{Migrator, Verdict};
pub use mysql::MySql;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use project::{Example, Project};
pub use raingauge::Raingauge;
pub use run::Run;
pub use s3::S3;
pub use terminal::Terminal;
