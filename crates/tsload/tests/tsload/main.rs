//! Small projects in a temporary folder, with the real drizzle-orm linked in.
//!
//! `RAINGAUGE_TEST_NODE_MODULES` names the `node_modules` folder to link.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "these are tests")]

mod cases;
mod config;
mod errors;
mod imports;
mod limits;
mod nesting;
mod order;
mod postgres;
mod project;
mod sqlite;
