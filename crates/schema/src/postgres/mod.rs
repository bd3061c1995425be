//! PostgreSQL. Reading order: `catalog` (facts) · `schema` (what Drizzle can express) · `grammar`
//! (spellings) · `snapshot` (Drizzle's JSON) · `encode` (schema to snapshot) · `diff` · `render` ·
//! `split` (scripts to statements).

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
