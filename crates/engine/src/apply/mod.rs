//! What writes to live: everything here takes a consent and a protection, and holds the lock.

mod intent;
pub mod migrate;
pub mod reconcile;
pub(crate) mod tripwire;
