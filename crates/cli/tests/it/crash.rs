//! Runs that end in the middle: killed at every boundary, at any moment, by signals, by errors.
//!
//! [`scene`] is a lived bookstore whose temporary files are apart, and what has to be true of it after
//! a crash; `boundaries` and `moments` kill `execute`, `matrix` kills `migrate` at every statement,
//! `reconcile`, `migrate` and `fix` kill those and interfere before the resume, `upgrade` kills that,
//! `signals` asks politely.

mod boundaries;
mod fix;
mod matrix;
mod migrate;
mod moments;
mod reconcile;
pub(crate) mod scene;
mod signals;
mod upgrade;

/// Whether to run the counts that issues name instead of a sample.
pub(crate) fn is_full() -> bool {
    std::env::var_os("RAINGAUGE_FULL").is_some()
}
