//! The next migration: what leads from the last snapshot to `schema.ts`.
//!
//! Reading order: `stand` (what the history says that there is) → `draft` (renames settled, statements and
//! snapshot made) → `naming` (file names and times) → `publish` (files written, all or none). Nothing here
//! opens a database.

mod draft;
mod naming;
mod publish;
mod stand;
mod words;

pub use draft::{Draft, Unsettled, Way, draft};
pub use naming::{Named, named};
pub use publish::{Publication, has_grown, locked, take_back_interrupted};
pub use stand::Stand;
