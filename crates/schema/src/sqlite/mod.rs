//! SQLite. Reading order: `catalog` (facts) · `schema` (what Drizzle can express) · `grammar`
//! (spellings) · `diff` · `render` · `snapshot` (Drizzle's JSON) · `split` (scripts to statements).

pub mod catalog;
pub mod grammar;
pub mod hazard;
pub mod schema;
pub mod split;
pub mod token;
