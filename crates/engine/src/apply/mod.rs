//! What writes to live: everything here takes a consent and a protection, and holds the lock.

pub mod algorithm;
mod alone;
pub mod back;
mod cascade;
mod crowd;
mod engines;
mod failure;
pub mod foresee;
pub(crate) mod intent;
mod ledger;
pub mod locks;
pub mod migrate;
mod mysql;
mod pace;
mod postgres;
mod rebuild;
pub mod reconcile;
mod removal;
pub mod repair;
pub(crate) mod retype;
pub(crate) mod risks;
mod sqlite;
mod statement;
mod steps;
mod tripwire;
mod turn;
pub mod undo;
pub mod upgrade;
mod watch;

pub use pace::Pace;
