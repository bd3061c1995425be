//! Catalogs, declared schemas and Drizzle's file formats: data in, data out.
//!
//! Nothing here touches a file, a server, a clock or chance, so nothing here can surprise. Reading
//! order: [`catalog`] (what an engine knows) → [`compare()`] (where two catalogs differ) →
//! [`postgres`], [`sqlite`] and [`mysql`] (each dialect's declared schema, differ and renderer) → [`drizzle`]
//! (journal, ledger rows, layout) → [`plan`] (statements with their hazards).

#![warn(clippy::wildcard_enum_match_arm)]

pub mod catalog;
pub mod compare;
pub mod dialect;
pub mod drizzle;
pub mod fingerprint;
pub mod mysql;
pub mod order;
pub mod pair;
pub mod plan;
pub mod postgres;
pub mod rename;
pub mod script;
pub mod sqlite;
pub mod steps;
pub mod token;

pub use catalog::{Catalog, Kind, Object, ObjectId, Unseen};
pub use compare::{Comparison, compare};
pub use dialect::Dialect;
pub use fingerprint::Fingerprint;
pub use pair::Pair;
