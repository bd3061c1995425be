//! MySQL and MariaDB. Reading order: `catalog` (rows → catalog) · `schema` (what Drizzle can express) ·
//! `grammar` (spellings) · `snapshot` (Drizzle's JSON) · `encode` (schema to snapshot) · `diff` ·
//! `render` · `rows` (all that for Drizzle 1.0) · `token`, `split` (scripts to statements) · `hazard`
//! (what a statement does to rows) · `adopt` (live to schema).

pub mod adopt;
pub mod catalog;
pub mod diff;
mod encode;
pub mod grammar;
pub mod hazard;
pub mod render;
pub mod rows;
pub mod schema;
pub mod snapshot;
pub mod split;
pub mod token;
