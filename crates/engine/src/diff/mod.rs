//! What is different between two sides, and the statements that lead from one to the other.
//!
//! `source` what was named: a database, `schema.ts`, a history, scripts, a snapshot → `build` its catalog,
//! and the [`piece`]s that make each of its objects, as the engine itself says them → [`view`] what counts
//! as a difference → `way` the statements, which a `workshop` finds by trying them on a copy of the
//! first side: `postgres`, `mysql` and `sqlite` know what to try. Nothing is written to either side.

mod build;
mod mysql;
pub mod piece;
mod postgres;
mod source;
mod sqlite;
pub mod view;
mod way;
mod workshop;

pub use build::{Builder, Side};
pub use source::{Nature, Source};
pub use view::View;
pub use way::{Goal, Trial, Way, lead};
