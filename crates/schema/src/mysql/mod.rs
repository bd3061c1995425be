//! MySQL and MariaDB: what Drizzle declares and writes. Reading order: `schema` (what Drizzle can
//! express) · `snapshot` (Drizzle's JSON) · `encode` (schema to snapshot) · `diff` · `render` · `rows` (all
//! that for Drizzle 1.0). There is no live side yet, so none of the files that read or judge a database.

pub mod diff;
mod encode;
pub mod render;
pub mod rows;
pub mod schema;
pub mod snapshot;
