//! What writes to live: everything here takes a consent and a protection, and holds the lock.

mod failure;
mod intent;
pub mod migrate;
mod postgres;
mod rebuild;
pub mod reconcile;
mod retype;
pub(crate) mod risks;
mod sqlite;
mod tripwire;
