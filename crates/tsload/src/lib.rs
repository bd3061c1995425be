//! Reads `drizzle.config.*` and `schema.ts` with the project's own drizzle-orm, without Node.
//!
//! A file is parsed and stripped of its types ([`transpile`]), the engine finds the modules that it
//! imports ([`modules`], [`workspace`]) and evaluates them within bounds ([`sandbox`]); a small prelude in
//! JavaScript stands in for Node and describes what the files export (`js/`), and the description
//! becomes a schema of `raingauge-schema` ([`declared`]). The code that runs here is the user's: it
//! can read the project, and nothing else.

mod config;
mod declared;
mod depth;
mod dotenv;
mod error;
mod export_order;
mod external;
mod host;
mod judgement;
mod literal;
mod module_record;
mod modules;
mod nesting;
mod patterns;
mod plugnplay;
mod programs;
mod project;
mod redaction;
mod sandbox;
mod segment;
mod thrown;
mod transpile;
mod versions;
mod workspace;
pub mod written;

pub use config::{Config, Ignored};
pub use declared::{Declared, DeclaredSchema, SourceLine};
pub use error::{LoadError, Place};
pub use judgement::Judgement;
pub use project::{Ahead, Loading, Project};
pub use raingauge_schema::drizzle::Generation;
pub use sandbox::Runtime;
pub use versions::Versions;
